//! From a file to a model that can be cut, and on to fixed point. All of it is for workers.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use microtome_engine::cost::{self, Totals};
use microtome_engine::digest::Digest;
use microtome_engine::graph::{Graph, Splits};
use microtome_engine::inputs::{self, Inputs};
use microtome_engine::onnx::{Bindings, Model};
use microtome_engine::plan::{Estimator, Metric, Plan};
use microtome_engine::program::{Card, Program, Settings, Skeleton, Source};
use microtome_engine::prove::System;
use microtome_engine::split;

/// Calibration cases that are run; more change the ranges little and take long.
const MOST_CALIBRATION_CASES: usize = 64;
/// How a model is cut when it is opened: the first of these by which most of it can be proven.
const FIRST_TRIES: [(System, usize); 7] = [
    (System::Halo2, 3),
    (System::Halo2, 6),
    (System::Whir, 3),
    (System::Whir, 6),
    (System::Whir, 12),
    (System::Whir, 24),
    (System::Whir, 48),
];
/// The part of the multiply-accumulates that is most of a model.
const FIRST_COVERAGE: f64 = 0.9;
/// How much of the balance is given for fewer bytes that cross.
pub(super) const TOLERANCE: f64 = 0.05;

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
    pub(super) model: Arc<Model>,
    pub(super) skeleton: Arc<Skeleton>,
    pub(super) facts: Vec<NodeFacts>,
    pub(super) totals: Totals,
    pub(super) path: PathBuf,
    pub(super) inputs: Option<(PathBuf, Inputs)>,
    pub(super) calibration: Vec<Vec<Vec<f32>>>,
    /// What the user should know, such as a test set that could not be read.
    pub notes: Vec<String>,
}

impl Opened {
    /// A model with the inputs that are shown and those that it is calibrated with.
    pub(super) fn of(
        model: Model,
        path: PathBuf,
        inputs: Option<(PathBuf, Inputs)>,
        calibration: Vec<Vec<Vec<f32>>>,
    ) -> Self {
        let skeleton = Skeleton::of(&model.graph);
        let facts = cost::of(&model.graph)
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
        Self {
            totals: cost::totals(&model.graph),
            skeleton: Arc::new(skeleton),
            model: Arc::new(model),
            facts,
            path,
            inputs,
            calibration,
            notes: Vec::new(),
        }
    }

    /// The same with these nodes split.
    ///
    /// # Errors
    /// Where the model can't be split so; the text says why.
    pub fn split(self, splits: &Splits) -> Result<Self, String> {
        if self.model.graph.splits() == *splits {
            return Ok(self);
        }
        let model = split::split(&self.model, splits).map_err(|error| error.to_string())?;
        let Self { path, inputs, calibration, notes, .. } = self;
        Ok(Self { notes, ..Self::of(model, path, inputs, calibration) })
    }

    /// Digest of the model's file.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.model.graph.file_digest()
    }

    /// The network.
    #[must_use]
    pub fn graph(&self) -> &Arc<Graph> {
        &self.model.graph
    }

    /// What is known of each node.
    #[must_use]
    pub fn facts(&self) -> &[NodeFacts] {
        &self.facts
    }
}

/// Reads a model and the inputs beside it. It takes long: for a worker.
///
/// # Errors
/// Where the model can't be read; the text says why.
pub fn open(path: &Path) -> Result<Opened, String> {
    let model = Model::open(path, &Bindings::default()).map_err(|error| error.to_string())?;
    let graph = Arc::clone(&model.graph);
    let mut notes = Vec::new();
    let mut beside = |names: &[&str]| {
        let found = names.iter().map(|name| path.with_file_name(name)).find(|p| p.is_file())?;
        match inputs::read(&found, &graph) {
            Ok(inputs) => Some((found, inputs)),
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
    Ok(Opened { notes, ..Opened::of(model, path.to_owned(), cases, calibration) })
}

/// A model that was lowered to fixed point.
#[derive(Clone)]
pub struct Prepared {
    /// Bits, scales, ranges.
    pub card: Card,
    /// The program.
    pub program: Arc<Program>,
    /// The program's digest, which takes a while where there are many weights.
    pub digest: Digest,
    /// What slices of it cost.
    pub estimator: Arc<Estimator>,
    /// Bytes that cross at each legal cut.
    pub crossings: Vec<(usize, u64)>,
    /// A plan to begin with, so that there is something to drag.
    pub first_plan: Option<Plan>,
}

/// What lowering needs, to be taken to a worker.
pub struct Preparation {
    pub(super) model: Arc<Model>,
    pub(super) skeleton: Arc<Skeleton>,
    pub(super) cases: Vec<Vec<Vec<f32>>>,
    pub(super) source: Source,
    pub(super) settings: Settings,
}

impl Preparation {
    /// Calibrates and lowers. It takes long: for a worker.
    ///
    /// # Errors
    /// Where the float reference doesn't run or a range overflows; the text says why.
    pub fn run(self) -> Result<Prepared, String> {
        let (model, skeleton) = (&self.model, &self.skeleton);
        let card = if self.cases.is_empty() {
            Card::nominal(skeleton, self.settings)
        } else {
            Card::calibrate(model, skeleton, &self.cases, self.settings, self.source)
                .map_err(|error| error.to_string())?
        };
        let program = skeleton.lower(&model.graph, &card).map_err(|error| error.to_string())?;
        let program = Arc::new(program);
        let estimator =
            Estimator::new(Arc::clone(&model.graph), Arc::clone(skeleton), Arc::clone(&program));
        let first_plan = first_plan(&estimator, Plan::of(&model.graph));
        let crossing = |&cut: &usize| (cut, estimator.crossing(cut).bytes);
        let crossings = skeleton.legal_cuts().iter().map(crossing).collect();
        let digest = program.digest();
        let estimator = Arc::new(estimator);
        Ok(Prepared { card, program, digest, estimator, crossings, first_plan })
    }
}

/// A plan to begin with: a few slices in zero knowledge, where the model is small enough for that;
/// else as few as whir can prove.
fn first_plan(estimator: &Estimator, whole: Plan) -> Option<Plan> {
    let most = estimator.skeleton().legal_cuts().len() + 1;
    let mut best: Option<(u64, Plan)> = None;
    for (system, slices) in FIRST_TRIES {
        let mut plan = whole.clone();
        plan.set_all_systems(system);
        let slices = slices.min(most);
        let Ok(plan) = plan.balanced(estimator, slices, Metric::Flops, TOLERANCE) else { continue };
        let rows = estimator.slices(&plan);
        let macs = |provable: bool| -> u64 {
            let counted = rows.iter().filter(|row| !provable || row.obstacle.is_none());
            counted.map(|row| row.totals.macs).sum()
        };
        let (provable, all) = (macs(true), macs(false));
        if best.as_ref().is_none_or(|(most, _)| provable > *most) {
            best = Some((provable, plan));
        }
        if provable as f64 >= FIRST_COVERAGE * all as f64 {
            break;
        }
    }
    best.map(|(_, plan)| plan)
}

/// A file's name with its folder, which is what tells one `test.npz` from another.
pub(super) fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
