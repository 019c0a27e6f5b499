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
        let carried = |cut: usize| {
            let node = names_after(before, cut).into_iter().find_map(|name| place.get(name))?;
            skeleton.canonical_cut(with_moves(after, *node))
        };
        let (old, new) = (before.splits(), after.splits());
        let is_new = |head: &str| new.0.get(head) != old.0.get(head);
        let heads = after.tiling.iter().flat_map(|tiling| {
            let heads = tiling.heads.iter().filter(|(_, name)| is_new(name.as_str()));
            heads.flat_map(|(&head, _)| {
                let ranges = tile_ranges(after, tiling, head);
                let end = ranges.last().map(|&(_, to)| to);
                let starts = ranges.into_iter().map(|(from, _)| with_moves(after, from));
                starts.chain(end).collect::<Vec<_>>()
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

/// Where a node begins with what is joined for it, and what is cut off for it and its like of a
/// tensor that is not in tiles. What is cut off a tile stays with that.
fn with_moves(graph: &Graph, mut node: usize) -> usize {
    let Some(tiling) = &graph.tiling else { return node };
    let is_for_later = |at: usize| {
        let input = graph.nodes[at].inputs.first().copied().flatten();
        let of_tile = input.is_some_and(|id| tiling.parts.contains_key(&id));
        tiling.moves.contains(&at) && (graph.nodes[at].op == "Concat" || !of_tile)
    };
    while node > 0 && is_for_later(node - 1) {
        node -= 1;
    }
    node
}

/// What the node after a cut is called, that of the file which it is the first tile of included.
fn names_after(graph: &Graph, mut cut: usize) -> Vec<&str> {
    let tiling = graph.tiling.as_ref();
    while tiling.is_some_and(|tiling| tiling.moves.contains(&cut)) {
        cut += 1;
    }
    let tile = tiling.and_then(|tiling| tiling.tiles.get(&cut));
    let head = tile.filter(|tile| tile.number == 0 && tile.node == tile.head);
    let head = head.and_then(|tile| tiling?.heads.get(&tile.head));
    let own = graph.nodes.get(cut).map(|node| node.name.as_str());
    own.into_iter().chain(head.map(String::as_str)).collect()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Splits;
    use crate::onnx::testing::{Dim, Draft, noise};
    use crate::prove::System;
    use crate::split::split;

    #[test]
    fn cuts_stay_where_they_were_and_tiles_become_slices() {
        let model = Draft::new()
            .input("x", &[Dim::Is(1), Dim::Is(1), Dim::Is(8), Dim::Is(4)])
            .floats("v", &[2, 1, 3, 3], noise(18, 1))
            .floats("w", &[2, 2, 3, 3], noise(36, 2))
            .node("Conv", &["x", "v"], &["c"], &[("pads", &[1, 1, 1, 1])])
            .node("Relu", &["c"], &["r"], &[])
            .node("Conv", &["r", "w"], &["d"], &[("pads", &[1, 1, 1, 1])])
            .node("Relu", &["d"], &["s"], &[])
            .node("GlobalAveragePool", &["s"], &["y"], &[])
            .output("y")
            .open()
            .unwrap();
        let skeleton = Skeleton::of(&model.graph);
        let mut plan = Plan::from_cuts(model.graph.digest, &skeleton, &[1, 2, 4]).unwrap();
        plan.set_system(2, System::Whir);
        plan.set_locked(2, true).unwrap();
        let after = |splits: &[(&str, &str)]| {
            let splits = splits.iter().map(|(n, s)| ((*n).to_owned(), s.parse().unwrap()));
            split(&model, &Splits(splits.collect())).unwrap()
        };
        let names = |graph: &Graph, plan: &Plan| -> Vec<String> {
            plan.cuts().iter().map(|&cut| graph.nodes[cut].name.clone()).collect()
        };
        let once = after(&[("C", "rows:2")]);
        let tiles = Skeleton::of(&once.graph);
        let carried = plan.carried(&model.graph, &once.graph, &tiles);
        carried.check(once.graph.digest, &tiles).unwrap();
        // The cut between the convolution and its ReLU is among nodes that are in tiles now.
        let cuts = names(&once.graph, &carried);
        assert_eq!(cuts, ["C rows 4..8", "r joined", "Y"]);
        let systems: Vec<_> = (0..4).map(|slice| carried.system(slice)).collect();
        assert_eq!(systems[2], System::Whir);
        assert_eq!(carried.locked().len(), 1);
        // Another split leaves the tiles that are there alone.
        let twice = after(&[("C", "rows:2"), ("D", "rows:2")]);
        let tiles = Skeleton::of(&twice.graph);
        let carried = carried.carried(&once.graph, &twice.graph, &tiles);
        carried.check(twice.graph.digest, &tiles).unwrap();
        let cuts = names(&twice.graph, &carried);
        assert_eq!(cuts[0], "C rows 4..8");
        assert_eq!(cuts.len(), 4, "{cuts:?}");
        // Back to the file's nodes.
        let back = carried.carried(&twice.graph, &model.graph, &skeleton);
        assert_eq!(names(&model.graph, &back), ["D", "Y"]);
    }
}
