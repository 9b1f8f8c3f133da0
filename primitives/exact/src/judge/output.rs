//! Whether a claim's outputs are the tensors that the graph gives.

use super::{Claim, Computed, JudgeError, OutputProof, Verdict};
use crate::{
    digest::Hash256,
    graph::Value,
    tree::{Tree, list_digest_of_root},
};

/// Decides whether output `output` of the claim is the entry of the trace, or of the weights, that the graph names, and
/// whether the claim has as many outputs as the graph.
pub fn judge_output<H: Hash256>(claim: &Claim, output: u16, proof: &OutputProof) -> Result<Verdict, JudgeError> {
    let nodes = proof.model.operators::<H>(&claim.model_root)?;
    let header = proof.model.open_header::<H>(&proof.header)?;
    let given = header.outputs.get(usize::from(output)).ok_or(JudgeError::NoOutput)?;
    if list_digest_of_root::<H>(proof.output_count, &proof.output_root) != claim.output_digest {
        return Err(JudgeError::Output);
    }
    let count = u32::try_from(header.outputs.len()).map_err(|_| JudgeError::Header)?;
    if proof.output_count != count {
        if proof.output.is_some() || proof.source.is_some() {
            return Err(JudgeError::Output);
        }
        let computed = Computed::OutputCount { count };
        return Ok(Verdict::Wrong { computed });
    }

    let (claimed, path) = proof.output.as_ref().ok_or(JudgeError::Output)?;
    let root = Tree::List.climb::<H>(claimed, u64::from(output), u64::from(count), path);
    if root != Some(proof.output_root) {
        return Err(JudgeError::Output);
    }
    let (digest, membership) = proof.source.as_ref().ok_or(JudgeError::Source)?;
    let (list, index) = match given.value {
        Value::Node(_) if membership.count != nodes => return Err(JudgeError::Source),
        Value::Node(index) => (claim.trace_digest, index),
        Value::Weight(index) => (proof.model.weights_root, u32::from(index)),
        Value::Input(index) => (claim.input_digest, u32::from(index)),
    };
    if membership.list_digest::<H>(digest, index) != Some(list) {
        return Err(JudgeError::Source);
    }
    if claimed == digest {
        Ok(Verdict::Right)
    } else if matches!(given.value, Value::Input(_)) {
        // The input may hold −0 or a NaN with a payload, and the output is canonical.
        Err(JudgeError::HandedThrough)
    } else {
        let computed = Computed::Output { digest: *digest };
        Ok(Verdict::Wrong { computed })
    }
}
