//! From the structure and the card to the program. The same bits come out on every machine: only
//! correctly rounded operations on `f64` are used (no library functions but `sqrt` in folding).

use std::sync::Arc;

use super::skeleton::{FloatWeights, SkeletonKind, SkeletonOp};
use super::{Card, Kind, Linear, Map, Op, Product, Program, Skeleton, Value};
use crate::graph::Graph;

/// Greatest shift that a weight's bits may ask for: its remainder then fits two 8-bit limbs.
const USUAL_SHIFT: u32 = 16;
/// Greatest shift at all, for maps whose weights would otherwise nearly vanish.
const MAX_SHIFT: u32 = 24;
/// Weights of fewer bits than this, at the usual shift, get a greater shift.
const LEAST_WEIGHT_BITS: u32 = 6;
/// Every accumulator, with what requantising adds, stays below this in magnitude.
const MAX_ACCUMULATOR: i128 = 1 << 62;

/// Why a model can't be lowered under a card.
#[derive(Debug, thiserror::Error)]
pub enum LowerError {
    /// The card is of another model, or was changed.
    #[error("the quantisation card doesn't fit the model: {problem}")]
    WrongCard {
        /// What doesn't fit.
        problem: String,
    },
    /// A weight leaves every range.
    #[error(
        "node {node:?} ({operator}) has weights {ratio:e} times too large for its scales: calibrate with other inputs"
    )]
    Weight {
        /// The node.
        node: String,
        /// Its operator.
        operator: String,
        /// Its greatest weight in units of its output.
        ratio: f64,
    },
    /// An accumulator could leave 64 bits.
    #[error("node {node:?} ({operator}) could overflow its 64-bit accumulator: use fewer bits")]
    Overflow {
        /// The node.
        node: String,
        /// Its operator.
        operator: String,
    },
}

impl Skeleton {
    /// Lowers the model under a card.
    ///
    /// # Errors
    /// Where the card doesn't fit the model, or numbers leave every range.
    pub fn lower(&self, graph: &Graph, card: &Card) -> Result<Program, LowerError> {
        self.check(card)?;
        let value = |(value, card): (&super::skeleton::SkeletonValue, &super::CardValue)| Value {
            name: value.name.clone(),
            shape: value.shape.clone(),
            scale: card.scale,
            bits: card.bits,
        };
        let tensors: Vec<Value> = self.values.iter().zip(&card.values).map(value).collect();
        let ops: Result<Vec<Op>, LowerError> = self
            .ops
            .iter()
            .map(|op| {
                let node = &graph.nodes[op.node];
                let names = Names { node: &node.name, operator: &node.op };
                Ok(Op {
                    node: op.node,
                    name: node.name.clone(),
                    operator: node.op.clone(),
                    kind: self.kind(op, card, &tensors, names)?,
                    inputs: op.inputs.clone(),
                    output: op.output,
                })
            })
            .collect();
        Ok(Program {
            tensors,
            ops: ops?,
            inputs: self.inputs.clone(),
            outputs: self.outputs.clone(),
        })
    }

    fn check(&self, card: &Card) -> Result<(), LowerError> {
        let wrong = |problem: String| Err(LowerError::WrongCard { problem });
        if card.values.len() != self.values.len() {
            let (got, expected) = (card.values.len(), self.values.len());
            return wrong(format!("it has {got} tensors, the model {expected}"));
        }
        if !(4..=16).contains(&card.weight_bits) {
            return wrong(format!("{} bits for weights, 4 to 16 are possible", card.weight_bits));
        }
        for (value, given) in self.values.iter().zip(&card.values) {
            if value.name != given.name {
                return wrong(format!(
                    "it has {:?} where the model has {:?}",
                    given.name, value.name
                ));
            }
            if !(4..=12).contains(&given.bits) || given.bits != card.values[0].bits {
                return wrong(format!(
                    "{} bits for tensor {:?}, 4 to 12 are possible and all tensors have the same",
                    given.bits, given.name
                ));
            }
            if !(1e-30..=1e30).contains(&given.scale) {
                return wrong(format!("tensor {:?} has the scale {}", given.name, given.scale));
            }
            let greatest = f64::from((1u32 << (given.bits - 1)) - 1);
            let derived = value.scale.derived(|id| card.value(id).scale, greatest);
            if derived.is_some_and(|scale| scale != given.scale) {
                return wrong(format!(
                    "the scale of {:?} must follow from those of the tensors before it",
                    given.name
                ));
            }
        }
        Ok(())
    }

