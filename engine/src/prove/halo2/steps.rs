//! A slice as steps that the tracks can place, with what is fused.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::digits::Digits;
use super::requantise::Rounding;
use super::table::{self, Tables};
use crate::program::{
    Kind, Linear, Map, Op, Product, Program, ProgramSlice, Table, ValueId, Window,
};
use crate::prove::Unprovable;

/// The most bits of a tensor. With one more, the range of a boundary tensor and one map of its
/// values would fill the largest table, and nothing else would fit in.
const MAX_BITS: u32 = 15;

/// One step of a slice.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step<'a> {
    /// Requantised rows: a linear map, a ReLU or a function, with the ReLU or function and the
    /// maximum that follow it.
    Requantise(Requantise<'a>),
    /// A maximum over any windows.
    MaxPool { window: &'a Window, input: ValueId, output: ValueId, bits: u32 },
    /// Elements in other places: other names for cells that are there, and no rows.
    Move { linear: &'a Linear, inputs: &'a [ValueId], output: ValueId, len: usize },
}

/// A linear map, a ReLU or a function, with what is fused to it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Requantise<'a> {
    pub source: Source<'a>,
    pub rounding: Rounding<'a>,
    /// Bits of what the rounded sums become.
    pub value_bits: u32,
    /// A 2×2 maximum of the requantised values, none of which anything else reads.
    pub pool: Option<&'a Window>,
    /// The tensor that is requantised, before the maximum.
    pub len: usize,
    pub output: ValueId,
}

impl Requantise<'_> {
    /// How the step's linear map of these inputs shares accumulators.
    pub fn digits(&self, program: &Program, linear: &Linear, inputs: &[ValueId]) -> Digits {
        let bits = inputs.iter().map(|id| program.value(*id).bits).max().unwrap_or(1);
        Digits::of(linear, bits, self.rounding.bits)
    }
}

/// What is requantised.
#[derive(Clone, Copy, Debug)]
pub(super) enum Source<'a> {
    Linear(&'a Linear, &'a [ValueId]),
    Product(&'a Product, [ValueId; 2]),
    Value(ValueId),
}

/// A slice, ready to be placed.
#[derive(Clone, Debug)]
pub(super) struct Steps<'a> {
    pub list: Vec<Step<'a>>,
    pub tables: Tables,
}

/// Turns a slice into steps.
///
/// # Errors
/// Where the slice is no piece of the program, or holds what has no circuit.
pub(super) fn steps<'a>(
    program: &'a Program,
    slice: &ProgramSlice,
) -> Result<Steps<'a>, Unprovable> {
    let whole = |reason: &str| Unprovable { place: "the slice".into(), reason: reason.into() };
    if slice.ops.is_empty() {
        return Err(whole("it holds no operation"));
    }
    if slice.ops.end > program.ops.len() || program.slice(slice.ops.clone()) != *slice {
        return Err(whole("it is not a piece of this program: cut the program anew"));
    }
    let ops = &program.ops[slice.ops.clone()];
    let boundary: BTreeSet<ValueId> = slice.inputs.iter().chain(&slice.outputs).copied().collect();
    for &id in &boundary {
        check_value(program, id, || format!("tensor {:?}", program.value(id).name))?;
    }
    for op in ops {
        check(program, op)?;
    }
    let mut steps = Fusion::new(program, ops, slice).steps();
    steps.tables.ranges.extend(boundary.iter().map(|&id| program.value(id).bits));
    Ok(steps)
}

fn place(op: &Op) -> String {
    format!("node {:?} ({})", op.name, op.operator)
}

fn check_value(
    program: &Program,
    id: ValueId,
    place: impl Fn() -> String,
) -> Result<(), Unprovable> {
    let value = program.value(id);
    let error = |reason| Err(Unprovable { place: place(), reason });
    if !(1..=MAX_BITS).contains(&value.bits) {
        return error(format!(
            "its values have {} bits, and the table of the circuit holds 1 to {MAX_BITS}: use fewer",
            value.bits
        ));
    }
    if value.is_empty() {
        return error(format!("the shape {:?} has no element", value.shape));
    }
    Ok(())
}

