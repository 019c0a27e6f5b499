//! Weights that stay with their owner: committed once, opened in each proof.
//!
//! # What is committed
//! For each operation with weights, one vector: its weights, then its biases, then zeros up to a
//! power of two. Multipliers of sums, averages and gathers follow from the scales and stay public.
//!
//! # The claims
//! The sum of all claims (`relation`) is affine in the weights too. An operation's vector `w` adds
//! to its constant `u = <U, w>` (biases, and weights that meet public inputs) and to the weight of
//! `z` at the sumcheck's end `t = <T, w>` (weights that meet committed inputs). The prover sends
//! every `u` before the sumcheck and every `t` after it; with a challenge `δ` they are one inner
//! product `<U + δ T, w> = u + δ t` an operation, which a sumcheck reduces to one value of `w`,
//! which an opening of the operation's root proves. `U` and `T` are known to the verifier.
//!
//! # What this gives, and what it doesn't
//! The proof holds for the weights under these roots and for no others, and the verifier needs
//! none of them. It does not hide them: each proof shows evaluations of the weights and some
//! hundred rows of their code at random places, and a few tens of proofs give a small network away.

use std::sync::Arc;

use p3_challenger::FieldChallenger;
use p3_field::PrimeCharacteristicRing;
use p3_sumcheck::generic_degree::{GenericDegreeProof, RoundProver};
use serde::{Deserialize, Serialize};

use super::Rejection;
use super::cells::{Cells, MIN_VARIABLES, Place, log2_ceil};
use super::field::{Challenger, EF, F, transcript};
use super::pcs::{Opener, Opening, ProverData, Root};
use super::reduction::{DEGREE, Reduction};
use super::relation::{Challenges, WeightedOp, columns, eq_weights, weighted_ops};
use crate::program::{Kind, Linear, Map, Op, Program, ProgramSlice, Window};
use crate::prove::Weights;

/// The commitment to the weights of one operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct WeightRoot(pub [u8; 32]);

/// What a proof says of the weights of one operation.
#[derive(Serialize, Deserialize)]
pub(super) struct WeightProof {
    /// What they add to the constant.
    pub constant: EF,
    /// What they add to the weight of the committed vector, where the sumcheck ends.
    pub weight: EF,
    pub reduction: GenericDegreeProof<F, EF>,
    pub opening: Opening,
}

/// The values of an operation that are committed, weights first; empty where it has none.
pub(super) fn committed_values(linear: &Linear) -> Vec<i64> {
    let weights = match &linear.map {
        Map::Conv { .. } | Map::Dense { .. } => linear.weights.as_slice(),
        Map::Sum { .. } | Map::Average { .. } | Map::Gather { .. } => &[],
    };
    weights.iter().map(|&w| i64::from(w)).chain(linear.bias.iter().copied()).collect()
}

/// How many of an operation's committed values are weights, and how many biases.
pub(super) fn lengths(linear: &Linear, output_len: usize) -> (usize, usize) {
    match &linear.map {
        Map::Conv { window, channels_in, channels_out, groups } => {
            let fan = channels_in / groups * window.kernel[0] * window.kernel[1];
            (channels_out * fan, *channels_out)
        }
        Map::Dense { inner, outer, .. } => (inner * outer, *outer),
        Map::Sum { .. } | Map::Gather { .. } => (0, output_len),
        Map::Average { .. } => (0, 0),
    }
}

/// The program without what is committed of it.
#[must_use]
pub fn strip(program: &Program) -> Program {
    let mut stripped = program.clone();
    for op in &mut stripped.ops {
        if let Kind::Linear(linear) = &mut op.kind {
            let weights = match &linear.map {
                Map::Conv { .. } | Map::Dense { .. } => Vec::new(),
                Map::Sum { .. } | Map::Average { .. } | Map::Gather { .. } => {
                    linear.weights.clone()
                }
            };
            let (map, shift) = (linear.map.clone(), linear.shift);
            *linear = Arc::new(Linear::new(map, weights, Vec::new(), shift));
        }
    }
    stripped
}

/// The roots of a program's weights, one for each operation; none where it has no weights.
///
/// # Errors
/// Where an operation has more weights than can be committed.
pub fn weight_roots(program: &Program) -> Result<Vec<Option<WeightRoot>>, String> {
    program.ops.iter().map(weight_root).collect()
}

/// The root of an operation's weights; none where it has no weights.
///
/// # Errors
/// As [`weight_roots`].
pub fn weight_root(op: &Op) -> Result<Option<WeightRoot>, String> {
    Ok(commit(op)?.map(|committed| committed.root))
}

