//! One piece from its statement to a verified proof: a process that proves, one that verifies.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::job::Sink;
use super::prepare::Prepared;
use super::wire::{Report, WireStatement, Work};
use super::worker::{ChildError, Children, Sign};
use super::{Event, Measured, Phase, Piece, Request};
use crate::program::Trace;
use crate::prove::{self, Boundary, Shape, Statement, Weights, halo2};

/// What proving a piece needs.
pub(super) struct Prover<'a> {
    pub request: &'a Request,
    pub children: &'a Children,
    pub sink: &'a Sink,
    pub child_program: PathBuf,
    pub trace: &'a Trace,
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
    /// The most that was sampled, for systems that don't tell a process's peak.
    sampled_peak_bytes: u64,
}

impl Observed {
    fn secs(&self, phase: prove::Phase) -> f64 {
        self.phases.get(&phase).copied().unwrap_or(0.0)
    }
}

impl Prover<'_> {
    /// Proves a slice of a prepared plan, and verifies the proof in another process.
    pub(super) fn prove(
        &self,
        prepared: &Prepared,
        index: usize,
        piece: Piece,
    ) -> Result<ProvenPiece, ChildError> {
        let slice = &prepared.layout.slices[index].program;
        let header = &prepared.header;
        let system = header.systems[index];
        let context = header.slice_context(index).0;
        let (commitments, tensors);
        let boundary = if system.is_zero_knowledge() {
            commitments = header
                .commitments_of(slice)
                .map_err(|id| ChildError::Failed(format!("tensor {} has no commitment", id.0)))?;
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

        let made_secs = self.make_parameters(&statement, system, piece)?;
        let own = |id: &_| slice.inputs.contains(id) || slice.outputs.contains(id);
        let work = Work::Prove {
            system,
            statement: WireStatement::of(&statement),
            trace: slice
                .inputs
                .iter()
                .filter_map(|id| Some((*id, self.trace.get(id)?.clone())))
                .collect(),
            salts: prepared.salts.iter().filter(|(id, _)| own(id)).map(|(k, v)| (*k, *v)).collect(),
        };
        let (report, proving) = self.run_child(&work, piece)?;
        let Report::Proof { bytes: proof, peak_bytes } = report else {
            return Err(ChildError::Failed("the process that proves it gave no proof".to_owned()));
        };

        self.sink.phase(piece, Phase::Check);
        let statement = WireStatement::of(&statement);
        let work = Work::Verify { system, statement, proof: proof.clone() };
        let (report, checking) = self.run_child(&work, piece)?;
        let Report::Holds { peak_bytes: verify_peak_bytes } = report else {
            return Err(ChildError::Failed(
                "the process that verifies it gave no answer".to_owned(),
            ));
        };

        let measured = Measured {
            witness_secs: proving.secs(prove::Phase::Witness),
            setup_secs: made_secs
                + proving.secs(prove::Phase::Parameters)
                + proving.secs(prove::Phase::Keys),
            prove_secs: proving.secs(prove::Phase::Prove),
            verify_secs: proving.secs(prove::Phase::Verify),
            peak_bytes: peak_bytes.unwrap_or(proving.sampled_peak_bytes),
            verify_peak_bytes: verify_peak_bytes.unwrap_or(checking.sampled_peak_bytes),
            proof_bytes: proof.len() as u64,
        };
        let at_secs = self.sink.now_secs();
        self.sink.send(Event::Finished { piece, measured, at_secs });
        Ok(ProvenPiece { proof, measured, context })
    }

    /// Makes the parameters here where several processes could want the same ones at a time, and
    /// tells the seconds. Each process then reads them from the disk.
    fn make_parameters(
        &self,
        statement: &Statement<'_>,
        system: prove::System,
        piece: Piece,
    ) -> Result<f64, ChildError> {
        if self.request.jobs <= 1 {
            return Ok(0.0);
        }
        let failed = |reason: String| ChildError::Failed(reason);
        let shape = system
            .proof_system()
            .shape(statement.program, statement.slice)
            .map_err(|error| failed(error.to_string()))?;
        let Shape::Halo2(shape) = shape else { return Ok(0.0) };
        self.sink.phase(piece, Phase::Parameters);
        let before = self.sink.now_secs();
        halo2::parameters(shape.k, halo2::default_cache().as_deref())
            .map_err(|error| failed(error.to_string()))?;
        Ok(self.sink.now_secs() - before)
    }

    /// Runs a child to its last report, and passes on what happens.
    fn run_child(&self, work: &Work, piece: Piece) -> Result<(Report, Observed), ChildError> {
        let mut observed = Observed::default();
        let report = self.children.run(&self.child_program, work, &mut |sign| match sign {
            Sign::Memory(bytes) => {
                observed.sampled_peak_bytes = observed.sampled_peak_bytes.max(bytes);
                let at_secs = self.sink.now_secs();
                self.sink.send(Event::Memory { piece, bytes, at_secs });
            }
            Sign::Report(Report::Started(phase)) => self.sink.phase(piece, phase.into()),
            Sign::Report(Report::Finished(phase, secs)) => {
                *observed.phases.entry(phase).or_default() += secs;
            }
            Sign::Report(_) => {}
        })?;
        Ok((report, observed))
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
