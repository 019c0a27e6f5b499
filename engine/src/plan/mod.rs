//! Plans: where a model is cut, by hand or by balance, and what each slice costs.
//!
//! A cut `c` puts the nodes with `index < c` before it. Only cuts that differ are kept
//! ([`Skeleton::legal_cuts`]): nodes that lower to nothing follow their absorber.

mod balance;
mod carry;
mod cheap;
mod edit;
mod estimate;
mod grouping;
mod linking;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

pub use balance::{BalanceError, Metric};
pub use cheap::cheap_cuts;
pub use estimate::{Crossing, Estimator, SliceEstimate, program_slices};
pub use linking::{Linking, LinkingSide};

use crate::digest::Digest;
use crate::graph::{Graph, Splits};
use crate::program::Skeleton;
use crate::prove::System;

/// Where a model is cut.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Digest of the model that it belongs to, splits included.
    pub model: Digest,
    /// The nodes of the model's file that are split; cuts are between those that come of it.
    #[serde(default, skip_serializing_if = "Splits::is_empty")]
    pub splits: Splits,
    cuts: Vec<usize>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    locked: BTreeSet<usize>,
    /// The proof system of all slices but those below.
    #[serde(default)]
    system: System,
    /// The proof system of slices that differ from it, by the cut that starts them (0
    /// for the first).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    systems: BTreeMap<usize, System>,
}

/// Why a plan can't be made or used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// The plan is of another model.
    #[error("the plan was made for model {expected}, this one is {got}: open that model, or make a new plan", expected = expected.short(), got = got.short())]
    OtherModel {
        /// Digest that the plan names.
        expected: Digest,
        /// Digest of the model.
        got: Digest,
    },
    /// A cut where none is possible.
    #[error("there is no cut at {cut}: cuts lie between 1 and {last}")]
    NoSuchCut {
        /// The cut.
        cut: usize,
        /// Greatest possible cut.
        last: usize,
    },
    /// Cuts that are not increasing.
    #[error("cuts must increase, and {cut} follows {before}{same}", same = if *.cut > *.before { " (both mean the same cut, since the nodes between are absorbed)" } else { "" })]
    NotIncreasing {
        /// The cut.
        cut: usize,
        /// The one before it.
        before: usize,
    },
    /// An edit of a cut that isn't there, or of one that is locked.
    #[error("the cut at {cut} is {problem}")]
    BadEdit {
        /// The cut.
        cut: usize,
        /// What is wrong.
        problem: &'static str,
    },
    /// A slice of no nodes.
    #[error("select nodes first")]
    NoNodes,
    /// A node that the model doesn't have.
    #[error("there is no node {node}: the model has {count} nodes")]
    NoSuchNode {
        /// The node.
        node: usize,
        /// Nodes of the model.
        count: usize,
    },
    /// A slice with a hole: nodes between those that were selected.
    #[error("slices are contiguous: node {node}{rest}", rest = lie_between(*.count))]
    Between {
        /// The first node that is missing.
        node: usize,
        /// How many nodes are missing, those apart that others absorb.
        count: usize,
    },
    /// A slice that a locked cut divides.
    #[error("boundary {boundary} is locked inside the selection: unlock it first")]
    LockedInside {
        /// The cut.
        cut: usize,
        /// Which one it is, counted from 1: boundary 1 is between slices 0 and 1.
        boundary: usize,
    },
    /// Nodes that are a slice as it is.
    #[error("these nodes are slice {slice} already")]
    SliceAlready {
        /// Which one.
        slice: usize,
    },
}

/// The end of the sentence that so many nodes are missing in a slice, after the first of them.
fn lie_between(count: usize) -> String {
    match count {
        0 | 1 => " lies between and is not selected".to_owned(),
        more => format!(" and {} more lie between and are not selected", more - 1),
    }
}

impl Plan {
    /// One slice: the whole model.
    #[must_use]
    pub fn whole(model: Digest) -> Self {
        Self {
            model,
            splits: Splits::default(),
            cuts: Vec::new(),
            locked: BTreeSet::new(),
            system: System::default(),
            systems: BTreeMap::new(),
        }
    }

    /// One slice: all of this graph, which may be split.
    #[must_use]
    pub fn of(graph: &Graph) -> Self {
        Self { splits: graph.splits(), ..Self::whole(graph.digest) }
    }

