//! The key that an account signs with, and on which chains it may sign.

use super::types::{AccountId, H256};
use assay_types::JobId;
use codec::Encode;
use polkadot_sdk::sp_crypto_hashing::blake2_256;
use std::{
    fs,
    io::{self, Read},
    os::unix::fs::MetadataExt,
    path::Path,
    str::FromStr,
};
use subxt_signer::{DeriveJunction, SecretUri, sr25519::Keypair};

/// Maximum size of a key file.
const MAX_FILE_BYTES: u64 = 4096;
/// Public key of the development phrase, from which //Alice and the others are derived.
const DEVELOPMENT_ROOT: [u8; 32] = [
    0x46, 0xeb, 0xdd, 0xef, 0x8c, 0xd9, 0xbb, 0x16, 0x7d, 0xc3, 0x08, 0x78, 0xd7, 0x11, 0x3b, 0x7e, 0x16, 0x8e, 0x6f,
    0x06, 0x46, 0xbe, 0xff, 0xd7, 0x7d, 0x69, 0xd3, 0x9b, 0xad, 0x76, 0xb4, 0x7a,
];

/// A key pair. It is never printed; its account is.
#[derive(Clone)]
pub struct Key {
    pair: Keypair,
    exposure: Exposure,
}

/// Domain of what the salts of an account's commitments are derived from.
const SALT_DOMAIN: &[u8; 16] = b"assay/salt/1\0\0\0\0";

/// Domain of what an account's keys of sessions are derived from.
const RECEIPT_DOMAIN: &[u8; 16] = b"assay/receipts/1";
const VOUCHER_DOMAIN: &[u8; 16] = b"assay/vouchers/1";

/// The salts of an account's commitments on one chain. They follow from the key, so nothing is kept that could be lost.
/// They are never printed: whoever knows a salt can try which trace was committed to.
#[derive(Clone)]
pub struct Salts([u8; 32]);

impl Salts {
    /// The salt of a challenge of this job's claim.
    pub fn of(&self, job: JobId) -> [u8; 32] {
        blake2_256(&(SALT_DOMAIN, self.0, job).encode())
    }
}

/// Those who can know a secret beside its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Exposure {
    /// Nobody: it is in a file that only its owner can read.
    Private,
    /// Other users of the machine: it was given as text, which lists of processes and shells' histories show.
    InTheClear,
    /// Everybody: it is derived from the development phrase.
    WellKnown,
}

/// Why a key could not be had, or may not sign. No variant holds a part of a secret.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// Nothing was given.
    #[error("is empty: give the path of a key file, or a secret such as //Alice on a development chain")]
    Empty,
    /// Neither a secret nor a file.
    #[error(
        "{what} is neither a file that can be read nor a secret (a phrase, 0x and 64 digits, or //Name); a secret that \
         was mistyped is not repeated here"
    )]
    NotAKey {
        /// The path, if it is certain that it is one.
        what: String,
    },
    /// The system does not let the file be read.
    #[error("{path} cannot be read: {reason}")]
    Unreadable {
        /// The file.
        path: String,
        /// The system's error.
        reason: String,
    },
    /// Others may read or change the file.
    #[error("{path} is open to other users (mode {mode:o}): run `chmod 600 {}`", quoted(.path))]
    OpenToOthers {
        /// The file.
        path: String,
        /// Its permission bits.
        mode: u32,
    },
    /// The file is another user's.
    #[error("{path} belongs to the user {owner}, and this program runs as {user}: run `chown {user} {}`", quoted(.path))]
    OtherOwner {
        /// The file.
        path: String,
        /// Whose it is.
        owner: u32,
        /// As whom this program runs.
        user: u32,
    },
    /// The file has no content.
    #[error("{path} is empty: write the secret into it, on one line")]
    EmptyFile {
        /// The file.
        path: String,
    },
    /// The file may hold several secrets.
    #[error("{path} has {lines} lines: a key file holds one secret on one line")]
    SeveralLines {
        /// The file.
        path: String,
        /// Number of its lines.
        lines: usize,
    },
    /// The file's content is not a secret.
    #[error("{path} does not hold a secret: a phrase, 0x and 64 digits, or //Name, on one line")]
    NotASecret {
        /// The file.
        path: String,
    },
    /// The secret was given as text, and the chain's money is real.
    #[error(
        "the secret of {account} was given in the clear, on the command line, in the environment or in the \
         configuration, and the chain is not a development chain: write it into a file, run `chmod 600` on the file, \
         and give the file's path"
    )]
    InTheClear {
        /// The account.
        account: AccountId,
    },
    /// The secret is one that everybody knows, and the chain's money is real.
    #[error(
        "everybody knows the secret of {account}, and the chain is not a development chain: make a key of your own"
    )]
    WellKnown {
        /// The account.
        account: AccountId,
    },
}

