//! The structure of the program, before anything is quantised: which nodes become which
//! operations, which are absorbed, and which can't be proven.

use std::sync::Arc;

use super::operators::function::Function;
use super::{Operand, Read, ValueId, Window};
use crate::graph::{Graph, Node, TensorId};

mod layers;
pub(super) mod ops;
mod pools;
mod sums;
mod tiles;
pub(super) mod weights;

/// A tensor of the program before it has a scale.
#[derive(Clone, Debug)]
pub struct SkeletonValue {
    /// The graph's tensor that it holds; none for a step inside a node.
    pub tensor: Option<TensorId>,
    /// Name of that tensor, or of the node's with the step.
    pub name: String,
    /// Dimensions.
    pub shape: Vec<usize>,
    /// Where its scale comes from.
    pub scale: Scale,
}

/// Where the scale of a tensor comes from. Calibration only measures what can't be derived.
#[derive(Clone, Debug)]
pub enum Scale {
    /// From the float values that its own tensor takes in calibration.
    Measured,
    /// From what a step inside a node makes of the float values that an earlier tensor takes in
    /// calibration.
    Through {
        /// The earlier tensor.
        from: ValueId,
        /// What the step makes of it.
        greatest: Greatest,
        /// Where the node is a tile: what this step computes in the first of its tiles, with which
        /// it is measured.
        first: Option<ValueId>,
    },
    /// It is that of an earlier tensor, whose range contains its own.
    Of(ValueId),
    /// It is that of an earlier tensor, the first part of what both are parts of: all of these are
    /// measured together, so that they have the scale that the whole would have.
    Part(ValueId),
    /// It is the least under which the ranges of these earlier tensors fit, and a number of this
    /// magnitude.
    Holding(Vec<ValueId>, f64),
}

/// The greatest magnitude that a step makes of a tensor's float values.
#[derive(Clone)]
pub struct Greatest(Arc<FindGreatest>);

type FindGreatest = dyn Fn(&[f32]) -> f64 + Send + Sync;

impl Greatest {
    /// What this function finds.
    pub(super) fn found_by(find: impl Fn(&[f32]) -> f64 + Send + Sync + 'static) -> Self {
        Self(Arc::new(find))
    }

    /// The greatest magnitude for these values.
    pub(super) fn of(&self, values: &[f32]) -> f64 {
        (self.0)(values)
    }
}

impl std::fmt::Debug for Greatest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Greatest")
    }
}

impl Scale {
    /// The earlier tensor of the same scale that it is measured with, where it is one of several
    /// parts.
    pub(super) fn first_part(&self) -> Option<ValueId> {
        match self {
            Self::Part(first) | Self::Through { first: Some(first), .. } => Some(*first),
            _ => None,
        }
    }

    /// The scale, given those of the tensors before; `greatest` is the greatest integer of the
    /// range. None where it is measured.
    pub(super) fn derived(&self, scale_of: impl Fn(ValueId) -> f64, greatest: f64) -> Option<f64> {
        match self {
            Self::Measured | Self::Through { first: None, .. } => None,
            Self::Through { first: Some(value), .. } => Some(scale_of(*value)),
            Self::Of(value) | Self::Part(value) => Some(scale_of(*value)),
            Self::Holding(values, least) => {
                let scales = values.iter().map(|&value| scale_of(value));
                Some(scales.fold(least / greatest, f64::max))
            }
        }
    }
}

/// An operation with its float weights.
#[derive(Clone, Debug)]
pub struct SkeletonOp {
    /// Index of the graph's node.
    pub node: usize,
    /// What it does.
    pub kind: SkeletonKind,
    /// Tensors that it reads.
    pub inputs: Vec<ValueId>,
    /// The tensor that it computes.
    pub output: ValueId,
    /// The greatest weight of all tiles of one layer, where it is a tile: their weights are rounded
    /// as those of the whole layer are. 0 where it is none.
    pub greatest: f64,
}

/// Float weights, and a factor for each output channel that folding multiplies them by.
#[derive(Clone, Debug)]
pub struct FloatWeights {
    /// `[out, …]`, row-major.
    pub weights: Arc<[f32]>,
    /// One for each output channel.
    pub factors: Vec<f64>,
    /// One for each output channel. An infinite one is the end of the output's range.
    pub bias: Vec<f64>,
}

