//! One piece from its statement to a verified proof: a process that proves, one that verifies.

use std::collections::BTreeMap;
use std::sync::Mutex;

use super::control::Control;
use super::pool::{Failure, Task};
use super::prepare::Prepared;
use super::schedule::{Schedule, Waiting};
use super::shelf::{Kind, Role};
use super::wire::{Answer, Report, WireStatement, Work};
use super::worker::{Sign, Start, lock};
use super::{Event, Measured, Phase, Request};
use crate::program::Trace;
use crate::prove::{self, Boundary, Statement, Weights, halo2};

/// What proving a piece needs.
pub(super) struct Prover<'a> {
    pub request: &'a Request,
    pub control: &'a Control,
    pub schedule: &'a Mutex<Schedule>,
    pub start: Start,
    pub trace: &'a Trace,
    /// Held while parameters are made, so that two pieces don't make the same ones.
    pub parameters: Mutex<()>,
}

/// A proven piece: the proof, and what it is bound to.
pub(super) struct ProvenPiece {
    pub proof: Vec<u8>,
    pub measured: Measured,
    context: [u8; 32],
}

impl ProvenPiece {
    /// Whether this statement with this proof is what was proven and verified. The context covers
    /// model, program, plan, place and the bindings of all boundary tensors.
    pub(super) fn is_of(&self, statement: &Statement<'_>, proof: &[u8]) -> bool {
        self.context == statement.context && self.proof == proof
    }
}

/// What is learned of a piece while its process runs.
#[derive(Default)]
struct Observed {
    phases: BTreeMap<prove::Phase, f64>,
    keys_reused: bool,
    /// The most that was sampled, for systems that don't tell a process's peak.
    sampled_peak_bytes: u64,
    /// The peak that the process told.
    told_peak_bytes: Option<u64>,
}

impl Observed {
    fn secs(&self, phase: prove::Phase) -> f64 {
        self.phases.get(&phase).copied().unwrap_or(0.0)
    }

    fn peak_bytes(&self) -> u64 {
        self.told_peak_bytes.unwrap_or(self.sampled_peak_bytes)
    }
}

