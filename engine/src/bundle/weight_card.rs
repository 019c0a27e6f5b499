//! The card of a model whose weights stay with their owner: what a verifier has in its place.

use std::path::Path;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::format::{self, BundleError, bytes_of};
use super::outline::Outline;
use crate::digest::Digest;
use crate::files::{self, Access};
use crate::graph::Graph;
use crate::program::{Card, KnownWeights, Program, Skeleton, WeightSizes};
use crate::prove::whir::{self, WeightBits, WeightRoot};

const CARD_MARK: &[u8; 8] = b"MTWEIGHT";

/// Bytes that a card may have.
const MOST_CARD_BYTES: u64 = 1 << 28;

/// Where the weights of a bundle's model are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Custody {
    /// Public: whoever verifies has the model.
    #[default]
    Public,
    /// With their owner, committed to: whoever verifies has the card.
    Committed,
}

/// A text that says nothing of where the weights are.
#[derive(Debug, thiserror::Error)]
#[error("weights are `public` or `committed`, not {0:?}")]
pub struct UnknownCustody(String);

impl FromStr for Custody {
    type Err = UnknownCustody;

    fn from_str(text: &str) -> Result<Self, UnknownCustody> {
        match text {
            "public" => Ok(Self::Public),
            "committed" => Ok(Self::Committed),
            _ => Err(UnknownCustody(text.to_owned())),
        }
    }
}

/// A commitment to the weights of a model, with all of its program but the weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WeightCard {
    /// What a verdict needs of the model.
    pub outline: Outline,
    /// Bits, scales and ranges.
    pub card: Card,
    /// The program without its weights.
    pub program: Program,
    /// The root of each operation's weights; none where it has no weights.
    pub roots: Vec<Option<WeightRoot>>,
    /// The bits of each root's weights.
    pub bits: Vec<WeightBits>,
    /// That the weights have no more bits than that.
    pub ranges: Vec<u8>,
}

/// The digest of a program whose weights are committed: its other parts, the roots, and what a
/// verdict takes from the outline in place of the model.
#[must_use]
pub(crate) fn committed_digest(
    outline: &Outline,
    stripped: &Program,
    roots: &[Option<WeightRoot>],
) -> Digest {
    Digest::of("microtome committed program v1", &bytes_of(&(outline, stripped, roots)))
}

impl WeightCard {
    /// Commits to the weights of a model under a quantisation card.
    ///
    /// # Errors
    /// Where the program has no weights, or too many.
    pub fn of(
        graph: &Graph,
        skeleton: &Skeleton,
        program: &Program,
        card: Card,
    ) -> Result<Self, String> {
        let roots = whir::weight_roots(program)?;
        if roots.iter().all(Option::is_none) {
            return Err("the model has no weights to commit to".to_owned());
        }
        let (bits, ranges) = whir::prove_ranges(program, &roots)?;
        let outline = Outline::of(graph, skeleton)?;
        Ok(Self { outline, card, program: whir::strip(program), roots, bits, ranges })
    }

    /// The digest of the program, which a verifier can pin.
    #[must_use]
    pub fn digest(&self) -> Digest {
        committed_digest(&self.outline, &self.program, &self.roots)
    }

    /// Reads a card and checks all of it: that its program is one, and that the weights are in
    /// ranges in which nothing overflows.
    ///
    /// # Errors
    /// Where the file can't be read, is no card, or doesn't hold.
    pub fn read(path: &Path) -> Result<Self, BundleError> {
        Self::decode(&files::read(path, MOST_CARD_BYTES, "a card of weights")?)
    }

    /// As [`WeightCard::read`], from bytes.
    ///
    /// # Errors
    /// As [`WeightCard::read`].
    pub fn decode(bytes: &[u8]) -> Result<Self, BundleError> {
        let what = "card of weights";
        let card: Self = format::decode(what, CARD_MARK, bytes)?;
        card.check().map_err(|reason| BundleError::Damaged { what, reason })?;
        Ok(card)
    }

    /// Whether a file starts like a card, so that it isn't read as a model.
    #[must_use]
    pub fn is_card(path: &Path) -> bool {
        use std::io::Read;
        let mut start = [0; 8];
        std::fs::File::open(path).is_ok_and(|mut file| file.read_exact(&mut start).is_ok())
            && start == *CARD_MARK
    }

    /// The bytes of the card.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        format::encode(CARD_MARK, self)
    }

    /// Writes the card to a file.
    ///
    /// # Errors
    /// Where the file can't be written.
    pub fn write(&self, path: &Path) -> Result<(), BundleError> {
        Ok(files::write(path, &self.encode(), Access::Usual)?)
    }

    fn check(&self) -> Result<(), String> {
        let Self { outline, card, program, roots, bits, ranges } = self;
        if roots.len() != program.ops.len() {
            return Err("it has another number of roots than of operations".to_owned());
        }
        // Only operations with a root take weights of these sizes; others have none.
        let mut sizes = bits.iter();
        let mut of_op = Vec::with_capacity(roots.len());
        for root in roots {
            let size = root.and_then(|_| sizes.next());
            of_op.push(WeightSizes {
                weight_bits: size.map_or(1, |bits| bits.weights),
                bias_bits: size.map_or(1, |bits| bits.biases),
                is_committed: size.is_some(),
            });
        }
        program.check(KnownWeights::Sizes(&of_op))?;
        outline.check(program)?;
        let fits = |(value, tensor): (&crate::program::CardValue, &crate::program::Value)| {
            value.name == tensor.name && value.bits == tensor.bits && value.scale == tensor.scale
        };
        if card.values.len() != program.tensors.len()
            || !card.values.iter().zip(&program.tensors).all(fits)
        {
            return Err("its quantisation card doesn't fit its program".to_owned());
        }
        whir::verify_ranges(program, roots, bits, ranges)
    }
}
