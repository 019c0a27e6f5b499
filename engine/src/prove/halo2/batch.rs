//! Verifying many proofs together.
//!
//! The keys of all claims come first, then all proofs are read, and what is left of them is one
//! sum (`sum`). Where it is not zero, some proof does not hold, and each is verified by itself, so
//! that the verdict is about single proofs always.

use std::sync::Arc;
use std::time::Instant;

use halo2_proofs::pasta::{EqAffine, Fp};
use halo2_proofs::plonk::VerifyingKey;
use halo2_proofs::poly::commitment::Params;

use super::keys::{check, key_to_verify};
use super::remainder::Remainder;
use super::shape::{CircuitShape, MAX_K};
use super::sum::Sum;
use super::{Halo2, default_cache, parameters};
use crate::prove::claims::{Check, Checks, Claim};
use crate::prove::cores::{fold_on_cores, map_on_cores};
use crate::prove::{Statement, VerifyError};

/// A proof with all that its verifier needs. Its length has been checked.
pub(super) struct Ready<'a> {
    pub params: Arc<Params<EqAffine>>,
    pub vk: Arc<VerifyingKey<EqAffine>>,
    pub instance: Vec<Fp>,
    pub proof: &'a [u8],
}

impl Ready<'_> {
    /// Verifies it by itself.
    fn check(&self) -> Result<(), VerifyError> {
        check(&self.params, &self.vk, &self.instance, self.proof)
    }
}

/// What a function gives, and the seconds that it takes.
fn clocked<T>(run: impl FnOnce() -> T) -> (T, f64) {
    let start = Instant::now();
    let made = run();
    (made, start.elapsed().as_secs_f64())
}

/// Verifies claims together.
pub(super) fn verify_all(system: Halo2, claims: &[Claim<'_>]) -> Checks {
    let (prepared, keys_secs) = clocked(|| prepare(system, claims));
    let (ready, of_keys): (Vec<_>, Vec<f64>) = prepared.into_iter().unzip();
    let good: Vec<&Ready<'_>> = ready.iter().flatten().collect();
    let (verified, verify_secs) = clocked(|| verify_ready(&good));

    let mut verified = verified.into_iter();
    let claims = ready.into_iter().zip(of_keys).map(|(ready, keys_secs)| {
        let unverified = (Err(VerifyError::Rejected), 0.0);
        let (result, verify_secs) = match ready {
            Err(error) => (Err(error), 0.0),
            Ok(_) => verified.next().unwrap_or(unverified),
        };
        Check { result, keys_secs, verify_secs }
    });
    Checks::new(claims.collect(), keys_secs, verify_secs)
}

/// Gives each claim its key, or says why it has none; and the seconds that each took.
fn prepare<'a>(system: Halo2, claims: &[Claim<'a>]) -> Vec<(Result<Ready<'a>, VerifyError>, f64)> {
    struct Checked<'a> {
        statement: Statement<'a>,
        proof: &'a [u8],
        shape: CircuitShape,
        instance: Vec<Fp>,
        params: Arc<Params<EqAffine>>,
    }
    let checked = |claim: &Claim<'a>| {
        let (shape, instance) = system.checked(claim)?;
        // Here and not by the workers: they would wait for each other to make the same ones.
        let params = parameters(shape.k, default_cache().as_deref())
            .map_err(|error| VerifyError::Backend(error.to_string()))?;
        let Claim { statement, proof } = *claim;
        Ok(Checked { statement, proof, shape, instance, params })
    };
    let checked: Vec<(Result<Checked<'a>, VerifyError>, f64)> =
        claims.iter().map(|claim| clocked(|| checked(claim))).collect();

    // All workers together have no more rows at a time than the largest circuit there is, and so
    // take no more memory than its key would.
    let largest = checked.iter().filter_map(|(checked, _)| Some(checked.as_ref().ok()?.shape.k));
    let workers = 1 << MAX_K.saturating_sub(largest.max().unwrap_or(MAX_K));
    let keys = map_on_cores(&checked, workers, |(checked, _)| {
        clocked(|| {
            let Checked { statement, shape, params, .. } = checked.as_ref().ok()?;
            Some(key_to_verify(statement.program, statement.slice, shape, params))
        })
    });
    let joined = checked.into_iter().zip(keys).map(|((checked, secs), (key, key_secs))| {
        let ready = match (checked, key) {
            (Err(error), _) | (Ok(_), Some(Err(error))) => Err(error),
            (Ok(_), None) => Err(VerifyError::Backend("it has no key".to_owned())),
            (Ok(Checked { proof, instance, params, .. }), Some(Ok(vk))) => {
                Ok(Ready { params, vk, instance, proof })
            }
        };
        (ready, secs + key_secs)
    });
    joined.collect()
}

