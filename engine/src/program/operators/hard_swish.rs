//! `x · max(0, min(1, x/6 + 1/2))`.

use super::{Operator, Proof, function};

pub(super) static HARD_SWISH: Operator = Operator {
    name: "HardSwish",
    opsets: "14–21",
    proof: Proof::Table,
    becomes: "table of x·max(0, min(1, x/6 + 1/2))",
    error: function::ERROR,
    lower: |builder, node| {
        function::lower(builder, node, |x, _| x * (x / 6.0 + 0.5).clamp(0.0, 1.0), [0.0; 2])
    },
};
