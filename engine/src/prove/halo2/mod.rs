//! Zero knowledge, with halo2 (PLONKish circuits, inner-product commitments, no trusted setup).
//!
//! # The statement
//! With the model's weights, the slice's program maps the tensors on its incoming boundary to
//! those on its outgoing boundary, every value lies in the range of its tensor's bits, and each
//! boundary tensor is the one in its commitment, a salted Poseidon digest (`sponge`). The instance
//! is the context digest in two halves of 128 bits, then the digests of the slice's inputs, then
//! those of its outputs. The activations stay hidden; the model is public, its weights are fixed
//! columns, and so the verifying key binds them.
//!
//! # The circuit
//! One region, whose rows are shared by tracks that each start at the top, so that the longest
//! track decides the number of rows:
//!
//! | track | what a row does |
//! |---|---|
//! | `dot` | `M` activations times fixed weights into `C` accumulators, each of several outputs |
//! | `requantise`, `W` of them | rounds, checks ranges, applies ReLU; or takes a maximum |
//! | `pack` | range-checks an element of a boundary tensor and packs it |
//! | `poseidon` | a round of the sponge over packed elements |
//!
//! One table serves all look-ups, whose tags are fixed (`table`). `steps` decides what is fused,
//! `digits` how outputs share an accumulator, `shape` counts rows in closed form, and the layout
//! asserts that it wrote as many.
//!
//! `M`, `C` and `W` are the [`Width`], which is searched for each slice. All widths prove the same
//! statement, and the length of the proof tells the verifier which one it was.
//!
//! # Many proofs
//! `remainder` reads a proof and leaves a sum of points to check, `sum` joins those of many proofs
//! of any `k` and says why that is sound, and `batch` verifies by it.

mod batch;
mod blocks;
mod circuit;
mod digits;
mod dot;
mod keys;
mod pack;
mod parameters;
mod place;
mod poseidon;
mod remainder;
mod requantise;
mod shape;
mod sponge;
mod steps;
mod sum;
mod table;
mod tamper;
#[cfg(test)]
mod tests;
mod width;

pub use keys::{KeyName, Keys, keep_proving_keys, key_name, keys};
pub use parameters::{ParametersError, default_cache, has_parameters, parameters};
pub use shape::{
    BoundaryRows, CircuitShape, MAX_K, MIN_K, Rows, boundary_rows, circuit_shape, circuit_shape_of,
    circuit_shape_without, circuit_shapes,
};
pub use sponge::{Commitment, FieldTextError, Salt, commit, random_salt};
pub use width::{UnknownWidth, Width};

use std::sync::Arc;

use ff::PrimeField;
use halo2_proofs::pasta::Fp;

use super::{
    Boundary, Checks, Claim, Event, Phase, Progress, ProofSystem, ProveError, Shape, Statement,
    System, Unprovable, VerifyError, Weights, Witness, timed,
};
use crate::program::{Program, ProgramSlice};

/// The proof system `halo2`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Halo2 {
    /// How wide the circuit is; none for the cheapest width. Every width proves the same statement,
    /// but a proof is only valid for the one that it was made with.
    pub width: Option<Width>,
}

impl Halo2 {
    /// Takes the cheapest circuit.
    pub const AUTO: Self = Self { width: None };

    /// The size of the circuit that proves the slice.
    ///
    /// # Errors
    /// Where the slice cannot be proven.
    pub fn circuit_shape(
        self,
        program: &Program,
        slice: &ProgramSlice,
    ) -> Result<CircuitShape, Unprovable> {
        match self.width {
            Some(width) => circuit_shape_of(program, slice, width),
            None => circuit_shape(program, slice),
        }
    }

    /// The circuit of a claim and its instance, where the proof could be one of that circuit.
    fn checked(self, claim: &Claim<'_>) -> Result<(CircuitShape, Vec<Fp>), VerifyError> {
        let Claim { statement, proof } = claim;
        refuse_committed_weights(statement)?;
        let instance = instance(statement)
            .map_err(|(expected, got)| VerifyError::BoundaryCount { expected, got })?;
        let shape = self.shape_of_proof(statement.program, statement.slice, proof)?;
        Ok((shape, instance))
    }

    /// The circuit that a proof of this length is of: the cheapest one on offer.
    fn shape_of_proof(
        self,
        program: &Program,
        slice: &ProgramSlice,
        proof: &[u8],
    ) -> Result<CircuitShape, VerifyError> {
        let got = proof.len();
        let shapes = match self.width {
            Some(width) => vec![circuit_shape_of(program, slice, width)?],
            None => circuit_shapes(program, slice)?,
        };
        let expected = shapes.first().map_or(0, |shape| shape.proof_bytes);
        let fitting = shapes.into_iter().find(|shape| shape.proof_bytes == got);
        fitting.ok_or(VerifyError::ProofLength { expected, got })
    }
}

impl ProofSystem for Halo2 {
    fn system(&self) -> System {
        System::Halo2
    }

