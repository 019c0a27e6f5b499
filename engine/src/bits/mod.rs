//! How many bits a model needs: what rounding to some bits does to its answers, and what proving
//! costs with them, over a grid of settings; and the choice of the cheapest that is good enough.
//!
//! More bits of an activation make the tables of a circuit longer, and more bits of either make
//! sums that take more look-ups; fewer bits round more coarsely. Which settings keep a network's
//! answers depends on the network, so they are tried: [`Question::sweep`] runs the fixed-point
//! program under each against one float run an input, and lays out the circuits of a plan's
//! slices. [`Sweep::choose`] then takes the cheapest setting that meets a [`Target`].

mod choice;
mod sweep;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use crate::plan::SliceEstimate;
use crate::program::Settings;
use crate::prove::Shape;

pub use choice::{Choice, Target};
pub use sweep::{Cases, Question, SweepError};

/// Bits of activations and weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Bits {
    /// Bits of an activation, 4 to 12.
    pub act_bits: u32,
    /// Bits of a weight, 4 to 16.
    pub weight_bits: u32,
}

impl Bits {
    /// The least and the most bits of an activation.
    pub const ACT: [u32; 2] = [4, 12];
    /// The least and the most bits of a weight.
    pub const WEIGHT: [u32; 2] = [4, 16];

    /// Whether a model can be quantised so.
    #[must_use]
    pub fn is_possible(self) -> bool {
        let within = |bits: u32, [least, most]: [u32; 2]| (least..=most).contains(&bits);
        within(self.act_bits, Self::ACT) && within(self.weight_bits, Self::WEIGHT)
    }

    /// The settings of quantisation with these bits.
    #[must_use]
    pub fn settings(self, headroom: f64) -> Settings {
        Settings { act_bits: self.act_bits, weight_bits: self.weight_bits, headroom }
    }
}

impl Default for Bits {
    fn default() -> Self {
        let Settings { act_bits, weight_bits, .. } = Settings::DEFAULT;
        Self { act_bits, weight_bits }
    }
}

impl std::fmt::Display for Bits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-bit activations and {}-bit weights", self.act_bits, self.weight_bits)
    }
}

/// The settings that are tried: each number of bits of an activation with each of a weight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grid {
    /// Bits of an activation, increasing.
    pub act_bits: Vec<u32>,
    /// Bits of a weight, increasing.
    pub weight_bits: Vec<u32>,
}

impl Grid {
    /// Every number of bits for activations, since each doubles the tables; every second one for
    /// weights, which change the cost little and the error smoothly. [`Settings::DEFAULT`] is in
    /// it.
    #[must_use]
    pub fn full() -> Self {
        let [least, most] = Bits::WEIGHT;
        let act_bits = (Bits::ACT[0]..=Bits::ACT[1]).collect();
        Self { act_bits, weight_bits: (least..=most).step_by(2).collect() }
    }

    /// The grid with one of its axes, or both, held at a number of bits.
    #[must_use]
    pub fn held(mut self, act_bits: Option<u32>, weight_bits: Option<u32>) -> Self {
        if let Some(bits) = act_bits {
            self.act_bits = vec![bits];
        }
        if let Some(bits) = weight_bits {
            self.weight_bits = vec![bits];
        }
        self
    }

    /// Its settings, by activations and then by weights.
    #[must_use]
    pub fn settings(&self) -> Vec<Bits> {
        let weights = |act_bits| {
            self.weight_bits.iter().map(move |&weight_bits| Bits { act_bits, weight_bits })
        };
        self.act_bits.iter().flat_map(|&act_bits| weights(act_bits)).collect()
    }
}

/// What proving the slices of a plan is predicted to cost, one after the other.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Cost {
    /// Seconds of proving.
    pub predicted_prove_secs: f64,
    /// The seconds that it takes at least, with little chance of less.
    pub predicted_prove_secs_low: f64,
    /// The seconds that it takes at most, with little chance of more.
    pub predicted_prove_secs_high: f64,
    /// Bytes of memory of the largest slice.
    pub predicted_peak_bytes: u64,
    /// Bytes of all proofs.
    pub predicted_proof_bytes: u64,
    /// The largest k of a circuit of `halo2`; none where no slice is proven by it.
    pub k: Option<u32>,
    /// The rows that those circuits use together.
    pub rows: Option<usize>,
    /// The elements that proofs by `whir` commit to together; none where no slice is proven by it.
    pub cells: Option<usize>,
    /// Their look-ups together.
    pub lookups: Option<usize>,
    /// Slices that can't be proven, and are in none of the figures.
    pub unproven: usize,
}

