//! The requantise track: rounding, ranges, ReLU and maxima.
//!
//! *Requantise* takes a sum `a`, its bias and the rounding half, and shows
//! `a + bias + half = 2^s·q + rem` with `0 ≤ rem < 2^s` and `q` in the range of the tensor's bits.
//! The remainder is split: `rem = low + 2^t·high`, with `low` looked up in a range of exactly
//! `min(s, t)` bits and `high` in one of exactly `s - min(s, t)` bits. The tags of these ranges are
//! `2^min(s,t)` and `2^(s-min(s,t))`, so they are also the coefficients: their product is `2^s`.
//! `q` is held as `q + 2^(b-1)` and looked up with `q` itself, with `max(q, 0)` or with the value of
//! a function; the offset is part of the fixed bias. The equation has one solution: nothing in it comes near the modulus.
//!
//! A ReLU or function that stands by itself is the same row with `s = 0`: then `rem = 0`.
//!
//! *Maxima* use the same cells. Either two rows follow four requantised values and read them by
//! rotation, a pairwise tree; or a running maximum goes through any window, a row an element. In
//! both, `m` is the larger of `a` and `b` because `(m - a)·(m - b) = 0` and `2m - a - b` lies in
//! `0 .. 2^b`: both values lie in a range of `b` bits, so the smaller one would make it negative.

use ff::Field;
use halo2_proofs::pasta::Fp;
use halo2_proofs::plonk::{
    Advice, Column, ConstraintSystem, Error, Expression, Fixed, TableColumn, VirtualCells,
};
use halo2_proofs::poly::Rotation;

use super::place::{Kind, Placer, Wire};
use super::sponge::field;
use super::table::{Map, map_tag, range_tag};
use crate::program::Table;

#[derive(Clone, Debug)]
pub(super) struct RequantiseColumns {
    /// The sum to requantise, or a running maximum.
    sum: Column<Advice>,
    /// A value plus 2^(b-1), or an excess.
    shifted: Column<Advice>,
    /// A value.
    value: Column<Advice>,
    /// The low limb of the remainder, or an excess.
    low: Column<Advice>,
    /// The high limb of the remainder.
    high: Column<Advice>,
    map_tag: Column<Fixed>,
    low_tag: Column<Fixed>,
    high_tag: Column<Fixed>,
    /// Bias, half and offset.
    bias: Column<Fixed>,
    /// 1 on rows that requantise.
    on: Column<Fixed>,
    /// 1 on the second row of a pairwise tree, 2 where a running maximum goes on.
    pooling: Column<Fixed>,
}

impl RequantiseColumns {
    pub fn configure(meta: &mut ConstraintSystem<Fp>, table: [TableColumn; 3]) -> Self {
        let columns = Self {
            sum: meta.advice_column(),
            shifted: meta.advice_column(),
            value: meta.advice_column(),
            low: meta.advice_column(),
            high: meta.advice_column(),
            map_tag: meta.fixed_column(),
            low_tag: meta.fixed_column(),
            high_tag: meta.fixed_column(),
            bias: meta.fixed_column(),
            on: meta.fixed_column(),
            pooling: meta.fixed_column(),
        };
        meta.enable_equality(columns.sum);
        meta.enable_equality(columns.value);
        columns.look_ups(meta, table);
        meta.create_gate("requantise", |meta| columns.requantise_gate(meta));
        meta.create_gate("pairwise maximum", |meta| columns.pair_gate(meta));
        meta.create_gate("running maximum", |meta| columns.running_gate(meta));
        columns
    }

    /// Each look-up takes its tag from a fixed column, so on idle rows all cells are 0.
    fn look_ups(&self, meta: &mut ConstraintSystem<Fp>, table: [TableColumn; 3]) {
        meta.lookup(|meta| {
            vec![
                (meta.query_fixed(self.map_tag), table[0]),
                (meta.query_advice(self.shifted, Rotation::cur()), table[1]),
                (meta.query_advice(self.value, Rotation::cur()), table[2]),
            ]
        });
        for (tag, cell) in [(self.low_tag, self.low), (self.high_tag, self.high)] {
            meta.lookup(|meta| {
                vec![
                    (meta.query_fixed(tag), table[0]),
                    (meta.query_advice(cell, Rotation::cur()), table[1]),
                    (Expression::Constant(Fp::ZERO), table[2]),
                ]
            });
        }
    }

