//! The dot track: activations times fixed weights into accumulators, in each row.
//!
//! `on·acc = carry·acc(-1) + Σ w·a`, where everything but `acc` and `a` is fixed. Without a
//! selector the gate has degree 2; on the first accumulator it also has `product · Σ a·a'` over
//! neighbouring activations, of degree 3, for products of computed tensors. On idle rows, and on
//! the rows that blind the columns, all its coefficients are 0. The track leaves row 0 idle because
//! its gate reads the row before.
//!
//! An accumulator that holds several outputs ([`super::digits`]) is split in rows of the same gate:
//! their lanes hold the outputs, their weights are the negative powers of the digits' width, and on
//! the last one `on` is 0, so that nothing may be left.

use std::iter::repeat;

use ff::Field;
use halo2_proofs::circuit::Cell;
use halo2_proofs::pasta::Fp;
use halo2_proofs::plonk::{Advice, Column, ConstraintSystem, Error, Fixed};
use halo2_proofs::poly::Rotation;

use super::blocks::{self, Block, Row};
use super::digits::Digits;
use super::place::{Kind, Placer, Wire};
use super::sponge::field;
use super::width::Width;
use crate::program::{Linear, Product};

#[derive(Clone, Debug)]
pub(super) struct DotColumns {
    activations: Vec<Column<Advice>>,
    accumulators: Vec<Column<Advice>>,
    /// For each accumulator, one for each activation.
    weights: Vec<Vec<Column<Fixed>>>,
    on: Column<Fixed>,
    carry: Column<Fixed>,
    /// The weight of products of neighbouring activations, on rows that sum those.
    product: Column<Fixed>,
}

impl DotColumns {
    pub fn configure(meta: &mut ConstraintSystem<Fp>, width: Width) -> Self {
        let Width { lanes, accumulators, .. } = width;
        let columns = Self {
            activations: (0..lanes).map(|_| meta.advice_column()).collect(),
            accumulators: (0..accumulators).map(|_| meta.advice_column()).collect(),
            weights: (0..accumulators)
                .map(|_| (0..lanes).map(|_| meta.fixed_column()).collect())
                .collect(),
            on: meta.fixed_column(),
            carry: meta.fixed_column(),
            product: meta.fixed_column(),
        };
        for column in columns.activations.iter().chain(&columns.accumulators) {
            meta.enable_equality(*column);
        }
        meta.create_gate("dot", |meta| {
            let on = meta.query_fixed(columns.on);
            let carry = meta.query_fixed(columns.carry);
            let product = meta.query_fixed(columns.product);
            let mut at = |column: &Column<Advice>| meta.query_advice(*column, Rotation::cur());
            let inputs: Vec<_> = columns.activations.iter().map(&mut at).collect();
            let sums = columns.accumulators.iter().zip(&columns.weights).enumerate();
            sums.map(|(j, (&accumulator, weights))| {
                let sum = meta.query_advice(accumulator, Rotation::cur());
                let before = meta.query_advice(accumulator, Rotation::prev());
                let mut rest = on.clone() * sum - carry.clone() * before;
                if j == 0 {
                    for pair in inputs.chunks_exact(2) {
                        rest = rest - product.clone() * pair[0].clone() * pair[1].clone();
                    }
                }
                inputs.iter().zip(weights).fold(rest, |rest, (input, &weight)| {
                    rest - meta.query_fixed(weight) * input.clone()
                })
            })
            .collect::<Vec<_>>()
        });
        columns
    }
}

/// The dot track while it is written.
pub(super) struct DotTrack<'a> {
    pub columns: &'a DotColumns,
    /// The next free row.
    pub row: usize,
}

