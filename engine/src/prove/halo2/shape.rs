//! The size of a slice's circuit, counted without writing it.

use serde::{Deserialize, Serialize};

use super::blocks::{self, Row};
use super::poseidon::digest_rows;
use super::sponge::per_element;
use super::steps::{Requantise, Source, Step, Steps, steps};
use super::width::Width;
use crate::program::{Program, ProgramSlice, ValueId, Window};
use crate::prove::Unprovable;

/// The largest `k` that is proven here: 2^17 rows take some 7 GB.
pub const MAX_K: u32 = 17;
/// The smallest `k` for which parameters are pinned.
pub const MIN_K: u32 = 6;

/// No circuit is on offer that is so many times the work of the cheapest: the prover picks the
/// circuit that a verifier derives keys of.
const MOST_WORK: u64 = 3;

/// Every proof is shorter.
const MOST_PROOF_BYTES: usize = 10_000;

/// Rows at the end of every column that blind it or close its arguments: a column is opened at no
/// more than five points (values, for the pairwise maximum) and once more in the multi-opening;
/// one row is the library's margin, and one ends the permutation and look-up products.
pub(super) const UNUSABLE_ROWS: usize = 8;

/// Rows of each track. The tracks share rows, so the longest one counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rows {
    /// Dot products.
    pub dot: usize,
    /// Rounding, ranges, ReLU and maxima: the longest of the tracks.
    pub requantise: usize,
    /// Boundary tensors, range-checked and packed.
    pub pack: usize,
    /// Digests of boundary tensors.
    pub poseidon: usize,
    /// The look-up table.
    pub table: usize,
}

impl Rows {
    /// The tracks with their names.
    #[must_use]
    pub fn tracks(&self) -> [(&'static str, usize); 5] {
        [
            ("dot", self.dot),
            ("requantise", self.requantise),
            ("pack", self.pack),
            ("poseidon", self.poseidon),
            ("table", self.table),
        ]
    }

    /// The longest track.
    #[must_use]
    pub fn max(&self) -> usize {
        self.tracks().iter().map(|&(_, rows)| rows).max().unwrap_or(0)
    }

    fn k(&self) -> u32 {
        (self.max() + UNUSABLE_ROWS).next_power_of_two().ilog2().max(MIN_K)
    }
}

/// The size of a slice's circuit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CircuitShape {
    /// What a row holds.
    pub width: Width,
    /// Columns have `2^k` rows.
    pub k: u32,
    /// Rows of each track.
    pub rows: Rows,
    /// Advice columns.
    pub advice: usize,
    /// Fixed columns, those of the table included.
    pub fixed: usize,
    /// Columns in the permutation argument, that of the instance included.
    pub permuted: usize,
    /// Look-ups.
    pub lookups: usize,
    /// Bytes of the proof.
    pub proof_bytes: usize,
}

/// The degree of the gates, of which the library makes four commitments to the quotient.
const DEGREE: usize = 5;

impl CircuitShape {
    pub(crate) fn new(width: Width, rows: Rows) -> Self {
        let Width { lanes, accumulators, tracks } = width;
        let k = rows.k();
        // Sum, shifted, value, low, high; element, packed; state and squares.
        let advice = lanes + accumulators + 5 * tracks + 2 + 6;
        // Weights, on, carry, product; three tags, bias, on, pooling; tag, carry; constants, round,
        // absorb; the table.
        let fixed = lanes * accumulators + 3 + 6 * tracks + 2 + 5 + 3;
        // Sum, value; element, packed; one of the state and two squares; the instance.
        let permuted = lanes + accumulators + 2 * tracks + 2 + 3 + 1;
        // A map and two limbs; a boundary element.
        let lookups = 3 * tracks + 1;
        // Accumulators, sum, shifted, low and packed are opened at two rows, the state too; values
        // at five; the instance at one.
        let openings = advice + accumulators + 7 * tracks + 1 + 3 + fixed + 1;
        let products = permuted.div_ceil(DEGREE - 2);
        // This row, this and the one before, this and the next, the values' five, and those of the
        // permutation products.
        let point_sets = 5;
        let scalars = advice
            + 8 * lookups
            + 4 * products
            + DEGREE
            + openings
            + permuted
            + point_sets
            + 2 * k as usize
            + 4;
        Self { width, k, rows, advice, fixed, permuted, lookups, proof_bytes: 32 * scalars }
    }

