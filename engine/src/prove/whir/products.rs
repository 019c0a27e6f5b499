//! Products of two committed or public tensors.
//!
//! # The claim
//! At the random point of an operation's outputs, with a weight `e` for each position of each axis,
//! `P = Σ_y e_y Σ_k a[y, k] b[y, k]` is what the relation of the operation needs. Axes of the output
//! over which only one factor moves are summed in that factor by itself (rows of the first matrix
//! and columns of the second; Thaler, "Time-Optimal Interactive Proofs for Circuit Evaluation",
//! CRYPTO 2013, section 5). What is left is `P = Σ_t A(t) B(t)` over the axes that both factors
//! share, with `A` and `B` linear in the tensors:
//!
//! `A(t) = Σ_left e · a`, with the weights of the shared axes, and `B(t) = Σ_right e · b`.
//!
//! # The proof
//! The prover says `P`; a sumcheck reduces it to `A(r) · B(r)` at a random point `r`; the prover
//! says both values. That they are the extensions of `A` and `B` at `r` are two claims that are
//! affine in the committed vector, and join the other claims (`relation`).

use p3_challenger::FieldChallenger;
use p3_field::PrimeCharacteristicRing;
use p3_sumcheck::generic_degree::{GenericDegreeProof, RoundProver};
use serde::{Deserialize, Serialize};

use super::Rejection;
use super::cells::{Cells, OpCells, Place};
use super::field::{Challenger, EF, F};
use super::reduction::{DEGREE, Reduction};
use super::relation::{axis_variables, eq_weights};
use super::witness::Values;
use crate::program::{Kind, Op, Product, Program, ProgramSlice, Read};

/// What a proof says of one product.
#[derive(Serialize, Deserialize)]
pub(super) struct ProductProof {
    /// From the sum of products to one value of each factor.
    pub reduction: GenericDegreeProof<F, EF>,
    /// The value of the first factor's extension where the sumcheck ends.
    pub left: EF,
    /// And of the second one's.
    pub right: EF,
}

/// What is claimed of one product, for the sum of claims.
#[derive(Clone)]
pub(super) struct ProductClaim {
    pub sum: EF,
    pub left: EF,
    pub right: EF,
    /// Where the sumcheck ended.
    pub point: Vec<EF>,
}

/// One dimension over which a factor is summed or kept.
struct Dimension {
    steps: Vec<u32>,
    weights: Vec<EF>,
    /// Variables of the index that the factors share; none where the factor is summed over it.
    shared: Option<usize>,
}

/// A factor of a product: a linear function of a tensor for each shared index.
pub(super) struct Factor {
    place: Place,
    dimensions: Vec<Dimension>,
}

/// Whether a factor stays where it is along an axis.
fn stays(axis: &[Option<u32>]) -> bool {
    axis.iter().all(|step| *step == axis[0])
}

/// Variables of the index that both factors of a product share: one at least.
pub(super) fn variables(product: &Product) -> usize {
    let axes = product.left.axes.iter().zip(&product.right.axes);
    let shared = axes.filter(|(left, right)| !stays(left) && !stays(right));
    let lengths = shared.map(|(left, _)| left.len()).chain(product.left.sums.iter().map(Vec::len));
    lengths.map(axis_variables).sum::<usize>().max(1)
}

/// Both factors, given the weights of the output's positions for each axis.
pub(super) fn factors(op: &Op, product: &Product, cells: &Cells, axes: &[Vec<EF>]) -> [Factor; 2] {
    [(&product.left, &product.right, 0), (&product.right, &product.left, 1)].map(
        |(own, other, number)| Factor {
            place: cells.places[&op.inputs[number]],
            dimensions: dimensions(own, other, number == 0, axes),
        },
    )
}

fn dimensions(own: &Read, other: &Read, is_left: bool, axes: &[Vec<EF>]) -> Vec<Dimension> {
    let mut dimensions = Vec::new();
    for ((own, other), weights) in own.axes.iter().zip(&other.axes).zip(axes) {
        let steps = own.iter().flatten().copied().collect();
        // An axis along which neither moves is the left factor's.
        let (left, right) = if is_left { (own, other) } else { (other, own) };
        let dimension = match (stays(left), stays(right)) {
            (false, false) => {
                // The weights of shared axes are in the left factor alone.
                let weights = if is_left { weights.clone() } else { vec![EF::ONE; weights.len()] };
                Dimension { steps, weights, shared: Some(axis_variables(own.len())) }
            }
            (_, is_of_left) if is_of_left == is_left => {
                Dimension { steps, weights: weights.clone(), shared: None }
            }
            _ => Dimension { steps: vec![steps[0]], weights: vec![EF::ONE], shared: None },
        };
        dimensions.push(dimension);
    }
    for sum in &own.sums {
        let (weights, shared) = (vec![EF::ONE; sum.len()], Some(axis_variables(sum.len())));
        dimensions.push(Dimension { steps: sum.clone(), weights, shared });
    }
    if dimensions.iter().filter_map(|d| d.shared).sum::<usize>() == 0 {
        // A sumcheck has one round at least: the other value of its index has the value zero.
        dimensions.push(Dimension { steps: vec![0], weights: vec![EF::ONE], shared: Some(1) });
    }
    dimensions
}

