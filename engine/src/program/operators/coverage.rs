//! The README's table of operators.

use super::{OPERATORS, Proof};
use crate::prove::System;

impl Proof {
    /// What is proven, in a few words.
    fn text(self) -> &'static str {
        match self {
            Self::Nothing => "nothing to prove",
            Self::Linear => "linear relation, rounding remainder in range",
            Self::Move => "linear relation, exact",
            Self::Relu => "look-up of (x, max(x, 0))",
            Self::Maximum => "running maximum by look-ups",
            Self::Table => "look-up of (x, f(x))",
            Self::LinearAndMaximum => "linear relation and running maximum",
            Self::LinearOrProduct => {
                "linear relation; of two computed tensors, a gate (halo2) or a sumcheck (whir) over \
                 their products"
            }
            Self::TableAndProduct => {
                "linear relation; by a computed tensor, look-up of (x, 1/x) and products"
            }
            Self::Steps => {
                "running maximum, look-ups of (x, e^x) and (x, 1/x), linear relations, products"
            }
            Self::ReluAndLinear => "look-up of (x, max(x, 0)) and linear relation",
        }
    }

    /// The systems that prove it.
    fn systems(self) -> &'static [System] {
        &System::ALL
    }
}

/// The table of operators in Markdown, a line each.
#[must_use]
pub fn coverage_table() -> String {
    let mut table = String::from(
        "| operator | opset | halo2 | whir | becomes | proven by | error, at most |\n\
         |---|---|---|---|---|---|---|\n",
    );
    for operator in OPERATORS {
        let systems = operator.proof.systems();
        let [halo2, whir] =
            [System::Halo2, System::Whir].map(|s| if systems.contains(&s) { "yes" } else { "no" });
        let (name, opsets, how) = (operator.name, operator.opsets, operator.proof.text());
        let cells = [name, opsets, halo2, whir, operator.becomes, how, operator.error];
        for cell in cells {
            table.push_str("| ");
            table.push_str(&cell.replace('|', "\\|"));
            table.push(' ');
        }
        table.push_str("|\n");
    }
    table
}
