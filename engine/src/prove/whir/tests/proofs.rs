//! Real proofs.

use super::*;
use crate::prove::{Claim, Event};

#[test]
fn every_slice_of_a_program_is_proven_and_verified() {
    let case = small(8);
    let count = case.program.ops.len();
    case.verify(&case.prove()).unwrap();
    for cut in [1, 3, 6, count - 1] {
        for ops in [0..cut, cut..count] {
            let case = Case::new((case.program.clone(), case.trace.clone()), ops.clone());
            case.verify(&case.prove()).unwrap_or_else(|error| panic!("{ops:?}: {error}"));
        }
    }
    for op in 0..count {
        let case = Case::new((case.program.clone(), case.trace.clone()), op..op + 1);
        case.verify(&case.prove()).unwrap_or_else(|error| panic!("operation {op}: {error}"));
    }
}

#[test]
fn other_bits_and_shifts_are_proven_too() {
    for (bits, least_shift) in [(3, 1), (4, 9), (12, 17), (12, 24)] {
        let mut model = Model::new(bits.into(), bits);
        model.least_shift = least_shift;
        let x = model.input(&[1, 3, 5, 5]);
        let a = model.conv(x, 2, 1, plain(2));
        let b = model.relu(a);
        let c = model.dense(b, 1, 3);
        let case = Case::whole(model.finish(&[c]));
        case.verify(&case.prove()).unwrap_or_else(|error| panic!("{bits} bits: {error}"));
    }
}

#[test]
fn many_proofs_at_once_have_the_verdicts_of_each_alone() {
    let cases: Vec<Case> = (1..6).map(tiny).collect();
    let publics: Vec<Vec<&[i32]>> = cases.iter().map(Case::public).collect();
    let mut proofs: Vec<Vec<u8>> = cases.iter().map(Case::prove).collect();
    proofs[1][40] ^= 1;
    proofs.swap(3, 4);
    let claim =
        |at: usize| Claim { statement: cases[at].statement(&publics[at]), proof: &proofs[at] };
    let claims: Vec<Claim<'_>> = (0..cases.len()).map(claim).collect();
    let checks = Whir.verify_all(&claims);
    let holds: Vec<bool> = checks.claims.iter().map(|check| check.result.is_ok()).collect();
    assert_eq!(holds, [true, false, true, false, false]);
    assert!(checks.keys_secs == 0.0 && checks.verify_secs > 0.0);
    assert!(Whir.verify_all(&[]).claims.is_empty());
}

#[test]
fn a_proof_holds_for_its_own_statement_only() {
    let case = tiny(1);
    let proof = case.prove();
    case.verify(&proof).unwrap();
    let public = case.public();
    let statement = case.statement(&public);
    let rejected = |statement: &Statement<'_>, what: &str| {
        assert!(Whir.verify(statement, &proof).is_err(), "{what}");
    };

    rejected(&Statement { context: [9; 32], ..statement }, "context");
    let swapped: Vec<&[i32]> = public.iter().rev().copied().collect();
    rejected(&Statement { boundary: Boundary::Public(&swapped), ..statement }, "swapped");
    rejected(&Statement { boundary: Boundary::Public(&public[..1]), ..statement }, "missing");
    rejected(&Statement { boundary: Boundary::Committed(&[]), ..statement }, "commitments");

    for (at, tensor) in public.iter().enumerate() {
        for change in [1, -1, 1 << 20] {
            let mut changed = tensor.to_vec();
            changed[0] = changed[0].wrapping_add(change);
            let mut public = public.clone();
            public[at] = &changed;
            rejected(&Statement { boundary: Boundary::Public(&public), ..statement }, "element");
        }
        let mut public = public.clone();
        public[at] = &tensor[1..];
        rejected(&Statement { boundary: Boundary::Public(&public), ..statement }, "length");
    }

    let change = |f: &dyn Fn(&mut Program)| {
        let mut program = case.program.clone();
        f(&mut program);
        program
    };
    let weights = |program: &mut Program, f: &dyn Fn(&mut crate::program::Linear)| {
        let crate::program::Kind::Linear(linear) = &mut program.ops[0].kind else { panic!() };
        f(std::sync::Arc::make_mut(linear));
    };
    let programs = [
        ("weight", change(&|p| weights(p, &|linear| linear.weights[1] += 1))),
        ("bias", change(&|p| weights(p, &|linear| linear.bias[0] -= 1))),
        ("shift", change(&|p| weights(p, &|linear| linear.shift += 1))),
        ("scale", change(&|p| p.tensors[1].scale *= 2.0)),
        ("bits", change(&|p| p.tensors.iter_mut().for_each(|tensor| tensor.bits += 1))),
        ("shape", change(&|p| p.tensors[2].shape = vec![2, 1, 2, 2])),
    ];
    for (what, program) in &programs {
        rejected(&Statement { program, ..statement }, what);
    }
    for other in [0..3, 1..4] {
        let slice = case.program.slice(other);
        rejected(&Statement { slice: &slice, ..statement }, "slice");
    }
}

#[test]
fn a_witness_of_another_run_is_refused() {
    let case = tiny(1);
    let public = case.public();
    let mut other = public[1].to_vec();
    other[0] ^= 1;
    let boundary = [public[0], &other];
    let statement = Statement { boundary: Boundary::Public(&boundary), ..case.statement(&public) };
    let error = Whir.prove(&statement, &case.witness(), &mut |_| {}).unwrap_err();
    assert!(matches!(error, ProveError::WrongTensor { .. }), "{error}");
    let empty = Witness { trace: Trace::new(), ..case.witness() };
    let error = Whir.prove(&case.statement(&public), &empty, &mut |_| {}).unwrap_err();
    assert!(matches!(error, ProveError::Run(_)), "{error}");
}

#[test]
fn phases_are_reported_in_order() {
    let case = tiny(2);
    let public = case.public();
    let mut phases = Vec::new();
    let progress = &mut |event| {
        if let Event::Finished(phase, secs) = event {
            assert!(secs >= 0.0);
            phases.push(phase);
        }
    };
    Whir.prove(&case.statement(&public), &case.witness(), progress).unwrap();
    assert_eq!(phases, [Phase::Witness, Phase::Prove, Phase::Verify]);
}

#[test]
fn the_soundness_error_is_summed_and_small_enough() {
    let case = small(8);
    let security = Whir.security(&case.program, &case.slice, Weights::Public).unwrap();
    assert!(security.bits() >= 106.5, "{security:?}");
    // The library's own report, for every size that a slice can have.
    for variables in cells::MIN_VARIABLES..=cells::MAX_VARIABLES {
        let opener = pcs::Opener::new(variables).unwrap();
        let bits = opener.security_bits().unwrap();
        assert!(bits >= pcs::OPENING_BITS, "2^{variables}: {bits}");
    }
    // The largest slice that there can be.
    let most = Security { lookups: 25.0 - 127.99, lookup_argument: 10.0 - 127.0, ..security };
    assert!(most.bits() >= 102.5, "{}", most.bits());
    // Errors add up, over slices and over operations with committed weights.
    assert!((bits_of_all(&[security; 4]) - (security.bits() - 2.0)).abs() < 1e-9);
    let roots = vec![None; case.program.ops.len()];
    let weights = Weights::Committed(&roots);
    let committed = Whir.security(&case.program, &case.slice, weights).unwrap();
    assert!(committed.weights > security.opening && committed.bits() > 103.0, "{committed:?}");
}
