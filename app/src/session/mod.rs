//! The open model with all that belongs to it: plan, estimates, inputs, results.
//!
//! This is the only module that speaks to the engine's stages; the panels ask it.

mod answer;
mod bits;
mod compared;
mod drafts;
mod edits;
mod open;
mod record;
mod report;
mod restore;
mod results;
mod slicing;
mod splitting;
mod systems;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use microtome_engine::bits::Bits;
use microtome_engine::bundle::Custody;
use microtome_engine::cost::Totals;
use microtome_engine::digest::Digest;
use microtome_engine::graph::Graph;
use microtome_engine::inputs::{Case, Inputs};
use microtome_engine::onnx::Model;
use microtome_engine::plan::{Estimator, Linking, Plan, SliceEstimate, cheap_cuts};
use microtome_engine::program::{Settings, Skeleton, Source};
use microtome_engine::prove::System;
use microtome_engine::run::{Measured, Pool};

pub use answer::{Answer, ClassBar, Question};
pub use bits::{BitsView, Sweeping};
pub use drafts::{Draft, Drafts};
pub use edits::Balancing;
pub use open::{NodeFacts, Opened, Preparation, Prepared, open};
pub use record::Record;
pub use report::Reporting;
pub use slicing::{Group, GroupKey, GroupQuestion};
pub use splitting::{SplitModel, Splitting};
pub use systems::{Provability, provability};

use crate::run_view::RunView;

/// What one slice is estimated to cost.
pub type SliceRow = Arc<SliceEstimate>;

/// What ranges of nodes took when they were last proven by a system.
type MeasuredRanges = BTreeMap<((usize, usize), System), Measured>;

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
    /// Which nodes each proof system can prove, once that was found out.
    pub provability: Option<Provability>,
    /// The answer to the case that is shown.
    pub answer: Option<Answer>,
    /// The run that goes on or was the last.
    pub run: Option<RunView>,
    /// Prove the whole model too, for comparison.
    pub whole_too: bool,
    /// What is known of other bits.
    pub bits_view: BitsView,
    bits: Bits,
    /// Where the weights are while slices are proven.
    pub weights: Custody,
    /// The processes that prove, with the keys of what was proven last.
    pool: Pool,
    drafts: Drafts,
    inputs: Option<(PathBuf, Inputs)>,
    inputs_version: u64,
    case: usize,
    calibration: Vec<Vec<Vec<f32>>>,
    estimates: Option<(Plan, Vec<SliceRow>)>,
    whole: Option<SliceRow>,
    by_system: Vec<BySystem>,
    /// What a range of nodes took when it was last proven by a system.
    last_measured: MeasuredRanges,
    /// The same of a program that may come again, by its digest.
    kept_measured: Option<(Digest, MeasuredRanges)>,
    /// Whether its plans were kept from an earlier time.
    is_restored: bool,
    cheap_cuts: Vec<usize>,
    /// What linking costs at each cut of the plan that was estimated last.
    linking: Vec<Linking>,
    /// What nodes would cost that were selected to become a slice.
    group: Option<(GroupKey, SliceRow)>,
}

/// What the estimates of a plan are.
pub struct Estimates {
    /// The plan.
    pub plan: Plan,
    /// Its slices.
    pub rows: Vec<SliceRow>,
    /// What linking costs at each of its cuts.
    pub linking: Vec<Linking>,
    /// The whole model as one slice.
    pub whole: SliceRow,
    /// The slices, then the whole, by each proof system; where it was asked for.
    pub by_system: Option<Vec<BySystem>>,
}

/// One piece by each proof system, in the order of [`System::ALL`].
pub type BySystem = [SliceRow; System::ALL.len()];

/// Estimates a plan. For a worker: a large model's circuits take a while to lay out.
#[must_use]
pub fn estimate(estimator: &Estimator, plan: Plan) -> Estimates {
    // A run proves the whole by the system of the first slice.
    let whole = estimator.whole(plan.system(0));
    let (rows, linking) = (estimator.slices(&plan), estimator.linking(&plan));
    Estimates { rows, linking, whole, by_system: None, plan }
}

/// The same with what each piece would cost by the other systems, which takes longer.
#[must_use]
pub fn estimate_by_system(estimator: &Estimator, plan: Plan) -> Estimates {
    let nodes = estimator.node_costs().len();
    let ranges = plan.ranges(nodes).into_iter().chain([(0, nodes)]);
    let by_system = ranges
        .map(|(from, to)| System::ALL.map(|system| estimator.slice(from, to, system)))
        .collect();
    Estimates { by_system: Some(by_system), ..estimate(estimator, plan) }
}

