//! The proof bundle: one file with all that a verifier needs beside the model.
//!
//! It never holds what the verifier can work out: shapes, circuits, keys, instances and coverage
//! come from the model, the quantisation card and the plan. Reading a bundle is bounded by the
//! length of its bytes, and there is one encoding only: decoding, encoding again and comparing
//! leaves no bytes that nothing binds.
//!
//! | part | what |
//! |---|---|
//! | [`Header`] | leaf 0 of the receipt: digests, plan, card, context, commitments, openings |
//! | [`SliceRecord`] | one leaf a slice: its proof, or that it was only executed |
//! | [`Secrets`] | the file beside it: salts and tensors that stay hidden |
//! | [`verify`] | the verdict of someone who trusts nothing in the bundle |
//! | [`Inclusion`] | one slice's record, shown to be in a receipt |

mod binding;
mod claims;
mod context;
mod format;
mod layout;
mod outline;
mod reading;
mod receipt;
mod secrets;
mod verdict;
mod verify;
mod weight_card;

use serde::{Deserialize, Serialize};

pub use binding::Binding;
pub use format::{BundleError, FORMAT_VERSION, MOST_BUNDLE_BYTES};
pub use layout::{Layout, PublicTensors, SliceLayout};
pub use outline::{Outline, OutlineNode};
pub use reading::Subject;
pub use receipt::{Inclusion, InclusionError};
pub use secrets::{Secret, Secrets};
pub use verdict::{SliceVerdict, Standing, Verdict};
pub use verify::{Demands, ProofCheck, verify, verify_with};
pub(crate) use weight_card::committed_digest;
pub use weight_card::{Custody, WeightCard};

use crate::digest::Digest;
use crate::graph::{Split, Splits};
use crate::onnx::Model;
use crate::program::{Card, ProgramSlice, ValueId};
use crate::prove::{Commitment, Salt, System};
use crate::split;

/// A whole bundle.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bundle {
    /// What all slices share.
    pub header: Header,
    /// One record for each slice of the plan, in its order.
    #[serde(deserialize_with = "format::bounded")]
    pub slices: Vec<SliceRecord>,
}

/// What all slices share. It is leaf 0 of the receipt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// Digest of the model's file and of the shapes that its inputs were bound to.
    pub model: Digest,
    /// The nodes of it that are split into tiles, by name, increasing. Whoever verifies splits
    /// them too.
    #[serde(deserialize_with = "format::bounded")]
    pub splits: Vec<(String, Split)>,
    /// Digest of the fixed-point program; where the weights are committed, of their roots in their
    /// place.
    pub program: Digest,
    /// The cuts between slices, as indices of nodes.
    #[serde(deserialize_with = "format::bounded")]
    pub cuts: Vec<u32>,
    /// The proof system of each slice.
    #[serde(deserialize_with = "format::bounded")]
    pub systems: Vec<System>,
    /// Where the weights are.
    pub weights: Custody,
    /// Bits, scales and ranges, from which the program is lowered again.
    pub card: Card,
    /// Random bytes of this run, so that no two runs have the same statements.
    pub nonce: [u8; 32],
    /// A text that a verifier may demand, against replay.
    pub context: String,
    /// A binding for each tensor on a boundary, inputs and outputs included, increasing by id.
    #[serde(deserialize_with = "format::bounded")]
    pub boundaries: Vec<Boundary>,
    /// The tensors that the prover chose to reveal, increasing by id.
    #[serde(deserialize_with = "format::bounded")]
    pub openings: Vec<Opening>,
}

/// A tensor on a boundary, bound. Producer and consumers all refer to this one binding,
/// so that they can't mean different tensors.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Boundary {
    /// Which tensor of the program.
    pub value: ValueId,
    /// The digest of its elements.
    pub binding: Binding,
}

/// A revealed tensor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opening {
    /// Which tensor of the program.
    pub value: ValueId,
    /// The salt of its commitment; none where its binding is plain.
    pub salt: Option<Salt>,
    /// Its elements, row-major.
    pub elements: Vec<i32>,
}

/// What a bundle says about one slice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SliceRecord {
    /// Its index in the plan.
    pub index: u32,
    /// What backs it.
    pub backing: Backing,
}

/// What backs a slice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Backing {
    /// Nothing: the prover ran it and did not prove it.
    Executed,
    /// A proof.
    Proof(Vec<u8>),
}

impl Bundle {
    /// Bytes of all proofs.
    #[must_use]
    pub fn proof_bytes(&self) -> u64 {
        self.slices.iter().map(SliceRecord::proof_bytes).sum()
    }
}

impl SliceRecord {
    /// Bytes of its proof; none where it was only executed.
    #[must_use]
    pub fn proof_bytes(&self) -> u64 {
        match &self.backing {
            Backing::Executed => 0,
            Backing::Proof(bytes) => bytes.len() as u64,
        }
    }
}

impl Header {
    /// The nodes that are split; none where the list is not in its order.
    #[must_use]
    pub fn splits(&self) -> Option<Splits> {
        let increasing = self.splits.windows(2).all(|pair| pair[0].0 < pair[1].0);
        increasing.then(|| Splits(self.splits.iter().cloned().collect()))
    }

    /// The model with the nodes split that the header names, and no others.
    ///
    /// # Errors
    /// Where they can't be split so.
    pub(crate) fn split(&self, model: &Model) -> Result<Model, String> {
        let splits = self.splits().ok_or("the splits of the bundle are not in their order")?;
        if splits == model.graph.splits() {
            return Ok(model.clone());
        }
        split::split(model, &splits).map_err(|error| error.to_string())
    }

    /// The revealed tensor with this id.
    #[must_use]
    pub fn opening(&self, value: ValueId) -> Option<&Opening> {
        self.openings.iter().find(|opening| opening.value == value)
    }

    /// The binding of the tensor with this id.
    #[must_use]
    pub fn binding(&self, value: ValueId) -> Option<Binding> {
        let at = self.boundaries.binary_search_by_key(&value, |boundary| boundary.value).ok()?;
        Some(self.boundaries[at].binding)
    }

    /// The commitments on a slice's boundary, inputs first, as the statement of a system that
    /// hides them has them.
    ///
    /// # Errors
    /// Gives the first tensor that has none.
    pub fn commitments_of(&self, slice: &ProgramSlice) -> Result<Vec<Commitment>, ValueId> {
        let commitment = |&id: &ValueId| match self.binding(id) {
            Some(Binding::Salted(commitment)) => Ok(commitment),
            Some(Binding::Plain(_)) | None => Err(id),
        };
        slice.inputs.iter().chain(&slice.outputs).map(commitment).collect()
    }
}

#[cfg(test)]
mod tests;
