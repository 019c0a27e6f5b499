//! Places nodes and wires: one row for each node in the graph's order, branches side by side.
//!
//! Since rows follow the order, every cut of that order is a horizontal line that no node crosses.
//! The trunk keeps to the first lane; a branch opens the nearest lane to the right that is free
//! over its whole length; a wire that skips rows runs down a free lane, else along the left side.
//!
//! A folded block is one row. The cuts inside it have heights in its box, so that heights grow with
//! the cut everywhere, but they can't be seen: no boundary is drawn or dragged there.

use std::ops::Range;

use egui::{Pos2, Rect, Vec2};
use microtome_engine::graph::{Graph, TensorId};

/// Size of a node that becomes an operation of its own.
pub const NODE_SIZE: Vec2 = Vec2::new(152.0, 30.0);
/// Size of a node that is absorbed by another, and of the graph's ends.
pub const SMALL_SIZE: Vec2 = Vec2::new(118.0, 21.0);
/// Size of a folded block.
pub const BLOCK_SIZE: Vec2 = Vec2::new(178.0, 44.0);
const ROW_GAP: f32 = 30.0;
/// An absorbed node hugs the one before it: no boundary can fall between them.
const ABSORBED_GAP: f32 = 9.0;
const LANE_GAP: f32 = 34.0;
const TRACK_GAP: f32 = 12.0;
/// Before the first cut and behind the last one, a place of the order is as high as this.
const OUTSIDE: f32 = NODE_SIZE.y + ROW_GAP;

/// What a box in the picture stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item {
    /// An input that the user supplies, by position in [`Graph::inputs`].
    Input(usize),
    /// A node, by index.
    Node(usize),
    /// A folded block, by position among the folded ones.
    Block(usize),
    /// An output, by position in [`Graph::outputs`].
    Output(usize),
}

/// A wire between two boxes, by index into [`Layout::items`].
#[derive(Clone, Debug, PartialEq)]
pub struct Wire {
    /// The box that it leaves.
    pub from: usize,
    /// The box that it reaches.
    pub to: usize,
    /// The tensor that flows through it.
    pub tensor: TensorId,
    /// Its course: a bend, a straight piece, a bend.
    pub course: [Pos2; 4],
    /// Whether it carries the tensor's shape as a label: one wire of each tensor does.
    pub labelled: bool,
}

/// A finished layout, in a plane whose y grows downwards.
#[derive(Clone, Debug, PartialEq)]
pub struct Layout {
    /// What is drawn, top to bottom.
    pub items: Vec<(Item, Rect)>,
    /// The wires between.
    pub wires: Vec<Wire>,
    /// For each cut `c` from 0 to the number of nodes, the height of the line before node `c`.
    pub cut_heights: Vec<f32>,
    /// Everything.
    pub bounds: Rect,
    /// Of each node the box that it is in, by index into [`items`](Self::items).
    box_of: Vec<usize>,
}

impl Layout {
    /// Lays a graph out. `absorbed` says of each node whether another one absorbs it; of the
    /// `folded` ranges of nodes, which are disjoint and increase, each becomes one box.
    #[must_use]
    pub fn of(graph: &Graph, absorbed: &[bool], folded: &[Range<usize>]) -> Self {
        let flow = Flow::of(graph, folded);
        let lanes = Lanes::of(&flow);
        let mut items = Vec::with_capacity(flow.items.len());
        let mut y = 0.0;
        for (row, (&item, &lane)) in flow.items.iter().zip(&lanes.lane).enumerate() {
            let hugs = matches!(item, Item::Node(n) if absorbed.get(n) == Some(&true));
            let size = match item {
                Item::Block(_) => BLOCK_SIZE,
                Item::Node(_) if !hugs => NODE_SIZE,
                _ => SMALL_SIZE,
            };
            if row > 0 {
                y += if hugs { ABSORBED_GAP } else { ROW_GAP };
            }
            let center = Pos2::new(lane_x(lane), y + size.y / 2.0);
            items.push((item, Rect::from_center_size(center, size)));
            y += size.y;
        }
        let wires = route(&flow, &lanes, &items);
        let cut_heights = cut_heights(&items, &flow);
        let bounds = wires
            .iter()
            .flat_map(|w| w.course.iter().map(|&p| Rect::from_min_max(p, p)))
            .chain(items.iter().map(|(_, rect)| *rect))
            .reduce(Rect::union)
            .unwrap_or(Rect::from_min_size(Pos2::ZERO, NODE_SIZE));
        Self { items, wires, cut_heights, bounds, box_of: flow.box_of }
    }

