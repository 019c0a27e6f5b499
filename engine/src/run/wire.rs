//! What parent and worker process say to each other: frames of postcard over stdin and stdout.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::program::{Program, ProgramSlice, Trace, ValueId};
use crate::prove::halo2::Width;
use crate::prove::whir::WeightRoot;
use crate::prove::{Boundary, Commitment, Phase, Salt, Statement, System, Weights};

/// Bytes that a frame may have.
const MOST_FRAME_BYTES: u64 = 1 << 34;

/// A statement on its way to a worker.
#[derive(Serialize, Deserialize)]
pub(super) struct WireStatement {
    program: Program,
    inputs: Vec<ValueId>,
    outputs: Vec<ValueId>,
    context: [u8; 32],
    boundary: WireBoundary,
    /// The roots of committed weights.
    roots: Option<Vec<Option<WeightRoot>>>,
}

/// The boundary of a statement, owned.
#[derive(Serialize, Deserialize)]
enum WireBoundary {
    Committed(Vec<Commitment>),
    Public(Vec<Vec<i32>>),
}

impl WireStatement {
    pub(super) fn of(statement: &Statement<'_>) -> Self {
        let Statement { program, slice, context, boundary, weights } = *statement;
        // The worker needs the slice's operations only, which keeps the rest of the weights out of
        // its memory; tensors keep their ids. What the slice answers with is what this shorter
        // program answers with, so that the slice is a piece of it too.
        let program = Program {
            tensors: program.tensors.clone(),
            ops: program.ops[slice.ops.clone()].to_vec(),
            inputs: program.inputs.clone(),
            outputs: slice.outputs.clone(),
        };
        Self {
            program,
            inputs: slice.inputs.clone(),
            outputs: slice.outputs.clone(),
            context,
            boundary: match boundary {
                Boundary::Committed(commitments) => WireBoundary::Committed(commitments.to_vec()),
                Boundary::Public(tensors) => {
                    WireBoundary::Public(tensors.iter().map(|tensor| tensor.to_vec()).collect())
                }
            },
            roots: match weights {
                Weights::Public => None,
                Weights::Committed(roots) => Some(roots.to_vec()),
            },
        }
    }

    /// Calls `f` with the statement.
    pub(super) fn with<T>(&self, f: impl FnOnce(&Statement<'_>) -> T) -> T {
        let slice = ProgramSlice {
            ops: 0..self.program.ops.len(),
            inputs: self.inputs.clone(),
            outputs: self.outputs.clone(),
        };
        let tensors: Vec<&[i32]>;
        let boundary = match &self.boundary {
            WireBoundary::Committed(commitments) => Boundary::Committed(commitments),
            WireBoundary::Public(owned) => {
                tensors = owned.iter().map(Vec::as_slice).collect();
                Boundary::Public(&tensors)
            }
        };
        f(&Statement {
            program: &self.program,
            slice: &slice,
            context: self.context,
            boundary,
            weights: self.roots.as_deref().map_or(Weights::Public, Weights::Committed),
        })
    }
}

/// What a worker is asked for.
#[derive(Serialize, Deserialize)]
pub(super) enum Work {
    /// Prove a statement.
    Prove {
        system: System,
        /// Which circuit of `halo2`; none for the cheapest.
        width: Option<Width>,
        statement: WireStatement,
        trace: Trace,
        salts: BTreeMap<ValueId, Salt>,
    },
    /// Verify a proof.
    Verify { system: System, statement: WireStatement, proof: Vec<u8> },
    /// Make the public parameters of this size, and leave them on the disk.
    Parameters { k: u32 },
}

/// What a worker reports while it works, and at last.
#[derive(Serialize, Deserialize)]
pub(super) enum Report {
    /// A phase begins.
    Started(Phase),
    /// A phase ended after so many seconds.
    Finished(Phase, f64),
    /// A phase is spared: what it makes is there from an earlier request.
    Reused(Phase),
    /// The last report.
    Done {
        answer: Answer,
        /// The most memory that the worker held since the request came, where the system tells.
        peak_bytes: Option<u64>,
        /// What it holds now that the request is gone, where the system tells.
        held_bytes: Option<u64>,
    },
}

/// What a worker answers.
#[derive(Serialize, Deserialize)]
pub(super) enum Answer {
    /// The proof.
    Proof(Vec<u8>),
    /// The proof that was to be verified holds.
    Holds,
    /// The parameters are there.
    Parameters,
    /// It did not work out, and why.
    Failed(String),
}

pub(super) fn send(out: &mut impl Write, message: &impl Serialize) -> io::Result<()> {
    let bytes = postcard::to_stdvec(message).map_err(io::Error::other)?;
    out.write_all(&(bytes.len() as u64).to_le_bytes())?;
    out.write_all(&bytes)?;
    out.flush()
}

pub(super) fn receive<T: DeserializeOwned>(from: &mut impl Read) -> io::Result<T> {
    let mut length = [0; 8];
    from.read_exact(&mut length)?;
    let length = u64::from_le_bytes(length);
    if length > MOST_FRAME_BYTES {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a frame is too long"));
    }
    let mut bytes = Vec::new();
    from.take(length).read_to_end(&mut bytes)?;
    if (bytes.len() as u64) < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    postcard::from_bytes(&bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}
