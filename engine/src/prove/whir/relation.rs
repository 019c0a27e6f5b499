//! The linear relations of a slice: everything that a proof says, as one inner product.
//!
//! Each claim is an affine function of the committed vector `z` that must be zero. With `eq` for
//! equality weights at a random point, and `e` for such weights over the outputs of an operation
//! (one point for each axis, so that the weights of a convolution factor):
//!
//! | claim | function |
//! |---|---|
//! | padding | `Σ eq(i) z_i` over the unused elements of `z` |
//! | numerator | `Σ eq(l) - Σ eq(row) multiplicity(row) - N` over look-ups and table rows |
//! | denominator | `Σ eq(l) (α - x_l - β y_l - β² tag_l) + Σ eq(unused) - D` |
//! | operation | `Σ e_y (2^s q_y + remainder_y - half - bias_y - Σ w x)` over its outputs `y` |
//!
//! The relation of a product of two tensors has `w P` for its sum, and two claims more on `P`'s factors
//! (`products`). All are summed with the powers of `γ`. Public values end in the constant, committed ones in the
//! weights of `z`. Nothing outside the valid elements of a tensor ever enters a claim, and what
//! lies outside all tensors is zero by the first.

use p3_field::PrimeCharacteristicRing;
use p3_multilinear_util::poly::Poly;

use super::cells::{Cells, Difference, Limb, OpCells, Place, Source};
use super::field::{EF, F};
use super::products::{self, ProductClaim};
use crate::program::{Kind, Linear, Map, Op, Program, ProgramSlice, Window};

/// The challenges that the claims depend on.
pub(super) struct Challenges {
    /// For each linear operation of the slice, one point for each axis of its output.
    pub outputs: Vec<Vec<Vec<EF>>>,
    /// The point of the padding claim.
    pub padding: Vec<EF>,
    pub alpha: EF,
    pub beta: EF,
    /// Where the look-up argument ended, and the numerator and denominator that it claims there.
    pub leaf_point: Vec<EF>,
    pub numerator: EF,
    pub denominator: EF,
    pub gamma: EF,
    /// What is claimed of each product of the slice.
    pub products: Vec<ProductClaim>,
}

/// An affine function of the committed vector.
pub(super) struct Functional {
    /// One weight for each element of the committed vector.
    pub weights: Vec<EF>,
    pub constant: EF,
}

/// Equality weights at a point, the first coordinate for the highest bit of the index.
pub(super) fn eq_weights(point: &[EF], scale: EF) -> Vec<EF> {
    Poly::<EF>::new_from_point(point, scale).into_evals()
}

/// Lengths of the axes of an operation's output, over which its weights factor.
pub(super) fn axes(linear: &Linear, len: usize) -> Vec<usize> {
    match &linear.map {
        Map::Conv { window, channels_out, .. } => {
            vec![window.planes, *channels_out, window.output[0], window.output[1]]
        }
        Map::Dense { rows, outer, .. } => vec![*rows, *outer],
        Map::Sum { .. } | Map::Average { .. } | Map::Gather { .. } => vec![len],
    }
}

/// Variables of a point for an axis of this length.
pub(super) fn axis_variables(len: usize) -> usize {
    len.next_power_of_two().trailing_zeros() as usize
}

/// Number of claims that are summed with powers of `γ`.
pub(super) fn claims(cells: &Cells) -> usize {
    let of_op = |op: &OpCells| match op {
        OpCells::Linear(_) => 1,
        // Its relation, and the values of its factors.
        OpCells::Product(_) => 3,
        OpCells::OutputOnly | OpCells::MaxPool { .. } => 0,
    };
    3 + cells.ops.iter().map(of_op).sum::<usize>()
}

/// The sum of all claims, as one affine function that must be zero.
pub(super) fn functional(
    program: &Program,
    slice: &ProgramSlice,
    cells: &Cells,
    public: &[&[i32]],
    challenges: &Challenges,
) -> Functional {
    let Functional { weights, constant } = lookup_functional(cells, public, challenges);
    let mut sum = Sum { public, weights, constant };
    for op in weighted_ops(program, slice, cells, challenges) {
        sum.linear(&op, cells);
    }
    sum.products(program, slice, cells, challenges);
    Functional { weights: sum.weights, constant: sum.constant }
}

