//! The quantisation card: everything that lowering needs beside the model, so that anyone with
//! the model lowers the very same program again.

use serde::{Deserialize, Serialize};

use super::skeleton::{Scale, SkeletonKind, SkeletonOp};
use super::{Skeleton, ValueId};
use crate::onnx::{FloatTrace, Model, OnnxError};

/// Choices of quantisation.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Bits of an activation, 4 to 12.
    pub act_bits: u32,
    /// Bits of a weight, 4 to 16. More cost nothing in a circuit whose tables hold 8 bits, as
    /// long as the shifts stay at 16 or below.
    pub weight_bits: u32,
    /// What the greatest magnitude seen in calibration is multiplied by, at least 1.
    pub headroom: f64,
}

impl Settings {
    /// Eight-bit activations and twelve-bit weights, with the headroom that suits a calibration
    /// set.
    pub const DEFAULT: Self = Self { act_bits: 8, weight_bits: 12, headroom: 1.15 };

    /// The headroom where only the proven input is there to calibrate with.
    pub const INPUT_HEADROOM: f64 = 1.25;
}

/// Where the ranges come from. A verifier reads it, since ranges that are fitted to an input leak
/// about that input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Source {
    /// A calibration set of this many cases.
    Data {
        /// Number of cases.
        cases: usize,
        /// See [`Settings::headroom`].
        headroom: f64,
    },
    /// The very input that is proven.
    ProvenInput {
        /// See [`Settings::headroom`].
        headroom: f64,
    },
    /// No data: ranges estimated from the weights, good for estimates of circuits only.
    Nominal,
}

/// Bits and scale of a tensor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CardValue {
    /// Name of the ONNX tensor.
    pub name: String,
    /// Bits of an element.
    pub bits: u32,
    /// The real number that the integer 1 stands for.
    pub scale: f64,
}

/// The quantisation card.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Card {
    /// Where the ranges come from.
    pub source: Source,
    /// Bits of a weight.
    pub weight_bits: u32,
    /// One for each tensor of the program.
    pub values: Vec<CardValue>,
}

/// Why calibration failed.
#[derive(Debug, thiserror::Error)]
pub enum CalibrateError {
    /// The float reference can't run.
    #[error(transparent)]
    Onnx(#[from] OnnxError),
    /// There is nothing to calibrate with.
    #[error("calibration needs at least one input")]
    NoCases,
    /// A tensor has values that are no numbers.
    #[error(
        "tensor {name:?} takes the value {value} in calibration case {case}: leave that input out, or check the model"
    )]
    NotFinite {
        /// Name of the tensor.
        name: String,
        /// The value.
        value: f32,
        /// Index of the case.
        case: usize,
    },
}

/// The greatest magnitude that each tensor of the program takes on some inputs, headroom apart:
/// what calibration finds, whatever the bits.
#[derive(Clone, Debug, PartialEq)]
pub struct Ranges {
    /// One for each of [`Skeleton::values`]; zero where the scale is derived.
    greatest: Vec<f64>,
}

impl Ranges {
    /// Ranges that hold nothing but zeros.
    #[must_use]
    pub fn new(skeleton: &Skeleton) -> Self {
        Self { greatest: vec![0.0; skeleton.values.len()] }
    }

    /// Measures the ranges on inputs, each with one tensor for each of the graph's inputs.
    ///
    /// # Errors
    /// Where the float reference can't run, a value is not finite, or there is no case.
    pub fn measure(
        model: &Model,
        skeleton: &Skeleton,
        cases: &[Vec<Vec<f32>>],
    ) -> Result<Self, CalibrateError> {
        if cases.is_empty() {
            return Err(CalibrateError::NoCases);
        }
        let mut ranges = Self::new(skeleton);
        for (case, inputs) in cases.iter().enumerate() {
            ranges.widen(skeleton, &model.float_run(inputs)?, case)?;
        }
        Ok(ranges)
    }

    /// Widens the ranges to what a float run holds, that of the case with this index.
    ///
    /// # Errors
    /// Where a value is not finite, or a tensor is missing in the run.
    pub fn widen(
        &mut self,
        skeleton: &Skeleton,
        trace: &FloatTrace,
        case: usize,
    ) -> Result<(), CalibrateError> {
        for (index, value) in skeleton.values.iter().enumerate() {
            // The parts of a tensor are measured together, at the first of them.
            let place = value.scale.first_part().map_or(index, ValueId::index);
            let (tensor, through) = match &value.scale {
                Scale::Measured | Scale::Part(_) => (value.tensor, None),
                Scale::Through { from, greatest, .. } => {
                    (skeleton.values[from.index()].tensor, Some(greatest))
                }
                Scale::Of(_) | Scale::Holding(..) => continue,
            };
            let Some(tensor) = tensor else { continue };
            let values = trace.get(&tensor).ok_or_else(|| OnnxError::Run {
                what: format!("up to tensor {:?}", value.name),
                detail: "it depends on an operator that tract doesn't know".into(),
            })?;
            let magnitude = |&x: &f32| f64::from(x.abs());
            let found = match through {
                None => values.iter().map(magnitude).fold(0.0, f64::max),
                Some(greatest) => greatest.of(values),
            };
            let odd = values.iter().find(|x| through.is_none() && !x.is_finite()).copied();
            if let Some(x) = odd.or((!found.is_finite()).then_some(found as f32)) {
                let name = value.name.clone();
                return Err(CalibrateError::NotFinite { name, value: x, case });
            }
            let greatest = &mut self.greatest[place];
            *greatest = greatest.max(found);
        }
        Ok(())
    }
}

