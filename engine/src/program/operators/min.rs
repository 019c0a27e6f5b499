//! The least of several tensors, element by element, with broadcasting.

use super::{Operator, max};

pub(super) static MIN: Operator = Operator {
    name: "Min",
    becomes: "negatives stacked under the least scale that holds them all, a maximum over the \
              stack, its negative",
    lower: |builder, node| max::extreme(builder, node, -1.0),
    ..max::MAX
};
