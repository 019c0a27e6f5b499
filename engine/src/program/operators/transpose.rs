//! Dimensions in another order.

use super::{Operator, Proof, moves};
use crate::graph::Node;
use crate::program::skeleton::ops::{Builder, Lowered};

pub(super) static TRANSPOSE: Operator = Operator {
    name: "Transpose",
    opsets: "7–21",
    proof: Proof::Move,
    becomes: "gather",
    error: moves::EXACT,
    lower: transpose,
};

fn transpose(builder: &Builder<'_>, node: &Node) -> Result<Lowered, String> {
    let input = builder.shape(node, 0)?;
    let order = match node.attributes.ints("perm") {
        Some(order) => {
            order.iter().map(|&a| moves::axis(a, input.len())).collect::<Result<Vec<_>, _>>()?
        }
        None => (0..input.len()).rev().collect(),
    };
    let mut sorted = order.clone();
    sorted.sort_unstable();
    if !sorted.into_iter().eq(0..input.len()) {
        return Err("its perm is no order of its dimensions".into());
    }
    let strides = moves::strides(input);
    // Dimensions of one position may move anywhere without moving an element.
    let order: Vec<usize> = order.into_iter().filter(|&axis| input[axis] > 1).collect();
    if order.is_sorted() {
        return Ok(Lowered::Alias);
    }
    let shape = order.iter().map(|&axis| input[axis]).collect();
    let axes = order.iter().map(|&axis| moves::whole(input[axis], strides[axis]));
    moves::moved(builder, node, shape, axes.collect::<Result<_, _>>()?)
}
