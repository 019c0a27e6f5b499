//! Nodes that are too big for one proof, as tiles that compute the same.
//!
//! A convolution, pool or layer is replaced by nodes that each compute a part of its output: some
//! rows, from those rows of the input that their windows reach (`needs`), or some channels, from a
//! part of the weights. What follows it element by element is split with it (`group`). What comes
//! out is a model with more nodes ([`crate::onnx`] writes it), so that plans, proofs, bundles and
//! drawings need not know of tiles.
//!
//! The program computes bit for bit what it computed before: parts of one tensor have the scale of
//! the whole, and weights are rounded as those of the whole layer are (`program::skeleton::tiles`).
//! A split for which that can't be had is refused.
//!
//! Row tiles between the first and the last have equal geometry and equal weights, so they are one
//! circuit in different places. To keep them equal a tile reads pieces that fit it, which are cut
//! off where they are made.

mod emit;
mod fitting;
mod group;
mod needs;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::mem::{Discriminant, discriminant};

use crate::graph::{Graph, Splits};
use crate::onnx::{Model, OnnxError};
use crate::program::Skeleton;
use crate::program::skeleton::SkeletonKind;

pub(crate) use fitting::tile_ranges;
pub use fitting::{Wanted, fitting};
use group::Group;

/// Why a model can't be split so.
#[derive(Debug, thiserror::Error)]
pub enum SplitError {
    /// A node that the model doesn't have.
    #[error("the model has no node {node:?} to split: `analyze` lists its nodes")]
    NoSuchNode {
        /// The name given.
        node: String,
    },
    /// A node that can't be split so.
    #[error("node {node:?} ({operator}) can't be split by {axis}: {reason}")]
    Node {
        /// The node.
        node: String,
        /// Its operator.
        operator: String,
        /// What it was to be divided along.
        axis: &'static str,
        /// Why not.
        reason: String,
    },
    /// More than any model needs.
    #[error("these splits make {what}, and {most} are possible: take fewer tiles")]
    TooMany {
        /// What there is too much of.
        what: String,
        /// The most.
        most: usize,
    },
    /// What would come out is no model.
    #[error(transparent)]
    Onnx(#[from] OnnxError),
}

/// Splits nodes of a model. Splits that it has are replaced; without any, the model is as its file
/// has it.
///
/// # Errors
/// Where there is no such node, it can't be split so, or what comes out is too large.
pub fn split(model: &Model, splits: &Splits) -> Result<Model, SplitError> {
    let model = model.unsplit();
    if splits.is_empty() {
        return Ok(model.clone());
    }
    let graph = &model.graph;
    let groups = Group::all(graph, splits)?;
    let rewriting = emit::rewriting(graph, splits, &groups)?;
    let split = model.rewritten(&rewriting)?;
    same_operations(graph, &split.graph)?;
    Ok(split)
}

/// Checks that every node becomes the operations that it became before, tile by tile: a layer may
/// fold what follows it as a whole and not in tiles, which would round otherwise.
fn same_operations(before: &Graph, after: &Graph) -> Result<(), SplitError> {
    let index: BTreeMap<&str, usize> =
        before.nodes.iter().enumerate().map(|(i, node)| (node.name.as_str(), i)).collect();
    let (expected, got) = (kinds(before), kinds(after));
    for (node, got) in got.iter().enumerate() {
        let tile = after.tiling.as_ref().and_then(|tiling| tiling.tiles.get(&node));
        let name = after.nodes[node].name.as_str();
        let Some(origin) = tile.map(|tile| tile.node).or_else(|| index.get(name).copied()) else {
            continue;
        };
        if expected[origin] != *got {
            let node = &before.nodes[origin];
            return Err(SplitError::Node {
                node: node.name.clone(),
                operator: node.op.clone(),
                axis: "tiles",
                reason: "it is lowered otherwise as a part than as a whole, and would round \
                         otherwise"
                    .into(),
            });
        }
    }
    Ok(())
}

/// The kinds of operation that each node becomes.
fn kinds(graph: &Graph) -> Vec<Vec<Discriminant<SkeletonKind>>> {
    let mut kinds = vec![Vec::new(); graph.nodes.len()];
    for op in Skeleton::of(graph).ops {
        kinds[op.node].push(discriminant(&op.kind));
    }
    kinds
}