impl Key {
    /// Takes the path of a file that holds a secret, or a secret: a phrase, 0x and 64 hex digits, or `//Alice`.
    pub fn load(given: &str) -> Result<Self, KeyError> {
        let secret = given.trim();
        if secret.is_empty() {
            return Err(KeyError::Empty);
        }
        let path = Path::new(given);
        if path.is_file() {
            return Self::from_file(path);
        }
        Self::from_secret(secret, Exposure::InTheClear).ok_or_else(|| KeyError::NotAKey { what: shown(given) })
    }

    fn from_file(file: &Path) -> Result<Self, KeyError> {
        let path = file.display().to_string();
        let unreadable = |error: io::Error| KeyError::Unreadable {
            path: path.clone(),
            reason: error.to_string(),
        };
        let about = fs::metadata(file).map_err(unreadable)?;
        ensure_private(&path, about.mode(), about.uid(), rustix::process::geteuid().as_raw())?;
        let mut content = Vec::new();
        let opened = fs::File::open(file).map_err(unreadable)?;
        opened
            .take(MAX_FILE_BYTES)
            .read_to_end(&mut content)
            .map_err(unreadable)?;
        let Ok(content) = String::from_utf8(content) else {
            return Err(KeyError::NotASecret { path });
        };
        // Editors of some systems put a mark before the text, and end lines in two characters.
        let secret = content.trim_start_matches('\u{feff}').trim();
        match secret.lines().count() {
            0 => Err(KeyError::EmptyFile { path }),
            1 => Self::from_secret(secret, Exposure::Private).ok_or(KeyError::NotASecret { path }),
            lines => Err(KeyError::SeveralLines { path, lines }),
        }
    }

    fn from_secret(secret: &str, exposure: Exposure) -> Option<Self> {
        // A secret without a phrase is read as one with the development phrase, and so would be every mistyped path.
        let has_phrase = !secret.starts_with('/');
        if secret.contains(char::is_control) || !(has_phrase || is_development_name(secret)) {
            return None;
        }
        let mut uri = SecretUri::from_str(secret).ok()?;
        let junctions = std::mem::take(&mut uri.junctions);
        let root = Keypair::from_uri(&uri).ok()?;
        let exposure = match root.public_key().0 {
            DEVELOPMENT_ROOT => Exposure::WellKnown,
            _ => exposure,
        };
        let pair = root.derive(junctions);
        Some(Self { pair, exposure })
    }

    /// The account.
    pub fn account(&self) -> AccountId {
        AccountId::new(self.pair.public_key().0)
    }

    /// Refuses a secret that others know or can see, unless nothing on the chain is worth anything.
    pub(super) fn ensure_fit(&self, is_development: bool) -> Result<(), KeyError> {
        let account = self.account();
        match self.exposure {
            _ if is_development => Ok(()),
            Exposure::Private => Ok(()),
            Exposure::InTheClear => Err(KeyError::InTheClear { account }),
            Exposure::WellKnown => Err(KeyError::WellKnown { account }),
        }
    }

    /// The salts of this account's commitments on the chain with this first block.
    pub fn salts(&self, genesis: H256) -> Salts {
        Salts(self.derived(SALT_DOMAIN, genesis))
    }

    /// The secret seed of the key that signs the receipts of this account's sessions, on the chain with this first
    /// block. It follows from the key, so nothing is kept that could be lost, and tells nothing of it.
    pub fn receipt_seed(&self, genesis: H256) -> [u8; 32] {
        blake2_256(&(RECEIPT_DOMAIN, self.derived(RECEIPT_DOMAIN, genesis)).encode())
    }