impl Cost {
    /// The cost of slices; none where not one can be proven.
    pub(crate) fn of<'a>(slices: impl IntoIterator<Item = &'a SliceEstimate>) -> Option<Self> {
        let (mut cost, mut proven) = (Self::default(), 0);
        let add = |sum: &mut Option<usize>, more: usize| *sum = Some(sum.unwrap_or(0) + more);
        for slice in slices {
            let (Some(prediction), Some(shape)) = (&slice.prediction, &slice.circuit) else {
                cost.unproven += 1;
                continue;
            };
            proven += 1;
            cost.predicted_prove_secs += prediction.prove_secs;
            cost.predicted_prove_secs_low += prediction.prove_secs_low;
            cost.predicted_prove_secs_high += prediction.prove_secs_high;
            cost.predicted_peak_bytes = cost.predicted_peak_bytes.max(prediction.peak_bytes);
            cost.predicted_proof_bytes += prediction.proof_bytes;
            match shape {
                Shape::Halo2(shape) => {
                    cost.k = cost.k.max(Some(shape.k));
                    add(&mut cost.rows, shape.rows.max());
                }
                Shape::Whir(shape) => {
                    add(&mut cost.cells, shape.cells);
                    add(&mut cost.lookups, shape.lookups);
                }
            }
        }
        (proven > 0).then_some(cost)
    }
}

/// What a setting does to a model's answers, and what it costs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Point {
    /// The setting.
    #[serde(flatten)]
    pub bits: Bits,
    /// Mean D1 of the runs that came to an answer; none where no run did.
    pub d1: Option<f64>,
    /// Mean total variation of the same runs.
    pub tvd: Option<f64>,
    /// The part of the same runs whose greatest output is the float run's, 0 to 1.
    pub argmax_agreement: Option<f64>,
    /// Inputs that were run.
    pub inputs: usize,
    /// Those of them without an answer, since a value left its range.
    pub failed: usize,
    /// Why the first of them has none, or why the setting can't be had at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// What proving is predicted to cost; none where nothing can be proven.
    #[serde(flatten)]
    pub cost: Option<Cost>,
}

impl Point {
    /// Predicted seconds of proving, infinite where nothing can be proven.
    #[must_use]
    pub fn prove_secs(&self) -> f64 {
        self.cost.as_ref().map_or(f64::INFINITY, |cost| cost.predicted_prove_secs)
    }
}

/// What a sweep rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Evidence {
    /// Inputs that the scales are fitted to.
    pub fitted: usize,
    /// Inputs that the settings are judged by.
    pub judged: usize,
    /// Whether no input is both.
    pub held_out: bool,
}

/// The settings that were tried.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Sweep {
    /// One for each setting of the grid, in its order.
    pub points: Vec<Point>,
    /// What the figures rest on.
    pub evidence: Evidence,
}

impl Sweep {
    /// The settings that no other one beats in both: indices of points, by rising predicted time
    /// and falling D1. It is the curve of error against cost.
    #[must_use]
    pub fn frontier(&self) -> Vec<usize> {
        frontier(&self.points)
    }
}

/// See [`Sweep::frontier`].
#[must_use]
pub fn frontier(points: &[Point]) -> Vec<usize> {
    let mut order: Vec<(usize, f64, f64)> = points
        .iter()
        .enumerate()
        .filter_map(|(index, point)| Some((index, point.prove_secs(), point.d1?)))
        .filter(|(_, secs, d1)| secs.is_finite() && d1.is_finite())
        .collect();
    order.sort_by(|a, b| a.1.total_cmp(&b.1).then(a.2.total_cmp(&b.2)));
    let mut least = f64::INFINITY;
    order.retain(|&(_, _, d1)| {
        let is_better = d1 < least;
        least = least.min(d1);
        is_better
    });
    order.into_iter().map(|(index, ..)| index).collect()
}
