//! The real prover and verifier.

use super::*;
use crate::prove::Event;
use crate::prove::halo2::keys::prove_circuit;
use halo2_proofs::plonk::{keygen_pk, keygen_vk};

#[test]
fn the_verifier_accepts_the_proof_and_nothing_else() {
    for width in WIDTHS {
        let (system, case) = (Halo2 { width: Some(width) }, tiny(1));
        let mut events = Vec::new();
        let proof = system
            .prove(&case.statement(), &case.witness(), &mut |event| events.push(event))
            .unwrap();
        let phases: Vec<Phase> = events
            .iter()
            .filter_map(|event| match event {
                Event::Finished(phase, _) => Some(*phase),
                Event::Started(_) | Event::Reused(_) => None,
            })
            .collect();
        use Phase::*;
        assert_eq!(phases, [Witness, Parameters, Keys, Prove, Verify]);
        let shape = system.circuit_shape(&case.program, &case.slice).unwrap();
        assert_eq!(proof.len(), shape.proof_bytes, "{width}");
        system.verify(&case.statement(), &proof).unwrap();

        let rejected = |statement: &Statement<'_>, proof: &[u8], what: &str| {
            let verdict = system.verify(statement, proof);
            assert!(matches!(verdict, Err(VerifyError::Rejected)), "{width} {what}: {verdict:?}");
        };
        for at in (0..proof.len()).step_by(97) {
            let mut bytes = proof.clone();
            bytes[at] ^= 1;
            rejected(&case.statement(), &bytes, &format!("byte {at}"));
        }
        rejected(&case.statement(), &vec![0; proof.len()], "zeros");
        rejected(&case.statement(), &vec![255; proof.len()], "ones");
        for at in [0, 15, 16, 31] {
            let mut statement = case.statement();
            statement.context[at] ^= 1;
            rejected(&statement, &proof, &format!("context {at}"));
        }
        let swapped: Vec<Commitment> = case.boundary.iter().rev().copied().collect();
        rejected(
            &Statement { boundary: Boundary::Committed(&swapped), ..case.statement() },
            &proof,
            "boundary",
        );
        let other = tiny(2);
        let boundary = Boundary::Committed(&case.boundary);
        rejected(&Statement { boundary, ..other.statement() }, &proof, "other weights");

        for len in [0, 1, proof.len() - 1, proof.len() + 1] {
            let mut bytes = proof.clone();
            bytes.resize(len, 0);
            let verdict = system.verify(&case.statement(), &bytes);
            assert!(matches!(verdict, Err(VerifyError::ProofLength { got, .. }) if got == len));
        }
        let short =
            Statement { boundary: Boundary::Committed(&case.boundary[1..]), ..case.statement() };
        let verdict = system.verify(&short, &proof);
        assert!(matches!(verdict, Err(VerifyError::BoundaryCount { expected: 2, got: 1 })));
    }
}

#[test]
fn a_forger_with_the_keys_finds_no_proof() {
    let (case, width) = (tiny(1), Width::NARROWEST);
    let changes = KINDS.map(|kind| Tamper::Cell { kind, index: 1, amount: 1 });
    let forgeries =
        [Tamper::Quotient { index: 0, amount: 1 }, Tamper::Limbs { index: 0, amount: 1 }];

    let steps = steps(&case.program, &case.slice).unwrap();
    let shape = shape_of(&case.program, &case.slice, &steps, width);
    let params = parameters(shape.k, None).unwrap();
    let circuit = |tamper: Option<Tamper>| SliceCircuit {
        program: &case.program,
        slice: &case.slice,
        steps: &steps,
        shape: &shape,
        witness: Some((&case.trace, &case.salts)),
        tampering: tamper.into(),
    };
    let vk = with_width(width, || keygen_vk(&params, &circuit(None)).unwrap());
    let pk = with_width(width, || keygen_pk(&params, vk, &circuit(None)).unwrap());
    let (system, instance) = (Halo2 { width: Some(width) }, case.instance());
    for tamper in changes.into_iter().chain(forgeries) {
        if let Ok(proof) = prove_circuit(&params, &pk, circuit(Some(tamper)), &instance) {
            let verdict = system.verify(&case.statement(), &proof);
            assert!(matches!(verdict, Err(VerifyError::Rejected)), "{tamper:?}: {verdict:?}");
        }
    }
    // Keys of a circuit with one changed weight make proofs that only those keys accept.
    let changed = circuit(Some(Tamper::Weight { index: 3, amount: 1 }));
    let vk = with_width(width, || keygen_vk(&params, &changed).unwrap());
    let pk = with_width(width, || keygen_pk(&params, vk, &changed).unwrap());
    let proof = prove_circuit(&params, &pk, changed, &instance);
    let verdict = proof.map(|proof| system.verify(&case.statement(), &proof));
    assert!(!matches!(verdict, Ok(Ok(()))));
}

#[test]
fn a_bad_witness_is_an_error_and_no_panic() {
    let case = tiny(1);
    let prove = |statement: &Statement<'_>, witness: &Witness| {
        Halo2::AUTO.prove(statement, witness, &mut |_| ()).unwrap_err()
    };
    let id = case.slice.inputs[0];
    let changed = |change: &dyn Fn(&mut Witness)| {
        let mut witness = case.witness();
        change(&mut witness);
        prove(&case.statement(), &witness)
    };
    let outside = changed(&|w| w.trace.get_mut(&id).unwrap()[0] = 99);
    assert!(matches!(outside, ProveError::Run(crate::program::RunError::OutOfRange { .. })));
    let missing = changed(&|w| w.trace.clear());
    assert!(matches!(missing, ProveError::Run(crate::program::RunError::MissingInput { .. })));
    let short = changed(&|w| w.trace.get_mut(&id).unwrap().truncate(3));
    assert!(matches!(short, ProveError::Run(crate::program::RunError::InputLength { .. })));
    let unsalted = changed(&|w| w.salts.clear());
    assert!(matches!(unsalted, ProveError::MissingSalt { .. }));
    let resalted = changed(&|w| *w.salts.get_mut(&id).unwrap() = random_salt());
    assert!(matches!(resalted, ProveError::WrongCommitment { .. }));
    let uncommitted = prove(
        &Statement { boundary: Boundary::Committed(&[]), ..case.statement() },
        &case.witness(),
    );
    assert!(matches!(uncommitted, ProveError::BoundaryCount { expected: 2, got: 0 }));
}
