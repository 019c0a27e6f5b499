//! Automatic plans, exact by dynamic programming.
//!
//! Balancing into `n` slices first finds the least possible cost of the costliest slice, then,
//! among all plans that stay within the tolerance of it, one with the fewest bytes crossing. A
//! budget finds the fewest slices that each fit. Locked cuts stay.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Estimator, Plan};
use crate::prove::System;

/// What balancing makes even.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Metric {
    /// Floating-point operations.
    #[default]
    Flops,
    /// Parameters.
    Params,
    /// Peak bytes of live activations.
    Activations,
    /// Predicted seconds to prove.
    ProveTime,
    /// Predicted peak bytes while proving.
    ProveMemory,
}

impl Metric {
    /// All metrics.
    pub const ALL: [Self; 5] =
        [Self::Flops, Self::Params, Self::Activations, Self::ProveTime, Self::ProveMemory];

    /// The name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Flops => "flops",
            Self::Params => "params",
            Self::Activations => "activations",
            Self::ProveTime => "prove-time",
            Self::ProveMemory => "prove-memory",
        }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Metric {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|metric| metric.name() == text);
        found.ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|m| m.name()).collect();
            format!("no metric is called {text:?}: choose one of {}", names.join(", "))
        })
    }
}

/// Why no plan was found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BalanceError {
    /// More slices than the model can be cut into.
    #[error("{slices} slices are not possible: this model can be cut into 1 to {most}")]
    SliceCount {
        /// Slices asked for.
        slices: usize,
        /// The most slices there can be.
        most: usize,
    },
    /// Fewer slices than the locked cuts make.
    #[error("{slices} slices are not possible: the locked cuts alone make {locked}")]
    Locked {
        /// Slices asked for.
        slices: usize,
        /// Slices that the locked cuts make.
        locked: usize,
    },
    /// A single node is over the budget.
    #[error("no plan fits {budget} bytes: node {node:?} alone needs {needs}")]
    Budget {
        /// The budget.
        budget: u64,
        /// The node.
        node: String,
        /// What it needs, or why it can't be proven.
        needs: String,
    },
}

/// The pieces between neighbouring legal cuts, and what ranges of them cost.
struct Pieces<'a> {
    estimator: &'a Estimator,
    /// Cut positions: 0, the legal cuts, the end.
    at: Vec<usize>,
    /// Bytes that cross each position.
    crossing: Vec<u64>,
    /// Sums of FLOPs and parameters up to each position.
    sums: Vec<(u64, u64)>,
    system: System,
}

impl<'a> Pieces<'a> {
    fn new(estimator: &'a Estimator, system: System) -> Self {
        let skeleton = estimator.skeleton();
        let costs = estimator.node_costs();
        let mut at = vec![0];
        at.extend(skeleton.legal_cuts());
        at.push(costs.len());
        let inner = 1..at.len() - 1;
        let crossing = (0..at.len())
            .map(|i| if inner.contains(&i) { estimator.crossing(at[i]).bytes } else { 0 })
            .collect();
        let mut sums = vec![(0, 0); at.len()];
        for (node, cost) in costs.iter().enumerate() {
            let piece = at.partition_point(|&cut| cut <= skeleton.owner(node));
            sums[piece].0 += cost.flops;
            sums[piece].1 += cost.params;
        }
        for i in 1..sums.len() {
            sums[i] = (sums[i - 1].0 + sums[i].0, sums[i - 1].1 + sums[i].1);
        }
        Self { estimator, at, crossing, sums, system }
    }

    fn cost(&self, metric: Metric, from: usize, to: usize) -> f64 {
        let estimate = || self.estimator.slice(self.at[from], self.at[to], self.system);
        let predicted = |f: fn(&crate::predict::Prediction) -> f64| {
            let estimate = estimate();
            // A slice of nodes that no system proves is only executed, and costs no proof; a slice
            // that mixes them with others takes those down with it.
            let skeleton = self.estimator.skeleton();
            let is_executed =
                || estimate.nodes.iter().all(|&node| skeleton.obstacle(node).is_some());
            match &estimate.prediction {
                Some(prediction) => f(prediction),
                None if is_executed() => 0.0,
                None => f64::INFINITY,
            }
        };
        match metric {
            Metric::Flops => (self.sums[to].0 - self.sums[from].0) as f64,
            Metric::Params => (self.sums[to].1 - self.sums[from].1) as f64,
            Metric::Activations => estimate().totals.peak_activation_bytes as f64,
            Metric::ProveTime => predicted(|p| p.prove_secs),
            Metric::ProveMemory => predicted(|p| p.peak_bytes as f64),
        }
    }

    /// The last position before `to` that a slice ending at `to` may start at, going back: a
    /// locked cut can't lie inside a slice.
    fn starts<'b>(
        &'b self,
        to: usize,
        locked: &'b BTreeSet<usize>,
    ) -> impl Iterator<Item = usize> + 'b {
        let barrier = (1..to).rev().find(|&i| locked.contains(&self.at[i])).unwrap_or(0);
        (barrier..to).rev()
    }

    fn cuts(&self, positions: &[usize]) -> Vec<usize> {
        positions.iter().map(|&i| self.at[i]).collect()
    }
}

