//! What the prover sends.

use p3_multi_stark::fractional_gkr::FractionGkrProof;
use p3_sumcheck::generic_degree::GenericDegreeProof;
use serde::{Deserialize, Serialize};

use super::field::{EF, F};
use super::pcs::{Opening, Root};
use super::products::ProductProof;
use super::weights::WeightProof;

/// Bytes that a proof may have, and again for each operation whose weights it opens: an honest one
/// has half of that, and reading takes memory in proportion.
pub(super) const MOST_BYTES: usize = 1 << 20;

/// A proof of one slice.
#[derive(Serialize, Deserialize)]
pub(super) struct Proof {
    /// The commitment to the vector of the slice.
    pub root: Root,
    /// That every look-up finds its row.
    pub lookups: FractionGkrProof<EF>,
    /// What it says of each product of two tensors.
    pub products: Vec<ProductProof>,
    /// From the sum of all claims to one element of the vector's extension.
    pub reduction: GenericDegreeProof<F, EF>,
    /// That this element is what the commitment is to.
    pub opening: Opening,
    /// What it says of committed weights, one for each operation that has some; empty where the
    /// weights are public.
    pub weights: Vec<WeightProof>,
}

impl Proof {
    pub(super) fn encode(&self) -> Result<Vec<u8>, postcard::Error> {
        postcard::to_stdvec(self)
    }

    /// Only what [`Proof::encode`] gives is taken, so that nobody can write the same proof twice.
    pub(super) fn decode(bytes: &[u8], committed: usize) -> Option<Self> {
        if bytes.len() > MOST_BYTES.saturating_mul(1 + committed) {
            return None;
        }
        let proof: Self = postcard::from_bytes(bytes).ok()?;
        (proof.encode().ok()? == bytes).then_some(proof)
    }
}
