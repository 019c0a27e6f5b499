//! The maximum over axes.

use super::max::{column, negative, push_maximum};
use super::{Operator, Proof, moves};
use crate::graph::Node;
use crate::program::skeleton::SkeletonKind;
use crate::program::skeleton::ops::{Builder, Input, Lowered, NewOp, NewScale, NewValue};

pub(super) static REDUCE_MAX: Operator = Operator {
    name: "ReduceMax",
    opsets: "7–21",
    proof: Proof::Maximum,
    becomes: "a maximum over windows for each run of neighbouring axes",
    error: moves::EXACT,
    lower: |builder, node| reduce(builder, node, 1.0),
};

/// The maximum of the input times `sign`, times `sign` again: for -1 the minimum.
pub(super) fn reduce(builder: &Builder<'_>, node: &Node, sign: f64) -> Result<Lowered, String> {
    let axes = moves::reduced_axes(builder, node)?;
    let mut shape = builder.shape(node, 0)?.to_vec();
    let runs = runs(&shape, &axes);
    let Some((last, rest)) = runs.split_last() else { return Ok(Lowered::Alias) };
    let mut ops: Vec<NewOp> = Vec::new();
    let mut input = Input::Value(builder.data(node, 0)?);
    if sign < 0.0 {
        ops.push(negative(input, &shape, NewValue::Step("negative", shape.clone())));
        input = Input::Step(0);
    }
    let window = |shape: &[usize], run: &std::ops::Range<usize>| {
        let side = |axes: &[usize]| axes.iter().product();
        column(side(&shape[..run.start]), side(&shape[run.clone()]), side(&shape[run.end..]))
    };
    for run in rest {
        let kind = SkeletonKind::MaxPool(window(&shape, run));
        shape[run.clone()].fill(1);
        let scale = NewScale::Of(input);
        ops.push(moves::step(kind, vec![input], "maximum of a run", shape.clone(), scale));
        input = Input::Step(ops.len() - 1);
    }
    let window = window(&shape, last);
    shape[last.clone()].fill(1);
    push_maximum(&mut ops, input, window, &shape, sign);
    Ok(Lowered::Ops(ops))
}

/// The axes in runs of neighbours, without those of one position. An axis of one position that is
/// kept doesn't part its neighbours.
fn runs(shape: &[usize], axes: &[usize]) -> Vec<std::ops::Range<usize>> {
    let mut runs: Vec<std::ops::Range<usize>> = Vec::new();
    for &axis in axes.iter().filter(|&&axis| shape[axis] > 1) {
        match runs.last_mut() {
            Some(run) if shape[run.end..axis].iter().all(|&side| side == 1) => run.end = axis + 1,
            _ => runs.push(axis..axis + 1),
        }
    }
    runs
}
