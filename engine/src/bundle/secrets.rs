//! The secrets of a run: what the prover needs to reveal more later, and shows nobody.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::format::{self, BundleError, MOST_BUNDLE_BYTES};
use super::{Bundle, Opening};
use crate::digest::Digest;
use crate::files::{self, Access};
use crate::program::ValueId;

const SECRETS_MARK: &[u8; 8] = b"MTSECRET";

/// Salts and tensors that a bundle keeps hidden.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secrets {
    /// The run that they belong to.
    pub run: Digest,
    /// One for each hidden tensor on a boundary, increasing by id.
    pub tensors: Vec<Secret>,
}

/// A hidden tensor: with its salt it opens its commitment.
pub type Secret = Opening;

impl Secrets {
    /// Where the secrets of a bundle are kept: beside it, with `.secrets` at the end.
    #[must_use]
    pub fn path_beside(bundle: &Path) -> PathBuf {
        let mut name = bundle.as_os_str().to_owned();
        name.push(".secrets");
        name.into()
    }

    /// Writes the secrets to a file that only the user can read.
    ///
    /// # Errors
    /// Where the file can't be written.
    pub fn write(&self, path: &Path) -> Result<(), BundleError> {
        Ok(files::write(path, &format::encode(SECRETS_MARK, self), Access::Private)?)
    }

    /// Reads secrets from a file.
    ///
    /// # Errors
    /// Where the file can't be read or holds something else.
    pub fn read(path: &Path) -> Result<Self, BundleError> {
        let bytes = files::read(path, MOST_BUNDLE_BYTES, "a secrets file")?;
        format::decode("secrets file", SECRETS_MARK, &bytes)
    }

    /// Moves a hidden tensor into the bundle's openings; false where it isn't among the secrets of
    /// this bundle.
    pub fn reveal(&mut self, bundle: &mut Bundle, value: ValueId) -> bool {
        let Some(at) = self.tensors.iter().position(|secret| secret.value == value) else {
            return false;
        };
        if self.run != bundle.header.run_digest() {
            return false;
        }
        let openings = &mut bundle.header.openings;
        let place = openings.partition_point(|opening| opening.value < value);
        openings.insert(place, self.tensors.remove(at));
        true
    }
}
