//! Commitments to boundary tensors: a salted Poseidon digest, computed outside the circuit.
//!
//! The sponge has rate 2 and capacity 1 over the Pallas base field. Its capacity starts at a field
//! element hashed from a domain tag, the tensor's bits and its shape, so that its length is fixed
//! before anything is absorbed; it absorbs the salt and then the elements, packed. Each
//! element `v` of `b` bits is stored as `v + 2^(b-1)`, which is unique because the circuits of
//! every slice that exposes the digest check that it lies in `0 .. 2^b`.
//!
//! Which tensor of the program it is need not be hashed. A verifier takes the digests of a slice's
//! instance from the one list of bindings that it has checked to be the program's boundary tensors,
//! in the order of the slice's circuit, which the key fixes: so each digest has its place by the
//! statement, and the context digest binds the list and the slice's index. Two tensors with one
//! digest hold the same elements under the same salt, which is no more than the digest says. Left
//! out, the id no longer tells apart slices that do the same in different places, such as tiles:
//! they share one key.

use std::fmt;
use std::sync::OnceLock;

use ff::{Field, FromUniformBytes, PrimeField};
use halo2_poseidon::{P128Pow5T3, Spec};
use halo2_proofs::pasta::Fp;
use rand::rngs::SysRng;
use rand_core::UnwrapErr;
use serde::{Deserialize, Serialize};

use crate::digest::{Digest, DigestError};
use crate::program::{Program, Value, ValueId};

/// The salted digest of a boundary tensor: a field element in its canonical 32 bytes, written in
/// lower-case hexadecimal.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Commitment(Fp);

/// A uniform field element that hides the tensor behind its commitment. Each tensor of each run
/// has its own; whoever knows it can test guesses of the tensor.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Salt(Fp);

/// A text or bytes that are not a field element in canonical form.
#[derive(Debug, thiserror::Error)]
pub enum FieldTextError {
    /// Not 32 bytes in hexadecimal.
    #[error(transparent)]
    Text(#[from] DigestError),
    /// Not below the field's modulus.
    #[error("{0} is not below the modulus of the field, so it is no commitment and no salt")]
    NotCanonical(Digest),
}

macro_rules! field_bytes {
    ($name:ident) => {
        impl $name {
            /// The canonical bytes, least significant first.
            #[must_use]
            pub fn to_bytes(self) -> [u8; 32] {
                self.0.to_repr()
            }

            /// The element with these canonical bytes.
            ///
            /// # Errors
            /// Where the bytes are not below the modulus.
            pub fn from_bytes(bytes: [u8; 32]) -> Result<Self, FieldTextError> {
                Option::from(Fp::from_repr(bytes))
                    .map(Self)
                    .ok_or(FieldTextError::NotCanonical(Digest(bytes)))
            }

            pub(super) fn field(self) -> Fp {
                self.0
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                Digest(value.to_bytes()).to_string()
            }
        }

        impl TryFrom<String> for $name {
            type Error = FieldTextError;

            fn try_from(text: String) -> Result<Self, FieldTextError> {
                Self::from_bytes(text.parse::<Digest>()?.0)
            }
        }
    };
}

field_bytes!(Commitment);
field_bytes!(Salt);

impl fmt::Debug for Commitment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from(*self))
    }
}

// A salt is a secret, and debug output ends in logs.
impl fmt::Debug for Salt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Salt(..)")
    }
}

/// A fresh salt from the operating system's randomness.
#[must_use]
pub fn random_salt() -> Salt {
    Salt(Fp::random(&mut UnwrapErr(SysRng)))
}

/// Commits to the elements of tensor `id` of the program.
#[must_use]
pub fn commit(program: &Program, id: ValueId, elements: &[i32], salt: &Salt) -> Commitment {
    let value = program.value(id);
    let packed = elements
        .chunks(per_element(value.bits))
        .map(|chunk| chunk.iter().fold(Fp::ZERO, |sum, &v| horner(sum, i64::from(v), value.bits)));
    let absorbed: Vec<Fp> = std::iter::once(salt.0).chain(packed).collect();
    let start = [Fp::ZERO, Fp::ZERO, capacity(value)];
    let end = absorbed.chunks(2).fold(start, |[a, b, c], pair| {
        permute([a + pair[0], b + pair.get(1).unwrap_or(&Fp::ZERO), c])
    });
    Commitment(end[0])
}

/// Elements of `bits` bits that are packed into one field element: their sum stays below 2^253,
/// and so below the modulus, which keeps the packing unique.
pub(super) fn per_element(bits: u32) -> usize {
    (253 / bits) as usize
}

