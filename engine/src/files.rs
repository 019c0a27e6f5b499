//! Reading and writing files: written beside and renamed, so that a file is old or new and never
//! half; read with a bound, so that a wrong path can't fill the memory.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// Why a file could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The file can't be read.
    #[error("{path}: can't be read: {reason}", path = .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        reason: io::Error,
    },
    /// The file is larger than what it could be.
    #[error(
        "{path}: has more than {most_bytes} bytes, which is more than {what} can have",
        path = .path.display()
    )]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The bound.
        most_bytes: u64,
        /// What was expected in it.
        what: &'static str,
    },
    /// No space is left.
    #[error(
        "{path}: no space is left there to write {bytes} bytes; free some, or choose another place",
        path = .path.display()
    )]
    NoSpace {
        /// The file.
        path: PathBuf,
        /// How much was to be written.
        bytes: usize,
    },
    /// The file can't be written.
    #[error("{path}: can't be written: {reason}", path = .path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        reason: io::Error,
    },
}

/// Who may read a file that is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Whoever the user's settings allow.
    Usual,
    /// The user alone.
    Private,
}

/// Reads a whole file that `what` may be, up to `most_bytes`.
///
/// # Errors
/// Where it can't be read, or is larger.
pub fn read(path: &Path, most_bytes: u64, what: &'static str) -> Result<Vec<u8>, FileError> {
    let failed = |reason| FileError::Read { path: path.to_owned(), reason };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(failed)?;
    // One byte more tells a file of just that size from a larger one, also where the file is a
    // device or grows meanwhile.
    file.take(most_bytes.saturating_add(1)).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > most_bytes {
        return Err(FileError::TooLarge { path: path.to_owned(), most_bytes, what });
    }
    Ok(bytes)
}

/// Writes a whole file: beside its place first, then renamed into it.
///
/// # Errors
/// Where it can't be written; what was there before stays.
pub fn write(path: &Path, bytes: &[u8], access: Access) -> Result<(), FileError> {
    write_inner(path, bytes, access).map_err(|reason| {
        if matches!(reason.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) {
            FileError::NoSpace { path: path.to_owned(), bytes: bytes.len() }
        } else {
            FileError::Write { path: path.to_owned(), reason }
        }
    })
}

fn write_inner(path: &Path, bytes: &[u8], access: Access) -> io::Result<()> {
    // A link stays a link: what it points to is replaced.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    if fs::metadata(&target).is_ok_and(|found| !found.is_file() && !found.is_dir()) {
        // A device or a pipe is written to; renaming over it would destroy it.
        return fs::OpenOptions::new().write(true).open(&target)?.write_all(bytes);
    }
    let folder = match target.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    builder.prefix(".microtome-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // The user's umask still takes its bits away from what is asked for here.
        let mode = match access {
            Access::Usual => 0o666,
            Access::Private => 0o600,
        };
        builder.permissions(fs::Permissions::from_mode(mode));
    }
    #[cfg(not(unix))]
    let _ = access;
    let mut file = builder.tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(&target).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_and_a_long_one_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        write(&path, b"one", Access::Usual).unwrap();
        write(&path, b"three", Access::Usual).unwrap();
        assert_eq!(read(&path, 5, "a test").unwrap(), b"three");
        assert!(matches!(read(&path, 4, "a test"), Err(FileError::TooLarge { .. })));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_named() {
        let error = write(Path::new("/dev/full"), b"x", Access::Usual).unwrap_err();
        assert!(matches!(error, FileError::NoSpace { .. }), "{error}");
        assert!(!fs::metadata("/dev/full").unwrap().is_file());
    }

    #[cfg(unix)]
    #[test]
    fn secrets_are_for_the_user_alone() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secrets");
        write(&path, b"x", Access::Private).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
