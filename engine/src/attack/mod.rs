//! Attacks on a bundle, for classrooms: each changes a copy of an honest bundle as somebody would
//! who wants a false claim accepted, and the real verifier says what it makes of the copy.
//!
//! | part | what |
//! |---|---|
//! | [`Attack`] | what can be tried, in plain language |
//! | [`Desk`] | an honest bundle, what it is about, and the verdict on it |
//! | [`Attempt`] | what the verifier said of one changed copy |

mod change;
mod desk;

use std::fmt;

use serde::Serialize;

pub use desk::{Attempt, Desk, Found};

/// A way to change a bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Attack {
    /// Another output, under the binding of the honest one.
    Output,
    /// Another output, with a binding that fits it.
    OutputRebound,
    /// The proofs of two slices, exchanged.
    SwapProofs,
    /// One bit of a proof.
    FlipByte,
    /// A tensor between two slices.
    InnerBoundary,
    /// A proof under another run than its own.
    Replay,
    /// A slice without its proof.
    LeaveOut,
    /// Another scale in the quantisation card.
    Scales,
    /// Another cut between slices.
    Plan,
    /// Another proof system written beside a proof.
    Relabel,
}

/// Why an attack can't be tried on a bundle.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotApplicable(pub String);

impl Attack {
    /// All of them, from the plainest on.
    pub const ALL: [Self; 10] = [
        Self::Output,
        Self::OutputRebound,
        Self::InnerBoundary,
        Self::SwapProofs,
        Self::FlipByte,
        Self::Replay,
        Self::LeaveOut,
        Self::Scales,
        Self::Plan,
        Self::Relabel,
    ];

    /// Its name, in a few words.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Output => "Change the output",
            Self::OutputRebound => "Change output and binding",
            Self::InnerBoundary => "Forge an inner boundary",
            Self::SwapProofs => "Swap two proofs",
            Self::FlipByte => "Flip a bit of a proof",
            Self::Replay => "Replay another run",
            Self::LeaveOut => "Leave a slice out",
            Self::Scales => "Change the scales",
            Self::Plan => "Change the plan",
            Self::Relabel => "Relabel the proof system",
        }
    }

    /// What it does, in one sentence.
    #[must_use]
    pub fn description(self) -> &'static str {
        match self {
            Self::Output => "Writes another answer into the bundle and leaves all else as it was.",
            Self::OutputRebound => {
                "Writes another answer into the bundle, and a binding that fits this answer."
            }
            Self::InnerBoundary => {
                "Replaces a tensor between two slices, so that the second goes on from something \
                 that the first never gave."
            }
            Self::SwapProofs => "Hands in the proofs of two slices in each other's place.",
            Self::FlipByte => "Changes a single bit in the middle of a proof.",
            Self::Replay => "Hands in an honest proof under another run than it was made for.",
            Self::LeaveOut => {
                "Takes the proof of a slice away and says that the slice was only executed."
            }
            Self::Scales => {
                "Changes what number an integer of the network stands for, and so the rounding."
            }
            Self::Plan => "Claims that the network was cut at another place.",
            Self::Relabel => "Claims that a proof was made by the other proof system.",
        }
    }
}

impl fmt::Display for Attack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