    /// Where a node is, or the folded block that it is in.
    #[must_use]
    pub fn node(&self, index: usize) -> Option<Rect> {
        let item = *self.box_of.get(index)?;
        self.items.get(item).map(|(_, rect)| *rect)
    }

    /// The box that a node is in, by index into [`items`](Self::items).
    #[must_use]
    pub fn box_of(&self, node: usize) -> Option<usize> {
        self.box_of.get(node).copied()
    }

    /// Whether a cut passes between boxes, and not through a folded block.
    #[must_use]
    pub fn is_visible(&self, cut: usize) -> bool {
        let around = cut.checked_sub(1).and_then(|above| self.box_of.get(above));
        around.is_none() || around != self.box_of.get(cut)
    }

    /// A height as a place in the graph's order, which another layout of the same graph has too:
    /// a cut, and how far it is to the next one.
    #[must_use]
    pub fn place_of(&self, y: f32) -> f32 {
        let heights = &self.cut_heights;
        let below = heights.partition_point(|&height| height <= y);
        match (below.checked_sub(1).map(|at| heights[at]), heights.get(below)) {
            (Some(above), Some(next)) => {
                (below - 1) as f32 + (y - above) / (next - above).max(f32::EPSILON)
            }
            (Some(last), None) => (below - 1) as f32 + (y - last) / OUTSIDE,
            (None, Some(first)) => (y - first) / OUTSIDE,
            (None, None) => 0.0,
        }
    }

    /// The height of a place in the graph's order.
    #[must_use]
    pub fn height_of(&self, place: f32) -> f32 {
        let last = self.cut_heights.len().saturating_sub(1);
        let cut = (place.max(0.0) as usize).min(last);
        let height = |cut: usize| self.cut_heights.get(cut).copied().unwrap_or_default();
        let part = place - cut as f32;
        let span = if place < 0.0 || cut == last { OUTSIDE } else { height(cut + 1) - height(cut) };
        height(cut) + part * span
    }

    /// The box at a place of the plane.
    #[must_use]
    pub fn at(&self, point: Pos2) -> Option<Item> {
        let after = self.items.partition_point(|(_, rect)| rect.bottom() < point.y);
        let (item, rect) = self.items.get(after)?;
        rect.contains(point).then_some(*item)
    }

    /// The legal cut nearest to a height, among `cuts`.
    #[must_use]
    pub fn nearest_cut(&self, y: f32, cuts: impl IntoIterator<Item = usize>) -> Option<usize> {
        let distance = |c: usize| (self.cut_heights.get(c).copied().unwrap_or(f32::MAX) - y).abs();
        cuts.into_iter().min_by(|&a, &b| distance(a).total_cmp(&distance(b)))
    }
}

fn cut_heights(items: &[(Item, Rect)], flow: &Flow) -> Vec<f32> {
    let nodes = flow.box_of.len();
    // A graph without nodes has its cut behind the inputs.
    let first = flow.box_of.first().copied().unwrap_or(flow.inputs);
    let between = |row: usize| {
        let above = row.checked_sub(1).and_then(|above| items.get(above));
        match (above, items.get(row)) {
            (Some((_, a)), Some((_, b))) => a.bottom().midpoint(b.top()),
            (Some((_, a)), None) => a.bottom() + ROW_GAP / 2.0,
            (None, Some((_, b))) => b.top() - ROW_GAP / 2.0,
            (None, None) => 0.0,
        }
    };
    let mut heights = Vec::with_capacity(nodes + 1);
    for chunk in flow.box_of.chunk_by(|a, b| a == b) {
        let (row, rect) = (chunk[0], items[chunk[0]].1);
        heights.push(between(row));
        let inside = (1..chunk.len()).map(|n| n as f32 / chunk.len() as f32);
        heights.extend(inside.map(|part| rect.top() + part * rect.height()));
    }
    heights.push(between(flow.box_of.last().map_or(first, |row| row + 1)));
    heights
}

fn lane_x(lane: usize) -> f32 {
    lane as f32 * (NODE_SIZE.x + LANE_GAP)
}

/// Boxes in rows, and what flows between the rows.
struct Flow {
    items: Vec<Item>,
    inputs: usize,
    /// Of each node its row.
    box_of: Vec<usize>,
    /// `(from row, to row, tensor)`, ordered.
    edges: Vec<(usize, usize, TensorId)>,
}

