//! `e^x` over its sum along an axis.
//!
//! The greatest element is taken off first, as everybody does who computes it in floats: what is
//! left is at most 0, and fits the range of the input when the greatest integer is added. A table
//! of `e^x` reads it from there. The sum is at least 1, and how great it gets is measured; a table
//! has its reciprocal.

use std::ops::Range;

use super::exponential::exp;
use super::function::Function;
use super::select::Choice;
use super::{Operator, Proof, max, moves};
use crate::graph::Node;
use crate::program::Read;
use crate::program::skeleton::ops::{Builder, Input, Lowered, NewOp, NewScale};
use crate::program::skeleton::{Greatest, SkeletonKind};

pub(super) static SOFTMAX: Operator = Operator {
    name: "Softmax",
    opsets: "7–21",
    proof: Proof::Steps,
    becomes: "running maximum, difference from it, table of e^x, sum, table of 1/x, product; an \
              element that a Where before it masks becomes 0",
    error: "half a step; e^x within half of its own step, the sum's reciprocal within half of its \
            own and half a step of the sum: many elements need many bits",
    lower: softmax,
};

fn softmax(builder: &Builder<'_>, node: &Node) -> Result<Lowered, String> {
    let shape = builder.shape(node, 0)?;
    let axes = axes(builder.graph.opset, node, shape.len())?;
    let side = |axes: &[usize]| axes.iter().product::<usize>();
    let (outer, count) = (side(&shape[..axes.start]), side(&shape[axes.clone()]));
    let inner = side(&shape[axes.end..]);
    let (full, reduced) = (vec![outer, count, inner], vec![outer, 1, inner]);
    let input = Input::Value(builder.data(node, 0)?);

    let whole = || -> Result<Read, String> {
        Ok(Read { axes: moves::broadcast(&full, &full)?, sums: Vec::new() })
    };
    let repeated = || -> Result<Read, String> {
        Ok(Read { axes: moves::broadcast(&reduced, &full)?, sums: Vec::new() })
    };
    let mut ops = Vec::new();
    let mut push = |kind, inputs, name, shape: &[usize], scale| {
        ops.push(moves::step(kind, inputs, name, shape.to_vec(), scale));
        Input::Step(ops.len() - 1)
    };
    let window = SkeletonKind::MaxPool(max::column(outer, count, inner));
    let greatest = push(window, vec![input], "maximum", &reduced, NewScale::Of(input));
    let reads = vec![whole()?, repeated()?];
    // An infinite bias is the greatest integer.
    let bias = vec![f64::INFINITY; outer * count * inner];
    let (coefficients, shape_below) = (vec![1.0, -1.0], full.clone());
    let below = SkeletonKind::Gather { shape: shape_below, reads, coefficients, bias };
    let below = push(below, vec![input, greatest], "below it", &full, NewScale::Of(input));
    let function = Function { evaluate: |x, _| exp(x), parameters: [0.0; 2], from_top: true };
    let one = || NewScale::Holding(Vec::new(), 1.0);
    let mut power = push(SkeletonKind::Function(function), vec![below], "e^x", &full, one());
    if let Some(mask) = Choice::mask_before(builder, node)? {
        power = push(mask.unmasked(), vec![power], "masked", &full, NewScale::Of(power));
    }
    let mut read = whole()?;
    read.sums = vec![read.axes.remove(1).into_iter().flatten().collect()];
    let sum = moves::gather(vec![outer, inner], vec![read], vec![1.0]);
    let greatest = Greatest::found_by(move |values| greatest_sum(values, count, inner));
    let sum = push(sum, vec![power], "sum", &reduced, NewScale::Through(input, greatest));
    // The greatest element alone is 1, unless a mask takes it: no sum is less for long.
    let function =
        Function { evaluate: |x, _| 1.0 / x.max(1.0), parameters: [0.0; 2], from_top: false };
    let share = push(SkeletonKind::Function(function), vec![sum], "1/sum", &reduced, one());
    let kind = SkeletonKind::Product { shape: full.clone(), left: whole()?, right: repeated()? };
    ops.push(NewOp::last(kind, vec![power, share]));
    Ok(Lowered::Ops(ops))
}

/// The greatest sum of `e^x` over the middle of `[outer, count, inner]`, the greatest x taken off.
fn greatest_sum(values: &[f32], count: usize, inner: usize) -> f64 {
    let sums = values.chunks_exact((count * inner).max(1)).flat_map(|matrix| {
        (0..inner).map(move |at| {
            let column = || matrix.iter().skip(at).step_by(inner).copied().map(f64::from);
            let greatest = column().fold(f64::NEG_INFINITY, f64::max);
            column().map(|x| exp(x - greatest)).sum()
        })
    });
    sums.fold(1.0, f64::max)
}

