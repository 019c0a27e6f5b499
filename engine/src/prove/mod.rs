//! Proving one slice.
//!
//! A [`ProofSystem`] proves a [`Statement`]: that a slice of the fixed-point program maps the
//! tensors on its incoming boundary to those on its outgoing boundary. The statement names the
//! boundary tensors by their commitments, so that slices proved apart can be linked afterwards.
//!
//! What a system cannot prove is [`Unprovable`], with the operator's name and the reason; nothing
//! falls back silently.

mod claims;
mod cores;
pub mod halo2;
#[cfg(test)]
mod operators;
#[cfg(test)]
pub(crate) mod testing;
pub mod whir;

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::program::{Program, ProgramSlice, RunError, Trace, ValueId};
pub use claims::{Check, Checks, Claim};
pub use halo2::{Commitment, Salt};

/// The proof systems.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum System {
    #[default]
    /// Zero knowledge, no trusted setup, proofs below 10 KB.
    Halo2,
    /// Integrity only, and fast: hash-based, boundaries are public, nothing is hidden.
    Whir,
}

impl System {
    /// Every system.
    pub const ALL: [Self; 2] = [Self::Halo2, Self::Whir];

    /// The prover and verifier behind the name.
    #[must_use]
    pub fn proof_system(self) -> &'static dyn ProofSystem {
        match self {
            Self::Halo2 => &halo2::Halo2::AUTO,
            Self::Whir => &whir::Whir,
        }
    }

    /// Whether it hides what flows through a slice. Where it doesn't, the tensors on the slice's
    /// boundary are public.
    #[must_use]
    pub fn is_zero_knowledge(self) -> bool {
        match self {
            Self::Halo2 => true,
            Self::Whir => false,
        }
    }

    /// What it promises, in a sentence.
    #[must_use]
    pub fn promise(self) -> &'static str {
        match self {
            Self::Halo2 => {
                "Zero knowledge and small proofs: activations stay hidden, a slice's proof has \
                 less than 10 KB."
            }
            Self::Whir => {
                "Speed and hash-based security, and nothing hidden: the tensors on the slice's \
                 boundary become public."
            }
        }
    }
}

impl fmt::Display for System {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Halo2 => "halo2",
            Self::Whir => "whir",
        })
    }
}

/// A text that names no proof system.
#[derive(Debug, thiserror::Error)]
#[error("no proof system is called {0:?}: choose `halo2` or `whir`")]
pub struct UnknownSystem(String);

impl FromStr for System {
    type Err = UnknownSystem;

    fn from_str(text: &str) -> Result<Self, UnknownSystem> {
        match text {
            "halo2" => Ok(Self::Halo2),
            "whir" => Ok(Self::Whir),
            _ => Err(UnknownSystem(text.to_owned())),
        }
    }
}

/// What a proof of a slice says. Prover and verifier each build it for themselves.
#[derive(Clone, Copy, Debug)]
pub struct Statement<'a> {
    /// The whole program.
    pub program: &'a Program,
    /// The slice of it.
    pub slice: &'a ProgramSlice,
    /// Digest of everything else that the proof is bound to (format, run, plan), against replay.
    pub context: [u8; 32],
    /// The slice's inputs, then its outputs, in the order of the slice.
    pub boundary: Boundary<'a>,
    /// Where the weights are.
    pub weights: Weights<'a>,
}

/// Where the weights of a statement are.
#[derive(Clone, Copy, Debug)]
pub enum Weights<'a> {
    /// In the program, and public.
    Public,
    /// With their owner: under these roots, one for each operation of the slice, none where it has
    /// no weights. A verifier's program has no weights then.
    Committed(&'a [Option<whir::WeightRoot>]),
}

/// The tensors on a slice's boundary, as its proof system has them.
#[derive(Clone, Copy, Debug)]
pub enum Boundary<'a> {
    /// Commitments to them: what systems take that hide them.
    Committed(&'a [Commitment]),
    /// Their elements: what systems take that don't.
    Public(&'a [&'a [i32]]),
}

/// What only the prover knows.
#[derive(Clone, Debug)]
pub struct Witness {
    /// Integer tensors, at least the slice's inputs.
    pub trace: Trace,
    /// The salt of each boundary tensor.
    pub salts: BTreeMap<ValueId, Salt>,
}

/// A phase of proving.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Reading or making the public parameters.
    Parameters,
    /// Deriving the proving and the verifying key.
    Keys,
    /// Running the slice on integers.
    Witness,
    /// Making the proof.
    Prove,
    /// Verifying the finished proof.
    Verify,
}

/// What a running proof reports.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Event {
    /// A phase begins.
    Started(Phase),
    /// A phase ended after so many seconds.
    Finished(Phase, f64),
    /// A phase is spared: what it makes was kept from an earlier proof.
    Reused(Phase),
}

/// Called with each event of a running proof.
pub type Progress<'a> = dyn FnMut(Event) + 'a;

