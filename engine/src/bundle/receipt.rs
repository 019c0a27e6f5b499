//! The receipt: the root of a Merkle tree (RFC 6962) over header and slices, and proofs that one
//! slice is under it.
//!
//! Inclusion shows that a record belongs to a receipt. It says nothing of the links to other
//! slices: for those, verify the bundle.

use ct_merkle::mem_backed_tree::MemoryBackedTree;
use ct_merkle::{InclusionProof, RootHash};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use super::format::{self, BundleError, bytes_of};
use super::{Bundle, Header, SliceRecord};
use crate::digest::Digest;

const INCLUSION_MARK: &[u8; 8] = b"MTINCLUD";

/// Leaves start with the kind of thing they are.
const HEADER_TAG: u8 = b'H';
const SLICE_TAG: u8 = b'S';

/// One slice's record with its place in a receipt. It can be checked without the bundle.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Inclusion {
    /// The header, which says how many slices there are and what they are bound to.
    pub header: Header,
    /// The record of the slice.
    pub slice: SliceRecord,
    /// Siblings on the way from the header to the root.
    header_path: Vec<[u8; 32]>,
    /// Siblings on the way from the record to the root.
    slice_path: Vec<[u8; 32]>,
}

/// Why an inclusion proof is refused.
#[derive(Debug, thiserror::Error)]
pub enum InclusionError {
    /// The header is not leaf 0 of the receipt.
    #[error("the header is not the one of this receipt")]
    Header,
    /// The record is not at its place in the receipt.
    #[error("the record of slice {index} is not the one in this receipt")]
    Slice {
        /// The slice's index.
        index: u32,
    },
}

impl Bundle {
    /// The receipt: the root over the header and all slices.
    #[must_use]
    pub fn root(&self) -> Digest {
        digest_of(&self.tree().root())
    }

    /// The proof that a slice's record is in the receipt; `None` where there is no such slice.
    #[must_use]
    pub fn inclusion(&self, slice: usize) -> Option<Inclusion> {
        let record = self.slices.get(slice)?;
        let tree = self.tree();
        Some(Inclusion {
            header: self.header.clone(),
            slice: record.clone(),
            header_path: path(&tree.prove_inclusion(0)),
            slice_path: path(&tree.prove_inclusion(slice + 1)),
        })
    }

    fn tree(&self) -> MemoryBackedTree<Sha256, Vec<u8>> {
        let mut tree = MemoryBackedTree::new();
        tree.push(header_leaf(&self.header));
        for slice in &self.slices {
            tree.push(slice_leaf(slice));
        }
        tree
    }
}

impl Inclusion {
    /// Checks the record against a receipt.
    ///
    /// # Errors
    /// Where header or record are not what the receipt has at their places.
    pub fn check(&self, receipt: &Digest) -> Result<(), InclusionError> {
        // The header is in the tree, so the number of its leaves is known and not claimed.
        let leaves = self.header.systems.len() as u64 + 1;
        let index = self.slice.index;
        let root = RootHash::<Sha256>::new(receipt.0.into(), leaves);
        root.verify_inclusion(&header_leaf(&self.header), 0, &proof(&self.header_path))
            .map_err(|_| InclusionError::Header)?;
        root.verify_inclusion(
            &slice_leaf(&self.slice),
            u64::from(index) + 1,
            &proof(&self.slice_path),
        )
        .map_err(|_| InclusionError::Slice { index })
    }

    /// The bytes of the proof, for a file.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        format::encode(INCLUSION_MARK, self)
    }

    /// The proof that these bytes are.
    ///
    /// # Errors
    /// As [`Bundle::decode`].
    pub fn decode(bytes: &[u8]) -> Result<Self, BundleError> {
        format::decode("inclusion proof", INCLUSION_MARK, bytes)
    }
}

fn header_leaf(header: &Header) -> Vec<u8> {
    tagged(HEADER_TAG, bytes_of(header))
}

fn slice_leaf(slice: &SliceRecord) -> Vec<u8> {
    tagged(SLICE_TAG, bytes_of(slice))
}

fn tagged(tag: u8, bytes: Vec<u8>) -> Vec<u8> {
    let mut leaf = vec![tag];
    leaf.extend(bytes);
    leaf
}

fn digest_of(root: &RootHash<Sha256>) -> Digest {
    Digest((*root.as_bytes()).into())
}

fn path(proof: &InclusionProof<Sha256>) -> Vec<[u8; 32]> {
    proof.as_bytes().as_chunks().0.to_vec()
}

fn proof(path: &[[u8; 32]]) -> InclusionProof<Sha256> {
    InclusionProof::from_bytes(path.as_flattened().to_vec())
}
