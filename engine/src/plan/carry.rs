//! A plan of a model, carried over to the same model with other splits.

use std::collections::{BTreeMap, BTreeSet};

use super::Plan;
use crate::graph::Graph;
use crate::program::Skeleton;
use crate::split::tile_ranges;

impl Plan {
    /// This plan for the graph that another split of its model makes. A cut stays before the node
    /// that it was before, or before the first of its tiles; one among nodes that are in tiles now
    /// is left out. Tiles that there were not before become slices of their own.
    #[must_use]
    pub fn carried(&self, before: &Graph, after: &Graph, skeleton: &Skeleton) -> Self {
        let mut plan = Self { system: self.system, ..Self::of(after) };
        let place = places(after);
        let moves = after.tiling.as_ref().map(|tiling| &tiling.moves);
        // What only joins or cuts off parts for a node belongs to its side of the cut.
        let with_moves = |mut node: usize| {
            while node > 0 && moves.is_some_and(|moves| moves.contains(&(node - 1))) {
                node -= 1;
            }
            node
        };
        let carried = |cut: usize| {
            let node = *place.get(before.nodes.get(cut)?.name.as_str())?;
            skeleton.canonical_cut(with_moves(node))
        };
        let (old, new) = (before.splits(), after.splits());
        let is_new = |head: &str| new.0.get(head) != old.0.get(head);
        let heads = after.tiling.iter().flat_map(|tiling| {
            let heads = tiling.heads.iter().filter(|(_, name)| is_new(name.as_str()));
            heads.flat_map(|(&head, _)| {
                let ranges = tile_ranges(after, tiling, head);
                let end = ranges.last().map(|&(_, to)| to);
                ranges.into_iter().map(|(from, _)| from).chain(end).collect::<Vec<_>>()
            })
        });
        let mut systems = BTreeMap::new();
        for slice in 0..self.slice_count() {
            let start = if slice == 0 { Some(0) } else { carried(self.cuts[slice - 1]) };
            systems.extend(start.map(|start| (start, self.system(slice))));
        }
        let mut cuts: BTreeSet<usize> =
            heads.filter_map(|cut| skeleton.canonical_cut(cut)).collect();
        cuts.extend(systems.keys().filter(|&&cut| cut > 0));
        plan.cuts = cuts.into_iter().collect();
        plan.locked = self.locked.iter().filter_map(|&cut| carried(cut)).collect();
        for slice in 0..plan.slice_count() {
            let start = if slice == 0 { 0 } else { plan.cuts[slice - 1] };
            let system = systems.range(..=start).next_back().map_or(self.system, |(_, s)| *s);
            plan.set_system(slice, system);
        }
        plan
    }
}

/// Where each node of the file, and each tile, is: of a split node, where its first tile is.
fn places(graph: &Graph) -> BTreeMap<&str, usize> {
    let mut places: BTreeMap<&str, usize> =
        graph.nodes.iter().enumerate().map(|(at, node)| (node.name.as_str(), at)).collect();
    let Some(tiling) = &graph.tiling else { return places };
    for (&at, tile) in &tiling.tiles {
        if tile.number == 0 && tile.node == tile.head {
            places.extend(tiling.heads.get(&tile.head).map(|name| (name.as_str(), at)));
        }
    }
    places
}