    /// Vectors that the prover commits to for each proof: advice columns, three for a look-up, and
    /// a product for three permuted columns.
    #[must_use]
    pub fn vectors(&self) -> usize {
        self.advice + 3 * self.lookups + self.permuted.div_ceil(DEGREE - 2)
    }

    /// Work of the prover, to compare circuits by, in units that mean nothing by themselves: every
    /// phase is linear in the rows; each vector has its commitment and transforms, each fixed
    /// column its evaluations, and the opening comes once. The weights are rounded from
    /// measurements, and are whole so that the choice is the same on every machine.
    #[must_use]
    pub fn work(&self) -> u64 {
        let row = 240 + 9 * self.vectors() + 3 * self.fixed;
        (row as u64) << self.k
    }
}

/// The size of the circuit that proves a slice with the least [work](CircuitShape::work).
///
/// # Errors
/// Where the slice cannot be proven.
pub fn circuit_shape(program: &Program, slice: &ProgramSlice) -> Result<CircuitShape, Unprovable> {
    circuit_shape_without(program, slice, &[])
}

/// The circuits that can prove a slice, the one of least [work](CircuitShape::work) first. No two
/// have proofs of one length, none is much more work, and all proofs are shorter than 10,000 bytes.
///
/// # Errors
/// Where the slice cannot be proven.
pub fn circuit_shapes(
    program: &Program,
    slice: &ProgramSlice,
) -> Result<Vec<CircuitShape>, Unprovable> {
    shapes_without(program, slice, &[])
}

/// The size that the circuit would have if these tensors on the slice's boundary had not to be
/// checked and hashed: what a boundary costs is the difference. There is no such circuit.
///
/// # Errors
/// Where the slice cannot be proven.
pub fn circuit_shape_without(
    program: &Program,
    slice: &ProgramSlice,
    tensors: &[ValueId],
) -> Result<CircuitShape, Unprovable> {
    Ok(shapes_without(program, slice, tensors)?.swap_remove(0))
}

/// At least one shape.
fn shapes_without(
    program: &Program,
    slice: &ProgramSlice,
    tensors: &[ValueId],
) -> Result<Vec<CircuitShape>, Unprovable> {
    // What is fused rests on the slice as it is.
    let steps = steps(program, slice)?;
    let mut hashed = slice.clone();
    for ids in [&mut hashed.inputs, &mut hashed.outputs] {
        ids.retain(|id| !tensors.contains(id));
    }
    let mut shapes: Vec<_> =
        Width::ALL.map(|width| shape_of(program, &hashed, &steps, width)).into();
    shapes.sort_by_key(|shape| (shape.work(), shape.width));
    let mut fitting: Vec<CircuitShape> = Vec::new();
    for shape in &shapes {
        let is_new = fitting.iter().all(|other| other.proof_bytes != shape.proof_bytes);
        let is_cheap = fitting.first().is_none_or(|least| shape.work() <= MOST_WORK * least.work());
        if shape.k <= MAX_K && shape.proof_bytes < MOST_PROOF_BYTES && is_new && is_cheap {
            fitting.push(shape.clone());
        }
    }
    if fitting.is_empty() { Err(too_large(program, slice, &shapes)) } else { Ok(fitting) }
}

/// The size of the circuit of this width that proves a slice.
///
/// # Errors
/// Where the slice cannot be proven.
pub fn circuit_shape_of(
    program: &Program,
    slice: &ProgramSlice,
    width: Width,
) -> Result<CircuitShape, Unprovable> {
    let shape = shape_of(program, slice, &steps(program, slice)?, width);
    if shape.k <= MAX_K { Ok(shape) } else { Err(too_large(program, slice, &[shape])) }
}