impl Session {
    /// The session of a model that was just opened.
    #[must_use]
    pub fn new(opened: Opened) -> Self {
        let graph = Arc::clone(&opened.model.graph);
        let plan = Plan::of(&graph);
        Self {
            facts: opened.facts,
            totals: opened.totals,
            path: opened.path,
            skeleton: opened.skeleton,
            model: opened.model,
            prepared: None,
            obstacle: None,
            answer: None,
            run: None,
            pool: Pool::lasting(),
            whole_too: true,
            weights: Custody::Public,
            bits: Bits::default(),
            bits_view: BitsView::default(),
            drafts: Drafts::new(plan),
            inputs: opened.inputs,
            inputs_version: 0,
            case: 0,
            calibration: opened.calibration,
            estimates: None,
            whole: None,
            by_system: Vec::new(),
            last_measured: BTreeMap::new(),
            kept_measured: None,
            is_restored: false,
            provability: None,
            cheap_cuts: Vec::new(),
            linking: Vec::new(),
            group: None,
            graph,
        }
    }

    /// Of each node, whether another one absorbs it.
    #[must_use]
    pub fn absorbed(&self) -> Vec<bool> {
        self.facts.iter().map(|facts| facts.absorbed_by.is_some()).collect()
    }

    /// The case that is shown.
    #[must_use]
    pub fn case(&self) -> Option<&Case> {
        self.inputs.as_ref()?.1.cases.get(self.case)
    }

    /// How many cases there are.
    #[must_use]
    pub fn case_count(&self) -> usize {
        self.inputs.as_ref().map_or(0, |(_, inputs)| inputs.cases.len())
    }

    /// Which case is shown.
    #[must_use]
    pub fn case_index(&self) -> usize {
        self.case
    }

    /// The class that the case is known to have.
    #[must_use]
    pub fn expected_label(&self) -> Option<i64> {
        self.case()?.label
    }

    /// Name of the file that the inputs came from.
    #[must_use]
    pub fn input_name(&self) -> Option<String> {
        self.inputs.as_ref().map(|(path, _)| open::name_of(path))
    }

    /// The file that the inputs came from.
    #[must_use]
    pub fn input_path(&self) -> Option<&Path> {
        self.inputs.as_ref().map(|(path, _)| path.as_path())
    }

    /// Grows with each file of inputs.
    #[must_use]
    pub fn inputs_version(&self) -> u64 {
        self.inputs_version
    }

    /// Takes the cases of a file.
    pub fn set_inputs(&mut self, path: &Path, inputs: Inputs) {
        self.inputs = Some((path.to_owned(), inputs));
        self.inputs_version += 1;
        self.case = 0;
    }

    /// Goes to a case; one that isn't there changes nothing.
    pub fn set_case(&mut self, case: usize) {
        if case < self.case_count() {
            self.case = case;
        }
    }

    /// Goes to the next case or to the one before, around the end.
    pub fn step_case(&mut self, forward: bool) {
        let count = self.case_count().max(1);
        self.case = (self.case + if forward { 1 } else { count - 1 }) % count;
    }

    /// The case as a question to the model.
    #[must_use]
    pub fn question(&self) -> Option<Question> {
        Some(Question {
            model: Arc::clone(&self.model),
            program: self.prepared.as_ref().map(|p| Arc::clone(&p.program)),
            skeleton: Arc::clone(&self.skeleton),
            tensors: self.case()?.tensors.clone(),
            value: self.graph.outputs.first().and_then(|&id| self.skeleton.value_of(id)),
        })
    }

    /// What lowering needs: the calibration set, else the case that is shown, else nothing.
    #[must_use]
    pub fn preparation(&self) -> Preparation {
        let default = self.bits.settings(Settings::DEFAULT.headroom);
        let headroom = Settings::INPUT_HEADROOM;
        let (cases, source, settings) = if !self.calibration.is_empty() {
            let cases = self.calibration.clone();
            let source = Source::Data { cases: cases.len(), headroom: default.headroom };
            (cases, source, default)
        } else if let Some(case) = self.case() {
            let source = Source::ProvenInput { headroom };
            (vec![case.tensors.clone()], source, Settings { headroom, ..default })
        } else {
            (Vec::new(), Source::Nominal, default)
        };
        let (model, skeleton) = (Arc::clone(&self.model), Arc::clone(&self.skeleton));
        Preparation { model, skeleton, cases, source, settings }
    }

