//! That an execution ends in the claimed outputs: each is the entry of the trace, or of the weights, that the graph
//! names.

use super::{Claim, JudgeError, SymbolsProof};
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
pub struct OutputEntry {
    /// Its tensor digest.
    pub digest: Digest,
    /// Its place in the list that the graph's header names: the trace, or the weights.
    pub source: Membership,
}

/// Checks that these are the claim's outputs, as many as the graph has, and that each stands where the graph takes it
/// from.
///
/// An output that hands an input of the job through is taken only where their digests are equal: the input may hold −0
/// or a NaN with a payload, and the output is canonical. A checked graph has none.
pub fn open_outputs<H: Hash256>(
    claim: &Claim,
    proof: &SymbolsProof,
    outputs: &Bounded<OutputEntry, { MAX_TENSORS as u32 }>,
) -> Result<(), JudgeError> {
    let operators = proof.model.operators::<H>(&claim.model_root)?;
    let header = proof.model.open_header::<H>(&proof.header)?;
    let digests: Vec<Digest> = outputs.iter().map(|output| output.digest).collect();
    if digests.len() != header.outputs.len() || list_digest::<H>(&digests) != claim.output_digest {
        return Err(JudgeError::Output);
    }
    for (given, OutputEntry { digest, source }) in header.outputs.iter().zip(outputs.iter()) {
        let (list, index) = match given.value {
            Value::Node(_) if source.count != operators => return Err(JudgeError::Source),
            Value::Node(index) => (claim.trace_digest, index),
            Value::Weight(index) => (proof.model.weights_root, u32::from(index)),
            Value::Input(index) => (claim.input_digest, u32::from(index)),
        };
        if source.list_digest::<H>(digest, index) != Some(list) {
            return Err(JudgeError::Source);
        }
    }
    Ok(())
}
