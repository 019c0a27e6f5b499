//! Many sums of points checked by one.
//!
//! # Why it is sound
//! A proof `i` holds where its remainder `R_i`, a sum of points, is zero (`remainder`). Until
//! there the verifier of a batch does what the verifier of one proof does: it builds the instance,
//! derives the key, and takes every challenge from the proof's own transcript, so Fiat-Shamir is
//! untouched, and `R_i` is a function of the statement and the bytes of proof `i` alone. Bytes
//! that encode no proof are rejected by themselves and enter no sum.
//!
//! In place of `R_i = 0` for every `i` it checks `Σ r_i · R_i = 0`. The `r_i` are drawn by the
//! verifier, from the operating system's randomness, uniformly from the non-zero elements of the
//! scalar field F, after all proofs are fixed: the prover never sees them, and can make no proof
//! depend on them. They are independent, and each is used once ([`Sum::add`] draws it, and takes
//! the remainder by value). Let `R_j ≠ 0`. The group has prime order |F|, so for any values of the
//! other `r_i` there is exactly one `r_j` in F that makes the sum zero. A batch with a proof that
//! does not hold is accepted with a probability of at most 1/(|F| − 1) < 2^-253, whatever the
//! number of proofs. Where all hold, the sum is always zero.
//!
//! # Several `k`
//! The generators of the parameters are hashed to the curve from their index, so those of a
//! smaller `k` are the first of those of a larger, and the points `W` and `U` are the same for all
//! (the digests of the parameters are pinned, and a test compares them). The remainders of all
//! proofs are therefore sums over the generators of the largest `k`.
//!
//! # What it costs
//! For each proof its points are decompressed, and the scalars of its generators computed: `2^k`
//! multiplications of field elements, which take a hundredth of `2^k` points' multiplication. The
//! generators of the largest `k` are multiplied once. Of every proof some 200 points remain that no
//! other shares: its own, and the commitments in its key.

use ff::Field;
use group::Curve;
use halo2_proofs::arithmetic::best_multiexp;
use halo2_proofs::pasta::{EqAffine, Fp};
use halo2_proofs::poly::commitment::{MSM, Params};
use rand::rngs::SysRng;

use super::remainder::Remainder;

/// A sum of remainders, each multiplied by a random scalar of its own.
pub(super) struct Sum<'params> {
    /// All but the folded generators, over the smallest parameters of the batch.
    msm: MSM<'params, EqAffine>,
    /// Scalars of the generators, as many as the largest `k` so far has.
    generators: Vec<Fp>,
}

impl<'params> Sum<'params> {
    pub fn new(host: &'params Params<EqAffine>) -> Self {
        Self { msm: host.empty_msm(), generators: Vec::new() }
    }

    /// Adds a remainder, multiplied by a fresh random scalar.
    pub fn add(&mut self, mut remainder: Remainder<'params>) -> Result<(), NoRandomness> {
        let factor = random_scalar()?;
        let len = self.generators.len().max(1 << remainder.challenges.len());
        self.generators.resize(len, Fp::ZERO);
        remainder.add_folded(factor, &mut self.generators);
        remainder.msm.scale(factor);
        self.msm.add_msm(&remainder.msm);
        Ok(())
    }

    pub fn merge(mut self, other: Self) -> Self {
        let len = self.generators.len().max(other.generators.len());
        self.generators.resize(len, Fp::ZERO);
        for (scalar, other) in self.generators.iter_mut().zip(&other.generators) {
            *scalar += other;
        }
        self.msm.add_msm(&other.msm);
        self
    }

    /// Whether the sum is zero. `host` are the parameters that it was made over, `largest` those of
    /// the largest `k` in it.
    pub fn vanishes(mut self, host: &Params<EqAffine>, largest: &Params<EqAffine>) -> bool {
        let first = 1 << host.k();
        if self.generators.len() > first {
            let bases = &largest.get_g()[first..self.generators.len()];
            let rest = best_multiexp(&self.generators[first..], bases);
            self.msm.append_term(Fp::ONE, rest.to_affine());
        }
        self.generators.resize(first, Fp::ZERO);
        self.msm.add_to_g_scalars(&self.generators);
        self.msm.eval()
    }
}

/// The operating system gave no randomness.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the operating system gives no randomness for verifying proofs together: {0}")]
pub(super) struct NoRandomness(String);

/// A uniform scalar other than zero.
pub(super) fn random_scalar() -> Result<Fp, NoRandomness> {
    loop {
        let scalar =
            Fp::try_random(&mut SysRng).map_err(|error| NoRandomness(error.to_string()))?;
        if !bool::from(scalar.is_zero()) {
            return Ok(scalar);
        }
    }
}
