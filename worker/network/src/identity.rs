//! The node's key: an ed25519 key in a file that only its owner can read, made at the first start.

use crate::error::NetworkError;
use assay_package::atomic;
use libp2p::{PeerId, identity::Keypair};
use std::{fs, io, os::unix::fs::PermissionsExt, path::Path};

/// The permissions of the file.
const MODE: u32 = 0o600;

/// The key in the file, or a new one if there is no file.
///
/// The peer's identity follows from the key. The file holds libp2p's encoding of a private key.
pub(crate) fn load_or_create(path: &Path) -> Result<Keypair, NetworkError> {
    let encoded = match fs::read(path) {
        Ok(encoded) => encoded,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return create(path),
        Err(error) => return Err(NetworkError::of_file(path, error)),
    };
    let metadata = fs::metadata(path).map_err(|error| NetworkError::of_file(path, error))?;
    if metadata.permissions().mode() & 0o077 != 0 {
        return Err(NetworkError::KeyIsOpen { path: path.to_owned() });
    }
    let key = Keypair::from_protobuf_encoding(&encoded).ok();
    key.ok_or_else(|| NetworkError::Key { path: path.to_owned() })
}

/// The identity of the node whose key is in this file; `None` if there is no file.
pub fn peer_of_key(path: &Path) -> Result<Option<PeerId>, NetworkError> {
    match path.exists() {
        true => Ok(Some(load_or_create(path)?.public().to_peer_id())),
        false => Ok(None),
    }
}

fn create(path: &Path) -> Result<Keypair, NetworkError> {
    let key = Keypair::generate_ed25519();
    let encoded = key.to_protobuf_encoding();
    let encoded = encoded.map_err(|_| NetworkError::Key { path: path.to_owned() })?;
    atomic::replace(path, &encoded, MODE).map_err(|error| NetworkError::of_file(path, error))?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identity_survives_a_restart() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("key");
        assert_eq!(peer_of_key(&path).expect("there is no file"), None);
        let first = load_or_create(&path).expect("makes a key").public();
        assert_eq!(peer_of_key(&path).expect("reads the key"), Some(first.to_peer_id()));
        assert_eq!(load_or_create(&path).expect("reads the key").public(), first);
        assert_eq!(
            fs::metadata(&path).expect("is there").permissions().mode() & 0o777,
            MODE
        );
    }

    #[test]
    fn key_that_others_can_read_or_that_is_none_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("key");
        load_or_create(&path).expect("makes a key");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("sets");
        assert!(matches!(load_or_create(&path), Err(NetworkError::KeyIsOpen { .. })));
        atomic::replace(&path, b"no key", MODE).expect("writes");
        assert!(matches!(load_or_create(&path), Err(NetworkError::Key { .. })));
    }
}
