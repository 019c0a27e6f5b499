//! Picking elements by position: what moves tensors, and sums over some of their dimensions.
//!
//! Where an operand is read factors over the dimensions of the output: the element is a sum of one
//! number for each position. So a map over millions of elements is described by as many numbers as
//! its sides have, and whether it stays inside its operands can be told from those alone.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::linear::{Linear, Map, Site, Tap};

/// How a [`Map::Gather`] reads an operand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Read {
    /// For each dimension of the output and each position on it, the elements to step over; `None`
    /// where outputs at that position don't read the operand.
    pub axes: Vec<Vec<Option<u32>>>,
    /// Dimensions that are summed over, each with the elements to step over at its positions.
    pub sums: Vec<Vec<u32>>,
}

impl Read {
    /// The element that an output reads first, given its position on each dimension.
    pub(super) fn element(&self, position: &[usize]) -> Option<usize> {
        let steps = self.axes.iter().zip(position).map(|(axis, &at)| axis[at]);
        steps.map(|step| step.map(|step| step as usize)).sum()
    }

    /// What is added to that element for each of those that are summed; 0 alone without sums.
    pub(crate) fn offsets(&self) -> Vec<usize> {
        self.sums.iter().fold(vec![0], |offsets, sum| {
            let all = offsets.iter().flat_map(|&at| sum.iter().map(move |&s| at + s as usize));
            all.collect()
        })
    }

    /// Taps of an output that reads the operand.
    pub(crate) fn fan(&self) -> Option<usize> {
        self.sums.iter().try_fold(1usize, |fan, sum| fan.checked_mul(sum.len()))
    }

    /// The last element that is read at all, where there is one.
    pub(crate) fn reach(&self) -> Option<u64> {
        let axes = self.axes.iter().map(|axis| axis.iter().flatten().max().copied());
        let sums = self.sums.iter().map(|sum| sum.iter().max().copied());
        axes.chain(sums).try_fold(0u64, |reach, step| Some(reach + u64::from(step?)))
    }
}

/// The positions of a shape's elements in row-major order.
pub(super) fn positions(shape: &[usize], mut f: impl FnMut(usize, &[usize])) {
    let mut position = vec![0; shape.len()];
    for element in 0..shape.iter().product() {
        f(element, &position);
        for (at, &side) in position.iter_mut().zip(shape).rev() {
            *at += 1;
            if *at < side {
                break;
            }
            *at = 0;
        }
    }
}

/// Visits the outputs one by one, each as a site of its own.
pub(super) fn visit(
    shape: &[usize],
    reads: &[Read],
    weights: &[i32],
    bias: &[i64],
    f: &mut impl FnMut(Site<'_>),
) {
    let offsets: Vec<Vec<usize>> = reads.iter().map(Read::offsets).collect();
    let (mut taps, mut tap_weights) = (Vec::new(), Vec::new());
    positions(shape, |element, position| {
        taps.clear();
        tap_weights.clear();
        for (((operand, read), offsets), &weight) in (0u32..).zip(reads).zip(&offsets).zip(weights)
        {
            let Some(first) = read.element(position) else { continue };
            taps.extend(offsets.iter().map(|at| Tap { operand, element: (first + at) as u32 }));
            tap_weights.resize(taps.len(), weight);
        }
        f(Site {
            taps: &taps,
            outputs: &[element as u32],
            weights: &tap_weights,
            biases: &[bias.get(element).copied().unwrap_or(0)],
        });
    });
}

/// Which operands are read together, and at how many positions of these dimensions. The masks have
/// one truth value an operand. Dimensions are by number, of the shape that `reads` go over.
pub(crate) fn presence(
    reads: &[Read],
    dimensions: impl IntoIterator<Item = usize>,
) -> BTreeMap<Vec<bool>, usize> {
    let mut masks = BTreeMap::from([(vec![true; reads.len()], 1)]);
    for dimension in dimensions {
        let mut here: BTreeMap<Vec<bool>, usize> = BTreeMap::new();
        let side = reads.first().map_or(0, |read| read.axes[dimension].len());
        for at in 0..side {
            let mask = reads.iter().map(|read| read.axes[dimension][at].is_some()).collect();
            *here.entry(mask).or_insert(0) += 1;
        }
        let mut both: BTreeMap<Vec<bool>, usize> = BTreeMap::new();
        for (mask, count) in &masks {
            for (other, times) in &here {
                let mask = mask.iter().zip(other).map(|(&a, &b)| a && b).collect();
                *both.entry(mask).or_insert(0) += count * times;
            }
        }
        masks = both;
    }
    masks
}

impl Linear {
    /// Whether every output is one element of one operand as it is: then nothing is computed, and
    /// the output has the range of what it reads.
    #[must_use]
    pub fn is_move(&self) -> bool {
        let Map::Gather { shape, reads } = &self.map else { return false };
        let whole = 1i64 << self.shift;
        self.bias.is_empty()
            && reads.iter().all(|read| read.sums.is_empty())
            && self.weights.iter().all(|&weight| i64::from(weight) == whole)
            && presence(reads, 0..shape.len())
                .keys()
                .all(|mask| mask.iter().filter(|&&reads| reads).count() == 1)
    }
}