    fn kind(
        &self,
        op: &SkeletonOp,
        card: &Card,
        tensors: &[Value],
        names: Names<'_>,
    ) -> Result<Kind, LowerError> {
        let output = &tensors[op.output.index()];
        let inputs: Vec<&Value> = op.inputs.iter().map(|id| &tensors[id.index()]).collect();
        let ratios: Vec<f64> = inputs.iter().map(|v| v.scale / output.scale).collect();
        let (map, real, real_bias) = match &op.kind {
            SkeletonKind::Relu => return Ok(Kind::Relu),
            SkeletonKind::MaxPool(window) => return Ok(Kind::MaxPool(Arc::new(window.clone()))),
            SkeletonKind::Function(function) => {
                let table = function.table(inputs[0], output);
                let table = table.ok_or_else(|| weight_error(names, f64::INFINITY))?;
                return Ok(Kind::Table(Arc::new(table)));
            }
            SkeletonKind::Conv { window, channels_in, groups, floats } => {
                let channels_out = floats.bias.len();
                let map = Map::Conv {
                    window: window.clone(),
                    channels_in: *channels_in,
                    channels_out,
                    groups: *groups,
                };
                (map, scaled(floats, ratios[0]), over(&floats.bias, output))
            }
            SkeletonKind::Dense { rows, inner, floats } => {
                let map = Map::Dense { rows: *rows, inner: *inner, outer: floats.bias.len() };
                (map, scaled(floats, ratios[0]), over(&floats.bias, output))
            }
            SkeletonKind::Sum { shape, operands, coefficients, bias } => {
                let map = Map::Sum { shape: shape.clone(), operands: operands.clone() };
                let real = coefficients.iter().zip(&ratios).map(|(c, r)| c * r).collect();
                (map, real, over(bias, output))
            }
            SkeletonKind::Product { shape, left, right } => {
                let real = inputs[0].scale * inputs[1].scale / output.scale;
                let (shift, weight) = fitted(real, card.weight_bits, output.bits, names)?;
                let (shape, left, right) = (shape.clone(), left.clone(), right.clone());
                let product = Product { shape, left, right, weight, shift };
                product.check(inputs[0], inputs[1], output).map_err(|_| overflow(names))?;
                return Ok(Kind::Product(Arc::new(product)));
            }
            SkeletonKind::Gather { shape, reads, coefficients, bias } => {
                let map = Map::Gather { shape: shape.clone(), reads: reads.clone() };
                let real = coefficients.iter().zip(&ratios).map(|(c, r)| c * r).collect();
                (map, real, over(bias, output))
            }
            SkeletonKind::Average { window, count_include_pad } => {
                let map =
                    Map::Average { window: window.clone(), count_include_pad: *count_include_pad };
                let area = window.kernel[0] * window.kernel[1];
                (map, (1..=area).map(|n| ratios[0] / n as f64).collect(), Vec::new())
            }
        };
        // Rounded as the greatest weight of the whole layer asks for, of which this may be a tile.
        let floor = op.greatest * ratios.first().copied().unwrap_or(0.0);
        let (bits, least) = (card.weight_bits, LEAST_WEIGHT_BITS);
        let linear = quantise(map, &real, floor, &real_bias, bits, least, names)?;
        check_accumulator(&linear, &inputs, output, names)?;
        Ok(Kind::Linear(Arc::new(linear)))
    }
}

#[derive(Clone, Copy)]
struct Names<'a> {
    node: &'a str,
    operator: &'a str,
}

fn scaled(floats: &FloatWeights, ratio: f64) -> Vec<f64> {
    let fan = floats.weights.len() / floats.factors.len().max(1);
    let rows = floats.weights.chunks(fan.max(1)).zip(&floats.factors);
    rows.flat_map(|(row, factor)| row.iter().map(move |&w| f64::from(w) * factor * ratio)).collect()
}

/// Biases in steps of the output. An infinite one is the end of the output's range.
fn over(bias: &[f64], output: &Value) -> Vec<f64> {
    let (least, greatest) = (*output.range().start() as f64, *output.range().end() as f64);
    let steps = |b: &f64| match b.is_infinite() {
        true => b.clamp(least, greatest),
        false => b / output.scale,
    };
    bias.iter().map(steps).collect()
}

