//! What a tile of a node reads: which part of each input, and under which pads.

use std::ops::Range;

use crate::graph::{Axis, Constant, Graph, Node, TensorId};
use crate::program::{Window, geometry, softmax_axes};

/// A part of an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// All of it.
    Whole(TensorId),
    /// These positions on a dimension.
    Part(TensorId, usize, Range<usize>),
}

/// What a tile reads, and how it differs from its node.
#[derive(Clone, Debug)]
pub(super) struct Needs {
    /// By position; `None` where an optional input is left out.
    pub inputs: Vec<Option<Need>>,
    /// Other pads than the node's, before and after each spatial dimension.
    pub pads: Option<Vec<usize>>,
    /// Another number of groups than the node's.
    pub groups: Option<usize>,
}

/// What an operator is to a split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// A convolution.
    Conv,
    /// A dense layer with constant weights.
    Dense,
    /// A product of two computed matrices, or of many.
    Product,
    /// A maximum or average over windows.
    Pool,
    /// A number a channel, in constants of one dimension.
    Normalization,
    /// Each output element from the elements in its place.
    Elementwise,
}

/// Operators that compute each element from those in its place: a Softmax where its own axis stays
/// whole.
const ELEMENTWISE: [&str; 24] = [
    "Relu",
    "LeakyRelu",
    "PRelu",
    "Clip",
    "Sigmoid",
    "Tanh",
    "HardSigmoid",
    "HardSwish",
    "Abs",
    "Exp",
    "Sqrt",
    "Pow",
    "Neg",
    "Identity",
    "Dropout",
    "Add",
    "Sum",
    "Sub",
    "Mul",
    "Div",
    "Max",
    "Min",
    "Where",
    "Softmax",
];

impl Role {
    pub fn of(graph: &Graph, node: &Node) -> Option<Self> {
        let is_computed =
            |position| graph.input(node, position).is_some_and(|t| t.constant.is_none());
        match node.op.as_str() {
            "Conv" => Some(Self::Conv),
            "MatMul" if is_computed(0) && is_computed(1) => Some(Self::Product),
            "Gemm" | "MatMul" => Some(Self::Dense),
            "MaxPool" | "AveragePool" => Some(Self::Pool),
            "BatchNormalization" => Some(Self::Normalization),
            op => ELEMENTWISE.contains(&op).then_some(Self::Elementwise),
        }
    }
}

/// The dimensions of an input or output, or the reason why the node can't be split.
pub(super) fn shape_of(graph: &Graph, id: Option<TensorId>) -> Result<&[usize], String> {
    let tensor = graph.tensor(id.ok_or("it lacks an input or output")?);
    let shape = tensor.shape.as_deref();
    shape.ok_or_else(|| format!("the shape of {:?} is not known", tensor.name))
}

/// The dimension of a node's output that is divided.
pub(super) fn output_axis(graph: &Graph, node: &Node, axis: Axis) -> Result<usize, String> {
    let rank = shape_of(graph, node.outputs.first().copied().flatten())?.len();
    match (axis, Role::of(graph, node)) {
        (Axis::Rows, Some(Role::Dense)) => Err("only its channels can be divided".into()),
        (Axis::Channels, Some(Role::Dense)) if rank >= 1 => Ok(rank - 1),
        (Axis::Rows, Some(Role::Product)) if rank >= 2 => Ok(rank - 2),
        // The dimension before the matrices: the heads of an attention.
        (Axis::Channels, Some(Role::Product)) if rank >= 3 => Ok(rank - 3),
        (_, Some(Role::Product)) => Err(format!("its output has no {}", axis.name())),
        (Axis::Rows, _) if rank >= 3 => Ok(2),
        (Axis::Channels, _) if rank >= 2 => Ok(1),
        _ => Err(format!("its output has no {}", axis.name())),
    }
}

/// The step between places where the output may be divided.
pub(super) fn unit(graph: &Graph, node: &Node, axis: Axis) -> Result<usize, String> {
    if (Role::of(graph, node), axis) != (Some(Role::Conv), Axis::Channels) {
        return Ok(1);
    }
    let channels = shape_of(graph, node.outputs.first().copied().flatten())?[1];
    let groups = groups(node)?;
    // Channels of one group stay together where there are several.
    Ok(if groups > 1 { (channels / groups).max(1) } else { 1 })
}

fn groups(node: &Node) -> Result<usize, String> {
    let groups = node.attributes.int("group").unwrap_or(1);
    usize::try_from(groups).ok().filter(|&g| g > 0).ok_or_else(|| format!("{groups} groups"))
}

