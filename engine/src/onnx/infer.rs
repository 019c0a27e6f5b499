//! Shapes and values that are known before the network runs, inferred by tract.

use std::collections::{BTreeMap, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};

use tract_onnx::Onnx;
use tract_onnx::model::ParsingContext;
use tract_onnx::pb::{GraphProto, ModelProto, ValueInfoProto, tensor_shape_proto, type_proto};
use tract_onnx::prelude::*;
use tract_onnx::tract_hir::infer::Factoid;

use super::{Bindings, OnnxError};
use crate::graph::{Constant, ElementType};

/// Operator name given to nodes that tract can't read, so that the rest of the file still opens.
const UNREADABLE: &str = "microtome.Unreadable";

/// What is known about a tensor.
pub struct Fact {
    pub element: ElementType,
    pub shape: Option<Vec<usize>>,
    pub constant: Option<Constant>,
}

/// The file as tract reads it, with the inputs' shapes bound.
#[derive(Clone)]
pub struct Inferred {
    pub model: InferenceModel,
    pub outlets: HashMap<String, OutletId>,
}

/// Runs something of tract's that a hostile file could make panic.
pub fn guarded<T>(f: impl FnOnce() -> TractResult<T>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(f)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(format!("{error:#}")),
        Err(_) => Err("tract stopped unexpectedly".into()),
    }
}

/// Names of the inputs that a user supplies: those without an initializer.
pub fn user_inputs(graph: &GraphProto) -> impl Iterator<Item = &ValueInfoProto> {
    graph.input.iter().filter(|input| graph.initializer.iter().all(|t| t.name != input.name))
}

/// Lets tract read the model and infer what it can.
pub fn infer(
    proto: &ModelProto,
    model_dir: Option<&str>,
    bindings: &Bindings,
) -> Result<Inferred, OnnxError> {
    let onnx = tract_onnx::onnx().with_ignore_value_info(true);
    let mut proto = proto.clone();
    rename_unreadable(&onnx, &mut proto, model_dir);
    let failed = |detail| OnnxError::NotOnnx { name: "the model".into(), detail };
    let parsed = guarded(|| onnx.parse(&proto, model_dir)).map_err(failed)?;
    let (mut model, outlets) = (parsed.model, parsed.outlets_by_name);

    let graph = proto.graph.as_ref().ok_or_else(|| failed("it holds no graph".into()))?;
    let inputs: Vec<_> = user_inputs(graph).collect();
    for name in bindings.0.keys() {
        if inputs.iter().all(|input| input.name != *name) {
            return Err(OnnxError::NoSuchInput {
                input: name.clone(),
                inputs: inputs.iter().map(|i| i.name.clone()).collect(),
            });
        }
    }
    for input in inputs {
        let shape = bound_shape(input, bindings)?;
        let outlet = outlets[&input.name];
        let bound = guarded(|| {
            let mut fact = model.outlet_fact(outlet)?.clone();
            fact.shape = shape.iter().map(|&d| TDim::from(d as i64)).collect();
            model.set_outlet_fact(outlet, fact)
        });
        bound.map_err(failed)?;
    }
    // Obstinate: a node whose shape can't be inferred doesn't keep the others from theirs, and
    // the error that is returned at the end only tells of the first such node.
    let _ = guarded(|| model.analyse(true));
    Ok(Inferred { model, outlets })
}

/// A node that tract's reader refuses is renamed to an operator that nobody knows: it is drawn,
/// with its shape unknown, and the rest of the file opens.
fn rename_unreadable(onnx: &Onnx, proto: &mut ModelProto, model_dir: Option<&str>) {
    let snapshot = proto.clone();
    let context = ParsingContext {
        onnx_operator_set_version: super::proto::opset(&snapshot),
        framework: onnx,
        model: &snapshot,
        parent_graphs: snapshot.graph.iter().collect(),
        model_dir,
        template: InferenceModel::default(),
    };
    let nodes = proto.graph.iter_mut().flat_map(|g| &mut g.node);
    for node in nodes.filter(|n| n.op_type != "Constant") {
        let Some(builder) = onnx.op_register.0.get(&node.op_type) else { continue };
        if guarded(|| builder(&context, node).map(drop)).is_err() {
            node.op_type = UNREADABLE.into();
        }
    }
}