fn check(program: &Program, op: &Op) -> Result<(), Unprovable> {
    check_value(program, op.output, || place(op))?;
    let error = |reason: String| Err(Unprovable { place: place(op), reason });
    let bits = |id: &ValueId| program.value(*id).bits;
    match &op.kind {
        Kind::Linear(linear) if !(1..=24).contains(&linear.shift) => {
            error(format!("it shifts by {} bits, and 1 to 24 can be proven", linear.shift))
        }
        // The widths of digits rest on it that every output's weights are where they should be.
        Kind::Linear(linear) if !has_weights_for_each_output(linear) => {
            error("its weights or biases are not as many as its outputs need".to_owned())
        }
        Kind::Product(product) => match op.inputs[..] {
            [left, right] => {
                check_value(program, left, || place(op))?;
                check_value(program, right, || place(op))?;
                let value = |id| program.value(id);
                let fits = product.check(value(left), value(right), value(op.output));
                fits.or_else(|why| error(why.to_owned()))
            }
            _ => error("it has other than two factors".to_owned()),
        },
        Kind::Table(table) => match op.inputs[..] {
            [id] => {
                check_value(program, id, || place(op))?;
                let fits = table.check(program.value(id), program.value(op.output));
                fits.or_else(|why| error(why.to_owned()))
            }
            _ => error("it has several inputs".to_owned()),
        },
        Kind::Relu | Kind::MaxPool(_)
            if op.inputs.iter().any(|id| bits(id) != bits(&op.output)) =>
        {
            error(format!(
                "its input has {} bits and its output {}, which must be the same",
                op.inputs.first().map_or(0, bits),
                bits(&op.output),
            ))
        }
        kind if pooling_window(kind).is_some_and(has_empty_window) => {
            error("one of its windows lies in the padding as a whole, and pools nothing".into())
        }
        _ => Ok(()),
    }
}

/// Whether a map whose outputs have weights of their own has those of each, and a bias.
fn has_weights_for_each_output(linear: &Linear) -> bool {
    let outputs = match linear.map {
        Map::Conv { channels_out, .. } => channels_out,
        Map::Dense { outer, .. } => outer,
        Map::Sum { .. } | Map::Average { .. } | Map::Gather { .. } => return true,
    };
    linear.bias.len() == outputs && linear.weights.len() == outputs * linear.map.fan()
}

fn pooling_window(kind: &Kind) -> Option<&Window> {
    match kind {
        Kind::MaxPool(window) => Some(window),
        Kind::Linear(linear) => match &linear.map {
            Map::Average { window, .. } => Some(window),
            _ => None,
        },
        Kind::Relu | Kind::Table(_) | Kind::Product(_) => None,
    }
}

fn has_empty_window(window: &Window) -> bool {
    let empty = |axis, at| window.axis(axis, at).next().is_none();
    (0..2).any(|axis| (0..window.output[axis]).any(|at| empty(axis, at)))
}

/// Whether the pairwise tree fits: windows of 2×2 that neither overlap nor reach the padding.
fn is_pairwise(window: &Window) -> bool {
    let full = |axis: usize| 2 * window.output[axis] <= window.input[axis];
    window.kernel == [2, 2]
        && window.strides == [2, 2]
        && window.pads == [0, 0]
        && window.dilations == [1, 1]
        && full(0)
        && full(1)
}

struct Fusion<'a> {
    program: &'a Program,
    ops: &'a [Op],
    /// The operations that read a tensor, where the slice alone reads it.
    readers: BTreeMap<ValueId, Vec<usize>>,
    limb: u32,
    functions: Vec<Arc<Table>>,
}

impl<'a> Fusion<'a> {
    fn new(program: &'a Program, ops: &'a [Op], slice: &ProgramSlice) -> Self {
        let mut readers: BTreeMap<ValueId, Vec<usize>> = BTreeMap::new();
        for (index, op) in ops.iter().enumerate() {
            for &id in &op.inputs {
                readers.entry(id).or_default().push(index);
            }
        }
        for id in &slice.outputs {
            readers.remove(id);
        }
        let shifts = ops.iter().map(|op| match &op.kind {
            Kind::Linear(linear) => linear.shift,
            Kind::Product(product) => product.shift,
            _ => 0,
        });
        let limb = shifts.max().unwrap_or(0).div_ceil(2).max(8);
        let mut functions: Vec<Arc<Table>> = Vec::new();
        for op in ops {
            if let Kind::Table(table) = &op.kind
                && !functions.contains(table)
            {
                functions.push(Arc::clone(table));
            }
        }
        Self { program, ops, readers, limb, functions }
    }

