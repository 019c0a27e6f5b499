//! What a boundary costs in the proofs beside it.
//!
//! A slice's proof names the tensors on its boundary by a binding, so that slices proved apart can
//! be linked. `halo2` range-checks each of them and hashes it with Poseidon inside the circuit
//! ([`halo2`]); to `whir` they are public, and hashed outside of any circuit ([`crate::prove::whir`]).
//! So each tensor that crosses a cut is hashed by the slice that makes it and by each that reads it.

use serde::Serialize;

use super::{Estimator, Plan};
use crate::predict;
use crate::program::ValueId;
use crate::prove::{System, halo2};

/// What one of the slices beside a cut does for the tensors that cross it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct LinkingSide {
    /// The proof system of the slice.
    pub system: System,
    /// Elements of the tensors that cross the cut and that this slice makes or reads.
    pub elements: u64,
    /// Rows of its circuit that check and hash them: none by `whir`, where they are public.
    pub rows: u64,
    /// Seconds by which proving is predicted to be slower for it. Tracks of a circuit share rows,
    /// so this is nothing while another track is longer. `None` where the slice can't be proven.
    pub prove_secs: Option<f64>,
}

/// What a cut costs in the proofs of the slices beside it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Linking {
    /// The slice before it, which makes what crosses.
    pub above: LinkingSide,
    /// The slice after it, which reads what crosses.
    pub below: LinkingSide,
}

impl Linking {
    /// Rows of both circuits.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.above.rows + self.below.rows
    }

    /// Predicted seconds of both proofs, where both can be proven.
    #[must_use]
    pub fn prove_secs(&self) -> Option<f64> {
        Some(self.above.prove_secs? + self.below.prove_secs?)
    }
}

impl Estimator {
    /// What each cut of a plan costs in the proofs of the slices beside it, in order. A tensor that
    /// passes a slice by, made before it and read after it, costs that slice nothing.
    #[must_use]
    pub fn linking(&self, plan: &Plan) -> Vec<Linking> {
        let ranges = plan.ranges(self.node_costs().len());
        let side = |cut: usize, slice: usize| self.side(cut, ranges[slice], plan.system(slice));
        let cuts = plan.cuts().iter().enumerate();
        cuts.map(|(i, &cut)| Linking { above: side(cut, i), below: side(cut, i + 1) }).collect()
    }

    fn side(&self, cut: usize, (from, to): (usize, usize), system: System) -> LinkingSide {
        let program = self.program();
        let slice = program.slice(program.op_at_node(from)..program.op_at_node(to));
        let ends = if to == cut { &slice.outputs } else { &slice.inputs };
        let crossing = self.crossing(cut).values;
        let hashed: Vec<ValueId> =
            ends.iter().copied().filter(|id| crossing.binary_search(id).is_ok()).collect();
        let elements = hashed.iter().map(|&id| program.value(id).len() as u64).sum();
        let estimate = self.slice(from, to, system);
        let prove_secs = match (system, &estimate.prediction) {
            (_, None) => None,
            // Nothing is proven about public tensors but that they are these.
            (System::Whir, Some(_)) => Some(0.0),
            (System::Halo2, Some(with)) => halo2::circuit_shape_without(program, &slice, &hashed)
                .ok()
                .map(|shape| (with.prove_secs - predict::halo2(&shape).prove_secs).max(0.0)),
        };
        let rows = match system {
            System::Whir => 0,
            System::Halo2 => {
                hashed.iter().map(|&id| halo2::boundary_rows(program, id).total() as u64).sum()
            }
        };
        LinkingSide { system, elements, rows, prove_secs }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::tests::{chain, estimator};

    #[test]
    fn each_neighbour_hashes_what_it_makes_or_reads() {
        let model = chain();
        let estimator = estimator(&model);
        let skeleton = estimator.skeleton();
        let mut plan = Plan::from_cuts(model.graph.digest, skeleton, &[4, 5]).unwrap();
        let elements = |plan: &Plan| -> Vec<(u64, u64)> {
            let all = estimator.linking(plan);
            all.iter().map(|l| (l.above.elements, l.below.elements)).collect()
        };
        // Before node 4, h1 and r1 (8 elements each) cross; node 4 alone reads r1, while h1 passes
        // it by. Before node 5, h1 and h2 cross, of which node 4 made h2.
        assert_eq!(elements(&plan), [(16, 8), (8, 16)]);
        let halo2 = estimator.linking(&plan);
        assert!(halo2.iter().all(|l| l.above.rows > 0 && l.below.rows > 0));
        assert!(halo2.iter().all(|l| l.prove_secs().is_some_and(|secs| secs >= 0.0)));
        plan.set_all_systems(System::Whir);
        let whir = estimator.linking(&plan);
        assert_eq!(elements(&plan), [(16, 8), (8, 16)]);
        assert!(whir.iter().all(|l| l.rows() == 0 && l.prove_secs() == Some(0.0)));
    }

    #[test]
    fn rows_are_those_that_the_circuit_has_for_them() {
        let model = chain();
        let estimator = estimator(&model);
        let plan = Plan::from_cuts(model.graph.digest, estimator.skeleton(), &[3]).unwrap();
        let linking = estimator.linking(&plan)[0];
        let program = estimator.program();
        for (side, ops) in [
            (linking.above, 0..program.op_at_node(3)),
            (linking.below, program.op_at_node(3)..program.ops.len()),
        ] {
            let slice = program.slice(ops);
            let crossing = estimator.crossing(3).values;
            let with = halo2::circuit_shape(program, &slice).unwrap();
            let without = halo2::circuit_shape_without(program, &slice, &crossing).unwrap();
            let hashing = |shape: &halo2::CircuitShape| shape.rows.pack + shape.rows.poseidon;
            assert_eq!(side.rows as usize, hashing(&with) - hashing(&without));
            let rest = |shape: &halo2::CircuitShape| (shape.rows.requantise, shape.rows.table);
            assert_eq!(rest(&with), rest(&without));
        }
    }
}
