//! Which splits make a model fit a budget.

use std::collections::{BTreeMap, BTreeSet};

use super::group::most_parts;
use super::needs::Role;
use super::{Group, SplitError, split};
use crate::graph::{Axis, Graph, Split, Splits, Tiling};
use crate::onnx::Model;
use crate::plan::Estimator;
use crate::prove::System;

/// Nodes before one that is too large among which the layer is looked for that it is split with.
const MOST_STEPS_BACK: usize = 32;
/// Rounds of the search: doubling and halving reach the most tiles that a node may have.
const MOST_ROUNDS: usize = 48;

/// What is to fit.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The bytes that proving a tile may take.
    pub budget: u64,
    /// The proof system.
    pub system: System,
    /// The node of the model's file that is to be split, with the layer before it where it goes
    /// along with that; none for every node that doesn't fit the budget by itself.
    pub node: Option<String>,
}

/// Finds the splits with the fewest tiles of which each is predicted to prove within a budget.
/// Other splits that the model has are kept. None where no node is too large, or no splits help.
/// `estimator` calibrates a model and gives the estimates of its slices.
///
/// Tiles of different layers hardly depend on each other, so the number of tiles of every layer is
/// searched for at once: doubled until its tiles fit, then halved.
///
/// # Errors
/// Those of `estimator`, and where a split of the model can't be made.
pub fn fitting<E: From<SplitError>>(
    model: &Model,
    wanted: &Wanted,
    mut estimator: impl FnMut(&Model) -> Result<Estimator, E>,
) -> Result<Option<Splits>, E> {
    let (kept, model) = (model.graph.splits(), model.unsplit());
    let graph = &model.graph;
    let (budget, system) = (wanted.budget, wanted.system);
    let heads: BTreeSet<usize> = match &wanted.node {
        Some(name) => {
            let node = graph.nodes.iter().position(|node| node.name == *name);
            node.and_then(|node| head_of(graph, node)).into_iter().collect()
        }
        None => heads(graph, &estimator(model)?, wanted),
    };
    let of = |head| Some((head, search(graph, head, &kept)?));
    let mut searches: BTreeMap<usize, Search> = heads.into_iter().filter_map(of).collect();
    if searches.is_empty() {
        return Ok(None);
    }
    for _ in 0..MOST_ROUNDS {
        if searches.values().all(|search| search.trial().is_none()) {
            break;
        }
        let tiles = split(model, &splits_of(graph, &kept, &searches))?;
        let Some(tiling) = tiles.graph.tiling.clone() else { break };
        let estimates = estimator(&tiles)?;
        for (&head, search) in &mut searches {
            let fits = tile_ranges(&tiles.graph, &tiling, head).into_iter().all(|(from, to)| {
                let estimate = estimates.slice(from, to, system);
                estimate.prediction.is_some_and(|p| p.peak_bytes <= budget)
            });
            search.learn(fits);
        }
    }
    let found = searches.values().all(|search| search.least_fitting.is_some());
    Ok(found.then(|| splits_of(graph, &kept, &searches)))
}

/// How many tiles a layer needs, as far as that is known.
#[derive(Clone, Debug)]
struct Search {
    axis: Axis,
    /// The most tiles that are too few.
    too_few: usize,
    /// The fewest tiles that are known to fit.
    least_fitting: Option<usize>,
    /// The most tiles along this axis.
    most: usize,
    /// The other axis, where it may still be tried, with its most tiles.
    otherwise: Option<(Axis, usize)>,
}

impl Search {
    /// The number of tiles to try next; none where the search is over.
    fn trial(&self) -> Option<usize> {
        let next = match self.least_fitting {
            None => (2 * self.too_few).min(self.most),
            Some(fitting) => usize::midpoint(self.too_few, fitting),
        };
        (next > self.too_few).then_some(next)
    }

    fn learn(&mut self, fits: bool) {
        let Some(trial) = self.trial() else { return };
        if fits {
            self.least_fitting = Some(trial);
        } else {
            self.too_few = trial;
        }
        if self.least_fitting.is_none() && self.too_few >= self.most {
            *self = self.turned().unwrap_or_else(|| self.clone());
        }
    }

    /// The search along the other axis.
    fn turned(&self) -> Option<Self> {
        let (axis, most) = self.otherwise?;
        Some(Self { axis, most, too_few: 1, least_fitting: None, otherwise: None })
    }

    /// The split of the next round; of the last one, where the search is over.
    fn split(&self) -> Split {
        let parts = self.trial().or(self.least_fitting).unwrap_or(self.most);
        Split { axis: self.axis, parts }
    }
}

fn splits_of(graph: &Graph, kept: &Splits, searches: &BTreeMap<usize, Search>) -> Splits {
    let mut splits = kept.clone();
    let name = |head: usize| graph.nodes[head].name.clone();
    splits.0.extend(searches.iter().map(|(&head, search)| (name(head), search.split())));
    splits
}