/// The sum of the claims on padding, numerator and denominator, with the powers 0, 1 and 2 of `γ`.
pub(super) fn lookup_functional(
    cells: &Cells,
    public: &[&[i32]],
    challenges: &Challenges,
) -> Functional {
    let weights = EF::zero_vec(1 << cells.variables);
    let mut sum = Sum { public, weights, constant: EF::ZERO };
    // The padding claim is alone in its elements.
    let padding = eq_weights(&challenges.padding, EF::ONE);
    sum.weights[cells.used..].copy_from_slice(&padding[cells.used..]);
    sum.lookups(cells, challenges);
    Functional { weights: sum.weights, constant: sum.constant }
}

/// A linear operation, with the weights of its outputs in the sum of claims: a product of one
/// weight from each axis.
pub(super) struct WeightedOp<'a> {
    /// Its index in the slice.
    pub index: usize,
    pub op: &'a Op,
    pub linear: &'a Linear,
    pub limbs: &'a [Limb],
    /// Elements of its output.
    pub output_len: usize,
    pub axes: Vec<Vec<EF>>,
}

/// The linear operations of a slice, each weighted with its power of `γ`.
pub(super) fn weighted_ops<'a>(
    program: &'a Program,
    slice: &ProgramSlice,
    cells: &'a Cells,
    challenges: &Challenges,
) -> Vec<WeightedOp<'a>> {
    let mut power = challenges.gamma.square();
    let mut points = challenges.outputs.iter();
    let mut weighted = Vec::new();
    let ops = &program.ops[slice.ops.clone()];
    for (index, (op, op_cells)) in ops.iter().zip(&cells.ops).enumerate() {
        if let (Kind::Linear(linear), OpCells::Linear(limbs)) = (&op.kind, op_cells) {
            power *= challenges.gamma;
            let Some(points) = points.next() else { continue };
            let output_len = program.value(op.output).len();
            let axes = axes(linear, output_len)
                .into_iter()
                .zip(points)
                .enumerate()
                .map(|(number, (len, point))| {
                    // The power of γ goes with the first axis.
                    let scale = if number == 0 { power } else { EF::ONE };
                    let mut weights = eq_weights(point, scale);
                    weights.truncate(len);
                    weights
                })
                .collect();
            weighted.push(WeightedOp { index, op, linear, limbs, output_len, axes });
        } else if matches!(op_cells, OpCells::Product(_)) {
            // Its claim has a power of its own, see `Sum::products`.
            power *= challenges.gamma;
            points.next();
        }
    }
    weighted
}

struct Sum<'a> {
    public: &'a [&'a [i32]],
    weights: Vec<EF>,
    constant: EF,
}

