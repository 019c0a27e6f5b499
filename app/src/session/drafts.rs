//! Several plans of one model, each with its own steps to undo and its own results.

use std::collections::BTreeSet;

use microtome_engine::plan::Plan;

use super::record::Record;
use super::{Session, SliceRow};
use crate::history::History;
use crate::project::KeptPlan;

/// A plan that the user works on, with what belongs to it alone.
#[derive(Clone, Debug)]
pub struct Draft {
    /// Tells it from the others for as long as the model is open.
    pub id: u64,
    /// What the user calls it.
    pub name: String,
    /// What came of its last run.
    pub record: Option<Record>,
    pub(super) plan: Plan,
    pub(super) history: History<Plan>,
    /// First nodes of the slices that are not to be proven.
    pub(super) skipped: BTreeSet<usize>,
    /// Estimates of a plan that it had last.
    pub(super) estimates: Option<(Plan, Vec<SliceRow>)>,
    /// The plan whose estimates a worker makes while another one is shown.
    asked: Option<Plan>,
}

impl Draft {
    /// The plan.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// First nodes of the slices that are not to be proven.
    #[must_use]
    pub fn skipped(&self) -> &BTreeSet<usize> {
        &self.skipped
    }

    /// The estimates of its slices, where they are there and those of the plan as it is.
    #[must_use]
    pub fn rows(&self) -> Option<&[SliceRow]> {
        let (plan, rows) = self.estimates.as_ref()?;
        (*plan == self.plan).then_some(rows)
    }
}

/// The plans of a model: at least one, of which one is shown.
#[derive(Clone, Debug)]
pub struct Drafts {
    all: Vec<Draft>,
    current: usize,
    next_id: u64,
    /// The one that was deleted last, and where it was.
    deleted: Option<(usize, Draft)>,
}

impl Drafts {
    /// One plan.
    #[must_use]
    pub fn new(plan: Plan) -> Self {
        let (name, skipped) = ("Plan 1".to_owned(), BTreeSet::new());
        Self::kept(KeptPlan { name, plan, skipped, record: None })
    }

    /// The first of the plans that were kept.
    pub(super) fn kept(kept: KeptPlan) -> Self {
        let mut drafts = Self { all: Vec::new(), current: 0, next_id: 0, deleted: None };
        drafts.add(kept);
        drafts
    }

    /// Adds a plan behind the others.
    pub(super) fn add(&mut self, kept: KeptPlan) -> &mut Self {
        let id = self.next_id;
        self.next_id += 1;
        let KeptPlan { name, plan, skipped, record } = kept;
        let (history, estimates) = (History::default(), None);
        self.all.push(Draft { id, name, record, plan, history, skipped, estimates, asked: None });
        self
    }

    /// Shows the plan that was added last.
    pub(super) fn show_last(&mut self) {
        self.current = self.all.len() - 1;
    }

    /// All of them, in the order of their tabs.
    #[must_use]
    pub fn all(&self) -> &[Draft] {
        &self.all
    }

    /// Which one is shown.
    #[must_use]
    pub fn current_index(&self) -> usize {
        self.current
    }

    /// The one that is shown.
    #[must_use]
    pub fn current(&self) -> &Draft {
        &self.all[self.current]
    }

    /// The one that is shown.
    pub fn current_mut(&mut self) -> &mut Draft {
        &mut self.all[self.current]
    }

    /// The one with this mark.
    pub fn by_id(&mut self, id: u64) -> Option<&mut Draft> {
        self.all.iter_mut().find(|draft| draft.id == id)
    }

    /// What is kept of their runs, and of the one of the deleted plan.
    pub(super) fn records(&self) -> impl Iterator<Item = &Record> {
        let deleted = self.deleted.as_ref().map(|(_, draft)| draft);
        self.all.iter().chain(deleted).filter_map(|draft| draft.record.as_ref())
    }

    /// Forgets the estimates, which were made under another program.
    pub(super) fn forget_estimates(&mut self) {
        for draft in &mut self.all {
            (draft.estimates, draft.asked) = (None, None);
        }
    }

    /// A name that none of them has.
    fn free_name(&self) -> String {
        let names: BTreeSet<&str> = self.all.iter().map(|draft| draft.name.as_str()).collect();
        let mut numbered = (self.all.len() + 1..).map(|number| format!("Plan {number}"));
        numbered.find(|name| !names.contains(name.as_str())).unwrap_or_default()
    }
}

