//! The field, the hash and the transcript: Goldilocks with its quadratic extension, and BLAKE3.

use p3_blake3::Blake3;
use p3_challenger::{FieldChallenger, HashChallenger, SerializingChallenger64};
use p3_field::extension::BinomialExtensionField;
use p3_goldilocks::Goldilocks;

/// The integers of the program live in this field, of 2^64 - 2^32 + 1 elements.
pub(super) type F = Goldilocks;
/// Challenges are drawn from its quadratic extension.
pub(super) type EF = BinomialExtensionField<F, 2>;
/// The Fiat-Shamir transcript.
pub(super) type Challenger = SerializingChallenger64<F, HashChallenger<u8, Blake3, 32>>;

/// Bits of the extension field, rounded down: twice the logarithm of 2^64 - 2^32 + 1.
pub(super) const FIELD_BITS: f64 = 127.99;

/// A transcript that starts with the digest of a statement.
pub(super) fn transcript(statement: &[u8; 32]) -> Challenger {
    Challenger::from_hasher(statement.to_vec(), Blake3 {})
}

/// The coordinates of a random point.
pub(super) fn sample_point(challenger: &mut Challenger, variables: usize) -> Vec<EF> {
    (0..variables).map(|_| challenger.sample_algebra_element()).collect()
}
