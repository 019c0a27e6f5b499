//! The public parameters of the commitment scheme: made once for each `k`, kept on disk.
//!
//! They are hashed to the curve from nothing secret, so anyone can make them, but slowly. A file
//! in a cache folder is not to be trusted: parameters with a known relation between their points
//! would let anyone prove anything. So the digest of each `k` is pinned here, and a file that
//! differs is thrown away and made anew.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use halo2_proofs::pasta::EqAffine;
use halo2_proofs::poly::commitment::Params;

use super::shape::{MAX_K, MIN_K};

/// The BLAKE3 digest of the parameters for each `k` from [`MIN_K`] to [`MAX_K`].
const PINNED: [&str; (MAX_K - MIN_K + 1) as usize] = [
    "28cf263eafc9d63aa21b4507293605dd336223b9cc9e909c4d2dfda7d0b5d3a3",
    "6a7989f183f0a63d29515bfe622311513a998fcc82ff10eb750112f827f4db27",
    "48736798f29e5119cc1a1b938b752eb9af46d952e147d5e59fd9e8ff30bd37b4",
    "4978bdbb39b45dc1e3106a4f9274af5757a4809269383e5533c1fe8cf055ad7f",
    "2de4cf220fdf8f6ae21aee51685c11c9d211dd474f7ae15595a8084f854d0603",
    "46d2cc8da807c681ba7301f789a7a388bf9f2ea74e37f1bd1defbb6b82c4d25e",
    "657e0b22474bfe35b547cbaa17f19afad7bbaf3461bb214cd4739bfc1e42ff15",
    "2c7eb351c10632d63279fb2342ac3a547bc93a9b4835a8027f5cb7ca5d09b890",
    "f81c051458c5751ffed06b3d9295f62b1254db75632574b242265ab0c0f84869",
    "4011c4b95d21a0a3dbe2492b667f496a12bfd6e288fc733e712287abd977ba8d",
    "c5710a9cf4a80cbdd8369a6e63844ecda8d62d70dc7234ee5fd3be73cdc2f6a4",
    "73cbfcbb343b69b67959cc5ad683865f2e1a96b981f8b7405fd8cf1c3c4ca475",
];

/// Why there are no parameters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParametersError {
    /// No parameters are pinned for this `k`.
    #[error("parameters are pinned for k={MIN_K} to {MAX_K}, not for k={0}")]
    OutOfRange(u32),
    /// What the library makes is not what is pinned.
    #[error(
        "the parameters that the proof library makes for k={0} differ from the pinned ones: this \
         build cannot be trusted"
    )]
    NotPinned(u32),
}

/// The folder in which parameters are kept unless another is given: `microtome` in the user's
/// cache folder, where there is one.
#[must_use]
pub fn default_cache() -> Option<PathBuf> {
    directories::ProjectDirs::from("", "", "microtome").map(|dirs| dirs.cache_dir().to_owned())
}

/// The parameters for columns of `2^k` rows, from this process, else from `cache`, else made anew
/// (a second for k = 11, twice that for each step up) and written there. A cache that cannot be
/// read or written is no error.
///
/// # Errors
/// Where no parameters are pinned for this `k`, or the library makes others.
pub fn parameters(k: u32, cache: Option<&Path>) -> Result<Arc<Params<EqAffine>>, ParametersError> {
    static MADE: Mutex<BTreeMap<u32, Arc<Params<EqAffine>>>> = Mutex::new(BTreeMap::new());
    let pinned = pinned(k)?;
    // The lock is held while parameters are made, so that two threads don't make the same ones.
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(params) = made.get(&k) {
        return Ok(params.clone());
    }
    let path = cache.map(|folder| file_of(folder, k));
    let params = match path.as_deref().and_then(|path| read(path, pinned)) {
        Some(params) => params,
        None => make(k, pinned, path.as_deref())?,
    };
    Ok(made.entry(k).insert_entry(Arc::new(params)).get().clone())
}

/// Whether a file of the parameters is in the cache. It is not read: one that is wrong is made anew
/// by whoever needs it.
#[must_use]
pub fn has_parameters(k: u32, cache: &Path) -> bool {
    file_of(cache, k).is_file()
}

fn file_of(cache: &Path, k: u32) -> PathBuf {
    cache.join(format!("halo2-parameters-{k}.bin"))
}

fn pinned(k: u32) -> Result<&'static str, ParametersError> {
    let index = k.checked_sub(MIN_K).and_then(|index| PINNED.get(index as usize));
    index.copied().ok_or(ParametersError::OutOfRange(k))
}

fn read(path: &Path, pinned: &str) -> Option<Params<EqAffine>> {
    // Longer files are not even read: the digest could not fit.
    let most = (2 << MAX_K) * 32 + 4 + 2 * 32;
    if std::fs::metadata(path).ok()?.len() > most {
        return None;
    }
    let bytes = std::fs::read(path).ok()?;
    if blake3::hash(&bytes).to_hex().as_str() != pinned {
        return None;
    }
    Params::read(&mut bytes.as_slice()).ok()
}

fn make(k: u32, pinned: &str, path: Option<&Path>) -> Result<Params<EqAffine>, ParametersError> {
    let params = Params::new(k);
    let mut bytes = Vec::new();
    // Writing to memory does not fail, and if it did, the digest would tell.
    let _ = params.write(&mut bytes);
    if blake3::hash(&bytes).to_hex().as_str() != pinned {
        return Err(ParametersError::NotPinned(k));
    }
    if let Some(path) = path {
        // Without the file the next process only takes longer.
        let _ = write(path, &bytes);
    }
    Ok(params)
}

/// Writes beside and renames, so that another process never reads half a file.
fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_differs_is_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("parameters");
        let digest = pinned(MIN_K).unwrap();
        make(MIN_K, digest, Some(&path)).unwrap();
        let good = std::fs::read(&path).unwrap();
        assert_eq!(read(&path, digest).map(|p| p.k()), Some(MIN_K));
        for (at, change) in [(0, 1), (4, 1), (good.len() - 1, 128)] {
            let mut bytes = good.clone();
            bytes[at] ^= change;
            std::fs::write(&path, &bytes).unwrap();
            assert!(read(&path, digest).is_none(), "{at}");
        }
        std::fs::write(&path, &good[..good.len() - 1]).unwrap();
        assert!(read(&path, digest).is_none());
    }

    #[test]
    fn the_library_makes_the_pinned_parameters() {
        for k in MIN_K..=9 {
            parameters(k, None).unwrap();
        }
        assert_eq!(make(7, pinned(8).unwrap(), None).err(), Some(ParametersError::NotPinned(7)));
    }

    #[test]
    fn a_cache_that_cannot_be_written_is_no_error() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        make(MIN_K, pinned(MIN_K).unwrap(), Some(&file.join("below"))).unwrap();
        assert_eq!(parameters(MAX_K + 1, None).err(), Some(ParametersError::OutOfRange(18)));
    }
}
