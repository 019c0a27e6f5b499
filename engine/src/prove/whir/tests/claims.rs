//! The sum of all claims is zero for an honest run, and for nothing else.

use p3_field::{BasedVectorSpace, PrimeCharacteristicRing};

use super::*;
use crate::program::Linear;
use crate::prove::testing::{self, Random, random_maps};
use crate::prove::whir::field::{EF, F};
use crate::prove::whir::relation::{Challenges, axes, axis_variables, eq_weights, functional};

fn random(random: &mut Random) -> EF {
    let mut element = || F::from_u64(random.next() >> 1);
    let (low, high) = (element(), element());
    EF::from_basis_coefficients_fn(|i| if i == 0 { low } else { high })
}

/// Random challenges, and the numerator and denominator that these values have there.
fn challenges(case: &Case, cells: &Cells, values: &Values<'_>, seed: u64) -> Challenges {
    let generator = &mut Random(seed);
    let mut point =
        |variables: usize| (0..variables).map(|_| random(generator)).collect::<Vec<_>>();
    let ops = &case.program.ops[case.slice.ops.clone()];
    let outputs = ops
        .iter()
        .filter_map(|op| match &op.kind {
            crate::program::Kind::Linear(linear) => {
                let axes = axes(linear, case.program.value(op.output).len());
                Some(axes.into_iter().map(|len| point(axis_variables(len))).collect())
            }
            _ => None,
        })
        .collect();
    let (padding, leaf_point) = (point(cells.variables), point(cells.leaf_variables));
    let [alpha, beta, gamma] = point(3)[..] else { unreachable!() };
    let (numerators, denominators) = prover::leaves(cells, values, alpha, beta);
    let eq = eq_weights(&leaf_point, EF::ONE);
    let numerator = eq.iter().zip(numerators.as_slice()).map(|(&e, &n)| e * n).sum();
    let denominator = eq.iter().zip(denominators.as_slice()).map(|(&e, &d)| e * d).sum();
    Challenges {
        outputs,
        padding,
        alpha,
        beta,
        leaf_point,
        numerator,
        denominator,
        gamma,
        products: vec![],
    }
}

/// The sum of all claims for these values.
fn sum(case: &Case, cells: &Cells, values: &Values<'_>, seed: u64) -> EF {
    let challenges = challenges(case, cells, values, seed);
    let claim = functional(&case.program, &case.slice, cells, values.public, &challenges);
    let committed = values.committed.iter().map(|&v| F::from_i64(v));
    let dot: EF = committed.zip(&claim.weights).map(|(z, &w)| w * z).sum();
    claim.constant + dot
}

/// Checks that the claims hold for a case, and fail for each of some changed values.
fn check(case: &Case, name: &str) {
    let (cells, public) = (case.cells(), case.public());
    let mut values =
        witness::values(&case.program, &case.slice, &cells, &case.trace, &public).unwrap();
    assert_eq!(sum(case, &cells, &values, 1), EF::ZERO, "{name}");
    // Numerator and denominator follow the change here, so that only the relations can tell.
    for range in bound_by_relations(case, &cells) {
        for at in [range.start, range.end - 1] {
            values.committed[at] += 1;
            assert_ne!(sum(case, &cells, &values, 2), EF::ZERO, "{name}: element {at}");
            values.committed[at] -= 1;
        }
    }
}

/// The committed outputs and limbs of linear maps, which the relations bind by themselves.
fn bound_by_relations(case: &Case, cells: &Cells) -> Vec<std::ops::Range<usize>> {
    let mut ranges = Vec::new();
    let ops = &case.program.ops[case.slice.ops.clone()];
    for (op, op_cells) in ops.iter().zip(&cells.ops) {
        if let cells::OpCells::Linear(limbs) = op_cells {
            let len = case.program.value(op.output).len();
            ranges.extend(limbs.iter().map(|limb| limb.offset..limb.offset + len));
            if let Place::Committed(offset) = cells.places[&op.output] {
                ranges.push(offset..offset + len);
            }
        }
    }
    ranges
}

fn with_map(seed: u64, linear: Linear) -> Case {
    Case::whole(testing::with_map(seed, linear))
}

#[test]
fn every_kind_of_linear_map_holds_for_its_run_only() {
    for (seed, (name, linear)) in (0..).zip(random_maps()) {
        check(&with_map(seed, linear), &name);
    }
}

#[test]
fn all_operations_together_hold_for_their_run_only() {
    for bits in [3, 5, 8, 12] {
        check(&small(bits), &format!("{bits} bits"));
    }
}