/// The layers to split: those that are too large by themselves, or are followed by something that
/// is.
fn heads(graph: &Graph, estimates: &Estimator, wanted: &Wanted) -> BTreeSet<usize> {
    let skeleton = estimates.skeleton();
    let ends = std::iter::once(0).chain(skeleton.legal_cuts().iter().copied());
    let ends: Vec<usize> = ends.chain([graph.nodes.len()]).collect();
    let mut heads = BTreeSet::new();
    for pair in ends.windows(2) {
        let estimate = estimates.slice(pair[0], pair[1], wanted.system);
        let fits = estimate.prediction.as_ref().is_some_and(|p| p.peak_bytes <= wanted.budget);
        let lowers = estimate.nodes.iter().all(|&node| skeleton.obstacle(node).is_none());
        if !fits && lowers && !estimate.ops.is_empty() {
            heads.extend(estimates.program().ops[estimate.ops.clone()].iter().map(|op| op.node));
        }
    }
    heads.into_iter().filter_map(|node| head_of(graph, node)).collect()
}

/// The search that begins where a split that is there already ends.
fn search(graph: &Graph, head: usize, kept: &Splits) -> Option<Search> {
    let axes = match Role::of(graph, &graph.nodes[head])? {
        Role::Dense => [Axis::Channels, Axis::Rows],
        _ => [Axis::Rows, Axis::Channels],
    };
    let mut possible =
        axes.into_iter().map(|axis| (axis, most_parts(graph, head, axis))).filter(|(_, n)| *n > 1);
    let (axis, most) = possible.next()?;
    let known = kept.0.get(&graph.nodes[head].name).filter(|split| split.axis == axis);
    let too_few = known.map_or(1, |split| split.parts);
    let search = Search { axis, most, too_few, least_fitting: None, otherwise: possible.next() };
    Some(if too_few < most { search } else { search.turned()? })
}

/// The layer that a node is split with: itself, the nearest layer before it that takes it along, or
/// itself where there is none.
fn head_of(graph: &Graph, node: usize) -> Option<usize> {
    let takes_along = |&head: &usize| {
        let split = Split { axis: Axis::Rows, parts: 2 };
        let is_layer = matches!(
            Role::of(graph, &graph.nodes[head]),
            Some(Role::Conv | Role::Dense | Role::Product)
        );
        let group = |axis| Group::of(graph, head, Split { axis, ..split }, &BTreeSet::new()).ok();
        let group = group(Axis::Rows).or_else(|| group(Axis::Channels));
        is_layer && group.is_some_and(|g| g.members.iter().any(|(member, _)| *member == node))
    };
    let back = (node.saturating_sub(MOST_STEPS_BACK)..=node).rev();
    back.into_iter().find(takes_along).or_else(|| Role::of(graph, &graph.nodes[node]).map(|_| node))
}

/// The nodes of each tile, with what it joins before and what is cut off after it.
pub(crate) fn tile_ranges(graph: &Graph, tiling: &Tiling, head: usize) -> Vec<(usize, usize)> {
    let mut tiles: BTreeMap<usize, (usize, usize)> = BTreeMap::new();
    for (&node, tile) in tiling.tiles.iter().filter(|(_, tile)| tile.head == head) {
        let range = tiles.entry(tile.number).or_insert((node, node + 1));
        range.1 = node + 1;
    }
    let is_move = |node: usize, op: &str| {
        tiling.moves.contains(&node) && graph.nodes.get(node).is_some_and(|n| n.op == op)
    };
    tiles
        .into_values()
        .map(|(mut from, mut to)| {
            while from > 0 && is_move(from - 1, "Concat") {
                from -= 1;
            }
            while is_move(to, "Slice") {
                to += 1;
            }
            (from, to)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fewest_tiles_that_fit_are_found() {
        for (needed, most) in [(2, 9), (3, 9), (7, 9), (9, 9), (5, 1024), (1000, 1024)] {
            let mut search =
                Search { axis: Axis::Rows, too_few: 1, least_fitting: None, most, otherwise: None };
            let mut rounds = 0;
            while let Some(trial) = search.trial() {
                search.learn(trial >= needed);
                rounds += 1;
            }
            assert_eq!(search.least_fitting, Some(needed));
            assert!(rounds <= MOST_ROUNDS / 2);
        }
    }

    #[test]
    fn where_rows_don_t_do_channels_are_tried() {
        let mut search = Search {
            axis: Axis::Rows,
            too_few: 1,
            least_fitting: None,
            most: 4,
            otherwise: Some((Axis::Channels, 8)),
        };
        while let Some(trial) = search.trial() {
            search.learn(search.axis == Axis::Channels && trial >= 6);
        }
        assert_eq!(search.split(), Split { axis: Axis::Channels, parts: 6 });
    }
}
