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

use std::collections::BTreeSet;

use ff::Field;
use halo2_proofs::circuit::{Layouter, Value};
use halo2_proofs::pasta::Fp;
use halo2_proofs::plonk::{Error, TableColumn};

use super::sponge::field;

/// The tag of a range of `width` bits.
pub(super) fn range_tag(width: u32) -> u64 {
    1 << width
}

/// The tag of the map from `q + 2^(b-1)` to `max(q, 0)` or `q`.
pub(super) fn map_tag(relu: bool, bits: u32) -> u64 {
    (if relu { 3 } else { 5 }) << bits
}

/// Which parts of the table a slice uses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tables {
    /// Widths of ranges.
    pub ranges: BTreeSet<u32>,
    /// Maps: whether ReLU, and bits.
    pub maps: BTreeSet<(bool, u32)>,
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
                for &(relu, bits) in &self.maps {
                    for x in 0..1i64 << bits {
                        let q = x - (1 << (bits - 1));
                        let y = if relu { q.max(0) } else { q };
                        push([Fp::from(map_tag(relu, bits)), field(x), field(y)])?;
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
            for tag in [range_tag(bits), map_tag(true, bits), map_tag(false, bits)] {
                assert!(tags.insert(tag), "{bits}: {tag}");
            }
        }
    }
}
