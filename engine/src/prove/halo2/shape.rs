//! The size of a slice's circuit, counted without writing it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::blocks;
use super::poseidon::digest_rows;
use super::sponge::per_element;
use super::steps::{Requantise, Source, Step, Steps, steps};
use crate::program::{Program, ProgramSlice, ValueId, Window};
use crate::prove::Unprovable;

/// The largest `k` that is proven here: 2^17 rows take some 7 GB.
pub const MAX_K: u32 = 17;
/// The smallest `k` for which parameters are pinned.
pub const MIN_K: u32 = 6;

/// Rows at the end of every column that blind it or close its arguments: a column is opened at no
/// more than five points (values, for the pairwise maximum) and once more in the multi-opening;
/// one row is the library's margin, and one ends the permutation and look-up products.
pub(super) const UNUSABLE_ROWS: usize = 8;

/// The circuits on offer. The library fixes the columns of a circuit at compile time, so each is
/// a type of its own: `M×C` has `M` activations and `C` accumulators in a row of the dot track.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Menu {
    /// 16 multiplications a row: the shortest proofs, and the cheapest rows.
    #[serde(rename = "4x4")]
    Dot4x4,
    /// 48 multiplications a row: a tenth less memory than 64 where the rows still fit.
    #[serde(rename = "8x6")]
    Dot8x6,
    /// 64 multiplications a row.
    #[serde(rename = "8x8")]
    Dot8x8,
}

impl Menu {
    /// All entries.
    pub const ALL: [Self; 3] = [Self::Dot4x4, Self::Dot8x6, Self::Dot8x8];

    /// Activations and accumulators in a row.
    #[must_use]
    pub fn lanes_and_accumulators(self) -> (usize, usize) {
        match self {
            Self::Dot4x4 => (4, 4),
            Self::Dot8x6 => (8, 6),
            Self::Dot8x8 => (8, 8),
        }
    }
}

impl fmt::Display for Menu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (lanes, accumulators) = self.lanes_and_accumulators();
        write!(f, "{lanes}x{accumulators}")
    }
}

/// A text that names no circuit of the menu.
#[derive(Debug, thiserror::Error)]
#[error("no circuit is called {0:?}: choose `4x4`, `8x6` or `8x8`")]
pub struct UnknownMenu(String);

impl FromStr for Menu {
    type Err = UnknownMenu;

    fn from_str(text: &str) -> Result<Self, UnknownMenu> {
        let named = |menu: &Self| menu.to_string() == text;
        Self::ALL.into_iter().find(named).ok_or_else(|| UnknownMenu(text.to_owned()))
    }
}

/// Rows of each track. The tracks share rows, so the longest one counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rows {
    /// Dot products.
    pub dot: usize,
    /// Rounding, ranges, ReLU and maxima.
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
    /// Which circuit of the menu.
    pub menu: Menu,
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

/// Look-ups: a map, two limbs, a boundary element.
const LOOKUPS: usize = 4;
/// The degree of the gates, of which the library makes four commitments to the quotient.
const DEGREE: usize = 5;

impl CircuitShape {
    pub(crate) fn new(menu: Menu, rows: Rows) -> Self {
        let (lanes, accumulators) = menu.lanes_and_accumulators();
        let k = rows.k();
        // Sum, shifted, value, low, high; element, packed; state and squares.
        let advice = lanes + accumulators + 5 + 2 + 6;
        // Weights, on, carry, product; three tags, bias, on, pooling; tag, carry; constants, round, absorb;
        // the table.
        let fixed = lanes * accumulators + 3 + 6 + 2 + 5 + 3;
        // Sum, value; element, packed; one of the state and two squares; the instance.
        let permuted = lanes + accumulators + 2 + 2 + 3 + 1;
        // Accumulators, sum, shifted, low and packed are opened at two rows, the state too; values
        // at five; the instance at one.
        let openings = advice + accumulators + 4 + 4 + 3 + fixed + 1;
        let products = permuted.div_ceil(DEGREE - 2);
        // This row, this and the one before, this and the next, the values' five, and those of the
        // permutation products.
        let point_sets = 5;
        let scalars = advice
            + 8 * LOOKUPS
            + 4 * products
            + DEGREE
            + openings
            + permuted
            + point_sets
            + 2 * k as usize
            + 4;
        Self { menu, k, rows, advice, fixed, permuted, lookups: LOOKUPS, proof_bytes: 32 * scalars }
    }
}

