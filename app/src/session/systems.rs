//! Proof systems: which slice is proven by which, and what is known of a piece by each of them.

use microtome_engine::plan::Estimator;
use microtome_engine::predict::{self, Prediction};
use microtome_engine::prove::System;
use microtome_engine::report::charts::{Quantity, SystemsData, SystemsPiece};
use microtome_engine::run::Measured;

use super::{BySystem, Session};

/// Of each node, by each system in the order of [`System::ALL`]: the seconds that proving it is
/// predicted to take, each operation as a slice of its own, or why it can't be proven.
pub type Provability = Vec<[Result<f64, String>; System::ALL.len()]>;

/// Finds out which nodes each system can prove. For a worker: it lays out a circuit for each node.
#[must_use]
pub fn provability(estimator: &Estimator) -> Provability {
    let program = estimator.program();
    let nothing = System::ALL.map(|_| Ok(0.0));
    let mut found: Provability = vec![nothing; estimator.node_costs().len()];
    for (index, op) in program.ops.iter().enumerate() {
        let slice = program.slice(index..index + 1);
        for (known, system) in found[op.node].iter_mut().zip(System::ALL) {
            // A node of several operations is as provable as the first that isn't.
            if let Ok(secs) = *known {
                let shape = system.proof_system().shape(program, &slice);
                *known = shape
                    .map(|shape| secs + predict::of(&shape).prove_secs)
                    .map_err(|reason| reason.to_string());
            }
        }
    }
    found
}

impl Session {
    /// Nodes that can't be proven, by no system or not by that of their slice.
    #[must_use]
    pub fn unprovable(&self) -> Vec<usize> {
        let fails = |node: usize| {
            let system = self.system(self.slice_of_node(node));
            self.facts[node].obstacle.is_some()
                || self.verdict(node, system).is_some_and(Result::is_err)
        };
        (0..self.graph.nodes.len()).filter(|&node| fails(node)).collect()
    }

    /// Seconds that proving a node by a system is predicted to take, as a slice of its own.
    #[must_use]
    pub fn node_secs(&self, node: usize, system: System) -> Option<f64> {
        self.verdict(node, system)?.as_ref().ok().copied()
    }

    fn verdict(&self, node: usize, system: System) -> Option<&Result<f64, String>> {
        let position = System::ALL.iter().position(|&s| s == system)?;
        self.provability.as_ref()?.get(node)?.get(position)
    }

    /// The proof system of a slice.
    #[must_use]
    pub fn system(&self, slice: usize) -> System {
        self.plan().system(slice)
    }

    /// The proof system of the whole model, where it is proven for comparison.
    #[must_use]
    pub fn whole_system(&self) -> System {
        self.plan().system(0)
    }

    /// The proof system of all slices; nothing where they differ.
    #[must_use]
    pub fn common_system(&self) -> Option<System> {
        let first = self.plan().system(0);
        let mut others = 1..self.plan().slice_count();
        others.all(|slice| self.plan().system(slice) == first).then_some(first)
    }

    /// Chooses the proof system of all slices, as one step.
    pub fn set_all_systems(&mut self, system: System) {
        self.edit(|plan| {
            plan.set_all_systems(system);
            Ok(())
        });
    }

    /// Chooses the proof system of one slice.
    pub fn set_system(&mut self, slice: usize, system: System) {
        if slice < self.plan().slice_count() {
            self.edit(|plan| {
                plan.set_system(slice, system);
                Ok(())
            });
        }
    }

    /// What a range of nodes took when it was last proven by a system.
    #[must_use]
    pub fn last_measured(&self, range: (usize, usize), system: System) -> Option<Measured> {
        self.last_measured.get(&(range, system)).copied()
    }

    /// The data of the chart that compares the systems on the same slices.
    #[must_use]
    pub fn systems(&self) -> Option<SystemsData> {
        let nodes = self.graph.nodes.len();
        let mut ranges = self.plan().ranges(nodes);
        ranges.push((0, nodes));
        // Those of a plan with as many slices serve until newer ones come.
        let fitting = self.by_system.len() == ranges.len();
        let names =
            (0..ranges.len() - 1).map(|slice| format!("slice {slice}")).chain(["whole".to_owned()]);
        let piece = |((name, &range), rows): ((String, &(usize, usize)), &BySystem)| {
            let quantity = |index: usize| {
                let measured = self.last_measured(range, System::ALL[index]);
                prove_secs(rows[index].prediction.as_ref(), measured.as_ref())
            };
            SystemsPiece { name, prove_secs: std::array::from_fn(quantity) }
        };
        let pieces = names.zip(&ranges).zip(&self.by_system).map(piece).collect();
        fitting.then_some(SystemsData { subtitle: self.graph.name.clone(), pieces })
    }
}

/// Seconds of proving as predicted and as measured.
pub(super) fn prove_secs(prediction: Option<&Prediction>, measured: Option<&Measured>) -> Quantity {
    let expected = prediction.map_or_else(Quantity::default, |p| {
        Quantity::predicted(p.prove_secs, p.prove_secs_low, p.prove_secs_high)
    });
    measured.map_or(expected, |m| expected.with_measured(m.prove_secs))
}