/// Rounds weights to the greatest shift at which they, and a weight of the magnitude `floor`, fit
/// their bits: the usual one, or where they would have fewer than `least_bits` a greater one.
fn quantise(
    map: Map,
    real: &[f64],
    floor: f64,
    real_bias: &[f64],
    weight_bits: u32,
    least_bits: u32,
    names: Names<'_>,
) -> Result<Linear, LowerError> {
    let mut greatest = real.iter().fold(floor, |m, w| m.max(w.abs()));
    if let Map::Average { window, count_include_pad } = &map {
        // Only the weights of windows that occur matter; the fewest taps weigh most.
        let fewest = fewest_taps(window, *count_include_pad);
        greatest = real[fewest - 1].abs();
    }
    let limit = |bits: u32| ((1u64 << (bits - 1)) - 1) as f64;
    let at = |shift: u32| (1u64 << shift) as f64;
    let mut shift = 1;
    let is_whole = |value: &f64| value.fract() == 0.0 && value.abs() <= limit(weight_bits - 1);
    // Whole multiples are exact at any shift, and the least one has the smallest remainders.
    let is_exact = matches!(map, Map::Gather { .. }) && real.iter().chain(real_bias).all(is_whole);
    while !is_exact && shift < MAX_SHIFT && (greatest * at(shift + 1)).round() <= limit(weight_bits)
    {
        let is_enough = (greatest * at(shift)).round() > limit(least_bits);
        if shift >= USUAL_SHIFT && is_enough {
            break;
        }
        shift += 1;
    }
    if (greatest * at(shift)).round() > limit(24) {
        return Err(weight_error(names, greatest));
    }
    let clamp = |w: f64| (w * at(shift)).round().clamp(-limit(24), limit(24)) as i32;
    let weights = real.iter().map(|&w| clamp(w)).collect();
    let bias: Option<Vec<i64>> = real_bias
        .iter()
        .map(|b| {
            let rounded = (b * at(shift)).round();
            (rounded.abs() < 9e18).then_some(rounded as i64)
        })
        .collect();
    let bias = bias.ok_or_else(|| overflow(names))?;
    Ok(Linear::new(map, weights, bias, shift))
}

/// The weight of a product, and the shift that it is rounded at, as [`quantise`] has them. It
/// multiplies every result, so it has the bits of a result where that is possible.
fn fitted(
    real: f64,
    weight_bits: u32,
    output_bits: u32,
    names: Names<'_>,
) -> Result<(u32, i32), LowerError> {
    let map = Map::Sum { shape: Vec::new(), operands: Vec::new() };
    let least = output_bits.min(weight_bits - 1).max(LEAST_WEIGHT_BITS.min(weight_bits));
    let linear = quantise(map, &[real], 0.0, &[], weight_bits, least, names)?;
    Ok((linear.shift, linear.weights[0]))
}

fn fewest_taps(window: &super::Window, count_include_pad: bool) -> usize {
    if count_include_pad {
        return window.kernel[0] * window.kernel[1];
    }
    let fewest = |axis: usize| {
        (0..window.output[axis]).map(|at| window.axis(axis, at).count()).min().unwrap_or(1)
    };
    (fewest(0) * fewest(1)).max(1)
}

fn weight_error(names: Names<'_>, ratio: f64) -> LowerError {
    LowerError::Weight { node: names.node.to_owned(), operator: names.operator.to_owned(), ratio }
}

fn overflow(names: Names<'_>) -> LowerError {
    LowerError::Overflow { node: names.node.to_owned(), operator: names.operator.to_owned() }
}

/// Bounds every accumulator by the ranges that a circuit enforces, never by calibrated ones.
fn check_accumulator(
    linear: &Linear,
    inputs: &[&Value],
    output: &Value,
    names: Names<'_>,
) -> Result<(), LowerError> {
    let bits = inputs.iter().map(|value| value.bits).max().unwrap_or(1);
    let sum = linear.reach().saturating_mul(1 << (bits - 1));
    let sum = i128::try_from(sum).unwrap_or(i128::MAX);
    let bias = linear.bias.iter().map(|b| i128::from(b.unsigned_abs())).max().unwrap_or(0);
    let requantised = 1i128 << (linear.shift + output.bits);
    let rest = bias + (1i128 << (linear.shift - 1)) + requantised;
    if sum.saturating_add(rest) < MAX_ACCUMULATOR {
        return Ok(());
    }
    Err(overflow(names))
}
