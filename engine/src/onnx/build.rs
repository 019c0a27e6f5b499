//! From the file's messages and tract's facts to a [`Graph`].

use std::collections::{BTreeMap, BTreeSet, HashMap};

use tract_onnx::pb::attribute_proto::AttributeType;
use tract_onnx::pb::{AttributeProto, ModelProto, NodeProto};

use super::infer::{Fact, user_inputs};
use super::proto::{opset, reads};
use crate::digest::Digest;
use crate::graph::{Attribute, Attributes, Constant, ElementType, Graph, Node, Tensor, TensorId};

/// Builds the graph: nodes that fold away are dropped, their results become constants.
pub fn build<'a>(
    name: &str,
    proto: &'a ModelProto,
    mut facts: BTreeMap<&'a str, Fact>,
    digest: Digest,
) -> Graph {
    let Some(graph) = proto.graph.as_ref() else {
        unreachable!("decoding refuses a model without a graph");
    };
    let folded = fold(&graph.node, &mut facts, graph.initializer.iter().map(|t| t.name.as_str()));

    let mut table = Table { facts, ids: HashMap::new(), tensors: Vec::new() };
    let inputs: Vec<_> = user_inputs(graph).map(|input| table.id(&input.name)).collect();
    let mut nodes = Vec::new();
    for (proto, _) in graph.node.iter().zip(&folded).filter(|(_, folded)| !**folded) {
        let index = nodes.len();
        let node = Node {
            name: proto.name.clone(),
            op: proto.op_type.clone(),
            inputs: proto.input.iter().map(|name| table.optional(name)).collect(),
            outputs: proto.output.iter().map(|name| table.optional(name)).collect(),
            attributes: attributes(&proto.attribute),
        };
        // Subgraphs read tensors that are no inputs of the node; they are alive until then.
        let all: BTreeSet<TensorId> = reads(proto).into_iter().map(|name| table.id(name)).collect();
        for id in all {
            table.tensors[id.index()].consumers.push(index);
        }
        for id in node.outputs.iter().flatten() {
            table.tensors[id.index()].producer = Some(index);
        }
        nodes.push(node);
    }
    let outputs = graph.output.iter().map(|output| table.id(&output.name)).collect();
    Graph {
        name: name.to_owned(),
        opset: opset(proto),
        digest,
        nodes,
        tensors: table.tensors,
        inputs,
        outputs,
        tiling: None,
    }
}

/// Marks the nodes whose results are known before the network runs, and notes those results.
fn fold<'a>(
    nodes: &'a [NodeProto],
    facts: &mut BTreeMap<&'a str, Fact>,
    initializers: impl Iterator<Item = &'a str>,
) -> Vec<bool> {
    let mut constants: BTreeSet<&str> = initializers.collect();
    let mut folded = Vec::with_capacity(nodes.len());
    for node in nodes {
        let known = |name: &&str| facts.get(*name).is_some_and(|f| f.constant.is_some());
        let mut outputs = node.output.iter().map(String::as_str).filter(|name| !name.is_empty());
        let from_constants = reads(node).iter().all(|name| constants.contains(name));
        let is_folded = outputs.clone().all(|name| known(&name))
            || (from_constants && !node.op_type.starts_with("Random"));
        if is_folded {
            constants.extend(outputs.clone());
            for name in outputs.by_ref() {
                let splat = splat(node, facts.get(name));
                if let Some(fact) = facts.get_mut(name)
                    && fact.constant.is_none()
                {
                    fact.constant = Some(splat.unwrap_or(Constant::Other));
                }
            }
        }
        folded.push(is_folded);
    }
    folded
}

/// The elements of a large `ConstantOfShape`, which tract infers the shape of but doesn't keep.
fn splat(node: &NodeProto, fact: Option<&Fact>) -> Option<Constant> {
    let (shape, element) = fact.map(|f| (f.shape.as_ref(), f.element))?;
    // Without a value the elements are 32-bit zeros, which tract takes for 64-bit ones.
    let is_float = matches!(element, ElementType::F32 | ElementType::F64);
    if node.op_type != "ConstantOfShape" || !is_float {
        return None;
    }
    let tensor = node.attribute.iter().find(|a| a.name == "value").and_then(|a| a.t.as_ref());
    let value = match tensor {
        None => 0.0,
        Some(t) if !t.float_data.is_empty() => t.float_data[0],
        Some(t) => f32::from_le_bytes(t.raw_data.get(..4)?.try_into().ok()?),
    };
    Some(Constant::Float(vec![value; shape?.iter().product()].into()))
}

struct Table<'a> {
    facts: BTreeMap<&'a str, Fact>,
    ids: HashMap<String, TensorId>,
    tensors: Vec<Tensor>,
}

impl Table<'_> {
    fn id(&mut self, name: &str) -> TensorId {
        if let Some(&id) = self.ids.get(name) {
            return id;
        }
        let id = TensorId(self.tensors.len() as u32);
        let (element, shape, constant) = match self.facts.remove(name) {
            Some(fact) => (fact.element, fact.shape, fact.constant),
            None => (ElementType::Unknown, None, None),
        };
        self.tensors.push(Tensor {
            name: name.to_owned(),
            element,
            shape,
            constant,
            producer: None,
            consumers: Vec::new(),
        });
        self.ids.insert(name.to_owned(), id);
        id
    }

    fn optional(&mut self, name: &str) -> Option<TensorId> {
        (!name.is_empty()).then(|| self.id(name))
    }
}

fn attributes(protos: &[AttributeProto]) -> Attributes {
    let value = |a: &AttributeProto| match AttributeType::try_from(a.r#type) {
        Ok(AttributeType::Int) => Attribute::Int(a.i),
        Ok(AttributeType::Float) => Attribute::Float(a.f),
        Ok(AttributeType::String) => Attribute::Text(String::from_utf8_lossy(&a.s).into_owned()),
        Ok(AttributeType::Ints) => Attribute::Ints(a.ints.clone()),
        Ok(AttributeType::Floats) => Attribute::Floats(a.floats.clone()),
        Ok(AttributeType::Tensor) => Attribute::Other("tensor"),
        Ok(AttributeType::Graph) => Attribute::Other("graph"),
        _ => Attribute::Other("other"),
    };
    Attributes(protos.iter().map(|a| (a.name.clone(), value(a))).collect())
}
