//! What a verdict needs of a model beside its program: where it may be cut, what its nodes cost,
//! and which tensors are its inputs and outputs. A card of committed weights carries it in place
//! of the model.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::cost;
use crate::digest::Digest;
use crate::graph::{Graph, Splits};
use crate::program::{Program, Skeleton, ValueId};

/// What a verdict needs of a model beside its program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outline {
    /// Digest of the model.
    pub model: Digest,
    /// The nodes of it that are split; what follows is of the model that comes of it.
    pub splits: Splits,
    /// Its nodes, in order.
    pub nodes: Vec<OutlineNode>,
    /// The cuts that differ, increasing.
    pub legal_cuts: Vec<usize>,
    /// Names and shapes of the model's inputs.
    pub model_inputs: Vec<(String, Option<Vec<usize>>)>,
    /// For each of the program's inputs, which input of the model it is.
    pub inputs: Vec<usize>,
    /// The program's tensor for each output of the model; `None` where the output depends on a
    /// node that can't be lowered.
    pub outputs: Vec<Option<ValueId>>,
}

/// A node of the model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutlineNode {
    /// The node that it follows when the model is cut: itself, or its absorber.
    pub owner: usize,
    /// Its multiply-accumulates.
    pub macs: u64,
    /// Why it can't be proven, where it can't.
    pub obstacle: Option<String>,
}

impl Outline {
    /// The outline of a model.
    ///
    /// # Errors
    /// Where an input of the program is none of the model.
    pub fn of(graph: &Graph, skeleton: &Skeleton) -> Result<Self, String> {
        let costs = cost::of(graph);
        let node = |node: usize| OutlineNode {
            owner: skeleton.owner(node),
            macs: costs[node].macs,
            obstacle: skeleton.obstacle(node).map(str::to_owned),
        };
        let inputs = graph.inputs.iter().map(|&id| graph.tensor(id));
        Ok(Self {
            model: graph.file_digest(),
            splits: graph.splits(),
            model_inputs: inputs.map(|t| (t.name.clone(), t.shape.clone())).collect(),
            nodes: (0..graph.nodes.len()).map(node).collect(),
            legal_cuts: skeleton.legal_cuts().to_vec(),
            inputs: input_places(graph, skeleton)?,
            outputs: graph.outputs.iter().map(|&id| skeleton.value_of(id)).collect(),
        })
    }

    /// Checks an outline that came with a program from a file.
    ///
    /// # Errors
    /// Says what doesn't fit.
    pub(super) fn check(&self, program: &Program) -> Result<(), String> {
        let count = self.nodes.len();
        let cuts = &self.legal_cuts;
        let fits = self.nodes.iter().all(|node| node.owner < count)
            && cuts.windows(2).all(|pair| pair[0] < pair[1])
            && cuts.iter().all(|&cut| 0 < cut && cut < count)
            && self.inputs.len() == program.inputs.len()
            && self.inputs.iter().all(|&input| input < self.model_inputs.len())
            && self.inputs.iter().collect::<BTreeSet<_>>().len() == self.inputs.len()
            && self.outputs.iter().flatten().all(|id| program.outputs.contains(id))
            && program.ops.iter().all(|op| op.node < count);
        if fits { Ok(()) } else { Err("its outline doesn't fit its program".to_owned()) }
    }

    /// The nodes between two cuts, with those that they absorb, in increasing order.
    pub(super) fn nodes_between(&self, from: usize, to: usize) -> Vec<usize> {
        (0..self.nodes.len()).filter(|&n| (from..to).contains(&self.nodes[n].owner)).collect()
    }
}

fn input_places(graph: &Graph, skeleton: &Skeleton) -> Result<Vec<usize>, String> {
    skeleton
        .inputs
        .iter()
        .map(|&id| {
            let value = &skeleton.values[id.index()];
            graph
                .inputs
                .iter()
                .position(|&input| Some(input) == value.tensor)
                .ok_or_else(|| format!("{:?} is no input of the model", value.name))
        })
        .collect()
}
