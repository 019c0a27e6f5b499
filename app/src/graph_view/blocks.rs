//! Blocks: runs of nodes that belong together and come back, such as residual or attention blocks.
//!
//! Names tell them where the file has scopes (`/layer1/layer1.0/conv1/Conv`). Elsewhere structure
//! does: stretches of operators that repeat, wired the same way. Blocks are ranges of the graph's
//! order, so that a folded one is a box between two cuts like any node.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use microtome_engine::graph::Graph;

use super::repeats::{Repeats, Unit};

/// Fewer nodes than this are no block: folding them would save nothing.
const LEAST_NODES: usize = 4;
/// With more boxes than this, blocks that stand in a row are put into blocks of blocks.
const MOST_BOXES: usize = 48;
/// Fewer blocks than this are not put together.
const LEAST_PARTS: usize = 4;

/// Nodes that can be drawn as one box.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// What people call it.
    pub name: Arc<str>,
    /// Its nodes.
    pub nodes: Range<usize>,
    /// Blocks that it is made of, where it is made of blocks: disjoint, increasing.
    pub parts: Vec<Block>,
}

impl Block {
    /// Whether a cut would go through it.
    #[must_use]
    pub fn is_cut_at(&self, cut: usize) -> bool {
        self.nodes.start < cut && cut < self.nodes.end
    }
}

/// The blocks of a graph: disjoint, increasing. None begins with an absorbed node, since no cut
/// can be before it.
#[must_use]
pub fn detect(graph: &Graph, absorbed: &[bool]) -> Vec<Block> {
    let mut found = by_scope(graph);
    let mut is_free = vec![true; graph.nodes.len()];
    for one in &found {
        is_free[one.nodes.clone()].fill(false);
    }
    found.extend(by_structure(graph, &is_free));
    found.sort_by_key(|one| one.nodes.start);
    begin_with_operations(&mut found, absorbed);
    gathered(found, graph.nodes.len())
}

/// A block before blocks are put together.
#[derive(Debug)]
struct Found {
    nodes: Range<usize>,
    name: String,
    /// Blocks in a row with the same family may be put together.
    family: String,
    /// What the family is called, where the file says it.
    family_name: Option<String>,
}

/// The scopes around a node, outermost first: prefixes of its name.
fn scopes(name: &str) -> impl Iterator<Item = &str> {
    name.char_indices()
        .filter(|&(at, c)| at > 0 && matches!(c, '/' | '.'))
        .map(|(at, _)| &name[..at])
}

/// A scope with its numbers made alike.
fn pattern(scope: &str) -> String {
    let mut pattern = String::with_capacity(scope.len());
    for c in scope.chars() {
        if !c.is_ascii_digit() {
            pattern.push(c);
        } else if !pattern.ends_with('#') {
            pattern.push('#');
        }
    }
    pattern
}

fn last_part(scope: &str) -> &str {
    scope.rsplit(['/', '.']).next().unwrap_or(scope)
}

/// What a scope is called beside its box: torch repeats the outer scope in the inner one.
fn short(scope: &str) -> String {
    scope.rsplit('/').next().unwrap_or(scope).to_owned()
}