    /// The secret seed of the key that signs requests and vouchers in the sessions that this account opens, as
    /// [`Self::receipt_seed`].
    pub fn voucher_seed(&self, genesis: H256) -> [u8; 32] {
        blake2_256(&(VOUCHER_DOMAIN, self.derived(VOUCHER_DOMAIN, genesis)).encode())
    }

    /// A secret of this domain and chain: the public key of a hard derivation is known only to who has the key.
    fn derived(&self, domain: &[u8; 16], genesis: H256) -> [u8; 32] {
        let junctions = [
            DeriveJunction::Hard(blake2_256(domain)),
            DeriveJunction::Hard(genesis.0),
        ];
        self.pair.derive(junctions).public_key().0
    }

    pub(super) fn pair(&self) -> &Keypair {
        &self.pair
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Key({})", self.account())
    }
}

/// Refuses a file that other users can read or change.
fn ensure_private(path: &str, mode: u32, owner: u32, user: u32) -> Result<(), KeyError> {
    let (path, mode) = (path.to_owned(), mode & 0o777);
    if owner != user {
        return Err(KeyError::OtherOwner { path, owner, user });
    }
    if mode & 0o077 != 0 {
        return Err(KeyError::OpenToOthers { path, mode });
    }
    Ok(())
}

/// Whether a secret is `//Name` or `//Name//Other`, and nothing that could be a mistyped path.
fn is_development_name(secret: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    secret.strip_prefix("//").is_some_and(|names| {
        let mut names = names.split("//");
        names.all(|name| !name.is_empty() && name.chars().all(is_plain))
    })
}

/// The argument, if it can only be a path. Everything else could be a secret with a typing error.
fn shown(given: &str) -> String {
    let is_path = ["/", "./", "../", "~/"].iter().any(|start| given.starts_with(start));
    if is_path && !given.contains("//") && !given.contains(char::is_whitespace) {
        format!("`{given}`")
    } else {
        "what was given".to_owned()
    }
}

