//! The greatest of several tensors, element by element, with broadcasting.

use super::concat::Gathered;
use super::{Operator, Proof, moves, sums};
use crate::graph::Node;
use crate::program::skeleton::SkeletonKind;
use crate::program::skeleton::ops::{Builder, Input, Lowered, NewOp, NewScale, NewValue};
use crate::program::skeleton::weights::broadcast;
use crate::program::{Read, Window};

pub(super) static MAX: Operator = Operator {
    name: "Max",
    opsets: "8–21",
    proof: Proof::LinearAndMaximum,
    becomes: "operands stacked under the least scale that holds them all, then a maximum over the \
              stack",
    error: sums::ERROR,
    lower: |builder, node| extreme(builder, node, 1.0),
};

/// The maximum of the inputs times `sign`, times `sign` again: for -1 the minimum.
///
/// Ranges are derived: under the greatest scale of the operands every one of them fits. A minimum
/// stops where an operand is the least integer of its range, whose negative doesn't fit.
pub(super) fn extreme(builder: &Builder<'_>, node: &Node, sign: f64) -> Result<Lowered, String> {
    let shape = builder.output_shape(node)?;
    let count = node.inputs.len();
    let len: usize = shape.iter().product();
    let stacked: Vec<usize> = std::iter::once(count).chain(shape.iter().copied()).collect();
    if !crate::program::check::is_possible(&stacked) {
        return Err("it has too many operands for their size".into());
    }
    let mut gathered = Gathered::default();
    for position in 0..count {
        let from = builder.shape(node, position)?;
        if builder.is_constant(node, position) {
            let (values, operand) = (builder.weights(node, position)?, broadcast(from, shape)?);
            gathered.bias.resize(count * len, 0.0);
            for at in 0..len {
                let value = values[operand.element(shape, at)];
                gathered.constant(position * len + at, sign as f32 * value);
            }
        } else {
            let mut axes = moves::broadcast(from, shape)?;
            axes.insert(0, (0..count).map(|at| (at == position).then_some(0)).collect());
            let read = Read { axes, sums: Vec::new() };
            gathered.read(builder, node, position, read, sign)?;
        }
    }
    if gathered.inputs.is_empty() {
        return Err("it compares constants only".into());
    }
    let (kind, inputs, scale) = gathered.finish(stacked.clone());
    let mut ops = vec![moves::step(kind, inputs, "stack", stacked, scale)];
    let window = column(1, count, len);
    push_maximum(&mut ops, Input::Step(0), window, shape, sign);
    Ok(Lowered::Ops(ops))
}

/// A window over the middle of `[outer, count, inner]`.
pub(super) fn column(outer: usize, count: usize, inner: usize) -> Window {
    Window {
        planes: outer,
        input: [count, inner],
        output: [1, inner],
        kernel: [count, 1],
        strides: [1, 1],
        pads: [0, 0],
        dilations: [1, 1],
        spreads: [1, 1],
    }
}

/// Adds a maximum over windows of the last step, and its negative where `sign` is -1; the last is
/// the node's output.
pub(super) fn push_maximum(
    ops: &mut Vec<NewOp>,
    input: Input,
    window: Window,
    shape: &[usize],
    sign: f64,
) {
    let scale = NewScale::Of(input);
    let is_last = sign > 0.0;
    let output = match is_last {
        true => NewValue::Output(0),
        false => NewValue::Step("maximum", shape.to_vec()),
    };
    ops.push(NewOp { kind: SkeletonKind::MaxPool(window), inputs: vec![input], output, scale });
    if !is_last {
        ops.push(negative(Input::Step(ops.len() - 1), shape, NewValue::Output(0)));
    }
}

/// The negative of a tensor, under its scale.
pub(super) fn negative(input: Input, shape: &[usize], output: NewValue) -> NewOp {
    let len: usize = shape.iter().product();
    let axis = (0..len as u32).map(Some).collect();
    let read = Read { axes: vec![axis], sums: Vec::new() };
    let kind = moves::gather(vec![len], vec![read], vec![-1.0]);
    NewOp { kind, inputs: vec![input], output, scale: NewScale::Of(input) }
}
