//! How far the fixed-point program is from the float reference.

use serde::{Deserialize, Serialize};

/// Distance of a fixed-point result from the float one.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fidelity {
    /// Mean absolute difference of the output probabilities (softmax of the outputs).
    pub d1: f64,
    /// Total variation of the output probabilities: half the sum of absolute differences.
    pub tvd: f64,
    /// Mean absolute difference of the outputs themselves.
    pub mean_absolute_error: f64,
    /// Greatest absolute difference of the outputs themselves.
    pub max_absolute_error: f64,
    /// Whether the greatest output is the same one.
    pub argmax_agrees: bool,
}

impl Fidelity {
    /// Compares two results of one length. An empty result agrees with itself.
    #[must_use]
    pub fn of(fixed: &[f32], float: &[f32]) -> Self {
        let n = fixed.len().min(float.len()).max(1) as f64;
        let distance =
            |a: &[f64], b: &[f64]| -> f64 { a.iter().zip(b).map(|(a, b)| (a - b).abs()).sum() };
        let widen = |v: &[f32]| v.iter().map(|&x| f64::from(x)).collect::<Vec<_>>();
        let (fixed, float) = (widen(fixed), widen(float));
        let total = distance(&softmax(&fixed), &softmax(&float));
        Self {
            d1: total / n,
            tvd: total / 2.0,
            mean_absolute_error: distance(&fixed, &float) / n,
            max_absolute_error: fixed
                .iter()
                .zip(&float)
                .map(|(a, b)| (a - b).abs())
                .fold(0.0, f64::max),
            argmax_agrees: argmax(&fixed) == argmax(&float),
        }
    }
}

/// Probabilities for real numbers, by `exp(x - max)`.
#[must_use]
pub fn softmax(values: &[f64]) -> Vec<f64> {
    let greatest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let powers: Vec<f64> = values.iter().map(|v| (v - greatest).exp()).collect();
    let sum: f64 = powers.iter().sum();
    powers.into_iter().map(|p| p / sum).collect()
}

/// Index of the greatest number, the first of equals.
#[must_use]
pub fn argmax(values: &[f64]) -> Option<usize> {
    (0..values.len()).reduce(|best, i| if values[i] > values[best] { i } else { best })
}
