//! Which activations are alive while nodes run in order, and what crosses a boundary.

use std::collections::BTreeSet;

use crate::graph::{Graph, TensorId};

/// The most bytes of activations alive at one time while these nodes run by themselves, in their
/// order: what they read from outside is alive until its last reader among them, and what they
/// answer with stays alive to the end.
#[must_use]
pub fn peak_activation_bytes(graph: &Graph, nodes: &[usize]) -> u64 {
    let (inputs, outputs) = boundary(graph, nodes);
    let bytes = |id: TensorId| graph.tensor(id).bytes().unwrap_or(0);
    let inside: BTreeSet<usize> = nodes.iter().copied().collect();
    let kept: BTreeSet<TensorId> = outputs.into_iter().collect();
    let last_reader = |id: TensorId| {
        graph.tensor(id).consumers.iter().rev().copied().find(|c| inside.contains(c))
    };
    let mut alive: u64 = inputs.iter().map(|&id| bytes(id)).sum();
    let mut peak = alive;
    for &index in nodes {
        let node = &graph.nodes[index];
        let made: Vec<TensorId> = node.outputs.iter().flatten().copied().collect();
        alive += made.iter().map(|&id| bytes(id)).sum::<u64>();
        peak = peak.max(alive);
        let mut read: Vec<TensorId> = graph.data_inputs(node).chain(made).collect();
        read.sort_unstable();
        read.dedup();
        for id in read {
            let done = last_reader(id).is_none_or(|last| last == index);
            if done && !kept.contains(&id) {
                alive -= bytes(id);
            }
        }
    }
    peak
}

/// The tensors that these nodes read from outside, and those that they make and others read (or
/// that the model answers with), both increasing by id.
#[must_use]
pub fn boundary(graph: &Graph, nodes: &[usize]) -> (Vec<TensorId>, Vec<TensorId>) {
    let inside: BTreeSet<usize> = nodes.iter().copied().collect();
    let mut inputs = BTreeSet::new();
    let mut outputs = BTreeSet::new();
    for &index in nodes {
        let node = &graph.nodes[index];
        let from_outside = |id: &TensorId| {
            graph.tensor(*id).producer.is_none_or(|producer| !inside.contains(&producer))
        };
        inputs.extend(graph.data_inputs(node).filter(from_outside));
        let is_read_outside = |id: &TensorId| {
            graph.outputs.contains(id)
                || graph.tensor(*id).consumers.iter().any(|c| !inside.contains(c))
        };
        outputs.extend(node.outputs.iter().flatten().copied().filter(is_read_outside));
    }
    (inputs.into_iter().collect(), outputs.into_iter().collect())
}