    /// What an operation looks up, where that is all it does.
    fn map(&self, kind: &'a Kind) -> Option<(table::Map, Option<&'a Table>)> {
        match kind {
            Kind::Relu => Some((table::Map::Relu, None)),
            Kind::Table(table) => {
                let number = self.functions.iter().position(|function| function == table)?;
                Some((table::Map::Function(number), Some(&**table)))
            }
            Kind::Linear(_) | Kind::MaxPool(_) | Kind::Product(_) => None,
        }
    }

    fn only_reader(&self, id: ValueId) -> Option<(usize, &'a Op)> {
        match self.readers.get(&id).map(Vec::as_slice) {
            Some(&[index]) => Some((index, &self.ops[index])),
            _ => None,
        }
    }

    fn steps(&self) -> Steps<'a> {
        let mut fused = vec![false; self.ops.len()];
        let mut list = Vec::new();
        for (index, op) in self.ops.iter().enumerate() {
            if fused[index] {
                continue;
            }
            let bits_of = |id: ValueId| self.program.value(id).bits;
            let (source, shift, bits) = match &op.kind {
                Kind::MaxPool(window) => {
                    let (input, output) = (op.inputs[0], op.output);
                    list.push(Step::MaxPool { window, input, output, bits: bits_of(output) });
                    continue;
                }
                Kind::Linear(linear) if self.is_renaming(op, linear) => {
                    let (inputs, output) = (&op.inputs, op.output);
                    let len = self.program.value(output).len();
                    list.push(Step::Move { linear, inputs, output, len });
                    continue;
                }
                Kind::Relu | Kind::Table(_) => {
                    (Source::Value(op.inputs[0]), 0, bits_of(op.inputs[0]))
                }
                Kind::Product(product) => {
                    let source = Source::Product(product, [op.inputs[0], op.inputs[1]]);
                    (source, product.shift, bits_of(op.output))
                }
                Kind::Linear(linear) => {
                    (Source::Linear(linear, &op.inputs), linear.shift, bits_of(op.output))
                }
            };
            let (mut output, mut map, mut pool) = (op.output, self.map(&op.kind), None);
            let len = self.program.value(output).len();
            if let (None, Some((reader, next))) = (map, self.only_reader(output))
                && let Some(next_map) = self.map(&next.kind)
            {
                (map, output, fused[reader]) = (Some(next_map), next.output, true);
            }
            let value_bits = bits_of(output);
            if let Some((reader, next)) = self.only_reader(output)
                && let Kind::MaxPool(window) = &next.kind
                && is_pairwise(window)
            {
                (pool, output, fused[reader]) = (Some(&**window), next.output, true);
            }
            let (map, function) = map.unwrap_or((table::Map::Identity, None));
            let rounding = Rounding { shift, limb: self.limb, bits, map, function };
            list.push(Step::Requantise(Requantise {
                source,
                rounding,
                value_bits,
                pool,
                len,
                output,
            }));
        }
        let tables = self.tables(&list);
        Steps { list, tables }
    }

    /// Whether every output is a cell that is there already, whose range its own contains.
    fn is_renaming(&self, op: &Op, linear: &Linear) -> bool {
        let most = self.program.value(op.output).bits;
        op.inputs.iter().all(|&id| self.program.value(id).bits <= most) && linear.is_move()
    }

    fn tables(&self, list: &[Step<'a>]) -> Tables {
        let mut tables = Tables { functions: self.functions.clone(), ..Tables::default() };
        for step in list {
            match step {
                Step::Requantise(Requantise { rounding, value_bits, pool, .. }) => {
                    tables.ranges.extend(rounding.limbs());
                    tables.maps.insert((rounding.map, rounding.bits));
                    if pool.is_some() {
                        tables.ranges.insert(*value_bits);
                        tables.maps.insert((table::Map::Identity, *value_bits));
                    }
                }
                Step::Move { .. } => {}
                Step::MaxPool { bits, .. } => {
                    tables.ranges.insert(*bits);
                    tables.maps.insert((table::Map::Identity, *bits));
                }
            }
        }
        tables
    }
}
