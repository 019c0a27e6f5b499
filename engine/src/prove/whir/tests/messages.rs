//! A forger who changes single messages of an honest proof.

use p3_field::PrimeCharacteristicRing;

use super::*;
use crate::prove::whir::field::{EF, F};

/// Changes one message of a proof.
type Change = fn(&mut Proof);

const CHANGES: [(&str, Change); 16] = [
    ("claimed denominator", |p| p.lookups.root_denominator += EF::ONE),
    ("zero denominator", |p| p.lookups.root_denominator = EF::ZERO),
    ("look-up round", |p| p.lookups.layers[3].round_polys[1][2] += EF::ONE),
    ("look-up children", |p| p.lookups.layers[2].claims.n0 += EF::ONE),
    ("look-up output", |p| p.lookups.layers.last_mut().unwrap().claims.d1 += EF::ONE),
    ("a layer less", |p| drop(p.lookups.layers.pop())),
    ("a round less", |p| p.lookups.layers[4].round_polys.truncate(3)),
    ("claimed sum", |p| p.reduction.claimed_sum += EF::ONE),
    ("sumcheck round", |p| p.reduction.round_polys[0][1] += EF::ONE),
    ("a longer round", |p| p.reduction.round_polys[0].push(EF::ONE)),
    ("a sumcheck round less", |p| drop(p.reduction.round_polys.pop())),
    ("proof of work that nobody asks for", |p| p.reduction.pow_witnesses.push(F::ONE)),
    ("opened values", |p| p.opening.evals.clear()),
    ("the final polynomial", |p| p.opening.whir.final_poly = None),
    ("the rounds of the opening", |p| p.opening.whir.rounds.clear()),
    ("the sumcheck of the opening", |p| p.opening.whir.initial_sumcheck = Default::default()),
];

#[test]
fn every_kind_of_message_is_bound() {
    // Of so many bits that the opening has rounds.
    let case = small(12);
    let honest = case.prove();
    for (what, change) in CHANGES {
        let mut proof = Proof::decode(&honest, 0).unwrap();
        change(&mut proof);
        let forged = proof.encode().unwrap();
        assert!(forged != honest, "{what}: nothing was changed");
        assert!(case.verify(&forged).is_err(), "{what}");
    }
}

#[test]
fn every_byte_counts() {
    let case = tiny(5);
    let honest = case.prove();
    for at in (0..honest.len()).step_by(1 + honest.len() / 400) {
        let mut forged = honest.clone();
        forged[at] ^= 1 << (at % 8);
        assert!(case.verify(&forged).is_err(), "byte {at} of {}", honest.len());
    }
}

#[test]
fn messages_of_another_proof_are_rejected() {
    let (case, other) = (tiny(5), tiny(6));
    let (honest, foreign) = (case.prove(), other.prove());
    let parts: [fn(&mut Proof, Proof); 4] = [
        |proof, other| proof.root = other.root,
        |proof, other| proof.lookups = other.lookups,
        |proof, other| proof.reduction = other.reduction,
        |proof, other| proof.opening = other.opening,
    ];
    for part in parts {
        let mut proof = Proof::decode(&honest, 0).unwrap();
        part(&mut proof, Proof::decode(&foreign, 0).unwrap());
        assert!(case.verify(&proof.encode().unwrap()).is_err());
    }
}

#[test]
fn cut_off_and_lengthened_bytes_are_rejected() {
    let case = tiny(5);
    let honest = case.prove();
    for len in [0, 1, 31, honest.len() / 2, honest.len() - 1] {
        assert!(case.verify(&honest[..len]).is_err(), "{len} bytes");
    }
    let longer = [honest.as_slice(), &[0]].concat();
    assert!(case.verify(&longer).is_err());
    assert!(case.verify(&vec![0xff; 1 << 16]).is_err());
    assert!(case.verify(&vec![0; proof::MOST_BYTES + 1]).is_err());
}
