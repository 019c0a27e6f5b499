//! `x · c` for a constant `c`, with broadcasting.

use super::moves::{self, broadcast};
use super::pow::power;
use super::{Operator, Proof, function, layers};
use crate::graph::Node;
use crate::program::skeleton::ops::{Builder, Input, Lowered, NewOp, NewScale};
use crate::program::skeleton::{FloatWeights, SkeletonKind};
use crate::program::{Operand, Read, Window};

pub(super) static MUL: Operator = Operator {
    name: "Mul",
    opsets: "7–21",
    proof: Proof::LinearOrProduct,
    becomes: "convolution with a weight a channel, one factor constant; folded into the layer \
              before it where it can be; a table of x² where both factors are one tensor; a \
              sum of products where two are computed",
    error: layers::ERROR,
    lower: mul,
};

fn mul(builder: &Builder<'_>, node: &Node) -> Result<Lowered, String> {
    if node.inputs.first() == node.inputs.get(1) {
        return function::lower(builder, node, power, [2.0, 0.0]);
    }
    match (builder.is_constant(node, 0), builder.is_constant(node, 1)) {
        (false, true) => scaled(builder, node, 0, 1, |c| c),
        (true, false) => scaled(builder, node, 1, 0, |c| c),
        (false, false) => product(builder, node),
        (true, true) => Err("it multiplies constants only".into()),
    }
}

/// The product of two computed tensors, element by element.
fn product(builder: &Builder<'_>, node: &Node) -> Result<Lowered, String> {
    let [left, right] = [builder.data(node, 0)?, builder.data(node, 1)?].map(Input::Value);
    product_with(builder, node, Vec::new(), left, right)
}

/// Adds the product of tensors in the shapes of the node's inputs to the steps before it.
pub(super) fn product_with(
    builder: &Builder<'_>,
    node: &Node,
    mut ops: Vec<NewOp>,
    left: Input,
    right: Input,
) -> Result<Lowered, String> {
    let shape = builder.output_shape(node)?;
    let read = |position: usize| -> Result<Read, String> {
        let axes = broadcast(builder.shape(node, position)?, shape)?;
        Ok(Read { axes, sums: Vec::new() })
    };
    let kind = SkeletonKind::Product { shape: shape.to_vec(), left: read(0)?, right: read(1)? };
    ops.push(NewOp::last(kind, vec![left, right]));
    Ok(Lowered::Ops(ops))
}

/// The product of a computed input with `factor(c)` of a constant one.
pub(super) fn scaled(
    builder: &Builder<'_>,
    node: &Node,
    data: usize,
    constant: usize,
    factor: impl Fn(f64) -> f64,
) -> Result<Lowered, String> {
    let (from, shape) = (builder.shape(node, data)?, builder.output_shape(node)?);
    let constants: Vec<f64> =
        builder.weights(node, constant)?.iter().map(|&c| factor(f64::from(c))).collect();
    if let Some(at) = constants.iter().position(|c| !c.is_finite()) {
        return Err(format!("its constant gives no finite factor at element {at}"));
    }
    let operand =
        crate::program::skeleton::weights::broadcast(builder.shape(node, constant)?, shape)?;
    let input = builder.data(node, data)?;
    if from == shape
        && let Some(op) = builder.foldable(node, input)
        && let Some(factors) =
            builder.per_channel(op, shape, |at| constants[operand.element(shape, at)])
    {
        let shifts = vec![0.0; factors.len()];
        return Ok(Lowered::Folded { op, factors, shifts });
    }
    let mut ops = Vec::new();
    let read = broadcast_first(&mut ops, Input::Value(input), from, shape)?;
    let channels = Channels::of(shape, &operand);
    let factors = channels.numbers(shape, &operand, &constants);
    ops.push(NewOp::last(channels.convolution(1, vec![1.0; factors.len()], factors), vec![read]));
    Ok(Lowered::Ops(ops))
}

/// An input in the shape of the output, by a step of its own where it has fewer elements.
pub(super) fn broadcast_first(
    ops: &mut Vec<NewOp>,
    input: Input,
    from: &[usize],
    shape: &[usize],
) -> Result<Input, String> {
    if from.iter().product::<usize>() == shape.iter().product::<usize>() {
        return Ok(input);
    }
    let whole = Read { axes: broadcast(from, shape)?, sums: Vec::new() };
    let kind = moves::gather(shape.to_vec(), vec![whole], vec![1.0]);
    ops.push(moves::step(kind, vec![input], "broadcast", shape.to_vec(), NewScale::Of(input)));
    Ok(Input::Step(ops.len() - 1))
}

/// A shape as `[outer, channels, inner]`, so that a constant only depends on the channel.
pub(super) struct Channels {
    pub outer: usize,
    pub channels: usize,
    pub inner: usize,
    /// The axes that are the channels.
    axes: std::ops::Range<usize>,
}

impl Channels {
    /// From how the constant is broadcast: the axes between the first and the last that it varies
    /// over.
    pub fn of(shape: &[usize], operand: &Operand) -> Self {
        let mut varying = (0..shape.len()).filter(|&axis| operand.strides[axis] > 0);
        let axes = match varying.next() {
            Some(first) => first..varying.next_back().unwrap_or(first) + 1,
            None => 0..0,
        };
        let side = |axes: &[usize]| axes.iter().product();
        Self {
            outer: side(&shape[..axes.start]),
            channels: side(&shape[axes.clone()]),
            inner: side(&shape[axes.end..]),
            axes,
        }
    }

    /// The constant's number for each channel.
    pub fn numbers(&self, shape: &[usize], operand: &Operand, constants: &[f64]) -> Vec<f64> {
        let strides = operand.strides[self.axes.clone()].to_vec();
        let (channels, operand) = (&shape[self.axes.clone()], Operand { strides });
        (0..self.channels).map(|channel| constants[operand.element(channels, channel)]).collect()
    }

    /// A convolution of one pixel that sums `fan` channels of the input into each of its own, with
    /// these weights times a factor a channel.
    pub fn convolution(&self, fan: usize, weights: Vec<f32>, factors: Vec<f64>) -> SkeletonKind {
        self.biased(fan, weights, factors, vec![0.0; self.channels])
    }

    /// As [`Channels::convolution`], with a bias a channel.
    pub fn biased(
        &self,
        fan: usize,
        weights: Vec<f32>,
        factors: Vec<f64>,
        bias: Vec<f64>,
    ) -> SkeletonKind {
        let window = Window {
            planes: self.outer,
            input: [1, self.inner],
            output: [1, self.inner],
            kernel: [1, 1],
            strides: [1, 1],
            pads: [0, 0],
            dilations: [1, 1],
            spreads: [1, 1],
        };
        let floats = FloatWeights { weights: weights.into(), factors, bias };
        SkeletonKind::Conv {
            window,
            channels_in: fan * self.channels,
            groups: self.channels,
            floats,
        }
    }
}
