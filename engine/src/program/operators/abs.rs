//! `|x|`.

use super::{Operator, Proof, function};

pub(super) static ABS: Operator = Operator {
    name: "Abs",
    opsets: "7–21",
    proof: Proof::Table,
    becomes: "table of |x|",
    error: function::ERROR,
    lower: |builder, node| function::lower(builder, node, |x, _| x.abs(), [0.0; 2]),
};
