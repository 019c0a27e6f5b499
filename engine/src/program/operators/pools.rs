//! Maxima and averages over windows, and ReLU. Their lowering is in `skeleton::pools`.

use super::{Operator, Proof, moves, sums};
use crate::graph::Node;
use crate::program::skeleton::SkeletonKind;
use crate::program::skeleton::ops::{Builder, Lowered};

pub(super) static RELU: Operator = Operator {
    name: "Relu",
    opsets: "7–21",
    proof: Proof::Relu,
    becomes: "max(x, 0) under the input's scale",
    error: moves::EXACT,
    lower: |builder, node| Lowered::of_scale(SkeletonKind::Relu, builder.data(node, 0)?),
};

pub(super) static MAX_POOL: Operator = Operator {
    name: "MaxPool",
    opsets: "7–21",
    proof: Proof::Maximum,
    becomes: "maximum over windows under the input's scale, padding left out; its indices and \
              column-major order are refused",
    error: moves::EXACT,
    lower: max_pool,
};

pub(super) static GLOBAL_MAX_POOL: Operator = Operator {
    name: "GlobalMaxPool",
    becomes: "maximum over each plane under the input's scale",
    ..MAX_POOL
};

pub(super) static AVERAGE_POOL: Operator = Operator {
    name: "AveragePool",
    opsets: "7–21",
    proof: Proof::Linear,
    becomes: "weighted sum over windows; `ceil_mode` together with `count_include_pad` is refused",
    error: sums::ERROR,
    lower: |builder, node| Lowered::one(builder.average(node)?, builder.data(node, 0)?),
};

pub(super) static GLOBAL_AVERAGE_POOL: Operator =
    Operator { name: "GlobalAveragePool", becomes: "weighted sum over each plane", ..AVERAGE_POOL };

fn max_pool(builder: &Builder<'_>, node: &Node) -> Result<Lowered, String> {
    Lowered::of_scale(builder.max_pool(node)?, builder.data(node, 0)?)
}
