//! API keys: 256 random bits that only their holder has, and a hash of them that the gateway keeps.

use crate::money::Amount;
use serde::{Deserialize, Serialize};

/// Begins every key, so that people and scanners for leaked secrets know what it is.
const PREFIX: &str = "assay-";
/// Begins what is hashed, so that the hash is good for nothing else.
const DOMAIN: &[u8] = b"assay/gateway/api-key/1";
/// Bytes of a key's number.
const ID_BYTES: usize = 8;
/// Bytes of a key's secret.
const SECRET_BYTES: usize = 32;

/// A key as its holder has it: `assay-`, its number, `-`, its secret. It is shown once and not kept.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey {
    id: String,
    secret: [u8; SECRET_BYTES],
}

/// Hash of a key's secret; comparing two takes the same time wherever they differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyHash(blake2b_simd::Hash);

/// Limits of one key; a limit that is `None` is as the configuration says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyLimits {
    /// Maximum that it spends in a day, by UTC.
    pub daily_budget: Option<Amount>,
    /// Requests at a time.
    pub requests: Option<u32>,
    /// Tokens in a minute.
    pub tokens_per_minute: Option<u64>,
}

/// Record of a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRecord {
    /// The key's number.
    pub id: String,
    /// Name that its operator gave it.
    pub name: String,
    /// Hash of the secret, in hexadecimal.
    pub hash: String,
    /// When it was made, in seconds since 1970.
    pub created: u64,
    /// When it was revoked, in seconds since 1970.
    pub revoked: Option<u64>,
    /// Rest of its prepaid money; `None` if the operator pays for it.
    pub balance: Option<Amount>,
    /// Limits of the key.
    pub limits: KeyLimits,
}

impl ApiKey {
    /// A new key, from the system's source of randomness.
    pub fn generate() -> Result<Self, getrandom::Error> {
        let (mut id, mut secret) = ([0; ID_BYTES], [0; SECRET_BYTES]);
        getrandom::fill(&mut id)?;
        getrandom::fill(&mut secret)?;
        Ok(Self {
            id: hex::encode(id),
            secret,
        })
    }

    /// Reads a key; `None` if the text is none.
    pub fn parse(text: &str) -> Option<Self> {
        let (id, secret) = text.strip_prefix(PREFIX)?.split_once('-')?;
        let is_id = id.len() == 2 * ID_BYTES && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let mut bytes = [0; SECRET_BYTES];
        hex::decode_to_slice(secret, &mut bytes).ok()?;
        is_id.then(|| Self {
            id: id.to_owned(),
            secret: bytes,
        })
    }

    /// The key's number, which is no secret.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The key as its holder writes it.
    pub fn reveal(&self) -> String {
        format!("{PREFIX}{}-{}", self.id, hex::encode(self.secret))
    }

    /// The hash that is kept. A fast one is enough, since nobody guesses 256 bits.
    pub fn hash(&self) -> KeyHash {
        let mut state = blake2b_simd::Params::new().hash_length(32).to_state();
        KeyHash(
            state
                .update(DOMAIN)
                .update(self.id.as_bytes())
                .update(&self.secret)
                .finalize(),
        )
    }
}

impl std::fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ApiKey({}-…)", self.id)
    }
}

impl KeyHash {
    /// In hexadecimal.
    pub fn to_hex(self) -> String {
        hex::encode(self.0.as_bytes())
    }

    /// Whether it is the hash of this record's secret.
    pub fn is_of(self, record: &KeyRecord) -> bool {
        let mut bytes = [0; 32];
        hex::decode_to_slice(&record.hash, &mut bytes).is_ok() && self.0 == bytes[..]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(key: &ApiKey) -> KeyRecord {
        KeyRecord {
            id: key.id().to_owned(),
            name: String::new(),
            hash: key.hash().to_hex(),
            created: 0,
            revoked: None,
            balance: None,
            limits: KeyLimits::default(),
        }
    }

    #[test]
    fn a_key_is_read_as_it_was_written() {
        let key = ApiKey::generate().unwrap();
        let text = key.reveal();
        assert_eq!(ApiKey::parse(&text), Some(key.clone()));
        assert!(key.hash().is_of(&record(&key)));
        assert!(!format!("{key:?}").contains(&hex::encode(key.secret)));
    }

    #[test]
    fn another_secret_has_another_hash() {
        let key = ApiKey::generate().unwrap();
        let mut other = key.clone();
        other.secret[31] ^= 1;
        assert!(!other.hash().is_of(&record(&key)));
        let mut renamed = key.clone();
        renamed.id = ApiKey::generate().unwrap().id;
        assert!(!renamed.hash().is_of(&record(&key)));
        let mut damaged = record(&key);
        damaged.hash.truncate(62);
        assert!(!key.hash().is_of(&damaged));
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let text = ApiKey::generate().unwrap().reveal();
        for wrong in [
            "",
            "assay-",
            "sk-1234",
            &text[..text.len() - 1],
            &text[1..],
            &format!("{text}0"),
            "assay-é-é",
        ] {
            assert_eq!(ApiKey::parse(wrong), None, "{wrong}");
        }
        assert_eq!(ApiKey::parse(&text.to_uppercase()), None);
    }
}
