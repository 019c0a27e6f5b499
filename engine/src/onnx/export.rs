//! Slices as ONNX files of their own.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use prost::Message;
use tract_onnx::pb::{
    GraphProto, ModelProto, NodeProto, TensorProto, TensorShapeProto, TypeProto, ValueInfoProto,
    tensor_proto::DataType, tensor_shape_proto, type_proto,
};

use super::proto::reads;
use super::{Bindings, Model, OnnxError};
use crate::graph::{Constant, ElementType, Tensor, TensorId};

/// A slice as a file.
#[derive(Clone, Debug)]
pub struct ExportedSlice {
    /// Tensors that it reads, in the file's order of inputs.
    pub inputs: Vec<String>,
    /// Tensors that it answers with, in the file's order of outputs.
    pub outputs: Vec<String>,
    /// The ONNX file.
    pub bytes: Arc<[u8]>,
}

impl Model {
    /// Writes groups of nodes as ONNX files; `groups` holds indices of the graph's nodes, each in
    /// increasing order. Constants and folded shape arithmetic are copied into each file that
    /// needs them.
    #[must_use]
    pub fn export(&self, groups: &[Vec<usize>]) -> Vec<ExportedSlice> {
        groups.iter().map(|nodes| self.export_one(nodes)).collect()
    }

    fn export_one(&self, nodes: &[usize]) -> ExportedSlice {
        let graph = &self.graph;
        let Some(source) = self.proto.graph.as_ref() else {
            unreachable!("decoding refuses a model without a graph");
        };
        let inside: BTreeSet<usize> = nodes.iter().copied().collect();
        let names: BTreeSet<&str> = nodes.iter().map(|&n| graph.nodes[n].name.as_str()).collect();
        let (wanted, by_value) = self.with_folded(source, &names);

        let is_flow = |id: &TensorId| graph.tensor(*id).constant.is_none();
        let mut inputs = BTreeSet::new();
        let mut outputs = BTreeSet::new();
        for (id, tensor) in (0u32..).map(TensorId).zip(&graph.tensors).filter(|(id, _)| is_flow(id))
        {
            let made_inside = tensor.producer.is_some_and(|p| inside.contains(&p));
            let read_inside = tensor.consumers.iter().any(|c| inside.contains(c));
            let read_outside = tensor.consumers.iter().any(|c| !inside.contains(c));
            if read_inside && !made_inside {
                inputs.insert(id);
            }
            if made_inside && (read_outside || graph.outputs.contains(&id)) {
                outputs.insert(id);
            }
        }
        let read: BTreeSet<&str> = wanted.iter().flat_map(|n| reads(n)).collect();
        let part = GraphProto {
            node: wanted.iter().map(|&n| n.clone()).collect(),
            name: graph.name.clone(),
            initializer: source
                .initializer
                .iter()
                .filter(|t| read.contains(t.name.as_str()))
                .cloned()
                .chain(by_value)
                .collect(),
            input: inputs.iter().map(|&id| self.value_info(id)).collect(),
            output: outputs.iter().map(|&id| self.value_info(id)).collect(),
            ..GraphProto::default()
        };
        let model = ModelProto {
            // Initializers that are not inputs are allowed from version 4 on.
            ir_version: self.proto.ir_version.max(4),
            opset_import: self.proto.opset_import.clone(),
            producer_name: "microtome".into(),
            producer_version: env!("CARGO_PKG_VERSION").into(),
            functions: self.proto.functions.clone(),
            graph: Some(part),
            ..ModelProto::default()
        };
        let name = |id: &TensorId| graph.tensor(*id).name.clone();
        ExportedSlice {
            inputs: inputs.iter().map(name).collect(),
            outputs: outputs.iter().map(name).collect(),
            bytes: model.encode_to_vec().into(),
        }
    }

