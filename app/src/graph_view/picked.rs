//! What is selected beside the one node and the one boundary: several boundaries, or nodes that
//! may become a slice.

use std::collections::BTreeSet;
use std::ops::Range;

use super::Selection;

/// Boundaries and nodes that were selected together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Picked {
    /// Boundaries beside the selected one.
    cuts: BTreeSet<usize>,
    /// Nodes that may become a slice.
    nodes: BTreeSet<usize>,
    /// The nodes that a range of nodes begins at: one, or those of a folded block.
    anchor: Option<Range<usize>>,
}

impl Picked {
    /// All boundaries that are selected.
    #[must_use]
    pub fn cuts(&self, selection: Selection) -> BTreeSet<usize> {
        self.cuts.iter().copied().chain(selection.cut).collect()
    }

    /// Nodes that may become a slice.
    #[must_use]
    pub fn nodes(&self) -> &BTreeSet<usize> {
        &self.nodes
    }

    /// Selects a boundary too, or no longer.
    pub fn toggle_cut(&mut self, selection: &mut Selection, cut: usize) {
        self.nodes.clear();
        if selection.cut == Some(cut) {
            selection.cut = self.cuts.pop_first();
        } else if !self.cuts.remove(&cut) {
            self.cuts.extend(selection.cut.replace(cut));
        }
    }

    /// Selects these boundaries and no others.
    pub fn set_cuts(&mut self, selection: &mut Selection, cuts: impl IntoIterator<Item = usize>) {
        self.nodes.clear();
        self.cuts = cuts.into_iter().collect();
        let stays = selection.cut.filter(|cut| self.cuts.remove(cut));
        selection.cut = stays.or_else(|| self.cuts.pop_first());
    }

    /// A boundary is elsewhere now, and stays selected if it was.
    pub fn move_cut(&mut self, from: usize, to: usize) {
        if self.cuts.remove(&from) {
            self.cuts.insert(to);
        }
    }

    /// Forgets boundaries that are no more.
    pub fn retain_cuts(&mut self, selection: &mut Selection, there: &[usize]) {
        self.cuts.retain(|cut| there.contains(cut));
        if selection.cut.is_some_and(|cut| !there.contains(&cut)) {
            selection.cut = self.cuts.pop_first();
        }
    }

    /// Selects these nodes and no boundaries.
    pub fn set_nodes(&mut self, selection: &mut Selection, nodes: BTreeSet<usize>) {
        self.clear(selection);
        self.nodes = nodes;
    }

    /// A range of nodes begins here; those selected before are let go.
    pub fn begin_range(&mut self, nodes: Range<usize>) {
        self.nodes.clear();
        self.anchor = Some(nodes);
    }

    /// The nodes from where the range begins to these.
    #[must_use]
    pub fn range_to(&self, selection: Selection, nodes: Range<usize>) -> BTreeSet<usize> {
        let selected = selection.node.map(|node| node..node + 1);
        let from = self.anchor.clone().or(selected).unwrap_or(nodes.clone());
        (from.start.min(nodes.start)..from.end.max(nodes.end)).collect()
    }

    /// Selects nothing of this any more.
    pub fn clear(&mut self, selection: &mut Selection) {
        self.cuts.clear();
        self.nodes.clear();
        selection.cut = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boundaries_are_selected_together_and_one_by_one() {
        let (mut picked, mut selection) = (Picked::default(), Selection::default());
        let all =
            |picked: &Picked, selection| picked.cuts(selection).into_iter().collect::<Vec<_>>();
        for cut in [4, 2, 9] {
            picked.toggle_cut(&mut selection, cut);
        }
        assert_eq!((all(&picked, selection), selection.cut), (vec![2, 4, 9], Some(9)));
        picked.toggle_cut(&mut selection, 9);
        assert_eq!((all(&picked, selection), selection.cut), (vec![2, 4], Some(2)));
        picked.move_cut(4, 5);
        picked.retain_cuts(&mut selection, &[5, 7]);
        assert_eq!((all(&picked, selection), selection.cut), (vec![5], Some(5)));
        picked.set_cuts(&mut selection, [5, 7, 8]);
        assert_eq!((all(&picked, selection), selection.cut), (vec![5, 7, 8], Some(5)));
        picked.set_nodes(&mut selection, BTreeSet::from([1]));
        assert!(all(&picked, selection).is_empty());
    }

    #[test]
    fn a_range_goes_both_ways() {
        let (mut picked, selection) = (Picked::default(), Selection::default());
        assert_eq!(picked.range_to(selection, 3..4), BTreeSet::from([3]));
        picked.begin_range(5..6);
        assert_eq!(picked.range_to(selection, 3..4), BTreeSet::from([3, 4, 5]));
        assert_eq!(picked.range_to(selection, 6..7), BTreeSet::from([5, 6]));
    }
}
