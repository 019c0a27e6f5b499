//! Every operator, proven and verified by both systems on a model that holds many.

use super::{Boundary, Commitment, Salt, Statement, System, VerifyError, Weights, Witness};
use crate::program::operators::tests::{Case, cases};
use crate::program::{ProgramSlice, ValueId};

/// Proves a slice by a system, and hands out what its verifier says to the same statement and to
/// one in which an element of the last boundary tensor is another.
fn verdicts(system: System, case: &Case, slice: &ProgramSlice) -> [Result<(), VerifyError>; 2] {
    let Case { program, trace, .. } = case;
    let ids: Vec<ValueId> = slice.inputs.iter().chain(&slice.outputs).copied().collect();
    let elements: Vec<Vec<i32>> = ids.iter().map(|id| trace[id].clone()).collect();
    let mut changed = elements.clone();
    if let Some(last) = changed.last_mut().and_then(|last| last.last_mut()) {
        *last ^= 1;
    }
    let salts: std::collections::BTreeMap<ValueId, Salt> =
        ids.iter().map(|&id| (id, super::halo2::random_salt())).collect();
    let commit = |elements: &[Vec<i32>]| -> Vec<Commitment> {
        let pairs = ids.iter().zip(elements);
        pairs.map(|(id, v)| super::halo2::commit(program, *id, v, &salts[id])).collect()
    };
    let [honest, forged] = [&elements, &changed].map(|elements| commit(elements));
    let [public, public_forged] =
        [&elements, &changed].map(|all| all.iter().map(Vec::as_slice).collect::<Vec<_>>());
    let boundary = |forge: bool| match (system, forge) {
        (System::Halo2, false) => Boundary::Committed(&honest),
        (System::Halo2, true) => Boundary::Committed(&forged),
        (System::Whir, false) => Boundary::Public(&public),
        (System::Whir, true) => Boundary::Public(&public_forged),
    };
    let statement = |forge| Statement {
        program,
        slice,
        context: [5; 32],
        boundary: boundary(forge),
        weights: Weights::Public,
    };
    let witness = Witness { trace: trace.clone(), salts: salts.clone() };
    let prover = system.proof_system();
    let proof = prover.prove(&statement(false), &witness, &mut |_| {}).unwrap();
    [false, true].map(|forge| prover.verify(&statement(forge), &proof))
}

#[test]
fn whir_proves_every_operator() {
    for (name, case) in cases(6) {
        let count = case.program.ops.len();
        for ops in [0..count, 0..count / 2, count / 2..count] {
            let slice = case.program.slice(ops);
            let [honest, forged] = verdicts(System::Whir, &case, &slice);
            honest.unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(forged.is_err(), "{name}");
        }
    }
}

#[test]
fn halo2_proves_every_operator() {
    for (name, case) in cases(6) {
        let slice = case.program.slice(0..case.program.ops.len());
        let [honest, forged] = verdicts(System::Halo2, &case, &slice);
        honest.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(forged.is_err(), "{name}");
    }
}