/// Blocks that names tell: scopes that are numbered, come back and hold enough nodes. Where such
/// scopes are made of such scopes, as stages are of blocks, the inner ones are the blocks.
fn by_scope(graph: &Graph) -> Vec<Found> {
    let mut sizes: BTreeMap<&str, usize> = BTreeMap::new();
    for scope in graph.nodes.iter().flat_map(|node| scopes(&node.name)) {
        *sizes.entry(scope).or_default() += 1;
    }
    // Of each pattern: scopes and nodes.
    let mut patterns: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for (scope, nodes) in &sizes {
        let known = patterns.entry(pattern(scope)).or_default();
        *known = (known.0 + 1, known.1 + nodes);
    }
    let is_regular = |scope: &str| {
        let (count, nodes) = patterns.get(&pattern(scope)).copied().unwrap_or_default();
        last_part(scope).contains(|c: char| c.is_ascii_digit())
            && count >= 2
            && nodes >= LEAST_NODES * count
    };
    let regular: BTreeSet<&str> = sizes.keys().copied().filter(|scope| is_regular(scope)).collect();
    // Of each of them the nodes that are in a smaller one.
    let mut inner: BTreeMap<&str, usize> = BTreeMap::new();
    for node in &graph.nodes {
        let around: Vec<_> = scopes(&node.name).filter(|scope| regular.contains(scope)).collect();
        for &scope in around.iter().rev().skip(1) {
            *inner.entry(scope).or_default() += 1;
        }
    }
    let is_made_of_blocks = |scope: &str| {
        let inside = inner.get(scope).copied().unwrap_or_default();
        10 * inside >= 9 * sizes.get(scope).copied().unwrap_or_default()
    };
    let block_of = |name: &str| {
        let mut around = scopes(name).filter(|scope| regular.contains(scope));
        around.find(|scope| !is_made_of_blocks(scope)).map(str::to_owned)
    };
    let mut found: Vec<Found> = Vec::new();
    let mut open: Option<String> = None;
    for (index, node) in graph.nodes.iter().enumerate() {
        let scope = block_of(&node.name);
        match (&scope, found.last_mut()) {
            (Some(_), Some(last)) if scope == open => last.nodes.end = index + 1,
            (Some(scope), _) => {
                let around = scope.rfind(['/', '.']).map_or("", |at| &scope[..at]);
                found.push(Found {
                    nodes: index..index + 1,
                    name: short(scope),
                    family: around.to_owned(),
                    family_name: Some(short(around)).filter(|name| !name.is_empty()),
                });
            }
            (None, _) => {}
        }
        open = scope;
    }
    found.retain(|one| one.nodes.len() >= LEAST_NODES);
    found
}

/// Blocks that only structure tells, among the nodes that are free.
fn by_structure(graph: &Graph, is_free: &[bool]) -> Vec<Found> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let units = Repeats::of(graph).units(is_free, LEAST_NODES);
    let named = units.into_iter().map(|Unit { nodes, family }| {
        let kind = kind(graph, &nodes);
        let count = counts.entry(kind).or_default();
        *count += 1;
        Found {
            name: format!("{kind} block {count}"),
            family: format!("{kind} {family}"),
            family_name: None,
            nodes,
        }
    });
    named.collect()
}

/// What a block without a name does.
fn kind(graph: &Graph, nodes: &Range<usize>) -> &'static str {
    let mut inside = graph.nodes[nodes.clone()].iter();
    let has = |op: &str| graph.nodes[nodes.clone()].iter().any(|node| node.op == op);
    let from_outside = |id| !graph.tensor(id).producer.is_some_and(|p| nodes.contains(&p));
    // What skips the block is read where branches meet, beside what the block made.
    let has_skip = inside.any(|node| {
        let mut inputs = graph.data_inputs(node);
        ["Add", "Sum"].contains(&node.op.as_str()) && {
            let (outer, all) =
                inputs.by_ref().fold((0, 0), |(o, n), id| (o + i32::from(from_outside(id)), n + 1));
            outer == 1 && all == 2
        }
    });
    match (has("Softmax"), has_skip || (has("Conv") && (has("Add") || has("Sum")))) {
        (true, _) => "Attention",
        (false, true) => "Residual",
        (false, false) => "Repeated",
    }
}

/// Moves beginnings behind nodes that are absorbed: they stay with the node that absorbs them.
fn begin_with_operations(found: &mut Vec<Found>, absorbed: &[bool]) {
    for index in 0..found.len() {
        let Range { start, end } = found[index].nodes;
        let first = (start..end).find(|&n| absorbed.get(n) != Some(&true)).unwrap_or(end);
        found[index].nodes.start = first;
        if let Some(before) = index.checked_sub(1)
            && found[before].nodes.end == start
        {
            found[before].nodes.end = first;
        }
    }
    found.retain(|one| one.nodes.len() >= LEAST_NODES);
}

