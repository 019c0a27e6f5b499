//! That committed weights are small integers: what keeps an accumulator below 2^62 when nobody but
//! the owner sees the weights. It is proven once, for the card.
//!
//! # The statement
//! Under the root of each operation lies a vector of so many weights and biases, in the ranges of
//! their bits, and zeros after them.
//!
//! # The proof
//! Each value plus half its range is a sum of limbs, which are committed and looked up like those
//! of remainders. At a random point of each operation's vector, `w(r) = Σ eq(x) (Σ 2^shift limb_x -
//! half)`, where the sum is over the values and the claimed `w(r)` over the whole vector: equal as
//! polynomials, so the rest of the vector is zero. The transcript is that of a slice, with these
//! claims for its relations; then the root of each operation is opened at its point.

use p3_field::PrimeCharacteristicRing;
use p3_multi_stark::fractional_gkr::{
    Fraction, FractionGkrProof, LeafNumerator, prove_fractional_gkr, verify_fractional_gkr,
};
use p3_multilinear_util::point::Point;
use p3_multilinear_util::poly::{Poly, PolyMaybePacked};
use p3_sumcheck::generic_degree::{GenericDegreeProof, RoundProver};
use serde::{Deserialize, Serialize};

use super::cells::{Cells, Limb, Limbs, Place};
use super::field::{Challenger, EF, F, sample_point, transcript};
use super::pcs::{Opener, Opening, Root};
use super::prover::leaves;
use super::reduction::{DEGREE, Reduction};
use super::relation::{Challenges, Functional, eq_weights, lookup_functional};
use super::weights::{self, WeightRoot, committed_values, lengths};
use super::witness::Values;
use crate::program::{Kind, Program};

/// Bits that the committed values of an operation have, two's complement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WeightBits {
    /// Of a weight.
    pub weights: u32,
    /// Of a bias.
    pub biases: u32,
}

/// The most bits that a range proof is made for: 2^61 leaves room for everything else.
const MOST_BITS: u32 = 61;

#[derive(Serialize, Deserialize)]
struct RangeProof {
    root: Root,
    lookups: FractionGkrProof<EF>,
    /// The value of each operation's vector at its point.
    values: Vec<EF>,
    reduction: GenericDegreeProof<F, EF>,
    opening: Opening,
    openings: Vec<Opening>,
}

/// A run of values of one operation that have the same bits.
struct Segment {
    /// Where it starts in the operation's vector.
    start: usize,
    len: usize,
    bits: u32,
    limbs: Vec<Limb>,
}

/// An operation with committed values.
struct Owner {
    op: usize,
    variables: usize,
    segments: Vec<Segment>,
}

/// Arranges the limbs of all committed values.
fn arrange(
    program: &Program,
    roots: &[Option<WeightRoot>],
    bits: &[WeightBits],
) -> Result<(Cells, Vec<Owner>), String> {
    let mut owners = Vec::new();
    let mut arranged = Limbs::default();
    let mut bits = bits.iter();
    for (index, op) in program.ops.iter().enumerate() {
        if roots.get(index).copied().flatten().is_none() {
            continue;
        }
        let Kind::Linear(linear) = &op.kind else {
            return Err(format!("node {:?} ({}) has no weights", op.name, op.operator));
        };
        let bits = bits.next().ok_or("the bits of an operation's weights are missing")?;
        let (weights, biases) = lengths(linear, program.value(op.output).len());
        let mut segments = Vec::new();
        for (start, len, bits) in [(0, weights, bits.weights), (weights, biases, bits.biases)] {
            if !(1..=MOST_BITS).contains(&bits) {
                return Err(format!("node {:?} has weights of {bits} bits", op.name));
            }
            if len > 0 {
                let limbs = arranged.take(len, bits, index);
                segments.push(Segment { start, len, bits, limbs });
            }
        }
        let variables = weights::variables(weights + biases);
        owners.push(Owner { op: index, variables, segments });
    }
    if bits.next().is_some() {
        return Err("there are bits for more operations than have weights".to_owned());
    }
    Ok((arranged.finish()?, owners))
}