    /// The file's nodes with these names and the folded nodes that they need, in order; and those
    /// constants that come from a tensor's shape, which lies outside the slice, by value.
    pub(super) fn with_folded<'a>(
        &self,
        source: &'a GraphProto,
        names: &BTreeSet<&str>,
    ) -> (Vec<&'a NodeProto>, Vec<TensorProto>) {
        let kept: BTreeSet<&str> = self.graph.nodes.iter().map(|n| n.name.as_str()).collect();
        let mut pure: HashMap<&str, Option<&NodeProto>> =
            source.initializer.iter().map(|t| (t.name.as_str(), None)).collect();
        for node in source.node.iter().filter(|n| !kept.contains(n.name.as_str())) {
            if reads(node).iter().all(|name| pure.contains_key(name)) {
                pure.extend(node.output.iter().map(|o| (o.as_str(), Some(node))));
            }
        }
        let constants: HashMap<&str, &Tensor> = self
            .graph
            .tensors
            .iter()
            .filter(|t| t.constant.is_some())
            .map(|t| (t.name.as_str(), t))
            .collect();
        let mut wanted: BTreeSet<&str> = names.clone();
        let mut by_value = BTreeMap::new();
        let mut open: Vec<&NodeProto> =
            source.node.iter().filter(|n| names.contains(n.name.as_str())).collect();
        while let Some(node) = open.pop() {
            for name in reads(node) {
                match pure.get(name) {
                    Some(Some(maker)) => {
                        if wanted.insert(maker.name.as_str()) {
                            open.push(maker);
                        }
                    }
                    Some(None) => {}
                    None => {
                        if let Some(value) = constants.get(name).and_then(|t| initializer(t)) {
                            by_value.insert(name, value);
                        }
                    }
                }
            }
        }
        let nodes = source.node.iter().filter(|n| wanted.contains(n.name.as_str())).collect();
        (nodes, by_value.into_values().collect())
    }

    fn value_info(&self, id: TensorId) -> ValueInfoProto {
        use tensor_shape_proto::{Dimension, dimension::Value};
        let tensor = self.graph.tensor(id);
        let element = match tensor.element {
            ElementType::F64 => DataType::Double,
            ElementType::F16 => DataType::Float16,
            ElementType::Integer => DataType::Int64,
            ElementType::Bool => DataType::Bool,
            ElementType::F32 | ElementType::Unknown => DataType::Float,
        };
        let dim = |&d: &usize| Dimension {
            denotation: String::new(),
            value: Some(Value::DimValue(d as i64)),
        };
        let shape = tensor
            .shape
            .as_ref()
            .map(|dims| TensorShapeProto { dim: dims.iter().map(dim).collect() });
        let tensor_type = type_proto::Tensor { elem_type: element as i32, shape };
        ValueInfoProto {
            name: tensor.name.clone(),
            r#type: Some(TypeProto {
                value: Some(type_proto::Value::TensorType(tensor_type)),
                ..TypeProto::default()
            }),
            doc_string: String::new(),
        }
    }
}

/// A known tensor as an initializer, where its elements are numbers.
fn initializer(tensor: &Tensor) -> Option<TensorProto> {
    let (data_type, raw_data) = match (tensor.constant.as_ref()?, tensor.element) {
        (Constant::Float(v), ElementType::F32) => {
            (DataType::Float, v.iter().flat_map(|x| x.to_le_bytes()).collect())
        }
        (Constant::Int(v), ElementType::Integer) => {
            (DataType::Int64, v.iter().flat_map(|x| x.to_le_bytes()).collect())
        }
        (Constant::Int(v), ElementType::Bool) => {
            (DataType::Bool, v.iter().map(|&x| u8::from(x != 0)).collect())
        }
        _ => return None,
    };
    Some(TensorProto {
        dims: tensor.shape.as_ref()?.iter().map(|&d| d as i64).collect(),
        data_type: data_type as i32,
        name: tensor.name.clone(),
        raw_data,
        ..TensorProto::default()
    })
}

/// Runs exported slices in sequence with tract and returns every tensor that crosses or leaves,
/// by name: the check that the slices together are the model.
///
/// # Errors
/// Where a slice can't be read or run, or a tensor that it needs was not made before.
pub fn run_exported(
    slices: &[ExportedSlice],
    inputs: BTreeMap<String, Vec<f32>>,
) -> Result<BTreeMap<String, Vec<f32>>, OnnxError> {
    let mut known = inputs;
    for (number, slice) in slices.iter().enumerate() {
        let model = Model::read(&format!("slice {number}"), &slice.bytes, &Bindings::default())?;
        let inputs: Result<Vec<Vec<f32>>, OnnxError> = slice
            .inputs
            .iter()
            .map(|name| {
                known.get(name).cloned().ok_or_else(|| OnnxError::Run {
                    what: format!("slice {number}"),
                    detail: format!("tensor {name:?} was made by no slice before it"),
                })
            })
            .collect();
        let trace = model.float_run(&inputs?)?;
        for &id in &model.graph.outputs {
            if let Some(values) = trace.get(&id) {
                known.insert(model.graph.tensor(id).name.clone(), values.clone());
            }
        }
    }
    Ok(known)
}
