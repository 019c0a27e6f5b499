//! Operators that only rename elements.

use super::{Operator, Proof};
use crate::graph::Node;
use crate::program::skeleton::ops::{Builder, Lowered};

const fn alias(name: &'static str) -> Operator {
    Operator {
        name,
        opsets: "7–21",
        proof: Proof::Nothing,
        becomes: "another name",
        error: "none",
        lower: |_, _| Ok(Lowered::Alias),
    }
}

pub(super) static FLATTEN: Operator = alias("Flatten");
pub(super) static RESHAPE: Operator = alias("Reshape");
pub(super) static SQUEEZE: Operator = alias("Squeeze");
pub(super) static UNSQUEEZE: Operator = alias("Unsqueeze");
pub(super) static IDENTITY: Operator = alias("Identity");
pub(super) static DROPOUT: Operator =
    Operator { becomes: "another name; not in training mode", lower: dropout, ..alias("Dropout") };

fn dropout(builder: &Builder<'_>, node: &Node) -> Result<Lowered, String> {
    if builder.is_training(node) {
        return Err("it is in training mode: export the model for inference".into());
    }
    Ok(Lowered::Alias)
}
