//! The fixed-point program: what is proven, stated in integers.
//!
//! A model is lowered once, as a whole. Every tensor has one scale, fixed for the whole model, and
//! every value of a tensor lies in `-2^(b-1) ..= 2^(b-1)-1` for its `b` bits; a value that would
//! leave that range stops the run. Because scales are global, running the slices in turn gives bit
//! for bit what running the whole gives.
//!
//! Five kinds of operation are left after lowering (see [`Kind`]):
//! a linear map with requantisation, `y = (Σ w·x + bias + 2^(s-1)) >> s`; `max(x, 0)`; a maximum
//! over windows; any function of one integer, by its table; and sums of products of two tensors. Everything that only renames elements (reshapes, identities, dropout) is
//! gone, and a batch normalisation after a convolution is folded into it.

mod card;
mod check;
mod errors;
mod exec;
mod fidelity;
pub(crate) mod gather;
pub(crate) mod geometry;
mod linear;
mod lower;
pub mod operators;
mod product;
pub mod skeleton;
mod slice;
mod table;
#[cfg(test)]
mod tests;

use std::ops::RangeInclusive;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;

pub use card::{CalibrateError, Card, CardValue, Ranges, Settings, Source};
pub use check::{KnownWeights, WeightSizes};
pub use errors::node_errors;
pub use exec::{RunError, Trace, accumulators, requantise};
pub use fidelity::{Fidelity, argmax, softmax};
pub use gather::Read;
pub use linear::{Linear, Map, Operand, Site, Tap, Window};
pub use lower::LowerError;
pub(crate) use operators::softmax_axes;
pub use product::Product;
pub use skeleton::Skeleton;
pub use slice::ProgramSlice;
pub use table::Table;

/// Index of a tensor in [`Program::tensors`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ValueId(pub u32);

impl ValueId {
    /// As an index into [`Program::tensors`].
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// An integer tensor of the program.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Value {
    /// Name of the (last) ONNX tensor that it stands for.
    pub name: String,
    /// Dimensions.
    pub shape: Vec<usize>,
    /// The real number that the integer 1 stands for.
    pub scale: f64,
    /// Bits of an element, two's complement: the range that the circuits enforce.
    pub bits: u32,
}

impl Value {
    /// Number of elements.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether it has no element at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The integers that an element may be.
    #[must_use]
    pub fn range(&self) -> RangeInclusive<i64> {
        let half = 1i64 << (self.bits - 1);
        -half..=half - 1
    }

    /// Bytes of the tensor when each element takes its bits, rounded up to whole bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.len() as u64 * u64::from(self.bits.div_ceil(8))
    }
}

/// What an operation does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Kind {
    /// A linear map with requantisation to the output's scale.
    Linear(Arc<Linear>),
    /// `max(x, 0)`, element by element. Input and output have one scale.
    Relu,
    /// The maximum over windows; padding is left out of it, not zero. Input and output have one
    /// scale.
    MaxPool(Arc<Window>),
    /// A function of one integer, element by element, by its table.
    Table(Arc<Table>),
    /// Products of two tensors, summed and requantised.
    Product(Arc<Product>),
}

/// One operation of the program.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Op {
    /// Index of the graph's node that it comes from (the absorber, where nodes are absorbed).
    pub node: usize,
    /// Name of that node.
    pub name: String,
    /// ONNX operator of that node.
    pub operator: String,
    /// What it does.
    pub kind: Kind,
    /// Tensors that it reads: several for a linear map of [`Map::Sum`] or [`Map::Gather`],
    /// two for a product, else one.
    pub inputs: Vec<ValueId>,
    /// The tensor that it computes.
    pub output: ValueId,
}

/// A model in fixed point. Operations are in topological order, with increasing [`Op::node`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Program {
    /// All tensors.
    pub tensors: Vec<Value>,
    /// All operations.
    pub ops: Vec<Op>,
    /// Tensors that the user supplies.
    pub inputs: Vec<ValueId>,
    /// Tensors that the program answers with.
    pub outputs: Vec<ValueId>,
}

impl Program {
    /// The digest of everything that the program says: shapes, scales, weights, order.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let Ok(bytes) = postcard::to_stdvec(self) else {
            unreachable!("postcard writes every type that a program has, and memory takes it");
        };
        Digest::of("microtome program v2", &bytes)
    }

    /// Integers for a float tensor: `round(x / scale)`, half away from zero.
    ///
    /// # Errors
    /// Where the length is wrong, or a number is outside the tensor's range or not a number.
    pub fn quantise(&self, id: ValueId, floats: &[f32]) -> Result<Vec<i32>, RunError> {
        let value = self.value(id);
        if floats.len() != value.len() {
            return Err(RunError::InputLength {
                name: value.name.clone(),
                got: floats.len(),
                expected: value.len(),
                shape: value.shape.clone(),
            });
        }
        let range = value.range();
        let quantise = |(element, &x): (usize, &f32)| {
            let q = (f64::from(x) / value.scale).round();
            if q.is_nan() || q < *range.start() as f64 || q > *range.end() as f64 {
                return Err(RunError::InputRange {
                    name: value.name.clone(),
                    element,
                    value: x.to_string(),
                    low: *range.start() as f64 * value.scale,
                    high: *range.end() as f64 * value.scale,
                });
            }
            Ok(q as i32)
        };
        floats.iter().enumerate().map(quantise).collect()
    }

    /// Quantises one float tensor for each of [`Program::inputs`].
    ///
    /// # Errors
    /// As [`Program::quantise`].
    pub fn quantise_inputs(&self, inputs: &[Vec<f32>]) -> Result<Vec<Vec<i32>>, RunError> {
        self.inputs.iter().zip(inputs).map(|(&id, floats)| self.quantise(id, floats)).collect()
    }

    /// The real numbers that a tensor's integers stand for.
    #[must_use]
    pub fn dequantise(&self, id: ValueId, elements: &[i32]) -> Vec<f32> {
        let scale = self.value(id).scale;
        elements.iter().map(|&q| (f64::from(q) * scale) as f32).collect()
    }

    /// The tensor with this id.
    #[must_use]
    pub fn value(&self, id: ValueId) -> &Value {
        &self.tensors[id.index()]
    }
}