/// The bits of each operation's committed values, and the proof that they have no more.
///
/// # Errors
/// Where the program has no weights, or a bias of more than 61 bits.
pub fn prove_ranges(
    program: &Program,
    roots: &[Option<WeightRoot>],
) -> Result<(Vec<WeightBits>, Vec<u8>), String> {
    let mut bits = Vec::new();
    for (op, root) in program.ops.iter().zip(roots) {
        if let (Kind::Linear(linear), Some(_)) = (&op.kind, root) {
            let weights = linear.weights.iter().map(|&w| needed_bits(w.into())).max();
            let biases = linear.bias.iter().map(|&b| needed_bits(b)).max();
            bits.push(WeightBits { weights: weights.unwrap_or(1), biases: biases.unwrap_or(1) });
        }
    }
    let proof = prove_ranges_with(program, roots, &bits)?;
    Ok((bits, proof))
}

/// As [`prove_ranges`], for given bits: values that have more are cut off, and then the proof does
/// not hold.
pub(super) fn prove_ranges_with(
    program: &Program,
    roots: &[Option<WeightRoot>],
    bits: &[WeightBits],
) -> Result<Vec<u8>, String> {
    let (cells, owners) = arrange(program, roots, bits)?;
    let values = witness(program, &cells, &owners);
    let digest = statement(&super::strip(program), roots, bits)?;
    let proof = prove(program, &cells, &owners, &values, &digest)?;
    postcard::to_stdvec(&proof).map_err(|error| error.to_string())
}

/// Verifies that the values under the roots have these bits. The program has no weights.
///
/// # Errors
/// Says what doesn't hold.
pub fn verify_ranges(
    program: &Program,
    roots: &[Option<WeightRoot>],
    bits: &[WeightBits],
    proof: &[u8],
) -> Result<(), String> {
    let malformed = || "the proof of the weights' ranges is malformed".to_owned();
    if proof.len() > super::proof::MOST_BYTES.saturating_mul(1 + bits.len()) {
        return Err(malformed());
    }
    let (cells, owners) = arrange(program, roots, bits)?;
    let decoded: RangeProof = postcard::from_bytes(proof).map_err(|_| malformed())?;
    if postcard::to_stdvec(&decoded).map_err(|_| malformed())? != proof {
        return Err(malformed());
    }
    let digest = statement(program, roots, bits)?;
    verify(&cells, &owners, roots, &digest, &decoded)
        .ok_or_else(|| "the committed weights are not shown to be in their ranges".to_owned())
}

/// The least bits whose range holds a value.
fn needed_bits(value: i64) -> u32 {
    let magnitude = if value < 0 { !value } else { value };
    65 - magnitude.leading_zeros()
}

fn statement(
    program: &Program,
    roots: &[Option<WeightRoot>],
    bits: &[WeightBits],
) -> Result<[u8; 32], String> {
    let bytes = postcard::to_stdvec(&(program, roots, bits)).map_err(|error| error.to_string())?;
    Ok(blake3::derive_key("microtome whir weight ranges v1", &bytes))
}

fn witness(program: &Program, cells: &Cells, owners: &[Owner]) -> Vec<i64> {
    let mut vector = vec![0; cells.used];
    for owner in owners {
        let Kind::Linear(linear) = &program.ops[owner.op].kind else { continue };
        let values = committed_values(linear);
        for segment in &owner.segments {
            let values = &values[segment.start..segment.start + segment.len];
            let half = 1i64 << (segment.bits - 1);
            for limb in &segment.limbs {
                let mask = (1i64 << limb.bits) - 1;
                for (cell, &value) in vector[limb.offset..].iter_mut().zip(values) {
                    *cell = ((value + half) >> limb.shift) & mask;
                }
            }
        }
    }
    for lookup in &cells.lookups {
        let (table, offset) = &cells.tables[lookup.table];
        let Place::Committed(at) = lookup.x.plus.place else { continue };
        for i in 0..lookup.len {
            if let Some(row) = table.find(vector[at + i], 0) {
                vector[offset + row] += 1;
            }
        }
    }
    vector
}

/// The sum of all claims, given the points of the operations and what their vectors are there.
fn functional(
    cells: &Cells,
    owners: &[Owner],
    challenges: &Challenges,
    points: &[Vec<EF>],
    values: &[EF],
) -> Functional {
    let mut sum = lookup_functional(cells, &[], challenges);
    let mut power = challenges.gamma.square();
    for ((owner, point), &value) in owners.iter().zip(points).zip(values) {
        power *= challenges.gamma;
        let eq = eq_weights(point, power);
        sum.constant -= power * value;
        for segment in &owner.segments {
            let eq = &eq[segment.start..segment.start + segment.len];
            for limb in &segment.limbs {
                let scale = F::from_u64(1 << limb.shift);
                for (weight, &e) in sum.weights[limb.offset..].iter_mut().zip(eq) {
                    *weight += e * scale;
                }
            }
            let total: EF = eq.iter().copied().sum();
            sum.constant -= total * F::from_u64(1 << (segment.bits - 1));
        }
    }
    sum
}

