//! Stretches of a graph's order that repeat: the same operators, wired the same way.
//!
//! Each node becomes a letter: its operator, and how far back it reads. A repeated block is then a
//! word that stands several times in a row; the longest rows are taken first. What lies between
//! such rows is divided where one tensor alone goes on to several readers, which is where a
//! residual block begins; of those pieces the ones that occur more than once are taken too.

use std::collections::BTreeMap;
use std::ops::Range;

use microtome_engine::graph::{Graph, TensorId};

/// Longer words are not looked for.
const LONGEST: usize = 256;
/// A word of one or two letters is a chain, of which this many nodes make a block.
const CHAIN: usize = 6;

/// One occurrence of what repeats.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    /// Its nodes.
    pub nodes: Range<usize>,
    /// The same for occurrences that stand in one row.
    pub family: usize,
}

/// What crosses a cut.
#[derive(Clone, Copy, Debug, Default)]
struct Crossing {
    tensors: usize,
    readers: usize,
}

/// A graph as letters.
pub struct Repeats {
    letters: Vec<usize>,
    crossings: Vec<Crossing>,
}

impl Repeats {
    /// Spells a graph.
    #[must_use]
    pub fn of(graph: &Graph) -> Self {
        let mut alphabet: BTreeMap<(&str, Vec<usize>), usize> = BTreeMap::new();
        let mut letters = Vec::with_capacity(graph.nodes.len());
        for (index, node) in graph.nodes.iter().enumerate() {
            // The model's input counts as made by a node before the first.
            let back = |id: TensorId| {
                let made = graph.tensor(id).producer;
                made.map_or(index + 1, |producer| index.saturating_sub(producer)).min(LONGEST)
            };
            let reads: Vec<_> = graph.data_inputs(node).map(back).collect();
            let next = alphabet.len();
            letters.push(*alphabet.entry((node.op.as_str(), reads)).or_insert(next));
        }
        Self { letters, crossings: crossings(graph) }
    }

    /// What repeats among the nodes that are free, in order, each with `least` nodes or more.
    #[must_use]
    pub fn units(&self, is_free: &[bool], least: usize) -> Vec<Unit> {
        let mut is_free = is_free.to_vec();
        let mut units = Vec::new();
        for (row, period) in self.rows() {
            let mut start = row.start;
            while start < row.end {
                let end = (start..row.end).find(|&n| !is_free[n]).unwrap_or(row.end);
                for nodes in self.divided(start..end, period, least) {
                    is_free[nodes.clone()].fill(false);
                    units.push(Unit { nodes, family: row.start });
                }
                start = (end + 1).max(start + 1);
            }
        }
        units.extend(self.pieces(&is_free, least));
        units.sort_by_key(|unit| unit.nodes.start);
        units
    }

    /// Rows in which every letter is the one a period before, the longest first.
    fn rows(&self) -> Vec<(Range<usize>, usize)> {
        let count = self.letters.len();
        let mut rows = Vec::new();
        for period in 1..=LONGEST.min(count / 2) {
            let mut start = 0;
            for at in 0..=count - period {
                let goes_on = at + period < count && self.letters[at] == self.letters[at + period];
                if !goes_on {
                    if at - start >= period {
                        rows.push((start..at + period, period));
                    }
                    start = at + 1;
                }
            }
        }
        rows.sort_by_key(|(row, period)| (std::cmp::Reverse(row.len()), *period));
        rows
    }

    /// A row as its occurrences; nothing where there are fewer than two.
    fn divided(&self, row: Range<usize>, period: usize, least: usize) -> Vec<Range<usize>> {
        let size = if period < least { period * CHAIN.div_ceil(period) } else { period };
        if row.len() < 2 * size {
            return Vec::new();
        }
        // Where the word begins is not told by the row: it begins where little crosses, and where
        // what crosses is read more than once, as a skip connection does.
        let narrow = |shift: &usize| {
            let crossing = self.crossings[row.start + shift + period];
            (crossing.tensors, std::cmp::Reverse(crossing.readers))
        };
        let shift = (0..period).min_by_key(narrow).unwrap_or(0);
        let first = row.start + shift;
        let occurrences = (row.end - first) / size;
        if occurrences < 2 {
            return Vec::new();
        }
        (0..occurrences).map(|n| first + n * size..first + (n + 1) * size).collect()
    }