/// The size of the circuit that proves a slice: the smallest `k`, and among entries of the menu
/// with that `k` the narrowest, whose rows are cheapest. Proofs stay below 10,000 bytes.
///
/// Prover and verifier both choose here, so the choice rests on nothing that is measured.
///
/// # Errors
/// Where the slice cannot be proven.
pub fn circuit_shape(program: &Program, slice: &ProgramSlice) -> Result<CircuitShape, Unprovable> {
    circuit_shape_without(program, slice, &[])
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
    // What is fused rests on the slice as it is.
    let steps = steps(program, slice)?;
    let mut hashed = slice.clone();
    for ids in [&mut hashed.inputs, &mut hashed.outputs] {
        ids.retain(|id| !tensors.contains(id));
    }
    let shapes: Vec<_> = Menu::ALL.map(|menu| shape_of(program, &hashed, &steps, menu)).into();
    let fits = shapes.iter().filter(|s| s.k <= MAX_K && s.proof_bytes < 10_000).cloned();
    match fits.min_by_key(|shape| (shape.k, shape.menu)) {
        Some(shape) => Ok(shape),
        None => Err(too_large(program, slice, &shapes)),
    }
}

/// The size of the circuit of the menu's entry that proves a slice.
///
/// # Errors
/// Where the slice cannot be proven.
pub fn circuit_shape_of(
    program: &Program,
    slice: &ProgramSlice,
    menu: Menu,
) -> Result<CircuitShape, Unprovable> {
    let shape = shape_of(program, slice, &steps(program, slice)?, menu);
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
        "one operation cannot be cut, so it stays unproven"
    };
    Unprovable { place, reason: format!("needs k={k}, over the limit of {MAX_K}: {way_out}") }
}

pub(super) fn shape_of(
    program: &Program,
    slice: &ProgramSlice,
    steps: &Steps<'_>,
    menu: Menu,
) -> CircuitShape {
    let (lanes, accumulators) = menu.lanes_and_accumulators();
    // Row 0 of the dot and the pack track is idle.
    let mut rows = Rows { dot: 1, requantise: 0, pack: 1, poseidon: 0, table: steps.tables.rows() };
    for step in &steps.list {
        match step {
            Step::Requantise(Requantise { source, pool, len, output, .. }) => {
                rows.dot += match source {
                    Source::Linear(linear, _) => blocks::rows(&linear.map, lanes, accumulators),
                    Source::Product(product, _) => len * product.fan().div_ceil(lanes / 2),
                    Source::Value(_) => 0,
                };
                let maxima = pool.map_or(0, |_| program.value(*output).len());
                rows.requantise += len + 2 * maxima;
            }
            Step::MaxPool { window, .. } => rows.requantise += window_rows(window),
            Step::Move { .. } => {}
        }
    }
    for &id in slice.inputs.iter().chain(&slice.outputs) {
        let boundary = boundary_rows(program, id);
        rows.pack += boundary.pack;
        rows.poseidon += boundary.poseidon;
    }
    CircuitShape::new(menu, rows)
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

/// Rows of maxima over any windows: as many as a window has elements, none where it has one.
fn window_rows(window: &Window) -> usize {
    let counts = |axis: usize| {
        (0..window.output[axis]).map(|at| window.axis(axis, at).count()).collect::<Vec<_>>()
    };
    let (heights, widths) = (counts(0), counts(1));
    let elements = heights.iter().sum::<usize>() * widths.iter().sum::<usize>();
    let single = |counts: &[usize]| counts.iter().filter(|&&count| count == 1).count();
    window.planes * (elements - single(&heights) * single(&widths))
}
