//! Elements around a tensor: a constant, its edge, or its mirror image.

use super::{Operator, Proof, moves, sums};
use crate::graph::{Constant, Node};
use crate::program::Read;
use crate::program::skeleton::SkeletonKind;
use crate::program::skeleton::ops::{Builder, Input, Lowered, NewOp, NewScale};

pub(super) static PAD: Operator = Operator {
    name: "Pad",
    opsets: "7–21",
    proof: Proof::Linear,
    becomes: "gather, the constant in its bias; exact but for a constant that is not zero; modes \
              constant, edge and reflect",
    error: sums::ERROR,
    lower: pad,
};

fn pad(builder: &Builder<'_>, node: &Node) -> Result<Lowered, String> {
    let (input, output) = (builder.shape(node, 0)?, builder.output_shape(node)?);
    let rank = input.len();
    // An attribute up to opset 10, a constant input after it.
    let pads = match builder.graph.opset < 11 {
        true => node.attributes.ints("pads"),
        false => builder.ints(node, 1)?,
    };
    let pads = pads.ok_or("its pads are missing")?;
    let axes = match builder.ints(node, 3)? {
        Some(axes) => axes.iter().map(|&a| moves::axis(a, rank)).collect::<Result<Vec<_>, _>>()?,
        None => (0..rank).collect(),
    };
    if pads.len() != 2 * axes.len() || output.len() != rank {
        return Err("its pads don't fit its dimensions".into());
    }
    let mode = node.attributes.text("mode").unwrap_or("constant");
    let mut before = vec![0i64; rank];
    for (&axis, &pad) in axes.iter().zip(pads) {
        before[axis] = pad;
    }
    let strides = moves::strides(input);
    let mut lists = Vec::with_capacity(rank);
    for axis in 0..rank {
        let (side, last) = (input[axis] as i64, input[axis] as i64 - 1);
        let position = |at: usize| -> Result<Option<usize>, String> {
            let at = (at as i64).saturating_sub(before[axis]);
            let from = match mode {
                "constant" => return Ok(usize::try_from(at).ok().filter(|&at| at < input[axis])),
                "edge" => at.clamp(0, last),
                "reflect" if (-last..=2 * last).contains(&at) => last - (last - at.abs()).abs(),
                "reflect" => return Err(format!("it mirrors more than the {side} it has")),
                other => return Err(format!("mode {other} is not supported")),
            };
            Ok(usize::try_from(from).ok())
        };
        let positions = (0..output[axis]).map(position).collect::<Result<Vec<_>, _>>()?;
        lists.push(moves::steps(positions, strides[axis])?);
    }
    let constant = constant(builder, node)?;
    if constant == 0.0 || mode != "constant" {
        return moves::moved(builder, node, output.to_vec(), lists);
    }
    let value = Input::Value(builder.data(node, 0)?);
    let mut bias = Vec::with_capacity(output.iter().product());
    crate::program::gather::positions(output, |_, position| {
        let inside = lists.iter().zip(position).all(|(list, &at)| list[at].is_some());
        bias.push(if inside { 0.0 } else { constant });
    });
    let reads = vec![Read { axes: lists, sums: Vec::new() }];
    let kind =
        SkeletonKind::Gather { shape: output.to_vec(), reads, coefficients: vec![1.0], bias };
    let scale = NewScale::Holding(vec![value], constant.abs());
    Ok(Lowered::Ops(vec![NewOp { scale, ..NewOp::last(kind, vec![value]) }]))
}

/// An attribute up to opset 10, a constant input after it.
fn constant(builder: &Builder<'_>, node: &Node) -> Result<f64, String> {
    if builder.graph.opset < 11 {
        return Ok(super::function::attribute(node, "value", 0.0));
    }
    match builder.graph.input(node, 2).map(|tensor| &tensor.constant) {
        None => Ok(0.0),
        Some(Some(Constant::Float(values))) if values.len() == 1 && values[0].is_finite() => {
            Ok(f64::from(values[0]))
        }
        Some(_) => Err("its constant is not one finite number".into()),
    }
}
