//! A model with other nodes in the place of some of its own, as an ONNX model again.
//!
//! What takes their place is decided elsewhere ([`crate::split`]); here it is written as messages,
//! and read as any file is.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ops::Range;
use std::sync::Arc;

use tract_onnx::pb::{
    AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto, attribute_proto::AttributeType,
    tensor_proto::DataType,
};

use super::float::cut_out;
use super::infer::{self, user_inputs};
use super::proto::{opset, reads};
use super::{Model, OnnxError, build};
use crate::digest::Digest;
use crate::graph::{Constant, ElementType, Part, Splits, Tensor, TensorId, Tile, Tiling};

/// A model's nodes after the rewriting.
pub(crate) struct Rewriting {
    /// In topological order.
    pub nodes: Vec<NewNode>,
    /// The tensors that hold a part of one of the model's, by their new name.
    pub parts: BTreeMap<String, Part>,
    /// What was asked for.
    pub splits: Splits,
}

/// A node after the rewriting.
pub(crate) enum NewNode {
    /// The model's node of this index.
    Kept(usize),
    /// A part of one.
    Tile(TileNode),
    /// A part of a tensor.
    Slice { name: String, input: String, axis: usize, range: Range<usize>, output: String },
    /// Parts of a tensor, one after the other.
    Concat { name: String, inputs: Vec<String>, axis: usize, output: String },
}

/// A node that computes a part of what one of the model's nodes computes.
pub(crate) struct TileNode {
    pub tile: Tile,
    pub name: String,
    /// By position; `None` where an optional input is left out.
    pub inputs: Vec<Option<Feed>>,
    pub output: String,
    /// Other pads than the node's, before and after each spatial dimension.
    pub pads: Option<Vec<usize>>,
    /// Another number of groups than the node's.
    pub groups: Option<usize>,
}

/// What a tile reads.
#[derive(Clone)]
pub(crate) enum Feed {
    /// A tensor.
    Tensor(String),
    /// A part of a constant of the model: floats or truth values.
    Constant(Part),
}

impl Model {
    /// The model with these nodes in the place of its own. The model itself is kept as the float
    /// reference.
    ///
    /// # Errors
    /// Where a constant can't be divided, or what comes out is no model.
    pub(crate) fn rewritten(&self, rewriting: &Rewriting) -> Result<Self, OnnxError> {
        let before = &self.graph;
        let Some(source) = self.proto.graph.as_ref() else {
            unreachable!("decoding refuses a model without a graph");
        };
        let names: BTreeSet<&str> = before.nodes.iter().map(|n| n.name.as_str()).collect();
        let (wanted, by_value) = self.with_folded(source, &names);
        let of_name: BTreeMap<&str, &NodeProto> =
            source.node.iter().map(|node| (node.name.as_str(), node)).collect();
        let of_index = |index: usize| of_name[before.nodes[index].name.as_str()];

        let mut writer = Writer { opset: opset(&self.proto), constants: BTreeMap::new() };
        let mut nodes: Vec<NodeProto> =
            wanted.into_iter().filter(|n| !names.contains(n.name.as_str())).cloned().collect();
        let mut tiles = Vec::new();
        for node in &rewriting.nodes {
            nodes.push(match node {
                NewNode::Kept(index) => of_index(*index).clone(),
                NewNode::Tile(tile) => {
                    tiles.push((tile.name.as_str(), tile.tile));
                    writer.tile(tile, of_index(tile.tile.node), &before.tensors)?
                }
                NewNode::Slice { name, input, axis, range, output } => {
                    writer.slice(name, input, *axis, range, output)
                }
                NewNode::Concat { name, inputs, axis, output } => {
                    concat(name, inputs, *axis, output)
                }
            });
        }
        check_names(source, &by_value, &writer.constants, &nodes)?;
        let read: HashSet<&str> = nodes.iter().flat_map(|node| reads(node)).collect();
        let kept = source.initializer.iter().filter(|t| read.contains(t.name.as_str())).cloned();
        let initializer = kept.chain(by_value).chain(writer.constants.into_values()).collect();
        let graph = GraphProto {
            name: source.name.clone(),
            input: user_inputs(source).cloned().collect(),
            output: source.output.clone(),
            initializer,
            node: nodes,
            ..GraphProto::default()
        };
        let proto = ModelProto {
            // Initializers that are not inputs are allowed from version 4 on.
            ir_version: self.proto.ir_version.max(4),
            opset_import: self.proto.opset_import.clone(),
            functions: self.proto.functions.clone(),
            graph: Some(graph),
            ..ModelProto::default()
        };
        self.reopened(proto, rewriting, &tiles)
    }

