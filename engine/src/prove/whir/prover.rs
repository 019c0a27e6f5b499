//! The prover. `verifier` mirrors it step by step.

use p3_challenger::FieldChallenger;
use p3_field::PrimeCharacteristicRing;
use p3_multi_stark::fractional_gkr::{Fraction, LeafNumerator, prove_fractional_gkr};
use p3_multilinear_util::poly::{Poly, PolyMaybePacked};
use p3_sumcheck::generic_degree::RoundProver;
use rayon::prelude::*;

use super::cells::Cells;
use super::field::{EF, F, transcript};
use super::pcs::Opener;
use super::products;
use super::proof::Proof;
use super::reduction::{DEGREE, Reduction};
use super::relation::{Challenges, eq_weights, functional};
use super::transcript::output_points;
use super::weights::{self, Coefficients, CommittedWeights, dot};
use super::witness::Values;
use crate::program::{Program, ProgramSlice};
use crate::prove::Weights;

/// Proves a slice whose values are those of an honest run.
///
/// # Errors
/// Where the library refuses; never for values that [`super::witness::values`] gives.
pub(super) fn prove(
    program: &Program,
    slice: &ProgramSlice,
    cells: &Cells,
    values: &Values<'_>,
    weights: Weights<'_>,
    statement: &[u8; 32],
) -> Result<Proof, String> {
    prove_with(program, slice, cells, values, weights, statement, |_| {})
}

/// As [`prove`], after a change of the look-ups' numerators: the library reduces only sums that
/// are zero, so a forger whose look-ups fail has to change them.
pub(super) fn prove_with(
    program: &Program,
    slice: &ProgramSlice,
    cells: &Cells,
    values: &Values<'_>,
    weights: Weights<'_>,
    statement: &[u8; 32],
    change_numerators: impl FnOnce(&mut Poly<F>),
) -> Result<Proof, String> {
    let opener = Opener::new(cells.variables)?;
    let mut challenger = transcript(statement);

    let mut vector: Vec<F> = values.committed.iter().map(|&v| F::from_i64(v)).collect();
    vector.resize(1 << cells.variables, F::ZERO);
    let (root, data) = opener.commit(&vector, &mut challenger)?;

    let outputs = output_points(program, slice, cells, &mut challenger);
    let mut challenges = Challenges::draw(outputs, cells.variables, &mut challenger);
    let (products, claims) =
        products::prove(program, slice, cells, &challenges.outputs, values, &mut challenger);
    challenges.products = claims;
    let (mut numerators, denominators) = leaves(cells, values, challenges.alpha, challenges.beta);
    change_numerators(&mut numerators);
    let denominators = PolyMaybePacked::<F, EF>::Packed(denominators.pack::<F, EF>());
    let fraction = Fraction { n: LeafNumerator::Base(&numerators), d: &denominators };
    let (lookups, end) = prove_fractional_gkr(fraction, &mut challenger);
    drop((numerators, denominators));

    challenges.join(&end, &mut challenger);
    let committed = weights::committed_ops(program, slice, cells, &challenges, weights);
    let opened: Vec<CommittedWeights> = committed
        .iter()
        .map(|(op, _)| weights::commit(op.op)?.ok_or_else(|| "a root without weights".to_owned()))
        .collect::<Result<_, _>>()?;
    let constants: Vec<EF> = committed
        .iter()
        .zip(&opened)
        .map(|((op, _), weights)| {
            dot(&Coefficients::of(op, cells, values.public, None).constant, &weights.vector)
        })
        .collect();
    weights::absorb(&mut challenger, constants.iter().copied());

    let claim = functional(program, slice, cells, values.public, &challenges);
    let mut reduction = Reduction::new(vector, claim.weights);
    let (reduction, point) =
        reduction.prove::<F, _>(&mut challenger, cells.variables, DEGREE, 0, -claim.constant);
    let coefficients: Vec<Coefficients> = if committed.is_empty() {
        Vec::new()
    } else {
        let eq = eq_weights(point.as_slice(), EF::ONE);
        let of = |(op, _): &(_, _)| Coefficients::of(op, cells, values.public, Some(&eq));
        committed.iter().map(of).collect()
    };
    let ends: Vec<EF> =
        coefficients.iter().zip(&opened).map(|(c, w)| dot(&c.weight, &w.vector)).collect();
    weights::absorb(&mut challenger, ends.iter().copied());
    let opening = opener.open(data, point, &mut challenger)?;
    let delta: EF = challenger.sample_algebra_element();
    let mut weights = Vec::with_capacity(opened.len());
    for (((weight, coefficients), constant), end) in
        opened.into_iter().zip(coefficients).zip(constants).zip(ends)
    {
        let proof = weights::prove(weight, coefficients, delta, constant, end, &mut challenger)?;
        weights.push(proof);
    }
    Ok(Proof { root, lookups, products, reduction, opening, weights })
}

/// Numerators and denominators of the look-up argument: `1 / (α - t)` for each look-up of a row
/// `t = x + β y + β² tag`, `-m / (α - t)` for each row of a table that is looked up `m` times, and
/// `0 / 1` for the rest. Their sum is zero where every look-up finds its row.
pub(super) fn leaves(
    cells: &Cells,
    values: &Values<'_>,
    alpha: EF,
    beta: EF,
) -> (Poly<F>, Poly<EF>) {
    let size = 1usize << cells.leaf_variables;
    let mut numerators = F::zero_vec(size);
    let mut denominators = vec![EF::ONE; size];
    let tag = |table: usize| alpha - beta.square() * F::from_u64(cells.tables[table].0.tag());
    let mut leaf = 0;
    for lookup in &cells.lookups {
        let range = leaf..leaf + lookup.len;
        let base = tag(lookup.table);
        numerators[range.clone()].fill(F::ONE);
        denominators[range].par_iter_mut().with_min_len(1 << 11).enumerate().for_each(
            |(i, denominator)| {
                let x = F::from_i64(values.difference(&lookup.x, i));
                *denominator = base - x;
                if let Some(y) = &lookup.y {
                    *denominator -= beta * F::from_i64(values.difference(y, i));
                }
            },
        );
        leaf += lookup.len;
    }
    for (number, (table, offset)) in cells.tables.iter().enumerate() {
        let base = tag(number);
        for row in 0..table.rows() {
            let (x, y) = table.row(row);
            numerators[leaf] = -F::from_i64(values.committed[offset + row]);
            denominators[leaf] = base - F::from_i64(x) - beta * F::from_i64(y);
            leaf += 1;
        }
    }
    (Poly::new(numerators), Poly::new(denominators))
}
