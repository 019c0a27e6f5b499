//! Predictions of seconds and bytes from the size of a circuit.

use serde::{Deserialize, Serialize};

use crate::prove::Shape;
use crate::prove::halo2::CircuitShape;

/// What proving a slice is predicted to cost.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Prediction {
    /// Seconds to make the proof.
    pub prove_secs: f64,
    /// Peak bytes of the proving process.
    pub peak_bytes: u64,
}

/// Predicts the cost of a proof by `halo2`.
#[must_use]
pub fn halo2(shape: &CircuitShape) -> Prediction {
    let rows = (1u64 << shape.k) as f64;
    Prediction { prove_secs: rows * (shape.advice + shape.fixed) as f64, peak_bytes: 0 }
}

/// Predicts the cost of a proof from the size of its circuit.
#[must_use]
pub fn of(shape: &Shape) -> Prediction {
    match shape {
        Shape::Halo2(shape) => halo2(shape),
    }
}