/// Runs one phase and reports when it starts and ends.
fn timed<T>(phase: Phase, progress: &mut Progress<'_>, run: impl FnOnce() -> T) -> T {
    progress(Event::Started(phase));
    let start = std::time::Instant::now();
    let result = run();
    progress(Event::Finished(phase, start.elapsed().as_secs_f64()));
    result
}

/// Why a slice cannot be proven by a system.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {reason}")]
pub struct Unprovable {
    /// The node with its operator, or the slice.
    pub place: String,
    /// What stands in the way and what to do about it.
    pub reason: String,
}

/// Why no proof came out.
#[derive(Debug, thiserror::Error)]
pub enum ProveError {
    /// The system cannot prove this slice.
    #[error(transparent)]
    Unprovable(#[from] Unprovable),
    /// The slice does not run on these inputs.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The statement has the wrong number of tensors, or not in the way that the system needs.
    #[error("the slice has {expected} boundary tensors, the statement gives {got} of them")]
    BoundaryCount {
        /// Tensors on the slice's boundary.
        expected: usize,
        /// Commitments or public tensors given.
        got: usize,
    },
    /// A boundary tensor has no salt.
    #[error(
        "tensor {name:?} is on the boundary and has no salt: draw one for each boundary tensor"
    )]
    MissingSalt {
        /// Name of the tensor.
        name: String,
    },
    /// A commitment of the statement is not to the tensor of the witness.
    #[error(
        "the commitment to tensor {name:?} does not open to its elements: commit to the tensor of \
         this run, under the same salt"
    )]
    WrongCommitment {
        /// Name of the tensor.
        name: String,
    },
    /// A public tensor of the statement is not that of the witness.
    #[error("tensor {name:?} of the statement is not the one of this run")]
    WrongTensor {
        /// Name of the tensor.
        name: String,
    },
    /// The proof system failed.
    #[error("the proof of the slice could not be made: {0}")]
    Backend(String),
}

/// Why a proof was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The system cannot prove this slice, so no proof of it can be valid.
    #[error(transparent)]
    Unprovable(#[from] Unprovable),
    /// The statement has the wrong number of tensors, or not in the way that the system needs.
    #[error("the slice has {expected} boundary tensors, the statement gives {got} of them")]
    BoundaryCount {
        /// Tensors on the slice's boundary.
        expected: usize,
        /// Commitments or public tensors given.
        got: usize,
    },
    /// A proof of this slice has another length.
    #[error("a proof of this slice has {expected} bytes, this one has {got}")]
    ProofLength {
        /// Bytes of every valid proof of the slice.
        expected: usize,
        /// Bytes given.
        got: usize,
    },
    /// The proof does not hold.
    #[error("the proof does not hold for this statement")]
    Rejected,
    /// A proof by [`whir`] does not hold.
    #[error("the proof does not hold for this statement: {0}")]
    Whir(#[from] whir::Rejection),
    /// A public tensor has the wrong length, or leaves the range of its bits.
    #[error("the public tensor {name:?} has another length than its shape, or leaves its range")]
    PublicTensor {
        /// Name of the tensor.
        name: String,
    },
    /// The verifying key could not be derived.
    #[error("the verifying key of the slice could not be derived: {0}")]
    Backend(String),
}

/// A proof system.
pub trait ProofSystem: Sync {
    /// Its name.
    fn system(&self) -> System;

    /// Size of the circuit that proves the slice.
    ///
    /// # Errors
    /// Where the system cannot prove the slice.
    fn shape(&self, program: &Program, slice: &ProgramSlice) -> Result<Shape, Unprovable>;

    /// Proves the statement: runs the slice on the integers, makes the proof with randomness of
    /// the operating system and verifies it.
    ///
    /// # Errors
    /// Where the witness does not fit the statement, the slice does not run, or the system cannot
    /// prove it.
    fn prove(
        &self,
        statement: &Statement<'_>,
        witness: &Witness,
        progress: &mut Progress<'_>,
    ) -> Result<Vec<u8>, ProveError>;

    /// Verifies a proof from nothing but the statement and the bytes.
    ///
    /// # Errors
    /// Where the proof does not hold, for whatever reason.
    fn verify(&self, statement: &Statement<'_>, proof: &[u8]) -> Result<(), VerifyError>;

    /// Verifies many proofs at once, which may be cheaper than one after the other. It accepts
    /// each of them as [`ProofSystem::verify`] would.
    fn verify_all(&self, claims: &[Claim<'_>]) -> Checks {
        claims::one_by_one(self, claims)
    }
}

/// Size of the circuit that proves a slice, by system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "system", rename_all = "lowercase")]
pub enum Shape {
    /// A circuit of [`halo2`].
    Halo2(halo2::CircuitShape),
    /// The sizes of a proof by [`whir`].
    Whir(whir::WhirShape),
}
