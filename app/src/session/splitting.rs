//! Nodes that are too large for one proof, split into tiles: another model under the same plan.

use std::path::PathBuf;
use std::sync::Arc;

use microtome_engine::graph::{Graph, Splits};
use microtome_engine::inputs::Inputs;
use microtome_engine::onnx::Model;
use microtome_engine::plan::{Estimator, Plan};
use microtome_engine::program::{Card, Skeleton};
use microtome_engine::split::{self, SplitError, Wanted};

use super::{Opened, Preparation, Session};
use crate::project::KeptPlan;

/// A model that is to be split, to be taken to a worker.
pub struct Splitting {
    how: How,
    preparation: Preparation,
    path: PathBuf,
    inputs: Option<(PathBuf, Inputs)>,
    calibration: Vec<Vec<Vec<f32>>>,
    plan: Plan,
}

/// How a model is to be split.
enum How {
    /// In the fewest tiles that fit.
    Fitting(Wanted),
    /// As a plan says.
    Planned(Splits),
}

/// A split model, and the plan to go on with.
pub struct SplitModel {
    /// The model.
    pub opened: Opened,
    /// The plan of it.
    pub plan: Plan,
    /// What was done, in a sentence.
    pub text: String,
}

impl Splitting {
    /// Splits the model. It takes long: for a worker.
    ///
    /// # Errors
    /// Where it can't be split so; the text says why.
    pub fn run(self) -> Result<SplitModel, String> {
        let model = &self.preparation.model;
        let (splits, text) = match &self.how {
            How::Planned(splits) => (splits.clone(), None),
            How::Fitting(wanted) => {
                let found =
                    split::fitting(model, wanted, |model| estimates(&self.preparation, model));
                let splits = found.map_err(|Failed(reason)| reason)?.ok_or_else(|| {
                    let node = wanted.node.as_deref().unwrap_or_default();
                    format!("No tiles of {node:?} take less memory, or it can't be split.")
                })?;
                let before = model.graph.splits();
                let mut new = splits.clone();
                new.0.retain(|node, split| before.0.get(node) != Some(split));
                (splits, Some(format!("Split {new}.")))
            }
        };
        let before = Arc::clone(&model.graph);
        let opened = Opened::of((**model).clone(), self.path, self.inputs, self.calibration);
        let opened = opened.split(&splits)?;
        let plan = match self.how {
            How::Planned(_) => {
                self.plan
                    .check(opened.graph().digest, &opened.skeleton)
                    .map_err(|error| error.to_string())?;
                self.plan
            }
            How::Fitting(_) => self.plan.carried(&before, opened.graph(), &opened.skeleton),
        };
        let text = text.unwrap_or_else(|| format!("Opened the plan, which splits {splits}."));
        Ok(SplitModel { opened, plan, text })
    }
}

/// Why no estimates were made.
struct Failed(String);

impl From<SplitError> for Failed {
    fn from(error: SplitError) -> Self {
        Self(error.to_string())
    }
}

/// What slices of a split model cost.
fn estimates(preparation: &Preparation, model: &Model) -> Result<Estimator, Failed> {
    let Preparation { cases, settings, source, .. } = preparation;
    let skeleton = Skeleton::of(&model.graph);
    let card = if cases.is_empty() {
        Card::nominal(&skeleton, *settings)
    } else {
        Card::calibrate(model, &skeleton, cases, *settings, source.clone())
            .map_err(|error| Failed(error.to_string()))?
    };
    let program = skeleton.lower(&model.graph, &card).map_err(|error| Failed(error.to_string()))?;
    Ok(Estimator::new(Arc::clone(&model.graph), Arc::new(skeleton), Arc::new(program)))
}

