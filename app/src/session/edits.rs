//! Edits of the plan, each a step that can be undone, and the choice of slices to prove.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use microtome_engine::plan::{Estimator, Metric, Plan, PlanError};

use serde_json::Value;

use super::Session;
use super::open::TOLERANCE;

/// Balancing, to be taken to a worker: by the cost of proofs it lays out very many circuits.
pub struct Balancing {
    estimator: Arc<Estimator>,
    plan: Plan,
    slices: usize,
    metric: Metric,
}

impl Balancing {
    /// Places the cuts so that the largest slice is as small as it can be; locked cuts stay.
    /// Returns the plan before with the plan after.
    ///
    /// # Errors
    /// Where the model can't be cut so; the text says why.
    pub fn run(self) -> Result<(Plan, Plan), String> {
        let balanced = self
            .plan
            .balanced(&self.estimator, self.slices, self.metric, TOLERANCE)
            .map_err(|error| error.to_string())?;
        Ok((self.plan, balanced))
    }
}

impl Session {
    /// The plan.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.draft().plan
    }

    /// Its cuts: indices of the nodes that start a slice, increasing.
    #[must_use]
    pub fn cuts(&self) -> &[usize] {
        self.plan().cuts()
    }

    /// Where the model can be cut.
    #[must_use]
    pub fn legal_cuts(&self) -> &[usize] {
        self.skeleton.legal_cuts()
    }

    /// Whether balancing leaves this cut alone.
    #[must_use]
    pub fn is_locked(&self, cut: usize) -> bool {
        self.plan().is_locked(cut)
    }

    /// Changes the plan as one step. The window offers only edits that are legal; one that isn't
    /// (two keys in one frame) leaves the plan as it was.
    pub(super) fn edit(&mut self, change: impl FnOnce(&mut Plan) -> Result<(), PlanError>) {
        let mut plan = self.plan().clone();
        if change(&mut plan).is_err() {
            return;
        }
        // What all slices have in common is what later ones are to have, and what balancing
        // goes by.
        let first = plan.system(0);
        if (1..plan.slice_count()).all(|slice| plan.system(slice) == first) {
            plan.set_all_systems(first);
        }
        let draft = self.draft_mut();
        if plan != draft.plan {
            draft.history.remember(std::mem::replace(&mut draft.plan, plan));
        }
    }

    /// Adds a cut.
    pub fn add_cut(&mut self, cut: usize) {
        let skeleton = self.skeleton.clone();
        self.edit(|plan| plan.add(&skeleton, cut));
    }

    /// Adds the cut that starts a slice at this node, and returns it.
    pub fn add_cut_at(&mut self, node: usize) -> Option<usize> {
        let cut = self.skeleton.canonical_cut(node)?;
        self.add_cut(cut);
        Some(cut)
    }

    /// Removes a cut that is not locked.
    pub fn remove_cut(&mut self, cut: usize) {
        if !self.is_locked(cut) {
            self.edit(|plan| plan.remove(cut));
        }
    }

    /// Locks a cut, or unlocks it.
    pub fn toggle_lock(&mut self, cut: usize) {
        let locked = self.is_locked(cut);
        self.edit(|plan| plan.set_locked(cut, !locked));
    }

    fn edit_move(&mut self, from: usize, to: usize) {
        let skeleton = self.skeleton.clone();
        let skipped = self.draft_mut().skipped.remove(&from);
        self.edit(|plan| plan.move_cut(&skeleton, from, to));
        if skipped {
            self.draft_mut().skipped.insert(to);
        }
    }

    /// A boundary is taken hold of: what follows is one step.
    pub fn begin_drag(&mut self) {
        let draft = self.draft_mut();
        draft.history.begin(draft.plan.clone());
    }

    /// The boundary is elsewhere now.
    pub fn drag(&mut self, from: usize, to: usize) {
        self.edit_move(from, to);
    }

    /// The boundary was let go.
    pub fn end_drag(&mut self) {
        let draft = self.draft_mut();
        draft.history.end(&draft.plan);
    }

    /// The drag was given up.
    pub fn cancel_drag(&mut self) {
        let draft = self.draft_mut();
        if let Some(before) = draft.history.cancel() {
            draft.plan = before;
        }
    }

    /// Removes every cut that is not locked.
    pub fn merge_all(&mut self) {
        let free: Vec<_> = self.cuts().iter().copied().filter(|&c| !self.is_locked(c)).collect();
        self.edit(|plan| free.into_iter().try_for_each(|cut| plan.remove(cut)));
    }

    /// What balancing needs, to be taken to a worker.
    #[must_use]
    pub fn balancing(&self, slices: usize, metric: Metric) -> Option<Balancing> {
        let estimator = self.prepared.as_ref()?.estimator.clone();
        Some(Balancing { estimator, plan: self.plan().clone(), slices, metric })
    }

    /// Takes a whole plan, as one step.
    pub fn set_plan(&mut self, plan: Plan) {
        self.edit(|current| {
            *current = plan;
            Ok(())
        });
    }

    /// Takes the last edit back.
    pub fn undo(&mut self) {
        let draft = self.draft_mut();
        if let Some(before) = draft.history.undo(&draft.plan) {
            draft.plan = before;
        }
    }

    /// Does it again.
    pub fn redo(&mut self) {
        let draft = self.draft_mut();
        if let Some(after) = draft.history.redo(&draft.plan) {
            draft.plan = after;
        }
    }

    /// Whether there is an edit to take back.
    #[must_use]
    pub fn can_undo(&self) -> bool {
        self.draft().history.can_undo()
    }

    /// Whether there is one to do again.
    #[must_use]
    pub fn can_redo(&self) -> bool {
        self.draft().history.can_redo()
    }

    /// Takes a plan from a file. One of the same model with other splits is given back.
    ///
    /// # Errors
    /// Where it can't be read or is for another model; the text says so.
    pub fn read_plan(&mut self, path: &Path) -> Result<Option<Plan>, String> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| format!("{}: the plan can't be read: {error}", path.display()))?;
        let no_plan = |error| format!("{}: this is no plan: {error}", path.display());
        // The command line writes estimates beside the plan; they are made anew here.
        let mut keys: BTreeMap<String, Value> = serde_json::from_str(&text).map_err(no_plan)?;
        keys.retain(|key, _| {
            ["model", "splits", "cuts", "locked", "system", "systems"].contains(&key.as_str())
        });
        let plan: Plan = serde_json::from_value(keys.into_iter().collect()).map_err(no_plan)?;
        if plan.splits != self.graph.splits() {
            return Ok(Some(plan));
        }
        plan.check(self.graph.digest, &self.skeleton)
            .map_err(|error| format!("{}: {error}", path.display()))?;
        self.set_plan(plan);
        Ok(None)
    }

    /// The plan as the command line reads it.
    ///
    /// # Errors
    /// Where it can't be written as JSON.
    pub fn plan_text(&self) -> Result<String, String> {
        serde_json::to_string_pretty(self.plan()).map_err(|error| error.to_string())
    }

    /// Whether a slice is to be proven.
    #[must_use]
    pub fn is_marked(&self, slice: usize) -> bool {
        let provable = self.rows().get(slice).is_none_or(|row| row.obstacle.is_none());
        provable && self.first_node(slice).is_some_and(|node| !self.draft().skipped.contains(&node))
    }

    /// Marks a slice to be proven, or not.
    pub fn mark(&mut self, slice: usize, on: bool) {
        let Some(node) = self.first_node(slice) else { return };
        if on {
            self.draft_mut().skipped.remove(&node);
        } else {
            self.draft_mut().skipped.insert(node);
        }
    }

    /// Marks every slice to be proven, or none.
    pub fn mark_all(&mut self, on: bool) {
        for slice in 0..=self.cuts().len() {
            self.mark(slice, on);
        }
    }

    /// The slices that are to be proven.
    #[must_use]
    pub fn marked(&self) -> BTreeSet<usize> {
        (0..=self.cuts().len()).filter(|&slice| self.is_marked(slice)).collect()
    }
}
