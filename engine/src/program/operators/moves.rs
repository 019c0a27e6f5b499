//! What operators share that move elements, broadcast constants, or sum over dimensions.

use crate::graph::Node;
use crate::program::Read;
use crate::program::skeleton::SkeletonKind;
use crate::program::skeleton::ops::{Builder, Input, Lowered, NewOp, NewScale, NewValue};

/// The error bound of every move.
pub(super) const EXACT: &str = "none";

/// Row-major strides.
pub(super) fn strides(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis] * shape[axis];
    }
    strides
}

/// The positions of an axis, each times the axis's stride.
pub(super) fn steps(
    positions: impl IntoIterator<Item = Option<usize>>,
    stride: usize,
) -> Result<Vec<Option<u32>>, String> {
    let step = |at: Option<usize>| match at {
        None => Ok(None),
        Some(at) => u32::try_from(at.saturating_mul(stride)).map(Some),
    };
    positions
        .into_iter()
        .map(|at| step(at).map_err(|_| "it reads a tensor of more than 2^32 elements".to_owned()))
        .collect()
}

/// A whole axis in its order.
pub(super) fn whole(side: usize, stride: usize) -> Result<Vec<Option<u32>>, String> {
    steps((0..side).map(Some), stride)
}

/// How a tensor of this shape is read by NumPy's rules as one of shape `to`.
pub(super) fn broadcast(from: &[usize], to: &[usize]) -> Result<Vec<Vec<Option<u32>>>, String> {
    let operand = crate::program::skeleton::weights::broadcast(from, to)?;
    to.iter().zip(operand.strides).map(|(&side, stride)| whole(side, stride)).collect()
}

/// An axis that may be counted from the end.
pub(super) fn axis(given: i64, rank: usize) -> Result<usize, String> {
    let counted = if given < 0 { given.saturating_add(rank as i64) } else { given };
    usize::try_from(counted)
        .ok()
        .filter(|&axis| axis < rank)
        .ok_or_else(|| format!("axis {given} of a tensor of {rank} dimensions doesn't exist"))
}

/// Whether a read takes all elements in their order.
pub(super) fn is_identity(shape: &[usize], read: &Read) -> bool {
    let in_order = |((axis, stride), side): ((&Vec<Option<u32>>, usize), usize)| {
        side == 1 && axis[0] == Some(0)
            || axis
                .iter()
                .enumerate()
                .all(|(at, &step)| step.map(|s| s as usize) == Some(at * stride))
    };
    read.sums.is_empty()
        && read.axes.iter().zip(strides(shape)).zip(shape.iter().copied()).all(in_order)
}

/// Lowers a node to a move of its first input, which its first output takes the scale of. The
/// output is seen in `shape`, of which `axes` has a list for each dimension.
pub(super) fn moved(
    builder: &Builder<'_>,
    node: &Node,
    shape: Vec<usize>,
    axes: Vec<Vec<Option<u32>>>,
) -> Result<Lowered, String> {
    let input = builder.data(node, 0)?;
    let read = Read { axes, sums: Vec::new() };
    let elements: usize = builder.shape(node, 0)?.iter().product();
    if is_identity(&shape, &read) && shape.iter().product::<usize>() == elements {
        return Ok(Lowered::Alias);
    }
    Lowered::of_scale(gather(shape, vec![read], vec![1.0]), input)
}

/// A gather without bias.
pub(super) fn gather(shape: Vec<usize>, reads: Vec<Read>, coefficients: Vec<f64>) -> SkeletonKind {
    SkeletonKind::Gather { shape, reads, coefficients, bias: Vec::new() }
}

/// A step between others, under the scale of a tensor that it reads.
pub(super) fn step(
    kind: SkeletonKind,
    inputs: Vec<Input>,
    name: &'static str,
    shape: Vec<usize>,
    scale: NewScale,
) -> NewOp {
    NewOp { kind, inputs, output: NewValue::Step(name, shape), scale }
}

/// The axes of a reduction, increasing: an attribute up to opset 12 or 17, a constant input after
/// it. Without any, all of them. The opset alone says which, as it does for the float reference.
pub(super) fn reduced_axes(builder: &Builder<'_>, node: &Node) -> Result<Vec<usize>, String> {
    let rank = builder.shape(node, 0)?.len();
    let since = if node.op == "ReduceSum" { 13 } else { 18 };
    let given = match builder.graph.opset < since {
        true => node.attributes.ints("axes"),
        false => builder.ints(node, 1)?,
    };
    let given = given.unwrap_or_default();
    if given.is_empty() {
        let keeps_all = node.attributes.int("noop_with_empty_axes").unwrap_or(0) != 0;
        return Ok(if keeps_all { Vec::new() } else { (0..rank).collect() });
    }
    let mut axes = given.iter().map(|&a| axis(a, rank)).collect::<Result<Vec<_>, _>>()?;
    axes.sort_unstable();
    axes.dedup();
    Ok(axes)
}

/// The reduction of the first input over its axes, as a weighted sum: `coefficient` is given the
/// number of elements in each.
pub(super) fn weighted_sum(
    builder: &Builder<'_>,
    node: &Node,
    coefficient: impl FnOnce(usize) -> f64,
) -> Result<Lowered, String> {
    let (input, axes) = (builder.shape(node, 0)?, reduced_axes(builder, node)?);
    let strides = strides(input);
    let (mut shape, mut read) = (Vec::new(), Read { axes: Vec::new(), sums: Vec::new() });
    for (axis, &side) in input.iter().enumerate() {
        let all = whole(side, strides[axis])?;
        if side > 1 && axes.contains(&axis) {
            read.sums.push(all.into_iter().flatten().collect());
        } else {
            shape.push(side);
            read.axes.push(all);
        }
    }
    if read.sums.is_empty() {
        return Ok(Lowered::Alias);
    }
    let count = axes.iter().map(|&axis| input[axis]).product();
    let kind = gather(shape, vec![read], vec![coefficient(count)]);
    Lowered::one(kind, builder.data(node, 0)?)
}
