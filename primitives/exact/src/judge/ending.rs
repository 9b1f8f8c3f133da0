//! Proof that an execution ends in the claimed outputs: each is the entry of the trace, or of the weights, that the
//! graph names.

use super::{Claim, JudgeError};
use crate::{
    bounded::Bounded,
    digest::{Digest, Hash256, list_digest},
    graph::{MAX_TENSORS, Value},
    tree::Membership,
};
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// A claimed output, and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub struct OutputEntry {
    /// Its tensor digest.
    pub digest: Digest,
    /// Its place in the list that the graph's header names: the trace, or the weights.
    pub source: Membership,
}

/// Checks that these are the claim's outputs, as many as the graph has, and that each stands where the graph takes it
/// from. `outputs` are the graph's.
///
/// An output that hands an input of the job through is taken only where their digests are equal: the input may hold −0
/// or a NaN with a payload, and the output is canonical. A checked graph has none.
pub fn open_outputs<H: Hash256>(
    claim: &Claim,
    outputs: &[Value],
    entries: &Bounded<OutputEntry, { MAX_TENSORS as u32 }>,
) -> Result<(), JudgeError> {
    let digests: Vec<Digest> = entries.iter().map(|entry| entry.digest).collect();
    if digests.len() != outputs.len() || list_digest::<H>(&digests) != claim.output_digest {
        return Err(JudgeError::Output);
    }
    for (given, OutputEntry { digest, source }) in outputs.iter().zip(entries.iter()) {
        let (list, index) = match *given {
            Value::Node(_) if source.count != claim.model.operators => return Err(JudgeError::Source),
            Value::Node(index) => (claim.trace_digest, index),
            Value::Weight(index) => (claim.model.weights_root, u32::from(index)),
            Value::Input(index) => (claim.input_digest, u32::from(index)),
        };
        if source.list_digest::<H>(digest, index) != Some(list) {
            return Err(JudgeError::Source);
        }
    }
    Ok(())
}
