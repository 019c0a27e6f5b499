//! The square root.

use super::{Operator, Proof, function};

pub(super) static SQRT: Operator = Operator {
    name: "Sqrt",
    opsets: "7–21",
    proof: Proof::Table,
    becomes: "table of √x; a negative number stops the run",
    error: function::ERROR,
    lower: |builder, node| function::lower(builder, node, |x, _| x.sqrt(), [0.0; 2]),
};
