//! `1 / (1 + e^-x)`.

use super::exponential::exp;
use super::{Operator, Proof, function};

pub(super) static SIGMOID: Operator = Operator {
    name: "Sigmoid",
    opsets: "7–21",
    proof: Proof::Table,
    becomes: "table of 1 / (1 + e^-x)",
    error: function::ERROR,
    lower: |builder, node| function::lower(builder, node, |x, _| 1.0 / (1.0 + exp(-x)), [0.0; 2]),
};