    /// What lies between the rows, divided at the beginnings of blocks.
    fn pieces(&self, is_free: &[bool], least: usize) -> Vec<Unit> {
        let count = self.letters.len();
        let is_fork = |cut: usize| {
            let crossing = self.crossings[cut];
            crossing.tensors == 1 && crossing.readers > 1
        };
        let is_edge = |cut: usize| {
            cut == 0 || cut == count || is_free[cut - 1] != is_free[cut] || is_fork(cut)
        };
        let edges: Vec<_> = (0..=count).filter(|&cut| is_edge(cut)).collect();
        let mut words: BTreeMap<&[usize], Vec<Range<usize>>> = BTreeMap::new();
        for pair in edges.windows(2) {
            let piece = pair[0]..pair[1];
            let begins_well = is_fork(piece.start) || piece.start == 0;
            if is_free[piece.start] && begins_well && (least..=LONGEST).contains(&piece.len()) {
                words.entry(&self.letters[piece.clone()]).or_default().push(piece);
            }
        }
        let repeated = words.into_values().filter(|pieces| pieces.len() > 1);
        repeated.flatten().map(|nodes| Unit { family: nodes.start, nodes }).collect()
    }
}

/// What crosses each cut, from 0 to the number of nodes.
fn crossings(graph: &Graph) -> Vec<Crossing> {
    let mut changes = vec![(0_isize, 0_isize); graph.nodes.len() + 2];
    for tensor in &graph.tensors {
        let Some(&last) = tensor.consumers.last() else { continue };
        if tensor.constant.is_some() {
            continue;
        }
        let (from, to) = (tensor.producer.map_or(0, |p| p + 1), last + 1);
        let readers = tensor.consumers.len() as isize;
        if from < to {
            changes[from] = (changes[from].0 + 1, changes[from].1 + readers);
            changes[to] = (changes[to].0 - 1, changes[to].1 - readers);
        }
    }
    let mut now = (0_isize, 0_isize);
    changes[..=graph.nodes.len()]
        .iter()
        .map(|change| {
            now = (now.0 + change.0, now.1 + change.1);
            Crossing { tensors: now.0.unsigned_abs(), readers: now.1.unsigned_abs() }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::graph;

    fn ranges(nodes: &[(&str, &[u32])]) -> Vec<Range<usize>> {
        let graph = graph(nodes);
        let units = Repeats::of(&graph).units(&vec![true; nodes.len()], 4);
        units.into_iter().map(|unit| unit.nodes).collect()
    }

    #[test]
    fn a_long_chain_is_divided_into_blocks_of_several_nodes() {
        let inputs: Vec<[u32; 1]> = (0..26).map(|n| [n]).collect();
        let nodes: Vec<(&str, &[u32])> = inputs
            .iter()
            .enumerate()
            .map(|(n, i)| (if n % 2 == 0 { "Gemm" } else { "Relu" }, i.as_slice()))
            .collect();
        assert_eq!(ranges(&nodes), [0..6, 6..12, 12..18, 18..24]);
    }

    #[test]
    fn blocks_that_stand_apart_are_found_where_they_begin_with_a_fork() {
        let nodes: &[(&str, &[u32])] = &[
            ("Conv", &[0]),
            // A block, another one, and the first again.
            ("Conv", &[1]),
            ("Relu", &[2]),
            ("Conv", &[3]),
            ("Add", &[1, 4]),
            ("Sigmoid", &[5]),
            ("Tanh", &[6]),
            ("Mul", &[5, 7]),
            ("Conv", &[8]),
            ("Relu", &[9]),
            ("Conv", &[10]),
            ("Add", &[8, 11]),
        ];
        assert_eq!(ranges(nodes), [1..5, 8..12]);
    }
}
