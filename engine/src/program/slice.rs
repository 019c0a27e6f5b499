//! A contiguous piece of the program, with the tensors on its boundary.

use std::collections::BTreeSet;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::{Op, Program, ValueId};

/// A contiguous piece of the program.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ProgramSlice {
    /// Its operations, as a range of [`Program::ops`].
    pub ops: Range<usize>,
    /// Tensors that it reads and doesn't compute, increasing by id.
    pub inputs: Vec<ValueId>,
    /// Tensors that it computes and that a later slice or the user reads, increasing by id.
    pub outputs: Vec<ValueId>,
}

impl Program {
    /// The piece that consists of these operations.
    ///
    /// # Panics
    /// Where the range reaches beyond the program.
    #[must_use]
    pub fn slice(&self, ops: Range<usize>) -> ProgramSlice {
        let inside = &self.ops[ops.clone()];
        let made: BTreeSet<_> = inside.iter().map(|op| op.output).collect();
        let inputs: BTreeSet<_> = reads(inside).filter(|id| !made.contains(id)).collect();
        let later: BTreeSet<_> =
            reads(&self.ops[ops.end..]).chain(self.outputs.iter().copied()).collect();
        let outputs = made.intersection(&later).copied().collect();
        ProgramSlice { ops, inputs: inputs.into_iter().collect(), outputs }
    }

    /// The slices between cuts, where a cut is an index of an operation that starts a new slice.
    #[must_use]
    pub fn slices(&self, cuts: &[usize]) -> Vec<ProgramSlice> {
        let starts = std::iter::once(0).chain(cuts.iter().copied());
        let ends = cuts.iter().copied().chain(std::iter::once(self.ops.len()));
        starts.zip(ends).map(|(start, end)| self.slice(start..end)).collect()
    }

    /// The index of the first operation whose node is at or after `node`.
    #[must_use]
    pub fn op_at_node(&self, node: usize) -> usize {
        self.ops.partition_point(|op| op.node < node)
    }
}

fn reads(ops: &[Op]) -> impl Iterator<Item = ValueId> {
    ops.iter().flat_map(|op| op.inputs.iter().copied())
}
