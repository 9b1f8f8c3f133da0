//! The seed of the sample: drawn once, and kept, so that a restart looks at the same claims.
//!
//! Anybody who knows the seed knows which claims are not looked at, so no other user may read the file.

use crate::random;
use assay_package::atomic;
use std::{
    fs, io,
    path::{Path, PathBuf},
};

const FILE: &str = "watch-seed";

/// Why there is no seed.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// The file cannot be read or written.
    #[error("{path}: {source}; is data_dir on a disk with space that this user may write to?")]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The file holds something else.
    #[error("{path} does not hold a seed (64 hex digits): remove it, and another one is drawn")]
    Malformed {
        /// The file.
        path: PathBuf,
    },
}

/// Reads the seed, or draws it.
pub(super) fn load(data_dir: &Path) -> Result<[u8; 32], SeedError> {
    let path = data_dir.join(FILE);
    let io_error = |source| SeedError::Io {
        path: path.clone(),
        source,
    };
    match fs::read_to_string(&path) {
        Ok(text) => {
            let bytes = hex::decode(text.trim()).ok();
            let seed = bytes.and_then(|bytes| bytes.try_into().ok());
            seed.ok_or(SeedError::Malformed { path })
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => draw(&path).map_err(io_error),
        Err(error) => Err(io_error(error)),
    }
}

fn draw(path: &Path) -> io::Result<[u8; 32]> {
    let seed = random::bytes()?;
    // In one step, so that there is never half a seed.
    atomic::replace(path, format!("{}\n", hex::encode(seed)).as_bytes(), 0o600)?;
    Ok(seed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_seed_is_drawn_once_and_only_its_owner_reads_it() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let data_dir = folder.path().join("data");
        let seed = load(&data_dir).expect("drawn");
        assert_eq!(load(&data_dir).expect("read"), seed);
        let mode = fs::metadata(data_dir.join(FILE)).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_ne!(seed, [0; 32]);
    }

    #[test]
    fn what_is_no_seed_is_not_overwritten() {
        let folder = tempfile::tempdir().expect("temporary folder");
        fs::write(folder.path().join(FILE), "secret").expect("written");
        assert!(matches!(load(folder.path()), Err(SeedError::Malformed { .. })));
    }
}