    fn shape(&self, program: &Program, slice: &ProgramSlice) -> Result<Shape, Unprovable> {
        self.circuit_shape(program, slice).map(Shape::Halo2)
    }

    fn prove(
        &self,
        statement: &Statement<'_>,
        witness: &Witness,
        progress: &mut Progress<'_>,
    ) -> Result<Vec<u8>, ProveError> {
        refuse_committed_weights(statement)?;
        let shape = self.circuit_shape(statement.program, statement.slice)?;
        // What is quick to find wrong is found before the slow phases.
        let instance = instance(statement)
            .map_err(|(expected, got)| ProveError::BoundaryCount { expected, got })?;
        let trace = timed(Phase::Witness, progress, || checked_trace(statement, witness))?;
        let keys = kept_or_derived(statement, &shape, progress)?;
        let proof = timed(Phase::Prove, progress, || {
            keys.prove(statement, &trace, &witness.salts, &instance)
        })?;
        timed(Phase::Verify, progress, || keys.verify(&instance, &proof))
            .map_err(|error| backend(format!("the finished proof does not verify: {error}")))?;
        Ok(proof)
    }

    fn verify(&self, statement: &Statement<'_>, proof: &[u8]) -> Result<(), VerifyError> {
        let (shape, instance) = self.checked(&Claim { statement: *statement, proof })?;
        keys::verify(statement.program, statement.slice, &shape, &instance, proof)
    }

    fn verify_all(&self, claims: &[Claim<'_>]) -> Checks {
        batch::verify_all(*self, claims)
    }
}

/// The keys of a slice: those that this process kept, else new ones, which it keeps where it is to.
fn kept_or_derived(
    statement: &Statement<'_>,
    shape: &CircuitShape,
    progress: &mut Progress<'_>,
) -> Result<Arc<Keys>, ProveError> {
    let Statement { program, slice, .. } = *statement;
    let name = key_name(program, slice, shape);
    if let Some(keys) = name.and_then(|name| keys::kept_keys().get(name)) {
        progress(Event::Reused(Phase::Keys));
        return Ok(keys);
    }
    keys::kept_keys().make_room();
    let folder = default_cache();
    timed(Phase::Parameters, progress, || parameters(shape.k, folder.as_deref()))
        .map_err(backend)?;
    let keys = Arc::new(timed(Phase::Keys, progress, || keys(program, slice, shape))?);
    if let Some(name) = name {
        keys::kept_keys().put(name, &keys);
    }
    Ok(keys)
}

fn backend(error: impl ToString) -> ProveError {
    ProveError::Backend(error.to_string())
}

/// The instance of a statement; or the numbers of boundary tensors and of commitments, where they
/// differ.
fn instance(statement: &Statement<'_>) -> Result<Vec<Fp>, (usize, usize)> {
    let expected = statement.slice.inputs.len() + statement.slice.outputs.len();
    let commitments = commitments(statement);
    if commitments.len() != expected {
        return Err((expected, commitments.len()));
    }
    let (low, high) = statement.context.split_at(16);
    let half = |bytes: &[u8]| {
        Fp::from_u128(bytes.iter().rev().fold(0, |sum, &byte| sum << 8 | u128::from(byte)))
    };
    let digests = commitments.iter().map(|commitment| commitment.field());
    Ok([half(low), half(high)].into_iter().chain(digests).collect())
}

/// A circuit has its weights in fixed columns, so they are public.
fn refuse_committed_weights(statement: &Statement<'_>) -> Result<(), Unprovable> {
    match statement.weights {
        Weights::Public => Ok(()),
        Weights::Committed(_) => Err(Unprovable {
            place: "the slice".into(),
            reason: "halo2 proves with public weights only: take whir for committed ones".into(),
        }),
    }
}

/// The commitments of a statement; none where it has public tensors instead.
fn commitments<'a>(statement: &Statement<'a>) -> &'a [Commitment] {
    match statement.boundary {
        Boundary::Committed(commitments) => commitments,
        Boundary::Public(_) => &[],
    }
}

/// Runs the slice on the witness's integers and checks the commitments of the statement.
fn checked_trace(
    statement: &Statement<'_>,
    witness: &Witness,
) -> Result<crate::program::Trace, ProveError> {
    let Statement { program, slice, .. } = *statement;
    let inputs = slice.inputs.iter().filter_map(|id| Some((*id, witness.trace.get(id)?.clone())));
    let trace = program.run_slice(slice, inputs.collect())?;
    for (id, commitment) in slice.inputs.iter().chain(&slice.outputs).zip(commitments(statement)) {
        let name = || program.value(*id).name.clone();
        let salt = witness.salts.get(id).ok_or_else(|| ProveError::MissingSalt { name: name() })?;
        if commit(program, *id, &trace[id], salt) != *commitment {
            return Err(ProveError::WrongCommitment { name: name() });
        }
    }
    Ok(trace)
}
