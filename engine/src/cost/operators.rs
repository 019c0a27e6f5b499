//! MACs and FLOPs of each operator.

use crate::graph::{Graph, Node, Tensor};

/// Multiply-accumulates and floating-point operations of a node; `(0, 0)` where a shape that the
/// formula needs is not known.
///
/// With `n` elements of the output: element-wise operators count `n`, an average or maximum over a
/// window counts its taps, a batch normalisation `2n` (a scale and a shift), a softmax `5n`
/// (maximum, difference, exponential, sum, quotient), a sigmoid or tanh `4n`, a reduction the
/// elements that it reads. What only moves elements costs nothing.
pub fn macs_and_flops(graph: &Graph, node: &Node) -> (u64, u64) {
    let n = graph.output(node, 0).and_then(Tensor::elements).unwrap_or(0);
    let read = graph.input(node, 0).and_then(Tensor::elements).unwrap_or(0);
    let operands = node.inputs.iter().flatten().count() as u64;
    let macs = match node.op.as_str() {
        "Conv" => n * conv_fan(graph, node).unwrap_or(0),
        "ConvTranspose" => read * transposed_fan(graph, node).unwrap_or(0),
        "Gemm" => n * gemm_inner(graph, node).unwrap_or(0),
        "MatMul" => n * graph.input(node, 0).and_then(last_dim).unwrap_or(0),
        _ => 0,
    };
    let flops = match node.op.as_str() {
        "Conv" | "ConvTranspose" | "Gemm" | "MatMul" => 2 * macs,
        "BatchNormalization" => 2 * n,
        "InstanceNormalization" | "LayerNormalization" | "GroupNormalization" => 8 * n,
        "LRN" => 4 * n,
        "Softmax" | "LogSoftmax" => 5 * n,
        "Sigmoid" | "Tanh" | "Gelu" | "Erf" | "Softplus" | "Elu" | "Selu" | "HardSwish"
        | "Mish" => 4 * n,
        "MaxPool" | "AveragePool" | "LpPool" => n * window(node),
        "GlobalAveragePool" | "GlobalMaxPool" => read,
        op if op.starts_with("Reduce") || op.starts_with("Arg") => read,
        "Sum" | "Mean" | "Max" | "Min" => n * operands.saturating_sub(1),
        "Reshape" | "Flatten" | "Squeeze" | "Unsqueeze" | "Identity" | "Dropout" | "Transpose"
        | "Concat" | "Split" | "Slice" | "Gather" | "GatherElements" | "GatherND" | "Pad"
        | "Cast" | "Shape" | "Constant" | "ConstantOfShape" | "Expand" | "Tile"
        | "DepthToSpace" | "SpaceToDepth" | "Resize" | "Upsample" => 0,
        _ => n,
    };
    (macs, flops)
}

fn dims(tensor: &Tensor) -> Option<Vec<u64>> {
    tensor.shape.as_ref().map(|dims| dims.iter().map(|&d| d as u64).collect())
}

fn last_dim(tensor: &Tensor) -> Option<u64> {
    dims(tensor)?.last().copied()
}

/// Inputs of one dot product of a convolution: channels of a group times taps of the kernel.
fn conv_fan(graph: &Graph, node: &Node) -> Option<u64> {
    let weights = dims(graph.input(node, 1)?)?;
    Some(weights.get(1..)?.iter().product())
}

fn transposed_fan(graph: &Graph, node: &Node) -> Option<u64> {
    conv_fan(graph, node)
}

fn gemm_inner(graph: &Graph, node: &Node) -> Option<u64> {
    let a = dims(graph.input(node, 0)?)?;
    let transposed = node.attributes.int("transA").unwrap_or(0) != 0;
    a.get(usize::from(!transposed)).copied()
}

fn window(node: &Node) -> u64 {
    let kernel = node.attributes.ints("kernel_shape").unwrap_or(&[1]);
    kernel.iter().map(|&k| k.unsigned_abs()).product()
}