    /// The model whose messages are these.
    fn reopened(
        &self,
        proto: ModelProto,
        rewriting: &Rewriting,
        tiles: &[(&str, Tile)],
    ) -> Result<Self, OnnxError> {
        let before = self.graph.digest;
        let inferred = infer::infer(&proto, self.folder.as_deref(), &self.bindings)?;
        let digest = split_digest(before, &rewriting.splits);
        let mut graph = build::build(&self.graph.name, &proto, inferred.facts(), digest);
        let nodes: BTreeMap<&str, usize> =
            graph.nodes.iter().enumerate().map(|(i, node)| (node.name.as_str(), i)).collect();
        let parts = (0u32..).map(TensorId).zip(&graph.tensors);
        let moves = rewriting.nodes.iter().filter_map(|node| match node {
            NewNode::Slice { name, .. } | NewNode::Concat { name, .. } => Some(name.as_str()),
            NewNode::Kept(_) | NewNode::Tile(_) => None,
        });
        let tiling = Tiling {
            model: before,
            splits: rewriting.splits.clone(),
            parts: parts
                .filter_map(|(id, t)| Some((id, rewriting.parts.get(&t.name)?.clone())))
                .collect(),
            heads: tiles
                .iter()
                .map(|(_, tile)| (tile.head, self.graph.nodes[tile.head].name.clone()))
                .collect(),
            tiles: tiles.iter().filter_map(|(name, t)| Some((*nodes.get(name)?, *t))).collect(),
            moves: moves.filter_map(|name| nodes.get(name).copied()).collect(),
        };
        graph.tiling = Some(Arc::new(tiling));
        Ok(Self {
            graph: Arc::new(graph),
            proto: Arc::new(proto),
            inferred: Arc::new(inferred),
            runner: Arc::default(),
            original: Some(Arc::new(self.clone())),
            ..self.clone()
        })
    }
}

/// Refuses a model with a tensor of a name that a tile has.
fn check_names(
    source: &GraphProto,
    by_value: &[TensorProto],
    constants: &BTreeMap<String, TensorProto>,
    nodes: &[NodeProto],
) -> Result<(), OnnxError> {
    let mut taken: HashSet<&str> = user_inputs(source).map(|input| input.name.as_str()).collect();
    let given = source.initializer.iter().chain(by_value).chain(constants.values());
    let made = nodes.iter().flat_map(|node| &node.output).filter(|name| !name.is_empty());
    let mut names = given.map(|tensor| tensor.name.as_str()).chain(made.map(String::as_str));
    match names.find(|name| !taken.insert(name)) {
        None => Ok(()),
        Some(name) => Err(OnnxError::BadTensor {
            tensor: name.to_owned(),
            problem: "has the name that a tile gets".to_owned(),
        }),
    }
}

/// The digest of a model that is split.
fn split_digest(model: Digest, splits: &Splits) -> Digest {
    let mut all = model.0.to_vec();
    for (node, split) in &splits.0 {
        all.extend(format!("\n{node:?}={split}").bytes());
    }
    Digest::of("microtome split model v1", &all)
}

/// Writes new nodes, and the constants that they need.
struct Writer {
    opset: i64,
    constants: BTreeMap<String, TensorProto>,
}

impl Writer {
    fn tile(
        &mut self,
        tile: &TileNode,
        source: &NodeProto,
        tensors: &[Tensor],
    ) -> Result<NodeProto, OnnxError> {
        let mut input = Vec::with_capacity(tile.inputs.len());
        for feed in &tile.inputs {
            input.push(match feed {
                None => String::new(),
                Some(Feed::Tensor(name)) => name.clone(),
                Some(Feed::Constant(part)) => self.part(&tensors[part.tensor.index()], part)?,
            });
        }
        let mut attribute = source.attribute.clone();
        if let Some(pads) = &tile.pads {
            // The pads say all: what the node pads by itself is among them.
            attribute.retain(|a| !["pads", "auto_pad", "ceil_mode"].contains(&a.name.as_str()));
            let pads: Vec<i64> = pads.iter().map(|&pad| pad as i64).collect();
            attribute.push(ints("pads", &pads));
        }
        if let Some(groups) = tile.groups {
            attribute.retain(|a| a.name != "group");
            attribute.push(AttributeProto {
                name: "group".into(),
                r#type: AttributeType::Int as i32,
                i: groups as i64,
                ..AttributeProto::default()
            });
        }
        Ok(NodeProto {
            name: tile.name.clone(),
            input,
            output: vec![tile.output.clone()],
            attribute,
            ..source.clone()
        })
    }

