//! `-x`.

use super::{Operator, Proof, sums};

pub(super) static NEG: Operator = Operator {
    name: "Neg",
    opsets: "7–21",
    proof: Proof::Linear,
    becomes: "weighted sum of one operand; folded into the layer before it",
    error: sums::ERROR,
    lower: |builder, node| builder.sum(node, &[-1.0]),
};