impl Flow {
    fn of(graph: &Graph, folded: &[Range<usize>]) -> Self {
        let inputs = graph.inputs.len();
        let nodes = graph.nodes.len();
        let mut items: Vec<_> = (0..inputs).map(Item::Input).collect();
        let mut box_of = Vec::with_capacity(nodes);
        for node in 0..nodes {
            let block = folded.partition_point(|range| range.end <= node);
            match folded.get(block).filter(|range| range.contains(&node)) {
                Some(range) if range.start < node => {}
                Some(_) => items.push(Item::Block(block)),
                None => items.push(Item::Node(node)),
            }
            box_of.push(items.len() - 1);
        }
        let first_output = items.len();
        items.extend((0..graph.outputs.len()).map(Item::Output));
        let mut edges: Vec<_> = graph
            .edges()
            .into_iter()
            .map(|(from, to, tensor)| (box_of[from], box_of[to], tensor))
            .collect();
        for (row, &tensor) in graph.inputs.iter().enumerate() {
            edges.extend(graph.tensor(tensor).consumers.iter().map(|&c| (row, box_of[c], tensor)));
        }
        for (position, &tensor) in graph.outputs.iter().enumerate() {
            let row = graph
                .tensor(tensor)
                .producer
                .map(|node| box_of[node])
                .or_else(|| graph.inputs.iter().position(|&input| input == tensor));
            edges.extend(row.map(|from| (from, first_output + position, tensor)));
        }
        // Rows follow a topological order, so a wire always leads down.
        edges.retain(|(from, to, _)| from < to);
        edges.sort_unstable();
        edges.dedup();
        Self { items, inputs, box_of, edges }
    }
}

/// Which lane each row's box is in.
struct Lanes {
    lane: Vec<usize>,
    /// Rows of the boxes in each lane, increasing.
    rows: Vec<Vec<usize>>,
}

impl Lanes {
    fn of(flow: &Flow) -> Self {
        let count = flow.items.len();
        let mut producers = vec![Vec::new(); count];
        let mut heir = vec![usize::MAX; count];
        let mut last_use: Vec<usize> = (0..count).collect();
        for &(from, to, _) in &flow.edges {
            producers[to].push(from);
            heir[from] = heir[from].min(to);
            last_use[from] = last_use[from].max(to);
        }
        let mut lane = vec![0; count];
        let mut rows: Vec<Vec<usize>> = Vec::new();
        let mut busy_until: Vec<usize> = Vec::new();
        for row in 0..count {
            let inherited =
                producers[row].iter().filter(|&&p| heir[p] == row).map(|&p| lane[p]).min();
            let chosen = inherited.unwrap_or_else(|| {
                let since = producers[row].iter().copied().max().unwrap_or(row);
                (0..rows.len()).find(|&l| busy_until[l] <= since).unwrap_or(rows.len())
            });
            if chosen == rows.len() {
                rows.push(Vec::new());
                busy_until.push(0);
            }
            lane[row] = chosen;
            rows[chosen].push(row);
            busy_until[chosen] = last_use[row];
        }
        Self { lane, rows }
    }

    fn has_box_between(&self, lane: usize, above: usize, below: usize) -> bool {
        let rows = &self.rows[lane];
        rows.get(rows.partition_point(|&r| r <= above)).is_some_and(|&r| r < below)
    }
}

/// Pieces of lanes and side tracks that wires run down.
#[derive(Default)]
struct Reserved(Vec<Vec<(usize, usize, TensorId)>>);

impl Reserved {
    /// Takes the rows between two for a tensor, unless another tensor has some of them.
    fn take(&mut self, track: usize, above: usize, below: usize, tensor: TensorId) -> bool {
        if self.0.len() <= track {
            self.0.resize_with(track + 1, Vec::new);
        }
        let taken = self.0[track].iter().any(|&(a, b, t)| t != tensor && a < below && above < b);
        if !taken {
            self.0[track].push((above, below, tensor));
        }
        !taken
    }
}

