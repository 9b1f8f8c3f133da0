//! Claims, openings, proofs and questions as JSON.

use crate::{
    json::{Json, list, object, wide},
    parts::head,
    render::{bytes, digests, dtype, shape},
};
use assay_exact::{
    judge::{Claim, OpenedOperator, OperandChunks, OperatorOpening, OutputEntry, Proof, Question, TensorOpening},
    tree::Membership,
};

pub fn claim(claim: &Claim) -> Json {
    object([
        ("model", head(&claim.model)),
        ("input_digest", bytes(&claim.input_digest)),
        ("output_digest", bytes(&claim.output_digest)),
        ("trace_digest", bytes(&claim.trace_digest)),
    ])
}

fn membership(membership: &Membership) -> Json {
    object([("count", membership.count.into()), ("path", digests(&membership.path))])
}

pub fn tensor(tensor: &TensorOpening) -> Json {
    object([
        ("type", dtype(tensor.dtype)),
        ("shape", shape(&tensor.shape)),
        ("root", bytes(&tensor.root)),
    ])
}

pub fn opening(opening: &OperatorOpening) -> Json {
    let operands = list(opening.operands.iter(), |operand| {
        object([
            ("tensor", tensor(&operand.tensor)),
            ("membership", membership(&operand.membership)),
        ])
    });
    object([
        ("node", bytes(&opening.node)),
        ("path", digests(&opening.path)),
        ("operands", operands),
    ])
}

pub fn opened(opened: &OpenedOperator) -> Json {
    object([
        ("node", bytes(&opened.node)),
        ("operands", list(opened.operands.iter(), tensor)),
    ])
}

fn chunks(operand: &OperandChunks) -> Json {
    let chunks = list(operand.chunks.iter(), |chunk| {
        object([("index", wide(chunk.index)), ("bytes", bytes(&chunk.bytes))])
    });
    object([("chunks", chunks), ("proof", digests(&operand.proof))])
}

pub fn proof(proof: &Proof) -> Json {
    object([("operands", list(proof.operands.iter(), chunks))])
}

pub fn question(question: &Question) -> Json {
    object([("index", wide(question.index)), ("claimed", bytes(&question.claimed))])
}

pub fn output(output: &OutputEntry) -> Json {
    object([
        ("digest", bytes(&output.digest)),
        ("source", membership(&output.source)),
    ])
}
