//! A tensor broadcast to a larger shape.

use super::{Operator, Proof, moves};

pub(super) static EXPAND: Operator = Operator {
    name: "Expand",
    opsets: "8–21",
    proof: Proof::Move,
    becomes: "gather",
    error: moves::EXACT,
    lower: |builder, node| {
        let shape = builder.output_shape(node)?;
        let axes = moves::broadcast(builder.shape(node, 0)?, shape)?;
        moves::moved(builder, node, shape.to_vec(), axes)
    },
};