impl DotTrack<'_> {
    fn lanes(&self) -> usize {
        self.columns.activations.len()
    }

    /// Writes a linear map; answers with the sums (without bias), one for each of the `len` output
    /// elements.
    pub fn linear(
        &mut self,
        placer: &mut Placer<'_>,
        (linear, digits): (&Linear, Digits),
        inputs: &[&[Wire]],
        len: usize,
    ) -> Result<Vec<Wire>, Error> {
        let row =
            Row::fewest(self.lanes(), self.columns.accumulators.len(), digits.most, &linear.map);
        let digits = Digits { most: row.digits, ..digits };
        let mut sums = vec![None; len];
        blocks::visit(linear, row.outputs(), |block| {
            let wires = self.block(placer, &block, digits, inputs)?;
            for (&output, wire) in block.outputs.iter().zip(wires) {
                sums[output as usize] = Some(wire);
            }
            Ok::<_, Error>(())
        })?;
        // Every output element is in exactly one site.
        sums.into_iter().collect::<Option<Vec<_>>>().ok_or(Error::Synthesis)
    }

    /// Writes sums of products; answers with the accumulators, one for each output element. A row
    /// multiplies its activations in pairs, into the first accumulator.
    pub fn product(
        &mut self,
        placer: &mut Placer<'_>,
        product: &Product,
        [left, right]: [&[Wire]; 2],
    ) -> Result<Vec<Wire>, Error> {
        let mut sums = Vec::new();
        let zero = self.zero(placer)?;
        let mut result = Ok(());
        product.visit(|_, pairs| {
            if result.is_ok() {
                match self.pairs(placer, product.weight, pairs, [left, right], zero) {
                    Ok(wire) => sums.push(wire),
                    Err(error) => result = Err(error),
                }
            }
        });
        result.map(|()| sums)
    }

    /// A row that forces its accumulators to zero: it sums nothing. Answers with the first.
    fn zero(&mut self, placer: &mut Placer<'_>) -> Result<Cell, Error> {
        let row = self.row;
        self.row += 1;
        placer.fixed(self.columns.on, row, Fp::ONE)?;
        placer.advice(Kind::Accumulator, self.columns.accumulators[0], row, Fp::ZERO)
    }

    fn pairs(
        &mut self,
        placer: &mut Placer<'_>,
        weight: i32,
        pairs: &[(usize, usize)],
        [left, right]: [&[Wire]; 2],
        zero: Cell,
    ) -> Result<Wire, Error> {
        let mut sum = 0i64;
        let mut last = None;
        for (number, chunk) in pairs.chunks(self.lanes() / 2).enumerate() {
            let row = self.row;
            self.row += 1;
            placer.fixed(self.columns.on, row, Fp::ONE)?;
            placer.fixed(self.columns.carry, row, Fp::from(u64::from(number > 0)))?;
            let forged = i64::from(weight) + placer.tampering.weight();
            placer.fixed(self.columns.product, row, field(forged))?;
            for (&(a, b), lanes) in chunk.iter().zip(self.columns.activations.chunks_exact(2)) {
                placer.copy(Kind::Activation, lanes[0], row, left[a])?;
                placer.copy(Kind::Activation, lanes[1], row, right[b])?;
                sum += i64::from(weight) * left[a].value * right[b].value;
            }
            // The gate multiplies idle lanes too, so they are held at zero.
            for lanes in self.columns.activations.chunks_exact(2).skip(chunk.len()) {
                let forged = placer.tampering.idle();
                sum += i64::from(weight) * forged;
                for (&lane, value) in lanes.iter().zip([i64::from(forged != 0), forged]) {
                    let idle = placer.advice(Kind::Idle, lane, row, field(value))?;
                    placer.region.constrain_equal(idle, zero)?;
                }
            }
            let column = self.columns.accumulators[0];
            let cell = placer.advice(Kind::Accumulator, column, row, field(sum))?;
            last = Some(Wire { cell, value: sum });
        }
        last.ok_or(Error::Synthesis)
    }

    /// Writes a block; answers with a wire for each of its outputs.
    fn block(
        &mut self,
        placer: &mut Placer<'_>,
        block: &Block<'_>,
        digits: Digits,
        inputs: &[&[Wire]],
    ) -> Result<Vec<Wire>, Error> {
        let taps = block.taps.len();
        let mut outputs = vec![0i64; block.outputs.len()];
        // As many outputs in each accumulator as fill them in turn; the power of an output's digit.
        let per_accumulator =
            if outputs.len() <= self.columns.accumulators.len() { 1 } else { digits.most };
        let width = placer.tampering.digit_width(digits.width);
        let step = Fp::from(2).pow([u64::from(width)]);
        let powers = std::iter::successors(Some(Fp::ONE), |power| Some(power * step));
        let powers: Vec<Fp> = powers.take(per_accumulator).collect();
        let packed = |numbers: &[i64]| -> Fp {
            numbers.iter().zip(&powers).map(|(&number, power)| field(number) * power).sum()
        };
        let mut accumulators = Vec::new();
        let mut first = 0;
        loop {
            let row = self.row;
            self.row += 1;
            let last = (first + self.lanes()).min(taps);
            placer.fixed(self.columns.on, row, Fp::ONE)?;
            placer.fixed(self.columns.carry, row, Fp::from(u64::from(first > 0)))?;
            for (lane, tap) in block.taps[first..last].iter().enumerate() {
                let wire = inputs[tap.operand as usize][tap.element as usize];
                placer.copy(Kind::Activation, self.columns.activations[lane], row, wire)?;
                let weights: Vec<i64> =
                    (0..outputs.len()).map(|j| block.weights[j * taps + first + lane]).collect();
                for (output, weight) in outputs.iter_mut().zip(&weights) {
                    *output += weight * wire.value;
                }
                let packed = weights.chunks(per_accumulator).map(packed);
                for (weight, columns) in packed.zip(&self.columns.weights) {
                    let weight = weight + field(placer.tampering.weight());
                    placer.fixed(columns[lane], row, weight)?;
                }
            }
            accumulators.clear();
            let packed = outputs.chunks(per_accumulator).map(packed).chain(repeat(Fp::ZERO));
            for (&column, value) in self.columns.accumulators.iter().zip(packed) {
                let cell = placer.advice(Kind::Accumulator, column, row, value)?;
                accumulators.push((cell, value));
            }
            first = last;
            if first == taps {
                break;
            }
        }
        if per_accumulator > 1 {
            let left = accumulators.into_iter().map(|(_, value)| value).collect();
            return self.split(placer, outputs, width, &powers, left);
        }
        let wires = accumulators.into_iter().zip(outputs);
        Ok(wires.map(|((cell, _), value)| Wire { cell, value }).collect())
    }

    /// Splits the accumulators of the row before, which hold `left`, into the outputs.
    fn split(
        &mut self,
        placer: &mut Placer<'_>,
        mut outputs: Vec<i64>,
        width: u32,
        powers: &[Fp],
        mut left: Vec<Fp>,
    ) -> Result<Vec<Wire>, Error> {
        for pair in outputs.chunks_mut(powers.len()).flat_map(|chunk| chunk.chunks_exact_mut(2)) {
            let forged = placer.tampering.digit();
            if forged != 0 {
                // The upper digit counts 2^width times as much.
                pair[1] -= forged;
                pair[0] += forged << width;
            }
        }
        let mut wires = Vec::with_capacity(outputs.len());
        let count = outputs.len();
        for chunk in outputs.chunks(self.lanes()) {
            let row = self.row;
            self.row += 1;
            let is_last = wires.len() + chunk.len() >= count;
            placer.fixed(self.columns.on, row, Fp::from(u64::from(!is_last)))?;
            placer.fixed(self.columns.carry, row, Fp::ONE)?;
            for (lane, &value) in chunk.iter().enumerate() {
                let output = wires.len();
                let (accumulator, power) = (output / powers.len(), powers[output % powers.len()]);
                let column = self.columns.activations[lane];
                let cell = placer.advice(Kind::Digit, column, row, field(value))?;
                wires.push(Wire { cell, value });
                placer.fixed(self.columns.weights[accumulator][lane], row, -power)?;
                left[accumulator] -= field(value) * power;
            }
            if !is_last {
                for (&column, &value) in self.columns.accumulators.iter().zip(&left) {
                    placer.advice(Kind::Accumulator, column, row, value)?;
                }
            }
        }
        Ok(wires)
    }
}
