//! The mean over axes.

use super::{Operator, moves, reduce_sum};

pub(super) static REDUCE_MEAN: Operator = Operator {
    name: "ReduceMean",
    lower: |builder, node| moves::weighted_sum(builder, node, |count| 1.0 / count as f64),
    ..reduce_sum::REDUCE_SUM
};
