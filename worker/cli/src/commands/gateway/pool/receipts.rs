//! The receipts of the latest answers, by their names.

use assay_session::Answer;
use codec::Encode;
use polkadot_sdk::sp_crypto_hashing::blake2_256;
use serde_json::{Value, json};
use std::collections::{HashMap, VecDeque};

/// Receipts that are remembered; those of older answers are in the journal of sessions alone, as far as they are due
/// for a check.
const MAX_REMEMBERED: usize = 4096;

/// Receipts by name, and their names in the order in which they came.
#[derive(Default)]
pub(super) struct Receipts {
    by_name: HashMap<String, Value>,
    names: VecDeque<String>,
}

impl Receipts {
    /// Remembers the receipt of an answer; gives its name.
    pub fn keep(&mut self, answer: &Answer) -> String {
        let said = &answer.receipt.message;
        let name = format!("session-{}-{}", said.session, said.sequence);
        let hex = |bytes: &[u8]| format!("0x{}", hex::encode(bytes));
        let value = json!({
            "session": said.session,
            "sequence": said.sequence,
            "worker": answer.worker.to_string(),
            "genesis": hex(&said.genesis.0),
            "model_root": hex(&said.model_root.0),
            "input_digest": hex(&said.input_digest.0),
            "output_digest": hex(&said.output_digest.0),
            "units": said.units,
            "owed": said.owed.to_string(),
            "block": said.block,
            "is_drawn_for_check": answer.is_drawn,
            // What `Sessions::challenge_receipt` takes.
            "signed": hex(&answer.receipt.encode()),
        });
        self.put(name.clone(), value);
        name
    }

    /// The name of these receipts together: their own if it is one, and else that of a list of their names.
    pub fn bundle(&mut self, names: Vec<String>) -> String {
        match <[String; 1]>::try_from(names) {
            Ok([name]) => name,
            Err(names) => {
                let name = format!("list-{}", hex::encode(blake2_256(&names.encode())));
                self.put(name.clone(), json!({ "receipts": names }));
                name
            }
        }
    }

    fn put(&mut self, name: String, value: Value) {
        if self.by_name.insert(name.clone(), value).is_none() {
            self.names.push_back(name);
        }
        while self.names.len() > MAX_REMEMBERED {
            if let Some(oldest) = self.names.pop_front() {
                self.by_name.remove(&oldest);
            }
        }
    }

    /// The receipt of this name.
    pub fn get(&self, name: &str) -> Option<Value> {
        self.by_name.get(name).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_receipts_are_forgotten_first() {
        let mut receipts = Receipts::default();
        for number in 0..=MAX_REMEMBERED {
            receipts.put(format!("session-1-{number}"), json!(number));
        }
        assert_eq!(receipts.get("session-1-0"), None);
        assert_eq!(receipts.get("session-1-1"), Some(json!(1)));
        receipts.put("session-1-1".into(), json!("again"));
        assert_eq!(receipts.get("session-1-1"), Some(json!("again")));
        assert_eq!(receipts.names.len(), MAX_REMEMBERED);
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
