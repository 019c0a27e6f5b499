//! The nodes that are split together: one that was asked for, and what follows it element by
//! element.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::SplitError;
use super::needs::{Need, Role, is_aligned_pool, needs, output_axis, shape_of, unit};
use crate::graph::{Axis, Graph, Node, Split, Splits, TensorId};

/// Tiles that one node may have.
const MOST_PARTS: usize = 1 << 10;
/// Nodes that all tiles may be.
const MOST_TILE_NODES: usize = 1 << 15;
/// Weights that all tiles of one layer may have, those that they share counted for each.
const MOST_WEIGHTS: usize = 1 << 28;

/// Nodes that are split together, tile by tile.
#[derive(Clone, Debug)]
pub(super) struct Group {
    /// The node that was asked for.
    pub head: usize,
    /// What is divided.
    pub axis: Axis,
    /// The dimension of all of its tensors that is divided.
    pub at: usize,
    /// Its nodes, increasing, with the positions that each tile computes of the node's output.
    pub members: Vec<(usize, Vec<Range<usize>>)>,
}

impl Group {
    /// All groups of a model, by the place of their last node.
    pub fn all(graph: &Graph, splits: &Splits) -> Result<Vec<Self>, SplitError> {
        let index: BTreeMap<&str, usize> =
            graph.nodes.iter().enumerate().map(|(i, node)| (node.name.as_str(), i)).collect();
        let mut heads = BTreeMap::new();
        for (name, split) in &splits.0 {
            let head = index.get(name.as_str());
            let head = head.ok_or_else(|| SplitError::NoSuchNode { node: name.clone() })?;
            heads.insert(*head, *split);
        }
        let mut taken: BTreeSet<usize> = heads.keys().copied().collect();
        let mut groups: Vec<Self> = Vec::new();
        let mut nodes = 0;
        for (&head, &split) in &heads {
            let group = Self::of(graph, head, split, &taken)?;
            taken.extend(group.members.iter().map(|(node, _)| *node));
            nodes += group.members.len().saturating_mul(split.parts);
            if nodes > MOST_TILE_NODES {
                let what = format!("more than {MOST_TILE_NODES} nodes");
                return Err(SplitError::TooMany { what, most: MOST_TILE_NODES });
            }
            groups.push(group);
        }
        groups.sort_by_key(Group::last);
        Ok(groups)
    }

    /// The group of one node. Nodes that are `taken` belong to others.
    pub fn of(
        graph: &Graph,
        head: usize,
        split: Split,
        taken: &BTreeSet<usize>,
    ) -> Result<Self, SplitError> {
        let node = &graph.nodes[head];
        let refused = |reason: String| SplitError::Node {
            node: node.name.clone(),
            operator: node.op.clone(),
            axis: split.axis.name(),
            reason,
        };
        bounded(graph, node, split)?;
        let grown = Growth::of(graph, head, split.axis, taken).map_err(refused)?;
        let units = grown.units().map_err(refused)?;
        let step = grown.unit;
        if split.parts < 2 || split.parts > units {
            return Err(refused(format!(
                "it can be divided into 2 to {units} tiles, not {}",
                split.parts
            )));
        }
        let starts: Vec<usize> = (0..split.parts)
            .map(|tile| step * (tile * (units / split.parts) + tile.min(units % split.parts)))
            .collect();
        let mut members = Vec::with_capacity(grown.members.len());
        for (&member, &factor) in &grown.members {
            let ends = starts.iter().skip(1).map(|start| start / factor);
            let ends = ends.chain([grown.side(member).map_err(refused)?]);
            let starts = starts.iter().map(|start| start / factor);
            members.push((member, starts.zip(ends).map(|(from, to)| from..to).collect()));
        }
        let group = Self { head, axis: split.axis, at: grown.at, members };
        group.check(graph).map_err(refused)?;
        Ok(group)
    }

    /// Every tile must be one that can be computed.
    fn check(&self, graph: &Graph) -> Result<(), String> {
        for (member, ranges) in &self.members {
            for range in ranges {
                if range.is_empty() {
                    return Err(format!("node {:?} has no part for it", graph.nodes[*member].name));
                }
                needs(graph, &graph.nodes[*member], self.axis, self.at, range)?;
            }
        }
        Ok(())
    }

    /// Its last node, in whose place it is put.
    pub fn last(&self) -> usize {
        self.members.last().map_or(self.head, |(node, _)| *node)
    }

    /// Number of tiles.
    pub fn parts(&self) -> usize {
        self.members.first().map_or(0, |(_, ranges)| ranges.len())
    }
}

/// The most tiles that a node can be split into; less than two where it can't be split so.
pub(super) fn most_parts(graph: &Graph, head: usize, axis: Axis) -> usize {
    let none = BTreeSet::new();
    let grown = Growth::of(graph, head, axis, &none);
    grown.and_then(|grown| grown.units()).unwrap_or(0).min(MOST_PARTS)
}

fn is_used(graph: &Graph, id: TensorId) -> bool {
    !graph.tensor(id).consumers.is_empty() || graph.outputs.contains(&id)
}

