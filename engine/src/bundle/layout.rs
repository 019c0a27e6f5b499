//! How a plan's cuts divide a model and its program. Prover and verifier both build it from the
//! model; none of it is in a bundle.

use std::collections::BTreeSet;

use super::Outline;
use crate::program::{Program, ProgramSlice, Trace, ValueId};
use crate::prove::System;

/// How a plan's cuts divide a model and its program.
#[derive(Clone, Debug)]
pub struct Layout {
    /// The slices, in order.
    pub slices: Vec<SliceLayout>,
    /// The tensors that are committed to: inputs and outputs of the program and of every slice,
    /// increasing by id.
    pub boundary: Vec<ValueId>,
    /// For each of the program's inputs, which input of the model it is.
    pub inputs: Vec<usize>,
    /// The program's tensor for each output of the model; `None` where the output depends on a
    /// node that can't be lowered.
    pub outputs: Vec<Option<ValueId>>,
}

/// The tensors that are public under a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicTensors {
    /// All of them.
    pub open: BTreeSet<ValueId>,
    /// Those of them that are bound by a plain digest.
    pub plain: BTreeSet<ValueId>,
}

/// One slice of the plan.
#[derive(Clone, Debug)]
pub struct SliceLayout {
    /// Its nodes.
    pub nodes: Vec<usize>,
    /// Its part of the program; without operations where all of its nodes have obstacles.
    pub program: ProgramSlice,
    /// Why it can't be proven, where one of its nodes can't be lowered.
    pub obstacle: Option<String>,
    /// Its multiply-accumulates.
    pub macs: u64,
}

impl Layout {
    /// Divides a model at cuts.
    ///
    /// # Errors
    /// Where the cuts are not increasing, or not all of them are legal.
    pub fn new(outline: &Outline, program: &Program, cuts: &[usize]) -> Result<Self, String> {
        if cuts.windows(2).any(|pair| pair[0] >= pair[1]) {
            return Err(format!("its cuts {cuts:?} do not increase"));
        }
        let legal = &outline.legal_cuts;
        if let Some(cut) = cuts.iter().find(|cut| legal.binary_search(cut).is_err()) {
            return Err(format!("the model has no cut of its own before node {cut}"));
        }
        let op_cuts: Vec<usize> = cuts.iter().map(|&cut| program.op_at_node(cut)).collect();
        let starts = std::iter::once(0).chain(cuts.iter().copied());
        let ends = cuts.iter().copied().chain(std::iter::once(outline.nodes.len()));
        let slices: Vec<SliceLayout> = starts
            .zip(ends)
            .zip(program.slices(&op_cuts))
            .map(|((start, end), program)| {
                let nodes = outline.nodes_between(start, end);
                let obstacle = nodes.iter().find_map(|&node| outline.nodes[node].obstacle.clone());
                let macs =
                    nodes.iter().fold(0u64, |sum, &n| sum.saturating_add(outline.nodes[n].macs));
                SliceLayout { obstacle, nodes, program, macs }
            })
            .collect();
        let boundary: BTreeSet<ValueId> = slices
            .iter()
            .flat_map(|slice| slice.program.inputs.iter().chain(&slice.program.outputs))
            .chain(&program.inputs)
            .chain(&program.outputs)
            .copied()
            .collect();
        Ok(Self {
            slices,
            boundary: boundary.into_iter().collect(),
            inputs: outline.inputs.clone(),
            outputs: outline.outputs.clone(),
        })
    }

    /// Quantises the model's inputs, given in the model's order, for the program.
    ///
    /// # Errors
    /// Where one is missing, has the wrong length or leaves its range.
    pub fn quantise(&self, program: &Program, inputs: &[Vec<f32>]) -> Result<Trace, String> {
        self.inputs
            .iter()
            .zip(&program.inputs)
            .map(|(&place, &id)| {
                let floats = inputs.get(place).ok_or_else(|| {
                    format!("input {:?} of the model is missing", program.value(id).name)
                })?;
                Ok((id, program.quantise(id, floats).map_err(|error| error.to_string())?))
            })
            .collect()
    }

    /// The model's outputs in real numbers; `None` where a tensor is not in the trace.
    #[must_use]
    pub fn real_outputs(&self, program: &Program, trace: &Trace) -> Option<Vec<Vec<f32>>> {
        self.outputs
            .iter()
            .map(|id| id.and_then(|id| Some(program.dequantise(id, trace.get(&id)?))))
            .collect()
    }

    /// The tensors that are public under a plan with these systems: those beside a slice whose
    /// system hides nothing. What lies beside no other slice needs no commitment that hides it.
    #[must_use]
    pub fn public(&self, systems: &[System]) -> PublicTensors {
        let (mut open, mut hiding) = (BTreeSet::new(), BTreeSet::new());
        for (slice, system) in self.slices.iter().zip(systems) {
            let beside = slice.program.inputs.iter().chain(&slice.program.outputs).copied();
            if system.is_zero_knowledge() {
                hiding.extend(beside);
            } else {
                open.extend(beside);
            }
        }
        let plain = open.difference(&hiding).copied().collect();
        PublicTensors { open, plain }
    }

    /// The slices that the model's outputs depend on; `None` where an output can't be lowered.
    #[must_use]
    pub fn ancestors_of_outputs(&self) -> Option<Vec<usize>> {
        let mut wanted: BTreeSet<ValueId> = self.outputs.iter().copied().collect::<Option<_>>()?;
        let mut ancestors = Vec::new();
        // Slices are in topological order, so going backwards meets every consumer first.
        for (index, slice) in self.slices.iter().enumerate().rev() {
            if slice.program.outputs.iter().any(|id| wanted.contains(id)) {
                wanted.extend(&slice.program.inputs);
                ancestors.push(index);
            }
        }
        ancestors.reverse();
        Some(ancestors)
    }
}
