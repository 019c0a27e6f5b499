//! The tables that are looked into.

use std::sync::Arc;

use crate::program;

/// Where the tags of functions begin: above those of all ranges and Relus.
const FIRST_FUNCTION: u64 = 64;

/// What the look-ups look into. Its rows are `(tag, x, y)`, where the tag names the table.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Table {
    /// `0 <= x < 2^bits`, with `y = 0`.
    Range(u32),
    /// `-2^(bits-1) <= x < 2^(bits-1)`, with `y = max(x, 0)`.
    Relu(u32),
    /// A function of the slice: its number among them, and its pairs.
    Function(u32, Arc<[(i64, i64)]>),
}

impl Table {
    /// The table of the slice's function of this number.
    pub(super) fn function(number: u32, table: &program::Table) -> Self {
        Self::Function(number, table.pairs().collect())
    }

    pub(super) fn rows(&self) -> usize {
        match self {
            Self::Range(bits) | Self::Relu(bits) => 1 << bits,
            Self::Function(_, pairs) => pairs.len(),
        }
    }

    /// The tag of its rows: another one for each table that there can be in a slice.
    pub(super) fn tag(&self) -> u64 {
        match self {
            Self::Range(bits) => u64::from(2 * bits),
            Self::Relu(bits) => u64::from(2 * bits + 1),
            Self::Function(number, _) => FIRST_FUNCTION + u64::from(*number),
        }
    }

    /// `(x, y)` of a row.
    pub(super) fn row(&self, row: usize) -> (i64, i64) {
        match self {
            Self::Range(_) => (row as i64, 0),
            Self::Relu(bits) => {
                let x = row as i64 - (1i64 << (bits - 1));
                (x, x.max(0))
            }
            Self::Function(_, pairs) => pairs[row],
        }
    }

    /// The row that holds `(x, y)`, where there is one.
    pub(super) fn find(&self, x: i64, y: i64) -> Option<usize> {
        let row = match self {
            Self::Range(_) => x,
            Self::Relu(bits) => x.checked_add(1i64 << (bits - 1))?,
            Self::Function(_, pairs) => x.checked_add(pairs.len() as i64 / 2)?,
        };
        let row = usize::try_from(row).ok().filter(|&row| row < self.rows())?;
        (self.row(row) == (x, y)).then_some(row)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::prove::whir::cells::WIDEST_TABLE;

    #[test]
    fn no_two_tables_of_a_slice_share_a_tag() {
        let table = program::Table { outputs: vec![Some(1), None] };
        let mut tags = BTreeSet::new();
        // A maximum looks up differences, which have one bit more than values.
        for bits in 0..=WIDEST_TABLE + 1 {
            assert!(tags.insert(Table::Range(bits).tag()));
            assert!(tags.insert(Table::Relu(bits).tag()));
        }
        for number in 0..100 {
            assert!(tags.insert(Table::function(number, &table).tag()));
        }
    }

    #[test]
    fn a_place_without_a_value_has_no_row() {
        let table = program::Table { outputs: vec![None, Some(5), None, Some(-2)] };
        let table = Table::function(0, &table);
        assert_eq!(table.rows(), 4);
        let found: Vec<_> = (-3..3).map(|x| table.find(x, 5).or(table.find(x, -2))).collect();
        assert_eq!(found, [None, None, Some(1), None, Some(3), None]);
    }
}