/// A random point for each operation's vector, and the challenges of the look-ups.
fn draw(
    cells: &Cells,
    owners: &[Owner],
    challenger: &mut Challenger,
) -> (Vec<Vec<EF>>, Challenges) {
    let points = owners.iter().map(|owner| sample_point(challenger, owner.variables)).collect();
    (points, Challenges::draw(Vec::new(), cells.variables, challenger))
}

fn prove(
    program: &Program,
    cells: &Cells,
    owners: &[Owner],
    vector: &[i64],
    statement: &[u8; 32],
) -> Result<RangeProof, String> {
    let opener = Opener::new(cells.variables)?;
    let mut challenger = transcript(statement);
    let mut elements: Vec<F> = vector.iter().map(|&v| F::from_i64(v)).collect();
    elements.resize(1 << cells.variables, F::ZERO);
    let (root, data) = opener.commit(&elements, &mut challenger)?;
    let (points, mut challenges) = draw(cells, owners, &mut challenger);

    let values = Values { committed: vector.to_vec(), public: &[] };
    let (numerators, denominators) = leaves(cells, &values, challenges.alpha, challenges.beta);
    let denominators = PolyMaybePacked::<F, EF>::Packed(denominators.pack::<F, EF>());
    let fraction = Fraction { n: LeafNumerator::Base(&numerators), d: &denominators };
    let (lookups, end) = prove_fractional_gkr(fraction, &mut challenger);

    let mut committed = Vec::new();
    let mut values = Vec::new();
    for (owner, point) in owners.iter().zip(&points) {
        let weights = weights::commit(&program.ops[owner.op])?.ok_or("a root without weights")?;
        values.push(Poly::new(weights.vector.clone()).eval_base(&Point::new(point.clone())));
        committed.push(weights);
    }
    weights::absorb(&mut challenger, values.iter().copied());
    challenges.join(&end, &mut challenger);
    let claim = functional(cells, owners, &challenges, &points, &values);
    let (reduction, point) = Reduction::new(elements, claim.weights).prove::<F, _>(
        &mut challenger,
        cells.variables,
        DEGREE,
        0,
        -claim.constant,
    );
    let opening = opener.open(data, point, &mut challenger)?;
    let mut openings = Vec::new();
    for (weights, point) in committed.into_iter().zip(points) {
        openings.push(weights.opener.open(weights.data, Point::new(point), &mut challenger)?);
    }
    Ok(RangeProof { root, lookups, values, reduction, opening, openings })
}

fn verify(
    cells: &Cells,
    owners: &[Owner],
    roots: &[Option<WeightRoot>],
    statement: &[u8; 32],
    proof: &RangeProof,
) -> Option<()> {
    if proof.values.len() != owners.len() || proof.openings.len() != owners.len() {
        return None;
    }
    let opener = Opener::new(cells.variables).ok()?;
    let mut challenger = transcript(statement);
    opener.observe(&proof.root, &mut challenger);
    let (points, mut challenges) = draw(cells, owners, &mut challenger);
    let end =
        verify_fractional_gkr::<F, EF, _>(&proof.lookups, cells.leaf_variables, &mut challenger)
            .ok()?;
    weights::absorb(&mut challenger, proof.values.iter().copied());
    challenges.join(&end, &mut challenger);
    let claim = functional(cells, owners, &challenges, &points, &proof.values);
    if proof.reduction.claimed_sum != -claim.constant {
        return None;
    }
    let (point, end) = proof.reduction.verify(&mut challenger, cells.variables, DEGREE, 0).ok()?;
    let eq = eq_weights(point.as_slice(), EF::ONE);
    let weight: EF = eq.iter().zip(&claim.weights).map(|(&e, &w)| e * w).sum();
    let value = opener.verify(&proof.root, &proof.opening, point, &mut challenger)?;
    if value * weight != end {
        return None;
    }
    for (((owner, point), opening), &value) in
        owners.iter().zip(points).zip(&proof.openings).zip(&proof.values)
    {
        let root = Root::from(vec![roots[owner.op]?.0]);
        let opener = Opener::new(owner.variables).ok()?;
        let opened = opener.verify(&root, opening, Point::new(point), &mut challenger)?;
        if opened != value {
            return None;
        }
    }
    Some(())
}
