//! How the header binds a boundary tensor.

use serde::{Deserialize, Serialize};

use super::format::bytes_of;
use crate::digest::Digest;
use crate::program::{Program, ValueId};
use crate::prove::{Commitment, Salt, halo2};

/// What the header says of a boundary tensor. Which of the two it is follows from the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Binding {
    /// A salted digest that hides the tensor, and that circuits compute: wherever a neighbouring
    /// slice's system is zero knowledge.
    Salted(Commitment),
    /// A plain digest of a tensor that is public anyway.
    Plain(Digest),
}

impl Binding {
    /// The binding of a tensor with this salt, or of a public one.
    #[must_use]
    pub fn of(program: &Program, value: ValueId, elements: &[i32], salt: Option<&Salt>) -> Self {
        match salt {
            Some(salt) => Self::Salted(halo2::commit(program, value, elements, salt)),
            None => {
                let shape = &program.value(value).shape;
                let bytes = bytes_of(&(value, shape, elements));
                Self::Plain(Digest::of("microtome public tensor v1", &bytes))
            }
        }
    }

    /// Whether it hides the tensor.
    #[must_use]
    pub fn is_salted(self) -> bool {
        matches!(self, Self::Salted(_))
    }
}
