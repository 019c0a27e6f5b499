//! Proofs verified together: honest, wrong, and wrong in ways that would cancel.

use std::sync::{Arc, OnceLock};

use ff::Field;
use group::{CurveAffine as _, Group};
use halo2_proofs::pasta::{Eq, EqAffine};
use halo2_proofs::poly::commitment::Params;

use super::*;
use crate::prove::halo2::batch::{Ready, together, verify_ready};
use crate::prove::halo2::keys::key_to_verify;
use crate::prove::halo2::remainder::Remainder;
use crate::prove::halo2::sum::{Sum, random_scalar};

const SYSTEM: Halo2 = Halo2 { width: Some(Width::NARROWEST) };

/// A case and a proof of it.
struct Proven {
    case: Case,
    proof: Vec<u8>,
}

/// Proofs of small circuits, of which the last has a larger `k`; made once.
fn proven() -> &'static [Proven] {
    static PROVEN: OnceLock<Vec<Proven>> = OnceLock::new();
    PROVEN.get_or_init(|| {
        let mut model = Model::new(5, 7);
        let x = model.input(&[1, 3]);
        let y = model.dense(x, 1, 2);
        let larger = Case::whole(model.finish(&[y]));
        let cases = [tiny(1), tiny(2), tiny(3), larger];
        let prove = |case: Case| {
            let proof = SYSTEM.prove(&case.statement(), &case.witness(), &mut |_| ()).unwrap();
            Proven { case, proof }
        };
        cases.into_iter().map(prove).collect()
    })
}

fn claims() -> Vec<Claim<'static>> {
    let claim = |proven: &'static Proven| Claim {
        statement: proven.case.statement(),
        proof: &proven.proof,
    };
    proven().iter().map(claim).collect()
}

fn k(claim: &Claim<'_>) -> u32 {
    SYSTEM.circuit_shape(claim.statement.program, claim.statement.slice).unwrap().k
}

fn ready<'a>(claim: &Claim<'a>) -> Ready<'a> {
    let Claim { statement, proof } = *claim;
    let (shape, instance) = SYSTEM.checked(claim).unwrap();
    let params = parameters(shape.k, None).unwrap();
    let vk = key_to_verify(statement.program, statement.slice, &shape, &params).unwrap();
    Ready { params, vk, instance, proof }
}

