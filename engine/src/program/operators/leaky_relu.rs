//! `x` where it is positive, else `alpha·x`.

use super::function::{self, attribute};
use super::{Operator, Proof};

/// The function of a slope.
pub(super) fn leaky(x: f64, [slope, _]: [f64; 2]) -> f64 {
    if x < 0.0 { slope * x } else { x }
}

pub(super) static LEAKY_RELU: Operator = Operator {
    name: "LeakyRelu",
    opsets: "7–21",
    proof: Proof::Table,
    becomes: "table of x, or alpha·x below zero",
    error: function::ERROR,
    lower: |builder, node| {
        function::lower(builder, node, leaky, [attribute(node, "alpha", 0.01), 0.0])
    },
};
