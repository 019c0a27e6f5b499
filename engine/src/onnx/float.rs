//! The float reference: tract runs the network and shows every tensor.

use std::collections::BTreeMap;

use tract_onnx::prelude::*;

use super::infer::{Inferred, guarded};
use super::{Model, OnnxError};
use crate::graph::{ElementType, Graph, Part, TensorId};

/// The float tensors of a run, row-major, by id: the inputs and every float tensor that a node
/// makes.
pub type FloatTrace = BTreeMap<TensorId, Vec<f32>>;

/// The most bytes of activations that a run may hold at once.
const MAX_ACTIVATION_BYTES: u64 = 16 << 30;

/// A network of more nodes is run as it is.
const MOST_OPTIMIZED_NODES: usize = 600;

/// The part of a tensor's greatest number that two plans may differ by, which sum in other orders.
const SAME: f32 = 1e-3;

type Runnable = std::sync::Arc<TypedRunnableModel>;

/// The network made ready to run, with the tensors that it answers with.
pub struct Runner {
    plan: Runnable,
    outputs: Vec<TensorId>,
}

impl Runner {
    fn new(graph: &Graph, inferred: &Inferred) -> Result<Self, String> {
        let bytes: u64 = graph
            .nodes
            .iter()
            .flat_map(|n| n.outputs.iter().flatten())
            .filter_map(|&id| graph.tensor(id).bytes())
            .sum();
        if bytes > MAX_ACTIVATION_BYTES {
            return Err(format!(
                "its activations need {bytes} bytes, more than this program takes"
            ));
        }
        let made: Vec<_> = (0u32..)
            .map(TensorId)
            .zip(&graph.tensors)
            .filter(|(_, t)| t.producer.is_some() && t.constant.is_none())
            .filter(|(_, t)| {
                matches!(t.element, ElementType::F32 | ElementType::F64 | ElementType::F16)
            })
            .filter_map(|(id, t)| inferred.outlets.get(&t.name).map(|&outlet| (id, outlet)))
            .collect();
        let inputs: Option<Vec<OutletId>> = graph
            .inputs
            .iter()
            .map(|&id| inferred.outlets.get(&graph.tensor(id).name).copied())
            .collect();
        let inputs = inputs.ok_or("an input is missing")?;
        let (outputs, outlets): (Vec<_>, Vec<_>) = made.into_iter().unzip();
        let typed = || {
            let mut model = inferred.model.clone();
            model.set_input_outlets(&inputs)?;
            model.select_output_outlets(&outlets)?;
            model.into_typed()
        };
        let plain = guarded(|| typed()?.into_runnable())?;
        // Optimising a model takes time that grows with the square of its nodes, and a single
        // run of a deep and narrow one gains nothing by it.
        if graph.nodes.len() > MOST_OPTIMIZED_NODES {
            return Ok(Self { plan: plain, outputs });
        }
        // tract's optimiser fails on some valid networks and changes what others compute (a
        // broadcast before a product of matrices, steps of a slice after a convolution). So it is
        // believed only where both plans agree.
        let plan = match guarded(|| typed()?.into_optimized()?.into_runnable()) {
            Ok(fast) if agree(graph, &fast, &plain) => fast,
            _ => plain,
        };
        Ok(Self { plan, outputs })
    }
}

/// Whether two plans of a network give the same on numbers that look random. Where some of what
/// they give are no numbers (the root of a negative one), on positive numbers too.
fn agree(graph: &Graph, one: &Runnable, two: &Runnable) -> bool {
    let compare = |least: f32| -> TractResult<Likeness> {
        let inputs = probe(graph, least)?;
        let (one, two) = (one.run(inputs.clone())?, two.run(inputs)?);
        let mut likeness = Likeness { is_same: one.len() == two.len(), has_nan: false };
        for (one, two) in one.iter().zip(&two) {
            let (one, two) = (one.cast_to::<f32>()?, two.cast_to::<f32>()?);
            likeness.is_same &= one.shape() == two.shape();
            let (one, two) = (one.to_plain_array_view::<f32>()?, two.to_plain_array_view::<f32>()?);
            let most = two.iter().fold(0.0f32, |most, x| most.max(x.abs()));
            likeness.is_same &= one
                .iter()
                .zip(&two)
                .all(|(a, b)| a == b || a.is_nan() && b.is_nan() || (a - b).abs() <= SAME * most);
            likeness.has_nan |= two.iter().any(|x| x.is_nan());
        }
        Ok(likeness)
    };
    let likeness = guarded(|| match compare(-1.0)? {
        Likeness { is_same: true, has_nan: true } => compare(0.25),
        settled => Ok(settled),
    });
    likeness.is_ok_and(|likeness| likeness.is_same)
}

/// What comparing two plans on one input found.
struct Likeness {
    is_same: bool,
    has_nan: bool,
}

