//! Every so many elements between two positions of an axis.

use super::{Operator, Proof, moves};
use crate::graph::Node;
use crate::program::skeleton::ops::{Builder, Lowered};

pub(super) static SLICE: Operator = Operator {
    name: "Slice",
    opsets: "7–21",
    proof: Proof::Move,
    becomes: "gather; starts, axes and steps constant",
    error: moves::EXACT,
    lower: slice,
};

fn slice(builder: &Builder<'_>, node: &Node) -> Result<Lowered, String> {
    let (input, output) = (builder.shape(node, 0)?, builder.output_shape(node)?);
    // Attributes up to opset 9, inputs after it.
    let by_attribute = builder.graph.opset < 10;
    let list = |position: usize, name: &str| match by_attribute {
        true => Ok(node.attributes.ints(name)),
        false => builder.ints(node, position),
    };
    let starts = list(1, "starts")?.ok_or("its starts are missing")?;
    let axes = match list(3, "axes")? {
        Some(axes) => axes.to_vec(),
        None => (0..starts.len() as i64).collect(),
    };
    let steps = match (by_attribute, builder.ints(node, 4)?) {
        (false, Some(steps)) => steps.to_vec(),
        _ => vec![1; starts.len()],
    };
    if output.len() != input.len() || axes.len() != starts.len() || steps.len() != starts.len() {
        return Err("its starts, axes and steps differ in length".into());
    }
    let mut from = vec![(0i64, 1i64); input.len()];
    for ((&start, &given), &step) in starts.iter().zip(&axes).zip(&steps) {
        let axis = moves::axis(given, input.len())?;
        let side = input[axis] as i64;
        let start = if start < 0 { start.saturating_add(side) } else { start };
        // A start beyond the end means the end; going back, the last element.
        let last = if step < 0 { side - 1 } else { side };
        from[axis] = (start.clamp(0, last.max(0)), step);
    }
    let strides = moves::strides(input);
    let axes = (0..input.len()).map(|axis| {
        let (start, step) = from[axis];
        let at = |i: usize| {
            let at = (i as i64).checked_mul(step)?.checked_add(start)?;
            usize::try_from(at).ok().filter(|&at| at < input[axis])
        };
        let positions: Option<Vec<usize>> = (0..output[axis]).map(at).collect();
        let positions = positions.ok_or("it reads beyond its input")?;
        moves::steps(positions.into_iter().map(Some), strides[axis])
    });
    let axes = axes.collect::<Result<_, String>>()?;
    moves::moved(builder, node, output.to_vec(), axes)
}
