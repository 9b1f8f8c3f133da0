//! Lists of tensors by their digests: each tensor with its type and shape, so that a list is read without knowing the
//! values of its model's symbols. A challenger of a receipt has its request so, in its folder of inputs; a worker finds
//! the requests that it has signed for in its journal.
//!
//! A file is named `<hex list digest>.tensors`, and is the list in SCALE: `Vec<(DataType, Vec<u32>, Vec<u8>)>`.

use super::{Found, Sources};
use assay_client::chain::H256;
use assay_ops::tensor::{DataType, Tensor, tensors_digest};
use assay_types::{ModelParts, SessionId, dispute::Committed, payload::lengths};
use codec::{DecodeAll, Encode};
use futures::future::BoxFuture;
use std::{fmt::Debug, io};

/// Bytes of a list that is fetched from the network: those of a request of any session.
const MAX_FETCHED_BYTES: u64 = 256 << 20;
/// Ending of the file of a list.
const ENDING: &str = "tensors";

/// A request, by its session and its number in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestId {
    /// The session.
    pub session: SessionId,
    /// Number of the request.
    pub sequence: u32,
}

/// Where a worker has the requests that it has signed receipts for.
pub trait KeptRequests: Debug + Send + Sync {
    /// Operands that an execution takes of a request: the inputs that the client gave and, of a generation, the
    /// sequence. `None` if it is not kept, or has other inputs than those that are committed to.
    fn find<'a>(
        &'a self,
        request: RequestId,
        committed: &'a Committed,
        parts: &'a ModelParts,
    ) -> BoxFuture<'a, Result<Option<Vec<Tensor>>, String>>;
}

/// The name of the file of a list.
pub fn file_name(digest: H256) -> String {
    format!("{}.{ENDING}", hex::encode(digest))
}

/// A list as it is kept.
pub fn encode(tensors: &[Tensor]) -> Vec<u8> {
    let parts = tensors.iter();
    let parts = parts.map(|tensor| (tensor.dtype(), tensor.shape(), tensor.bytes()));
    parts.collect::<Vec<_>>().encode()
}

/// Reads a list, which must have this digest.
pub fn decode(digest: H256, bytes: &[u8]) -> Result<Vec<Tensor>, String> {
    type Parts = Vec<(DataType, Vec<u32>, Vec<u8>)>;
    let damaged = || format!("the tensors 0x{} are damaged where they are kept", hex::encode(digest));
    let parts = Parts::decode_all(&mut &*bytes).map_err(|_| damaged())?;
    let tensors = parts.into_iter();
    let tensors = tensors.map(|(dtype, shape, bytes)| Tensor::new(dtype, shape, bytes).map_err(|_| damaged()));
    let tensors = tensors.collect::<Result<Vec<_>, _>>()?;
    match H256(tensors_digest(&tensors)) == digest {
        true => Ok(tensors),
        false => Err(damaged()),
    }
}

/// Gets what an execution takes of a request whose receipt is disputed: the inputs that the client gave and, of a
/// generation, the sequence, which is the first of its outputs. Nothing of a request is on chain.
pub async fn find_request(request: RequestId, committed: &Committed, parts: &ModelParts, sources: &Sources) -> Found {
    let mut kept_badly = None;
    if let Some(requests) = &sources.requests {
        match requests.find(request, committed, parts).await {
            Ok(Some(tensors)) => return Found::Input(tensors),
            Ok(None) => {}
            Err(reason) => kept_badly = Some(reason),
        }
    }
    match lists_of(committed, parts, sources).await {
        Ok(tensors) => Found::Input(tensors),
        // What is wrong with what is here says more than that it is nowhere else.
        Err(reason) => Found::Impossible(kept_badly.unwrap_or(reason)),
    }
}

async fn lists_of(committed: &Committed, parts: &ModelParts, sources: &Sources) -> Result<Vec<Tensor>, String> {
    let mut tensors = list(committed.input_digest, sources).await?;
    if lengths(parts).is_some() {
        let outputs = list(committed.output_digest, sources).await?;
        tensors.extend(outputs.into_iter().take(1));
    }
    Ok(tensors)
}

/// The list of this digest, from the folder or the network, or why there is none.
async fn list(digest: H256, sources: &Sources) -> Result<Vec<Tensor>, String> {
    let path = sources.folder.join(file_name(digest));
    let reason = match tokio::fs::read(&path).await {
        Ok(bytes) => return decode(digest, &bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => format!(
            "its tensors 0x{} are not in {}",
            hex::encode(digest),
            sources.folder.display()
        ),
        Err(error) => format!("{} cannot be read: {error}", path.display()),
    };
    match &sources.network {
        Some(network) => network
            .fetch(digest, MAX_FETCHED_BYTES)
            .await
            .map_err(|error| format!("{reason}, and nobody in the network gives them: {error}")),
        None => Err(reason),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensors() -> Vec<Tensor> {
        let scalar = Tensor::new(DataType::Int64, vec![], vec![7; 8]).expect("a scalar");
        let empty = Tensor::new(DataType::Float32, vec![3, 0], vec![]).expect("no elements");
        vec![scalar, empty]
    }

    #[test]
    fn a_list_is_read_as_it_was_written() {
        let digest = H256(tensors_digest(&tensors()));
        assert_eq!(decode(digest, &encode(&tensors())), Ok(tensors()));
    }

    #[test]
    fn another_list_and_a_damaged_one_are_refused() {
        let digest = H256(tensors_digest(&tensors()));
        let mut bytes = encode(&tensors());
        assert!(decode(H256::zero(), &bytes).is_err());
        assert!(decode(digest, &bytes[1..]).is_err());
        bytes.push(0);
        assert!(decode(digest, &bytes).is_err());
        // A shape that has more elements than there are bytes.
        let false_shape = vec![(DataType::Int64, vec![u32::MAX; 9], vec![0u8; 8])].encode();
        assert!(decode(digest, &false_shape).is_err());
    }
}
