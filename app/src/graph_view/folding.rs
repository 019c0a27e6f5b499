//! Which blocks are drawn as one box.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use super::blocks::Block;

/// Models with more nodes are folded when they are opened.
const MOST_OPEN_NODES: usize = 150;

/// A block as it is drawn: one box, or its nodes in a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// What people call it.
    pub name: Arc<str>,
    /// Its nodes.
    pub nodes: Range<usize>,
    /// How many blocks it is made of; 0 where it is made of nodes.
    pub parts: usize,
    /// Its nodes are drawn, and it has a frame.
    pub is_open: bool,
    /// How many frames are around it.
    pub depth: usize,
}

/// What a layout is made for. It is made anew only where this differs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// The blocks that are drawn, in order, each before its parts.
    pub blocks: Vec<Shown>,
}

impl Request {
    /// The blocks that are one box each.
    pub fn folded(&self) -> impl Iterator<Item = &Shown> {
        self.blocks.iter().filter(|block| !block.is_open)
    }
}

/// What the user opened and closed.
#[derive(Clone, Debug)]
pub struct Folding {
    blocks: Arc<[Block]>,
    /// Whether there are boxes of blocks and frames around open ones at all.
    is_on: bool,
    opened: BTreeSet<(usize, usize)>,
}

fn key(block: &Block) -> (usize, usize) {
    (block.nodes.start, block.nodes.end)
}

impl Folding {
    /// A large model begins folded, a small one as it is.
    #[must_use]
    pub fn new(blocks: Arc<[Block]>, nodes: usize) -> Self {
        Self { blocks, is_on: nodes > MOST_OPEN_NODES, opened: BTreeSet::new() }
    }

    /// Whether there is something to fold.
    #[must_use]
    pub fn has_blocks(&self) -> bool {
        !self.blocks.is_empty()
    }

    /// Folds every block but those that a cut goes through.
    pub fn fold_all(&mut self) {
        self.is_on = true;
        self.opened.clear();
    }

    /// Draws every node.
    pub fn unfold_all(&mut self) {
        fn visit(block: &Block, opened: &mut BTreeSet<(usize, usize)>) {
            opened.insert(key(block));
            block.parts.iter().for_each(|part| visit(part, opened));
        }
        self.is_on = true;
        self.blocks.iter().for_each(|block| visit(block, &mut self.opened));
    }

    /// Opens a block, or closes it.
    pub fn toggle(&mut self, nodes: &Range<usize>) {
        self.is_on = true;
        let key = (nodes.start, nodes.end);
        if !self.opened.remove(&key) {
            self.opened.insert(key);
        }
    }

    /// Opens all blocks around a node.
    pub fn open_at(&mut self, node: usize) {
        self.open_where(|block| block.nodes.contains(&node));
    }

    /// Opens the blocks that a cut goes through, for good: were they to close when the cut moves
    /// on, the graph would shift under the pointer that moves it.
    pub fn open_for(&mut self, cuts: &[usize]) {
        self.open_where(|block| {
            let after = cuts.partition_point(|&cut| cut <= block.nodes.start);
            cuts.get(after).is_some_and(|&cut| block.is_cut_at(cut))
        });
    }

    fn open_where(&mut self, is_wanted: impl Fn(&Block) -> bool) {
        if !self.is_on {
            return;
        }
        let mut pending: Vec<&Block> = self.blocks.iter().collect();
        while let Some(block) = pending.pop() {
            if is_wanted(block) {
                self.opened.insert(key(block));
                pending.extend(&block.parts);
            }
        }
    }

    /// The innermost block around a node that is drawn: folded, or with a frame.
    #[must_use]
    pub fn block_at(&self, node: usize) -> Option<Range<usize>> {
        let mut around = None;
        let mut level: &[Block] = &self.blocks;
        while let Some(block) = level.iter().find(|block| block.nodes.contains(&node)) {
            around = Some(block.nodes.clone());
            if !self.opened.contains(&key(block)) {
                break;
            }
            level = &block.parts;
        }
        around
    }

    /// The layout that shows this.
    #[must_use]
    pub fn request(&self) -> Request {
        let mut blocks = Vec::new();
        if self.is_on {
            self.visit(&self.blocks, 0, &mut blocks);
        }
        Request { blocks }
    }

    fn visit(&self, level: &[Block], depth: usize, shown: &mut Vec<Shown>) {
        for block in level {
            let is_open = self.opened.contains(&key(block));
            shown.push(Shown {
                name: Arc::clone(&block.name),
                nodes: block.nodes.clone(),
                parts: block.parts.len(),
                is_open,
                depth,
            });
            if is_open {
                self.visit(&block.parts, depth + 1, shown);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(nodes: Range<usize>, parts: Vec<Block>) -> Block {
        Block { name: "block".into(), nodes, parts }
    }

    /// Two blocks of which the first is made of two.
    fn folding() -> Folding {
        let first = block(2..10, vec![block(2..6, Vec::new()), block(6..10, Vec::new())]);
        let blocks: Arc<[Block]> = vec![first, block(10..14, Vec::new())].into();
        let mut folding = Folding::new(blocks, 20);
        folding.fold_all();
        folding
    }

    fn folded(folding: &Folding) -> Vec<Range<usize>> {
        folding.request().folded().map(|shown| shown.nodes.clone()).collect()
    }

    #[test]
    fn a_large_model_begins_folded_and_a_small_one_as_it_is() {
        let blocks: Arc<[Block]> = vec![block(2..10, Vec::new())].into();
        assert_eq!(Folding::new(Arc::clone(&blocks), 100).request(), Request::default());
        assert_eq!(folded(&Folding::new(blocks, 200)), vec![2..10]);
    }

    #[test]
    fn a_cut_inside_opens_the_block_and_not_its_other_parts() {
        let mut folding = folding();
        assert_eq!(folded(&folding), [2..10, 10..14]);
        folding.open_for(&[2, 10, 14]);
        assert_eq!(folded(&folding), [2..10, 10..14], "cuts between blocks open none");
        folding.open_for(&[6]);
        assert_eq!(folded(&folding), [2..6, 6..10, 10..14]);
        folding.open_for(&[8]);
        assert_eq!(folded(&folding), [2..6, 10..14]);
    }

    #[test]
    fn opening_and_closing() {
        let mut folding = folding();
        folding.open_at(7);
        assert_eq!(folded(&folding), [2..6, 10..14]);
        assert_eq!(folding.block_at(7), Some(6..10));
        assert_eq!(folding.block_at(3), Some(2..6));
        folding.toggle(&(6..10));
        assert_eq!(folded(&folding), [2..6, 6..10, 10..14]);
        folding.unfold_all();
        assert!(folded(&folding).is_empty());
        folding.fold_all();
        assert_eq!(folded(&folding), [2..10, 10..14]);
        assert_eq!(folding.block_at(1), None);
    }
}
