//! A tensor in several along an axis.

use super::{Operator, Proof, moves};
use crate::graph::Node;
use crate::program::Read;
use crate::program::skeleton::ops::{Builder, Input, Lowered, NewOp, NewScale, NewValue};

pub(super) static SPLIT: Operator = Operator {
    name: "Split",
    opsets: "7–21",
    proof: Proof::Move,
    becomes: "gather for each output",
    error: moves::EXACT,
    lower: split,
};

fn split(builder: &Builder<'_>, node: &Node) -> Result<Lowered, String> {
    let input = builder.shape(node, 0)?;
    let axis = moves::axis(node.attributes.int("axis").unwrap_or(0), input.len())?;
    let value = Input::Value(builder.data(node, 0)?);
    let strides = moves::strides(input);
    let (mut start, mut ops) = (0, Vec::new());
    for position in 0..node.outputs.len() {
        let tensor = builder.graph.output(node, position);
        let shape = tensor.and_then(|tensor| tensor.shape.clone());
        let shape = shape.ok_or("the shape of an output is not known")?;
        let side = *shape.get(axis).ok_or("an output has too few dimensions")?;
        let axes = (0..input.len()).map(|other| match other == axis {
            true => moves::steps((start..start + side).map(Some), strides[axis]),
            false => moves::whole(input[other], strides[other]),
        });
        let read = Read { axes: axes.collect::<Result<_, _>>()?, sums: Vec::new() };
        let kind = moves::gather(shape, vec![read], vec![1.0]);
        let (output, scale) = (NewValue::Output(position), NewScale::Of(value));
        ops.push(NewOp { kind, inputs: vec![value], output, scale });
        start += side;
    }
    if start != input[axis] {
        return Err("its outputs don't make up its input".into());
    }
    Ok(Lowered::Ops(ops))
}
