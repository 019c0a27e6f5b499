//! Which nodes are to be split into tiles, and what a split graph's parts are parts of.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::TensorId;
use crate::digest::Digest;

/// What the output of a node is divided along.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Axis {
    /// The first spatial dimension: each tile reads its rows of the input, and as many more as its
    /// windows reach beyond them.
    Rows,
    /// Channels of a convolution, features of a dense layer: each tile has a part of the weights.
    Channels,
}

impl Axis {
    /// The name in files, on the command line and in the names of tiles.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Rows => "rows",
            Self::Channels => "channels",
        }
    }
}

/// How a node is split.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Split {
    /// What is divided.
    pub axis: Axis,
    /// Into how many tiles.
    pub parts: usize,
}

/// A text that is no split.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is no split: write it as rows:8 or channels:4")]
pub struct SplitTextError(String);

impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.axis.name(), self.parts)
    }
}

impl FromStr for Split {
    type Err = SplitTextError;

    fn from_str(text: &str) -> Result<Self, SplitTextError> {
        let error = || SplitTextError(text.chars().take(80).collect());
        let (axis, parts) = text.split_once(':').ok_or_else(error)?;
        let axis = [Axis::Rows, Axis::Channels].into_iter().find(|known| known.name() == axis);
        let split =
            Self { axis: axis.ok_or_else(error)?, parts: parts.parse().map_err(|_| error())? };
        // One spelling only, so that `rows:08` is not another split than `rows:8`.
        if split.to_string() == text { Ok(split) } else { Err(error()) }
    }
}

impl From<Split> for String {
    fn from(split: Split) -> Self {
        split.to_string()
    }
}

impl TryFrom<String> for Split {
    type Error = SplitTextError;

    fn try_from(text: String) -> Result<Self, SplitTextError> {
        text.parse()
    }
}

/// Nodes that are split, by name. What follows such a node element by element is split with it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Splits(pub BTreeMap<String, Split>);

impl Splits {
    /// Whether nothing is split.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Splits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<_> = self
            .0
            .iter()
            .map(|(node, split)| format!("{node:?} into {} by {}", split.parts, split.axis.name()))
            .collect();
        f.write_str(&parts.join(", "))
    }
}

/// What the parts of a split graph are parts of. Indices of nodes and tensors on the right are
/// those of the graph before.
#[derive(Clone, Debug)]
pub struct Tiling {
    /// Digest of the model before.
    pub model: Digest,
    /// What was split.
    pub splits: Splits,
    /// The tensors that hold a part of one tensor of the graph before.
    pub parts: BTreeMap<TensorId, Part>,
    /// The nodes that were asked to be split, with their names.
    pub heads: BTreeMap<usize, String>,
    /// The nodes that compute a tile of what one node of the graph before computes.
    pub tiles: BTreeMap<usize, Tile>,
    /// The nodes that only cut off parts or join them.
    pub moves: BTreeSet<usize>,
}

/// A part of a tensor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The tensor, of the graph before.
    pub tensor: TensorId,
    /// The dimension that is divided.
    pub axis: usize,
    /// The positions on it.
    pub range: Range<usize>,
}

/// What a node computes a tile of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tile {
    /// The node, of the graph before.
    pub node: usize,
    /// The node that was asked to be split, with which this one is.
    pub head: usize,
    /// Which of its tiles, from 0.
    pub number: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_split_has_one_spelling() {
        for text in ["rows:8", "channels:4"] {
            assert_eq!(text.parse::<Split>().unwrap().to_string(), text);
        }
        for text in ["", "rows", "rows:", "rows:08", "rows:+8", "rows:-1", "columns:2", "rows:2:3"]
        {
            assert!(text.parse::<Split>().is_err(), "{text}");
        }
    }
}