/// The axes that are summed over: one since opset 13, before it all from the named one on.
///
/// # Errors
/// Where there is no such axis.
pub fn axes(opset: i64, node: &Node, rank: usize) -> Result<Range<usize>, String> {
    let is_one = opset >= 13;
    let given = node.attributes.int("axis").unwrap_or(if is_one { -1 } else { 1 });
    let axis = moves::axis(given, rank)?;
    Ok(axis..if is_one { axis + 1 } else { rank })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Case, answered, case, draft};
    use crate::program::{Op, Value};

    /// The operations of a node, and the scales of what they compute.
    fn steps<'a>(case: &'a Case, node: &str) -> Vec<(&'a Op, &'a Value)> {
        let program = &case.program;
        let ops = program.ops.iter().filter(|op| op.name.eq_ignore_ascii_case(node));
        ops.map(|op| (op, program.value(op.output))).collect()
    }

    /// Softmax of what the integers of the input stand for, and how far each of these steps lets
    /// the result be.
    #[test]
    fn it_is_within_its_error_bound() {
        for act_bits in [6, 8, 12] {
            let nodes = draft().node("Softmax", &["x"], &["last"], &[("axis", &[3])]).node(
                "Softmax",
                &["x"],
                &["channels"],
                &[("axis", &[1])],
            );
            let case = case(answered(nodes), act_bits);
            let (program, trace) = (&case.program, &case.trace);
            let x = program.dequantise(program.inputs[0], &trace[&program.inputs[0]]);
            // [1, 4, 3, 5] as [outer, count, inner].
            for (node, [outer, count, inner]) in [("last", [12, 5, 1]), ("channels", [1, 4, 15])] {
                let steps = steps(&case, node);
                let named = |end: &str| {
                    steps
                        .iter()
                        .find(|(_, v)| v.name.ends_with(end))
                        .unwrap_or_else(|| panic!("{end}"))
                };
                let (power, sum, share) = (named("/e^x").1, named("/sum").1, named("/1/sum").1);
                let (last, output) = *steps.last().unwrap();
                let y = program.dequantise(last.output, &trace[&last.output]);
                for (o, at) in (0..outer).flat_map(|o| (0..inner).map(move |at| (o, at))) {
                    let place = |c: usize| (o * count + c) * inner + at;
                    let column: Vec<f64> = (0..count).map(|c| f64::from(x[place(c)])).collect();
                    let greatest = column.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                    let powers: Vec<f64> = column.iter().map(|x| (x - greatest).exp()).collect();
                    let total: f64 = powers.iter().sum();
                    let sum_error = 0.5 * power.scale * count as f64 + 0.5 * sum.scale;
                    let share_error =
                        sum_error / (total - sum_error).max(1.0) / total + 0.5 * share.scale;
                    for (c, power_of) in powers.iter().enumerate() {
                        let allowed = 0.5 * output.scale
                            + 0.5 * power.scale * (1.0 / total + share_error)
                            + power_of * share_error
                            + output.scale * 0.05;
                        let error = (f64::from(y[place(c)]) - power_of / total).abs();
                        assert!(error <= allowed, "{node} at {act_bits}: {error} of {allowed}");
                    }
                }
            }
        }
    }

    #[test]
    fn what_is_masked_gets_nothing_and_the_rest_adds_up() {
        let condition: Vec<i32> = (0..15).map(|at| i32::from(at % 5 <= at / 5)).collect();
        let nodes = draft()
            .truths("condition", &[3, 5], &condition)
            .floats("least", &[], vec![-1e10])
            .node("Where", &["condition", "x", "least"], &["masked"], &[])
            .node("Softmax", &["masked"], &["z"], &[("axis", &[3])]);
        let case = case(answered(nodes), 12);
        let last = case.program.ops.last().unwrap();
        let y = case.program.dequantise(last.output, &case.trace[&last.output]);
        for (row, shares) in y.chunks(5).enumerate() {
            let row = row % 3;
            assert!(shares[row + 1..].iter().all(|&y| y == 0.0), "{shares:?}");
            let sum: f32 = shares.iter().sum();
            assert!((sum - 1.0).abs() < 0.01, "{shares:?}");
        }
    }

    #[test]
    fn before_opset_13_all_axes_from_the_named_one_on_are_summed() {
        let node = |opset| {
            let mut draft = draft().node("Softmax", &["x"], &["z"], &[("axis", &[2])]);
            draft.opset = opset;
            case(answered(draft), 8)
        };
        for (opset, sums) in [(11, 4), (13, 20)] {
            let case = node(opset);
            let sum = case
                .program
                .tensors
                .iter()
                .find(|v| v.name.ends_with("/sum") && !v.name.ends_with("1/sum"));
            assert_eq!(sum.unwrap().len(), sums, "opset {opset}");
        }
    }
}
