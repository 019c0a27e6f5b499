//! Jobs: a model is run, its slices are proven in the background, and a bundle comes out.
//!
//! A slice is proven in a worker, a process of the same program: it can be cancelled at once, its
//! peak memory is the process's own, and a crash costs one slice. A proof starts only while the
//! predicted memory of all running ones fits the budget. Secrets go to the worker over a pipe, and
//! never to the disk. A worker stays for the same circuit, whose keys it has ([`Pool`]).

mod child;
mod control;
mod job;
mod memory;
mod piece;
mod pool;
mod prepare;
mod refusal;
mod schedule;
mod shelf;
mod wire;
mod worker;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use serde::{Deserialize, Serialize};

pub use child::child_main_if_asked;
pub use memory::available_bytes;
pub use pool::Pool;

use crate::bundle::{Bundle, Custody, Secrets, Verdict};
use crate::onnx::Model;
use crate::plan::Plan;
use crate::program::{Card, Fidelity, Program, Skeleton};

/// What to prove, and how.
#[derive(Clone)]
pub struct Request {
    /// The model.
    pub model: Arc<Model>,
    /// Its structure.
    pub skeleton: Arc<Skeleton>,
    /// Its fixed-point program.
    pub program: Arc<Program>,
    /// The card that the program was lowered under.
    pub card: Card,
    /// Where it is cut.
    pub plan: Plan,
    /// One tensor for each of the model's inputs.
    pub input: Vec<Vec<f32>>,
    /// Indices of the slices to prove; the others are executed.
    pub prove: BTreeSet<usize>,
    /// The tensors to reveal.
    pub reveal: Reveal,
    /// A text that the proofs are bound to.
    pub context: String,
    /// How many proofs may run at a time. One uses all cores; several share them.
    pub jobs: usize,
    /// The memory that running proofs may take together, by prediction.
    pub memory_bytes: u64,
    /// Whether the proofs are about public weights, or about committed ones.
    pub weights: Custody,
    /// Whether to prove the model as one slice too, for comparison.
    pub whole_too: bool,
    /// The program that workers run, where it isn't this one. It must call
    /// [`child_main_if_asked`] first.
    pub child_program: Option<PathBuf>,
    /// The workers, with the keys that they have from before.
    pub pool: Pool,
}

/// Which boundary tensors are revealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reveal {
    /// The model's inputs; with them, what a verifier needs to run slices again that are not
    /// proven, which anyone could compute from the inputs.
    pub input: bool,
    /// The model's outputs.
    pub output: bool,
    /// Every tensor on the boundary of a slice that is not proven, so that a verifier can run it
    /// again.
    pub executed: bool,
    /// Every tensor on a boundary.
    pub all: bool,
}

impl Reveal {
    /// Nothing.
    pub const NONE: Self = Self { input: false, output: false, executed: false, all: false };
    /// The model's inputs and outputs.
    pub const ENDS: Self = Self { input: true, output: true, ..Self::NONE };
    /// Every tensor on a boundary.
    pub const ALL: Self = Self { input: true, output: true, executed: true, all: true };
}

/// A text that says nothing of what to reveal.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} can't be revealed: give `none`, `all`, or a list of `input`, `output`, `executed`")]
pub struct UnknownReveal(String);

impl FromStr for Reveal {
    type Err = UnknownReveal;

    fn from_str(text: &str) -> Result<Self, UnknownReveal> {
        match text {
            "none" => return Ok(Self::NONE),
            "all" => return Ok(Self::ALL),
            _ => {}
        }
        let mut reveal = Self::NONE;
        for part in text.split(',') {
            match part.trim() {
                "input" => reveal.input = true,
                "output" => reveal.output = true,
                "executed" => reveal.executed = true,
                other => return Err(UnknownReveal(other.to_owned())),
            }
        }
        Ok(reveal)
    }
}

/// How many proofs at a time are fastest in all: one for each core. On two cores, two at a time took
/// 0.85 to 0.91 of one after the other with `halo2` and 0.60 to 0.67 with `whir`
/// (`cargo run --release --example jobs_trial`); each single proof takes longer.
#[must_use]
pub fn fastest_jobs() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// One thing that is proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Piece {
    /// A slice of the plan.
    Slice(usize),
    /// The whole model as one slice.
    Whole,
}

/// Where a piece is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Waiting for its turn.
    Queued,
    /// Reading or making the public parameters.
    Parameters,
    /// Deriving the keys.
    Keys,
    /// Running the slice on integers.
    Witness,
    /// Making the proof.
    Prove,
    /// Verifying the proof, with the keys that are there.
    Verify,
    /// Verifying the proof from the bundle, in a process of its own.
    Check,
}

