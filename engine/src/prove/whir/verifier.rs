//! The verifier. It mirrors `prover` step by step, and takes nothing from the proof that it can
//! work out itself.

use p3_challenger::FieldChallenger;
use p3_field::PrimeCharacteristicRing;
use p3_multi_stark::fractional_gkr::verify_fractional_gkr;

use super::cells::Cells;
use super::field::{EF, F, transcript};
use super::pcs::Opener;
use super::products;
use super::proof::Proof;
use super::reduction::DEGREE;
use super::relation::{Challenges, eq_weights, functional};
use super::transcript::output_points;
use super::weights::{self, Coefficients};
use crate::program::{Program, ProgramSlice};
use crate::prove::Weights;

/// Which check a proof fails at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// The bytes are no proof.
    #[error("its bytes are not those of a proof")]
    Encoding,
    /// The look-up argument does not hold: a value is out of its range, or a Relu or maximum is
    /// wrong, or the argument itself is malformed.
    #[error("its look-up argument does not hold")]
    Lookups,
    /// What it says of products of two tensors does not hold.
    #[error("what it says of products of two tensors does not hold")]
    Products,
    /// The sum of all claims is not the one that follows from the public values.
    #[error("the sum of its claims is not the one that the public tensors and weights give")]
    Claim,
    /// The sumcheck is malformed.
    #[error("its sumcheck is malformed")]
    Reduction,
    /// The sumcheck ends in another value than the opening gives.
    #[error("its sumcheck ends in another value than the opening")]
    Relations,
    /// What is said of the committed weights does not hold for the weights of the card.
    #[error("what it says of the weights does not hold for the weights that are committed to")]
    Weights,
    /// The opening of the commitment does not hold.
    #[error("its commitment does not open to the claimed value")]
    Opening,
    /// The verifier has no parameters for such a slice.
    #[error("no parameters verify a slice of this size")]
    Parameters,
}

/// Verifies a proof of a slice against its public tensors, which must be in their ranges already.
/// Where the weights are committed, the program has none.
pub(super) fn verify(
    program: &Program,
    slice: &ProgramSlice,
    cells: &Cells,
    public: &[&[i32]],
    weights: Weights<'_>,
    statement: &[u8; 32],
    proof: &Proof,
) -> Result<(), Rejection> {
    let opener = Opener::new(cells.variables).map_err(|_| Rejection::Parameters)?;
    let mut challenger = transcript(statement);
    opener.observe(&proof.root, &mut challenger);

    let outputs = output_points(program, slice, cells, &mut challenger);
    let mut challenges = Challenges::draw(outputs, cells.variables, &mut challenger);
    challenges.products = products::verify(
        program,
        slice,
        cells,
        &challenges.outputs,
        &proof.products,
        &mut challenger,
    )?;
    let end =
        verify_fractional_gkr::<F, EF, _>(&proof.lookups, cells.leaf_variables, &mut challenger)
            .map_err(|_| Rejection::Lookups)?;

    challenges.join(&end, &mut challenger);
    let committed = weights::committed_ops(program, slice, cells, &challenges, weights);
    if proof.weights.len() != committed.len() {
        return Err(Rejection::Weights);
    }
    weights::absorb(&mut challenger, proof.weights.iter().map(|w| w.constant));
    // Of a program without weights, this is what the weights don't add to.
    let claim = functional(program, slice, cells, public, &challenges);
    let committed_constant: EF = proof.weights.iter().map(|w| w.constant).sum();
    if proof.reduction.claimed_sum != -(claim.constant + committed_constant) {
        return Err(Rejection::Claim);
    }
    let (point, end) = proof
        .reduction
        .verify(&mut challenger, cells.variables, DEGREE, 0)
        .map_err(|_| Rejection::Reduction)?;
    let eq = eq_weights(point.as_slice(), EF::ONE);
    let weight: EF = eq.iter().zip(&claim.weights).map(|(&e, &w)| e * w).sum();
    weights::absorb(&mut challenger, proof.weights.iter().map(|w| w.weight));
    let value = opener
        .verify(&proof.root, &proof.opening, point, &mut challenger)
        .ok_or(Rejection::Opening)?;
    let committed_weight: EF = proof.weights.iter().map(|w| w.weight).sum();
    if value * (weight + committed_weight) != end {
        return Err(Rejection::Relations);
    }
    let delta: EF = challenger.sample_algebra_element();
    for ((op, root), proof) in committed.iter().zip(&proof.weights) {
        let coefficients = Coefficients::of(op, cells, public, Some(&eq));
        weights::verify(proof, *root, coefficients, delta, &mut challenger)?;
    }
    Ok(())
}
