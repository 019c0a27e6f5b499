//! Many proofs at once.

use std::time::Instant;

use super::cores::map_on_cores;
use super::{ProofSystem, Statement, VerifyError};

/// A statement, and the proof that somebody gives for it.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// What is claimed; the verifier built it.
    pub statement: Statement<'a>,
    /// The proof.
    pub proof: &'a [u8],
}

/// What a verifier says of many claims.
#[derive(Debug, Default)]
pub struct Checks {
    /// One for each claim, in their order.
    pub claims: Vec<Check>,
    /// Seconds on the clock until all keys were there.
    pub keys_secs: f64,
    /// Seconds on the clock to verify all proofs, keys apart.
    pub verify_secs: f64,
}

/// What a verifier says of one claim.
#[derive(Debug)]
pub struct Check {
    /// Whether its proof holds.
    pub result: Result<(), VerifyError>,
    /// Seconds to derive its key: next to none where that was done before, or the system has no
    /// keys. Keys of several claims are derived at the same time.
    pub keys_secs: f64,
    /// Its share of [`Checks::verify_secs`], in proportion to the work on its own proof: the
    /// shares of all claims add up to the whole.
    pub verify_secs: f64,
}

impl Checks {
    /// Of checks whose `verify_secs` are the seconds of work on each proof, makes the shares.
    pub(super) fn new(mut claims: Vec<Check>, keys_secs: f64, verify_secs: f64) -> Self {
        let work_secs: f64 = claims.iter().map(|check| check.verify_secs).sum();
        for check in &mut claims {
            check.verify_secs *= if work_secs > 0.0 { verify_secs / work_secs } else { 0.0 };
        }
        Self { claims, keys_secs, verify_secs }
    }
}

/// Verifies each claim by itself, on all cores.
pub(super) fn one_by_one<S: ProofSystem + ?Sized>(system: &S, claims: &[Claim<'_>]) -> Checks {
    let start = Instant::now();
    let claims = map_on_cores(claims, usize::MAX, |claim| {
        let start = Instant::now();
        let result = system.verify(&claim.statement, claim.proof);
        Check { result, keys_secs: 0.0, verify_secs: start.elapsed().as_secs_f64() }
    });
    Checks::new(claims, 0.0, start.elapsed().as_secs_f64())
}
