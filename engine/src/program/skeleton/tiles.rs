//! What the tiles of one layer share: the scale of the tensor that they are parts of, and the
//! rounding of the layer's weights. With both, they compute bit for bit what the layer would.

use std::collections::BTreeMap;

use super::ops::Builder;
use super::{FloatWeights, Scale, SkeletonKind, ValueId};
use crate::graph::TensorId;

impl Builder<'_> {
    /// Finds the tensors and operations that are parts of one of the graph before it was split.
    pub(super) fn join_tiles(&mut self) {
        let Some(tiling) = self.graph.tiling.clone() else { return };
        let mut first: BTreeMap<TensorId, ValueId> = BTreeMap::new();
        for (id, value) in (0u32..).map(ValueId).zip(&mut self.skeleton.values) {
            let part = value.tensor.and_then(|tensor| tiling.parts.get(&tensor));
            if let (Scale::Measured, Some(part)) = (&value.scale, part) {
                match first.get(&part.tensor) {
                    Some(&first) => value.scale = Scale::Part(first),
                    None => drop(first.insert(part.tensor, id)),
                }
            }
        }
        // The tiles of a node become the same operations, so they are told apart by their order.
        let mut greatest: BTreeMap<(usize, usize), f64> = BTreeMap::new();
        let mut steps: BTreeMap<(usize, usize), ValueId> = BTreeMap::new();
        let mut layers = Vec::new();
        let (mut node, mut place) = (usize::MAX, 0);
        for (index, op) in self.skeleton.ops.iter().enumerate() {
            place = if op.node == node { place + 1 } else { 0 };
            node = op.node;
            if let Some(tile) = tiling.tiles.get(&op.node)
                && let Scale::Through { first, .. } =
                    &mut self.skeleton.values[op.output.index()].scale
            {
                match steps.get(&(tile.node, place)) {
                    Some(&step) => *first = Some(step),
                    None => drop(steps.insert((tile.node, place), op.output)),
                }
            }
            let floats = match &op.kind {
                SkeletonKind::Conv { floats, .. } | SkeletonKind::Dense { floats, .. } => floats,
                _ => continue,
            };
            let Some(tile) = tiling.tiles.get(&op.node) else { continue };
            let most = greatest.entry((tile.node, place)).or_insert(0.0);
            *most = greatest_of(floats).max(*most);
            layers.push((index, (tile.node, place)));
        }
        for (index, layer) in layers {
            self.skeleton.ops[index].greatest = greatest[&layer];
        }
    }
}

/// The greatest weight, with the factor of its channel. NaN counts as nothing, as in rounding.
fn greatest_of(floats: &FloatWeights) -> f64 {
    let fan = (floats.weights.len() / floats.factors.len().max(1)).max(1);
    let rows = floats.weights.chunks(fan).zip(&floats.factors);
    let products = rows.flat_map(|(row, &factor)| row.iter().map(move |&w| f64::from(w) * factor));
    products.fold(0.0, |most, product| most.max(product.abs()))
}
