//! The open model with all that belongs to it: plan, estimates, inputs, results.
//!
//! This is the only module that speaks to the engine's stages; the panels ask it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use microtome_engine::cost::{self, Totals};
use microtome_engine::graph::Graph;
use microtome_engine::inputs::{self, Case, Inputs};
use microtome_engine::onnx::{Bindings, Model};
use microtome_engine::plan::{Estimator, Plan, SliceEstimate};
use microtome_engine::program::{Card, Fidelity, Program, Settings, Skeleton, Source, softmax};

use crate::history::History;
use crate::run_view::RunView;

/// What one slice is estimated to cost.
pub type SliceRow = Arc<SliceEstimate>;

/// Slices that a model is cut into when it is opened.
const FIRST_SLICES: usize = 3;
/// Calibration cases that are run; more change the ranges little and take long.
const MOST_CALIBRATION_CASES: usize = 64;

/// What is known of a node.
#[derive(Clone, Debug)]
pub struct NodeFacts {
    /// Multiply-accumulates.
    pub macs: u64,
    /// Floating-point operations.
    pub flops: u64,
    /// Parameters.
    pub params: u64,
    /// Bytes of its outputs.
    pub output_bytes: u64,
    /// The node that absorbs it, where one does.
    pub absorbed_by: Option<usize>,
    /// Why it can't be proven, where it can't.
    pub obstacle: Option<String>,
}

/// A model that was read, before anything is quantised.
pub struct Opened {
    model: Arc<Model>,
    skeleton: Arc<Skeleton>,
    facts: Vec<NodeFacts>,
    totals: Totals,
    path: PathBuf,
    inputs: Option<(String, Inputs)>,
    calibration: Vec<Vec<Vec<f32>>>,
    /// What the user should know, such as a test set that could not be read.
    pub notes: Vec<String>,
}

/// Reads a model and the inputs beside it. It takes long: for a worker.
///
/// # Errors
/// Where the model can't be read; the text says why.
pub fn open(path: &Path) -> Result<Opened, String> {
    let model = Model::open(path, &Bindings::default()).map_err(|error| error.to_string())?;
    let graph = Arc::clone(&model.graph);
    let skeleton = Skeleton::of(&graph);
    let facts = cost::of(&graph)
        .into_iter()
        .enumerate()
        .map(|(index, cost)| NodeFacts {
            macs: cost.macs,
            flops: cost.flops,
            params: cost.params,
            output_bytes: cost.output_bytes,
            absorbed_by: Some(skeleton.owner(index)).filter(|&owner| owner != index),
            obstacle: skeleton.obstacle(index).map(str::to_owned),
        })
        .collect();
    let mut notes = Vec::new();
    let mut beside = |names: &[&str]| {
        let found = names.iter().map(|name| path.with_file_name(name)).find(|p| p.is_file())?;
        match inputs::read(&found, &graph) {
            Ok(inputs) => Some((name_of(&found), inputs)),
            Err(error) => {
                notes.push(error.to_string());
                None
            }
        }
    };
    let cases = beside(&["test.npz", "input.json"]);
    let calibration = beside(&["calib.npz"]).map_or_else(Vec::new, |(_, inputs)| {
        inputs.cases.into_iter().take(MOST_CALIBRATION_CASES).map(|case| case.tensors).collect()
    });
    Ok(Opened {
        totals: cost::totals(&graph),
        skeleton: Arc::new(skeleton),
        model: Arc::new(model),
        facts,
        path: path.to_owned(),
        inputs: cases,
        calibration,
        notes,
    })
}

/// A model that was lowered to fixed point.
#[derive(Clone)]
pub struct Prepared {
    /// Bits, scales, ranges.
    pub card: Card,
    /// The program.
    pub program: Arc<Program>,
    /// What slices of it cost.
    pub estimator: Arc<Estimator>,
}

/// What lowering needs, to be taken to a worker.
pub struct Preparation {
    model: Arc<Model>,
    skeleton: Arc<Skeleton>,
    cases: Vec<Vec<Vec<f32>>>,
    source: Source,
    settings: Settings,
}

impl Preparation {
    /// Calibrates and lowers. It takes long: for a worker.
    ///
    /// # Errors
    /// Where the float reference doesn't run or a range overflows; the text says why.
    pub fn run(self) -> Result<Prepared, String> {
        let (model, skeleton) = (&self.model, &self.skeleton);
        let card = if self.cases.is_empty() {
            Card::nominal(&model.graph, skeleton, self.settings)
        } else {
            Card::calibrate(model, skeleton, &self.cases, self.settings, self.source)
                .map_err(|error| error.to_string())?
        };
        let program = skeleton.lower(&card).map_err(|error| error.to_string())?;
        let program = Arc::new(program);
        let estimator = Estimator::new(
            Arc::clone(&model.graph),
            Arc::clone(skeleton),
            Arc::clone(&program),
        );
        Ok(Prepared { card, program, estimator: Arc::new(estimator) })
    }
}

/// The model's answer to a case.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// Probabilities by the float reference.
    pub float: Vec<f64>,
    /// Probabilities by the fixed-point program.
    pub fixed: Option<Vec<f64>>,
    /// How far the two are from each other.
    pub fidelity: Option<Fidelity>,
    /// Whether a verified run gave the fixed-point answer.
    pub proven: bool,
    /// What didn't work, in a sentence.
    pub problem: Option<String>,
}

