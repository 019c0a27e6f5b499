//! The one look-up table of a slice: rows `(tag, x, y)`.
//!
//! Every look-up carries a tag from a fixed column, so a prover cannot choose which part of the
//! table a row meets. Tags of different parts never coincide:
//!
//! | tag | rows | used for |
//! |---|---|---|
//! | 0 | `(0, 0)` | rows on which a look-up is idle: its cells are 0 |
//! | `2^w` | `(x, 0)` for `0 ≤ x < 2^w` | ranges of `w` bits |
//! | `3·2^b` | `(x, max(q, 0))` with `q = x - 2^(b-1)`, for `0 ≤ x < 2^b` | ReLU of a `b`-bit value |
//! | `5·2^b` | `(x, q)` | a `b`-bit value as it is |
//! | `(7 + 2n)·2^b` | `(x, f(q))` where `f` is defined | the slice's function `n` of a `b`-bit value |

use std::collections::BTreeSet;
use std::sync::Arc;

use ff::Field;
use halo2_proofs::circuit::{Layouter, Value};
use halo2_proofs::pasta::Fp;
use halo2_proofs::plonk::{Error, TableColumn};

use super::sponge::field;
use crate::program;

/// The tag of a range of `width` bits.
pub(super) fn range_tag(width: u32) -> u64 {
    1 << width
}

/// What a value becomes when it is looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Map {
    /// Itself.
    Identity,
    /// `max(q, 0)`.
    Relu,
    /// The value of a function, by its number in [`Tables::functions`].
    Function(usize),
}

/// The tag of the map from `q + 2^(b-1)` to what a `b`-bit `q` becomes.
pub(super) fn map_tag(map: Map, bits: u32) -> u64 {
    let odd = match map {
        Map::Relu => 3,
        Map::Identity => 5,
        Map::Function(number) => 7 + 2 * number as u64,
    };
    odd << bits
}

/// Which parts of the table a slice uses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tables {
    /// Widths of ranges.
    pub ranges: BTreeSet<u32>,
    /// Maps, and bits of what they map.
    pub maps: BTreeSet<(Map, u32)>,
    /// The functions of the slice, each once.
    pub functions: Vec<Arc<program::Table>>,
}

impl Tables {
    /// Rows of the table.
    pub fn rows(&self) -> usize {
        let ranges = self.ranges.iter().map(|&width| 1 << width);
        let maps = self.maps.iter().map(|&(_, bits)| 1 << bits);
        1 + ranges.chain(maps).sum::<usize>()
    }

    /// Writes the table. Its first row is the idle one, which the library also repeats to fill
    /// the columns.
    pub fn assign(
        &self,
        layouter: &mut impl Layouter<Fp>,
        columns: [TableColumn; 3],
    ) -> Result<(), Error> {
        layouter.assign_table(
            || "table",
            |mut table| {
                let mut row = 0;
                let mut push = |cells: [Fp; 3]| {
                    for (column, cell) in columns.into_iter().zip(cells) {
                        table.assign_cell(|| "table", column, row, || Value::known(cell))?;
                    }
                    row += 1;
                    Ok::<_, Error>(())
                };
                push([Fp::ZERO; 3])?;
                for &width in &self.ranges {
                    for x in 0..1u64 << width {
                        push([Fp::from(range_tag(width)), Fp::from(x), Fp::ZERO])?;
                    }
                }
                for &(map, bits) in &self.maps {
                    let tag = Fp::from(map_tag(map, bits));
                    let offset = 1i64 << (bits - 1);
                    let pairs: Vec<(i64, i64)> = match map {
                        Map::Identity => (-offset..offset).map(|q| (q, q)).collect(),
                        Map::Relu => (-offset..offset).map(|q| (q, q.max(0))).collect(),
                        Map::Function(number) => self.functions[number].pairs().collect(),
                    };
                    for (q, y) in pairs {
                        push([tag, field(q + offset), field(y)])?;
                    }
                }
                Ok(())
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_parts_of_the_table_share_a_tag() {
        let mut tags = BTreeSet::from([0]);
        for bits in 0..=24 {
            let functions = (0..50).map(Map::Function);
            let maps = [Map::Relu, Map::Identity].into_iter().chain(functions);
            let maps = maps.map(|map| map_tag(map, bits));
            for tag in maps.chain([range_tag(bits)]) {
                assert!(tags.insert(tag), "{bits}: {tag}");
            }
        }
    }
}
