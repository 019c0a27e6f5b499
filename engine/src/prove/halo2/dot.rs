//! The dot track: `M` activations times fixed weights into `C` accumulators, in each row.
//!
//! `on·acc = carry·acc(-1) + Σ w·a`, where everything but `acc` and `a` is fixed. Without a
//! selector the gate has degree 2; on the first accumulator it also has `product · Σ a·a'` over
//! neighbouring activations, of degree 3, for products of computed tensors. On idle rows, and on the rows that blind the columns, all its
//! coefficients are 0. The track leaves row 0 idle because its gate reads the row before.

use std::iter::repeat;

use ff::Field;
use halo2_proofs::pasta::Fp;
use halo2_proofs::plonk::{Advice, Column, ConstraintSystem, Error, Fixed};
use halo2_proofs::poly::Rotation;

use super::blocks::{self, Block};
use super::place::{Kind, Placer, Wire};
use super::sponge::field;
use crate::program::{Linear, Product};

#[derive(Clone, Debug)]
pub(super) struct DotColumns<const M: usize, const C: usize> {
    activations: [Column<Advice>; M],
    accumulators: [Column<Advice>; C],
    weights: [[Column<Fixed>; M]; C],
    on: Column<Fixed>,
    carry: Column<Fixed>,
    /// The weight of products of neighbouring activations, on rows that sum those.
    product: Column<Fixed>,
}

impl<const M: usize, const C: usize> DotColumns<M, C> {
    pub fn configure(meta: &mut ConstraintSystem<Fp>) -> Self {
        use std::array::from_fn;
        let columns = Self {
            activations: from_fn(|_| meta.advice_column()),
            accumulators: from_fn(|_| meta.advice_column()),
            weights: from_fn(|_| from_fn(|_| meta.fixed_column())),
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
            let inputs = columns.activations.map(|a| meta.query_advice(a, Rotation::cur()));
            (0..C)
                .map(|j| {
                    let sum = meta.query_advice(columns.accumulators[j], Rotation::cur());
                    let before = meta.query_advice(columns.accumulators[j], Rotation::prev());
                    let mut rest = on.clone() * sum - carry.clone() * before;
                    if j == 0 {
                        for pair in inputs.chunks_exact(2) {
                            rest = rest - product.clone() * pair[0].clone() * pair[1].clone();
                        }
                    }
                    inputs.iter().zip(columns.weights[j]).fold(rest, |rest, (input, weight)| {
                        rest - meta.query_fixed(weight) * input.clone()
                    })
                })
                .collect::<Vec<_>>()
        });
        columns
    }
}

/// The dot track while it is written.
pub(super) struct DotTrack<'a, const M: usize, const C: usize> {
    pub columns: &'a DotColumns<M, C>,
    /// The next free row.
    pub row: usize,
}

impl<const M: usize, const C: usize> DotTrack<'_, M, C> {
    /// Writes a linear map; answers with the accumulators (without bias), one for each of the
    /// `len` output elements.
    pub fn linear(
        &mut self,
        placer: &mut Placer<'_>,
        linear: &Linear,
        inputs: &[&[Wire]],
        len: usize,
    ) -> Result<Vec<Wire>, Error> {
        let mut sums = vec![None; len];
        blocks::visit(linear, C, |block| {
            let wires = self.block(placer, &block, inputs)?;
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
        let mut result = Ok(());
        product.visit(|_, pairs| {
            if result.is_ok() {
                match self.pairs(placer, product.weight, pairs, left, right) {
                    Ok(wire) => sums.push(wire),
                    Err(error) => result = Err(error),
                }
            }
        });
        result.map(|()| sums)
    }

    fn pairs(
        &mut self,
        placer: &mut Placer<'_>,
        weight: i32,
        pairs: &[(usize, usize)],
        left: &[Wire],
        right: &[Wire],
    ) -> Result<Wire, Error> {
        let mut sum = 0i64;
        let mut last = None;
        for (number, chunk) in pairs.chunks(M / 2).enumerate() {
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
            // The gate multiplies idle lanes too: see below what makes them zero.
            let mut idle = Vec::new();
            for lanes in self.columns.activations.chunks_exact(2).skip(chunk.len()) {
                let forged = placer.tampering.idle();
                sum += i64::from(weight) * forged;
                for (&lane, value) in lanes.iter().zip([i64::from(forged != 0), forged]) {
                    idle.push(placer.advice(Kind::Idle, lane, row, field(value))?);
                }
            }
            for (&column, value) in
                self.columns.accumulators.iter().zip([sum].into_iter().chain(repeat(0)))
            {
                let cell = placer.advice(Kind::Accumulator, column, row, field(value))?;
                if column == self.columns.accumulators[0] {
                    last = Some(Wire { cell, value });
                } else {
                    // On these rows the gate holds all other accumulators at zero: they have no
                    // weights, and nothing to carry but zeros. Idle lanes are copies of one.
                    for idle in idle.drain(..) {
                        placer.region.constrain_equal(idle, cell)?;
                    }
                }
            }
        }
        last.ok_or(Error::Synthesis)
    }

    fn block(
        &mut self,
        placer: &mut Placer<'_>,
        block: &Block<'_>,
        inputs: &[&[Wire]],
    ) -> Result<Vec<Wire>, Error> {
        let taps = block.taps.len();
        let mut sums = [0i64; C];
        let mut first = 0;
        loop {
            let row = self.row;
            self.row += 1;
            let last = (first + M).min(taps);
            placer.fixed(self.columns.on, row, Fp::ONE)?;
            placer.fixed(self.columns.carry, row, Fp::from(u64::from(first > 0)))?;
            for (lane, tap) in block.taps[first..last].iter().enumerate() {
                let wire = inputs[tap.operand as usize][tap.element as usize];
                placer.copy(Kind::Activation, self.columns.activations[lane], row, wire)?;
                for (j, sum) in sums.iter_mut().take(block.outputs.len()).enumerate() {
                    let weight = i64::from(block.weights[j * taps + first + lane]);
                    *sum += weight * wire.value;
                    let weight = weight + placer.tampering.weight();
                    placer.fixed(self.columns.weights[j][lane], row, field(weight))?;
                }
            }
            let mut wires = Vec::with_capacity(C);
            for (&column, &value) in self.columns.accumulators.iter().zip(&sums) {
                let cell = placer.advice(Kind::Accumulator, column, row, field(value))?;
                wires.push(Wire { cell, value });
            }
            first = last;
            if first == taps {
                return Ok(wires);
            }
        }
    }
}
