//! Integrity, fast: sumchecks, a look-up argument and a WHIR commitment over Goldilocks².
//!
//! Nothing is hidden: boundary tensors are public, and a proof shows evaluations and some thousand
//! code symbols of the inner ones. It is hash-based, so plausibly post-quantum, and needs no set-up.
//!
//! # The statement
//! With the model's weights, the slice's program maps the public tensors on its incoming boundary
//! to those on its outgoing boundary, and every value lies in the range of its tensor's bits.
//!
//! | public | committed, in one vector `z` (`cells`) |
//! |---|---|
//! | program, scales, weights, context | tensors inside the slice |
//! | tensors on the slice's boundary | limbs of the rounding remainders |
//! | | running maxima of pools, multiplicities of the look-up tables |
//!
//! # What is claimed
//! - *Ranges, Relu, functions, maxima*: one look-up argument a slice (logup, eprint 2022/1530, reduced by GKR,
//!   eprint 2023/1284) over rows `(tag, x, y)`. Tags and tables are public by position; the row is
//!   joined as `x + β y + β² tag`, never by packing integers. Remainders have exactly `s` bits, in
//!   limbs with a table for each width; a value inside has its `b` bits, by a range or by being
//!   looked up as the `x` or `y` of a Relu or of a function; a maximum is `m_j - m_{j-1} = max(t_j - m_{j-1}, 0)`.
//! - *Linear maps*: `2^s q + remainder - half - bias - Σ w x = 0` for each output. The accumulator
//!   is never committed. At a random point of the outputs, one coordinate vector an axis, this is
//!   an inner product of `z` with weights that both sides compute from the model's weights in
//!   `O(|w| + k |x|)` steps, however many multiplications the map has (`relation`). The field's
//!   sum is the integers' sum: the program is built only where it stays below 2^62.
//! - *Products of two tensors*: the same relation, with a sum of products that a sumcheck reduces to
//!   one value of each factor, of which either is affine in `z` again (`products`).
//! - *Padding*: every element of `z` outside the above is zero.
//!
//! All claims are affine in `z`. Summed with powers of `γ` they are one inner product, which one
//! sumcheck reduces to one evaluation of `z`, which one opening proves.
//!
//! # The transcript
//! 1. The statement's digest: context, operations with weights, shapes, scales, bits, and the
//!    public tensors.
//! 2. The root of `z`.
//! 3. Challenges: a point for each axis of each linear map, the padding's point, `α`, `β`.
//! 4. For each product its sum, its sumcheck and the values that it ends in.
//! 5. The look-up argument, which ends in a point with a numerator and a denominator.
//! 6. `γ`; the claimed sum and the rounds of the sumcheck, which end in a point.
//! 7. The value of `z` there, and its opening.
//!
//! # Soundness
//! [`Whir::security`] sums the error: of the random points (one degree a coordinate), the look-ups
//! (two degrees a leaf), the layers of their argument, the batching, the sumcheck, and the
//! opening by the library's own report, in the unique-decoding regime only. A slice has 102 to 107
//! bits, by its size; a verdict sums the errors of all slices and asks for [`LEAST_BITS`].
//!
//! The verifier's work is linear in weights and values, not in multiplications; the proof is
//! logarithmic but for its queries.

mod builder;
mod cells;
mod field;
mod pcs;
mod products;
mod proof;
mod prover;
mod ranges;
mod reduction;
mod relation;
mod security;
mod tables;
#[cfg(test)]
mod tests;
mod transcript;
mod verifier;
mod weights;
mod witness;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

pub use ranges::{WeightBits, prove_ranges, verify_ranges};
pub use security::{LEAST_BITS, Security, bits_of_all};
pub use verifier::Rejection;
pub use weights::{WeightRoot, strip, weight_root, weight_roots};

use self::cells::Cells;
use self::proof::Proof;
use super::{
    Boundary, Phase, Progress, ProofSystem, ProveError, Shape, Statement, System, Unprovable,
    VerifyError, Weights, Witness, timed,
};
use crate::program::{Kind, KnownWeights, Map, Op, Program, ProgramSlice, Trace};

/// The proof system `whir`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Whir;

/// The sizes that decide what a proof costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhirShape {
    /// Committed elements that are used.
    pub cells: usize,
    /// Logarithm of the length of the committed vector.
    pub variables: usize,
    /// Look-ups and table rows.
    pub lookups: usize,
    /// Logarithm of the length of the look-up argument.
    pub lookup_variables: usize,
    /// Weights of the slice.
    pub weights: usize,
}

impl Whir {
    /// The soundness error of a proof of this slice, about public weights or about committed ones.
    ///
    /// # Errors
    /// Where the slice cannot be proven.
    pub fn security(
        self,
        program: &Program,
        slice: &ProgramSlice,
        weights: Weights<'_>,
    ) -> Result<Security, Unprovable> {
        let known = match weights {
            Weights::Public => KnownWeights::Unbounded,
            Weights::Committed(_) => KnownWeights::Committed,
        };
        let program = self::known(program, weights);
        Ok(security::of(&program, slice, &Cells::sizes(&program, slice, known)?, weights))
    }
}

impl ProofSystem for Whir {
    fn system(&self) -> System {
        System::Whir
    }

    fn shape(&self, program: &Program, slice: &ProgramSlice) -> Result<Shape, Unprovable> {
        Cells::shape(program, slice).map(Shape::Whir)
    }

