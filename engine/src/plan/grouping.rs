//! Nodes that a user selected, as a slice: whether they can be one, and the edit that makes it.

use std::collections::BTreeSet;

use super::{Plan, PlanError};
use crate::program::Skeleton;

impl Plan {
    /// The cuts around a slice of exactly these nodes: `(from, to)`, where 0 and the number of
    /// nodes are the model's ends. A node and what it absorbs belong together, so that selecting
    /// one of them selects all.
    ///
    /// # Errors
    /// Where there is no node, one of them is not the model's, or others lie between them in the
    /// model's order.
    pub fn slice_of(
        skeleton: &Skeleton,
        nodes: &BTreeSet<usize>,
    ) -> Result<(usize, usize), PlanError> {
        let end = skeleton.node_count();
        if let Some(&node) = nodes.iter().find(|&&node| node >= end) {
            return Err(PlanError::NoSuchNode { node, count: end });
        }
        let owners: BTreeSet<usize> = nodes.iter().map(|&node| skeleton.owner(node)).collect();
        let (Some(&first), Some(&last)) = (owners.first(), owners.last()) else {
            return Err(PlanError::NoNodes);
        };
        let legal = skeleton.legal_cuts();
        // Only the node before the first legal cut has none to start it.
        let from = if legal.binary_search(&first).is_ok() { first } else { 0 };
        let to = legal.get(legal.partition_point(|&cut| cut <= last)).copied().unwrap_or(end);
        let inside = || legal.iter().copied().filter(|cut| (from + 1..to).contains(cut));
        let missing: Vec<usize> = inside().filter(|cut| !owners.contains(cut)).collect();
        match missing[..] {
            [] => Ok((from, to)),
            [node, ..] => Err(PlanError::Between { node, count: missing.len() }),
        }
    }

    /// Makes one slice of exactly these nodes (see [`slice_of`](Self::slice_of)): cuts are added
    /// around them and those among them are removed. Returns the slice's index. The slice is
    /// proven by the system of the slice that held its first node, and what is cut off from its
    /// neighbours keeps theirs.
    ///
    /// # Errors
    /// Where the nodes can't be a slice, are one already, or have a locked cut among them. The plan
    /// is then as it was.
    pub fn make_slice(
        &mut self,
        skeleton: &Skeleton,
        nodes: &BTreeSet<usize>,
    ) -> Result<usize, PlanError> {
        let (from, to) = Self::slice_of(skeleton, nodes)?;
        let end = skeleton.node_count();
        if let Some(slice) = self.ranges(end).iter().position(|&range| range == (from, to)) {
            return Err(PlanError::SliceAlready { slice });
        }
        let inner: Vec<usize> =
            self.cuts.iter().copied().filter(|cut| (from + 1..to).contains(cut)).collect();
        if let Some(&cut) = inner.iter().find(|&&cut| self.is_locked(cut)) {
            let boundary = self.cuts.partition_point(|&c| c < cut) + 1;
            return Err(PlanError::LockedInside { cut, boundary });
        }
        for cut in [to, from] {
            if cut != 0 && cut != end && self.cuts.binary_search(&cut).is_err() {
                self.add(skeleton, cut)?;
            }
        }
        for cut in inner {
            self.remove(cut)?;
        }
        Ok(self.cuts.partition_point(|&cut| cut <= from))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::tests::chain;
    use crate::prove::System;

    fn set(nodes: impl IntoIterator<Item = usize>) -> BTreeSet<usize> {
        nodes.into_iter().collect()
    }

    #[test]
    fn cuts_are_added_around_the_nodes_and_removed_among_them() {
        let model = chain();
        let skeleton = Skeleton::of(&model.graph);
        let with = |cuts: &[usize]| Plan::from_cuts(model.graph.digest, &skeleton, cuts).unwrap();
        for (cuts, nodes, slice, expected) in [
            (&[][..], 3..6, 1, &[3, 6][..]),
            (&[4, 5], 3..6, 1, &[3, 6]),
            (&[2, 4, 8], 4..9, 2, &[2, 4, 9]),
            (&[4], 0..6, 0, &[6]),
            // The last node is an identity, which the one before absorbs.
            (&[2, 9], 7..13, 2, &[2, 7]),
            (&[2, 9], 0..13, 0, &[]),
        ] {
            let mut plan = with(cuts);
            assert_eq!(plan.make_slice(&skeleton, &set(nodes.clone())), Ok(slice), "{nodes:?}");
            assert_eq!(plan.cuts(), expected, "{nodes:?} in {cuts:?}");
            plan.check(model.graph.digest, &skeleton).unwrap();
        }
    }

    #[test]
    fn what_cant_be_a_slice_says_why_and_changes_nothing() {
        let model = chain();
        let skeleton = Skeleton::of(&model.graph);
        let mut plan = Plan::from_cuts(model.graph.digest, &skeleton, &[3, 7]).unwrap();
        plan.set_locked(7, true).unwrap();
        let before = plan.clone();
        for (nodes, reason) in [
            (set([]), "select nodes first"),
            (set([2, 99]), "there is no node 99: the model has 14 nodes"),
            (set([1, 2, 4]), "slices are contiguous: node 3 lies between and is not selected"),
            (
                set([1, 5]),
                "slices are contiguous: node 2 and 2 more lie between and are not selected",
            ),
            (set(6..9), "boundary 2 is locked inside the selection: unlock it first"),
            (set(3..7), "these nodes are slice 1 already"),
        ] {
            let said = plan.make_slice(&skeleton, &nodes).unwrap_err().to_string();
            assert_eq!(said, reason);
            assert_eq!(plan, before);
        }
    }

    #[test]
    fn the_parts_keep_their_proof_systems() {
        let model = chain();
        let skeleton = Skeleton::of(&model.graph);
        let mut plan = Plan::from_cuts(model.graph.digest, &skeleton, &[5]).unwrap();
        plan.set_system(1, System::Whir);
        plan.make_slice(&skeleton, &set(3..8)).unwrap();
        let systems: Vec<_> = (0..plan.slice_count()).map(|slice| plan.system(slice)).collect();
        assert_eq!(plan.cuts(), [3, 8]);
        assert_eq!(systems, [System::Halo2, System::Halo2, System::Whir]);
    }
}
