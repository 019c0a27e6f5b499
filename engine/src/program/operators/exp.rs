//! `e^x`.

use super::exponential::exp;
use super::{Operator, Proof, function};

pub(super) static EXP: Operator = Operator {
    name: "Exp",
    opsets: "7–21",
    proof: Proof::Table,
    becomes: "table of e^x",
    error: function::ERROR,
    lower: |builder, node| function::lower(builder, node, |x, _| exp(x), [0.0; 2]),
};