/// Whether each proof holds, and the seconds of work on it alone.
pub(super) fn verify_ready(ready: &[&Ready<'_>]) -> Vec<(Result<(), VerifyError>, f64)> {
    if let [ready] = ready {
        return vec![clocked(|| ready.check())];
    }
    let (all_hold, reads) = together(ready);
    let singly = |(ready, read): &(&&Ready<'_>, &Read)| {
        let (result, secs) = match (read.is_proof, all_hold) {
            (false, _) => (Err(VerifyError::Rejected), 0.0),
            (true, true) => (Ok(()), 0.0),
            (true, false) => clocked(|| ready.check()),
        };
        (result, read.secs + secs)
    };
    let pairs: Vec<_> = ready.iter().zip(&reads).collect();
    map_on_cores(&pairs, if all_hold { 1 } else { usize::MAX }, singly)
}

/// What came of reading a proof.
pub(super) struct Read {
    /// Whether its bytes encode a proof.
    pub is_proof: bool,
    /// Seconds to read it and to add it to the sum.
    secs: f64,
}

/// Reads all proofs, and tells whether all that are proofs hold. Where they don't, nothing is
/// known of a single one.
pub(super) fn together(ready: &[&Ready<'_>]) -> (bool, Vec<Read>) {
    struct Part<'params> {
        sum: Sum<'params>,
        is_whole: bool,
        reads: Vec<(usize, Read)>,
    }
    let k = |ready: &&&Ready<'_>| ready.params.k();
    let ends = (ready.iter().min_by_key(k), ready.iter().max_by_key(k));
    let (Some(smallest), Some(largest)) = ends else { return (true, Vec::new()) };
    let host = &*smallest.params;

    let start = || Part { sum: Sum::new(host), is_whole: true, reads: Vec::new() };
    let parts = fold_on_cores(ready, usize::MAX, start, |part, at, ready| {
        let (is_proof, secs) = clocked(|| {
            let Ready { params, vk, instance, proof } = ready;
            let remainder = Remainder::read(host, params, vk, instance, proof);
            let is_proof = remainder.is_ok();
            // A sum without one of its remainders, for want of randomness, says nothing.
            part.is_whole &= remainder.map_or(true, |remainder| part.sum.add(remainder).is_ok());
            is_proof
        });
        part.reads.push((at, Read { is_proof, secs }));
    });
    let mut is_whole = parts.iter().all(|part| part.is_whole);
    let (sums, reads): (Vec<_>, Vec<_>) =
        parts.into_iter().map(|part| (part.sum, part.reads)).unzip();
    let mut reads: Vec<(usize, Read)> = reads.into_iter().flatten().collect();
    reads.sort_by_key(|(at, _)| *at);
    // A proof that no worker took would be in no sum.
    is_whole &= reads.iter().map(|(at, _)| *at).eq(0..ready.len());
    let is_zero = |sum: Sum<'_>| sum.vanishes(host, &largest.params);
    let all_hold = is_whole && sums.into_iter().reduce(Sum::merge).is_some_and(is_zero);
    (all_hold, reads.into_iter().map(|(_, read)| read).collect())
}