    /// Cuts given by a user; each is moved to the legal cut that means the same.
    ///
    /// # Errors
    /// Where a cut is out of range or doesn't follow the one before it.
    pub fn from_cuts(
        model: Digest,
        skeleton: &Skeleton,
        cuts: &[usize],
    ) -> Result<Self, PlanError> {
        let mut plan = Self::whole(model);
        let last = skeleton.legal_cuts().last().copied().unwrap_or(0);
        for pair in std::iter::once(&0).chain(cuts).zip(cuts) {
            let (&before, &cut) = pair;
            let canonical =
                skeleton.canonical_cut(cut).ok_or(PlanError::NoSuchCut { cut, last })?;
            if plan.cuts.last().is_some_and(|&c| c >= canonical) {
                return Err(PlanError::NotIncreasing { cut, before });
            }
            plan.cuts.push(canonical);
        }
        Ok(plan)
    }

    /// As [`Plan::from_cuts`], of a graph that may be split.
    ///
    /// # Errors
    /// As [`Plan::from_cuts`].
    pub fn cut(graph: &Graph, skeleton: &Skeleton, cuts: &[usize]) -> Result<Self, PlanError> {
        let plan = Self::from_cuts(graph.digest, skeleton, cuts)?;
        Ok(Self { splits: graph.splits(), ..plan })
    }

    /// Checks a plan that came from a file.
    ///
    /// # Errors
    /// Where it belongs to another model or its cuts are not legal.
    pub fn check(&self, model: Digest, skeleton: &Skeleton) -> Result<(), PlanError> {
        if self.model != model {
            return Err(PlanError::OtherModel { expected: self.model, got: model });
        }
        let canonical = Self::from_cuts(model, skeleton, &self.cuts)?;
        let last = skeleton.legal_cuts().last().copied().unwrap_or(0);
        let moved = canonical.cuts.iter().zip(&self.cuts).find(|(a, b)| a != b);
        if let Some((_, &cut)) = moved {
            return Err(PlanError::NoSuchCut { cut, last });
        }
        let starts = |at: &usize| *at == 0 || self.cuts.contains(at);
        if let Some(&cut) = self.locked.iter().find(|c| !self.cuts.contains(c)) {
            return Err(PlanError::BadEdit { cut, problem: "locked but not there" });
        }
        if let Some(&cut) = self.systems.keys().find(|c| !starts(c)) {
            return Err(PlanError::BadEdit { cut, problem: "given a proof system but not there" });
        }
        Ok(())
    }

    /// The cuts, increasing.
    #[must_use]
    pub fn cuts(&self) -> &[usize] {
        &self.cuts
    }

    /// Number of slices.
    #[must_use]
    pub fn slice_count(&self) -> usize {
        self.cuts.len() + 1
    }

    /// The cuts around each slice: `(from, to)`, with `end` nodes in the model.
    #[must_use]
    pub fn ranges(&self, end: usize) -> Vec<(usize, usize)> {
        let starts = std::iter::once(0).chain(self.cuts.iter().copied());
        starts.zip(self.cuts.iter().copied().chain([end])).collect()
    }

    /// The proof system of the slice with this index.
    #[must_use]
    pub fn system(&self, slice: usize) -> System {
        let start = if slice == 0 { 0 } else { self.cuts[slice - 1] };
        self.systems.get(&start).copied().unwrap_or(self.system)
    }

    /// The proof system of all slices that were not given another one.
    #[must_use]
    pub fn default_system(&self) -> System {
        self.system
    }

    /// Whether balancing must leave a cut where it is.
    #[must_use]
    pub fn is_locked(&self, cut: usize) -> bool {
        self.locked.contains(&cut)
    }

    /// The locked cuts, increasing.
    #[must_use]
    pub fn locked(&self) -> &BTreeSet<usize> {
        &self.locked
    }

    /// Digest of the cuts and systems.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let mut bytes = self.model.0.to_vec();
        for slice in 0..self.slice_count() {
            let start = if slice == 0 { 0 } else { self.cuts[slice - 1] };
            bytes.extend((start as u64).to_le_bytes());
            bytes.extend(self.system(slice).to_string().bytes());
            bytes.push(0);
        }
        Digest::of("microtome plan v1", &bytes)
    }
}
