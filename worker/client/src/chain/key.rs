//! The key that an account signs with.

use super::types::AccountId;
use std::{fs, os::unix::fs::PermissionsExt, path::Path, str::FromStr};
use subxt_signer::{SecretUri, sr25519::Keypair};

/// A key pair. It is never printed; its account is.
#[derive(Clone)]
pub struct Key(Keypair);

/// Why a key could not be had.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// Neither a secret URI nor a file.
    #[error("`{0}` is neither a secret (a phrase, 0x… or //Name) nor a file that can be read")]
    NotAKey(String),
    /// Others may read the file.
    #[error("{path} can be read by other users (mode {mode:o}): run `chmod 600 {path}`")]
    OpenToOthers {
        /// The file.
        path: String,
        /// Its permission bits.
        mode: u32,
    },
    /// The file's content is not a secret.
    #[error("{path} does not hold a secret (a phrase, 0x… or //Name on one line)")]
    NotASecret {
        /// The file.
        path: String,
    },
}

impl Key {
    /// Takes a secret URI (`//Alice`, a phrase, 0x and 64 hex digits) or the path of a file that holds one.
    pub fn load(given: &str) -> Result<Self, KeyError> {
        let path = Path::new(given);
        if !path.is_file() {
            return Self::from_secret(given).ok_or_else(|| KeyError::NotAKey(redacted(given)));
        }
        let shown = path.display().to_string();
        let mode = fs::metadata(path)
            .map_err(|_| KeyError::NotAKey(shown.clone()))?
            .permissions()
            .mode()
            & 0o777;
        if mode & 0o077 != 0 {
            return Err(KeyError::OpenToOthers { path: shown, mode });
        }
        let secret = fs::read_to_string(path).map_err(|_| KeyError::NotAKey(shown.clone()))?;
        Self::from_secret(secret.trim()).ok_or(KeyError::NotASecret { path: shown })
    }

    fn from_secret(secret: &str) -> Option<Self> {
        let uri = SecretUri::from_str(secret).ok()?;
        Keypair::from_uri(&uri).ok().map(Self)
    }

    /// The account.
    pub fn account(&self) -> AccountId {
        AccountId::new(self.0.public_key().0)
    }

    pub(super) fn pair(&self) -> &Keypair {
        &self.0
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Key({})", self.account())
    }
}

/// What was given, unless it could be a secret with a typing error.
fn redacted(given: &str) -> String {
    if given.starts_with("//") || given.contains('/') {
        given.into()
    } else {
        "what was given".into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_development_key_gives_the_well_known_account() {
        let alice = Key::load("//Alice").expect("a secret").account();
        assert_eq!(alice.to_string(), "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY");
    }

    #[test]
    fn a_key_file_that_others_can_read_is_refused() {
        let directory = tempfile::tempdir().expect("temporary directory");
        let path = directory.path().join("key");
        fs::write(&path, "//Alice\n").expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("set");
        let given = path.display().to_string();
        assert!(matches!(Key::load(&given), Err(KeyError::OpenToOthers { .. })));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("set");
        assert!(Key::load(&given).is_ok());
    }

    #[test]
    fn a_mistyped_phrase_is_not_printed() {
        let error = Key::load("bottom drive obey lake").expect_err("not a key").to_string();
        assert!(!error.contains("bottom"));
    }
}