impl Session {
    /// The node of the model's file that would be split for a slice: the one whose operation needs
    /// the most memory. None where nothing is known of the slice yet.
    fn node_to_split(&self, slice: usize) -> Option<usize> {
        let estimator = &self.prepared.as_ref()?.estimator;
        let (from, to) = *self.plan().ranges(self.graph.nodes.len()).get(slice)?;
        let system = self.system(slice);
        let inner = self.legal_cuts().iter().copied().filter(|cut| (from + 1..to).contains(cut));
        let ends: Vec<usize> = [from].into_iter().chain(inner).chain([to]).collect();
        let need = |pair: &[usize]| {
            let estimate = estimator.slice(pair[0], pair[1], system);
            estimate.prediction.map_or(u64::MAX, |prediction| prediction.peak_bytes)
        };
        let lowers = |pair: &&[usize]| self.facts[pair[0]].obstacle.is_none();
        ends.windows(2).filter(lowers).max_by_key(|pair| need(pair)).map(|pair| pair[0])
    }

    /// Whether a slice takes more memory than there is, or can't be proven for its size.
    #[must_use]
    pub fn is_too_large(&self, slice: usize, memory_bytes: u64) -> bool {
        let Some(row) = self.rows().get(slice) else { return false };
        let lowers = row.nodes.iter().all(|&node| self.facts[node].obstacle.is_none());
        match &row.prediction {
            Some(prediction) => prediction.peak_bytes > memory_bytes,
            None => lowers && !row.ops.is_empty(),
        }
    }

    /// The first slice that [is too large](Self::is_too_large).
    #[must_use]
    pub fn first_too_large(&self, memory_bytes: u64) -> Option<usize> {
        (0..self.rows().len()).find(|&slice| self.is_too_large(slice, memory_bytes))
    }

    /// Splits the operation of a slice that needs the most memory, so that each of its tiles fits
    /// this memory, or takes less than it does.
    #[must_use]
    pub fn splitting(&self, slice: usize, memory_bytes: u64) -> Option<Splitting> {
        let node = self.node_to_split(slice)?;
        let estimator = &self.prepared.as_ref()?.estimator;
        let next = self.legal_cuts().iter().copied().find(|&cut| cut > node);
        let to = next.unwrap_or(self.graph.nodes.len());
        let alone = estimator.slice(node, to, self.system(slice));
        let alone = alone.prediction.as_ref().map_or(u64::MAX, |p| p.peak_bytes.saturating_sub(1));
        let wanted = Wanted {
            budget: memory_bytes.min(alone),
            system: self.system(slice),
            node: Some(name_in_file(&self.model, &self.graph, node)),
        };
        Some(self.to_split(How::Fitting(wanted), self.plan().clone()))
    }

    /// Splits the model as a plan of it says.
    #[must_use]
    pub fn splitting_for(&self, plan: Plan) -> Splitting {
        self.to_split(How::Planned(plan.splits.clone()), plan)
    }

    fn to_split(&self, how: How, plan: Plan) -> Splitting {
        Splitting {
            how,
            preparation: self.preparation(),
            path: self.path.clone(),
            inputs: self.inputs.clone(),
            calibration: self.calibration.clone(),
            plan,
        }
    }

    /// The session of the same model with other splits, under this plan.
    #[must_use]
    pub fn split(&self, opened: Opened, plan: Plan) -> Self {
        let current = self.drafts().current();
        let skipped = std::collections::BTreeSet::new();
        let kept = KeptPlan { name: current.name.clone(), plan, skipped, record: None };
        let (whole_too, weights, case) = (self.whole_too, self.weights, self.case);
        let mut session = Self::new(opened);
        session.drafts = super::Drafts::kept(kept);
        session.is_restored = true;
        (session.whole_too, session.weights, session.case) = (whole_too, weights, case);
        session
    }
}

/// The node of the file that a node is, or is a tile of.
fn name_in_file(model: &Model, graph: &Graph, node: usize) -> String {
    let tile = graph.tiling.as_ref().and_then(|tiling| tiling.tiles.get(&node));
    match tile {
        Some(tile) => model.unsplit().graph.nodes[tile.node].name.clone(),
        None => graph.nodes[node].name.clone(),
    }
}
