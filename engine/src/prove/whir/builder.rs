//! Arranges a slice: goes through its operations in order, and takes cells and look-ups for each.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::cells::{
    Cells, Difference, Limb, Lookup, MAX_VARIABLES, OpCells, Place, Source, WIDEST_TABLE,
    limb_widths, plain,
};
use super::products;
use super::tables::Table;
use crate::program::{self, Kind, Op, Product, Program, ProgramSlice, ValueId, Window};
use crate::prove::Unprovable;

pub(super) struct Builder<'a> {
    program: &'a Program,
    width: u32,
    with_taps: bool,
    places: BTreeMap<ValueId, Place>,
    /// Tensors whose range a table checks that they are looked up in.
    looked_up: BTreeSet<ValueId>,
    functions: Vec<Arc<program::Table>>,
    used: usize,
    lookups: Vec<(Table, Lookup)>,
}

impl<'a> Builder<'a> {
    pub(super) fn new(
        program: &'a Program,
        slice: &ProgramSlice,
        width: u32,
        with_taps: bool,
    ) -> Self {
        let boundary = slice.inputs.iter().chain(&slice.outputs).enumerate();
        let places = boundary.map(|(at, &id)| (id, Place::Public(at))).collect();
        let readers = program.ops[slice.ops.clone()].iter().filter(|op| is_looked_up(&op.kind));
        Self {
            program,
            width,
            with_taps,
            places,
            looked_up: readers.map(|op| op.inputs[0]).collect(),
            functions: Vec::new(),
            used: 0,
            lookups: Vec::new(),
        }
    }

    pub(super) fn build(mut self, ops: &[Op]) -> Result<Cells, Unprovable> {
        let mut op_cells = Vec::with_capacity(ops.len());
        for (index, op) in ops.iter().enumerate() {
            op_cells.push(self.op(index, op)?);
        }
        if self.lookups.is_empty() {
            return Err(Unprovable {
                place: "the slice".into(),
                reason: "it computes nothing that could be proven".into(),
            });
        }
        Ok(Cells::with_tables(self.places, op_cells, self.lookups, self.used))
    }

    fn take(&mut self, len: usize) -> usize {
        let offset = self.used;
        self.used = self.used.saturating_add(len);
        offset
    }

    fn op(&mut self, index: usize, op: &Op) -> Result<OpCells, Unprovable> {
        let len = self.program.value(op.output).len();
        let output = match self.places.get(&op.output) {
            Some(place) => *place,
            None => {
                let place = Place::Committed(self.take(len));
                self.places.insert(op.output, place);
                place
            }
        };
        self.check_bits(op)?;
        match &op.kind {
            Kind::Linear(linear) => {
                Ok(OpCells::Linear(self.limbs(index, op, linear.shift, output)))
            }
            Kind::Product(product) => {
                self.check_product(op, product)?;
                Ok(OpCells::Product(self.limbs(index, op, product.shift, output)))
            }
            Kind::Relu => {
                let table = Table::Relu(self.program.value(op.inputs[0]).bits);
                Ok(self.map(table, index, op, len, output))
            }
            Kind::Table(table) => {
                let table = self.function(table);
                Ok(self.map(table, index, op, len, output))
            }
            Kind::MaxPool(window) => Ok(self.max_pool(index, op, window, output)),
        }
    }

    /// The look-up of each input with its output.
    fn map(&mut self, table: Table, index: usize, op: &Op, len: usize, output: Place) -> OpCells {
        let x = plain(Source::of(self.places[&op.inputs[0]]));
        self.look_up(table, index, len, x, Some(plain(Source::of(output))));
        OpCells::OutputOnly
    }

    /// A function's table; one for all operations that compute the same.
    fn function(&mut self, function: &Arc<program::Table>) -> Table {
        let known = self.functions.iter().position(|known| known == function);
        let number = known.unwrap_or_else(|| {
            self.functions.push(Arc::clone(function));
            self.functions.len() - 1
        });
        Table::function(number as u32, function)
    }

    /// The tables hold values of as many bits as the input has; the output must allow them all.
    fn check_bits(&self, op: &Op) -> Result<(), Unprovable> {
        if matches!(op.kind, Kind::Linear(_) | Kind::Product(_)) {
            return Ok(());
        }
        let (input, output) =
            (self.program.value(op.inputs[0]).bits, self.program.value(op.output).bits);
        // A function's own table says what its outputs are.
        let fits = input == output || matches!(op.kind, Kind::Table(_));
        if fits && input < WIDEST_TABLE {
            return Ok(());
        }
        Err(Unprovable {
            place: format!("node {:?} ({})", op.name, op.operator),
            reason: format!("it maps {input} bits to {output}; they must be equal and below 16"),
        })
    }

