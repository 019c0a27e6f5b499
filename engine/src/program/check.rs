//! Whether a program that came from outside is one: what lowering guarantees, checked.
//!
//! Circuits, look-ups and execution index by shapes and ids; a program that passes here can't make
//! them leave their bounds, and none of its accumulators can leave 62 bits.

use std::collections::BTreeSet;
use std::ops::Range;

use super::{Kind, Linear, Map, Op, Operand, Program, ProgramSlice, Read, Value, ValueId, Window};

/// Elements that a tensor may have.
const MOST_ELEMENTS: usize = 1 << 28;
/// Side of a kernel, or step.
const MOST_SIDE: usize = 1 << 20;
/// Positions of the output of a window along an axis, times those of its kernel.
const MOST_STEPS: usize = 1 << 30;

/// Taps that a window may have, and that an output of a gather may have.
const MOST_TAPS: usize = 1 << 22;
/// Taps that all outputs of a gather may have together, those that are not read included.
const MOST_READS: usize = 1 << 30;
/// Dimensions in which the output of a gather may be seen.
const MOST_DIMENSIONS: usize = 16;

/// What is known of the weights of a program.
#[derive(Clone, Copy, Debug)]
pub enum KnownWeights<'a> {
    /// The program holds them.
    All,
    /// The program holds them, and whether an accumulator could overflow is not asked.
    Unbounded,
    /// They are committed to: the program holds none, and this is what their ranges are, one for
    /// each operation.
    Sizes(&'a [WeightSizes]),
    /// They are committed to, and somebody else has checked their ranges.
    Committed,
}

/// The ranges of an operation's committed weights.
#[derive(Clone, Copy, Debug)]
pub struct WeightSizes {
    /// Bits that each weight fits.
    pub weight_bits: u32,
    /// Bits that each bias fits.
    pub bias_bits: u32,
    /// Whether it has committed weights at all.
    pub is_committed: bool,
}

impl Program {
    /// Checks that the program is one that lowering could have given.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn check(&self, weights: KnownWeights<'_>) -> Result<(), String> {
        self.check_ops(0..self.ops.len(), &self.inputs, &self.outputs, weights)
    }

    /// Checks that a slice is one of this program, and its part of the program as [`Self::check`].
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn check_slice(
        &self,
        slice: &ProgramSlice,
        weights: KnownWeights<'_>,
    ) -> Result<(), String> {
        if slice.ops.start > slice.ops.end || slice.ops.end > self.ops.len() {
            return Err("the slice has operations that the program doesn't have".to_owned());
        }
        self.check_ops(slice.ops.clone(), &slice.inputs, &slice.outputs, weights)?;
        if *slice == self.slice(slice.ops.clone()) {
            Ok(())
        } else {
            Err("its boundary is not that of its operations".to_owned())
        }
    }

    fn check_ops(
        &self,
        ops: Range<usize>,
        inputs: &[ValueId],
        outputs: &[ValueId],
        weights: KnownWeights<'_>,
    ) -> Result<(), String> {
        let mut known = BTreeSet::new();
        for &id in inputs {
            self.check_tensor(id)?;
            known.insert(id);
        }
        let mut last_node = 0;
        for (index, op) in ops.clone().zip(&self.ops[ops]) {
            let what = |why: &str| format!("node {:?} ({}): {why}", op.name, op.operator);
            if op.node < last_node {
                return Err(what("it is out of order"));
            }
            last_node = op.node;
            self.check_tensor(op.output)?;
            if op.inputs.is_empty() || op.inputs.iter().any(|id| !known.contains(id)) {
                return Err(what("it reads what was not computed before"));
            }
            if !known.insert(op.output) {
                return Err(what("its output is computed twice"));
            }
            let known = match weights {
                KnownWeights::Sizes(sizes) => {
                    let sizes = sizes.get(index).ok_or_else(|| what("its weights are unknown"))?;
                    KnownWeights::Sizes(std::slice::from_ref(sizes))
                }
                other => other,
            };
            self.check_op(op, known).map_err(what)?;
        }
        match outputs.iter().find(|id| !known.contains(id)) {
            None => Ok(()),
            Some(id) => Err(format!("output {} is not computed", id.0)),
        }
    }

    fn check_tensor(&self, id: ValueId) -> Result<(), String> {
        let value =
            self.tensors.get(id.index()).ok_or_else(|| format!("there is no tensor {}", id.0))?;
        check_tensor(value).map_err(|why| format!("tensor {:?}: {why}", value.name))
    }

    fn check_op(&self, op: &Op, weights: KnownWeights<'_>) -> Result<(), &'static str> {
        let output = self.value(op.output);
        let inputs: Vec<&Value> = op.inputs.iter().map(|&id| self.value(id)).collect();
        let input = inputs[0];
        match &op.kind {
            Kind::Relu => {
                let fits =
                    inputs.len() == 1 && input.len() == output.len() && input.bits == output.bits;
                if fits { Ok(()) } else { Err("its shapes don't fit") }
            }
            Kind::MaxPool(window) => {
                check_window(window)?;
                let fits = inputs.len() == 1
                    && product(&[window.planes, window.input_len()]) == Some(input.len())
                    && product(&[window.planes, window.output_len()]) == Some(output.len())
                    && input.bits == output.bits
                    && super::geometry::every_position_reads(window);
                if fits { Ok(()) } else { Err("its window doesn't fit its shapes") }
            }
            Kind::Table(table) if inputs.len() == 1 => table.check(input, output),
            Kind::Table(_) => Err("it has several inputs"),
            Kind::Product(product) => match inputs[..] {
                [left, right] => product.check(left, right, output),
                _ => Err("it has other than two factors"),
            },
            Kind::Linear(linear) => check_linear(linear, &inputs, output, weights),
        }
    }
}