impl Session {
    /// The plans of the model.
    #[must_use]
    pub fn drafts(&self) -> &Drafts {
        &self.drafts
    }

    pub(super) fn draft(&self) -> &Draft {
        self.drafts.current()
    }

    pub(super) fn draft_mut(&mut self) -> &mut Draft {
        self.drafts.current_mut()
    }

    /// Shows another plan.
    pub fn show_draft(&mut self, index: usize) {
        if index < self.drafts.all.len() && index != self.drafts.current {
            self.drafts.current = index;
            self.estimates = None;
        }
    }

    /// Shows the next plan, after the last the first.
    pub fn next_draft(&mut self) {
        self.show_draft((self.drafts.current + 1) % self.drafts.all.len());
    }

    /// Begins a new plan as a copy of the one that is shown, and shows it.
    pub fn copy_draft(&mut self) {
        let from = self.draft();
        let (plan, skipped) = (from.plan.clone(), from.skipped.clone());
        let name = self.drafts.free_name();
        self.drafts.add(KeptPlan { name, plan, skipped, record: None }).show_last();
        self.estimates = None;
    }

    /// Shows a plan of this name as a model begins with, in the place of one that has the name.
    pub fn show_fresh_plan(&mut self, name: &str) {
        let whole = Plan::of(&self.graph);
        let first = self.prepared.as_ref().and_then(|prepared| prepared.first_plan.clone());
        let kept = KeptPlan {
            name: name.to_owned(),
            plan: first.unwrap_or(whole),
            skipped: BTreeSet::new(),
            record: None,
        };
        let others = |draft: &Draft| draft.name != name;
        self.drafts.add(kept).show_last();
        let (shown, id) = (self.drafts.current, self.draft().id);
        let before = self.drafts.all[..shown].iter().filter(|draft| others(draft)).count();
        self.drafts.all.retain(|draft| draft.id == id || others(draft));
        self.drafts.current = before;
        self.estimates = None;
    }

    /// Gives the plan that is shown another name; an empty one changes nothing.
    pub fn rename_draft(&mut self, name: &str) {
        let name = name.trim();
        if !name.is_empty() {
            name.clone_into(&mut self.draft_mut().name);
        }
    }

    /// Deletes the plan that is shown, unless it is the only one.
    pub fn delete_draft(&mut self) {
        let index = self.drafts.current;
        let is_proven =
            self.run.as_ref().is_some_and(|run| run.is_running() && run.draft == self.draft().id);
        if self.drafts.all.len() > 1 && !is_proven {
            let draft = self.drafts.all.remove(index);
            self.drafts.deleted = Some((index, draft));
            self.drafts.current = index.min(self.drafts.all.len() - 1);
            self.estimates = None;
        }
    }

    /// Whether there is a deleted plan to bring back.
    #[must_use]
    pub fn can_bring_back(&self) -> bool {
        self.drafts.deleted.is_some()
    }

    /// Brings the plan back that was deleted last, and shows it.
    pub fn bring_back_draft(&mut self) {
        if let Some((index, draft)) = self.drafts.deleted.take() {
            let index = index.min(self.drafts.all.len());
            self.drafts.all.insert(index, draft);
            self.drafts.current = index;
            self.estimates = None;
        }
    }

    /// Goes back to the plan that the results are of, as one step.
    pub fn back_to_results(&mut self) {
        if let Some(plan) = self.draft().record.as_ref().map(|record| record.plan.clone()) {
            self.set_plan(plan);
        }
    }

    /// The plans whose estimates are not there yet and were not asked for, apart from the one that
    /// is shown. They count as asked for from now on.
    pub fn ask_estimates(&mut self) -> Vec<(u64, Plan)> {
        let shown = self.draft().id;
        let others = self.drafts.all.iter_mut().filter(|draft| draft.id != shown);
        let missing = others
            .filter(|draft| draft.rows().is_none() && draft.asked.as_ref() != Some(&draft.plan));
        missing
            .map(|draft| {
                draft.asked = Some(draft.plan.clone());
                (draft.id, draft.plan.clone())
            })
            .collect()
    }

    /// Takes estimates of a plan that is not shown.
    pub fn take_draft_estimates(&mut self, id: u64, plan: Plan, rows: Vec<SliceRow>) {
        if let Some(draft) = self.drafts.by_id(id) {
            draft.estimates = Some((plan, rows));
        }
    }
}