/// Variables of the vector of an operation with so many committed values.
pub(super) fn variables(values: usize) -> usize {
    log2_ceil(values).max(MIN_VARIABLES)
}

/// The committed weights of an operation, ready to be opened.
pub(super) struct CommittedWeights {
    pub root: WeightRoot,
    pub vector: Vec<F>,
    pub opener: Opener,
    pub data: ProverData,
}

/// Commits to the weights of an operation, where it has any.
pub(super) fn commit(op: &Op) -> Result<Option<CommittedWeights>, String> {
    let Kind::Linear(linear) = &op.kind else { return Ok(None) };
    let values = committed_values(linear);
    if values.is_empty() {
        return Ok(None);
    }
    let variables = variables(values.len());
    let opener = Opener::new(variables)?;
    let mut vector: Vec<F> = values.into_iter().map(F::from_i64).collect();
    vector.resize(1 << variables, F::ZERO);
    // The root enters the transcript with the statement, so this transcript is thrown away.
    let (root, data) = opener.commit(&vector, &mut transcript(&[0; 32]))?;
    let &[root] = root.roots() else { return Err("the library's tree has no root".to_owned()) };
    Ok(Some(CommittedWeights { root: WeightRoot(root), vector, opener, data }))
}

/// An operation's committed values in the claims: what each is multiplied by.
pub(super) struct Coefficients {
    /// In the constant.
    pub constant: Vec<EF>,
    /// In the weight of the committed vector, where the sumcheck ends.
    pub weight: Vec<EF>,
}

impl Coefficients {
    /// The coefficients of an operation, given the public tensors and the equality weights of the
    /// point at which the sumcheck ends.
    pub(super) fn of(
        op: &WeightedOp<'_>,
        cells: &Cells,
        public: &[&[i32]],
        end: Option<&[EF]>,
    ) -> Self {
        let (weights, biases) = lengths(op.linear, op.output_len);
        let input = cells.places[&op.op.inputs[0]];
        let size = 1 << variables(weights + biases);
        let (mut constant, mut weight) = (EF::zero_vec(size), Vec::new());
        let products = |element: &dyn Fn(usize) -> EF| op_products(op, element);
        match (input, end) {
            (Place::Public(at), _) => {
                let tensor = public[at];
                let products = products(&|i| EF::from(F::from_i32(tensor[i])));
                constant[..weights].copy_from_slice(&products);
            }
            (Place::Committed(offset), Some(end)) => {
                weight = products(&|i| end[offset + i]);
                weight.resize(size, EF::ZERO);
            }
            (Place::Committed(_), None) => {}
        }
        for (coefficient, bias) in constant[weights..].iter_mut().zip(bias_weights(op)) {
            *coefficient = -bias;
        }
        Self { constant, weight }
    }

    fn combined(mut self, delta: EF) -> Vec<EF> {
        for (sum, &weight) in self.constant.iter_mut().zip(&self.weight) {
            *sum += delta * weight;
        }
        self.constant
    }
}

/// For each bias, the sum of the weights of the outputs that it is added to.
fn bias_weights(op: &WeightedOp<'_>) -> Vec<EF> {
    let total = |axis: usize| op.axes[axis].iter().copied().sum::<EF>();
    let scaled = |scale: EF, axis: usize| op.axes[axis].iter().map(|&e| scale * e).collect();
    match &op.linear.map {
        Map::Conv { .. } => scaled(total(0) * total(2) * total(3), 1),
        Map::Dense { .. } => scaled(total(0), 1),
        Map::Sum { .. } | Map::Gather { .. } => op.axes[0].clone(),
        Map::Average { .. } => Vec::new(),
    }
}

/// For each weight, minus the sum over the outputs of the output's weight times the input element
/// that the weight meets there.
fn op_products(op: &WeightedOp<'_>, input: &dyn Fn(usize) -> EF) -> Vec<EF> {
    let (met, rows_of_group, outer) = match &op.linear.map {
        Map::Conv { window, channels_in, groups, .. } => {
            let met = met_by_kernels(window, *channels_in, &op.axes, input);
            (met, op.axes[1].len() / groups, &op.axes[1])
        }
        &Map::Dense { rows, inner, .. } => {
            let at = |i: usize| {
                (0..rows).map(|row| op.axes[0][row] * input(row * inner + i)).sum::<EF>()
            };
            ((0..inner).map(at).collect(), op.axes[1].len(), &op.axes[1])
        }
        Map::Sum { .. } | Map::Average { .. } | Map::Gather { .. } => return Vec::new(),
    };
    let groups = outer.len() / rows_of_group.max(1);
    let fan = met.len() / groups.max(1);
    let row = |(o, &e): (usize, &EF)| {
        let group = o / rows_of_group;
        met[group * fan..(group + 1) * fan].iter().map(move |&m| -(e * m)).collect::<Vec<_>>()
    };
    outer.iter().enumerate().flat_map(row).collect()
}

