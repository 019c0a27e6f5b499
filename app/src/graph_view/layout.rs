//! Places nodes and wires: one row for each node in the graph's order, branches side by side.
//!
//! Since rows follow the order, every cut of that order is a horizontal line that no node crosses.
//! The trunk keeps to the first lane; a branch opens the nearest lane to the right that is free
//! over its whole length; a wire that skips rows runs down a free lane, else along the left side.

use egui::{Pos2, Rect, Vec2};
use microtome_engine::graph::{Graph, TensorId};

/// Size of a node that becomes an operation of its own.
pub const NODE_SIZE: Vec2 = Vec2::new(152.0, 30.0);
/// Size of a node that is absorbed by another, and of the graph's ends.
pub const SMALL_SIZE: Vec2 = Vec2::new(118.0, 21.0);
const ROW_GAP: f32 = 30.0;
/// An absorbed node hugs the one before it: no boundary can fall between them.
const ABSORBED_GAP: f32 = 9.0;
const LANE_GAP: f32 = 34.0;
const TRACK_GAP: f32 = 12.0;

/// What a box in the picture stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item {
    /// An input that the user supplies, by position in [`Graph::inputs`].
    Input(usize),
    /// A node, by index.
    Node(usize),
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
    inputs: usize,
}

impl Layout {
    /// Lays a graph out. `absorbed` says of each node whether another one absorbs it.
    #[must_use]
    pub fn of(graph: &Graph, absorbed: &[bool]) -> Self {
        let flow = Flow::of(graph);
        let lanes = Lanes::of(&flow);
        let mut items = Vec::with_capacity(flow.items.len());
        let mut y = 0.0;
        for (row, (&item, &lane)) in flow.items.iter().zip(&lanes.lane).enumerate() {
            let hugs = matches!(item, Item::Node(n) if absorbed.get(n) == Some(&true));
            let small = hugs || !matches!(item, Item::Node(_));
            let size = if small { SMALL_SIZE } else { NODE_SIZE };
            if row > 0 {
                y += if hugs { ABSORBED_GAP } else { ROW_GAP };
            }
            let center = Pos2::new(lane_x(lane), y + size.y / 2.0);
            items.push((item, Rect::from_center_size(center, size)));
            y += size.y;
        }
        let wires = route(&flow, &lanes, &items);
        let cut_heights = cut_heights(&items, flow.inputs, graph.nodes.len());
        let bounds = wires
            .iter()
            .flat_map(|w| w.course.iter().map(|&p| Rect::from_min_max(p, p)))
            .chain(items.iter().map(|(_, rect)| *rect))
            .reduce(Rect::union)
            .unwrap_or(Rect::from_min_size(Pos2::ZERO, NODE_SIZE));
        Self { items, wires, cut_heights, bounds, inputs: flow.inputs }
    }

    /// Where a node is.
    #[must_use]
    pub fn node(&self, index: usize) -> Option<Rect> {
        self.items.get(self.inputs + index).map(|(_, rect)| *rect)
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

fn cut_heights(items: &[(Item, Rect)], inputs: usize, nodes: usize) -> Vec<f32> {
    (0..=nodes)
        .map(|cut| {
            let above = (inputs + cut).checked_sub(1).and_then(|i| items.get(i));
            let below = items.get(inputs + cut);
            match (above, below) {
                (Some((_, a)), Some((_, b))) => a.bottom().midpoint(b.top()),
                (Some((_, a)), None) => a.bottom() + ROW_GAP / 2.0,
                (None, Some((_, b))) => b.top() - ROW_GAP / 2.0,
                (None, None) => 0.0,
            }
        })
        .collect()
}

fn lane_x(lane: usize) -> f32 {
    lane as f32 * (NODE_SIZE.x + LANE_GAP)
}

/// Boxes in rows, and what flows between the rows.
struct Flow {
    items: Vec<Item>,
    inputs: usize,
    /// `(from row, to row, tensor)`, ordered.
    edges: Vec<(usize, usize, TensorId)>,
}

impl Flow {
    fn of(graph: &Graph) -> Self {
        let inputs = graph.inputs.len();
        let nodes = graph.nodes.len();
        let items = (0..inputs)
            .map(Item::Input)
            .chain((0..nodes).map(Item::Node))
            .chain((0..graph.outputs.len()).map(Item::Output))
            .collect();
        let mut edges: Vec<_> = graph
            .edges()
            .into_iter()
            .map(|(from, to, tensor)| (inputs + from, inputs + to, tensor))
            .collect();
        for (row, &tensor) in graph.inputs.iter().enumerate() {
            edges.extend(graph.tensor(tensor).consumers.iter().map(|&c| (row, inputs + c, tensor)));
        }
        for (position, &tensor) in graph.outputs.iter().enumerate() {
            let row = graph
                .tensor(tensor)
                .producer
                .map(|node| inputs + node)
                .or_else(|| graph.inputs.iter().position(|&input| input == tensor));
            edges.extend(row.map(|from| (from, inputs + nodes + position, tensor)));
        }
        // Rows follow a topological order, so a wire always leads down.
        edges.retain(|(from, to, _)| from < to);
        edges.sort_unstable();
        edges.dedup();
        Self { items, inputs, edges }
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
        let layout = Layout::of(&graph, &vec![false; graph.nodes.len()]);
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
        let layout = Layout::of(&graph, &vec![false; graph.nodes.len()]);
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

    #[test]
    fn a_place_finds_its_box() {
        let graph = residual_graph();
        let layout = Layout::of(&graph, &vec![false; graph.nodes.len()]);
        for (item, rect) in &layout.items {
            assert_eq!(layout.at(rect.center()), Some(*item));
        }
        assert_eq!(layout.at(Pos2::new(-1e4, 0.0)), None);
    }
}
