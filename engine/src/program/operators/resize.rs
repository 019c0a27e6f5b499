//! An image in another size, each pixel the nearest of the input.
//!
//! Coordinates are computed in 32-bit floating point, in the order of operations of the float
//! reference, so that both take the same pixel where two are almost equally near.

use super::{Operator, Proof, moves};
use crate::graph::{Constant, Node};
use crate::program::skeleton::ops::{Builder, Lowered};

pub(super) static RESIZE: Operator = Operator {
    name: "Resize",
    opsets: "10–21",
    proof: Proof::Move,
    becomes: "gather; mode nearest, any scale, coordinates half_pixel, pytorch_half_pixel, \
              asymmetric and align_corners, every nearest_mode",
    error: moves::EXACT,
    lower: resize,
};

fn resize(builder: &Builder<'_>, node: &Node) -> Result<Lowered, String> {
    let (input, output) = (builder.shape(node, 0)?, builder.output_shape(node)?);
    let text = |name: &str, default: &'static str| {
        node.attributes.text(name).unwrap_or(default).to_owned()
    };
    let mode = text("mode", "nearest");
    if mode != "nearest" {
        return Err(format!("mode {mode} is not supported in a proof here"));
    }
    if node.attributes.ints("axes").is_some() {
        return Err("a list of axes is not supported".into());
    }
    if text("keep_aspect_ratio_policy", "stretch") != "stretch" {
        return Err("a policy that keeps the aspect ratio is not supported".into());
    }
    if input.len() != output.len() {
        return Err("its output has other dimensions than its input".into());
    }
    // Before opset 11 there was one way only.
    let is_first = builder.graph.opset < 11;
    let transform = match is_first {
        true => "asymmetric".to_owned(),
        false => text("coordinate_transformation_mode", "half_pixel"),
    };
    let nearest = text("nearest_mode", "round_prefer_floor");
    let scales = scales(builder, node, if is_first { 1 } else { 2 }, input, output)?;
    let strides = moves::strides(input);
    let axes = (0..input.len()).map(|axis| {
        let (from, to, scale) = (input[axis], output[axis], scales[axis]);
        let positions = (0..to).map(|at| {
            if from == to && scale == 1.0 {
                return Ok(Some(at));
            }
            let x = coordinate(&transform, at, scale, from, to)?;
            let at = pick(&nearest, x, from)?;
            // Opset 10 has no nearest_mode. ONNX rounds down there, the float reference does not.
            if is_first && at != pick("floor", x, from)? {
                return Err("runtimes of opset 10 differ in what is nearest here".into());
            }
            Ok(Some(at))
        });
        moves::steps(positions.collect::<Result<Vec<_>, String>>()?, strides[axis])
    });
    moves::moved(builder, node, output.to_vec(), axes.collect::<Result<_, _>>()?)
}

/// How many times as long each dimension becomes.
fn scales(
    builder: &Builder<'_>,
    node: &Node,
    position: usize,
    input: &[usize],
    output: &[usize],
) -> Result<Vec<f32>, String> {
    let given = builder.graph.input(node, position);
    match given.map(|tensor| &tensor.constant) {
        Some(Some(Constant::Float(scales))) if scales.len() == input.len() => Ok(scales.to_vec()),
        // Sizes instead of scales: the scales follow from them.
        None => Ok(ratios(input, output)),
        Some(Some(Constant::Float(scales))) if scales.is_empty() => Ok(ratios(input, output)),
        Some(_) => Err("its scales are not known".into()),
    }
}

fn ratios(input: &[usize], output: &[usize]) -> Vec<f32> {
    input.iter().zip(output).map(|(&from, &to)| to as f32 / from as f32).collect()
}

/// The coordinate in the input of a pixel of the output.
fn coordinate(mode: &str, at: usize, scale: f32, from: usize, to: usize) -> Result<f32, String> {
    let at = at as f32;
    Ok(match mode {
        "half_pixel" => (at + 0.5) / scale - 0.5,
        "pytorch_half_pixel" if to > 1 => (at + 0.5) / scale - 0.5,
        "pytorch_half_pixel" => -0.5,
        "asymmetric" => at / scale,
        "align_corners" => {
            let width = scale * from as f32;
            if width == 1.0 { 0.0 } else { (at * (from as f32 - 1.0)) / (width - 1.0) }
        }
        other => return Err(format!("coordinate_transformation_mode {other} is not supported")),
    })
}

/// The pixel of the input that is nearest to a coordinate.
fn pick(mode: &str, x: f32, from: usize) -> Result<usize, String> {
    let before = x.ceil() - 1.0;
    let rest = x - before;
    let takes_next = match mode {
        "floor" => false,
        "ceil" => true,
        "round_prefer_floor" => rest > 0.5,
        "round_prefer_ceil" => rest >= 0.5,
        other => return Err(format!("nearest_mode {other} is not supported")),
    };
    let at = before + if rest == 1.0 || takes_next { 1.0 } else { 0.0 };
    Ok(at.clamp(0.0, from as f32 - 1.0) as usize)
}
