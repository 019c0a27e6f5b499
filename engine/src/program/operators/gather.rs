//! Positions of an axis, by constant indices.

use super::{Operator, Proof, moves};
use crate::graph::Node;
use crate::program::skeleton::ops::{Builder, Lowered};

pub(super) static GATHER: Operator = Operator {
    name: "Gather",
    opsets: "7–21",
    proof: Proof::Move,
    becomes: "gather; computed indices are refused",
    error: moves::EXACT,
    lower: gather,
};

fn gather(builder: &Builder<'_>, node: &Node) -> Result<Lowered, String> {
    let input = builder.shape(node, 0)?;
    let axis = moves::axis(node.attributes.int("axis").unwrap_or(0), input.len())?;
    if !builder.is_constant(node, 1) {
        return Err("computed indices are not supported in a proof here".into());
    }
    let indices = builder.ints(node, 1)?.unwrap_or_default();
    let positions = indices.iter().map(|&i| moves::axis(i, input[axis])).map(|i| i.map(Some));
    let positions = positions
        .collect::<Result<Vec<_>, _>>()
        .map_err(|_| format!("an index is beyond the {} positions that there are", input[axis]))?;
    let strides = moves::strides(input);
    let mut shape = input.to_vec();
    shape[axis] = positions.len();
    let expected: usize = builder.output_shape(node)?.iter().product();
    if shape.iter().product::<usize>() != expected {
        return Err("its indices don't give its output".into());
    }
    let axes = (0..input.len()).map(|other| match other == axis {
        true => moves::steps(positions.clone(), strides[axis]),
        false => moves::whole(input[other], strides[other]),
    });
    moves::moved(builder, node, shape.clone(), axes.collect::<Result<_, _>>()?)
}