impl Sum<'_> {
    /// Adds `weight` times an element of a place.
    fn add(&mut self, place: Place, element: usize, weight: EF) {
        match place {
            Place::Committed(offset) => self.weights[offset + element] += weight,
            Place::Public(at) => {
                self.constant += weight * F::from_i32(self.public[at][element]);
            }
        }
    }

    fn add_source(&mut self, source: &Source, i: usize, weight: EF) {
        self.add(source.place, source.element(i), weight);
    }

    fn add_difference(&mut self, difference: &Difference, i: usize, weight: EF) {
        self.add_source(&difference.plus, i, weight);
        if let Some(minus) = &difference.minus {
            self.add_source(minus, i, -weight);
        }
    }

    /// The claims on numerator and denominator, with the powers 1 and 2 of `γ`.
    fn lookups(&mut self, cells: &Cells, challenges: &Challenges) {
        let Challenges { alpha, beta, gamma, .. } = *challenges;
        let eq = eq_weights(&challenges.leaf_point, EF::ONE);
        let square = gamma.square();
        let (x_weight, y_weight) = (-square, -square * beta);
        let mut constant = -gamma * challenges.numerator - square * challenges.denominator;
        let mut leaf = 0;
        for lookup in &cells.lookups {
            let weights = &eq[leaf..leaf + lookup.len];
            let total: EF = weights.iter().copied().sum();
            let (table, _) = &cells.tables[lookup.table];
            let shared = alpha
                - F::from_i64(lookup.x.constant)
                - beta * F::from_i64(lookup.y.as_ref().map_or(0, |y| y.constant))
                - beta.square() * F::from_u64(table.tag());
            constant += total * (gamma + square * shared);
            for (i, &weight) in weights.iter().enumerate() {
                self.add_difference(&lookup.x, i, weight * x_weight);
            }
            if let Some(y) = &lookup.y {
                for (i, &weight) in weights.iter().enumerate() {
                    self.add_difference(y, i, weight * y_weight);
                }
            }
            leaf += lookup.len;
        }
        for (table, offset) in &cells.tables {
            let tag = alpha - beta.square() * F::from_u64(table.tag());
            for row in 0..table.rows() {
                let (x, y) = table.row(row);
                let denominator = tag - beta * F::from_i64(y) - F::from_i64(x);
                constant += square * eq[leaf] * denominator;
                self.weights[*offset + row] -= gamma * eq[leaf];
                leaf += 1;
            }
        }
        let unused: EF = eq[leaf..].iter().copied().sum();
        self.constant += constant + square * unused;
    }

    /// The claims on products: the relation of each with the power of `γ` of its place among the
    /// operations, and its factors with the powers after those of all operations.
    fn products(
        &mut self,
        program: &Program,
        slice: &ProgramSlice,
        cells: &Cells,
        challenges: &Challenges,
    ) {
        let gamma = challenges.gamma;
        let mut power = gamma.square();
        let mut powers = Vec::new();
        for op_cells in &cells.ops {
            if matches!(op_cells, OpCells::Linear(_) | OpCells::Product(_)) {
                power *= gamma;
            }
            if let OpCells::Product(limbs) = op_cells {
                powers.push((power, limbs));
            }
        }
        let products = products::products(program, slice, cells, &challenges.outputs);
        let claimed = products.into_iter().zip(powers).zip(&challenges.products);
        for (((op, product, axes), (own, limbs)), claim) in claimed {
            let weights: Vec<EF> = outer_product(&axes).into_iter().map(|e| own * e).collect();
            self.rounded(cells.places[&op.output], limbs, product.shift, &weights);
            self.constant -= own * claim.sum * F::from_i64(i64::from(product.weight));
            let factors = products::factors(op, product, cells, &axes);
            for (factor, value) in factors.into_iter().zip([claim.left, claim.right]) {
                power *= gamma;
                self.constant -= power * value;
                factor.at(&claim.point, power, |place, element, weight| {
                    self.add(place, element, weight);
                });
            }
        }
    }

    /// `Σ e_y (2^s q_y + remainder_y - half)` over the outputs of an operation.
    fn rounded(&mut self, output: Place, limbs: &[Limb], shift: u32, weights: &[EF]) {
        let power = |bits: u32| F::from_u64(1 << bits);
        for (i, &weight) in weights.iter().enumerate() {
            self.add(output, i, weight * power(shift));
        }
        for limb in limbs {
            let cells = &mut self.weights[limb.offset..];
            for (cell, &weight) in cells.iter_mut().zip(weights) {
                *cell += weight * power(limb.shift);
            }
        }
        let total: EF = weights.iter().copied().sum();
        self.constant -= total * power(shift - 1);
    }

    fn linear(&mut self, weighted: &WeightedOp<'_>, cells: &Cells) {
        let WeightedOp { op, linear, limbs, axes, .. } = weighted;
        let weights = outer_product(axes);
        self.rounded(cells.places[&op.output], limbs, linear.shift, &weights);
        self.constant -= bias(linear, axes);

        let place = |operand: u32| cells.places[&op.inputs[operand as usize]];
        match &linear.map {
            Map::Conv { window, channels_in, groups, .. } => {
                let input = place(0);
                transposed_conv(linear, window, *channels_in, *groups, axes, |element, weight| {
                    self.add(input, element, -weight);
                });
            }
            Map::Dense { rows, inner, .. } => {
                let folded = fold_rows(&linear.weights, *inner, &axes[1]);
                for (row, &e) in axes[0][..*rows].iter().enumerate() {
                    for (i, &weight) in folded.iter().enumerate() {
                        self.add(place(0), row * inner + i, -(e * weight));
                    }
                }
            }
            Map::Sum { .. } | Map::Average { .. } | Map::Gather { .. } => linear.visit(|site| {
                let weight = weights[site.outputs[0] as usize];
                for (tap, &w) in site.taps.iter().zip(site.weights) {
                    self.add(place(tap.operand), tap.element as usize, -(weight * F::from_i32(w)));
                }
            }),
        }
    }
}

