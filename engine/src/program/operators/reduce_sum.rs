//! The sum over axes.

use super::{Operator, Proof, moves, sums};

pub(super) static REDUCE_SUM: Operator = Operator {
    name: "ReduceSum",
    opsets: "7–21",
    proof: Proof::Linear,
    becomes: "weighted sum over any axes",
    error: sums::ERROR,
    lower: |builder, node| moves::weighted_sum(builder, node, |_| 1.0),
};