/// One more element in a packed sum.
pub(super) fn horner(sum: Fp, element: i64, bits: u32) -> Fp {
    sum * Fp::from(1 << bits) + field(element + (1 << (bits - 1)))
}

/// The first capacity of the sponge of a tensor: the same for all tensors of one shape and bits.
pub(super) fn capacity(value: &Value) -> Fp {
    let mut hasher = blake3::Hasher::new_derive_key("microtome halo2 boundary tensor v2");
    hasher.update(&value.bits.to_le_bytes());
    for &dim in &value.shape {
        hasher.update(&(dim as u64).to_le_bytes());
    }
    let mut bytes = [0; 64];
    hasher.finalize_xof().fill(&mut bytes);
    Fp::from_uniform_bytes(&bytes)
}

/// An integer as a field element.
pub(super) fn field(v: i64) -> Fp {
    let magnitude = Fp::from(v.unsigned_abs());
    if v < 0 { -magnitude } else { magnitude }
}

pub(super) type State = [Fp; 3];

/// Round constants and matrix of Poseidon: width 3, x⁵, 8 full and 56 partial rounds.
pub(super) fn constants() -> &'static (Vec<State>, [State; 3]) {
    static CONSTANTS: OnceLock<(Vec<State>, [State; 3])> = OnceLock::new();
    CONSTANTS.get_or_init(|| {
        let (rounds, matrix, _) = <P128Pow5T3 as Spec<Fp, 3, 2>>::constants();
        (rounds, matrix)
    })
}

/// Rounds of a permutation.
pub(super) const ROUNDS: usize = 64;

/// Whether all three elements pass the S-box in a round: the first and the last four.
pub(super) fn is_full(round: usize) -> bool {
    !(4..ROUNDS - 4).contains(&round)
}

/// One round.
pub(super) fn permute_round(state: State, round: usize) -> State {
    let (constants, matrix) = constants();
    let boxed: State = std::array::from_fn(|i| {
        let x = state[i] + constants[round][i];
        if is_full(round) || i == 0 { x.square().square() * x } else { x }
    });
    matrix.map(|row| row[0] * boxed[0] + row[1] * boxed[1] + row[2] * boxed[2])
}

fn permute(state: State) -> State {
    (0..ROUNDS).fold(state, permute_round)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(shape: &[usize], bits: u32) -> Program {
        let value = Value { name: "x".into(), shape: shape.into(), scale: 1.0, bits };
        Program {
            tensors: vec![value.clone(), value],
            ops: vec![],
            inputs: vec![],
            outputs: vec![],
        }
    }

    #[test]
    fn the_permutation_is_the_library_s() {
        let hash =
            halo2_poseidon::Hash::<_, P128Pow5T3, halo2_poseidon::ConstantLength<2>, 3, 2>::init();
        let (a, b) = (Fp::from(5), Fp::from(6));
        assert_eq!(hash.hash([a, b]), permute([a, b, Fp::from_u128(2 << 64)])[0]);
        assert_eq!(constants().0.len(), ROUNDS);
    }

    #[test]
    fn everything_but_its_place_changes_the_commitment_to_a_tensor() {
        let salt = Salt(Fp::from(3));
        let wide = program(&[2, 20], 8);
        let base = commit(&wide, ValueId(0), &[0; 40], &salt);
        // Where it is in the program is said by the statement.
        assert_eq!(base, commit(&wide, ValueId(1), &[0; 40], &salt));
        let mut other = [0; 40];
        other[39] = 1;
        let different = [
            commit(&wide, ValueId(0), &other, &salt),
            commit(&wide, ValueId(0), &[0; 40], &Salt(Fp::from(4))),
            commit(&program(&[40], 8), ValueId(0), &[0; 40], &salt),
            commit(&program(&[2, 20], 9), ValueId(0), &[0; 40], &salt),
        ];
        assert!(different.iter().all(|c| *c != base));
    }

    #[test]
    fn packing_never_reaches_the_modulus() {
        for bits in 1..=24 {
            let most = (0..per_element(bits))
                .fold(Fp::ZERO, |s, _| horner(s, (1 << (bits - 1)) - 1, bits));
            assert!(bits as usize * per_element(bits) <= 253, "{bits}");
            // Below 2^253, so the top bits of the canonical bytes are free.
            assert!(most.to_repr()[31] < 1 << 5, "{bits}");
        }
    }

    #[test]
    fn texts_that_are_no_field_element_are_refused() {
        let commitment = commit(&program(&[1], 8), ValueId(0), &[7], &random_salt());
        let text = String::from(commitment);
        assert_eq!(Commitment::try_from(text).unwrap(), commitment);
        assert!(Commitment::try_from("f".repeat(64)).is_err());
        assert!(Commitment::try_from("12".to_owned()).is_err());
    }
}
