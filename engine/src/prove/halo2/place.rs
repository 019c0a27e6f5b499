//! Writing cells: what all tracks share.

use halo2_proofs::circuit::{Cell, Region, Value};
use halo2_proofs::pasta::Fp;
use halo2_proofs::plonk::{Advice, Column, Error, Fixed};

use super::sponge::field;
use super::tamper::Tampering;

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
    /// A lane of a row of products that no factor is in: zero.
    Idle,
    /// The running sums of a block.
    Accumulator,
    /// An output of a block whose accumulators hold several.
    Digit,
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

/// The one region of the circuit.
pub(super) struct Placer<'r> {
    pub region: Region<'r, Fp>,
    /// Whether there is a witness; keys are derived without one.
    pub known: bool,
    pub tampering: Tampering,
}

impl Placer<'_> {
    pub fn advice(
        &mut self,
        kind: Kind,
        column: Column<Advice>,
        row: usize,
        value: Fp,
    ) -> Result<Cell, Error> {
        let value = value + field(self.tampering.cell(kind));
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
}