impl Prover<'_> {
    /// Proves a slice of a prepared plan, and verifies the proof in another process.
    pub(super) fn prove(
        &self,
        prepared: &Prepared,
        index: usize,
        waiting: &Waiting,
    ) -> Result<ProvenPiece, Failure> {
        let piece = waiting.piece;
        let slice = &prepared.layout.slices[index].program;
        let header = &prepared.header;
        let system = header.systems[index];
        let context = header.slice_context(index).0;
        let (commitments, tensors);
        let boundary = if system.is_zero_knowledge() {
            commitments = header
                .commitments_of(slice)
                .map_err(|id| Failure::Broken(format!("tensor {} has no commitment", id.0)))?;
            Boundary::Committed(&commitments)
        } else {
            let ids = slice.inputs.iter().chain(&slice.outputs);
            tensors = ids.map(|id| self.trace[id].as_slice()).collect::<Vec<_>>();
            Boundary::Public(&tensors)
        };
        let weights = match &prepared.roots {
            None => Weights::Public,
            Some(roots) => Weights::Committed(&roots[slice.ops.clone()]),
        };
        let program = &self.request.program;
        let statement = Statement { program, slice, context, boundary, weights };

        let made_secs = self.make_parameters(waiting)?;
        let own = |id: &_| slice.inputs.contains(id) || slice.outputs.contains(id);
        let work = Work::Prove {
            system,
            width: waiting.keys.map(|(_, width, _)| width),
            statement: WireStatement::of(&statement),
            trace: slice
                .inputs
                .iter()
                .filter_map(|id| Some((*id, self.trace.get(id)?.clone())))
                .collect(),
            salts: prepared.salts.iter().filter(|(id, _)| own(id)).map(|(k, v)| (*k, *v)).collect(),
        };
        let (answer, proving) = self.ask(&work, Role::Prove, waiting)?;
        let Answer::Proof(proof) = answer else {
            return Err(Failure::Broken("the process that proves it gave no proof".to_owned()));
        };

        self.control.phase(piece, Phase::Check);
        let statement = WireStatement::of(&statement);
        let work = Work::Verify { system, statement, proof: proof.clone() };
        let (answer, checking) = self.ask(&work, Role::Check, waiting)?;
        let Answer::Holds = answer else {
            return Err(Failure::Broken("the process that verifies it gave no answer".to_owned()));
        };

        let measured = Measured {
            witness_secs: proving.secs(prove::Phase::Witness),
            setup_secs: made_secs
                + proving.secs(prove::Phase::Parameters)
                + proving.secs(prove::Phase::Keys),
            prove_secs: proving.secs(prove::Phase::Prove),
            verify_secs: proving.secs(prove::Phase::Verify),
            peak_bytes: proving.peak_bytes(),
            verify_peak_bytes: checking.peak_bytes(),
            proof_bytes: proof.len() as u64,
            keys_reused: proving.keys_reused,
        };
        let at_secs = self.control.now_secs();
        self.control.send(Event::Finished { piece, measured, at_secs });
        Ok(ProvenPiece { proof, measured, context })
    }

    /// Makes the parameters where several processes could want the same ones at a time, and tells
    /// the seconds. Each process then reads them from the disk. They are made in a worker, which
    /// can be ended in the middle.
    fn make_parameters(&self, waiting: &Waiting) -> Result<f64, Failure> {
        let piece = waiting.piece;
        if self.request.jobs <= 1 {
            return Ok(0.0);
        }
        let (Some((_, _, k)), Some(cache)) = (waiting.keys, halo2::default_cache()) else {
            return Ok(0.0);
        };
        self.control.phase(piece, Phase::Parameters);
        let before = self.control.now_secs();
        let _only = lock(&self.parameters);
        if !halo2::has_parameters(k, &cache) {
            let maker = Waiting { piece, peak_bytes: 0, keys: None };
            let work = Work::Parameters { k };
            let (Answer::Parameters, _) = self.ask(&work, Role::Prove, &maker)? else {
                return Err(Failure::Broken(
                    "the process that makes the parameters gave no answer".to_owned(),
                ));
            };
        }
        Ok(self.control.now_secs() - before)
    }

    /// Has a worker do something, and passes on what happens.
    fn ask(
        &self,
        work: &Work,
        role: Role,
        waiting: &Waiting,
    ) -> Result<(Answer, Observed), Failure> {
        let Waiting { piece, keys, peak_bytes } = *waiting;
        // Once the proof is made, its worker holds its keys, and a check takes no more than they.
        let free = || lock(self.schedule).free_bytes();
        let checking = || free().saturating_add(peak_bytes / 2);
        let over = || free().saturating_add(peak_bytes);
        let task = Task {
            work,
            kind: &Kind { start: self.start.clone(), role },
            keys,
            room_bytes: match role {
                Role::Prove => [&free, &checking],
                Role::Check => [&checking, &over],
            },
            is_needed_again: &|| match role {
                Role::Prove => lock(self.schedule).needs(keys),
                // Whatever waits is to be checked too.
                Role::Check => !lock(self.schedule).is_empty(),
            },
        };
        let mut observed = Observed::default();
        let control = self.control;
        let done = self.request.pool.ask(&task, &control.working, &mut |sign| match sign {
            Sign::Memory(bytes) => {
                observed.sampled_peak_bytes = observed.sampled_peak_bytes.max(bytes);
                control.send(Event::Memory { piece, bytes, at_secs: control.now_secs() });
            }
            Sign::Report(Report::Started(phase)) => control.phase(piece, phase.into()),
            Sign::Report(Report::Finished(phase, secs)) => {
                *observed.phases.entry(phase).or_default() += secs;
            }
            Sign::Report(Report::Reused(phase)) => {
                observed.keys_reused |= phase == prove::Phase::Keys;
            }
            Sign::Report(Report::Done { .. }) => {}
        })?;
        observed.told_peak_bytes = done.peak_bytes;
        match done.answer {
            Answer::Failed(reason) => Err(Failure::Broken(reason)),
            answer => Ok((answer, observed)),
        }
    }
}

impl From<prove::Phase> for Phase {
    fn from(phase: prove::Phase) -> Self {
        match phase {
            prove::Phase::Parameters => Self::Parameters,
            prove::Phase::Keys => Self::Keys,
            prove::Phase::Witness => Self::Witness,
            prove::Phase::Prove => Self::Prove,
            prove::Phase::Verify => Self::Verify,
        }
    }
}
