//! The pack track: boundary tensors, range-checked and packed for the sponge.
//!
//! Each row holds one element `x` of `b` bits and the Horner sum `p` of the elements so far:
//! `p = x + 2^(b-1) + 2^b·p(-1)`. The fixed tag is `2^b`, the tag of the range look-up of
//! `x + 2^(b-1)`; the gate is weighted by it, so it is void where the tag is 0. The check is made
//! in every slice that exposes the tensor's digest, whether it computes the tensor or reads it:
//! without it two tensors could pack to the same field elements.
//!
//! The track leaves row 0 idle because its gate reads the row before.

use ff::{Field, PrimeField};
use halo2_proofs::circuit::Cell;
use halo2_proofs::pasta::Fp;
use halo2_proofs::plonk::{
    Advice, Column, ConstraintSystem, Error, Expression, Fixed, TableColumn,
};
use halo2_proofs::poly::Rotation;

use super::place::{Kind, Placer, Wire};
use super::sponge::{field, horner, per_element};
use super::table::range_tag;

#[derive(Clone, Debug)]
pub(super) struct PackColumns {
    element: Column<Advice>,
    packed: Column<Advice>,
    /// `2^b` on rows that are used.
    tag: Column<Fixed>,
    /// `2^b·2^b` where a packed sum goes on.
    carry: Column<Fixed>,
}

impl PackColumns {
    pub fn configure(meta: &mut ConstraintSystem<Fp>, table: [TableColumn; 3]) -> Self {
        let columns = Self {
            element: meta.advice_column(),
            packed: meta.advice_column(),
            tag: meta.fixed_column(),
            carry: meta.fixed_column(),
        };
        meta.enable_equality(columns.element);
        meta.enable_equality(columns.packed);
        let offset = |tag: Expression<Fp>| tag * Fp::TWO_INV;
        meta.lookup(|meta| {
            let tag = meta.query_fixed(columns.tag);
            let element = meta.query_advice(columns.element, Rotation::cur());
            vec![
                (tag.clone(), table[0]),
                (element + offset(tag), table[1]),
                (Expression::Constant(Fp::ZERO), table[2]),
            ]
        });
        meta.create_gate("pack", |meta| {
            let (tag, carry) = (meta.query_fixed(columns.tag), meta.query_fixed(columns.carry));
            let element = meta.query_advice(columns.element, Rotation::cur());
            let packed = meta.query_advice(columns.packed, Rotation::cur());
            let before = meta.query_advice(columns.packed, Rotation::prev());
            vec![tag.clone() * (packed - element - offset(tag)) - carry * before]
        });
        columns
    }
}

/// A field element that the sponge absorbs, and the cell that holds it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Packed {
    pub cell: Cell,
    pub value: Fp,
}

/// The pack track while it is written.
pub(super) struct PackTrack<'a> {
    pub columns: &'a PackColumns,
    /// The next free row.
    pub row: usize,
}

impl PackTrack<'_> {
    /// Writes a tensor that the slice reads: its cells are the ones that others copy.
    pub fn read(
        &mut self,
        placer: &mut Placer<'_>,
        elements: impl Iterator<Item = i64>,
        bits: u32,
    ) -> Result<(Vec<Wire>, Vec<Packed>), Error> {
        let mut wires = Vec::new();
        let mut packing = Packing::new(bits);
        for value in elements {
            let cell =
                placer.advice(Kind::Boundary, self.columns.element, self.row, field(value))?;
            wires.push(Wire { cell, value });
            self.pack(placer, value, &mut packing)?;
        }
        Ok((wires, packing.done))
    }

    /// Writes a tensor that the slice computes.
    pub fn computed(
        &mut self,
        placer: &mut Placer<'_>,
        wires: &[Wire],
        bits: u32,
    ) -> Result<Vec<Packed>, Error> {
        let mut packing = Packing::new(bits);
        for &wire in wires {
            placer.copy(Kind::Boundary, self.columns.element, self.row, wire)?;
            self.pack(placer, wire.value, &mut packing)?;
        }
        Ok(packing.done)
    }

    fn pack(
        &mut self,
        placer: &mut Placer<'_>,
        value: i64,
        packing: &mut Packing,
    ) -> Result<(), Error> {
        let (row, bits) = (self.row, packing.bits);
        self.row += 1;
        let first = packing.count.is_multiple_of(per_element(bits));
        packing.count += 1;
        packing.sum = horner(if first { Fp::ZERO } else { packing.sum }, value, bits);
        let cell = placer.advice(Kind::Packed, self.columns.packed, row, packing.sum)?;
        let packed = Packed { cell, value: packing.sum };
        match packing.done.last_mut() {
            Some(last) if !first => *last = packed,
            _ => packing.done.push(packed),
        }
        let tag = Fp::from(range_tag(bits));
        placer.fixed(self.columns.tag, row, tag)?;
        placer.fixed(self.columns.carry, row, if first { Fp::ZERO } else { tag.square() })
    }
}

struct Packing {
    bits: u32,
    count: usize,
    sum: Fp,
    done: Vec<Packed>,
}

impl Packing {
    fn new(bits: u32) -> Self {
        Self { bits, count: 0, sum: Fp::ZERO, done: Vec::new() }
    }
}