    /// The name of a constant that holds a part of another.
    fn part(&mut self, tensor: &Tensor, part: &Part) -> Result<String, OnnxError> {
        let Part { axis, range, .. } = part;
        let name = format!("{} axis {axis} {}..{}", tensor.name, range.start, range.end);
        if self.constants.contains_key(&name) {
            return Ok(name);
        }
        let bad = |problem: &str| OnnxError::BadTensor {
            tensor: tensor.name.clone(),
            problem: problem.to_owned(),
        };
        let shape = tensor.shape.as_deref().unwrap_or_default();
        let volume: usize = shape.iter().product();
        let is_inside = part.axis < shape.len() && part.range.end <= shape[part.axis];
        let whole = |len: usize| (len == volume && is_inside).then_some(());
        let (data_type, raw_data) = match (&tensor.constant, tensor.element) {
            (Some(Constant::Float(values)), ElementType::F32) => {
                let bytes = |x: f32| x.to_le_bytes();
                let elements = whole(values.len()).map(|()| cut_out(values, shape, part));
                (DataType::Float, elements.map(|all| all.into_iter().flat_map(bytes).collect()))
            }
            (Some(Constant::Int(values)), ElementType::Bool) => {
                let elements = whole(values.len()).map(|()| cut_out(values, shape, part));
                let byte = |x: i64| u8::from(x != 0);
                (DataType::Bool, elements.map(|all| all.into_iter().map(byte).collect()))
            }
            _ => return Err(bad("can't be divided, not being 32-bit floats or truth values")),
        };
        let raw_data = raw_data.ok_or_else(|| bad("can't be divided, not filling its shape"))?;
        let mut dims: Vec<i64> = shape.iter().map(|&d| d as i64).collect();
        dims[part.axis] = part.range.len() as i64;
        let proto = TensorProto {
            dims,
            data_type: data_type as i32,
            name: name.clone(),
            raw_data,
            ..TensorProto::default()
        };
        self.constants.insert(name.clone(), proto);
        Ok(name)
    }

    /// Attributes up to opset 9, inputs after it.
    fn slice(
        &mut self,
        name: &str,
        input: &str,
        axis: usize,
        range: &Range<usize>,
        output: &str,
    ) -> NodeProto {
        let lists = [("starts", range.start), ("ends", range.end), ("axes", axis)];
        let mut node = plain("Slice", name, vec![input.to_owned()], output);
        for (list, value) in lists {
            if self.opset < 10 {
                node.attribute.push(ints(list, &[value as i64]));
                continue;
            }
            let constant = format!("{name} {list}");
            node.input.push(constant.clone());
            let proto = TensorProto {
                dims: vec![1],
                data_type: DataType::Int64 as i32,
                name: constant.clone(),
                raw_data: (value as i64).to_le_bytes().to_vec(),
                ..TensorProto::default()
            };
            self.constants.insert(constant, proto);
        }
        node
    }
}

fn concat(name: &str, inputs: &[String], axis: usize, output: &str) -> NodeProto {
    let mut node = plain("Concat", name, inputs.to_vec(), output);
    node.attribute.push(AttributeProto {
        name: "axis".into(),
        r#type: AttributeType::Int as i32,
        i: axis as i64,
        ..AttributeProto::default()
    });
    node
}

fn plain(op: &str, name: &str, input: Vec<String>, output: &str) -> NodeProto {
    NodeProto {
        op_type: op.into(),
        name: name.to_owned(),
        input,
        output: vec![output.to_owned()],
        ..NodeProto::default()
    }
}

fn ints(name: &str, values: &[i64]) -> AttributeProto {
    AttributeProto {
        name: name.into(),
        r#type: AttributeType::Ints as i32,
        ints: values.to_vec(),
        ..AttributeProto::default()
    }
}