/// Puts blocks in a row together where there would be too many boxes otherwise.
fn gathered(found: Vec<Found>, nodes: usize) -> Vec<Block> {
    let inside: usize = found.iter().map(|one| one.nodes.len()).sum();
    let is_much = found.len() + nodes - inside > MOST_BOXES;
    let families = found.chunk_by(|a, b| a.nodes.end == b.nodes.start && a.family == b.family);
    let mut blocks = Vec::new();
    for family in families {
        let parts = family.iter().map(|one| Block {
            name: one.name.as_str().into(),
            nodes: one.nodes.clone(),
            parts: Vec::new(),
        });
        if !is_much || family.len() < LEAST_PARTS {
            blocks.extend(parts);
            continue;
        }
        let parts: Vec<_> = parts.collect();
        // A row that has no name of its own is divided: few boxes, and few blocks in each.
        let (size, name) = match &family[0].family_name {
            Some(name) if family.len() <= MOST_BOXES * 2 => (family.len(), Some(name.as_str())),
            _ => ((family.len() as f64).sqrt().ceil() as usize, None),
        };
        blocks.extend(parts.chunks(size).filter_map(|parts| together(parts, name)));
    }
    blocks
}

fn together(parts: &[Block], name: Option<&str>) -> Option<Block> {
    let (first, last) = (parts.first()?, parts.last()?);
    if parts.len() == 1 {
        return Some(first.clone());
    }
    let name = name.map_or_else(|| span_name(&first.name, &last.name), str::to_owned);
    Some(Block {
        name: name.into(),
        nodes: first.nodes.start..last.nodes.end,
        parts: parts.to_vec(),
    })
}

