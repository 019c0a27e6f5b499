//! Transposed convolutions.
//!
//! A transposed convolution is a convolution over an input whose elements are spread apart by its
//! strides, with its kernels mirrored. The spread input is never made: a window that reads it
//! leaves out the positions in between (`Window::spreads`), so nothing is paid for its zeros.

use super::{Operator, Proof, layers};
use crate::graph::Node;
use crate::program::Window;
use crate::program::skeleton::ops::{Builder, Lowered};
use crate::program::skeleton::{FloatWeights, SkeletonKind};

pub(super) static CONV_TRANSPOSE: Operator = Operator {
    name: "ConvTranspose",
    opsets: "7–21",
    proof: Proof::Linear,
    becomes: "convolution over the spread input with mirrored kernels, over one or two dimensions \
              with strides, pads, dilations, groups; `output_shape` and `auto_pad` are refused",
    error: layers::ERROR,
    lower: conv_transpose,
};

fn conv_transpose(builder: &Builder<'_>, node: &Node) -> Result<Lowered, String> {
    let (input, output) = (builder.shape(node, 0)?, builder.output_shape(node)?);
    let kernel = builder.shape(node, 1)?;
    let rank = input.len().saturating_sub(2);
    if !(1..=2).contains(&rank) || kernel.len() != input.len() || output.len() != input.len() {
        return Err(format!("a ConvTranspose of shape {input:?} is not supported"));
    }
    if node.attributes.ints("output_shape").is_some()
        || !matches!(node.attributes.text("auto_pad").unwrap_or("NOTSET"), "NOTSET" | "")
    {
        return Err("pads that follow from its output's shape are not supported".into());
    }
    let groups = usize::try_from(node.attributes.int("group").unwrap_or(1)).unwrap_or(0);
    let (channels_in, out_of_group) = (kernel[0], kernel[1]);
    let channels_out = out_of_group * groups;
    let fits = groups > 0
        && input[1] == channels_in
        && channels_in % groups == 0
        && output[..2] == [input[0], channels_out];
    if !fits {
        return Err(format!("weights {kernel:?} in {groups} groups don't fit an input {input:?}"));
    }
    let window = window(node, input, output, &kernel[2..])?;
    let bias = match node.inputs.get(2).copied().flatten() {
        None => vec![0.0; channels_out],
        Some(_) => builder.weights(node, 2)?.iter().map(|&b| f64::from(b)).collect(),
    };
    if bias.len() != channels_out {
        return Err(format!("{} biases don't fit {channels_out} channels", bias.len()));
    }
    let area: usize = kernel[2..].iter().product();
    let weights = mirrored(&builder.weights(node, 1)?, channels_in / groups, out_of_group, area);
    let floats = FloatWeights { weights: weights.into(), factors: vec![1.0; channels_out], bias };
    let kind = SkeletonKind::Conv { window, channels_in, groups, floats };
    Lowered::one(kind, builder.data(node, 0)?)
}

/// `[in, out/groups, …]` as `[out, in/groups, …]`, each kernel backwards.
fn mirrored(weights: &[f32], in_of_group: usize, out_of_group: usize, area: usize) -> Vec<f32> {
    let group_len = in_of_group * out_of_group * area;
    let mut turned = Vec::with_capacity(weights.len());
    for group in weights.chunks_exact(group_len.max(1)) {
        for o in 0..out_of_group {
            for i in 0..in_of_group {
                let start = (i * out_of_group + o) * area;
                turned.extend(group[start..start + area].iter().rev());
            }
        }
    }
    turned
}

fn window(
    node: &Node,
    input: &[usize],
    output: &[usize],
    kernel: &[usize],
) -> Result<Window, String> {
    let rank = kernel.len();
    let list = |name: &str, length: usize, default: usize| -> Result<Vec<usize>, String> {
        let Some(given) = node.attributes.ints(name) else { return Ok(vec![default; length]) };
        let given: Option<Vec<usize>> = given.iter().map(|&v| usize::try_from(v).ok()).collect();
        given
            .filter(|v| v.len() == length && v.iter().all(|&v| v < 1 << 20))
            .ok_or_else(|| format!("attribute {name} of ConvTranspose is malformed"))
    };
    let (strides, dilations) = (list("strides", rank, 1)?, list("dilations", rank, 1)?);
    let (pads, extra) = (list("pads", 2 * rank, 0)?, list("output_padding", rank, 0)?);
    if strides.contains(&0) || dilations.contains(&0) || kernel.contains(&0) {
        return Err("ConvTranspose has a stride, dilation or kernel of 0".into());
    }
    // What of the spread input's padding is left once the transposed pads are taken off.
    let mut before = vec![0; rank];
    for axis in 0..rank {
        let reach = (kernel[axis] - 1) * dilations[axis];
        before[axis] = reach
            .checked_sub(pads[axis])
            .ok_or("a ConvTranspose that pads more than its kernel reaches is not supported")?;
        let full = (input[axis + 2] - 1) * strides[axis] + reach + 1 + extra[axis];
        let expected = full.checked_sub(pads[axis] + pads[rank + axis]);
        if expected != Some(output[axis + 2]) {
            return Err("the output of ConvTranspose is not the one that its pads give".into());
        }
    }
    let two = |v: &[usize], fill: usize| if rank == 1 { [fill, v[0]] } else { [v[0], v[1]] };
    Ok(Window {
        planes: input[0],
        input: two(&input[2..], 1),
        output: two(&output[2..], 1),
        kernel: two(kernel, 1),
        strides: [1, 1],
        pads: two(&before, 0),
        dilations: two(&dilations, 1),
        spreads: two(&strides, 1),
    })
}