/// What a piece took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// Seconds to run the slice on integers.
    pub witness_secs: f64,
    /// Seconds for parameters and keys; next to none where they were there.
    pub setup_secs: f64,
    /// Seconds to make the proof.
    pub prove_secs: f64,
    /// Seconds to verify it, with the key made.
    pub verify_secs: f64,
    /// The most memory that the proving process held, its keys included.
    pub peak_bytes: u64,
    /// The most memory that a verifying process held, deriving the key included where it wasn't
    /// there.
    pub verify_peak_bytes: u64,
    /// Bytes of the proof.
    pub proof_bytes: u64,
    /// Whether the proving keys were there from an earlier proof of the same circuit.
    #[serde(default)]
    pub keys_reused: bool,
}

/// What happens while a job runs. Times are seconds since it started.
#[derive(Clone, Debug)]
pub enum Event {
    /// What there is to do.
    Planned {
        /// Slices of the plan.
        slices: usize,
        /// Whether the whole model is proven too.
        whole: bool,
    },
    /// The model was run on integers.
    Executed {
        /// Its outputs in real numbers; `None` where they depend on a node that can't be lowered.
        output: Option<Vec<Vec<f32>>>,
        /// How far they are from the float run.
        fidelity: Option<Fidelity>,
    },
    /// A piece enters a phase.
    Phase {
        /// Which.
        piece: Piece,
        /// The phase.
        phase: Phase,
        /// When.
        at_secs: f64,
    },
    /// What the process of a piece holds now.
    Memory {
        /// Which.
        piece: Piece,
        /// Resident bytes.
        bytes: u64,
        /// When.
        at_secs: f64,
    },
    /// A piece is proven.
    Finished {
        /// Which.
        piece: Piece,
        /// What it took.
        measured: Measured,
        /// When.
        at_secs: f64,
    },
    /// A piece could not be proven; the others go on.
    Failed {
        /// Which.
        piece: Piece,
        /// Why.
        reason: String,
    },
    /// The job is done.
    Done {
        /// What came out.
        outcome: Box<Outcome>,
    },
    /// The job was cancelled.
    Cancelled,
    /// The job could not be done.
    Error {
        /// Why, and what to do.
        reason: String,
        /// Cuts that would help, to be added to the plan, where the job was refused for its memory.
        cuts: Vec<usize>,
    },
}

/// What came out of a job.
#[derive(Clone)]
pub struct Outcome {
    /// The plan, proven.
    pub sliced: Proven,
    /// The model as one slice, proven, where that was asked for and worked.
    pub whole: Option<Proven>,
    /// What didn't work, by piece.
    pub failures: Vec<(Piece, String)>,
    /// The outputs in real numbers, also where they are not revealed.
    pub output: Option<Vec<Vec<f32>>>,
    /// How far they are from the float run.
    pub fidelity: Option<Fidelity>,
    /// Seconds in all.
    pub wall_secs: f64,
}

/// A proven plan.
#[derive(Clone)]
pub struct Proven {
    /// The bundle.
    pub bundle: Bundle,
    /// What stays hidden.
    pub secrets: Secrets,
    /// The verdict of a verifier who demands this program and context, and full coverage where
    /// all slices were to be proven.
    pub verdict: Verdict,
    /// What each slice took; `None` where it wasn't proven.
    pub measured: Vec<Option<Measured>>,
    /// Seconds to commit to the boundary tensors, and to check links and openings.
    pub linking_secs: f64,
}

impl std::fmt::Debug for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Secrets must not end in a log.
        f.debug_struct("Outcome")
            .field("verdict", &self.sliced.verdict)
            .field("measured", &self.sliced.measured)
            .field("failures", &self.failures)
            .finish_non_exhaustive()
    }
}

/// A job in the background. Dropping it cancels it.
pub struct Job {
    /// What happens, in order; it ends with `Done`, `Cancelled` or `Error`.
    pub events: Receiver<Event>,
    control: Arc<control::Control>,
}

impl Job {
    /// Ends the job at once; `Cancelled` is the last event, where it hadn't ended yet. Workers are
    /// ended in the middle of whatever they do. The job's own thread stops where it next looks,
    /// between two operations of the model or two tensors, and is not heard any more.
    pub fn cancel(&self) {
        self.control.cancel();
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        self.cancel();
    }
}

/// Starts a job. `wake` is called after each event, for windows that sleep.
pub fn start(request: Request, wake: impl Fn() + Send + Sync + 'static) -> Job {
    let (events, control) = job::spawn(request, Box::new(wake));
    Job { events, control }
}

#[cfg(test)]
mod tests;
