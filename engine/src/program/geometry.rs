//! Windows of convolutions and pools, from an ONNX node's attributes and shapes.

use super::Window;
use crate::graph::Node;

/// Reads the window of a node with one or two spatial dimensions. `planes` is the number of images
/// (convolution) or of images times channels (pool).
///
/// # Errors
/// A reason, where the node asks for something that is not lowered.
pub fn window(
    node: &Node,
    planes: usize,
    input: &[usize],
    output: &[usize],
    kernel: &[usize],
) -> Result<Window, String> {
    let rank = input.len();
    if !(1..=2).contains(&rank) || output.len() != rank || kernel.len() != rank {
        return Err(format!("{} over {rank} spatial dimensions is not supported", node.op));
    }
    let list = |name: &str, length: usize, default: usize| -> Result<Vec<usize>, String> {
        let Some(given) = node.attributes.ints(name) else { return Ok(vec![default; length]) };
        let given: Option<Vec<usize>> = given.iter().map(|&v| usize::try_from(v).ok()).collect();
        given
            .filter(|v| v.len() == length)
            .ok_or_else(|| format!("attribute {name} of {} is malformed", node.op))
    };
    let strides = list("strides", rank, 1)?;
    let dilations = list("dilations", rank, 1)?;
    if strides.contains(&0) || dilations.contains(&0) || kernel.contains(&0) {
        return Err(format!("{} has a stride, dilation or kernel of 0", node.op));
    }
    let reach = |axis: usize| (kernel[axis] - 1).saturating_mul(dilations[axis]).saturating_add(1);
    let mut pads = list("pads", 2 * rank, 0)?;
    match node.attributes.text("auto_pad").unwrap_or("NOTSET") {
        "NOTSET" | "" => {}
        "VALID" => pads = vec![0; 2 * rank],
        kind @ ("SAME_UPPER" | "SAME_LOWER") => {
            for axis in 0..rank {
                let steps = input[axis].div_ceil(strides[axis]) - 1;
                let total = (steps * strides[axis] + reach(axis)).saturating_sub(input[axis]);
                let small = total / 2;
                let before = if kind == "SAME_UPPER" { small } else { total - small };
                (pads[axis], pads[rank + axis]) = (before, total - before);
            }
        }
        other => return Err(format!("auto_pad {other} of {} is not supported", node.op)),
    }
    // A kernel that lies in its padding for the most part would only cost memory.
    if kernel
        .iter()
        .try_fold(1usize, |taps, &k| taps.checked_mul(k))
        .is_none_or(|taps| taps > 1 << 22)
    {
        return Err(format!("the kernel of {} has more than 2^22 taps", node.op));
    }
    for axis in 0..rank {
        let padded = input[axis].saturating_add(pads[axis]).saturating_add(pads[rank + axis]);
        if reach(axis) > padded || pads[axis].max(pads[rank + axis]) >= reach(axis) {
            return Err(format!("{} pads more than its kernel reaches", node.op));
        }
        let steps = (padded - reach(axis)) / strides[axis] + 1;
        let ceiled = (padded - reach(axis)).div_ceil(strides[axis]) + 1;
        // With ceil_mode, windows that would start in the padding at the end are left out.
        let starts_inside = (ceiled - 1) * strides[axis] < input[axis] + pads[axis];
        let ceil_steps = if starts_inside { ceiled } else { ceiled - 1 };
        let ceil_mode = node.attributes.int("ceil_mode").unwrap_or(0) != 0;
        let expected = if ceil_mode { ceil_steps } else { steps };
        if output[axis] != expected {
            return Err(format!(
                "the output of {} has {} positions where its window gives {expected}",
                node.op, output[axis]
            ));
        }
    }
    let two = |v: &[usize], fill: usize| if rank == 1 { [fill, v[0]] } else { [v[0], v[1]] };
    Ok(Window {
        planes,
        input: two(input, 1),
        output: two(output, 1),
        kernel: two(kernel, 1),
        strides: two(&strides, 1),
        pads: two(&pads[..rank], 0),
        dilations: two(&dilations, 1),
        spreads: [1, 1],
    })
}

/// Whether every position of the output reads at least one element of the input, as pools need.
pub fn every_position_reads(window: &Window) -> bool {
    (0..2).all(|axis| (0..window.output[axis]).all(|at| window.axis(axis, at).next().is_some()))
}
