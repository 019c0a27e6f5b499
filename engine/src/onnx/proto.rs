//! The file's own messages: decoding, checks that spare later steps from hostile input, order.

use std::collections::{BTreeSet, HashMap, HashSet};

use prost::Message;
use tract_onnx::pb::{GraphProto, ModelProto, NodeProto, TensorProto, tensor_proto::DataType};

use super::OnnxError;

/// The most elements that one tensor may have: 2^31, eight gigabytes of floats.
const MAX_ELEMENTS: u64 = 1 << 31;

/// Decodes a model, checks that every tensor is made once and before it is read, and puts the
/// nodes into topological order (the file's own, where it is one).
pub fn decode(name: &str, bytes: &[u8]) -> Result<ModelProto, OnnxError> {
    let not_onnx = |detail: String| OnnxError::NotOnnx { name: name.to_owned(), detail };
    let mut model = ModelProto::decode(bytes).map_err(|e| not_onnx(e.to_string()))?;
    let opset = opset(&model);
    let graph = model.graph.as_mut().ok_or_else(|| not_onnx("it holds no graph".into()))?;
    if graph.node.is_empty() || graph.output.is_empty() {
        return Err(not_onnx("its graph is empty".into()));
    }
    if opset < 7 {
        return Err(OnnxError::OldOpset { name: name.to_owned(), opset });
    }
    check_tensors(graph)?;
    name_nodes(graph);
    sort(graph, opset)?;
    Ok(model)
}

/// Version of the default operator set; 1 where the file names none, as the format says.
pub fn opset(model: &ModelProto) -> i64 {
    let default = model.opset_import.iter().find(|o| o.domain.is_empty() || o.domain == "ai.onnx");
    default.map_or(1, |o| o.version)
}

/// Names of tensors that a node reads, those inside its subgraphs included.
pub fn reads(node: &NodeProto) -> Vec<&str> {
    let mut names: Vec<&str> = node.input.iter().map(String::as_str).collect();
    for body in node.attribute.iter().flat_map(|a| a.g.iter().chain(&a.graphs)) {
        let made: HashSet<&str> = body
            .node
            .iter()
            .flat_map(|n| &n.output)
            .chain(body.input.iter().map(|i| &i.name))
            .chain(body.initializer.iter().map(|t| &t.name))
            .map(String::as_str)
            .collect();
        let outer = body.node.iter().flat_map(reads).filter(|name| !made.contains(name));
        names.extend(outer);
    }
    names.retain(|name| !name.is_empty());
    names
}

fn check_tensors(graph: &GraphProto) -> Result<(), OnnxError> {
    let attributes = graph.node.iter().flat_map(|n| &n.attribute).filter_map(|a| a.t.as_ref());
    for tensor in graph.initializer.iter().chain(attributes) {
        check_tensor(tensor)
            .map_err(|problem| OnnxError::BadTensor { tensor: tensor.name.clone(), problem })?;
    }
    for node in graph.node.iter().filter(|n| n.op_type == "ConstantOfShape") {
        let shape = graph.initializer.iter().find(|t| Some(&t.name) == node.input.first());
        if let Some(dims) = shape.and_then(int64s) {
            volume(&dims).map_err(|problem| OnnxError::BadTensor {
                tensor: node.output.first().cloned().unwrap_or_default(),
                problem,
            })?;
        }
    }
    Ok(())
}

/// The integers of an `int64` tensor, however the file stores them.
pub fn int64s(tensor: &TensorProto) -> Option<Vec<i64>> {
    if tensor.data_type != DataType::Int64 as i32 {
        return None;
    }
    if tensor.int64_data.is_empty() {
        let words = tensor.raw_data.chunks_exact(8);
        return Some(words.map(|w| i64::from_le_bytes(w.try_into().unwrap_or_default())).collect());
    }
    Some(tensor.int64_data.clone())
}

fn volume(dims: &[i64]) -> Result<u64, String> {
    dims.iter()
        .try_fold(1u64, |volume, &dim| {
            let volume = volume.checked_mul(u64::try_from(dim).ok()?)?;
            (volume <= MAX_ELEMENTS).then_some(volume)
        })
        .ok_or_else(|| format!("has the impossible shape {dims:?}"))
}