/// What the tile of a node reads that computes these positions on dimension `at` of its output.
///
/// # Errors
/// A reason, where a tile of it can't be computed by itself, bit for bit.
pub(super) fn needs(
    graph: &Graph,
    node: &Node,
    axis: Axis,
    at: usize,
    range: &Range<usize>,
) -> Result<Needs, String> {
    let role = Role::of(graph, node).ok_or("this operator is not divided here")?;
    match (role, axis) {
        (Role::Conv | Role::Pool, Axis::Rows) => windowed(graph, node, role, range),
        (Role::Conv, Axis::Channels) => conv_channels(graph, node, range),
        (Role::Pool, Axis::Channels) => {
            let inputs = vec![part(node, 0, 1, range)?];
            Ok(Needs { inputs, pads: None, groups: None })
        }
        (Role::Normalization, _) => {
            let mut inputs = vec![part(node, 0, at, range)?];
            for position in 1..node.inputs.len() {
                inputs.push(match axis {
                    Axis::Rows => whole(node, position),
                    Axis::Channels => part(node, position, 0, range)?,
                });
            }
            Ok(Needs { inputs, pads: None, groups: None })
        }
        (Role::Dense, _) => dense(graph, node, range),
        (Role::Product, _) => product(graph, node, at, range),
        (Role::Elementwise, _) => elementwise(graph, node, at, range),
    }
}

fn whole(node: &Node, position: usize) -> Option<Need> {
    node.inputs.get(position).copied().flatten().map(Need::Whole)
}

fn part(
    node: &Node,
    position: usize,
    axis: usize,
    range: &Range<usize>,
) -> Result<Option<Need>, String> {
    let id = node.inputs.get(position).copied().flatten().ok_or("it lacks an input")?;
    Ok(Some(Need::Part(id, axis, range.clone())))
}

fn is_constant(graph: &Graph, id: TensorId) -> bool {
    graph.tensor(id).constant.is_some()
}

/// The window of a convolution or pool, with which of its dimensions are the rows.
fn window_of(graph: &Graph, node: &Node, role: Role) -> Result<(Window, usize), String> {
    let input = shape_of(graph, node.inputs.first().copied().flatten())?;
    let output = shape_of(graph, node.outputs.first().copied().flatten())?;
    if !(3..=4).contains(&input.len()) || output.len() != input.len() {
        return Err(format!("its input has the shape {input:?}"));
    }
    let kernel: Vec<usize> = match role {
        Role::Conv => {
            let weights = shape_of(graph, node.inputs.get(1).copied().flatten())?;
            weights.get(2..).unwrap_or_default().to_vec()
        }
        _ => {
            let kernel = node.attributes.ints("kernel_shape").ok_or("kernel_shape is missing")?;
            kernel.iter().map(|&k| usize::try_from(k).unwrap_or(0)).collect()
        }
    };
    let window = geometry::window(node, input[0], &input[2..], &output[2..], &kernel)?;
    Ok((window, if input.len() == 4 { 0 } else { 1 }))
}

/// Steps between the first and the last tap, and one.
fn reach(window: &Window, axis: usize) -> usize {
    (window.kernel[axis] - 1) * window.dilations[axis] + 1
}

/// How far the last window goes beyond the end of the input.
fn overhang(window: &Window, axis: usize) -> usize {
    let end = (window.output[axis] - 1) * window.strides[axis] + reach(window, axis);
    end.saturating_sub(window.pads[axis] + window.input[axis])
}

fn windowed(graph: &Graph, node: &Node, role: Role, range: &Range<usize>) -> Result<Needs, String> {
    let (window, rows) = window_of(graph, node, role)?;
    let counts_pads = node.attributes.int("count_include_pad").unwrap_or(0) != 0;
    if node.op == "AveragePool"
        && !counts_pads
        && (window.pads[rows] > 0 || overhang(&window, rows) > 0)
    {
        // Its weights are rounded as the window with the fewest elements asks for, which lies at
        // the border and not in every tile.
        return Err("an average that leaves its padding out is not divided".into());
    }
    let (input, pad, stride) = (window.input[rows], window.pads[rows], window.strides[rows]);
    let first = range.start * stride;
    let end = (range.end - 1) * stride + reach(&window, rows);
    let from = first.saturating_sub(pad);
    let mut to = end.saturating_sub(pad).min(input);
    // Rows at the end that no window reaches stay with the last tile, whose step leaves them out.
    if range.end == window.output[rows] && end <= pad + input && pad + input - end < stride {
        to = input;
    }
    if from >= to {
        return Err("a tile would lie in the padding alone".into());
    }
    let before = pad.saturating_sub(first);
    let after = end.saturating_sub(pad + input);
    let pads = match rows {
        0 => vec![before, window.pads[1], after, overhang(&window, 1)],
        _ => vec![before, after],
    };
    let mut inputs = vec![part(node, 0, 2, &(from..to))?];
    inputs.extend((1..node.inputs.len()).map(|position| whole(node, position)));
    Ok(Needs { inputs, pads: Some(pads), groups: None })
}