fn route(flow: &Flow, lanes: &Lanes, items: &[(Item, Rect)]) -> Vec<Wire> {
    let mut order: Vec<usize> = (0..flow.edges.len()).collect();
    order.sort_by_key(|&e| flow.edges[e].1 - flow.edges[e].0);
    let mut in_lane = Reserved::default();
    let mut at_side = Reserved::default();
    let mut down_at = vec![0.0; flow.edges.len()];
    for edge in order {
        let (from, to, tensor) = flow.edges[edge];
        let (start, end) = (lanes.lane[from], lanes.lane[to]);
        down_at[edge] = if to == from + 1 {
            lane_x(end)
        } else if let Some(&lane) = [end, start].iter().find(|&&lane| {
            !lanes.has_box_between(lane, from, to) && in_lane.take(lane, from, to, tensor)
        }) {
            lane_x(lane)
        } else {
            let track =
                (0..).find(|&track| at_side.take(track, from, to, tensor)).unwrap_or_default();
            -NODE_SIZE.x / 2.0 - TRACK_GAP * (track as f32 + 1.5)
        };
    }
    let mut labelled = std::collections::BTreeSet::new();
    flow.edges
        .iter()
        .zip(down_at)
        .map(|(&(from, to, tensor), x)| {
            let (start, end) = (items[from].1.center_bottom(), items[to].1.center_top());
            let bend_end = items[from + 1].1.top().min(end.y);
            let bend_start = items[to - 1].1.bottom().max(start.y);
            let course = if to == from + 1 {
                [start, start, start, end]
            } else {
                [start, Pos2::new(x, bend_end), Pos2::new(x, bend_start), end]
            };
            Wire { from, to, tensor, course, labelled: labelled.insert(tensor) }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::residual_graph;

    #[test]
    fn rows_follow_the_order_and_every_cut_passes_between_boxes() {
        let graph = residual_graph();
        let layout = Layout::of(&graph, &vec![false; graph.nodes.len()], &[]);
        for (cut, &y) in layout.cut_heights.iter().enumerate() {
            for index in 0..graph.nodes.len() {
                let rect = layout.node(index).unwrap();
                assert_eq!(index < cut, rect.bottom() <= y, "cut {cut}, node {index}");
                assert!(!rect.y_range().contains(y));
            }
        }
    }

    #[test]
    fn branches_take_lanes_and_no_wire_runs_through_a_box() {
        let graph = residual_graph();
        let layout = Layout::of(&graph, &vec![false; graph.nodes.len()], &[]);
        let lanes: std::collections::BTreeSet<i32> =
            layout.items.iter().map(|(_, rect)| rect.center().x as i32).collect();
        assert!(lanes.len() > 1, "the down-sampling branch has a lane of its own");
        for wire in &layout.wires {
            let straight = Rect::from_two_pos(wire.course[1], wire.course[2]);
            for (row, (_, rect)) in layout.items.iter().enumerate() {
                let ends = row == wire.from || row == wire.to;
                assert!(ends || !rect.shrink(1.0).intersects(straight), "{wire:?} through {row}");
            }
        }
    }

    /// The first block folded, and a part of the second.
    const FOLDED: [Range<usize>; 2] = [0..8, 9..11];

    #[test]
    fn a_folded_block_is_one_box_that_visible_cuts_avoid() {
        let graph = residual_graph();
        let layout = Layout::of(&graph, &vec![false; graph.nodes.len()], &FOLDED);
        let open = Layout::of(&graph, &vec![false; graph.nodes.len()], &[]);
        assert_eq!(layout.items.len(), open.items.len() - 7 - 1);
        for cut in 0..=graph.nodes.len() {
            let is_inside = FOLDED.iter().any(|range| range.start < cut && cut < range.end);
            assert_eq!(layout.is_visible(cut), !is_inside, "cut {cut}");
            assert!(open.is_visible(cut));
            let y = layout.cut_heights[cut];
            let is_crossing = layout.items.iter().any(|(_, rect)| rect.y_range().contains(y));
            assert_eq!(is_crossing, is_inside, "cut {cut} at {y}");
        }
        assert!(layout.cut_heights.is_sorted_by(|a, b| a < b));
        assert!(layout.wires.iter().all(|wire| wire.from < wire.to));
        for node in 0..graph.nodes.len() {
            let rect = layout.node(node).unwrap();
            assert!(layout.cut_heights[node] <= rect.bottom(), "node {node}");
        }
    }

    #[test]
    fn a_place_in_the_order_survives_folding() {
        let graph = residual_graph();
        let open = Layout::of(&graph, &vec![false; graph.nodes.len()], &[]);
        let folded = Layout::of(&graph, &vec![false; graph.nodes.len()], &FOLDED);
        for layout in [&open, &folded] {
            for step in 0..100 {
                let (low, high) = (layout.cut_heights[0], *layout.cut_heights.last().unwrap());
                let y = low - 90.0 + (high - low + 180.0) * step as f32 / 100.0;
                assert!((layout.height_of(layout.place_of(y)) - y).abs() < 0.01, "{y}");
            }
        }
        // Beside node 12, which is open in both, the same place is beside node 12.
        let beside = |layout: &Layout| layout.node(12).unwrap().center().y;
        let place = open.place_of(beside(&open));
        assert!((folded.height_of(place) - beside(&folded)).abs() < 1.0);
    }

    #[test]
    fn a_place_finds_its_box() {
        let graph = residual_graph();
        let layout = Layout::of(&graph, &vec![false; graph.nodes.len()], &[]);
        for (item, rect) in &layout.items {
            assert_eq!(layout.at(rect.center()), Some(*item));
        }
        assert_eq!(layout.at(Pos2::new(-1e4, 0.0)), None);
    }
}
