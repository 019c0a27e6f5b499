//! What the graph asks when slices are made by hand: what linking costs, which cuts are cheap, and
//! whether nodes can be a slice.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use microtome_engine::plan::{Estimator, Linking, Plan, PlanError};
use microtome_engine::prove::System;

use super::{Session, SliceRow};

/// Nodes that were selected together, as a slice.
#[derive(Clone, Debug, Default)]
pub struct Group {
    /// How many there are, those included that others of them absorb.
    pub nodes: usize,
    /// Their multiply-accumulates.
    pub macs: u64,
    /// Why they can't be made a slice, in a sentence.
    pub obstacle: Option<String>,
    /// What the slice would cost, once that is known.
    pub estimate: Option<SliceRow>,
}

/// The range of nodes of a slice that there isn't yet, and the system that would prove it.
pub type GroupKey = ((usize, usize), System);

/// A slice to be estimated, to be taken to a worker.
pub struct GroupQuestion {
    key: GroupKey,
    estimator: Arc<Estimator>,
}

impl GroupQuestion {
    /// Estimates the slice. It takes long for a large one: for a worker.
    #[must_use]
    pub fn run(self) -> (GroupKey, SliceRow) {
        let ((from, to), system) = self.key;
        (self.key, self.estimator.slice(from, to, system))
    }
}

impl Session {
    /// What linking costs at a cut of the plan. While new estimates are on their way, what it cost
    /// where the boundary was.
    #[must_use]
    pub fn linking(&self, cut: usize) -> Option<&Linking> {
        let position = self.cuts().iter().position(|&c| c == cut)?;
        let is_fitting = self.estimates.is_some() && self.linking.len() == self.cuts().len();
        self.linking.get(position).filter(|_| is_fitting)
    }

    /// Cuts that are cheaper than those beside them.
    #[must_use]
    pub fn cheap_cuts(&self) -> &[usize] {
        &self.cheap_cuts
    }

    /// The error of a node's fixed-point output for the case that is shown, as a part of its range.
    #[must_use]
    pub fn node_error(&self, node: usize) -> Option<f64> {
        self.answer.as_ref()?.errors.get(node).copied().flatten()
    }

    /// Moves a cut to the next legal place, and returns that place.
    pub fn nudge(&mut self, cut: usize, down: bool) -> Option<usize> {
        self.nudge_all(&BTreeSet::from([cut]), down, |_| true).remove(&cut)
    }

    /// Moves these cuts to the next legal place each that is seen, as one step. Returns where those
    /// that moved are now, by where they were.
    pub fn nudge_all(
        &mut self,
        cuts: &BTreeSet<usize>,
        down: bool,
        is_seen: impl Fn(usize) -> bool,
    ) -> BTreeMap<usize, usize> {
        let skeleton = self.skeleton.clone();
        let mut moved = BTreeMap::new();
        self.edit(|plan| {
            moved = plan.nudge(&skeleton, cuts, down, is_seen);
            Ok(())
        });
        // What is not to be proven stays so: all are taken out before any is put back, as one may
        // have moved to where another was.
        let skipped = &mut self.draft_mut().skipped;
        let taken: Vec<usize> =
            moved.iter().filter(|(from, _)| skipped.remove(from)).map(|(_, &to)| to).collect();
        skipped.extend(taken);
        moved
    }

    /// Removes those of these cuts that are not locked, as one step.
    pub fn remove_cuts(&mut self, cuts: &BTreeSet<usize>) {
        let free: Vec<_> = cuts.iter().copied().filter(|&cut| !self.is_locked(cut)).collect();
        self.edit(|plan| free.into_iter().try_for_each(|cut| plan.remove(cut)));
    }

    /// Locks these cuts, or unlocks them where all of them are locked; as one step.
    pub fn toggle_locks(&mut self, cuts: &BTreeSet<usize>) {
        let lock = !cuts.iter().all(|&cut| self.is_locked(cut));
        self.edit(|plan| cuts.iter().try_for_each(|&cut| plan.set_locked(cut, lock)));
    }

    /// Makes one slice of these nodes, as one step, and returns which one it is.
    ///
    /// # Errors
    /// Where they can't be one; the text says why.
    pub fn make_slice(&mut self, nodes: &BTreeSet<usize>) -> Result<usize, String> {
        let mut plan = self.plan().clone();
        let made = plan.make_slice(&self.skeleton, nodes);
        let slice = made.map_err(|error| self.sentence(&error))?;
        self.set_plan(plan);
        Ok(slice)
    }

    /// These nodes as a slice.
    #[must_use]
    pub fn group(&self, nodes: &BTreeSet<usize>) -> Group {
        let key = self.group_key(nodes);
        let all = match key {
            Some(((from, to), _)) => self.skeleton.nodes_between(from, to),
            None => nodes.iter().copied().collect(),
        };
        let facts = all.iter().filter_map(|&node| self.facts.get(node));
        Group {
            nodes: all.len(),
            macs: facts.map(|facts| facts.macs).sum(),
            obstacle: self
                .plan()
                .clone()
                .make_slice(&self.skeleton, nodes)
                .err()
                .map(|error| self.sentence(&error)),
            estimate: self.group.as_ref().filter(|(k, _)| Some(*k) == key).map(|(_, r)| r.clone()),
        }
    }

    fn group_key(&self, nodes: &BTreeSet<usize>) -> Option<GroupKey> {
        let (from, to) = Plan::slice_of(&self.skeleton, nodes).ok()?;
        Some(((from, to), self.system(self.cuts().partition_point(|&cut| cut <= from))))
    }

    /// What these nodes would cost as a slice, to be taken to a worker.
    #[must_use]
    pub fn group_question(&self, nodes: &BTreeSet<usize>) -> Option<GroupQuestion> {
        let estimator = Arc::clone(&self.prepared.as_ref()?.estimator);
        Some(GroupQuestion { key: self.group_key(nodes)?, estimator })
    }

    /// Takes what a slice would cost that there isn't yet.
    pub fn take_group(&mut self, key: GroupKey, row: SliceRow) {
        self.group = Some((key, row));
    }

    /// Why nodes can't be made a slice, in the words of the window.
    fn sentence(&self, error: &PlanError) -> String {
        let name = |node: usize| {
            let op = self.graph.nodes.get(node).map_or("node", |node| node.op.as_str());
            format!("{op} {node}")
        };
        let text = match *error {
            PlanError::Between { node, count: 1 } => {
                format!("slices are contiguous: {} lies between and is not selected", name(node))
            }
            PlanError::Between { node, count } => format!(
                "slices are contiguous: {} and {} more lie between and are not selected",
                name(node),
                count - 1
            ),
            ref other => other.to_string(),
        };
        let mut letters = text.chars();
        let first = letters.next().map(|letter| letter.to_uppercase().collect::<String>());
        format!("{}{}.", first.unwrap_or_default(), letters.as_str())
    }
}
