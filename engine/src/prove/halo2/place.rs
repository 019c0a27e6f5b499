//! Writing cells: what all tracks share.

use halo2_proofs::circuit::{Cell, Region, Value};
use halo2_proofs::pasta::Fp;
use halo2_proofs::plonk::{Advice, Column, Error, Fixed};

use super::sponge::field;

/// A value of the program and the cell that holds it. While keys are derived the value is 0.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wire {
    pub cell: Cell,
    pub value: i64,
}

/// What an advice cell holds: names for error messages and, in tests, for tampering.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// An element that a dot product reads.
    Activation,
    /// The running sums of a block.
    Accumulator,
    /// What is requantised.
    Sum,
    /// A value plus 2^(b-1), looked up.
    Shifted,
    /// A value of a tensor.
    Value,
    /// The low limb of a remainder.
    Low,
    /// The high limb of a remainder.
    High,
    /// A maximum.
    Maximum,
    /// By how much a maximum exceeds a value.
    Excess,
    /// An element of a boundary tensor.
    Boundary,
    /// A packed sum.
    Packed,
    /// The state of the sponge.
    State,
    /// A square inside the S-box.
    Square,
    /// What the sponge absorbs.
    Absorbed,
}

/// A change to the witness that a test makes: the `index`-th cell of a kind, plus `amount`; and
/// forgeries that keep the requantisation equation true.
#[cfg(test)]
#[derive(Clone, Copy, Debug)]
pub(super) enum Tamper {
    Cell {
        kind: Kind,
        index: usize,
        amount: i64,
    },
    /// `(q + amount, rem - amount·2^s)` in the low limb.
    Quotient {
        index: usize,
        amount: i64,
    },
    /// `(low + 2^t·amount, high - amount)`.
    Limbs {
        index: usize,
        amount: i64,
    },
    /// The weight of the `index`-th fixed weight cell, plus `amount`.
    Weight {
        index: usize,
        amount: i64,
    },
}

/// The one region of the circuit.
pub(super) struct Placer<'r> {
    pub region: Region<'r, Fp>,
    /// Whether there is a witness; keys are derived without one.
    pub known: bool,
    #[cfg(test)]
    pub tamper: Option<Tamper>,
    #[cfg(test)]
    pub seen: std::collections::BTreeMap<Kind, usize>,
    #[cfg(test)]
    pub weights_seen: usize,
    #[cfg(test)]
    pub quotients_seen: usize,
}

impl Placer<'_> {
    pub fn advice(
        &mut self,
        kind: Kind,
        column: Column<Advice>,
        row: usize,
        value: Fp,
    ) -> Result<Cell, Error> {
        #[cfg(test)]
        let value = value + field(self.tampered(kind));
        let value = if self.known { Value::known(value) } else { Value::unknown() };
        Ok(self.region.assign_advice(|| format!("{kind:?}"), column, row, || value)?.cell())
    }

    /// A cell that the permutation argument holds equal to the wire's.
    pub fn copy(
        &mut self,
        kind: Kind,
        column: Column<Advice>,
        row: usize,
        from: Wire,
    ) -> Result<Cell, Error> {
        let cell = self.advice(kind, column, row, field(from.value))?;
        self.region.constrain_equal(cell, from.cell)?;
        Ok(cell)
    }

    pub fn fixed(&mut self, column: Column<Fixed>, row: usize, value: Fp) -> Result<(), Error> {
        self.region.assign_fixed(|| "fixed", column, row, || Value::known(value))?;
        Ok(())
    }

    /// What a test adds to the next weight; 0 outside tests.
    pub fn weight_change(&mut self) -> i64 {
        #[cfg(test)]
        if let Some(Tamper::Weight { index, amount }) = self.tamper {
            self.weights_seen += 1;
            return if self.weights_seen == index + 1 { amount } else { 0 };
        }
        0
    }

    /// What a test adds to the next quotient and, from the low limb, to the high one.
    pub fn forgery(&mut self) -> (i64, i64) {
        #[cfg(test)]
        {
            self.quotients_seen += 1;
            let number = self.quotients_seen;
            return match self.tamper {
                Some(Tamper::Quotient { index, amount }) if number == index + 1 => (amount, 0),
                Some(Tamper::Limbs { index, amount }) if number == index + 1 => (0, amount),
                _ => (0, 0),
            };
        }
        #[cfg(not(test))]
        (0, 0)
    }

    #[cfg(test)]
    fn tampered(&mut self, kind: Kind) -> i64 {
        let number = self.seen.entry(kind).or_insert(0);
        *number += 1;
        match self.tamper {
            Some(Tamper::Cell { kind: target, index, amount })
                if target == kind && *number == index + 1 =>
            {
                amount
            }
            _ => 0,
        }
    }
}
