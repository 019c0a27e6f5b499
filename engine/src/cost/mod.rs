//! What nodes, slices and models cost to run: MACs, FLOPs, parameters, activation memory.
//!
//! Multiply-accumulates are counted as public profilers count them: linear operators only, biases
//! left out. FLOPs are two for each MAC; other operators by formulas of their own (see `operators.rs`).

mod liveness;
pub(crate) mod operators;

use serde::{Deserialize, Serialize};

pub use liveness::{boundary, peak_activation_bytes};

use crate::graph::{Constant, Graph, TensorId};

/// What one node costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeCost {
    /// Multiply-accumulates of linear operators.
    pub macs: u64,
    /// Floating-point operations.
    pub flops: u64,
    /// Elements of the float constants that it reads.
    pub params: u64,
    /// Bytes of what it computes, in the file's element type.
    pub output_bytes: u64,
}

/// What a whole model costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Multiply-accumulates.
    pub macs: u64,
    /// Floating-point operations.
    pub flops: u64,
    /// Elements of all float constants, each tensor counted once.
    pub params: u64,
    /// The most bytes of activations alive at one time.
    pub peak_activation_bytes: u64,
}

/// The cost of each node, in the graph's order. A shape that is not known counts as nothing.
#[must_use]
pub fn of(graph: &Graph) -> Vec<NodeCost> {
    let cost = |node| {
        let (macs, flops) = operators::macs_and_flops(graph, node);
        let outputs = node.outputs.iter().flatten().map(|&id| graph.tensor(id));
        NodeCost {
            macs,
            flops,
            params: graph.parameters(node),
            output_bytes: outputs.filter_map(|t| t.bytes()).sum(),
        }
    };
    graph.nodes.iter().map(cost).collect()
}

/// The cost of the whole model.
#[must_use]
pub fn totals(graph: &Graph) -> Totals {
    let all: Vec<usize> = (0..graph.nodes.len()).collect();
    total_of(graph, &of(graph), &all)
}

/// The cost of some nodes, given in increasing order, when they run by themselves.
#[must_use]
pub fn total_of(graph: &Graph, costs: &[NodeCost], nodes: &[usize]) -> Totals {
    Totals {
        macs: nodes.iter().map(|&n| costs[n].macs).sum(),
        flops: nodes.iter().map(|&n| costs[n].flops).sum(),
        params: parameters(graph, nodes),
        peak_activation_bytes: peak_activation_bytes(graph, nodes),
    }
}

fn parameters(graph: &Graph, nodes: &[usize]) -> u64 {
    let mut read: Vec<TensorId> =
        nodes.iter().flat_map(|&n| graph.nodes[n].inputs.iter().flatten().copied()).collect();
    read.sort_unstable();
    read.dedup();
    read.into_iter()
        .map(|id| graph.tensor(id))
        .filter(|t| matches!(t.constant, Some(Constant::Float(_))))
        .filter_map(|t| t.elements())
        .sum()
}
