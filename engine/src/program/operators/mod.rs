//! The operators that can be proven: one file and one line here for each.
//!
//! Lowering asks this registry and nothing else, and the README's table is made from it, so
//! neither can claim what the other doesn't do. An operator becomes steps of the program; what a
//! step is proven by belongs to its kind, and both proof systems prove every kind.

mod coverage;
mod exponential;
pub mod function;
mod moves;

mod abs;
mod aliases;
mod clip;
mod concat;
mod conv_transpose;
mod div;
mod exp;
mod expand;
mod gather;
mod hard_sigmoid;
mod hard_swish;
mod layers;
mod leaky_relu;
mod matmul;
mod max;
mod min;
mod mul;
mod neg;
mod pad;
mod pools;
mod pow;
mod prelu;
mod reduce_max;
mod reduce_mean;
mod reduce_min;
mod reduce_sum;
mod resize;
mod select;
mod sigmoid;
mod slice;
mod softmax;
mod split;
mod sqrt;
mod sub;
mod sums;
mod tanh;
#[cfg(test)]
pub(crate) mod tests;
mod tile;
mod transpose;

pub use coverage::coverage_table;
pub(crate) use softmax::axes as softmax_axes;

use super::skeleton::ops::{Builder, Lowered};
use crate::graph::Node;

/// An ONNX operator that can be proven.
pub struct Operator {
    /// Its name in ONNX.
    pub name: &'static str,
    /// The operator sets in which it is read, as far as tract reads them.
    pub opsets: &'static str,
    /// What proves it.
    pub proof: Proof,
    /// What it becomes, and what of it is refused.
    pub becomes: &'static str,
    /// How far a result may be from the float one, given exact inputs. A step is the real number
    /// that the integer 1 of the output stands for.
    pub error: &'static str,
    pub(super) lower: fn(&Builder<'_>, &Node) -> Result<Lowered, String>,
}

/// What proves an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// It only renames elements; there is nothing to prove.
    Nothing,
    /// The linear relation with requantisation.
    Linear,
    /// A linear relation whose rounding changes nothing.
    Move,
    /// A look-up of `(x, max(x, 0))`.
    Relu,
    /// Maxima over windows.
    Maximum,
    /// A look-up of `(x, f(x))` in the function's own table.
    Table,
    /// A maximum over windows, after linear relations that bring operands to one scale.
    LinearAndMaximum,
    /// A look-up, then a linear relation.
    ReluAndLinear,
    /// The linear relation with requantisation, or that of products of two computed tensors.
    LinearOrProduct,
    /// The linear relation, or a look-up of the reciprocal and products with it.
    TableAndProduct,
    /// A running maximum, look-ups of two functions, linear relations and products.
    Steps,
}

/// Every operator that can be proven, in the order of the README's table.
pub static OPERATORS: &[&Operator] = &[
    &layers::CONV,
    &conv_transpose::CONV_TRANSPOSE,
    &layers::GEMM,
    &matmul::MATMUL,
    &sums::BATCH_NORMALIZATION,
    &sums::ADD,
    &sums::SUM,
    &sub::SUB,
    &neg::NEG,
    &mul::MUL,
    &div::DIV,
    &pools::AVERAGE_POOL,
    &pools::GLOBAL_AVERAGE_POOL,
    &reduce_mean::REDUCE_MEAN,
    &reduce_sum::REDUCE_SUM,
    &pools::MAX_POOL,
    &pools::GLOBAL_MAX_POOL,
    &reduce_max::REDUCE_MAX,
    &reduce_min::REDUCE_MIN,
    &max::MAX,
    &min::MIN,
    &pools::RELU,
    &leaky_relu::LEAKY_RELU,
    &prelu::PRELU,
    &clip::CLIP,
    &sigmoid::SIGMOID,
    &tanh::TANH,
    &hard_sigmoid::HARD_SIGMOID,
    &hard_swish::HARD_SWISH,
    &softmax::SOFTMAX,
    &abs::ABS,
    &exp::EXP,
    &sqrt::SQRT,
    &pow::POW,
    &concat::CONCAT,
    &slice::SLICE,
    &split::SPLIT,
    &pad::PAD,
    &transpose::TRANSPOSE,
    &expand::EXPAND,
    &tile::TILE,
    &gather::GATHER,
    &select::WHERE,
    &resize::RESIZE,
    &aliases::FLATTEN,
    &aliases::RESHAPE,
    &aliases::SQUEEZE,
    &aliases::UNSQUEEZE,
    &aliases::IDENTITY,
    &aliases::DROPOUT,
];

/// The operator of this name, where it can be proven.
#[must_use]
pub fn find(name: &str) -> Option<&'static Operator> {
    OPERATORS.iter().copied().find(|operator| operator.name == name)
}
