//! `a - b` with broadcasting.

use super::{Operator, Proof, sums};

pub(super) static SUB: Operator = Operator {
    name: "Sub",
    opsets: "7–21",
    proof: Proof::Linear,
    becomes: "weighted sum with one weight negative, constants in its bias; folded as Add is",
    error: sums::ERROR,
    lower: |builder, node| builder.sum(node, &[1.0, -1.0]),
};