/// Asserts that exactly these claims are rejected, both together and each alone.
fn rejects(claims: &[Claim<'_>], wrong: &[usize], what: &str) {
    let checks = SYSTEM.verify_all(claims);
    assert_eq!(checks.claims.len(), claims.len(), "{what}");
    for (at, (claim, check)) in claims.iter().zip(&checks.claims).enumerate() {
        let alone = SYSTEM.verify(&claim.statement, claim.proof);
        assert_eq!(check.result.is_err(), wrong.contains(&at), "{what} {at}: {:?}", check.result);
        assert_eq!(format!("{:?}", check.result), format!("{alone:?}"), "{what} {at}");
    }
}

#[test]
fn what_holds_alone_holds_together() {
    let claims = claims();
    assert!(k(&claims[3]) > k(&claims[0]), "the batch has several k");
    rejects(&claims, &[], "all");
    // All of one k, a batch of one, the same proof twice, the larger k first, and none.
    rejects(&claims[..3], &[], "one k");
    rejects(&claims[..1], &[], "one");
    rejects(&[claims[0], claims[0]], &[], "twice");
    rejects(&[claims[3], claims[0], claims[3]], &[], "larger first");
    rejects(&[], &[], "none");

    let checks = SYSTEM.verify_all(&claims);
    let shares: f64 = checks.claims.iter().map(|check| check.verify_secs).sum();
    assert!(checks.claims.iter().all(|check| check.verify_secs > 0.0));
    assert!((shares - checks.verify_secs).abs() < 1e-9, "{shares} of {}", checks.verify_secs);
}

#[test]
fn the_sum_of_proofs_that_hold_is_zero_and_of_others_is_not() {
    let claims = claims();
    let all: Vec<Ready<'_>> = claims.iter().map(ready).collect();
    assert!(together(&all.iter().collect::<Vec<_>>()).0, "the sum decides, and not each alone");
    // Every proof, at every place of its bytes that is tried, alone in an otherwise honest batch.
    for wrong in 0..claims.len() {
        for at in (0..claims[wrong].proof.len()).step_by(331) {
            let mut bytes = claims[wrong].proof.to_vec();
            bytes[at] ^= 1;
            let mut changed = claims.clone();
            changed[wrong].proof = &bytes;
            let changed: Vec<Ready<'_>> = changed.iter().map(ready).collect();
            let (all_hold, reads) = together(&changed.iter().collect::<Vec<_>>());
            assert!(!all_hold || !reads[wrong].is_proof, "proof {wrong} byte {at}");
        }
    }
    assert_eq!(verify_ready(&[]).len(), 0);
}

#[test]
fn wrong_claims_are_named_and_the_others_hold() {
    let honest = claims();
    for wrong in 0..honest.len() {
        let mut bytes = honest[wrong].proof.to_vec();
        let last = bytes.len() - 1;
        // A point of the opening that is replaced by another, so that the bytes encode a proof.
        bytes.copy_within(0..32, last - 95);
        for (what, bytes) in [
            ("changed", bytes.clone()),
            ("zeros", vec![0; bytes.len()]),
            ("ones", vec![255; bytes.len()]),
            ("short", bytes[1..].to_vec()),
            ("empty", Vec::new()),
        ] {
            let mut claims = honest.clone();
            claims[wrong].proof = &bytes;
            rejects(&claims, &[wrong], what);
        }
        let mut claims = honest.clone();
        claims[wrong].statement.context[7] ^= 1;
        rejects(&claims, &[wrong], "context");
        let mut boundary = proven()[wrong].case.boundary.clone();
        boundary.reverse();
        claims = honest.clone();
        claims[wrong].statement.boundary = Boundary::Committed(&boundary);
        rejects(&claims, &[wrong], "instance");
    }
    let mut swapped = honest.clone();
    (swapped[0].proof, swapped[1].proof) = (honest[1].proof, honest[0].proof);
    rejects(&swapped, &[0, 1], "swapped");
    (swapped[0].proof, swapped[3].proof) = (honest[3].proof, honest[1].proof);
    rejects(&swapped, &[0, 1, 3], "swapped between k");
}

#[test]
fn a_remainder_is_the_sum_that_the_library_checks() {
    for claim in claims() {
        for host_k in [MIN_K, k(&claim)] {
            let ready = ready(&claim);
            let host = parameters(host_k, None).unwrap();
            let read = |proof: &[u8]| {
                let (params, vk) = (&ready.params, &ready.vk);
                Remainder::read(&host, params, vk, &ready.instance, proof).unwrap()
            };
            let is_zero = |remainder: Remainder<'_>| {
                let mut sum = Sum::new(&host);
                sum.add(remainder).unwrap();
                sum.vanishes(&host, &ready.params)
            };
            assert!(is_zero(read(claim.proof)));
            let change = |change: fn(&mut Remainder<'_>)| {
                let mut remainder = read(claim.proof);
                change(&mut remainder);
                is_zero(remainder)
            };
            assert!(!change(|r| r.scale += Fp::ONE));
            assert!(!change(|r| r.challenges[0] += Fp::ONE));
            assert!(!change(|r| *r.challenges.last_mut().unwrap() += Fp::ONE));
            assert!(!change(|r| r.challenges.swap(0, 1)));
            assert!(!change(|r| r.msm.add_constant_term(Fp::ONE)));
            assert!(!change(|r| r.msm.add_to_u_scalar(Fp::ONE)));
            assert!(!change(|r| r.msm.add_to_w_scalar(Fp::ONE)));
        }
    }
}

/// A remainder that is this point, `times` times.
fn remainder(host: &Params<EqAffine>, point: EqAffine, times: Fp) -> Remainder<'_> {
    let mut msm = host.empty_msm();
    msm.append_term(times, point);
    let challenges = vec![Fp::ONE; host.k() as usize];
    Remainder { msm, scale: Fp::ZERO, challenges }
}

