//! Edits of a plan: add, remove, move, lock.

use std::collections::{BTreeMap, BTreeSet};

use super::{Plan, PlanError};
use crate::program::Skeleton;
use crate::prove::System;

impl Plan {
    /// Adds a cut. Both parts of the slice that it divides keep its proof system.
    ///
    /// # Errors
    /// Where no such cut is possible, or it is there.
    pub fn add(&mut self, skeleton: &Skeleton, cut: usize) -> Result<(), PlanError> {
        let last = skeleton.legal_cuts().last().copied().unwrap_or(0);
        let cut = skeleton.canonical_cut(cut).ok_or(PlanError::NoSuchCut { cut, last })?;
        match self.cuts.binary_search(&cut) {
            Ok(_) => Err(PlanError::BadEdit { cut, problem: "there already" }),
            Err(at) => {
                let system = self.system(at);
                self.cuts.insert(at, cut);
                self.set_system(at + 1, system);
                Ok(())
            }
        }
    }

    /// Removes a cut, so that the slices around it become one.
    ///
    /// # Errors
    /// Where the cut isn't there or is locked.
    pub fn remove(&mut self, cut: usize) -> Result<(), PlanError> {
        let at = self.editable(cut)?;
        self.cuts.remove(at);
        self.systems.remove(&cut);
        Ok(())
    }

    /// Moves a cut between its neighbours.
    ///
    /// # Errors
    /// Where the cut isn't there or is locked, or `to` is no possible cut between its neighbours.
    pub fn move_cut(
        &mut self,
        skeleton: &Skeleton,
        cut: usize,
        to: usize,
    ) -> Result<(), PlanError> {
        let at = self.editable(cut)?;
        let last = skeleton.legal_cuts().last().copied().unwrap_or(0);
        let to = skeleton.canonical_cut(to).ok_or(PlanError::NoSuchCut { cut: to, last })?;
        let before = if at == 0 { 0 } else { self.cuts[at - 1] };
        let after = self.cuts.get(at + 1).copied().unwrap_or(usize::MAX);
        if to <= before || to >= after {
            return Err(PlanError::NotIncreasing { cut: to, before });
        }
        self.cuts[at] = to;
        if let Some(system) = self.systems.remove(&cut) {
            self.systems.insert(to, system);
        }
        Ok(())
    }

    /// Moves each of these cuts to the next legal place that is `offered`, towards the output or
    /// towards the input. A cut that is locked, or that has no free place before the next cut, stays. Returns where
    /// those that moved are now, by where they were.
    pub fn nudge(
        &mut self,
        skeleton: &Skeleton,
        cuts: &BTreeSet<usize>,
        down: bool,
        offered: impl Fn(usize) -> bool,
    ) -> BTreeMap<usize, usize> {
        let legal = skeleton.legal_cuts().iter().copied();
        let legal: Vec<usize> = legal.filter(|&cut| offered(cut)).collect();
        let next = |cut: usize| {
            if down {
                legal.get(legal.partition_point(|&c| c <= cut))
            } else {
                legal[..legal.partition_point(|&c| c < cut)].last()
            }
            .copied()
        };
        // The one that goes first makes room for the one behind it.
        let mut order: Vec<usize> = cuts.iter().copied().collect();
        if down {
            order.reverse();
        }
        let mut moved = BTreeMap::new();
        for cut in order {
            if let Some(to) = next(cut)
                && self.move_cut(skeleton, cut, to).is_ok()
            {
                moved.insert(cut, to);
            }
        }
        moved
    }

    /// Locks a cut, or unlocks it.
    ///
    /// # Errors
    /// Where the cut isn't there.
    pub fn set_locked(&mut self, cut: usize, locked: bool) -> Result<(), PlanError> {
        self.position(cut)?;
        if locked {
            self.locked.insert(cut);
        } else {
            self.locked.remove(&cut);
        }
        Ok(())
    }

    /// Chooses the proof system of a slice.
    pub fn set_system(&mut self, slice: usize, system: System) {
        let start = if slice == 0 { 0 } else { self.cuts[slice - 1] };
        if system == self.system {
            self.systems.remove(&start);
        } else {
            self.systems.insert(start, system);
        }
    }

    /// Chooses the proof system of all slices, also of those that were given another one.
    pub fn set_all_systems(&mut self, system: System) {
        self.system = system;
        self.systems.clear();
    }

    fn position(&self, cut: usize) -> Result<usize, PlanError> {
        self.cuts.binary_search(&cut).map_err(|_| PlanError::BadEdit { cut, problem: "not there" })
    }

    fn editable(&self, cut: usize) -> Result<usize, PlanError> {
        let at = self.position(cut)?;
        if self.is_locked(cut) {
            return Err(PlanError::BadEdit { cut, problem: "locked: unlock it first" });
        }
        Ok(at)
    }
}