    fn prove(
        &self,
        statement: &Statement<'_>,
        witness: &Witness,
        progress: &mut Progress<'_>,
    ) -> Result<Vec<u8>, ProveError> {
        let Statement { program, slice, context, .. } = *statement;
        let cells = Cells::of(program, slice, KnownWeights::All)?;
        let public = public_tensors(statement)
            .map_err(|(expected, got)| ProveError::BoundaryCount { expected, got })?;
        let values = timed(Phase::Witness, progress, || {
            let trace = checked_trace(statement, witness, public)?;
            witness::values(program, slice, &cells, &trace, public)
        })?;
        let weights = statement.weights;
        // What a verifier of committed weights has.
        let verified = known(program, weights);
        let (proof, digest) = timed(Phase::Prove, progress, || {
            let digest = transcript::statement_digest(&verified, slice, &context, public, weights)?;
            let proof = prover::prove(program, slice, &cells, &values, weights, &digest)?;
            Ok((proof, digest))
        })
        .map_err(ProveError::Backend)?;
        let checked = timed(Phase::Verify, progress, || {
            verifier::verify(&verified, slice, &cells, public, weights, &digest, &proof)
        });
        checked.map_err(|error| {
            ProveError::Backend(format!("the finished proof does not verify: {error}"))
        })?;
        proof.encode().map_err(|error| ProveError::Backend(error.to_string()))
    }

    fn verify(&self, statement: &Statement<'_>, proof: &[u8]) -> Result<(), VerifyError> {
        let Statement { program, slice, context, weights, .. } = *statement;
        let program = known(program, weights);
        let (known, committed) = match weights {
            Weights::Public => (KnownWeights::All, 0),
            Weights::Committed(roots) => (KnownWeights::Committed, roots.len()),
        };
        let proof = Proof::decode(proof, committed).ok_or(Rejection::Encoding)?;
        let cells = Cells::of(&program, slice, known)?;
        let public = public_tensors(statement)
            .map_err(|(expected, got)| VerifyError::BoundaryCount { expected, got })?;
        check_public(statement, public)?;
        check_roots(statement)?;
        let digest = transcript::statement_digest(&program, slice, &context, public, weights)
            .map_err(VerifyError::Backend)?;
        Ok(verifier::verify(&program, slice, &cells, public, weights, &digest, &proof)?)
    }
}

/// What a verifier knows of the program: no weights, where they are committed.
fn known<'a>(program: &'a Program, weights: Weights<'_>) -> Cow<'a, Program> {
    match weights {
        Weights::Public => Cow::Borrowed(program),
        Weights::Committed(_) => Cow::Owned(strip(program)),
    }
}

/// Every operation with weights must have a root: without one it would count as one of zeros.
fn check_roots(statement: &Statement<'_>) -> Result<(), VerifyError> {
    let Weights::Committed(roots) = statement.weights else { return Ok(()) };
    let ops = &statement.program.ops[statement.slice.ops.clone()];
    let needs_root = |op: &Op| match &op.kind {
        Kind::Linear(linear) => matches!(linear.map, Map::Conv { .. } | Map::Dense { .. }),
        Kind::Relu | Kind::MaxPool(_) | Kind::Table(_) | Kind::Product(_) => false,
    };
    let is_missing = |(op, root): (&Op, &Option<WeightRoot>)| needs_root(op) && root.is_none();
    if roots.len() != ops.len() || ops.iter().zip(roots).any(is_missing) {
        return Err(Rejection::Weights.into());
    }
    Ok(())
}

/// The public tensors of a statement; or the numbers of boundary tensors and of those that are
/// public, where they differ.
fn public_tensors<'a>(statement: &Statement<'a>) -> Result<&'a [&'a [i32]], (usize, usize)> {
    let expected = statement.slice.inputs.len() + statement.slice.outputs.len();
    match statement.boundary {
        Boundary::Public(tensors) if tensors.len() == expected => Ok(tensors),
        Boundary::Public(tensors) => Err((expected, tensors.len())),
        Boundary::Committed(_) => Err((expected, 0)),
    }
}

/// Lengths and ranges of the public tensors, which no look-up checks.
fn check_public(statement: &Statement<'_>, public: &[&[i32]]) -> Result<(), VerifyError> {
    let Statement { program, slice, .. } = *statement;
    for (&id, elements) in slice.inputs.iter().chain(&slice.outputs).zip(public) {
        let value = program.value(id);
        let range = value.range();
        let outside = elements.iter().any(|&v| !range.contains(&i64::from(v)));
        if outside || elements.len() != value.len() {
            return Err(VerifyError::PublicTensor { name: value.name.clone() });
        }
    }
    Ok(())
}

/// Runs the slice on the witness's integers and compares with the tensors of the statement.
fn checked_trace(
    statement: &Statement<'_>,
    witness: &Witness,
    public: &[&[i32]],
) -> Result<Trace, ProveError> {
    let Statement { program, slice, .. } = *statement;
    let inputs = slice.inputs.iter().filter_map(|id| Some((*id, witness.trace.get(id)?.clone())));
    let trace = program.run_slice(slice, inputs.collect())?;
    for (id, elements) in slice.inputs.iter().chain(&slice.outputs).zip(public) {
        if trace[id] != *elements {
            return Err(ProveError::WrongTensor { name: program.value(*id).name.clone() });
        }
    }
    Ok(trace)
}
