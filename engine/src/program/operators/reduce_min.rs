//! The minimum over axes.

use super::{Operator, Proof, reduce_max};

pub(super) static REDUCE_MIN: Operator = Operator {
    name: "ReduceMin",
    proof: Proof::LinearAndMaximum,
    becomes: "the negative of the ReduceMax of the negative",
    lower: |builder, node| reduce_max::reduce(builder, node, -1.0),
    ..reduce_max::REDUCE_MAX
};