#[test]
fn errors_that_would_cancel_do_not() {
    let host = parameters(MIN_K, None).unwrap();
    let point = EqAffine::from(Eq::generator());
    let pair = || [Fp::ONE, -Fp::ONE].map(|times| remainder(&host, point, times));

    // Without random scalars they do.
    let [mut first, second] = pair();
    first.msm.add_msm(&second.msm);
    assert!(first.msm.eval());

    for _ in 0..8 {
        // In one sum: were a scalar used for two remainders, it would be zero.
        let mut sum = Sum::new(&host);
        for remainder in pair() {
            sum.add(remainder).unwrap();
        }
        assert!(!sum.vanishes(&host, &host));
        // In the sums of two workers, which are merged.
        let sums = pair().map(|remainder| {
            let mut sum = Sum::new(&host);
            sum.add(remainder).unwrap();
            sum
        });
        assert!(!sums.into_iter().reduce(Sum::merge).unwrap().vanishes(&host, &host));
    }
    // Errors in the folded generators, and in sums of two sizes.
    let larger = parameters(MIN_K + 1, None).unwrap();
    let folded = |times: Fp, k: u32| Remainder {
        msm: host.empty_msm(),
        scale: times,
        challenges: vec![Fp::ZERO; k as usize],
    };
    let mut sum = Sum::new(&host);
    sum.add(folded(Fp::ONE, MIN_K)).unwrap();
    sum.add(folded(-Fp::ONE, MIN_K + 1)).unwrap();
    assert!(!sum.vanishes(&host, &larger));
    // A remainder of the larger k alone is seen, and one that is zero is not.
    let mut sum = Sum::new(&host);
    sum.add(Remainder { challenges: vec![Fp::ONE; 7], ..folded(Fp::ONE, 0) }).unwrap();
    assert!(!sum.vanishes(&host, &larger));
    let mut sum = Sum::new(&host);
    sum.add(Remainder { challenges: vec![Fp::ONE; 7], ..folded(Fp::ZERO, 0) }).unwrap();
    assert!(sum.vanishes(&host, &larger));
}

#[test]
fn two_proofs_whose_errors_cancel_are_rejected() {
    // The blinding of an opening is the last scalar of a proof and enters no challenge, so adding
    // to one proof's what is taken from another's leaves the plain sum of the two at zero.
    let honest = claims();
    let mut proofs = [honest[0].proof.to_vec(), honest[1].proof.to_vec()];
    for (proof, change) in proofs.iter_mut().zip([Fp::ONE, -Fp::ONE]) {
        let at = proof.len() - 32;
        let blinding = Fp::from_repr(proof[at..].try_into().unwrap()).unwrap() + change;
        proof[at..].copy_from_slice(&blinding.to_repr());
    }
    let mut claims = honest.clone();
    (claims[0].proof, claims[1].proof) = (&proofs[0], &proofs[1]);

    let both: Vec<Ready<'_>> = claims[..2].iter().map(ready).collect();
    let host = &both[0].params;
    let mut plain = host.empty_msm();
    for ready in &both {
        let Ready { params, vk, instance, proof } = ready;
        let mut remainder = Remainder::read(host, params, vk, instance, proof).unwrap();
        let mut scalars = vec![Fp::ZERO; 1 << host.k()];
        remainder.add_folded(Fp::ONE, &mut scalars);
        remainder.msm.add_to_g_scalars(&scalars);
        plain.add_msm(&remainder.msm);
    }
    assert!(plain.eval(), "without random scalars they would pass");
    for _ in 0..4 {
        assert!(!together(&both.iter().collect::<Vec<_>>()).0);
    }
    rejects(&claims, &[0, 1], "cancelling");
}

#[test]
fn random_scalars_differ_and_are_not_zero() {
    let drawn: Vec<Fp> = (0..1000).map(|_| random_scalar().unwrap()).collect();
    assert!(drawn.iter().all(|scalar| *scalar != Fp::ZERO));
    let mut texts: Vec<_> = drawn.iter().map(PrimeField::to_repr).collect();
    texts.sort_unstable();
    texts.dedup();
    assert_eq!(texts.len(), drawn.len());
}

#[test]
fn generators_of_a_smaller_k_are_the_first_of_a_larger() {
    let bytes = |params: &Arc<Params<EqAffine>>| {
        let mut bytes = Vec::new();
        params.write(&mut bytes).unwrap();
        bytes
    };
    let largest = parameters(10, None).unwrap();
    let generators = largest.get_g();
    assert!(generators.iter().all(|g| !bool::from(g.is_identity())));
    let ends = bytes(&largest);
    for k in MIN_K..10 {
        let smaller = parameters(k, None).unwrap();
        assert_eq!(smaller.get_g(), generators[..1 << k]);
        // The last 64 bytes are the points W and U.
        let written = bytes(&smaller);
        assert_eq!(written[written.len() - 64..], ends[ends.len() - 64..]);
    }
}
