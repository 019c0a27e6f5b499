//! What is left to check of one proof: that a sum of points is zero.
//!
//! A verifier of halo2 reads the proof, and what it cannot check by field arithmetic it puts off
//! into one multi-scalar multiplication, which is zero where the proof holds. Most of its points
//! are the `2^k` generators of the commitment scheme, with the scalars `-c · s_i`, where `s` is
//! folded from the challenges `u` of the opening (section 3.1 of the Halo paper,
//! <https://eprint.iacr.org/2019/1021>). The library keeps scalars of generators to itself, so
//! `c` and `u` are kept here instead of `s`.

use ff::Field;
use group::CurveAffine as _;
use halo2_proofs::pasta::{EqAffine, Fp};
use halo2_proofs::plonk::{Error, VerificationStrategy, VerifyingKey, verify_proof};
use halo2_proofs::poly::commitment::{Guard, MSM, Params};
use halo2_proofs::transcript::{
    Blake2bRead, Challenge255, EncodedChallenge, Transcript, TranscriptRead,
};

/// A sum of points that is zero where a proof holds.
#[derive(Clone)]
pub(super) struct Remainder<'params> {
    /// All but the folded generators. Of generators it has the first alone.
    pub msm: MSM<'params, EqAffine>,
    /// The folded generators, which count `scale` times.
    pub scale: Fp,
    /// The challenges that they are folded by, one for each halving of the `2^k`.
    pub challenges: Vec<Fp>,
}

impl<'params> Remainder<'params> {
    /// Reads a proof whose length has been checked. `host` are parameters over which the sum is
    /// written: those of this proof or of a smaller `k`, whose generators are the first of these.
    ///
    /// # Errors
    /// Where the bytes encode no proof.
    pub fn read(
        host: &'params Params<EqAffine>,
        params: &'params Params<EqAffine>,
        vk: &VerifyingKey<EqAffine>,
        instance: &[Fp],
        proof: &[u8],
    ) -> Result<Self, Error> {
        let mut transcript = Reader { inner: Blake2bRead::init(proof), last: [Fp::ZERO; 2] };
        let (msm, challenges) =
            verify_proof(params, vk, PutOff { host }, &[&[instance]], &mut transcript)?;
        // The last two scalars of a proof are `c` and the blinding `f`.
        let [c, _] = transcript.last;
        Ok(Self { msm, scale: -c, challenges })
    }

    /// Adds the scalars of the folded generators, `factor` times, to those of as many generators.
    pub fn add_folded(&self, factor: Fp, scalars: &mut [Fp]) {
        let mut folded = Vec::with_capacity(1 << self.challenges.len());
        folded.push(self.scale * factor);
        for challenge in self.challenges.iter().rev() {
            for at in 0..folded.len() {
                folded.push(folded[at] * challenge);
            }
        }
        for (scalar, folded) in scalars.iter_mut().zip(&folded) {
            *scalar += folded;
        }
    }
}

/// Puts the multiplication off, and keeps the challenges.
struct PutOff<'params> {
    host: &'params Params<EqAffine>,
}

impl<'params> VerificationStrategy<'params, EqAffine> for PutOff<'params> {
    type Output = (MSM<'params, EqAffine>, Vec<Fp>);

    fn process<E: EncodedChallenge<EqAffine>>(
        self,
        f: impl FnOnce(MSM<'params, EqAffine>) -> Result<Guard<'params, EqAffine, E>, Error>,
    ) -> Result<Self::Output, Error> {
        let guard = f(self.host.empty_msm())?;
        // The folded generator is left out: the library skips the point at infinity.
        let (msm, accumulator) = guard.use_g(EqAffine::identity());
        let challenges = accumulator.u_packed.iter().map(EncodedChallenge::get_scalar);
        Ok((msm, challenges.collect()))
    }
}

/// The library's transcript, which also keeps the last two scalars of the proof.
struct Reader<'a> {
    inner: Blake2bRead<&'a [u8], EqAffine, Challenge255<EqAffine>>,
    last: [Fp; 2],
}

impl Transcript<EqAffine, Challenge255<EqAffine>> for Reader<'_> {
    fn squeeze_challenge(&mut self) -> Challenge255<EqAffine> {
        self.inner.squeeze_challenge()
    }

    fn common_point(&mut self, point: EqAffine) -> std::io::Result<()> {
        self.inner.common_point(point)
    }

    fn common_scalar(&mut self, scalar: Fp) -> std::io::Result<()> {
        self.inner.common_scalar(scalar)
    }
}

impl TranscriptRead<EqAffine, Challenge255<EqAffine>> for Reader<'_> {
    fn read_point(&mut self) -> std::io::Result<EqAffine> {
        self.inner.read_point()
    }

    fn read_scalar(&mut self) -> std::io::Result<Fp> {
        let scalar = self.inner.read_scalar()?;
        self.last = [self.last[1], scalar];
        Ok(scalar)
    }
}
