//! How wide a circuit is.
//!
//! A wider circuit has more columns and fewer rows. All widths prove the same statement: the prover
//! takes the cheapest for a slice, and verifies with no other.
//!
//! The library asks a circuit's *type* for its columns and hands it nothing to decide by. So the
//! width is left where the type finds it, in the thread, while keys or a proof are made
//! ([`with_width`]). A key holds the columns that it was made with: with another width no proof
//! comes out, or none that verifies.

use std::cell::Cell;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What a row of a circuit holds, written `8x2x2`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Width {
    /// Activations that are multiplied, an even number.
    pub lanes: usize,
    /// Accumulators, each with as many outputs as its digits allow.
    pub accumulators: usize,
    /// Requantise tracks side by side.
    pub tracks: usize,
}

/// A text that names no width on offer.
#[derive(Debug, thiserror::Error)]
#[error(
    "no circuit is called {0:?}: choose one such as `4x1x1` or `8x2x2`, for the activations, \
     accumulators and requantise tracks of a row"
)]
pub struct UnknownWidth(String);

impl Width {
    /// Those on offer: a few products a row, with one to four requantise tracks.
    pub const ALL: [Self; 20] = {
        let products = [(4, 1), (4, 3), (6, 4), (8, 2), (12, 2)];
        let mut all = [Self::NARROWEST; 20];
        let mut at = 0;
        while at < all.len() {
            let (lanes, accumulators) = products[at / 4];
            all[at] = Self { lanes, accumulators, tracks: 1 + at % 4 };
            at += 1;
        }
        all
    };

    /// The narrowest.
    pub const NARROWEST: Self = Self { lanes: 4, accumulators: 1, tracks: 1 };
}

impl fmt::Display for Width {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}x{}", self.lanes, self.accumulators, self.tracks)
    }
}

impl FromStr for Width {
    type Err = UnknownWidth;

    fn from_str(text: &str) -> Result<Self, UnknownWidth> {
        let named = |width: &Self| width.to_string() == text;
        Self::ALL.into_iter().find(named).ok_or_else(|| UnknownWidth(text.to_owned()))
    }
}

impl From<Width> for String {
    fn from(width: Width) -> Self {
        width.to_string()
    }
}

impl TryFrom<String> for Width {
    type Error = UnknownWidth;

    fn try_from(text: String) -> Result<Self, UnknownWidth> {
        text.parse()
    }
}

thread_local! {
    static CURRENT: Cell<Width> = const { Cell::new(Width::NARROWEST) };
}

/// The width that circuits are configured with in this thread.
pub(super) fn current() -> Width {
    CURRENT.get()
}

/// Runs something that configures circuits, at this width.
pub(super) fn with_width<T>(width: Width, run: impl FnOnce() -> T) -> T {
    /// Puts the width back, also after a panic.
    struct Before(Width);

    impl Drop for Before {
        fn drop(&mut self) {
            CURRENT.set(self.0);
        }
    }

    let _before = Before(CURRENT.replace(width));
    run()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_differ_and_keep_their_names() {
        let mut seen = std::collections::BTreeSet::new();
        for width in Width::ALL {
            assert!(seen.insert(width));
            assert_eq!(width.to_string().parse::<Width>().unwrap(), width);
            assert!(width.lanes.is_multiple_of(2));
        }
        assert!(seen.contains(&Width::NARROWEST));
        assert!("8x2".parse::<Width>().is_err());
    }

    #[test]
    fn the_width_is_put_back() {
        let [first, second] = [Width::ALL[3], Width::ALL[7]];
        with_width(first, || {
            let _ = std::panic::catch_unwind(|| with_width(second, || panic!("{}", current())));
            assert_eq!(current(), first);
        });
        assert_eq!(current(), Width::NARROWEST);
    }
}