/// Whether a tensor of a program may have this shape: it has elements, and not too many.
pub(super) fn is_possible(shape: &[usize]) -> bool {
    product(shape).is_some_and(|len| (1..=MOST_ELEMENTS).contains(&len))
}

fn check_tensor(value: &Value) -> Result<(), &'static str> {
    if !is_possible(&value.shape) {
        return Err("its shape is impossible");
    }
    if !(2..=16).contains(&value.bits) {
        return Err("its bits are impossible");
    }
    if !(1e-30..=1e30).contains(&value.scale) {
        return Err("its scale is impossible");
    }
    Ok(())
}

fn product(factors: &[usize]) -> Option<usize> {
    factors.iter().try_fold(1usize, |product, &factor| product.checked_mul(factor))
}

fn check_window(window: &Window) -> Result<(), &'static str> {
    let Window { planes, input, output, kernel, strides, pads, dilations, spreads } = window;
    let sides = [kernel, strides, dilations, spreads];
    let positive = sides.into_iter().flatten().all(|&side| (1..=MOST_SIDE).contains(&side))
        && [input, output].into_iter().flatten().all(|side| (1..=MOST_ELEMENTS).contains(side));
    // A product of a whole tensor, or a maximum over a stack, has it all on one side. Every axis is
    // gone through output by output, kernel position by kernel position.
    let quick = (0..2).all(|axis| {
        product(&[output[axis], kernel[axis]]).is_some_and(|steps| steps <= MOST_STEPS)
    });
    let small = pads.iter().all(|&pad| pad <= MOST_SIDE) && *planes <= MOST_ELEMENTS;
    if positive && quick && small && *planes > 0 && kernel[0] * kernel[1] <= MOST_TAPS {
        Ok(())
    } else {
        Err("its window is impossible")
    }
}