/// The products of one weight from each axis, the last axis fastest.
fn outer_product(axes: &[Vec<EF>]) -> Vec<EF> {
    axes.iter().fold(vec![EF::ONE], |product, axis| {
        product.iter().flat_map(|&p| axis.iter().map(move |&a| p * a)).collect()
    })
}

/// `Σ e_y bias_y` over the outputs.
fn bias(linear: &Linear, axes: &[Vec<EF>]) -> EF {
    let total = |axis: usize| axes[axis].iter().copied().sum::<EF>();
    let dot = |axis: usize| -> EF {
        axes[axis].iter().zip(&linear.bias).map(|(&e, &b)| e * F::from_i64(b)).sum()
    };
    match &linear.map {
        Map::Conv { .. } => total(0) * dot(1) * total(2) * total(3),
        Map::Dense { .. } => total(0) * dot(1),
        Map::Sum { .. } | Map::Average { .. } | Map::Gather { .. } => dot(0),
    }
}

/// `Σ_o e_o w[o, i]` for each `i < inner` of a matrix `[outer, inner]`.
fn fold_rows(weights: &[i32], inner: usize, axis: &[EF]) -> Vec<EF> {
    let mut folded = EF::zero_vec(inner);
    for (row, &e) in weights.chunks_exact(inner.max(1)).zip(axis) {
        for (sum, &w) in folded.iter_mut().zip(row) {
            *sum += e * F::from_i32(w);
        }
    }
    folded
}

/// Calls `add` with each input element that the outputs read, and `Σ e_y w` over the outputs that
/// read it. The weights of the outputs are a product over the axes `[images, channels, rows,
/// columns]`, so this takes `O(|w| + kernel rows · |x|)` steps, however many outputs there are.
fn transposed_conv(
    linear: &Linear,
    window: &Window,
    channels_in: usize,
    groups: usize,
    axes: &[Vec<EF>],
    mut add: impl FnMut(usize, EF),
) {
    let [kernel_rows, kernel_columns] = window.kernel;
    let area = kernel_rows * kernel_columns;
    let width = window.input[1];
    let fan = channels_in / groups * area;
    let group_out = axes[1].len() / groups;
    let columns = columns(window, &axes[3]);
    for (image, &scale) in axes[0].iter().enumerate() {
        for group in 0..groups {
            let outputs = group * group_out..(group + 1) * group_out;
            // Of a program whose weights are committed, nothing.
            let weights = linear.weights.get(outputs.start * fan..outputs.end * fan);
            let weights = weights.unwrap_or_default();
            let folded = fold_rows(weights, fan, &axes[1][outputs]);
            for (local, kernel) in folded.chunks_exact(area).enumerate() {
                let channel = group * (channels_in / groups) + local;
                let plane = (image * channels_in + channel) * window.input_len();
                // For each row of the kernel, what it adds to a row of the input.
                let rows: Vec<Vec<EF>> = kernel
                    .chunks_exact(kernel_columns)
                    .map(|kernel| {
                        (0..width)
                            .map(|at| {
                                let dot = kernel.iter().zip(&columns).map(|(&w, c)| w * c[at]);
                                scale * dot.sum::<EF>()
                            })
                            .collect()
                    })
                    .collect();
                for (y, &e) in axes[2].iter().enumerate() {
                    for (k, at) in window.axis(0, y) {
                        for (column, &weight) in rows[k].iter().enumerate() {
                            add(plane + at * width + column, e * weight);
                        }
                    }
                }
            }
        }
    }
}

/// For each column of the kernel, the weight with which each column of the input is read: the sum
/// of the weights of the output columns that read it there.
pub(super) fn columns(window: &Window, axis: &[EF]) -> Vec<Vec<EF>> {
    let mut columns = vec![EF::zero_vec(window.input[1]); window.kernel[1]];
    for (x, &e) in axis.iter().enumerate() {
        for (k, at) in window.axis(1, x) {
            columns[k][at] += e;
        }
    }
    columns
}