/// The shape of an input: the binding's where there is one, else the file's with an open first
/// dimension (the batch) bound to 1.
fn bound_shape(input: &ValueInfoProto, bindings: &Bindings) -> Result<Vec<usize>, OnnxError> {
    use tensor_shape_proto::dimension::Value;
    let Some(type_proto::Value::TensorType(tensor)) =
        input.r#type.as_ref().and_then(|t| t.value.as_ref())
    else {
        return Err(OnnxError::OpenShape { input: input.name.clone(), dims: "no type".into() });
    };
    let dims: Option<Vec<Result<usize, String>>> = tensor.shape.as_ref().map(|shape| {
        let dims = shape.dim.iter().map(|dim| match &dim.value {
            Some(Value::DimValue(n)) if *n > 0 => usize::try_from(*n).map_err(|_| n.to_string()),
            Some(Value::DimParam(name)) if !name.is_empty() => Err(name.clone()),
            _ => Err("?".into()),
        });
        dims.collect()
    });
    let text = || match &dims {
        None => "not given".to_owned(),
        Some(dims) => {
            let dims: Vec<_> = dims
                .iter()
                .map(|d| d.as_ref().map_or_else(String::clone, usize::to_string))
                .collect();
            dims.join(", ")
        }
    };
    if let Some(given) = bindings.0.get(&input.name) {
        let agrees = dims.as_ref().is_none_or(|dims| {
            dims.len() == given.len()
                && dims.iter().zip(given).enumerate().all(|(axis, (dim, given))| {
                    axis == 0 || dim.as_ref().is_err() || dim.as_ref() == Ok(given)
                })
        });
        if !agrees || given.contains(&0) {
            return Err(OnnxError::WrongBinding {
                input: input.name.clone(),
                given: given.clone(),
                dims: text(),
            });
        }
        return Ok(given.clone());
    }
    let open = || OnnxError::OpenShape { input: input.name.clone(), dims: text() };
    let numbers = dims.as_ref().ok_or_else(open)?.iter().enumerate();
    numbers
        .map(|(axis, dim)| match dim {
            Ok(n) => Ok(*n),
            Err(_) if axis == 0 => Ok(1),
            Err(_) => Err(open()),
        })
        .collect()
}

impl Inferred {
    /// What tract found out about each tensor, by name. Values are kept for constants only.
    pub fn facts(&self) -> BTreeMap<&str, Fact> {
        let facts = self.outlets.iter().filter_map(|(name, &outlet)| {
            let fact = self.model.outlet_fact(outlet).ok()?;
            let value = fact.value.concretize();
            let shape: Option<Vec<usize>> = fact.shape.concretize().and_then(|dims| {
                dims.iter().map(|d| usize::try_from(d.to_i64().ok()?).ok()).collect()
            });
            let element = fact.datum_type.concretize().map_or(ElementType::Unknown, element_type);
            Some((name.as_str(), Fact { element, shape, constant: value.map(|v| constant(&v)) }))
        });
        facts.collect()
    }
}

fn element_type(datum: DatumType) -> ElementType {
    match datum {
        DatumType::F32 => ElementType::F32,
        DatumType::F64 => ElementType::F64,
        DatumType::F16 => ElementType::F16,
        DatumType::Bool => ElementType::Bool,
        DatumType::TDim => ElementType::Integer,
        d if d.is_integer() => ElementType::Integer,
        _ => ElementType::Unknown,
    }
}

fn constant(value: &Tensor) -> Constant {
    let datum = value.datum_type();
    let cast = if datum.is_float() {
        value.cast_to::<f32>().ok().and_then(|t| {
            t.to_plain_array_view::<f32>()
                .ok()
                .map(|v| Constant::Float(v.iter().copied().collect()))
        })
    } else if datum.is_integer() || datum == DatumType::TDim || datum == DatumType::Bool {
        value.cast_to::<i64>().ok().and_then(|t| {
            t.to_plain_array_view::<i64>().ok().map(|v| Constant::Int(v.iter().copied().collect()))
        })
    } else {
        None
    };
    cast.unwrap_or(Constant::Other)
}
