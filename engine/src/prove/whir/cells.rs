//! Where the values of a slice lie, and which look-ups they take part in.
//!
//! One vector of field elements is committed, dense and without alignment: the tensors inside the
//! slice, the limbs of every rounding remainder, the running maxima of pools, and the
//! multiplicities of the tables; zeros fill it up to a power of two. The tensors on the slice's
//! boundary are public and not committed.
//!
//! Prover and verifier both derive all of this from the program; none of it is in a proof.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::WhirShape;
use super::builder::Builder;
use super::tables::Table;
use crate::program::{Kind, KnownWeights, Op, Program, ProgramSlice, ValueId};
use crate::prove::Unprovable;

/// Bits of the widest range table; a remainder of more bits is cut into limbs.
pub(super) const WIDEST_TABLE: u32 = 16;
/// Bits of the widest table for values that no slice computes.
const LIMB_OF_VALUES: u32 = 12;
/// Least number of variables of the committed vector: the opening folds that many at least.
pub(super) const MIN_VARIABLES: usize = 8;
/// Greatest number of variables: 2^24 elements take some gigabytes with their code, and as many
/// look-ups leave 102 bits of soundness.
pub(super) const MAX_VARIABLES: usize = 24;
/// Least number of variables of the look-ups, so that they fill the lanes of any processor.
const MIN_LEAF_VARIABLES: usize = 6;

/// Where a vector of values lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// On the boundary: the tensor at this place of the statement's boundary.
    Public(usize),
    /// In the committed vector, from this element on.
    Committed(usize),
}

/// A vector of values, read in its own order or in another one.
#[derive(Clone, Debug)]
pub(super) struct Source {
    pub place: Place,
    /// Which elements, where it isn't all of them in order.
    pub index: Option<Arc<[u32]>>,
}

impl Source {
    pub(super) fn of(place: Place) -> Self {
        Self { place, index: None }
    }

    /// The element of the place that is the source's element `i`.
    pub(super) fn element(&self, i: usize) -> usize {
        self.index.as_ref().map_or(i, |index| index[i] as usize)
    }
}

/// `plus - minus + constant`, element by element.
#[derive(Clone, Debug)]
pub(super) struct Difference {
    pub plus: Source,
    pub minus: Option<Source>,
    pub constant: i64,
}

/// A group of look-ups: for each `i < len`, the row `(tag, x_i, y_i)` is in a table.
#[derive(Clone, Debug)]
pub(super) struct Lookup {
    /// Index in [`Cells::tables`].
    pub table: usize,
    pub len: usize,
    pub x: Difference,
    /// Zero where there is none.
    pub y: Option<Difference>,
    /// Index of the operation in the slice, for errors.
    pub op: usize,
}

/// A limb of the remainders of a linear map: the bits from `shift` on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limb {
    pub offset: usize,
    pub shift: u32,
    pub bits: u32,
}

/// What an operation commits to beside its output.
#[derive(Clone, Debug)]
pub(super) enum OpCells {
    /// The limbs of the remainders.
    Linear(Vec<Limb>),
    /// The limbs of the remainders of a product.
    Product(Vec<Limb>),
    /// Nothing: a Relu or a function.
    OutputOnly,
    /// Which elements of the input each step reads, the first two steps' first; the maxima after
    /// each step but the first, of which the last is the output.
    MaxPool { taps: Vec<Arc<[u32]>>, maxima: Vec<Place> },
}

/// Everything about a slice that the protocol needs beside the values.
#[derive(Clone, Debug)]
pub(super) struct Cells {
    pub places: BTreeMap<ValueId, Place>,
    /// One for each operation of the slice.
    pub ops: Vec<OpCells>,
    pub lookups: Vec<Lookup>,
    /// The tables, each with the place of its multiplicities in the committed vector.
    pub tables: Vec<(Table, usize)>,
    /// Elements of the committed vector that are used.
    pub used: usize,
    /// Variables of the committed vector.
    pub variables: usize,
    /// Look-ups and table rows.
    pub leaves: usize,
    /// Variables of the look-up argument.
    pub leaf_variables: usize,
}

impl Cells {
    /// Arranges a slice.
    ///
    /// # Errors
    /// Where the slice is too large or has nothing to prove.
    pub(super) fn of(
        program: &Program,
        slice: &ProgramSlice,
        weights: KnownWeights<'_>,
    ) -> Result<Self, Unprovable> {
        // Sizes first: what is too large is refused before it takes memory.
        Self::sizes(program, slice, weights)?;
        Self::arrange(program, slice, true)
    }

    /// The sizes that decide what the proof costs.
    ///
    /// # Errors
    /// As [`Cells::of`].
    pub(super) fn shape(program: &Program, slice: &ProgramSlice) -> Result<WhirShape, Unprovable> {
        let cells = Self::sizes(program, slice, KnownWeights::Unbounded)?;
        let weights = program.ops[slice.ops.clone()].iter().map(|op| match &op.kind {
            Kind::Linear(linear) => linear.weights.len(),
            Kind::Relu | Kind::MaxPool(_) | Kind::Table(_) | Kind::Product(_) => 0,
        });
        Ok(WhirShape {
            cells: cells.used,
            variables: cells.variables,
            lookups: cells.leaves,
            lookup_variables: cells.leaf_variables,
            weights: weights.sum(),
        })
    }

    /// The arrangement without the elements that pools read.
    ///
    /// # Errors
    /// As [`Cells::of`].
    pub(super) fn sizes(
        program: &Program,
        slice: &ProgramSlice,
        weights: KnownWeights<'_>,
    ) -> Result<Self, Unprovable> {
        check(program, slice, weights)?;
        Self::arrange(program, slice, false)
    }