    fn requantise_gate(&self, meta: &mut VirtualCells<'_, Fp>) -> Vec<Expression<Fp>> {
        let [on, bias, low_tag, high_tag] =
            [self.on, self.bias, self.low_tag, self.high_tag].map(|c| meta.query_fixed(c));
        let [sum, shifted, low, high] = [self.sum, self.shifted, self.low, self.high]
            .map(|c| meta.query_advice(c, Rotation::cur()));
        let remainder = low + low_tag.clone() * high;
        vec![on * (sum + bias - low_tag * high_tag * shifted - remainder)]
    }

    /// Of the four values before the two rows of the tree; queried from its second row, which
    /// keeps the number of rotations small.
    fn pair_gate(&self, meta: &mut VirtualCells<'_, Fp>) -> Vec<Expression<Fp>> {
        let pooling = meta.query_fixed(self.pooling);
        let on = pooling.clone() * (Expression::Constant(Fp::from(2)) - pooling);
        let mut at = |column, row| meta.query_advice(column, Rotation(row));
        let values = [-5, -4, -3, -2].map(|row| at(self.value, row));
        let (left, right, top) = (at(self.sum, -1), at(self.sum, 0), at(self.value, 0));
        let excesses = [at(self.shifted, -1), at(self.low, -1), at(self.low, 0)];
        let [a, b, c, d] = values;
        let pairs = [(left.clone(), a, b), (right.clone(), c, d), (top, left, right)];
        let maxima = pairs.into_iter().zip(excesses);
        maxima.flat_map(|((m, a, b), excess)| maximum(&on, m, a, b, excess)).collect()
    }

    fn running_gate(&self, meta: &mut VirtualCells<'_, Fp>) -> Vec<Expression<Fp>> {
        let pooling = meta.query_fixed(self.pooling);
        let on = pooling.clone() * (pooling - Expression::Constant(Fp::ONE));
        let mut at = |column, row| meta.query_advice(column, Rotation(row));
        let [maximum_here, before] = [0, -1].map(|row| at(self.sum, row));
        let (value, excess) = (at(self.value, 0), at(self.low, 0));
        maximum(&on, maximum_here, before, value, excess).into()
    }
}

fn maximum(
    on: &Expression<Fp>,
    m: Expression<Fp>,
    a: Expression<Fp>,
    b: Expression<Fp>,
    excess: Expression<Fp>,
) -> [Expression<Fp>; 2] {
    let (over_a, over_b) = (m.clone() - a, m - b);
    [on.clone() * over_a.clone() * over_b.clone(), on.clone() * (over_a + over_b - excess)]
}

/// How a sum is requantised.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rounding<'a> {
    /// The shift `s`; 0 for a ReLU or function that stands by itself.
    pub shift: u32,
    /// The most bits `t` of a low limb.
    pub limb: u32,
    /// Bits `b` of the rounded sum.
    pub bits: u32,
    /// What the rounded sum becomes.
    pub map: Map,
    /// The function, where the map is one.
    pub function: Option<&'a Table>,
}

impl Rounding<'_> {
    /// What a rounded sum becomes; 0 where it has no value, which no look-up takes.
    fn value(&self, q: i64) -> i64 {
        match (self.map, self.function) {
            (Map::Relu, _) => q.max(0),
            (Map::Function(_), Some(table)) => table.get(q).map_or(0, i64::from),
            _ => q,
        }
    }

    /// Widths of the low and the high limb.
    pub fn limbs(&self) -> [u32; 2] {
        let low = self.shift.min(self.limb);
        [low, self.shift - low]
    }
}

/// The requantise track while it is written.
pub(super) struct RequantiseTrack<'a> {
    pub columns: &'a RequantiseColumns,
    /// The next free row.
    pub row: usize,
}

