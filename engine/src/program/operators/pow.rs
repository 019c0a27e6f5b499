//! `x^n` for one constant `n`.

use super::{Operator, Proof, function};
use crate::graph::Node;
use crate::program::skeleton::ops::{Builder, Lowered};

/// The greatest exponent: a larger one leaves no range that a table could be of use for.
const MOST: f64 = 16.0;

pub(super) static POW: Operator = Operator {
    name: "Pow",
    opsets: "7–21",
    proof: Proof::Table,
    becomes: "table of x^n, n one constant: 1/2, or a whole number up to 16",
    error: function::ERROR,
    lower: pow,
};

/// `x · x · …` in a fixed order, so that its bits are the same everywhere.
pub(super) fn power(x: f64, [n, _]: [f64; 2]) -> f64 {
    (0..n as u32).fold(1.0, |product, _| product * x)
}

fn pow(builder: &Builder<'_>, node: &Node) -> Result<Lowered, String> {
    let exponents = match builder.graph.input(node, 1).map(|tensor| &tensor.constant) {
        Some(Some(crate::graph::Constant::Int(values))) => {
            values.iter().map(|&n| n as f64).collect()
        }
        _ => crate::program::skeleton::weights::doubles(&builder.weights(node, 1)?),
    };
    let &[n] = exponents.as_slice() else {
        return Err("several exponents are not supported".into());
    };
    if builder.shape(node, 0)? != builder.output_shape(node)? {
        return Err("an exponent that broadcasts its base is not supported".into());
    }
    if n == 0.5 {
        return function::lower(builder, node, |x, _| x.sqrt(), [0.0; 2]);
    }
    if n.fract() != 0.0 || !(1.0..=MOST).contains(&n) {
        return Err(format!("the exponent {n} is not supported"));
    }
    function::lower(builder, node, power, [n, 0.0])
}