fn check_linear(
    linear: &Linear,
    inputs: &[&Value],
    output: &Value,
    known: KnownWeights<'_>,
) -> Result<(), &'static str> {
    if !(1..=24).contains(&linear.shift) {
        return Err("its shift is impossible");
    }
    let one = (inputs.len() == 1).then(|| inputs[0].len());
    let (weights, biases, fan) = match &linear.map {
        Map::Conv { window, channels_in, channels_out, groups } => {
            check_window(window)?;
            let divides = *groups > 0 && channels_in % groups == 0 && channels_out % groups == 0;
            if !divides
                || product(&[window.planes, *channels_in, window.input_len()]) != one
                || product(&[window.planes, *channels_out, window.output_len()])
                    != Some(output.len())
            {
                return Err("its window doesn't fit its shapes");
            }
            let fan = product(&[channels_in / groups, window.kernel[0], window.kernel[1]]);
            let fan = fan.ok_or("its kernel is impossible")?;
            (product(&[*channels_out, fan]).ok_or("its kernel is impossible")?, *channels_out, fan)
        }
        &Map::Dense { rows, inner, outer } => {
            if product(&[rows, inner]) != one || product(&[rows, outer]) != Some(output.len()) {
                return Err("its matrix doesn't fit its shapes");
            }
            (product(&[inner, outer]).ok_or("its matrix is impossible")?, outer, inner)
        }
        Map::Sum { shape, operands } => {
            let reach = |operand: &Operand| reach(shape, operand);
            let reads = |(operand, input): (&Operand, &&Value)| {
                reach(operand).is_some_and(|last| last < input.len())
            };
            if product(shape) != Some(output.len())
                || operands.len() != inputs.len()
                || !operands.iter().zip(inputs).all(reads)
            {
                return Err("its operands don't fit its shapes");
            }
            (operands.len(), output.len(), operands.len())
        }
        Map::Gather { shape, reads } => {
            let fan = gather_fan(shape, reads, inputs, output)?;
            (reads.len(), output.len(), fan)
        }
        Map::Average { window, count_include_pad } => {
            check_window(window)?;
            let area = product(&window.kernel).ok_or("its window is impossible")?;
            if product(&[window.planes, window.input_len()]) != one
                || product(&[window.planes, window.output_len()]) != Some(output.len())
                || !(*count_include_pad || super::geometry::every_position_reads(window))
            {
                return Err("its window doesn't fit its shapes");
            }
            (area, 0, area)
        }
    };
    let owned = matches!(linear.map, Map::Conv { .. } | Map::Dense { .. });
    let is_sum = matches!(linear.map, Map::Sum { .. } | Map::Gather { .. });
    match known {
        KnownWeights::All | KnownWeights::Unbounded => {
            // A sum or a gather may have no bias.
            let no_bias = is_sum && linear.bias.is_empty();
            if linear.weights.len() != weights || (linear.bias.len() != biases && !no_bias) {
                return Err("its weights don't fit its shapes");
            }
        }
        KnownWeights::Sizes(_) | KnownWeights::Committed => {
            let rest = if owned { 0 } else { weights };
            if !linear.bias.is_empty() || linear.weights.len() != rest {
                return Err("its weights are not all committed");
            }
        }
    }
    match known {
        KnownWeights::All => check_accumulator(linear, inputs, output, fan, owned, None),
        KnownWeights::Sizes(&[sizes]) if owned && !sizes.is_committed => {
            Err("its weights are not committed")
        }
        KnownWeights::Sizes(&[sizes]) => {
            check_accumulator(linear, inputs, output, fan, owned, Some(sizes))
        }
        KnownWeights::Unbounded | KnownWeights::Committed | KnownWeights::Sizes(_) => Ok(()),
    }
}

/// The most taps that an output of a gather has, where everything that it reads is there.
fn gather_fan(
    shape: &[usize],
    reads: &[Read],
    inputs: &[&Value],
    output: &Value,
) -> Result<usize, &'static str> {
    let fits = |read: &Read| {
        read.axes.len() == shape.len()
            && read.axes.iter().zip(shape).all(|(axis, &side)| axis.len() == side)
    };
    if shape.len() > MOST_DIMENSIONS
        || product(shape) != Some(output.len())
        || reads.len() != inputs.len()
        || !reads.iter().all(fits)
    {
        return Err("its operands don't fit its shapes");
    }
    let inside =
        |(read, input): (&Read, &&Value)| read.reach().is_none_or(|last| last < input.len() as u64);
    if !reads.iter().zip(inputs).all(inside) {
        return Err("it reads what its operands don't have");
    }
    let fan = reads.iter().try_fold(0usize, |fan, read| fan.checked_add(read.fan()?));
    let fan = fan.filter(|&fan| (1..=MOST_TAPS).contains(&fan)).ok_or("its sums are impossible")?;
    match product(&[fan, output.len()]) {
        Some(0..=MOST_READS) => Ok(fan),
        _ => Err("its sums are impossible"),
    }
}

/// The last element of an operand that a sum over this shape reads.
fn reach(shape: &[usize], operand: &Operand) -> Option<usize> {
    if operand.strides.len() != shape.len() {
        return None;
    }
    shape.iter().zip(&operand.strides).try_fold(0usize, |last, (&dim, &stride)| {
        last.checked_add(dim.checked_sub(1)?.checked_mul(stride)?)
    })
}

fn check_accumulator(
    linear: &Linear,
    inputs: &[&Value],
    output: &Value,
    fan: usize,
    owned: bool,
    sizes: Option<WeightSizes>,
) -> Result<(), &'static str> {
    let reach = inputs.iter().map(|value| 1i128 << (value.bits - 1)).max().unwrap_or(0);
    let weight = match sizes {
        Some(sizes) if owned => 1i128 << sizes.weight_bits.min(63),
        _ => linear.weights.iter().map(|w| i128::from(w.unsigned_abs())).max().unwrap_or(0),
    };
    let bias = match sizes {
        Some(sizes) if sizes.is_committed => 1i128 << sizes.bias_bits.min(63),
        _ => linear.bias.iter().map(|b| i128::from(b.unsigned_abs())).max().unwrap_or(0),
    };
    let sum = (fan as i128).saturating_mul(weight).saturating_mul(reach);
    let requantised = 1i128 << (linear.shift + output.bits);
    let most = bias.saturating_add(sum).saturating_add(1i128 << (linear.shift - 1));
    if most.saturating_add(requantised) < 1 << 62 {
        Ok(())
    } else {
        Err("its accumulator could leave 62 bits")
    }
}