/// What an operation does, in floats.
#[derive(Clone, Debug)]
pub enum SkeletonKind {
    /// As [`super::Map::Conv`].
    Conv {
        /// Geometry.
        window: Window,
        /// Channels of the input.
        channels_in: usize,
        /// Groups of channels.
        groups: usize,
        /// Weights `[out, in/groups, kh, kw]`.
        floats: FloatWeights,
    },
    /// As [`super::Map::Dense`].
    Dense {
        /// Rows of the input.
        rows: usize,
        /// Features of the input.
        inner: usize,
        /// Weights `[outer, inner]`.
        floats: FloatWeights,
    },
    /// As [`super::Map::Sum`].
    Sum {
        /// Dimensions of the output.
        shape: Vec<usize>,
        /// How each operand is read.
        operands: Vec<Operand>,
        /// The number that multiplies each operand.
        coefficients: Vec<f64>,
        /// One for each element, or empty.
        bias: Vec<f64>,
    },
    /// As [`super::Map::Average`].
    Average {
        /// Geometry.
        window: Window,
        /// Whether the padding counts as zeros.
        count_include_pad: bool,
    },
    /// As [`super::Map::Gather`].
    Gather {
        /// Dimensions in which the output is seen.
        shape: Vec<usize>,
        /// How each operand is read.
        reads: Vec<Read>,
        /// The number that multiplies each operand.
        coefficients: Vec<f64>,
        /// One for each element, or empty. An infinite one is the end of the output's range.
        bias: Vec<f64>,
    },
    /// As [`super::Product`].
    Product {
        /// Dimensions in which the output is seen.
        shape: Vec<usize>,
        /// How the first factor is read.
        left: Read,
        /// How the second factor is read.
        right: Read,
    },
    /// A function of each element by itself.
    Function(Function),
    /// `max(x, 0)`.
    Relu,
    /// A maximum over windows.
    MaxPool(Window),
}

/// The structure of the program.
#[derive(Clone, Debug)]
pub struct Skeleton {
    /// Tensors of the program.
    pub values: Vec<SkeletonValue>,
    /// Operations, with increasing [`SkeletonOp::node`].
    pub ops: Vec<SkeletonOp>,
    /// Inputs that the program reads.
    pub inputs: Vec<ValueId>,
    /// Tensors that it answers with: the model's outputs, and what nodes read that can't be proven.
    pub outputs: Vec<ValueId>,
    value_of: Vec<Option<ValueId>>,
    owners: Vec<usize>,
    obstacles: Vec<Option<String>>,
    legal_cuts: Vec<usize>,
}

impl Skeleton {
    /// Finds out how each node of the graph is lowered. It can't fail: a node that can't be
    /// lowered gets an [obstacle](Self::obstacle), and so do the nodes that depend on it.
    #[must_use]
    pub fn of(graph: &Graph) -> Self {
        ops::Builder::new(graph).build()
    }

    /// The node that a node follows when the model is cut: itself, or its absorber.
    #[must_use]
    pub fn owner(&self, node: usize) -> usize {
        self.owners[node]
    }

    /// Why a node can't be proven, where it can't.
    #[must_use]
    pub fn obstacle(&self, node: usize) -> Option<&str> {
        self.obstacles[node].as_deref()
    }

    /// Number of nodes of the graph.
    #[must_use]
    pub fn node_count(&self) -> usize {
        self.owners.len()
    }

    /// Whether the program computes something at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ops.is_empty()
    }

    /// The program's tensor that holds the elements of a graph's tensor.
    #[must_use]
    pub fn value_of(&self, tensor: TensorId) -> Option<ValueId> {
        self.value_of[tensor.index()]
    }

    /// The cuts that differ: indices of nodes that may start a slice, increasing.
    #[must_use]
    pub fn legal_cuts(&self) -> &[usize] {
        &self.legal_cuts
    }

    /// The legal cut that means the same as a cut before `node`: the next one at or after it,
    /// since the nodes between are absorbed. `None` where nothing is left on one side.
    #[must_use]
    pub fn canonical_cut(&self, node: usize) -> Option<usize> {
        let at = self.legal_cuts.partition_point(|&cut| cut < node);
        (node > 0).then(|| self.legal_cuts.get(at).copied()).flatten()
    }

    /// The nodes between two cuts, with those that they absorb, in increasing order.
    #[must_use]
    pub fn nodes_between(&self, from: usize, to: usize) -> Vec<usize> {
        (0..self.owners.len()).filter(|&n| (from..to).contains(&self.owners[n])).collect()
    }
}

fn place(node: &Node, graph: &Graph) -> String {
    format!("node {:?} ({}, opset {})", node.name, node.op, graph.opset)
}
