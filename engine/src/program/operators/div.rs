//! `x / c` for a constant `c`, with broadcasting.

use super::{Operator, Proof, mul};

pub(super) static DIV: Operator = Operator {
    name: "Div",
    opsets: "7–21",
    proof: Proof::Linear,
    becomes: "product with 1/c; a computed divisor is refused",
    lower: |builder, node| {
        if !builder.is_constant(node, 1) {
            return Err("a quotient by a computed tensor is not supported in a proof here".into());
        }
        mul::scaled(builder, node, 0, 1, |c| 1.0 / c)
    },
    ..mul::MUL
};
