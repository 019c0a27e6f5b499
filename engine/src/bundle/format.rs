//! The bytes of a bundle: a mark, the version of the format, then postcard.

use std::fmt;
use std::marker::PhantomData;
use std::path::Path;

use serde::de::{DeserializeOwned, Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::Bundle;
use crate::files::{self, Access, FileError};

/// The version of the format that this program writes and reads.
pub const FORMAT_VERSION: u16 = 4;

/// Bytes that a bundle may have.
pub const MOST_BUNDLE_BYTES: u64 = 1 << 28;

/// Characters that a context may have, in bytes.
const MOST_CONTEXT_BYTES: usize = 4096;

const BUNDLE_MARK: &[u8; 8] = b"MTBUNDLE";

/// Why bytes are no bundle.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// The file can't be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The bytes start otherwise.
    #[error("this is no {what} of Microtome")]
    Mark {
        /// What it should have been.
        what: &'static str,
    },
    /// Another version of the format.
    #[error("the {what} has format {got}, this program reads format {expected}")]
    Version {
        /// What it is.
        what: &'static str,
        /// The version in the file.
        got: u16,
        /// The version that is read here.
        expected: u16,
    },
    /// The bytes are cut off or changed.
    #[error("the {what} is damaged: {reason}")]
    Damaged {
        /// What it is.
        what: &'static str,
        /// What doesn't fit.
        reason: String,
    },
}

impl Bundle {
    /// The bytes of the bundle.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        encode(BUNDLE_MARK, self)
    }

    /// The bundle that these bytes are. Only what [`Bundle::encode`] gives is taken.
    ///
    /// # Errors
    /// Where the bytes are no bundle, of another version, damaged, or more than the bundle.
    pub fn decode(bytes: &[u8]) -> Result<Self, BundleError> {
        let bundle: Self = decode("proof bundle", BUNDLE_MARK, bytes)?;
        if bundle.header.context.len() > MOST_CONTEXT_BYTES {
            return Err(BundleError::Damaged {
                what: "proof bundle",
                reason: format!("its context has more than {MOST_CONTEXT_BYTES} bytes"),
            });
        }
        Ok(bundle)
    }

    /// Reads a bundle from a file.
    ///
    /// # Errors
    /// As [`Bundle::decode`], and where the file can't be read.
    pub fn read(path: &Path) -> Result<Self, BundleError> {
        Self::decode(&files::read(path, MOST_BUNDLE_BYTES, "a proof bundle")?)
    }

    /// Writes the bundle to a file.
    ///
    /// # Errors
    /// Where the file can't be written.
    pub fn write(&self, path: &Path) -> Result<(), BundleError> {
        Ok(files::write(path, &self.encode(), Access::Usual)?)
    }
}

/// Entries that a list of slices, cuts or tensors may have.
const MOST_ENTRIES: usize = 1 << 16;

/// Reads a list that has at most [`MOST_ENTRIES`]: entries of a few bytes in the file take many
/// times that in memory, so the length is checked before the entries are made.
pub(super) fn bounded<'de, T, D>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    struct Bounded<T>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>> Visitor<'de> for Bounded<T> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "at most {MOST_ENTRIES} entries")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<T>, A::Error> {
            let mut entries = Vec::new();
            while let Some(entry) = seq.next_element()? {
                if entries.len() == MOST_ENTRIES {
                    return Err(A::Error::custom("a list has too many entries"));
                }
                entries.push(entry);
            }
            Ok(entries)
        }
    }

    deserializer.deserialize_seq(Bounded(PhantomData))
}

/// Bytes of anything that the bundle hashes or stores.
pub(super) fn bytes_of(value: &impl Serialize) -> Vec<u8> {
    // Postcard fails only on a full buffer or a sequence of unknown length; a Vec grows, and no
    // type of the bundle has such a sequence.
    postcard::to_stdvec(value).unwrap_or_default()
}

pub(super) fn encode(mark: &[u8; 8], value: &impl Serialize) -> Vec<u8> {
    let mut bytes = mark.to_vec();
    bytes.extend(FORMAT_VERSION.to_le_bytes());
    bytes.extend(bytes_of(value));
    bytes
}

pub(super) fn decode<T: Serialize + DeserializeOwned>(
    what: &'static str,
    mark: &[u8; 8],
    bytes: &[u8],
) -> Result<T, BundleError> {
    let rest = bytes.strip_prefix(mark).ok_or(BundleError::Mark { what })?;
    let damaged = |reason: String| BundleError::Damaged { what, reason };
    let (version, body) =
        rest.split_first_chunk::<2>().ok_or_else(|| damaged("it is cut off".to_owned()))?;
    let got = u16::from_le_bytes(*version);
    if got != FORMAT_VERSION {
        return Err(BundleError::Version { what, got, expected: FORMAT_VERSION });
    }
    let (value, trailing): (T, &[u8]) = postcard::take_from_bytes(body)
        .map_err(|error| damaged(format!("its contents can't be decoded ({error})")))?;
    if !trailing.is_empty() {
        return Err(damaged(format!("{} bytes follow its end", trailing.len())));
    }
    // A second spelling of the same contents would be bytes that no digest covers.
    if encode(mark, &value) != bytes {
        return Err(damaged("its bytes are not the encoding of its contents".to_owned()));
    }
    Ok(value)
}