/// `Residual block 1` to `Residual block 25` as `Residual block 1–25`.
fn span_name(first: &str, last: &str) -> String {
    let same = first.chars().zip(last.chars()).take_while(|(a, b)| a == b && !a.is_ascii_digit());
    let number = &last[same.map(|(c, _)| c.len_utf8()).sum::<usize>()..];
    format!("{first}–{number}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{graph, random_graph, residual_graph};

    fn named(nodes: &[(&str, &[u32])], name: impl Fn(usize) -> String) -> Graph {
        let mut graph = graph(nodes);
        for (index, node) in graph.nodes.iter_mut().enumerate() {
            node.name = name(index);
        }
        graph
    }

    fn found(graph: &Graph) -> Vec<(String, Range<usize>)> {
        let blocks = detect(graph, &vec![false; graph.nodes.len()]);
        blocks.into_iter().map(|b| (b.name.to_string(), b.nodes)).collect()
    }

    /// A convolution, then blocks of two convolutions and a skip.
    fn residual(blocks: u32) -> Vec<(&'static str, Vec<u32>)> {
        let mut nodes = vec![("Conv", vec![0])];
        for _ in 0..blocks {
            let x = nodes.len() as u32;
            let chain = [
                ("Conv", vec![x]),
                ("Relu", vec![x + 1]),
                ("Conv", vec![x + 2]),
                ("Add", vec![x, x + 3]),
                ("Relu", vec![x + 4]),
            ];
            nodes.extend(chain);
        }
        nodes.extend([("GlobalAveragePool", vec![nodes.len() as u32])]);
        nodes
    }

    /// Attention in single operators, with its skip, then a perceptron with its own.
    fn transformer(layers: u32) -> Vec<(&'static str, Vec<u32>)> {
        let mut nodes = vec![("Gather", vec![0])];
        for _ in 0..layers {
            let x = nodes.len() as u32;
            nodes.extend([
                ("LayerNormalization", vec![x]),
                ("MatMul", vec![x + 1]),
                ("MatMul", vec![x + 1]),
                ("MatMul", vec![x + 1]),
                ("MatMul", vec![x + 2, x + 3]),
                ("Softmax", vec![x + 5]),
                ("MatMul", vec![x + 6, x + 4]),
                ("MatMul", vec![x + 7]),
                ("Add", vec![x, x + 8]),
                ("LayerNormalization", vec![x + 9]),
                ("MatMul", vec![x + 10]),
                ("Gelu", vec![x + 11]),
                ("MatMul", vec![x + 12]),
                ("Add", vec![x + 9, x + 13]),
            ]);
        }
        nodes
    }

    fn borrowed<'a>(nodes: &'a [(&'a str, Vec<u32>)]) -> Vec<(&'a str, &'a [u32])> {
        nodes.iter().map(|(op, inputs)| (*op, inputs.as_slice())).collect()
    }

    #[test]
    fn scopes_name_residual_blocks() {
        let nodes = residual(4);
        let graph = named(&borrowed(&nodes), |n| match n {
            0 => "/conv1/Conv".into(),
            21 => "/pool/Pool".into(),
            n => format!("/layer{0}/layer{0}.{1}/part{n}/Op", (n - 1) / 10 + 1, (n - 1) / 5 % 2),
        });
        let expected =
            [("layer1.0", 1..6), ("layer1.1", 6..11), ("layer2.0", 11..16), ("layer2.1", 16..21)];
        assert_eq!(found(&graph), expected.map(|(name, nodes)| (name.to_owned(), nodes)));
    }

    #[test]
    fn scopes_name_attention_layers_and_not_their_parts() {
        let nodes = transformer(3);
        let graph = named(&borrowed(&nodes), |n| match n {
            0 => "/embeddings/Gather".into(),
            n => {
                let part = if (n - 1) % 14 < 9 { "attention/self" } else { "output/dense.0" };
                format!("/encoder/layer.{}/{part}/Op_{n}", (n - 1) / 14)
            }
        });
        let expected = [("layer.0", 1..15), ("layer.1", 15..29), ("layer.2", 29..43)];
        assert_eq!(found(&graph), expected.map(|(name, nodes)| (name.to_owned(), nodes)));
    }

    #[test]
    fn structure_finds_residual_blocks_without_names() {
        let nodes = residual(4);
        let blocks = found(&graph(&borrowed(&nodes)));
        let expected = [1..6, 6..11, 11..16, 16..21];
        assert_eq!(blocks.iter().map(|(_, nodes)| nodes.clone()).collect::<Vec<_>>(), expected);
        assert_eq!(blocks[1].0, "Residual block 2");
    }

    #[test]
    fn structure_finds_transformer_layers_without_names() {
        let nodes = transformer(4);
        let blocks = found(&graph(&borrowed(&nodes)));
        let expected = [1..15, 15..29, 29..43, 43..57];
        assert_eq!(blocks.iter().map(|(_, nodes)| nodes.clone()).collect::<Vec<_>>(), expected);
        assert_eq!(blocks[0].0, "Attention block 1");
    }

    #[test]
    fn graphs_without_repetition_have_no_blocks() {
        for seed in 0..20 {
            assert_eq!(found(&random_graph(200, seed)), [], "seed {seed}");
        }
        assert_eq!(found(&residual_graph()), [], "two blocks that differ");
    }

    #[test]
    fn many_blocks_are_put_together_and_keep_their_parts() {
        let nodes = residual(100);
        let blocks = detect(&graph(&borrowed(&nodes)), &[false; 502]);
        assert_eq!(blocks.len(), 10);
        assert_eq!(&*blocks[0].name, "Residual block 1–10");
        for block in &blocks {
            assert_eq!(block.parts.len(), 10);
            assert_eq!(block.parts[0].nodes.start, block.nodes.start);
            assert_eq!(block.parts[9].nodes.end, block.nodes.end);
        }
    }

    #[test]
    fn a_block_never_begins_with_an_absorbed_node() {
        let nodes = residual(3);
        let mut absorbed = vec![false; nodes.len()];
        // The first convolution of the second block, as if the block before absorbed it.
        absorbed[6] = true;
        let blocks = detect(&graph(&borrowed(&nodes)), &absorbed);
        let ranges: Vec<_> = blocks.into_iter().map(|block| block.nodes).collect();
        assert_eq!(ranges, [1..7, 7..11, 11..16]);
    }
}
