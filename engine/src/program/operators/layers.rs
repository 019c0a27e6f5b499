//! Convolutions and dense layers. Their lowering is in `skeleton::layers`.

use super::{Operator, Proof};
use crate::program::skeleton::ops::Lowered;

/// The error bound of every layer with weights.
pub(super) const ERROR: &str = "half a step, and half a weight's step times Σ|x|";

pub(super) static CONV: Operator = Operator {
    name: "Conv",
    opsets: "7–21",
    proof: Proof::Linear,
    becomes: "convolution over one or two dimensions with strides, pads, dilations, groups; \
              weights are constants",
    error: ERROR,
    lower: |builder, node| Lowered::one(builder.conv(node)?, builder.data(node, 0)?),
};

pub(super) static GEMM: Operator = Operator {
    name: "Gemm",
    opsets: "7–21",
    proof: Proof::Linear,
    becomes: "dense layer; weights are constants, `transA` is refused",
    error: ERROR,
    lower: |builder, node| Lowered::one(builder.gemm(node)?, builder.data(node, 0)?),
};
