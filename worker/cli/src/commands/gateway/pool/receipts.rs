//! The receipts of the latest answers, by their names.

use crate::commands::verify::written;
use assay_session::{Answer, request::CheckedRequest};
use assay_types::{SessionId, SessionKey};
use codec::Encode;
use polkadot_sdk::sp_crypto_hashing::blake2_256;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap, VecDeque};

/// Receipts that are remembered; those of older answers are in the journal of sessions alone, as far as they are due
/// for a check.
const MAX_REMEMBERED: usize = 4096;
/// Maximum number of bytes that they take together, with their requests and answers in hexadecimal.
const MAX_BYTES: usize = 64 << 20;
/// Bytes of a receipt beside its request and its answer, roughly.
const OVERHEAD: usize = 1024;
/// Sessions whose keys are remembered.
const MAX_KEYS: usize = 256;

/// Receipts by name, and their names in the order in which they came.
#[derive(Default)]
pub(super) struct Receipts {
    by_name: HashMap<String, (Value, usize)>,
    names: VecDeque<String>,
    /// Sum of what they take.
    bytes: usize,
    /// Keys of the latest sessions.
    keys: BTreeMap<SessionId, SessionKey>,
}

impl Receipts {
    /// Remembers the receipt of an answer to this request, with the bytes that answer it; gives its name. Nobody can
    /// guess the name who has not seen the receipt, since it has a hash of the signature.
    pub fn keep(&mut self, answer: &Answer, request: &CheckedRequest, output: &[u8]) -> String {
        let said = &answer.receipt.message;
        let hash = blake2_256(&answer.receipt.encode());
        let name = format!(
            "session-{}-{}-{}",
            said.session,
            said.sequence,
            hex::encode(&hash[..16])
        );
        let key = self.keys.get(&said.session);
        let mut value = written(&answer.receipt, (&answer.worker, key), request, output);
        value["is_drawn_for_check"] = json!(answer.is_drawn);
        self.put(name.clone(), value, OVERHEAD + 2 * (request.bytes.len() + output.len()));
        name
    }

    /// The key that signs the receipts of a session, as far as it is remembered.
    pub fn key(&self, session: SessionId) -> Option<&SessionKey> {
        self.keys.get(&session)
    }

    /// Remembers the key that signs the receipts of a session.
    pub fn keep_key(&mut self, session: SessionId, key: SessionKey) {
        self.keys.insert(session, key);
        while self.keys.len() > MAX_KEYS {
            self.keys.pop_first();
        }
    }

    /// The name of these receipts together: their own if it is one, and else that of a list of their names.
    pub fn bundle(&mut self, names: Vec<String>) -> String {
        match <[String; 1]>::try_from(names) {
            Ok([name]) => name,
            Err(names) => {
                let name = format!("list-{}", hex::encode(blake2_256(&names.encode())));
                let bytes = names.iter().map(String::len).sum::<usize>();
                self.put(name.clone(), json!({ "receipts": names }), OVERHEAD + bytes);
                name
            }
        }
    }

    fn put(&mut self, name: String, value: Value, bytes: usize) {
        if let Some((_, old)) = self.by_name.insert(name.clone(), (value, bytes)) {
            self.bytes -= old;
        } else {
            self.names.push_back(name);
        }
        self.bytes += bytes;
        while self.names.len() > MAX_REMEMBERED || self.bytes > MAX_BYTES {
            let Some(oldest) = self.names.pop_front() else { return };
            if let Some((_, old)) = self.by_name.remove(&oldest) {
                self.bytes -= old;
            }
        }
    }

    /// The receipt of this name.
    pub fn get(&self, name: &str) -> Option<Value> {
        self.by_name.get(name).map(|(value, _)| value.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_session::SessionPair;

    #[test]
    fn the_oldest_receipts_are_forgotten_first() {
        let mut receipts = Receipts::default();
        for number in 0..=MAX_REMEMBERED {
            receipts.put(format!("session-1-{number}"), json!(number), 1);
        }
        assert_eq!(receipts.get("session-1-0"), None);
        assert_eq!(receipts.get("session-1-1"), Some(json!(1)));
        receipts.put("session-1-1".into(), json!("again"), 1);
        assert_eq!(receipts.get("session-1-1"), Some(json!("again")));
        assert_eq!(receipts.names.len(), MAX_REMEMBERED);
    }

    #[test]
    fn large_receipts_are_fewer() {
        let mut receipts = Receipts::default();
        for number in 0..5 {
            receipts.put(number.to_string(), json!(number), MAX_BYTES / 4);
        }
        assert_eq!(receipts.get("0"), None);
        assert_eq!(receipts.get("1"), Some(json!(1)));
        assert_eq!(receipts.bytes, MAX_BYTES);
        receipts.put("4".into(), json!("small"), 1);
        assert_eq!((receipts.names.len(), receipts.bytes), (4, MAX_BYTES / 4 * 3 + 1));
    }

    #[test]
    fn keys_of_the_latest_sessions_are_remembered() {
        let mut receipts = Receipts::default();
        let key = SessionPair::ed25519(&[1; 32]).public();
        for session in 0..=MAX_KEYS as u64 {
            receipts.keep_key(session, key.clone());
        }
        assert_eq!(receipts.key(0), None);
        assert_eq!(receipts.key(MAX_KEYS as u64), Some(&key));
    }

    #[test]
    fn several_receipts_have_a_name_together_and_one_has_its_own() {
        let mut receipts = Receipts::default();
        assert_eq!(receipts.bundle(vec!["one".to_owned()]), "one");
        let names = ["one".to_owned(), "two".to_owned()];
        let list = receipts.bundle(names.to_vec());
        assert!(list.starts_with("list-"), "{list}");
        assert_eq!(receipts.get(&list), Some(json!({ "receipts": names })));
    }
}