impl Card {
    /// Measures the ranges of all tensors on inputs: the greatest magnitude, times the headroom.
    /// Each case holds one tensor for each of the graph's inputs.
    ///
    /// # Errors
    /// Where the float reference can't run, a value is not finite, or there is no case.
    pub fn calibrate(
        model: &Model,
        skeleton: &Skeleton,
        cases: &[Vec<Vec<f32>>],
        settings: Settings,
        source: Source,
    ) -> Result<Self, CalibrateError> {
        let ranges = Ranges::measure(model, skeleton, cases)?;
        Ok(Self::of_ranges(skeleton, &ranges, settings, source))
    }

    /// A card for ranges that were measured before. It costs little, so that many settings can
    /// share the float runs behind the ranges.
    #[must_use]
    pub fn of_ranges(
        skeleton: &Skeleton,
        ranges: &Ranges,
        settings: Settings,
        source: Source,
    ) -> Self {
        let greatest: Vec<f64> = ranges.greatest.iter().map(|r| r * settings.headroom).collect();
        Self::from_greatest(skeleton, &greatest, settings, source)
    }

    /// Ranges estimated from the weights alone, for estimates of circuits: inputs are taken to
    /// have a standard deviation of 1/2 and everything to be independent, and a range is four
    /// standard deviations.
    #[must_use]
    pub fn nominal(skeleton: &Skeleton, settings: Settings) -> Self {
        let mut deviation = vec![0.5f64; skeleton.values.len()];
        for op in &skeleton.ops {
            deviation[op.output.index()] = estimated_deviation(op, &deviation);
        }
        let mut ranges: Vec<f64> = deviation.iter().map(|d| 4.0 * d).collect();
        for (index, value) in skeleton.values.iter().enumerate() {
            if let Some(first) = value.scale.first_part() {
                ranges[first.index()] = ranges[first.index()].max(ranges[index]);
            }
        }
        Self::from_greatest(skeleton, &ranges, settings, Source::Nominal)
    }

    /// Scales that are derived take nothing from the ranges.
    fn from_greatest(
        skeleton: &Skeleton,
        ranges: &[f64],
        settings: Settings,
        source: Source,
    ) -> Self {
        let greatest = ((1u64 << (settings.act_bits - 1)) - 1) as f64;
        let mut values: Vec<CardValue> = Vec::with_capacity(skeleton.values.len());
        for (value, &range) in skeleton.values.iter().zip(ranges) {
            // A tensor that is always zero in calibration still needs a scale.
            let range = if range > 0.0 { range } else { 1.0 };
            let derived = value.scale.derived(|id| values[id.index()].scale, greatest);
            let scale = derived.unwrap_or(range / greatest);
            values.push(CardValue { name: value.name.clone(), bits: settings.act_bits, scale });
        }
        Self { source, weight_bits: settings.weight_bits, values }
    }

    /// Bits and scale of a tensor.
    #[must_use]
    pub fn value(&self, id: ValueId) -> &CardValue {
        &self.values[id.index()]
    }
}

fn estimated_deviation(op: &SkeletonOp, deviation: &[f64]) -> f64 {
    let input = |i: usize| deviation[op.inputs[i].index()];
    match &op.kind {
        SkeletonKind::Conv { floats, .. } | SkeletonKind::Dense { floats, .. } => {
            let channels = floats.bias.len().max(1);
            let fan = floats.weights.len() / channels;
            let power = |channel: usize| -> f64 {
                let weights = &floats.weights[channel * fan..(channel + 1) * fan];
                let squares: f64 = weights.iter().map(|&w| f64::from(w) * f64::from(w)).sum();
                let factor = floats.factors[channel];
                squares * factor * factor * input(0) * input(0) + floats.bias[channel].powi(2)
            };
            let greatest = (0..channels).map(power).fold(0.0, f64::max);
            if greatest > 0.0 && greatest.is_finite() { greatest.sqrt() } else { 1.0 }
        }
        SkeletonKind::Sum { coefficients, .. } => {
            let powers = coefficients.iter().enumerate().map(|(i, c)| (c * input(i)).powi(2));
            powers.sum::<f64>().sqrt()
        }
        SkeletonKind::Gather { reads, coefficients, bias, .. } => {
            let fan = |i: usize| reads[i].fan().unwrap_or(1) as f64;
            let terms = coefficients.iter().enumerate();
            let powers = terms.map(|(i, c)| fan(i) * (c * input(i)).powi(2));
            // Operands that exclude each other don't add up, and their sum is a safe estimate.
            let offset = bias.iter().fold(0.0f64, |most, b| most.max(b.abs()));
            (powers.sum::<f64>() + offset * offset).sqrt()
        }
        SkeletonKind::Product { left, .. } => {
            input(0) * input(1) * (left.fan().unwrap_or(1) as f64).sqrt()
        }
        SkeletonKind::Function(function) => function.estimated_deviation(input(0)),
        SkeletonKind::Average { .. } | SkeletonKind::Relu | SkeletonKind::MaxPool(_) => input(0),
    }
}
