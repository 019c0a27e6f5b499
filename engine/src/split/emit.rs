//! The nodes of a split model, in their order: tile after tile, each with what follows it.
//!
//! A tile reads pieces that fit it. A piece of a tensor that is in tiles itself is cut off after the
//! tile that it is of, so that its readers need not have all of that tile on their boundary; a piece
//! of another tensor is cut off before the first tile that reads one.

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;

use super::needs::{Need, needs};
use super::{Group, SplitError};
use crate::graph::{Axis, Graph, Part, Splits, TensorId, Tile};
use crate::onnx::{Feed, NewNode, Rewriting, TileNode};

/// The nodes that take the place of a graph's.
pub(super) fn rewriting(
    graph: &Graph,
    splits: &Splits,
    groups: &[Group],
) -> Result<Rewriting, SplitError> {
    let mut emitter = Emitter::new(graph);
    let mut place: BTreeMap<usize, &Group> = BTreeMap::new();
    let mut in_group = vec![false; graph.nodes.len()];
    for group in groups {
        place.insert(group.last(), group);
        group.members.iter().for_each(|(node, _)| in_group[*node] = true);
    }
    let mut read = vec![Vec::new(); graph.nodes.len()];
    for (id, tensor) in (0u32..).map(TensorId).zip(&graph.tensors) {
        tensor.consumers.iter().for_each(|&node| read[node].push(id));
    }
    for node in 0..graph.nodes.len() {
        if let Some(group) = place.get(&node) {
            emitter.group(group).map_err(|reason| SplitError::Node {
                node: graph.nodes[group.head].name.clone(),
                operator: graph.nodes[group.head].op.clone(),
                axis: group.axis.name(),
                reason,
            })?;
        } else if !in_group[node] {
            let bucket = emitter.bucket();
            for &id in &read[node] {
                emitter.whole(id, bucket);
            }
            emitter.buckets[bucket].push(NewNode::Kept(node));
        }
    }
    let end = emitter.bucket();
    for &id in &graph.outputs {
        emitter.whole(id, end);
    }
    Ok(Rewriting {
        nodes: emitter.buckets.into_iter().flatten().collect(),
        parts: emitter.parts,
        splits: splits.clone(),
    })
}

/// A tensor that is in tiles.
#[derive(Clone, Debug)]
struct Tiled {
    axis: Axis,
    at: usize,
    /// The positions that each tile holds, and the bucket that its nodes are in.
    tiles: Vec<(Range<usize>, usize)>,
    is_joined: bool,
}

struct Emitter<'a> {
    graph: &'a Graph,
    /// Nodes, in groups that may still grow at their end.
    buckets: Vec<Vec<NewNode>>,
    tiled: BTreeMap<TensorId, Tiled>,
    /// Names of the parts that are there.
    known: BTreeMap<(TensorId, usize, usize, usize), String>,
    parts: BTreeMap<String, Part>,
    /// Names of nodes and tensors.
    taken: HashSet<String>,
}

impl<'a> Emitter<'a> {
    fn new(graph: &'a Graph) -> Self {
        let nodes = graph.nodes.iter().map(|node| node.name.clone());
        let taken = nodes.chain(graph.tensors.iter().map(|tensor| tensor.name.clone())).collect();
        Self {
            graph,
            buckets: Vec::new(),
            tiled: BTreeMap::new(),
            known: BTreeMap::new(),
            parts: BTreeMap::new(),
            taken,
        }
    }

    fn bucket(&mut self) -> usize {
        self.buckets.push(Vec::new());
        self.buckets.len() - 1
    }

    fn group(&mut self, group: &Group) -> Result<(), String> {
        let graph = self.graph;
        let before = self.bucket();
        let tiles: Vec<usize> = (0..group.parts()).map(|_| self.bucket()).collect();
        for (member, ranges) in &group.members {
            let output = graph.nodes[*member].outputs.first().copied().flatten();
            let tiles = ranges.iter().cloned().zip(tiles.iter().copied()).collect();
            let tiled = Tiled { axis: group.axis, at: group.at, tiles, is_joined: false };
            self.tiled.extend(output.map(|id| (id, tiled)));
        }
        for (number, &bucket) in tiles.iter().enumerate() {
            for (member, ranges) in &group.members {
                let tile = Tile { node: *member, head: group.head, number };
                self.tile(group, tile, &ranges[number], (before, bucket))?;
            }
        }
        Ok(())
    }