/// Whether the windows of a pool stay in the rows of their own tile, wherever it begins.
pub(super) fn is_aligned_pool(graph: &Graph, node: &Node) -> Option<usize> {
    let (window, rows) = window_of(graph, node, Role::Pool).ok()?;
    let stays = window.pads[rows] == 0
        && overhang(&window, rows) == 0
        && reach(&window, rows) <= window.strides[rows];
    stays.then_some(window.strides[rows])
}

fn conv_channels(graph: &Graph, node: &Node, range: &Range<usize>) -> Result<Needs, String> {
    let kernel = shape_of(graph, node.inputs.get(1).copied().flatten())?;
    let groups = groups(node)?;
    let &[channels, per_group, ..] = kernel else {
        return Err("its weights have no channels".into());
    };
    let (input, tile_groups) = if groups == 1 {
        (whole(node, 0), None)
    } else {
        let in_group = (channels / groups).max(1);
        let is_whole = |position: usize| position.is_multiple_of(in_group);
        if channels % groups != 0 || !is_whole(range.start) || !is_whole(range.end) {
            return Err("its groups can't be divided".into());
        }
        let (first, last) = (range.start / in_group, range.end / in_group);
        let channels_in = first * per_group..last * per_group;
        (part(node, 0, 1, &channels_in)?, Some(last - first))
    };
    let mut inputs = vec![input];
    for position in 1..node.inputs.len() {
        inputs.push(match node.inputs[position] {
            Some(_) => part(node, position, 0, range)?,
            None => None,
        });
    }
    Ok(Needs { inputs, pads: None, groups: tile_groups })
}

fn dense(graph: &Graph, node: &Node, range: &Range<usize>) -> Result<Needs, String> {
    let weights = node.inputs.get(1).copied().flatten().ok_or("it lacks weights")?;
    if !is_constant(graph, weights) || shape_of(graph, Some(weights))?.len() != 2 {
        return Err("its weights are no constant matrix".into());
    }
    let is_transposed = node.attributes.int("transB").unwrap_or(0) != 0;
    let side = if is_transposed { 0 } else { 1 };
    let mut inputs = vec![whole(node, 0), part(node, 1, side, range)?];
    if let Some(bias) = node.inputs.get(2).copied().flatten() {
        let shape = shape_of(graph, Some(bias))?;
        inputs.push(match shape.last() {
            None | Some(1) => whole(node, 2),
            Some(_) => part(node, 2, shape.len() - 1, range)?,
        });
    }
    Ok(Needs { inputs, pads: None, groups: None })
}

/// Some matrices of a product of two, or some rows of the left ones.
fn product(graph: &Graph, node: &Node, at: usize, range: &Range<usize>) -> Result<Needs, String> {
    let rank = shape_of(graph, node.outputs.first().copied().flatten())?.len();
    let factor = |position: usize| -> Result<Option<Need>, String> {
        let shape = shape_of(graph, node.inputs.get(position).copied().flatten())?;
        let axis = (at + shape.len()).checked_sub(rank).filter(|&axis| shape[axis] != 1);
        match axis {
            Some(axis) if position == 0 || at + 2 < rank => part(node, position, axis, range),
            _ => Ok(whole(node, position)),
        }
    };
    Ok(Needs { inputs: vec![factor(0)?, factor(1)?], pads: None, groups: None })
}

fn elementwise(
    graph: &Graph,
    node: &Node,
    at: usize,
    range: &Range<usize>,
) -> Result<Needs, String> {
    let output = shape_of(graph, node.outputs.first().copied().flatten())?;
    if node.op == "Softmax" && softmax_axes(graph.opset, node, output.len())?.contains(&at) {
        return Err("it sums along that dimension".into());
    }
    let mut inputs = Vec::with_capacity(node.inputs.len());
    for (position, id) in node.inputs.iter().enumerate() {
        let Some(id) = *id else {
            inputs.push(None);
            continue;
        };
        // Dimensions are matched from the last one on.
        let constant = &graph.tensor(id).constant;
        let shape = shape_of(graph, Some(id))?;
        let axis = (at + shape.len()).checked_sub(output.len());
        let (axis, side) = match axis.filter(|&axis| shape[axis] != 1) {
            Some(axis) => (axis, shape[axis]),
            None => {
                inputs.push(Some(Need::Whole(id)));
                continue;
            }
        };
        let is_added = matches!(node.op.as_str(), "Add" | "Sub" | "Sum");
        match constant {
            None if side == output[at] => {}
            Some(Constant::Int(_)) if (node.op.as_str(), position) == ("Where", 0) => {}
            // Other constants decide how weights are rounded, or which scale holds the result.
            Some(Constant::Float(_)) if is_added && side == output[at] => {}
            _ => return Err(format!("its input {position} can't be divided with its output")),
        }
        inputs.push(Some(Need::Part(id, axis, range.clone())));
    }
    Ok(Needs { inputs, pads: None, groups: None })
}
