//! The Poseidon track: the digests of boundary tensors, inside the circuit.
//!
//! 65 rows a permutation: one that absorbs two elements and one for each round, which reads the
//! next row's state. The squares inside `x⁵` have cells of their own, which keeps the degree at 5.
//! On an absorbing row, the constant columns hold whether a second element is there and, on the
//! first row of a tensor, the capacity that the sponge starts from.

use ff::Field;
use halo2_proofs::circuit::Cell;
use halo2_proofs::pasta::Fp;
use halo2_proofs::plonk::{Advice, Column, ConstraintSystem, Error, Expression, Fixed};
use halo2_proofs::poly::Rotation;

use super::pack::Packed;
use super::place::{Kind, Placer};
use super::sponge::{ROUNDS, State, constants, is_full, permute_round};

#[derive(Clone, Debug)]
pub(super) struct PoseidonColumns {
    state: [Column<Advice>; 3],
    /// Squares; on absorbing rows the first two hold what is absorbed.
    squares: [Column<Advice>; 3],
    constants: [Column<Fixed>; 3],
    /// 1 on full rounds, 2 on partial ones.
    round: Column<Fixed>,
    /// 2 on the first absorbing row of a tensor, 1 on the others.
    absorb: Column<Fixed>,
}

impl PoseidonColumns {
    pub fn configure(meta: &mut ConstraintSystem<Fp>) -> Self {
        use std::array::from_fn;
        let columns = Self {
            state: from_fn(|_| meta.advice_column()),
            squares: from_fn(|_| meta.advice_column()),
            constants: from_fn(|_| meta.fixed_column()),
            round: meta.fixed_column(),
            absorb: meta.fixed_column(),
        };
        for column in [columns.state[0], columns.squares[0], columns.squares[1]] {
            meta.enable_equality(column);
        }
        let constant = |v: u64| Expression::Constant(Fp::from(v));
        for full in [true, false] {
            meta.create_gate(if full { "full round" } else { "partial round" }, |meta| {
                let round = meta.query_fixed(columns.round);
                let on =
                    round.clone() * if full { constant(2) - round } else { round - constant(1) };
                let (mut boxed, mut gates) = (vec![], vec![]);
                for i in 0..3 {
                    let x = meta.query_advice(columns.state[i], Rotation::cur())
                        + meta.query_fixed(columns.constants[i]);
                    if full || i == 0 {
                        let square = meta.query_advice(columns.squares[i], Rotation::cur());
                        gates.push(on.clone() * (square.clone() - x.clone() * x.clone()));
                        boxed.push(square.clone() * square * x);
                    } else {
                        boxed.push(x);
                    }
                }
                for (i, row) in constants().1.iter().enumerate() {
                    let next = meta.query_advice(columns.state[i], Rotation::next());
                    let mixed = boxed.iter().zip(row);
                    let rest = mixed.fold(next, |rest, (x, &factor)| rest - x.clone() * factor);
                    gates.push(on.clone() * rest);
                }
                gates
            });
        }
        meta.create_gate("absorb", |meta| {
            let on = meta.query_fixed(columns.absorb);
            let second = meta.query_fixed(columns.constants[1]);
            let [a, b] = [0, 1].map(|i| meta.query_advice(columns.squares[i], Rotation::cur()));
            let [da, db, dc] = columns.state.map(|column| {
                meta.query_advice(column, Rotation::next())
                    - meta.query_advice(column, Rotation::cur())
            });
            vec![on.clone() * (da - a), on.clone() * (db - second * b), on * dc]
        });
        meta.create_gate("start", |meta| {
            let absorb = meta.query_fixed(columns.absorb);
            let on = absorb.clone() * (absorb - constant(1));
            let capacity = meta.query_fixed(columns.constants[2]);
            let [a, b, c] = columns.state.map(|s| meta.query_advice(s, Rotation::cur()));
            vec![on.clone() * a, on.clone() * b, on * (c - capacity)]
        });
        columns
    }

    /// A column of the track.
    pub fn first(&self) -> Column<Advice> {
        self.state[0]
    }
}

/// Rows that the digest of a tensor takes which is packed in so many elements.
pub(super) fn digest_rows(packed: usize) -> usize {
    (1 + packed).div_ceil(2) * (1 + ROUNDS) + 1
}

/// The Poseidon track while it is written.
pub(super) struct PoseidonTrack<'a> {
    pub columns: &'a PoseidonColumns,
    /// The next free row.
    pub row: usize,
}

impl PoseidonTrack<'_> {
    /// Writes the digest of a tensor; answers with the cell that holds it.
    pub fn digest(
        &mut self,
        placer: &mut Placer<'_>,
        capacity: Fp,
        salt: Fp,
        packed: &[Packed],
    ) -> Result<Cell, Error> {
        let mut state = [Fp::ZERO, Fp::ZERO, capacity];
        let salt = (None, salt);
        let absorbed: Vec<(Option<Cell>, Fp)> = std::iter::once(salt)
            .chain(packed.iter().map(|packed| (Some(packed.cell), packed.value)))
            .collect();
        placer.fixed(self.columns.constants[2], self.row, capacity)?;
        for (number, pair) in absorbed.chunks(2).enumerate() {
            self.absorb(placer, &mut state, pair, number == 0)?;
            for round in 0..ROUNDS {
                self.round(placer, &mut state, round)?;
            }
        }
        let row = self.row;
        self.row += 1;
        let cells = self.state(placer, row, state)?;
        Ok(cells[0])
    }

    fn state(&self, placer: &mut Placer<'_>, row: usize, state: State) -> Result<Vec<Cell>, Error> {
        let cells = self.columns.state.iter().zip(state);
        cells.map(|(&column, value)| placer.advice(Kind::State, column, row, value)).collect()
    }

    fn absorb(
        &mut self,
        placer: &mut Placer<'_>,
        state: &mut State,
        pair: &[(Option<Cell>, Fp)],
        first: bool,
    ) -> Result<(), Error> {
        let row = self.row;
        self.row += 1;
        self.state(placer, row, *state)?;
        placer.fixed(self.columns.absorb, row, Fp::from(1 + u64::from(first)))?;
        placer.fixed(self.columns.constants[1], row, Fp::from(u64::from(pair.len() == 2)))?;
        for (i, &(source, value)) in pair.iter().enumerate() {
            let cell = placer.advice(Kind::Absorbed, self.columns.squares[i], row, value)?;
            if let Some(source) = source {
                placer.region.constrain_equal(cell, source)?;
            }
            state[i] += value;
        }
        Ok(())
    }

    fn round(
        &mut self,
        placer: &mut Placer<'_>,
        state: &mut State,
        round: usize,
    ) -> Result<(), Error> {
        let row = self.row;
        self.row += 1;
        self.state(placer, row, *state)?;
        let full = is_full(round);
        placer.fixed(self.columns.round, row, Fp::from(if full { 1 } else { 2 }))?;
        for (i, &constant) in constants().0[round].iter().enumerate() {
            if full || i == 0 {
                let square = (state[i] + constant).square();
                placer.advice(Kind::Square, self.columns.squares[i], row, square)?;
            }
            placer.fixed(self.columns.constants[i], row, constant)?;
        }
        if placer.known {
            *state = permute_round(*state, round);
        }
        Ok(())
    }
}