    fn tile(
        &mut self,
        group: &Group,
        tile: Tile,
        range: &Range<usize>,
        (before, bucket): (usize, usize),
    ) -> Result<(), String> {
        let graph = self.graph;
        let node = &graph.nodes[tile.node];
        let needs = needs(graph, node, group.axis, group.at, range)?;
        let mut inputs = Vec::with_capacity(needs.inputs.len());
        for need in needs.inputs {
            inputs.push(match need {
                None => None,
                Some(Need::Whole(id)) => Some(Feed::Tensor(self.whole(id, before))),
                Some(Need::Part(tensor, axis, range)) => {
                    let part = Part { tensor, axis, range };
                    let constant = graph.tensor(tensor).constant.is_some();
                    Some(match constant {
                        true => Feed::Constant(part),
                        false => Feed::Tensor(self.part(&part, group.axis, before, bucket)),
                    })
                }
            });
        }
        let output = node.outputs.first().copied().flatten().ok_or("it has no output")?;
        let part = Part { tensor: output, axis: group.at, range: range.clone() };
        let output = self.name_part(&part, group.axis);
        let name = self.unique(named(&node.name, group.axis, range));
        let (pads, groups) = (needs.pads, needs.groups);
        self.buckets[bucket].push(NewNode::Tile(TileNode {
            tile,
            name,
            inputs,
            output,
            pads,
            groups,
        }));
        Ok(())
    }

    /// The name of a whole tensor; one that is in tiles is joined first.
    fn whole(&mut self, id: TensorId, bucket: usize) -> String {
        let name = self.graph.tensor(id).name.clone();
        let Some(tiled) = self.tiled.get_mut(&id).filter(|tiled| !tiled.is_joined) else {
            return name;
        };
        tiled.is_joined = true;
        let Tiled { axis, at, tiles, .. } = tiled.clone();
        let tiles = tiles.into_iter().map(|(range, _)| Part { tensor: id, axis: at, range });
        let inputs = tiles.map(|part| self.name_part(&part, axis)).collect();
        let node = self.unique(format!("{name} joined"));
        let concat = NewNode::Concat { name: node, inputs, axis: at, output: name.clone() };
        self.buckets[bucket].push(concat);
        name
    }

    /// The name of a part of a tensor that a tile reads, which is made where it is not there.
    fn part(&mut self, part: &Part, axis: Axis, before: usize, bucket: usize) -> String {
        let shape = self.graph.tensor(part.tensor).shape.as_deref().unwrap_or_default();
        if shape.get(part.axis) == Some(&part.range.len()) {
            return self.whole(part.tensor, before);
        }
        if let Some(name) = self.known.get(&key(part)) {
            return name.clone();
        }
        let tiled = self.tiled.get(&part.tensor).filter(|tiled| tiled.at == part.axis).cloned();
        let Some(Tiled { axis, tiles, .. }) = tiled else {
            let input = self.whole(part.tensor, before);
            return self.cut_off(part, axis, &input, 0, before);
        };
        let mut pieces = Vec::new();
        for (tile, made_in) in tiles {
            let range = part.range.start.max(tile.start)..part.range.end.min(tile.end);
            if range.is_empty() {
                continue;
            }
            let piece = Part { range: range.clone(), ..part.clone() };
            let whole_tile = Part { range: tile.clone(), ..part.clone() };
            let input = self.name_part(&whole_tile, axis);
            pieces.push(match (range == tile, self.known.get(&key(&piece))) {
                (true, _) => input,
                (_, Some(name)) => name.clone(),
                (false, None) => self.cut_off(&piece, axis, &input, tile.start, made_in),
            });
        }
        if let [piece] = pieces.as_slice() {
            return piece.clone();
        }
        let output = self.name_part(part, axis);
        let name = self.unique(format!("{output} joined"));
        let inputs = pieces;
        let concat = NewNode::Concat { name, inputs, axis: part.axis, output: output.clone() };
        self.buckets[bucket].push(concat);
        output
    }

    /// Cuts a part off a tensor that starts at this position of the whole.
    fn cut_off(
        &mut self,
        part: &Part,
        axis: Axis,
        input: &str,
        start: usize,
        bucket: usize,
    ) -> String {
        let output = self.name_part(part, axis);
        let name = self.unique(format!("{output} cut off"));
        let range = part.range.start - start..part.range.end - start;
        let input = input.to_owned();
        let slice = NewNode::Slice { name, input, axis: part.axis, range, output: output.clone() };
        self.buckets[bucket].push(slice);
        output
    }

    /// The name of a part, which it gets now where it has none.
    fn name_part(&mut self, part: &Part, axis: Axis) -> String {
        if let Some(name) = self.known.get(&key(part)) {
            return name.clone();
        }
        let whole = &self.graph.tensor(part.tensor).name;
        let name = self.unique(named(whole, axis, &part.range));
        self.known.insert(key(part), name.clone());
        self.parts.insert(name.clone(), part.clone());
        name
    }

    fn unique(&mut self, mut name: String) -> String {
        while !self.taken.insert(name.clone()) {
            name.push('\'');
        }
        name
    }
}

fn key(part: &Part) -> (TensorId, usize, usize, usize) {
    (part.tensor, part.axis, part.range.start, part.range.end)
}

/// What people call a part of something.
fn named(whole: &str, axis: Axis, range: &Range<usize>) -> String {
    format!("{whole} {} {}..{}", axis.name(), range.start, range.end)
}