fn check_tensor(tensor: &TensorProto) -> Result<(), String> {
    let elements = volume(&tensor.dims)?;
    if !tensor.external_data.is_empty() {
        return Ok(());
    }
    let width = match DataType::try_from(tensor.data_type) {
        Ok(DataType::Float | DataType::Int32 | DataType::Uint32) => 4,
        Ok(DataType::Double | DataType::Int64 | DataType::Uint64) => 8,
        Ok(DataType::Float16 | DataType::Bfloat16 | DataType::Int16 | DataType::Uint16) => 2,
        Ok(DataType::Int8 | DataType::Uint8 | DataType::Bool) => 1,
        _ => return Ok(()),
    };
    let typed = tensor.float_data.len()
        + tensor.double_data.len()
        + tensor.int32_data.len()
        + tensor.int64_data.len()
        + tensor.uint64_data.len();
    let fits = if tensor.raw_data.is_empty() {
        typed as u64 == elements
    } else {
        tensor.raw_data.len() as u64 == elements * width
    };
    if fits {
        return Ok(());
    }
    Err(format!("has the shape {:?} but not as many elements", tensor.dims))
}

/// Gives every node a name of its own, since people and errors call it by name.
fn name_nodes(graph: &mut GraphProto) {
    let mut taken: HashSet<String> = HashSet::new();
    for (index, node) in graph.node.iter_mut().enumerate() {
        if node.name.is_empty() {
            node.name = format!("{}_{index}", node.op_type);
        }
        while !taken.insert(node.name.clone()) {
            node.name = format!("{}_{index}", node.name);
        }
    }
}

/// Stable topological sort: among the nodes that are ready, the one that the file has first.
fn sort(graph: &mut GraphProto, opset: i64) -> Result<(), OnnxError> {
    let mut maker: HashMap<&str, Option<usize>> = HashMap::new();
    let given =
        graph.input.iter().map(|i| &i.name).chain(graph.initializer.iter().map(|t| &t.name));
    maker.extend(given.map(|name| (name.as_str(), None)));
    for (index, node) in graph.node.iter().enumerate() {
        for tensor in node.output.iter().filter(|name| !name.is_empty()) {
            if maker.insert(tensor, Some(index)).is_some() {
                return Err(OnnxError::MadeTwice {
                    node: node.name.clone(),
                    op: node.op_type.clone(),
                    opset,
                    tensor: tensor.clone(),
                });
            }
        }
    }
    if let Some(output) = graph.output.iter().find(|o| !maker.contains_key(o.name.as_str())) {
        return Err(OnnxError::MissingOutput { tensor: output.name.clone() });
    }
    let mut waits: Vec<usize> = vec![0; graph.node.len()];
    let mut readers: Vec<Vec<usize>> = vec![Vec::new(); graph.node.len()];
    for (index, node) in graph.node.iter().enumerate() {
        for tensor in reads(node) {
            match maker.get(tensor) {
                Some(None) => {}
                Some(&Some(from)) => {
                    waits[index] += 1;
                    readers[from].push(index);
                }
                None => {
                    return Err(OnnxError::MissingTensor {
                        node: node.name.clone(),
                        op: node.op_type.clone(),
                        opset,
                        tensor: tensor.to_owned(),
                    });
                }
            }
        }
    }
    let mut ready: BTreeSet<usize> = (0..waits.len()).filter(|&i| waits[i] == 0).collect();
    let mut order = Vec::with_capacity(waits.len());
    while let Some(index) = ready.pop_first() {
        order.push(index);
        for &reader in &readers[index] {
            waits[reader] -= 1;
            if waits[reader] == 0 {
                ready.insert(reader);
            }
        }
    }
    if let Some(stuck) = (0..waits.len()).find(|&i| waits[i] > 0) {
        let node = &graph.node[stuck];
        return Err(OnnxError::Cycle { node: node.name.clone(), op: node.op_type.clone(), opset });
    }
    let mut nodes: Vec<Option<NodeProto>> = graph.node.drain(..).map(Some).collect();
    graph.node = order.into_iter().filter_map(|index| nodes[index].take()).collect();
    Ok(())
}