/// A path as a shell takes it.
fn quoted(path: &str) -> String {
    if path.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c)) {
        path.to_owned()
    } else {
        format!("'{}'", path.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    /// A phrase of BIP-39's test vectors.
    const PHRASE: &str = "legal winner thank year wave sausage worth useful legal winner thank yellow";
    const DEVELOPMENT_PHRASE: &str = "bottom drive obey lake curtain smoke basket hold race lonely fit walk";

    fn file(content: &str) -> (tempfile::TempDir, String) {
        let directory = tempfile::tempdir().expect("temporary directory");
        let path = directory.path().join("key");
        fs::write(&path, content).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("set");
        let given = path.display().to_string();
        (directory, given)
    }

    fn from_file(content: &str) -> Result<Key, KeyError> {
        let (_directory, given) = file(content);
        Key::load(&given)
    }

    #[test]
    fn a_development_key_gives_the_well_known_account() {
        let alice = Key::load("//Alice").expect("a secret").account();
        assert_eq!(alice.to_string(), "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY");
    }

    #[test]
    fn an_empty_key_is_refused() {
        for given in ["", " ", "\n"] {
            assert!(matches!(Key::load(given), Err(KeyError::Empty)), "{given:?}");
            assert!(matches!(from_file(given), Err(KeyError::EmptyFile { .. })), "{given:?}");
        }
    }

    #[test]
    fn a_mistyped_path_is_no_secret() {
        for given in [
            "/etc/assay/worker.key",
            "/no/such/key",
            "///password",
            "//no/such//key",
            "//Alice/soft",
        ] {
            assert!(matches!(Key::load(given), Err(KeyError::NotAKey { .. })), "{given}");
        }
        let error = Key::load("/etc/assay/wroker.key")
            .expect_err("no such file")
            .to_string();
        assert!(error.contains("/etc/assay/wroker.key"), "{error}");
    }

    #[test]
    fn a_key_file_that_others_can_read_is_refused() {
        let (_directory, given) = file("//Alice\n");
        for mode in [0o644, 0o640, 0o604, 0o620, 0o777] {
            fs::set_permissions(&given, fs::Permissions::from_mode(mode)).expect("set");
            let error = Key::load(&given).expect_err("open to others").to_string();
            assert!(error.contains(&format!("chmod 600 {given}")), "{error}");
        }
        fs::set_permissions(&given, fs::Permissions::from_mode(0o400)).expect("set");
        assert!(Key::load(&given).is_ok());
    }

    #[test]
    fn a_key_file_of_another_user_is_refused() {
        assert!(ensure_private("key", 0o100_600, 7, 7).is_ok());
        let error = ensure_private("my key", 0o100_600, 0, 7)
            .expect_err("of root")
            .to_string();
        assert!(error.contains("chown 7 'my key'"), "{error}");
    }

    #[test]
    fn a_key_file_holds_one_line_however_it_ends() {
        let account = Key::load(PHRASE).expect("a phrase").account();
        for content in ["{}", "{}\n", "{}\r\n", "\u{feff}{}\r\n", "{}\n\n"] {
            let key = from_file(&content.replace("{}", PHRASE)).expect(content);
            assert_eq!(key.account(), account, "{content:?}");
        }
        for content in ["//Alice\n//Bob\n", "//Alice\r\n//Bob", "//Alice\n\n//Bob\n"] {
            let error = from_file(content).expect_err("two secrets").to_string();
            let lines = content.trim().lines().count();
            assert!(error.contains(&format!("has {lines} lines")), "{error}");
        }
        assert!(matches!(from_file("//Alice\r//Bob"), Err(KeyError::NotASecret { .. })));
    }

    #[test]
    fn a_mistyped_secret_is_not_printed() {
        let typed = [
            "bottom drive obey lake",
            "bottom drive obey lake//path",
            "bottom drive obey lake//path///password",
            "bottom/drive/obey/lake",
            "/bottom drive obey lake",
            "./bottom//path",
            "0xbottom//path",
            "bottom.drive.obey.lake",
        ];
        for typed in typed {
            let errors = [Key::load(typed), from_file(typed)].map(|key| key.expect_err(typed));
            for error in errors {
                let printed = format!("{error} {error:?}");
                assert!(
                    !printed.contains("bottom") && !printed.contains("password"),
                    "{printed}"
                );
            }
        }
    }

    #[test]
    fn only_a_private_key_of_its_own_signs_where_money_is_real() {
        let private = from_file(PHRASE).expect("a phrase");
        let derived = from_file(&format!("{PHRASE}//stash///password")).expect("a phrase");
        let clear = Key::load(PHRASE).expect("a phrase");
        let known = [
            Key::load("//Alice").expect("a name"),
            Key::load(&format!("{DEVELOPMENT_PHRASE}//Mine")).expect("a phrase"),
            from_file("//Alice//stash").expect("a name"),
            from_file(DEVELOPMENT_PHRASE).expect("a phrase"),
        ];
        for key in [&private, &derived, &clear].into_iter().chain(&known) {
            assert!(key.ensure_fit(true).is_ok());
        }
        assert!(private.ensure_fit(false).is_ok() && derived.ensure_fit(false).is_ok());
        assert!(matches!(clear.ensure_fit(false), Err(KeyError::InTheClear { .. })));
        for key in &known {
            assert!(matches!(key.ensure_fit(false), Err(KeyError::WellKnown { .. })));
        }
    }

    #[test]
    fn salts_follow_from_key_chain_and_job_and_from_nothing_else() {
        let alice = || Key::load("//Alice").expect("a name");
        let salt = |key: Key, genesis, job| key.salts(H256::repeat_byte(genesis)).of(job);
        assert_eq!(salt(alice(), 1, 7), salt(alice(), 1, 7));
        let bob = Key::load("//Bob").expect("a name");
        let others = [salt(bob, 1, 7), salt(alice(), 2, 7), salt(alice(), 1, 8)];
        assert!(!others.contains(&salt(alice(), 1, 7)));
    }

    #[test]
    fn the_keys_of_sessions_follow_from_key_and_chain_and_from_nothing_else() {
        let seed = |name, genesis| {
            let key = Key::load(name).expect("a name");
            key.receipt_seed(H256::repeat_byte(genesis))
        };
        assert_eq!(seed("//Alice", 1), seed("//Alice", 1));
        assert_ne!(seed("//Alice", 1), seed("//Bob", 1));
        assert_ne!(seed("//Alice", 1), seed("//Alice", 2));
        let alice = Key::load("//Alice").expect("a name");
        let genesis = H256::repeat_byte(1);
        assert_ne!(alice.voucher_seed(genesis), alice.receipt_seed(genesis));
    }
}