/// `Σ e_image e_y e_x · input` over images and output pixels, for each channel and kernel position.
fn met_by_kernels(
    window: &Window,
    channels_in: usize,
    axes: &[Vec<EF>],
    input: &dyn Fn(usize) -> EF,
) -> Vec<EF> {
    let [kernel_rows, kernel_columns] = window.kernel;
    let [height, width] = window.input;
    let columns = columns(window, &axes[3]);
    let mut met = EF::zero_vec(channels_in * kernel_rows * kernel_columns);
    for (image, &scale) in axes[0].iter().enumerate() {
        for channel in 0..channels_in {
            let plane = (image * channels_in + channel) * window.input_len();
            // For each row of the input and column of the kernel, the sum over the output columns.
            let mut rows = vec![EF::zero_vec(kernel_columns); height];
            for (y, row) in rows.iter_mut().enumerate() {
                let elements: Vec<EF> = (0..width).map(|x| input(plane + y * width + x)).collect();
                for (sum, column) in row.iter_mut().zip(&columns) {
                    *sum = column.iter().zip(&elements).map(|(&e, &v)| e * v).sum();
                }
            }
            let kernel = channel * kernel_rows * kernel_columns;
            for (y, &e) in axes[2].iter().enumerate() {
                for (k, at) in window.axis(0, y) {
                    for (column, &sum) in rows[at].iter().enumerate() {
                        met[kernel + k * kernel_columns + column] += scale * e * sum;
                    }
                }
            }
        }
    }
    met
}

/// The operations of a slice that have a root, each with the axes of its claim; none where the
/// weights are public.
pub(super) fn committed_ops<'a>(
    program: &'a Program,
    slice: &ProgramSlice,
    cells: &'a Cells,
    challenges: &Challenges,
    weights: Weights<'_>,
) -> Vec<(WeightedOp<'a>, WeightRoot)> {
    let Weights::Committed(roots) = weights else { return Vec::new() };
    let ops = weighted_ops(program, slice, cells, challenges);
    let root = |op: &WeightedOp<'_>| roots.get(op.index).copied().flatten();
    ops.into_iter().filter_map(|op| root(&op).map(|root| (op, root))).collect()
}

/// `<coefficients, values>`.
pub(super) fn dot(coefficients: &[EF], values: &[F]) -> EF {
    coefficients.iter().zip(values).map(|(&c, &v)| c * v).sum()
}

/// Proves what is claimed of the weights of one operation.
pub(super) fn prove(
    committed: CommittedWeights,
    coefficients: Coefficients,
    delta: EF,
    constant: EF,
    weight: EF,
    challenger: &mut Challenger,
) -> Result<WeightProof, String> {
    let variables = committed.vector.len().trailing_zeros() as usize;
    let mut reduction = Reduction::new(committed.vector, coefficients.combined(delta));
    let (reduction, point) =
        reduction.prove::<F, _>(challenger, variables, DEGREE, 0, constant + delta * weight);
    let opening = committed.opener.open(committed.data, point, challenger)?;
    Ok(WeightProof { constant, weight, reduction, opening })
}

/// Verifies what is claimed of the weights of one operation.
pub(super) fn verify(
    proof: &WeightProof,
    root: WeightRoot,
    coefficients: Coefficients,
    delta: EF,
    challenger: &mut Challenger,
) -> Result<(), Rejection> {
    let coefficients = coefficients.combined(delta);
    let variables = coefficients.len().trailing_zeros() as usize;
    if proof.reduction.claimed_sum != proof.constant + delta * proof.weight {
        return Err(Rejection::Weights);
    }
    let (point, end) =
        proof.reduction.verify(challenger, variables, DEGREE, 0).map_err(|_| Rejection::Weights)?;
    let eq = eq_weights(point.as_slice(), EF::ONE);
    let factor: EF = eq.iter().zip(&coefficients).map(|(&e, &c)| e * c).sum();
    let opener = Opener::new(variables).map_err(|_| Rejection::Parameters)?;
    let root = Root::from(vec![root.0]);
    let value =
        opener.verify(&root, &proof.opening, point, challenger).ok_or(Rejection::Weights)?;
    if value * factor == end { Ok(()) } else { Err(Rejection::Weights) }
}

/// Absorbs what the prover says of the weights.
pub(super) fn absorb(challenger: &mut Challenger, values: impl Iterator<Item = EF>) {
    for value in values {
        challenger.observe_algebra_element(value);
    }
}
