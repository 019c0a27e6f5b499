//! The tables that are looked into.

/// What the look-ups look into. Its rows are `(tag, x, y)`, where the tag names the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Table {
    /// `0 <= x < 2^bits`, with `y = 0`.
    Range(u32),
    /// `-2^(bits-1) <= x < 2^(bits-1)`, with `y = max(x, 0)`.
    Relu(u32),
}

impl Table {
    pub(super) fn rows(self) -> usize {
        match self {
            Self::Range(bits) | Self::Relu(bits) => 1 << bits,
        }
    }

    /// The tag of its rows: another one for each table that there can be.
    pub(super) fn tag(self) -> u64 {
        match self {
            Self::Range(bits) => u64::from(2 * bits),
            Self::Relu(bits) => u64::from(2 * bits + 1),
        }
    }

    /// `(x, y)` of a row.
    pub(super) fn row(self, row: usize) -> (i64, i64) {
        match self {
            Self::Range(_) => (row as i64, 0),
            Self::Relu(bits) => {
                let x = row as i64 - (1i64 << (bits - 1));
                (x, x.max(0))
            }
        }
    }

    /// The row that holds `(x, y)`, where there is one.
    pub(super) fn find(self, x: i64, y: i64) -> Option<usize> {
        let row = match self {
            Self::Range(_) => x,
            Self::Relu(bits) => x.checked_add(1i64 << (bits - 1))?,
        };
        let row = usize::try_from(row).ok().filter(|&row| row < self.rows())?;
        (self.row(row) == (x, y)).then_some(row)
    }
}
