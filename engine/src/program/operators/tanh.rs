//! The hyperbolic tangent.

use super::exponential::exp;
use super::{Operator, Proof, function};

pub(super) static TANH: Operator = Operator {
    name: "Tanh",
    opsets: "7–21",
    proof: Proof::Table,
    becomes: "table of 1 - 2 / (e^2x + 1)",
    error: function::ERROR,
    lower: |builder, node| {
        function::lower(builder, node, |x, _| 1.0 - 2.0 / (exp(2.0 * x) + 1.0), [0.0; 2])
    },
};
