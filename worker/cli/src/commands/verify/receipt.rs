//! Receipts as files and gateways give them: signed bytes, the request, and the answer, in JSON.

use assay_client::chain::{AccountId, H256};
use assay_session::{SignedReceipt, request::CheckedRequest};
use assay_types::SessionKey;
use codec::{DecodeAll, Encode};
use serde_json::{Map, Value, json};

/// Maximum number of receipts of one file.
const MAX_RECEIPTS: usize = 4096;

/// A receipt, and what it is about as far as that is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::commands) struct Told {
    /// The receipt.
    pub signed: SignedReceipt,
    /// The worker's account, as the file tells it.
    pub worker: String,
    /// The key that is said to have signed it.
    pub key: Option<SessionKey>,
    /// Values of the model's symbols that the request declared.
    pub symbols: Option<Vec<u32>>,
    /// The bytes of the inputs that the client gave.
    pub input: Option<Vec<u8>>,
    /// The bytes of the answer: all outputs, or the sequence of a generation.
    pub output: Option<Vec<u8>>,
    /// The fields that repeat what is signed.
    repeated: Map<String, Value>,
}

/// Why JSON is no receipt, with the field and the way out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(in crate::commands) struct NoReceipt(String);

/// The JSON of a receipt: what is signed, who signed it, the request and the answer.
pub(in crate::commands) fn written(
    signed: &SignedReceipt,
    (worker, key): (&AccountId, Option<&SessionKey>),
    request: &CheckedRequest,
    output: &[u8],
) -> Value {
    let mut fields = repeated(signed);
    let mut put = |name: &str, value: Value| fields.insert(name.to_owned(), value);
    put("worker", json!(worker.to_string()));
    if let Some(key) = key {
        put("worker_key", json!(hexadecimal(&key.encode())));
    }
    put("symbols", json!(request.symbols));
    put("input", json!(hexadecimal(&request.bytes)));
    put("output", json!(hexadecimal(output)));
    // As `Sessions::challenge_receipt` takes it.
    put("signed", json!(hexadecimal(&signed.encode())));
    Value::Object(fields)
}

/// The receipts of a JSON value: one, a list of them, or an answer of JSON-RPC that has them.
pub(in crate::commands) fn read(value: &Value) -> Result<Vec<Told>, NoReceipt> {
    match value {
        Value::Array(items) if items.len() > MAX_RECEIPTS => Err(NoReceipt(format!(
            "there are more than {MAX_RECEIPTS} receipts: cut the list"
        ))),
        Value::Array(items) if items.is_empty() => Err(NoReceipt("the list has no receipt".to_owned())),
        Value::Array(items) => items.iter().map(read_one).collect(),
        Value::Object(fields) => match fields.get("result") {
            Some(result) if result.is_object() => Ok(vec![read_one(result)?]),
            _ => Ok(vec![read_one(value)?]),
        },
        _ => Err(NoReceipt(
            "a receipt is an object, as `assay_receipt` of a gateway gives it".to_owned(),
        )),
    }
}

fn read_one(value: &Value) -> Result<Told, NoReceipt> {
    let fields = value
        .as_object()
        .ok_or_else(|| NoReceipt("a receipt is an object".to_owned()))?;
    if fields.contains_key("runs") || fields.contains_key("receipts") {
        let reason = "this names receipts and has none: ask the gateway for each by `assay_receipt`";
        return Err(NoReceipt(reason.to_owned()));
    }
    if fields.contains_key("job") {
        let reason =
            "the receipt of a job is its claim on chain: `assay-worker results JOB` holds the output against it";
        return Err(NoReceipt(reason.to_owned()));
    }
    let signed = bytes(fields, "signed")?;
    let signed = signed.ok_or_else(|| NoReceipt("`signed` is missing: it is what the worker signed".to_owned()))?;
    let invalid = |_| NoReceipt("`signed` is no receipt and signature in SCALE".to_owned());
    let signed = SignedReceipt::decode_all(&mut signed.as_slice()).map_err(invalid)?;
    let key = bytes(fields, "worker_key")?.map(|key| {
        let invalid = |_| NoReceipt("`worker_key` is no key of a session in SCALE".to_owned());
        SessionKey::decode_all(&mut key.as_slice()).map_err(invalid)
    });
    let symbols = fields.get("symbols").map(|symbols| {
        let invalid = |_| NoReceipt("`symbols` must be a list of integers from 0 to 2^32 - 1".to_owned());
        serde_json::from_value(symbols.clone()).map_err(invalid)
    });
    Ok(Told {
        worker: fields
            .get("worker")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned(),
        key: key.transpose()?,
        symbols: symbols.transpose()?,
        input: bytes(fields, "input")?,
        output: bytes(fields, "output")?,
        repeated: fields.clone(),
        signed,
    })
}

impl Told {
    /// The first field that repeats what is signed and says something else.
    pub fn misquoted(&self) -> Option<String> {
        let signed = repeated(&self.signed);
        let mut fields = signed.into_iter();
        let differs = |name: &String, value: &Value| self.repeated.get(name).is_some_and(|told| told != value);
        fields.find(|(name, value)| differs(name, value)).map(|(name, _)| name)
    }
}

/// The signed values, in words.
fn repeated(signed: &SignedReceipt) -> Map<String, Value> {
    let said = &signed.message;
    let hash = |hash: H256| json!(hexadecimal(&hash.0));
    let fields = [
        ("session", json!(said.session)),
        ("sequence", json!(said.sequence)),
        ("genesis", hash(said.genesis)),
        ("model_root", hash(said.model_root)),
        ("input_digest", hash(said.input_digest)),
        ("output_digest", hash(said.output_digest)),
        ("units", json!(said.units)),
        ("owed", json!(said.owed.to_string())),
        ("block", json!(said.block)),
    ];
    fields
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

fn hexadecimal(bytes: &[u8]) -> String {
    format!("0x{}", hex::encode(bytes))
}

/// Bytes in hexadecimal; `None` if the field is not there.
fn bytes(fields: &Map<String, Value>, name: &str) -> Result<Option<Vec<u8>>, NoReceipt> {
    let Some(value) = fields.get(name) else { return Ok(None) };
    let invalid = || NoReceipt(format!("`{name}` must be bytes in hexadecimal, after 0x"));
    let text = value
        .as_str()
        .and_then(|text| text.strip_prefix("0x"))
        .ok_or_else(invalid)?;
    hex::decode(text).map(Some).map_err(|_| invalid())
}
