//! The values of the committed vector.

use super::cells::{Cells, Difference, Limb, OpCells, Place, Source};
use crate::program::{Kind, Program, ProgramSlice, Trace, accumulators};
use crate::prove::ProveError;

/// All values that the look-ups and relations of a slice speak of.
pub(super) struct Values<'a> {
    /// The committed vector, without the zeros at its end.
    pub committed: Vec<i64>,
    /// The tensors on the boundary, inputs first.
    pub public: &'a [&'a [i32]],
}

impl Values<'_> {
    /// Element `i` of a source.
    pub(super) fn get(&self, source: &Source, i: usize) -> i64 {
        let element = source.element(i);
        match source.place {
            Place::Public(at) => i64::from(self.public[at][element]),
            Place::Committed(offset) => self.committed[offset + element],
        }
    }

    /// Element `i` of a difference.
    pub(super) fn difference(&self, difference: &Difference, i: usize) -> i64 {
        let minus = difference.minus.as_ref().map_or(0, |source| self.get(source, i));
        self.get(&difference.plus, i) - minus + difference.constant
    }
}

/// Fills the committed vector from the trace of an honest run.
///
/// # Errors
/// Where a look-up fails, which names the node: the trace is not that of a run.
pub(super) fn values<'a>(
    program: &Program,
    slice: &ProgramSlice,
    cells: &Cells,
    trace: &Trace,
    public: &'a [&'a [i32]],
) -> Result<Values<'a>, ProveError> {
    let mut values = Values { committed: vec![0; cells.used], public };
    let ops = &program.ops[slice.ops.clone()];
    for (op, op_cells) in ops.iter().zip(&cells.ops) {
        let output = &trace[&op.output];
        if let Some(Place::Committed(offset)) = cells.places.get(&op.output) {
            write(&mut values.committed, *offset, output.iter().map(|&v| i64::from(v)));
        }
        match (op_cells, &op.kind) {
            (OpCells::Linear(limbs), Kind::Linear(linear)) => {
                let inputs: Vec<&[i32]> = op.inputs.iter().map(|id| trace[id].as_slice()).collect();
                let sums = accumulators(linear, &inputs, output.len());
                write_limbs(&mut values.committed, limbs, &sums, linear.shift);
            }
            (OpCells::Product(limbs), Kind::Product(product)) => {
                let [left, right] = [0, 1].map(|i| trace[&op.inputs[i]].as_slice());
                let sums = product.accumulators(left, right);
                write_limbs(&mut values.committed, limbs, &sums, product.shift);
            }
            (OpCells::MaxPool { taps, maxima }, _) => {
                let input = &trace[&op.inputs[0]];
                let tap = |number: usize| taps[number].iter().map(|&at| input[at as usize]);
                let mut best: Vec<i32> = tap(0).collect();
                for (number, maximum) in (1..).zip(maxima) {
                    best = best.iter().zip(tap(number)).map(|(&m, t)| m.max(t)).collect();
                    if let Place::Committed(offset) = maximum {
                        write(&mut values.committed, *offset, best.iter().map(|&v| i64::from(v)));
                    }
                }
            }
            _ => {}
        }
    }
    count_lookups(program, slice, cells, &mut values)?;
    Ok(values)
}

/// The limbs of the remainders of accumulators.
fn write_limbs(committed: &mut [i64], limbs: &[Limb], sums: &[i64], shift: u32) {
    let half = 1i64 << (shift - 1);
    for limb in limbs {
        let mask = (1i64 << limb.bits) - 1;
        let limbs = sums.iter().map(|sum| ((sum + half) >> limb.shift) & mask);
        write(committed, limb.offset, limbs);
    }
}

fn write(committed: &mut [i64], offset: usize, values: impl Iterator<Item = i64>) {
    for (cell, value) in committed[offset..].iter_mut().zip(values) {
        *cell = value;
    }
}

/// Counts how often each row of each table is looked up.
fn count_lookups(
    program: &Program,
    slice: &ProgramSlice,
    cells: &Cells,
    values: &mut Values<'_>,
) -> Result<(), ProveError> {
    for lookup in &cells.lookups {
        let (table, offset) = &cells.tables[lookup.table];
        for i in 0..lookup.len {
            let x = values.difference(&lookup.x, i);
            let y = lookup.y.as_ref().map_or(0, |y| values.difference(y, i));
            let row = table.find(x, y).ok_or_else(|| {
                let op = &program.ops[slice.ops.start + lookup.op];
                ProveError::Backend(format!(
                    "node {:?} ({}): the values ({x}, {y}) are not those of a run",
                    op.name, op.operator
                ))
            })?;
            values.committed[offset + row] += 1;
        }
    }
    Ok(())
}
