//! Sums and normalisations. Their lowering is in `skeleton::sums`.

use super::{Operator, Proof};

/// The error bound of a sum of operands under their own scales.
pub(super) const ERROR: &str = "half a step, and half a multiplier's step times Σ|x|";

pub(super) static BATCH_NORMALIZATION: Operator = Operator {
    name: "BatchNormalization",
    opsets: "7–21",
    proof: Proof::Linear,
    becomes: "folded into the layer before it, else a convolution with a weight a channel; not in \
              training mode",
    error: super::layers::ERROR,
    lower: |builder, node| builder.batch_normalization(node),
};

pub(super) static ADD: Operator = Operator {
    name: "Add",
    opsets: "7–21",
    proof: Proof::Linear,
    becomes: "weighted sum with broadcasting, constants in its bias; folded into the layer before \
              it where it adds a constant a channel",
    error: ERROR,
    lower: |builder, node| builder.sum(node, &[1.0]),
};

pub(super) static SUM: Operator = Operator {
    name: "Sum",
    opsets: "8–21",
    becomes: "weighted sum of any number of operands with broadcasting",
    ..ADD
};
