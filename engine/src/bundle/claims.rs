//! The statements of a bundle's proofs, as the verifier builds them, and ways to check them.

use std::collections::BTreeMap;
use std::time::Instant;

use super::reading::Reading;
use super::{Header, ProofCheck};
use crate::program::{ProgramSlice, Trace};
use crate::prove::whir::WeightRoot;
use crate::prove::{Boundary, Check, Claim, Commitment, Statement, System, Weights};

/// The proof of one slice, with all that its statement is made of.
pub(super) struct SliceClaim<'a> {
    index: usize,
    system: System,
    reading: &'a Reading,
    slice: &'a ProgramSlice,
    context: [u8; 32],
    tensors: Tensors<'a>,
    proof: &'a [u8],
}

/// The tensors on a slice's boundary, as its proof system has them.
enum Tensors<'a> {
    Committed(Vec<Commitment>),
    Public(Vec<&'a [i32]>),
}

impl<'a> SliceClaim<'a> {
    /// Builds the statement that the proof of a slice must be of, or says why there is none.
    pub(super) fn new(
        reading: &'a Reading,
        header: &Header,
        opened: &'a Trace,
        index: usize,
        proof: &'a [u8],
    ) -> Result<Self, String> {
        let program = &reading.program;
        let slice = &reading.layout.slices[index].program;
        let system = header.systems[index];
        let tensors = if system.is_zero_knowledge() {
            let commitments = header.commitments_of(slice).map_err(|id| {
                format!("tensor {:?} on its boundary has no commitment", program.value(id).name)
            })?;
            Tensors::Committed(commitments)
        } else {
            let tensor = |id| {
                opened.get(id).map(Vec::as_slice).ok_or_else(|| {
                    format!(
                        "tensor {:?} on its boundary is not revealed, and {system} takes public \
                         tensors",
                        program.value(*id).name
                    )
                })
            };
            let ids = slice.inputs.iter().chain(&slice.outputs);
            Tensors::Public(ids.map(tensor).collect::<Result<_, String>>()?)
        };
        let context = header.slice_context(index).0;
        Ok(Self { index, system, reading, slice, context, tensors, proof })
    }

    fn claim(&self) -> Claim<'_> {
        let boundary = match &self.tensors {
            Tensors::Committed(commitments) => Boundary::Committed(commitments),
            Tensors::Public(tensors) => Boundary::Public(tensors),
        };
        let statement = Statement {
            program: &self.reading.program,
            slice: self.slice,
            context: self.context,
            boundary,
            weights: weights_of(self.reading.roots.as_deref(), self.slice),
        };
        Claim { statement, proof: self.proof }
    }
}

/// The weights of a slice, given the roots of all operations.
pub(super) fn weights_of<'a>(
    roots: Option<&'a [Option<WeightRoot>]>,
    slice: &ProgramSlice,
) -> Weights<'a> {
    match roots {
        None => Weights::Public,
        Some(roots) => Weights::Committed(roots.get(slice.ops.clone()).unwrap_or_default()),
    }
}

/// What came of checking the proofs of a bundle.
#[derive(Debug, Default)]
pub(super) struct Checked {
    /// One for each claim, by the index of its slice.
    pub slices: BTreeMap<usize, CheckedSlice>,
    /// Seconds on the clock until all keys were there.
    pub keys_secs: f64,
    /// Seconds on the clock to check all proofs, keys apart.
    pub verify_secs: f64,
}

/// What came of checking the proof of a slice.
#[derive(Debug)]
pub(super) struct CheckedSlice {
    /// Whether the proof holds, or why not.
    pub result: Result<(), String>,
    /// Seconds to derive its key.
    pub keys_secs: f64,
    /// Its share of the seconds to check all proofs.
    pub verify_secs: f64,
}

/// Checks all proofs of each system together.
pub(super) fn check_together(claims: &[&SliceClaim<'_>]) -> Checked {
    let mut checked = Checked::default();
    for system in System::ALL {
        let of_system: Vec<_> = claims.iter().filter(|claim| claim.system == system).collect();
        let statements: Vec<Claim<'_>> = of_system.iter().map(|claim| claim.claim()).collect();
        if statements.is_empty() {
            continue;
        }
        let checks = system.proof_system().verify_all(&statements);
        checked.keys_secs += checks.keys_secs;
        checked.verify_secs += checks.verify_secs;
        checked.slices.extend(of_system.iter().zip(checks.claims).map(|(claim, check)| {
            let Check { result, keys_secs, verify_secs } = check;
            let result = result.map_err(|error| error.to_string());
            (claim.index, CheckedSlice { result, keys_secs, verify_secs })
        }));
    }
    checked
}

/// Checks one proof after the other, in the way that is given.
pub(super) fn check_each(claims: &[&SliceClaim<'_>], check: &mut ProofCheck<'_>) -> Checked {
    let checked = claims.iter().map(|claim| {
        let start = Instant::now();
        let Claim { statement, proof } = claim.claim();
        let result = check(claim.index, claim.system, &statement, proof);
        let verify_secs = start.elapsed().as_secs_f64();
        (claim.index, CheckedSlice { result, keys_secs: 0.0, verify_secs })
    });
    let slices: BTreeMap<usize, CheckedSlice> = checked.collect();
    let verify_secs = slices.values().map(|slice| slice.verify_secs).sum();
    Checked { slices, keys_secs: 0.0, verify_secs }
}