/// Refuses what would take more memory than any split is worth, before anything is made.
fn bounded(graph: &Graph, node: &Node, split: Split) -> Result<(), SplitError> {
    let too_many = |what: String, most| Err(SplitError::TooMany { what, most });
    if split.parts > MOST_PARTS {
        return too_many(format!("{} tiles of node {:?}", split.parts, node.name), MOST_PARTS);
    }
    let weights = usize::try_from(graph.parameters(node)).unwrap_or(usize::MAX);
    let copies = if split.axis == Axis::Rows { split.parts } else { 1 };
    if weights.saturating_mul(copies) > MOST_WEIGHTS {
        return too_many(format!("{copies} times the weights of {:?}", node.name), MOST_WEIGHTS);
    }
    Ok(())
}

/// A group while nodes join it.
struct Growth<'a> {
    graph: &'a Graph,
    axis: Axis,
    at: usize,
    taken: &'a BTreeSet<usize>,
    head: usize,
    /// Nodes, each with the steps of the head's output that one of its own stands for.
    members: BTreeMap<usize, usize>,
    /// The outputs of the members.
    tensors: BTreeMap<TensorId, usize>,
    /// The head's output is divided at multiples of this.
    unit: usize,
}

impl<'a> Growth<'a> {
    /// The whole group of a node.
    fn of(
        graph: &'a Graph,
        head: usize,
        axis: Axis,
        taken: &'a BTreeSet<usize>,
    ) -> Result<Self, String> {
        let node = &graph.nodes[head];
        let at = output_axis(graph, node, axis)?;
        let unit = unit(graph, node, axis)?;
        needs(graph, node, axis, at, &(0..unit))?;
        if node.outputs.iter().skip(1).flatten().any(|&id| is_used(graph, id)) {
            return Err("its further outputs are used".into());
        }
        let (members, tensors) = (BTreeMap::new(), BTreeMap::new());
        let mut growth = Self { graph, axis, at, taken, head, members, tensors, unit };
        growth.push(head, 1);
        Ok(growth.grow())
    }

    /// How many tiles there can be.
    fn units(&self) -> Result<usize, String> {
        Ok(self.side(self.head)? / self.unit)
    }

    fn push(&mut self, node: usize, factor: usize) {
        self.members.insert(node, factor);
        self.unit = least_common_multiple(self.unit, factor);
        let output = self.graph.nodes[node].outputs.first().copied().flatten();
        self.tensors.extend(output.map(|id| (id, factor)));
    }

    /// Positions of a node's output on the dimension that is divided.
    fn side(&self, node: usize) -> Result<usize, String> {
        let output = self.graph.nodes[node].outputs.first().copied().flatten();
        let shape = shape_of(self.graph, output)?;
        shape.get(self.at).copied().ok_or_else(|| "its output has too few dimensions".into())
    }

    /// Takes in what reads the members, until something does that can't be taken in: what comes
    /// after that may depend on it.
    fn grow(mut self) -> Self {
        loop {
            let readers = self.tensors.keys().flat_map(|&id| &self.graph.tensor(id).consumers);
            let next = readers.filter(|node| !self.members.contains_key(node)).min().copied();
            match next.and_then(|node| Some((node, self.factor(node)?))) {
                Some((node, factor)) => self.push(node, factor),
                None => return self,
            }
        }
    }

    /// The steps that one of a node's output stands for, where the node can be taken in.
    fn factor(&self, index: usize) -> Option<usize> {
        let (graph, node) = (self.graph, &self.graph.nodes[index]);
        let used = node.outputs.iter().skip(1).flatten().any(|&id| is_used(graph, id));
        if used || self.taken.contains(&index) {
            return None;
        }
        let is_rows = self.axis == Axis::Rows;
        let pooled = match Role::of(graph, node)? {
            Role::Pool if is_rows => is_aligned_pool(graph, node)?,
            Role::Pool | Role::Normalization | Role::Elementwise | Role::Product => 1,
            Role::Conv | Role::Dense => return None,
        };
        // Where a dense layer's features are divided, they are no channels of a normalization.
        let is_any = matches!(Role::of(graph, node)?, Role::Elementwise | Role::Product);
        if !is_any && !is_rows && self.at != 1 {
            return None;
        }
        let side = self.side(index).ok()?;
        let needs = needs(graph, node, self.axis, self.at, &(0..1)).ok()?;
        let mut factors = BTreeSet::new();
        for need in needs.inputs.iter().flatten() {
            match need {
                // Its numbers of dimensions and theirs must be the same.
                Need::Part(id, at, _) if self.tensors.contains_key(id) => {
                    let shape = graph.tensor(*id).shape.as_deref()?;
                    let fits = *at == self.at && shape.get(self.at)? / pooled == side;
                    fits.then(|| factors.insert(self.tensors[id] * pooled))?;
                }
                Need::Whole(id) if self.tensors.contains_key(id) => return None,
                _ => {}
            }
        }
        match (factors.len(), factors.first()) {
            (1, Some(&factor)) if least_common_multiple(self.unit, factor) <= self.least_side() => {
                Some(factor)
            }
            _ => None,
        }
    }

    /// With half of the head's positions in a unit there are two tiles at least.
    fn least_side(&self) -> usize {
        self.side(self.head).map_or(0, |side| side / 2)
    }
}

fn least_common_multiple(a: usize, b: usize) -> usize {
    let (mut x, mut y) = (a, b);
    while y > 0 {
        (x, y) = (y, x % y);
    }
    a / x.max(1) * b
}
