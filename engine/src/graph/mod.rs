//! The network as a graph of nodes and tensors, free of any file format's types.
//!
//! Nodes have one fixed order: the file's where it is topological, else a stable topological sort
//! of it. What folds away when shapes are known (constants, shape arithmetic) is no node here;
//! its elements live on in [`Tensor::constant`].

mod attributes;
mod splits;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use attributes::{Attribute, Attributes};
pub use splits::{Axis, Part, Split, SplitTextError, Splits, Tile, Tiling};

use crate::digest::Digest;

/// Index of a tensor in [`Graph::tensors`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TensorId(pub u32);

impl TensorId {
    /// As an index into [`Graph::tensors`].
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// Element type of a tensor, as far as costs and lowering care.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ElementType {
    /// 32-bit floating point.
    F32,
    /// 64-bit floating point.
    F64,
    /// 16-bit floating point.
    F16,
    /// Any integer type.
    Integer,
    /// Truth values.
    Bool,
    /// Not inferred, or a type that no operator here takes.
    Unknown,
}

impl ElementType {
    /// Bytes of one element; 4 where the type is not known.
    #[must_use]
    pub fn bytes(self) -> u64 {
        match self {
            Self::F64 | Self::Integer => 8,
            Self::F32 | Self::Unknown => 4,
            Self::F16 => 2,
            Self::Bool => 1,
        }
    }
}

/// Elements of a tensor that is known before the network runs.
#[derive(Clone, Debug)]
pub enum Constant {
    /// Floating-point elements, row-major.
    Float(Arc<[f32]>),
    /// Integer or truth-value elements, row-major.
    Int(Arc<[i64]>),
    /// Elements of a type that no operator here takes.
    Other,
}

/// A value that flows between nodes, an input, or a constant.
#[derive(Clone, Debug)]
pub struct Tensor {
    /// Name in the file.
    pub name: String,
    /// Element type.
    pub element: ElementType,
    /// Dimensions, with the batch bound; `None` where they can't be inferred.
    pub shape: Option<Vec<usize>>,
    /// Its elements, where they are known before the network runs.
    pub constant: Option<Constant>,
    /// Index of the node that computes it.
    pub producer: Option<usize>,
    /// Indices of the nodes that read it, increasing, each once.
    pub consumers: Vec<usize>,
}

impl Tensor {
    /// Number of elements, where the shape is known.
    #[must_use]
    pub fn elements(&self) -> Option<u64> {
        self.shape.as_ref().map(|dims| {
            dims.iter().fold(1, |product: u64, &dim| product.saturating_mul(dim as u64))
        })
    }

    /// Bytes of all elements in the file's element type, where the shape is known.
    #[must_use]
    pub fn bytes(&self) -> Option<u64> {
        self.elements().map(|n| n.saturating_mul(self.element.bytes()))
    }

    /// Dimensions as people write them: `3×32×32`, or `?` where unknown.
    #[must_use]
    pub fn shape_text(&self) -> String {
        match &self.shape {
            None => "?".to_owned(),
            Some(dims) if dims.is_empty() => "scalar".to_owned(),
            Some(dims) => {
                let dims: Vec<_> = dims.iter().map(ToString::to_string).collect();
                dims.join("×")
            }
        }
    }
}

/// One operator of the network.
#[derive(Clone, Debug)]
pub struct Node {
    /// Name in the file, or `Operator_index` where the file gives none. Unique in the graph.
    pub name: String,
    /// ONNX operator, such as `Conv`.
    pub op: String,
    /// Inputs by position; `None` where an optional input is left out.
    pub inputs: Vec<Option<TensorId>>,
    /// Outputs by position; `None` where an optional output is left out.
    pub outputs: Vec<Option<TensorId>>,
    /// Attributes as the file gives them.
    pub attributes: Attributes,
}

/// A whole network.
#[derive(Clone, Debug)]
pub struct Graph {
    /// What people call it: the file's stem, or the graph's name.
    pub name: String,
    /// Version of the default operator set.
    pub opset: i64,
    /// Digest of the file, of the shapes that its inputs were bound to, and of the splits.
    pub digest: Digest,
    /// Nodes in their fixed order.
    pub nodes: Vec<Node>,
    /// All tensors: inputs, constants that a node reads, values.
    pub tensors: Vec<Tensor>,
    /// Inputs that a user supplies, in the file's order.
    pub inputs: Vec<TensorId>,
    /// Outputs, in the file's order.
    pub outputs: Vec<TensorId>,
    /// What its parts are parts of, where the model was split.
    pub tiling: Option<Arc<Tiling>>,
}

impl Graph {
    /// Digest of the file and of the shapes that its inputs were bound to, without the splits.
    #[must_use]
    pub fn file_digest(&self) -> Digest {
        self.tiling.as_ref().map_or(self.digest, |tiling| tiling.model)
    }

    /// What was split; nothing where the graph is the file's.
    #[must_use]
    pub fn splits(&self) -> Splits {
        self.tiling.as_ref().map(|tiling| tiling.splits.clone()).unwrap_or_default()
    }

    /// The tensor with this id.
    #[must_use]
    pub fn tensor(&self, id: TensorId) -> &Tensor {
        &self.tensors[id.index()]
    }

    /// The inputs of a node that are there and are not constants: what flows into it.
    pub fn data_inputs(&self, node: &Node) -> impl Iterator<Item = TensorId> {
        let ids: Vec<_> = node.inputs.iter().flatten().copied().collect();
        ids.into_iter().filter(|&id| self.tensor(id).constant.is_none())
    }

    /// The input at a position, where it is there.
    #[must_use]
    pub fn input(&self, node: &Node, position: usize) -> Option<&Tensor> {
        node.inputs.get(position).copied().flatten().map(|id| self.tensor(id))
    }

    /// The output at a position, where it is there.
    #[must_use]
    pub fn output(&self, node: &Node, position: usize) -> Option<&Tensor> {
        node.outputs.get(position).copied().flatten().map(|id| self.tensor(id))
    }

    /// Edges between nodes, `(producer, consumer, tensor)`, ordered by producer then consumer.
    #[must_use]
    pub fn edges(&self) -> Vec<(usize, usize, TensorId)> {
        let mut edges: Vec<_> = (0u32..)
            .zip(&self.tensors)
            .filter_map(|(id, tensor)| {
                tensor.producer.map(|p| (p, &tensor.consumers, TensorId(id)))
            })
            .flat_map(|(p, consumers, id)| consumers.iter().map(move |&c| (p, c, id)))
            .collect();
        edges.sort_unstable();
        edges
    }

    /// Elements of the constants that a node reads.
    #[must_use]
    pub fn parameters(&self, node: &Node) -> u64 {
        node.inputs
            .iter()
            .flatten()
            .map(|&id| self.tensor(id))
            .filter(|t| matches!(t.constant, Some(Constant::Float(_))))
            .filter_map(Tensor::elements)
            .sum()
    }
}
