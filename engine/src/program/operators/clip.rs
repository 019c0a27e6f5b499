//! `min(max(x, low), high)` between constants.

use super::function::{self, attribute};
use super::{Operator, Proof};
use crate::graph::Node;
use crate::program::skeleton::SkeletonKind;
use crate::program::skeleton::ops::{Builder, Lowered};

pub(super) static CLIP: Operator = Operator {
    name: "Clip",
    opsets: "7–21",
    proof: Proof::Table,
    becomes: "table of min(max(x, low), high), bounds constant; a ReLU where it is one",
    error: function::ERROR,
    lower: clip,
};

fn clip(builder: &Builder<'_>, node: &Node) -> Result<Lowered, String> {
    let (low, high) = bounds(builder, node)?;
    if low == 0.0 && high == f64::INFINITY {
        return Lowered::of_scale(SkeletonKind::Relu, builder.data(node, 0)?);
    }
    // The upper bound wins where the bounds cross, by ONNX.
    let evaluate = |x: f64, [low, high]: [f64; 2]| x.max(low).min(high);
    function::lower(builder, node, evaluate, [low, high])
}

/// Attributes up to opset 10, constant inputs after it.
fn bounds(builder: &Builder<'_>, node: &Node) -> Result<(f64, f64), String> {
    let bound = |position: usize, name: &str, none: f64| {
        if builder.graph.opset < 11 {
            return Ok(attribute(node, name, none));
        }
        match builder.graph.input(node, position) {
            None => Ok(none),
            Some(tensor) => match &tensor.constant {
                // Some exporters write an open bound as the greatest number, or as infinity.
                Some(crate::graph::Constant::Float(values)) if values.len() == 1 => {
                    Ok(f64::from(values[0]))
                }
                _ => Err(format!("its bound {:?} is not one constant number", tensor.name)),
            },
        }
    };
    let (low, high) = (bound(1, "min", f64::NEG_INFINITY)?, bound(2, "max", f64::INFINITY)?);
    let high = if high >= f64::from(f32::MAX) { f64::INFINITY } else { high };
    Ok((low, high))
}