/// Why no entry fits; names the operation with the most rows.
fn too_large(program: &Program, slice: &ProgramSlice, shapes: &[CircuitShape]) -> Unprovable {
    let Some(smallest) = shapes.iter().min_by_key(|shape| shape.k) else {
        return Unprovable { place: "the slice".into(), reason: "no circuit is on offer".into() };
    };
    let k = smallest.k;
    let ops = &program.ops[slice.ops.clone()];
    let place = match ops {
        [op] => format!("node {:?} ({})", op.name, op.operator),
        [first, .., last] => format!("the slice from node {:?} to {:?}", first.name, last.name),
        [] => "the slice".into(),
    };
    let way_out = if ops.len() > 1 {
        "cut it smaller"
    } else {
        "one operation is not cut: split its node into tiles, where it can be"
    };
    Unprovable { place, reason: format!("needs k={k}, over the limit of {MAX_K}: {way_out}") }
}

pub(super) fn shape_of(
    program: &Program,
    slice: &ProgramSlice,
    steps: &Steps<'_>,
    width: Width,
) -> CircuitShape {
    let Width { lanes, accumulators, tracks } = width;
    // Row 0 of the dot and the pack track is idle.
    let mut rows = Rows { dot: 1, requantise: 0, pack: 1, poseidon: 0, table: steps.tables.rows() };
    let mut requantise = vec![0; tracks];
    // What a step writes goes to the tracks in turn.
    let mut in_turn = |count: usize, rows: usize| {
        for (track, total) in requantise.iter_mut().enumerate() {
            *total += (count + tracks - 1 - track) / tracks * rows;
        }
    };
    for step in &steps.list {
        match step {
            Step::Requantise(step @ Requantise { source, pool, len, output, .. }) => {
                rows.dot += match source {
                    Source::Linear(linear, ids) => {
                        let digits = step.digits(program, linear, ids);
                        let row = Row::fewest(lanes, accumulators, digits.most, &linear.map);
                        blocks::rows(&linear.map, row)
                    }
                    // The first row is a zero for lanes that others leave idle.
                    Source::Product(product, _) => 1 + len * product.fan().div_ceil(lanes / 2),
                    Source::Value(_) => 0,
                };
                let maxima = pool.map_or(0, |_| program.value(*output).len());
                in_turn(maxima, POOLED_ROWS);
                in_turn(len - 4 * maxima, 1);
            }
            Step::MaxPool { window, .. } => in_turn(window.planes, window_rows(window)),
            Step::Move { .. } => {}
        }
    }
    rows.requantise = requantise.into_iter().max().unwrap_or(0);
    for &id in slice.inputs.iter().chain(&slice.outputs) {
        let boundary = boundary_rows(program, id);
        rows.pack += boundary.pack;
        rows.poseidon += boundary.poseidon;
    }
    CircuitShape::new(width, rows)
}

/// Rows that one tensor on a slice's boundary takes in its circuit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BoundaryRows {
    /// Checking the range of each element, and packing it.
    pub pack: usize,
    /// Hashing what is packed.
    pub poseidon: usize,
}

impl BoundaryRows {
    /// Rows of both tracks.
    #[must_use]
    pub fn total(self) -> usize {
        self.pack + self.poseidon
    }
}

/// Rows that a tensor of the program takes in the circuit of each slice on whose boundary it is.
#[must_use]
pub fn boundary_rows(program: &Program, id: ValueId) -> BoundaryRows {
    let value = program.value(id);
    let poseidon = digest_rows(value.len().div_ceil(per_element(value.bits)));
    BoundaryRows { pack: value.len(), poseidon }
}

/// Rows of four values and their pairwise maximum.
const POOLED_ROWS: usize = 4 + 2;

/// Rows of maxima over the windows of a plane: as many as a window has elements, none where it has
/// one.
fn window_rows(window: &Window) -> usize {
    let counts = |axis: usize| {
        (0..window.output[axis]).map(|at| window.axis(axis, at).count()).collect::<Vec<_>>()
    };
    let (heights, widths) = (counts(0), counts(1));
    let elements = heights.iter().sum::<usize>() * widths.iter().sum::<usize>();
    let single = |counts: &[usize]| counts.iter().filter(|&&count| count == 1).count();
    elements - single(&heights) * single(&widths)
}