impl Plan {
    /// Cuts the model into `slices` slices whose costliest is as cheap as possible, up to
    /// `tolerance` (0.05 allows 5% more) traded for fewer bytes crossing. Locked cuts of this
    /// plan stay.
    ///
    /// # Errors
    /// Where so many slices aren't possible.
    pub fn balanced(
        &self,
        estimator: &Estimator,
        slices: usize,
        metric: Metric,
        tolerance: f64,
    ) -> Result<Self, BalanceError> {
        let pieces = Pieces::new(estimator, self.default_system());
        let end = pieces.at.len() - 1;
        if slices == 0 || slices > end {
            return Err(BalanceError::SliceCount { slices, most: end });
        }
        if slices < self.locked().len() + 1 {
            return Err(BalanceError::Locked { slices, locked: self.locked().len() + 1 });
        }
        // best[to] for the number of slices so far: (worst slice, start of the last slice).
        let mut worst = vec![f64::INFINITY; end + 1];
        worst[0] = 0.0;
        for _ in 0..slices {
            let mut next = vec![f64::INFINITY; end + 1];
            for (to, next) in next.iter_mut().enumerate().skip(1) {
                for from in pieces.starts(to, self.locked()) {
                    if worst[from] < *next {
                        *next = next.min(worst[from].max(pieces.cost(metric, from, to)));
                    }
                }
            }
            worst = next;
        }
        let bound = if worst[end].is_finite() {
            worst[end] * (1.0 + tolerance.max(0.0))
        } else {
            f64::INFINITY
        };
        let crossing = fewest_crossing(&pieces, self.locked(), slices, metric, bound);
        Ok(self.with_cuts(pieces.cuts(&crossing)))
    }

    /// The fewest slices of which each is predicted to prove within `budget` bytes; among those,
    /// the fewest bytes crossing. Locked cuts of this plan stay.
    ///
    /// # Errors
    /// Where a single node is over the budget or can't be proven.
    pub fn within_budget(&self, estimator: &Estimator, budget: u64) -> Result<Self, BalanceError> {
        let pieces = Pieces::new(estimator, self.default_system());
        let end = pieces.at.len() - 1;
        // (slices, bytes crossing, start of the last slice)
        let mut best: Vec<Option<(usize, u64, usize)>> = vec![None; end + 1];
        best[0] = Some((0, 0, 0));
        for to in 1..=end {
            for from in pieces.starts(to, self.locked()) {
                let Some((slices, bytes, _)) = best[from] else { continue };
                if pieces.cost(Metric::ProveMemory, from, to) > budget as f64 {
                    continue;
                }
                let candidate = (slices + 1, bytes + pieces.crossing[to], from);
                if best[to].is_none_or(|known| candidate < known) {
                    best[to] = Some(candidate);
                }
            }
        }
        if best[end].is_none() {
            return Err(over_budget(&pieces, budget));
        }
        let mut positions = Vec::new();
        let mut at = end;
        while let Some((_, _, from)) = best[at].filter(|_| at > 0) {
            if from > 0 {
                positions.push(from);
            }
            at = from;
        }
        positions.reverse();
        Ok(self.with_cuts(pieces.cuts(&positions)))
    }

    fn with_cuts(&self, cuts: Vec<usize>) -> Self {
        let mut plan = Self::whole(self.model);
        plan.splits = self.splits.clone();
        plan.locked = self.locked.clone();
        plan.system = self.system;
        // A slice that still starts at the same cut keeps its own system.
        let stays = |(cut, _): &(&usize, &System)| **cut == 0 || cuts.contains(cut);
        plan.systems = self.systems.iter().filter(stays).map(|(&c, &s)| (c, s)).collect();
        plan.cuts = cuts;
        plan
    }
}

/// Positions of the inner cuts of the plan with the fewest bytes crossing whose slices all stay
/// within the bound.
fn fewest_crossing(
    pieces: &Pieces<'_>,
    locked: &BTreeSet<usize>,
    slices: usize,
    metric: Metric,
    bound: f64,
) -> Vec<usize> {
    let end = pieces.at.len() - 1;
    let mut rounds: Vec<Vec<Option<(u64, usize)>>> = Vec::with_capacity(slices);
    let mut bytes: Vec<Option<u64>> = vec![None; end + 1];
    bytes[0] = Some(0);
    for _ in 0..slices {
        let mut best: Vec<Option<(u64, usize)>> = vec![None; end + 1];
        for (to, best) in best.iter_mut().enumerate().skip(1) {
            for from in pieces.starts(to, locked) {
                let Some(before) = bytes[from] else { continue };
                let candidate = (before + pieces.crossing[to], from);
                let is_better = best.is_none_or(|known| candidate < known);
                if is_better && pieces.cost(metric, from, to) <= bound {
                    *best = Some(candidate);
                }
            }
        }
        bytes = best.iter().map(|b| b.map(|(bytes, _)| bytes)).collect();
        rounds.push(best);
    }
    let mut positions = Vec::new();
    let mut at = end;
    for best in rounds.iter().rev() {
        at = best[at].map_or(0, |(_, from)| from);
        if at > 0 {
            positions.push(at);
        }
    }
    positions.reverse();
    positions
}

fn over_budget(pieces: &Pieces<'_>, budget: u64) -> BalanceError {
    let end = pieces.at.len() - 1;
    let culprit =
        (0..end).find(|&i| pieces.cost(Metric::ProveMemory, i, i + 1) > budget as f64).unwrap_or(0);
    let estimate =
        pieces.estimator.slice(pieces.at[culprit], pieces.at[culprit + 1], pieces.system);
    let node = estimate.nodes.first().copied().unwrap_or(0);
    let needs = match (&estimate.prediction, &estimate.obstacle) {
        (Some(prediction), _) => {
            format!(
                "{} bytes to prove: split it into tiles, where it can be",
                prediction.peak_bytes
            )
        }
        (None, Some(reason)) => format!("something else: {reason}"),
        (None, None) => "more to prove".into(),
    };
    BalanceError::Budget { budget, node: pieces.estimator.node_name(node), needs }
}