    /// Takes the fixed-point program.
    pub fn set_prepared(&mut self, prepared: Prepared) {
        self.cheap_cuts = cheap_cuts(&prepared.crossings);
        self.linking.clear();
        self.group = None;
        self.whole = None;
        self.estimates = None;
        self.by_system.clear();
        self.drafts.forget_estimates();
        // What was measured before the model was closed, or with the bits before these, is of use
        // where the program is the same.
        let before = std::mem::take(&mut self.last_measured);
        match &self.prepared {
            Some(now) if now.digest == prepared.digest => self.last_measured = before,
            now => {
                let kept = self.kept_measured.take_if(|kept| kept.0 == prepared.digest);
                self.last_measured = kept.map(|(_, ranges)| ranges).unwrap_or_default();
                if let Some(now) = now.as_ref().filter(|_| !before.is_empty()) {
                    self.kept_measured = Some((now.digest, before));
                }
            }
        }
        self.provability = None;
        self.obstacle = None;
        // The plan is only begun where the user hasn't begun one meanwhile.
        if let Some(first) = &prepared.first_plan
            && !self.is_restored
            && self.cuts().is_empty()
            && !self.can_undo()
        {
            self.draft_mut().plan = first.clone();
        }
        self.prepared = Some(prepared);
    }

    /// Whether the program's ranges are guesses, so that nothing can be proven with it.
    #[must_use]
    pub fn is_nominal(&self) -> bool {
        self.prepared.as_ref().is_some_and(|p| p.card.source == Source::Nominal)
    }

    /// Where the ranges come from, in a few words.
    #[must_use]
    pub fn calibration_text(&self) -> String {
        let Some(prepared) = &self.prepared else { return String::new() };
        let source = match &prepared.card.source {
            Source::Data { cases, .. } => format!("calibrated with {cases} cases"),
            Source::ProvenInput { .. } => "calibrated with the input itself".to_owned(),
            Source::Nominal => "not calibrated".to_owned(),
        };
        format!("{source} · program {}", prepared.digest.short())
    }

    /// The slices of the plan as they are estimated; those of the plan before while the new ones
    /// are on their way.
    #[must_use]
    pub fn rows(&self) -> &[SliceRow] {
        let count = self.cuts().len() + 1;
        match &self.estimates {
            Some((_, rows)) if rows.len() == count => rows,
            _ => &[],
        }
    }

    /// Whether the estimates are those of the plan as it is.
    #[must_use]
    pub fn has_estimates(&self) -> bool {
        self.estimates.as_ref().is_some_and(|(plan, _)| plan == self.plan())
    }

    /// Takes estimates; those of a plan that is gone serve until newer ones come.
    pub fn take_estimates(&mut self, estimates: Estimates) {
        self.whole = Some(estimates.whole);
        self.linking = estimates.linking;
        if let Some(by_system) = estimates.by_system {
            self.by_system = by_system;
        }
        let found = (estimates.plan, estimates.rows);
        if found.0 == *self.plan() {
            self.draft_mut().estimates = Some(found.clone());
        }
        self.estimates = Some(found);
    }

    /// The whole model as one slice.
    #[must_use]
    pub fn whole(&self) -> Option<&SliceRow> {
        self.whole.as_ref()
    }

    /// Bytes that cross at each legal cut.
    #[must_use]
    pub fn crossing_bytes(&self) -> &[(usize, u64)] {
        self.prepared.as_ref().map_or(&[], |prepared| &prepared.crossings)
    }

    /// Bytes that cross at a cut.
    #[must_use]
    pub fn crossing_bytes_at(&self, cut: usize) -> u64 {
        let crossings = self.crossing_bytes();
        let at = crossings.partition_point(|&(c, _)| c < cut);
        crossings.get(at).map_or(0, |&(_, bytes)| bytes)
    }

    /// Names and shapes of the tensors that cross at a cut.
    #[must_use]
    pub fn crossing_tensors(&self, cut: usize) -> Vec<(String, String)> {
        let Some(prepared) = &self.prepared else { return Vec::new() };
        let crossing = prepared.estimator.crossing(cut);
        let text =
            |shape: &[usize]| shape.iter().map(ToString::to_string).collect::<Vec<_>>().join("×");
        crossing
            .values
            .iter()
            .map(|&id| prepared.program.value(id))
            .map(|value| (value.name.clone(), text(&value.shape)))
            .collect()
    }

    /// Which slice a node is in.
    #[must_use]
    pub fn slice_of_node(&self, node: usize) -> usize {
        let owner = self.facts.get(node).and_then(|f| f.absorbed_by).unwrap_or(node);
        self.cuts().partition_point(|&cut| cut <= owner)
    }

    /// The first node of a slice.
    #[must_use]
    pub fn first_node(&self, slice: usize) -> Option<usize> {
        if slice == 0 { Some(0) } else { self.cuts().get(slice - 1).copied() }
    }

    /// The nodes of each slice.
    #[must_use]
    pub fn node_groups(&self) -> Vec<Vec<usize>> {
        let last = self.graph.nodes.len();
        let starts = std::iter::once(0).chain(self.cuts().iter().copied());
        let ends = self.cuts().iter().copied().chain([last]);
        starts.zip(ends).map(|(from, to)| self.skeleton.nodes_between(from, to)).collect()
    }
}