impl RequantiseTrack<'_> {
    /// One row: the requantised `sum + bias`.
    pub fn requantise(
        &mut self,
        placer: &mut Placer<'_>,
        sum: Wire,
        bias: i64,
        rounding: Rounding<'_>,
    ) -> Result<Wire, Error> {
        let (row, columns) = (self.row, self.columns);
        self.row += 1;
        let Rounding { shift, bits, map, .. } = rounding;
        let [low_width, high_width] = rounding.limbs();
        let half = if shift == 0 { 0 } else { 1i64 << (shift - 1) };
        let offset = 1i64 << (bits - 1);
        let (forged_quotient, forged_limb) = placer.tampering.quotient();
        let total = sum.value + bias + half;
        let q = (total >> shift) + forged_quotient;
        let remainder = total - (q << shift);
        // A forged remainder lies outside the range of both limbs, so its high limb is the honest one.
        let high = ((total - ((total >> shift) << shift)) >> low_width) - forged_limb;
        let low = remainder - (high << low_width);
        let value = rounding.value(q);

        placer.copy(Kind::Sum, columns.sum, row, sum)?;
        placer.advice(Kind::Shifted, columns.shifted, row, field(q + offset))?;
        let cell = placer.advice(Kind::Value, columns.value, row, field(value))?;
        placer.advice(Kind::Low, columns.low, row, field(low))?;
        placer.advice(Kind::High, columns.high, row, field(high))?;

        let scaled_offset = Fp::from(1 << shift) * field(offset);
        placer.fixed(columns.bias, row, field(bias) + field(half) + scaled_offset)?;
        placer.fixed(columns.map_tag, row, Fp::from(map_tag(map, bits)))?;
        placer.fixed(columns.low_tag, row, Fp::from(range_tag(low_width)))?;
        placer.fixed(columns.high_tag, row, Fp::from(range_tag(high_width)))?;
        placer.fixed(columns.on, row, Fp::ONE)?;
        Ok(Wire { cell, value })
    }

    /// Two rows: the maximum of the four values that the four rows before hold.
    pub fn maximum_of_last_four(
        &mut self,
        placer: &mut Placer<'_>,
        values: [i64; 4],
        bits: u32,
    ) -> Result<Wire, Error> {
        let (row, columns) = (self.row, self.columns);
        self.row += 2;
        let [a, b, c, d] = values;
        let (left, right) = (a.max(b), c.max(d));
        let top = left.max(right);
        placer.advice(Kind::Maximum, columns.sum, row, field(left))?;
        placer.advice(Kind::Maximum, columns.sum, row + 1, field(right))?;
        let cell = placer.advice(Kind::Value, columns.value, row + 1, field(top))?;
        let offset = 1i64 << (bits - 1);
        placer.advice(Kind::Shifted, columns.shifted, row + 1, field(top + offset))?;
        for (column, row, excess) in [
            (columns.shifted, row, 2 * left - a - b),
            (columns.low, row, 2 * right - c - d),
            (columns.low, row + 1, 2 * top - left - right),
        ] {
            placer.advice(Kind::Excess, column, row, field(excess))?;
        }
        let range = Fp::from(range_tag(bits));
        placer.fixed(columns.map_tag, row, range)?;
        placer.fixed(columns.low_tag, row, range)?;
        placer.fixed(columns.map_tag, row + 1, Fp::from(map_tag(Map::Identity, bits)))?;
        placer.fixed(columns.low_tag, row + 1, range)?;
        placer.fixed(columns.pooling, row + 1, Fp::ONE)?;
        Ok(Wire { cell, value: top })
    }

    /// The maximum of any window: none of its rows where it holds one value, else a row a value.
    pub fn maximum_of_window(
        &mut self,
        placer: &mut Placer<'_>,
        window: &[Wire],
        bits: u32,
    ) -> Result<Wire, Error> {
        let columns = self.columns;
        let (&first, rest) = window.split_first().ok_or(Error::Synthesis)?;
        if rest.is_empty() {
            return Ok(first);
        }
        let cell = placer.copy(Kind::Maximum, columns.sum, self.row, first)?;
        let mut best = Wire { cell, value: first.value };
        self.row += 1;
        for &wire in rest {
            let row = self.row;
            self.row += 1;
            let before = best.value;
            let value = before.max(wire.value);
            let offset = 1i64 << (bits - 1);
            placer.copy(Kind::Value, columns.value, row, wire)?;
            placer.advice(Kind::Shifted, columns.shifted, row, field(wire.value + offset))?;
            let cell = placer.advice(Kind::Maximum, columns.sum, row, field(value))?;
            placer.advice(
                Kind::Excess,
                columns.low,
                row,
                field(2 * value - before - wire.value),
            )?;
            placer.fixed(columns.map_tag, row, Fp::from(map_tag(Map::Identity, bits)))?;
            placer.fixed(columns.low_tag, row, Fp::from(range_tag(bits)))?;
            placer.fixed(columns.pooling, row, Fp::from(2))?;
            best = Wire { cell, value };
        }
        Ok(best)
    }
}