impl Factor {
    /// Calls `f` with the shared index, the element and the weight of each term.
    fn terms(&self, mut f: impl FnMut(usize, usize, EF)) {
        fn walk(
            dimensions: &[Dimension],
            index: usize,
            element: usize,
            weight: EF,
            f: &mut impl FnMut(usize, usize, EF),
        ) {
            let Some((first, rest)) = dimensions.split_first() else {
                return f(index, element, weight);
            };
            for (at, (&step, &own)) in first.steps.iter().zip(&first.weights).enumerate() {
                let index = first.shared.map_or(index, |variables| index << variables | at);
                walk(rest, index, element + step as usize, weight * own, f);
            }
        }
        walk(&self.dimensions, 0, 0, EF::ONE, &mut f);
    }

    /// The factor's value for each shared index.
    fn values(&self, values: &Values<'_>, variables: usize) -> Vec<EF> {
        let mut table = EF::zero_vec(1 << variables);
        self.terms(|index, element, weight| {
            let value = match self.place {
                Place::Public(at) => F::from_i32(values.public[at][element]),
                Place::Committed(offset) => F::from_i64(values.committed[offset + element]),
            };
            table[index] += weight * value;
        });
        table
    }

    /// Calls `add` with the place and element of each term of the extension's value at a point of
    /// the shared index, and its weight.
    pub(super) fn at(mut self, point: &[EF], scale: EF, mut add: impl FnMut(Place, usize, EF)) {
        let mut rest = point;
        for dimension in &mut self.dimensions {
            if let Some(variables) = dimension.shared {
                let (own, after) = rest.split_at(variables);
                rest = after;
                for (weight, eq) in dimension.weights.iter_mut().zip(eq_weights(own, EF::ONE)) {
                    *weight *= eq;
                }
            }
        }
        let place = self.place;
        self.terms(|_, element, weight| add(place, element, scale * weight));
    }
}

/// The products of a slice, each with the random point of its outputs as weights for each axis.
pub(super) fn products<'a>(
    program: &'a Program,
    slice: &ProgramSlice,
    cells: &Cells,
    outputs: &[Vec<Vec<EF>>],
) -> Vec<(&'a Op, &'a Product, Vec<Vec<EF>>)> {
    let mut points = outputs.iter();
    let mut products = Vec::new();
    for (op, op_cells) in program.ops[slice.ops.clone()].iter().zip(&cells.ops) {
        match (&op.kind, op_cells) {
            (Kind::Linear(_), OpCells::Linear(_)) => drop(points.next()),
            (Kind::Product(product), OpCells::Product(_)) => {
                let Some(points) = points.next() else { break };
                let axes = product.shape.iter().zip(points).map(|(&side, point)| {
                    let mut weights = eq_weights(point, EF::ONE);
                    weights.truncate(side);
                    weights
                });
                products.push((op, &**product, axes.collect()));
            }
            _ => {}
        }
    }
    products
}

/// Proves the sum of each product.
pub(super) fn prove(
    program: &Program,
    slice: &ProgramSlice,
    cells: &Cells,
    outputs: &[Vec<Vec<EF>>],
    values: &Values<'_>,
    challenger: &mut Challenger,
) -> (Vec<ProductProof>, Vec<ProductClaim>) {
    let mut proofs = Vec::new();
    let mut claims = Vec::new();
    for (op, product, axes) in products(program, slice, cells, outputs) {
        let variables = variables(product);
        let [left, right] =
            factors(op, product, cells, &axes).map(|factor| factor.values(values, variables));
        let sum: EF = left.iter().zip(&right).map(|(&a, &b)| a * b).sum();
        challenger.observe_algebra_element(sum);
        let mut reduction = Reduction::of_extension(left.clone(), right.clone());
        let (reduction, point) = reduction.prove::<F, _>(challenger, variables, DEGREE, 0, sum);
        let eq = eq_weights(point.as_slice(), EF::ONE);
        let [left, right] =
            [left, right].map(|table| table.iter().zip(&eq).map(|(&v, &e)| v * e).sum::<EF>());
        challenger.observe_algebra_element(left);
        challenger.observe_algebra_element(right);
        claims.push(ProductClaim { sum, left, right, point: point.as_slice().to_vec() });
        proofs.push(ProductProof { reduction, left, right });
    }
    (proofs, claims)
}

/// Verifies the sum of each product, up to the values of its factors.
pub(super) fn verify(
    program: &Program,
    slice: &ProgramSlice,
    cells: &Cells,
    outputs: &[Vec<Vec<EF>>],
    proofs: &[ProductProof],
    challenger: &mut Challenger,
) -> Result<Vec<ProductClaim>, Rejection> {
    let products = products(program, slice, cells, outputs);
    if products.len() != proofs.len() {
        return Err(Rejection::Products);
    }
    let mut claims = Vec::new();
    for ((_, product, _), proof) in products.iter().zip(proofs) {
        let ProductProof { reduction, left, right } = proof;
        let sum = reduction.claimed_sum;
        challenger.observe_algebra_element(sum);
        let (point, end) = reduction
            .verify(challenger, variables(product), DEGREE, 0)
            .map_err(|_| Rejection::Products)?;
        if *left * *right != end {
            return Err(Rejection::Products);
        }
        challenger.observe_algebra_element(*left);
        challenger.observe_algebra_element(*right);
        let point = point.as_slice().to_vec();
        claims.push(ProductClaim { sum, left: *left, right: *right, point });
    }
    Ok(claims)
}