    /// The sumcheck of a product goes over a vector of its own.
    fn check_product(&self, op: &Op, product: &Product) -> Result<(), Unprovable> {
        let variables = products::variables(product);
        if variables <= MAX_VARIABLES {
            return Ok(());
        }
        Err(Unprovable {
            place: format!("node {:?} ({})", op.name, op.operator),
            reason: format!(
                "its factors share 2^{variables} positions, and at most 2^{MAX_VARIABLES} are \
                 possible"
            ),
        })
    }

    /// The limbs of the rounding remainders of an operation, and the range of its output.
    fn limbs(&mut self, index: usize, op: &Op, shift_of_op: u32, output: Place) -> Vec<Limb> {
        let value = self.program.value(op.output);
        let (len, bits) = (value.len(), value.bits);
        let mut shift = 0;
        let mut limbs = Vec::new();
        for width in limb_widths(shift_of_op, self.width) {
            let limb = Limb { offset: self.take(len), shift, bits: width };
            let cells = Source::of(Place::Committed(limb.offset));
            self.look_up(Table::Range(width), index, len, plain(cells), None);
            shift += width;
            limbs.push(limb);
        }
        // Public tensors are checked by the verifier itself; what is looked up is in its table.
        if matches!(output, Place::Committed(_)) && !self.looked_up.contains(&op.output) {
            let constant = 1i64 << (bits - 1);
            let x = Difference { constant, ..plain(Source::of(output)) };
            self.look_up(Table::Range(bits), index, len, x, None);
        }
        limbs
    }

    /// `m_1 = max(t_1, t_0)`, `m_j = max(t_j, m_{j-1})` over the taps `t` of each window. Each is
    /// the look-up of `(t_j - m_{j-1}, m_j - m_{j-1})` in a table of `(d, max(d, 0))`: both
    /// operands are in range already, so their difference is in the table's.
    fn max_pool(&mut self, index: usize, op: &Op, window: &Window, output: Place) -> OpCells {
        let value = self.program.value(op.output);
        let (len, table) = (value.len(), Table::Relu(value.bits + 1));
        let input = self.places[&op.inputs[0]];
        let taps = window_taps(window, self.with_taps);
        let mut maxima: Vec<Place> =
            (2..taps.len()).map(|_| Place::Committed(self.take(len))).collect();
        maxima.push(output);
        let mut best = Source { place: input, index: Some(Arc::clone(&taps[0])) };
        for (tap, &maximum) in taps[1..].iter().zip(&maxima) {
            let minus = Some(best);
            let tap = Source { place: input, index: Some(Arc::clone(tap)) };
            let x = Difference { plus: tap, minus: minus.clone(), constant: 0 };
            let y = Difference { plus: Source::of(maximum), minus, constant: 0 };
            self.look_up(table.clone(), index, len, x, Some(y));
            best = Source::of(maximum);
        }
        OpCells::MaxPool { taps, maxima }
    }

    fn look_up(
        &mut self,
        table: Table,
        op: usize,
        len: usize,
        x: Difference,
        y: Option<Difference>,
    ) {
        self.lookups.push((table, Lookup { table: 0, len, x, y, op }));
    }
}

/// Whether an operation is a look-up of its input.
fn is_looked_up(kind: &Kind) -> bool {
    matches!(kind, Kind::Relu | Kind::Table(_))
}

/// For each tap of the window, the input element that each output reads. Where a window reaches
/// into the padding, its first tap inside stands in for those outside, which changes no maximum.
/// There are two taps at least, so that every output takes part in a look-up.
fn window_taps(window: &Window, with_elements: bool) -> Vec<Arc<[u32]>> {
    // The most elements that any window reads, which may be fewer than its kernel has taps.
    let most = |axis: usize| {
        (0..window.output[axis]).map(|at| window.axis(axis, at).count()).max().unwrap_or(0)
    };
    let count = (most(0) * most(1)).max(2);
    if !with_elements {
        return vec![Arc::from([]); count];
    }
    let len = window.planes * window.output_len();
    let mut taps = vec![Vec::with_capacity(len); count];
    let mut offsets = Vec::new();
    for plane in 0..window.planes {
        let start = plane * window.input_len();
        for y in 0..window.output[0] {
            for x in 0..window.output[1] {
                offsets.clear();
                window.offsets(y, x, &mut offsets);
                for (number, tap) in taps.iter_mut().enumerate() {
                    let offset = offsets.get(number).or(offsets.first()).copied().unwrap_or(0);
                    tap.push((start + offset) as u32);
                }
            }
        }
    }
    taps.into_iter().map(Arc::from).collect()
}
