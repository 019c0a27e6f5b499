//! `max(0, min(1, alpha·x + beta))`.

use super::function::{self, attribute};
use super::{Operator, Proof};

pub(super) static HARD_SIGMOID: Operator = Operator {
    name: "HardSigmoid",
    opsets: "7–21",
    proof: Proof::Table,
    becomes: "table of max(0, min(1, alpha·x + beta))",
    error: function::ERROR,
    lower: |builder, node| {
        let parameters = [attribute(node, "alpha", 0.2), attribute(node, "beta", 0.5)];
        let evaluate = |x: f64, [alpha, beta]: [f64; 2]| (alpha * x + beta).clamp(0.0, 1.0);
        function::lower(builder, node, evaluate, parameters)
    },
};
