//! Weights that stay with their owner.

use p3_field::PrimeCharacteristicRing;

use super::*;
use crate::program::KnownWeights;
use crate::prove::whir::field::EF;

/// Proves a case about committed weights; answers with the roots and the proof.
fn proven(case: &Case) -> (Vec<Option<WeightRoot>>, Vec<u8>) {
    let roots = weight_roots(&case.program).unwrap();
    let public = case.public();
    let weights = Weights::Committed(&roots[case.slice.ops.clone()]);
    let statement = Statement { weights, ..case.statement(&public) };
    let proof = Whir.prove(&statement, &case.witness(), &mut |_| {}).unwrap();
    (roots, proof)
}

/// What somebody without the weights says to a proof.
fn verdict(
    case: &Case,
    program: &Program,
    roots: &[Option<WeightRoot>],
    proof: &[u8],
) -> Result<(), VerifyError> {
    let public = case.public();
    let weights = Weights::Committed(&roots[case.slice.ops.clone()]);
    Whir.verify(&Statement { program, weights, ..case.statement(&public) }, proof)
}

#[test]
fn a_verifier_without_the_weights_accepts_the_proof() {
    let case = small(8);
    let count = case.program.ops.len();
    for ops in [0..count, 0..3, 3..count, 5..6] {
        let case = Case::new((case.program.clone(), case.trace.clone()), ops.clone());
        let (roots, proof) = proven(&case);
        let stripped = strip(&case.program);
        verdict(&case, &stripped, &roots, &proof).unwrap_or_else(|e| panic!("{ops:?}: {e}"));
        // One who has them does too, and the two kinds of proof are not the same.
        verdict(&case, &case.program, &roots, &proof).unwrap();
        assert!(case.verify(&proof).is_err());
        assert!(verdict(&case, &stripped, &roots, &case.prove()).is_err());
    }
}

#[test]
fn other_weights_are_rejected() {
    let case = small(4);
    let (roots, proof) = proven(&case);
    let stripped = strip(&case.program);
    for index in 0..roots.len() {
        let Some(root) = roots[index] else { continue };
        let mut other = root;
        other.0[5] ^= 1;
        let mut changed = roots.clone();
        changed[index] = Some(other);
        assert!(verdict(&case, &stripped, &changed, &proof).is_err(), "root {index}");
        changed[index] = None;
        assert!(verdict(&case, &stripped, &changed, &proof).is_err(), "no root {index}");
    }
    // A prover who changes a weight and proves under the card's roots.
    let mut forged = case.program.clone();
    let op = forged.ops.iter_mut().find(|op| matches!(op.kind, Kind::Linear(_))).unwrap();
    if let Kind::Linear(linear) = &mut op.kind {
        std::sync::Arc::make_mut(linear).bias[0] += 1 << 20;
    }
    let ran = forged.run(&[case.trace[&case.program.inputs[0]].clone()]);
    if let Ok(trace) = ran {
        let case = Case::new((forged, trace), case.slice.ops.clone());
        let public = case.public();
        let statement =
            Statement { weights: Weights::Committed(&roots), ..case.statement(&public) };
        assert!(Whir.prove(&statement, &case.witness(), &mut |_| {}).is_err());
    }
}

#[test]
fn every_message_about_weights_is_bound() {
    let case = small(4);
    let (roots, honest) = proven(&case);
    let stripped = strip(&case.program);
    type Change = fn(&mut Proof);
    let changes: [(&str, Change); 10] = [
        ("constant", |p| p.weights[0].constant += EF::ONE),
        ("weight", |p| p.weights[1].weight += EF::ONE),
        ("constants that cancel", |p| {
            p.weights[0].constant += EF::ONE;
            p.weights[1].constant -= EF::ONE;
        }),
        ("weights that cancel", |p| {
            p.weights[0].weight += EF::ONE;
            p.weights[1].weight -= EF::ONE;
        }),
        ("claimed sum", |p| p.weights[2].reduction.claimed_sum += EF::ONE),
        ("round", |p| p.weights[2].reduction.round_polys[1][0] += EF::ONE),
        ("opening", |p| p.weights[0].opening.evals.clear()),
        ("order", |p| p.weights.swap(0, 1)),
        ("one less", |p| drop(p.weights.pop())),
        ("none", |p| p.weights.clear()),
    ];
    for (what, change) in changes {
        let mut proof = Proof::decode(&honest, roots.len()).unwrap();
        change(&mut proof);
        let forged = proof.encode().unwrap();
        assert!(forged != honest, "{what}: nothing was changed");
        assert!(verdict(&case, &stripped, &roots, &forged).is_err(), "{what}");
    }
    // Weights that nobody committed to, in a proof about public ones.
    let mut proof = Proof::decode(&honest, roots.len()).unwrap();
    let public = case.prove();
    let mut mixed = Proof::decode(&public, 0).unwrap();
    mixed.weights.push(proof.weights.remove(0));
    assert!(case.verify(&mixed.encode().unwrap()).is_err());
}

#[test]
fn the_ranges_of_committed_weights_are_proven() {
    let case = small(8);
    let roots = weight_roots(&case.program).unwrap();
    let (bits, proof) = prove_ranges(&case.program, &roots).unwrap();
    let stripped = strip(&case.program);
    verify_ranges(&stripped, &roots, &bits, &proof).unwrap();

    let rejected = |roots: &[Option<WeightRoot>], bits: &[WeightBits], proof: &[u8]| {
        assert!(verify_ranges(&stripped, roots, bits, proof).is_err());
    };
    for at in (0..proof.len()).step_by(1 + proof.len() / 60) {
        let mut forged = proof.clone();
        forged[at] ^= 1;
        rejected(&roots, &bits, &forged);
    }
    for at in 0..bits.len() {
        for change in [-1i32, 1] {
            let mut other = bits.clone();
            other[at].weights = other[at].weights.saturating_add_signed(change);
            rejected(&roots, &other, &proof);
            let mut other = bits.clone();
            other[at].biases = other[at].biases.saturating_add_signed(change);
            rejected(&roots, &other, &proof);
        }
    }
    rejected(&roots, &bits[1..], &proof);
    let mut other = roots.clone();
    let first = other.iter().position(Option::is_some).unwrap();
    other[first] = Some(WeightRoot([1; 32]));
    rejected(&other, &bits, &proof);
    other[first] = None;
    rejected(&other, &bits, &proof);
    rejected(&roots, &bits, &proof[1..]);
    rejected(&roots, &bits, &[]);
}

#[test]
fn weights_beyond_their_bits_are_not_proven_to_be_in_range() {
    // A forger who claims a bit less than the weights have.
    let case = tiny(4);
    let roots = weight_roots(&case.program).unwrap();
    let (mut bits, _) = prove_ranges(&case.program, &roots).unwrap();
    bits[0].weights -= 1;
    let forged = ranges::prove_ranges_with(&case.program, &roots, &bits).unwrap();
    assert!(verify_ranges(&strip(&case.program), &roots, &bits, &forged).is_err());
}

#[test]
fn a_program_with_weights_left_in_is_no_program_of_a_card() {
    let case = small(8);
    let whole = case.program.slice(0..case.program.ops.len());
    let check = |program: &Program, known| program.check_slice(&whole, known);
    check(&case.program, KnownWeights::All).unwrap();
    check(&strip(&case.program), KnownWeights::Committed).unwrap();
    check(&case.program, KnownWeights::Committed).unwrap_err();
    check(&strip(&case.program), KnownWeights::All).unwrap_err();
}