/// A class with its probabilities.
#[derive(Clone, Copy, Debug)]
pub struct ClassBar {
    /// Which class.
    pub index: usize,
    /// By the float reference.
    pub float: f64,
    /// By the fixed-point program.
    pub fixed: Option<f64>,
}

impl Answer {
    /// The most probable class in floats.
    #[must_use]
    pub fn top_float(&self) -> Option<(usize, f64)> {
        top(&self.float)
    }

    /// The most probable class in fixed point.
    #[must_use]
    pub fn top_fixed(&self) -> Option<(usize, f64)> {
        top(self.fixed.as_deref()?)
    }

    /// The most probable classes.
    #[must_use]
    pub fn top_classes(&self, most: usize) -> Vec<ClassBar> {
        let mut bars: Vec<_> = self
            .float
            .iter()
            .enumerate()
            .map(|(index, &float)| ClassBar {
                index,
                float,
                fixed: self.fixed.as_ref().and_then(|f| f.get(index).copied()),
            })
            .collect();
        bars.sort_by(|a, b| b.float.total_cmp(&a.float));
        bars.truncate(most);
        bars
    }
}

fn top(probabilities: &[f64]) -> Option<(usize, f64)> {
    probabilities.iter().copied().enumerate().max_by(|a, b| a.1.total_cmp(&b.1))
}

/// A case to run, to be taken to a worker.
pub struct Question {
    model: Arc<Model>,
    program: Option<Arc<Program>>,
    tensors: Vec<Vec<f32>>,
}

impl Question {
    /// Runs the case in floats and in fixed point. It takes long: for a worker.
    #[must_use]
    pub fn answer(self) -> Answer {
        let floats = |values: &[f32]| {
            softmax(&values.iter().map(|&v| f64::from(v)).collect::<Vec<_>>())
        };
        let output = self.model.graph.outputs.first();
        let trace = match self.model.float_run(&self.tensors) {
            Ok(trace) => trace,
            Err(error) => return Answer { problem: Some(error.to_string()), ..Answer::default() },
        };
        let float_output = output.and_then(|id| trace.get(id)).cloned().unwrap_or_default();
        let float = floats(&float_output);
        let Some(program) = self.program else { return Answer { float, ..Answer::default() } };
        match run_fixed(&program, &self.tensors) {
            Ok(fixed) if fixed.len() == float.len() => Answer {
                fidelity: Some(Fidelity::of(&fixed, &float_output)),
                fixed: Some(floats(&fixed)),
                float,
                proven: false,
                problem: None,
            },
            // The program ends before the model does: its last tensors are no answer.
            Ok(_) => Answer { float, ..Answer::default() },
            Err(problem) => Answer { float, problem: Some(problem), ..Answer::default() },
        }
    }
}

fn run_fixed(program: &Program, tensors: &[Vec<f32>]) -> Result<Vec<f32>, String> {
    let inputs = program.quantise_inputs(tensors).map_err(|error| error.to_string())?;
    let trace = program.run(&inputs).map_err(|error| error.to_string())?;
    let output = program.outputs.first().ok_or("the program answers with nothing")?;
    let integers = trace.get(output).ok_or("the program's output was not computed")?;
    Ok(program.dequantise(*output, integers))
}

/// The open model.
pub struct Session {
    /// The network.
    pub graph: Arc<Graph>,
    /// What is known of each node.
    pub facts: Vec<NodeFacts>,
    /// What the whole model costs to run.
    pub totals: Totals,
    /// Where it was opened from.
    pub path: PathBuf,
    /// The model itself.
    pub model: Arc<Model>,
    /// Its structure.
    pub skeleton: Arc<Skeleton>,
    /// The fixed-point program, once it is there.
    pub prepared: Option<Prepared>,
    /// Why there is none.
    pub obstacle: Option<String>,
    /// The answer to the case that is shown.
    pub answer: Option<Answer>,
    /// The run that goes on or was the last.
    pub run: Option<RunView>,
    /// Prove the whole model too, for comparison.
    pub whole_too: bool,
    plan: Plan,
    history: History<Plan>,
    /// First nodes of the slices that are not to be proven.
    skipped: BTreeSet<usize>,
    inputs: Option<(String, Inputs)>,
    inputs_version: u64,
    case: usize,
    calibration: Vec<Vec<Vec<f32>>>,
    estimates: Option<(Plan, Vec<SliceRow>)>,
    whole: Option<SliceRow>,
    crossings: Vec<(usize, u64)>,
}

/// What the estimates of a plan are.
pub struct Estimates {
    /// The plan.
    pub plan: Plan,
    /// Its slices.
    pub rows: Vec<SliceRow>,
    /// The whole model as one slice.
    pub whole: SliceRow,
}

/// Estimates a plan. For a worker: a large model's circuits take a while to lay out.
#[must_use]
pub fn estimate(estimator: &Estimator, plan: Plan) -> Estimates {
    Estimates { rows: estimator.slices(&plan), whole: estimator.whole(), plan }
}