/// An input of numbers from `least` to 1 that look random; of zeros where it takes integers.
fn probe(graph: &Graph, least: f32) -> TractResult<TVec<TValue>> {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut next = |element: ElementType| {
        if matches!(element, ElementType::Integer | ElementType::Bool) {
            return 0.0;
        }
        // Xorshift (Marsaglia 2003).
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        least + (1.0 - least) * ((state >> 40) as f32 / (1u64 << 24) as f32)
    };
    let of = |&id: &TensorId| {
        let tensor = graph.tensor(id);
        let shape = tensor.shape.as_deref().unwrap_or_default();
        let numbers: Vec<f32> =
            (0..shape.iter().product::<usize>()).map(|_| next(tensor.element)).collect();
        given(tensor.element, shape, &numbers)
    };
    graph.inputs.iter().map(of).collect()
}

/// Numbers as an input of this type.
fn given(element: ElementType, shape: &[usize], numbers: &[f32]) -> TractResult<TValue> {
    let datum = match element {
        ElementType::F64 => DatumType::F64,
        ElementType::F16 => DatumType::F16,
        ElementType::Integer => DatumType::I64,
        ElementType::Bool => DatumType::Bool,
        ElementType::F32 | ElementType::Unknown => DatumType::F32,
    };
    Ok(Tensor::from_shape(shape, numbers)?.cast_to_dt(datum)?.into_owned().into_tvalue())
}

impl Model {
    /// Runs the network in floating point, as it was before it was split: a tile has the very
    /// numbers that the whole has in its place. `inputs` holds one row-major tensor for each of
    /// [`Graph::inputs`]. What depends on a node that tract doesn't know is missing in the trace.
    ///
    /// # Errors
    /// Where an input has the wrong length, or tract can't run an operator.
    pub fn float_run(&self, inputs: &[Vec<f32>]) -> Result<FloatTrace, OnnxError> {
        if let Some(original) = &self.original {
            return Ok(self.parts_of(&original.graph, original.float_run(inputs)?));
        }
        let graph = &self.graph;
        if inputs.len() != graph.inputs.len() {
            return Err(OnnxError::InputCount { got: inputs.len(), expected: graph.inputs.len() });
        }
        let run_error =
            |detail: &str| OnnxError::Run { what: graph.name.clone(), detail: detail.to_owned() };
        let mut tensors = TVec::new();
        let mut trace = FloatTrace::new();
        for (&id, input) in graph.inputs.iter().zip(inputs) {
            let tensor = graph.tensor(id);
            let shape = tensor.shape.as_deref().unwrap_or_default();
            let expected = shape.iter().product::<usize>();
            if input.len() != expected {
                return Err(OnnxError::InputLength {
                    input: tensor.name.clone(),
                    got: input.len(),
                    expected,
                    shape: tensor.shape_text(),
                });
            }
            let value = guarded(|| given(tensor.element, shape, input));
            tensors.push(value.map_err(|e| run_error(&e))?);
            trace.insert(id, input.clone());
        }
        let runner = self.runner.get_or_init(|| Runner::new(graph, &self.inferred));
        let runner = runner.as_ref().map_err(|detail| run_error(detail))?;
        let results = guarded(|| runner.plan.run(tensors)).map_err(|e| run_error(&e))?;
        for (&id, result) in runner.outputs.iter().zip(&results) {
            let floats = guarded(|| {
                let cast = result.cast_to::<f32>()?;
                Ok(cast.to_plain_array_view::<f32>()?.iter().copied().collect())
            });
            trace.insert(id, floats.map_err(|e| run_error(&e))?);
        }
        Ok(trace)
    }

    /// The tensors of a split model, from a run of the model before.
    fn parts_of(&self, before: &Graph, trace: FloatTrace) -> FloatTrace {
        let parts = self.graph.tiling.as_ref().map(|tiling| &tiling.parts);
        let ids: BTreeMap<&str, TensorId> =
            (0u32..).zip(&before.tensors).map(|(id, t)| (t.name.as_str(), TensorId(id))).collect();
        let values = |id: TensorId| match parts.and_then(|parts| parts.get(&id)) {
            Some(part) => {
                let shape = before.tensor(part.tensor).shape.as_deref()?;
                Some(cut_out(trace.get(&part.tensor)?, shape, part))
            }
            None => trace.get(ids.get(self.graph.tensor(id).name.as_str())?).cloned(),
        };
        let all = (0u32..).map(TensorId).take(self.graph.tensors.len());
        all.filter_map(|id| Some((id, values(id)?))).collect()
    }
}

/// The elements of a part of a tensor of this shape.
pub(super) fn cut_out<T: Copy>(values: &[T], shape: &[usize], part: &Part) -> Vec<T> {
    let inner: usize = shape[part.axis + 1..].iter().product();
    let block = shape[part.axis] * inner;
    let within = part.range.start * inner..part.range.end * inner;
    values.chunks_exact(block.max(1)).flat_map(|block| &block[within.clone()]).copied().collect()
}