    /// Arranges a slice; without the elements that pools read, where only sizes are wanted.
    fn arrange(
        program: &Program,
        slice: &ProgramSlice,
        with_taps: bool,
    ) -> Result<Self, Unprovable> {
        let ops = &program.ops[slice.ops.clone()];
        // Wider tables save limbs, and cost their rows: take what needs the fewest elements.
        let candidates = (4..=WIDEST_TABLE).map(|width| (sizes(program, ops, width), width));
        let width = candidates.min().map_or(WIDEST_TABLE, |(_, width)| width);
        let arranged = Builder::new(program, slice, width, with_taps).build(ops)?;
        if arranged.variables > MAX_VARIABLES || arranged.leaf_variables > MAX_VARIABLES {
            return Err(Unprovable {
                place: "the slice".into(),
                reason: format!(
                    "it would commit to 2^{} elements and look up 2^{}, and at most 2^{MAX_VARIABLES} \
                     are possible: cut it smaller",
                    arranged.variables, arranged.leaf_variables
                ),
            });
        }
        Ok(arranged)
    }
}

/// Whatever its origin, the program must be one whose shapes fit and whose sums can't wrap.
fn check(
    program: &Program,
    slice: &ProgramSlice,
    weights: KnownWeights<'_>,
) -> Result<(), Unprovable> {
    program
        .check_slice(slice, weights)
        .map_err(|reason| Unprovable { place: "the slice".into(), reason })
}

impl Cells {
    /// Adds the tables that are looked into.
    pub(super) fn with_tables(
        places: BTreeMap<ValueId, Place>,
        ops: Vec<OpCells>,
        lookups: Vec<(Table, Lookup)>,
        mut used: usize,
    ) -> Self {
        let tables: BTreeSet<Table> = lookups.iter().map(|(table, _)| table.clone()).collect();
        let tables: Vec<(Table, usize)> = tables
            .into_iter()
            .map(|table| {
                let offset = used;
                used = used.saturating_add(table.rows());
                (table, offset)
            })
            .collect();
        let place = |table: &Table| tables.iter().position(|(t, _)| t == table).unwrap_or(0);
        let lookups: Vec<Lookup> = lookups
            .into_iter()
            .map(|(table, lookup)| Lookup { table: place(&table), ..lookup })
            .collect();
        let lengths = lookups.iter().map(|lookup| lookup.len);
        let lengths = lengths.chain(tables.iter().map(|(table, _)| table.rows()));
        let leaves = lengths.fold(0, usize::saturating_add);
        Self {
            places,
            ops,
            lookups,
            tables,
            used,
            variables: log2_ceil(used).max(MIN_VARIABLES),
            leaves,
            leaf_variables: log2_ceil(leaves).max(MIN_LEAF_VARIABLES),
        }
    }
}

/// Limbs of values that no slice computes, each looked up in its range.
#[derive(Default)]
pub(super) struct Limbs {
    used: usize,
    lookups: Vec<(Table, Lookup)>,
}

impl Limbs {
    /// Limbs for so many values of so many bits each.
    pub(super) fn take(&mut self, len: usize, bits: u32, op: usize) -> Vec<Limb> {
        let mut shift = 0;
        let mut limbs = Vec::new();
        for width in limb_widths(bits, LIMB_OF_VALUES) {
            let limb = Limb { offset: self.used, shift, bits: width };
            self.used = self.used.saturating_add(len);
            shift += width;
            let x = plain(Source::of(Place::Committed(limb.offset)));
            self.lookups.push((Table::Range(width), Lookup { table: 0, len, x, y: None, op }));
            limbs.push(limb);
        }
        limbs
    }

    /// The arrangement of all of them.
    pub(super) fn finish(self) -> Result<Cells, String> {
        let cells = Cells::with_tables(BTreeMap::new(), Vec::new(), self.lookups, self.used);
        if cells.variables > MAX_VARIABLES || cells.leaf_variables > MAX_VARIABLES {
            return Err(format!(
                "the model has too many weights: their ranges take 2^{} elements, and at most \
                 2^{MAX_VARIABLES} are possible",
                cells.variables.max(cells.leaf_variables)
            ));
        }
        Ok(cells)
    }
}

/// Widths of the limbs that make up a remainder of `bits` bits: as equal as possible, so that the
/// tables are small.
pub(super) fn limb_widths(bits: u32, widest: u32) -> impl Iterator<Item = u32> {
    let count = bits.div_ceil(widest);
    (0..count).map(move |i| bits / count + u32::from(i < bits % count))
}

/// Committed elements and look-ups for the remainders, with range tables of at most this width.
fn sizes(program: &Program, ops: &[Op], width: u32) -> usize {
    let mut tables = BTreeSet::new();
    let mut cells = 0;
    for op in ops {
        let shift = match &op.kind {
            Kind::Linear(linear) => Some(linear.shift),
            Kind::Product(product) => Some(product.shift),
            Kind::Relu | Kind::MaxPool(_) | Kind::Table(_) => None,
        };
        if let Some(shift) = shift {
            let limbs: Vec<u32> = limb_widths(shift, width).collect();
            cells =
                limbs.len().saturating_mul(program.value(op.output).len()).saturating_add(cells);
            tables.extend(limbs);
        }
    }
    tables.iter().map(|&bits| Table::Range(bits).rows()).fold(cells, usize::saturating_add)
}

/// The least number of variables that index so many elements.
pub(super) fn log2_ceil(n: usize) -> usize {
    n.checked_next_power_of_two().map_or(usize::BITS, usize::trailing_zeros) as usize
}

/// A source by itself.
pub(super) fn plain(source: Source) -> Difference {
    Difference { plus: source, minus: None, constant: 0 }
}
