//! `x` where it is positive, else `slope·x`, with a constant slope.
//!
//! One slope for all is a table. Slopes that differ by channel are exact without any:
//! `PRelu(x) = slope·x + (1 - slope)·max(x, 0)`, one rounding after both products.

use super::leaky_relu::leaky;
use super::mul::Channels;
use super::{Operator, Proof, function, layers, moves};
use crate::graph::Node;
use crate::program::Read;
use crate::program::skeleton::SkeletonKind;
use crate::program::skeleton::ops::{Builder, Input, Lowered, NewOp, NewScale};
use crate::program::skeleton::weights::broadcast;

pub(super) static PRELU: Operator = Operator {
    name: "PRelu",
    opsets: "7–21",
    proof: Proof::ReluAndLinear,
    becomes: "slope·x + (1 - slope)·max(x, 0), slopes constant; a table where one slope holds for \
              all",
    error: layers::ERROR,
    lower: prelu,
};

fn prelu(builder: &Builder<'_>, node: &Node) -> Result<Lowered, String> {
    let shape = builder.output_shape(node)?;
    let slopes: Vec<f64> = builder.weights(node, 1)?.iter().map(|&s| f64::from(s)).collect();
    let first = slopes.first().copied().ok_or("it has no slope")?;
    if slopes.iter().all(|&slope| slope == first) {
        return function::lower(builder, node, leaky, [first, 0.0]);
    }
    let operand = broadcast(builder.shape(node, 1)?, shape)?;
    let channels = Channels::of(shape, &operand);
    let slopes = channels.numbers(shape, &operand, &slopes);
    let input = Input::Value(builder.data(node, 0)?);
    let of_input = || NewScale::Of(input);
    let positive =
        moves::step(SkeletonKind::Relu, vec![input], "positive", shape.to_vec(), of_input());

    // Each channel of the input, then its positive part.
    let Channels { outer, channels: count, inner, .. } = channels;
    let pairs = vec![outer, count, 2, inner];
    let read = |half: usize| -> Result<Read, String> {
        let axes = vec![
            moves::whole(outer, count * inner)?,
            moves::whole(count, inner)?,
            (0..2).map(|at| (at == half).then_some(0)).collect(),
            moves::whole(inner, 1)?,
        ];
        Ok(Read { axes, sums: Vec::new() })
    };
    let kind = moves::gather(pairs.clone(), vec![read(0)?, read(1)?], vec![1.0; 2]);
    let pairs = moves::step(kind, vec![input, Input::Step(0)], "pairs", pairs, of_input());

    let weights = slopes.iter().flat_map(|&slope| [slope as f32, (1.0 - slope) as f32]).collect();
    let sum = channels.convolution(2, weights, vec![1.0; count]);
    Ok(Lowered::Ops(vec![positive, pairs, NewOp::last(sum, vec![Input::Step(1)])]))
}
