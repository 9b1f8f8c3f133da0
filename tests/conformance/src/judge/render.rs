//! Claims, proofs and questions as JSON.

use crate::{
    json::{Json, list, object, wide},
    render::{bytes, digests, dtype, shape},
};
use assay_exact::{
    judge::{Claim, ModelOpening, OperandOpening, OutputEntry, Proof, Question, SymbolsProof},
    tree::Membership,
};

pub fn claim(claim: &Claim) -> Json {
    object([
        ("model_root", bytes(&claim.model_root)),
        ("input_digest", bytes(&claim.input_digest)),
        ("output_digest", bytes(&claim.output_digest)),
        ("trace_digest", bytes(&claim.trace_digest)),
    ])
}

fn model(model: &ModelOpening) -> Json {
    object([
        ("graph_count", model.graph_count.into()),
        ("graph_list_root", bytes(&model.graph_list_root)),
        ("weights_root", bytes(&model.weights_root)),
        ("manifest_hash", bytes(&model.manifest_hash)),
    ])
}

fn membership(membership: &Membership) -> Json {
    object([("count", membership.count.into()), ("path", digests(&membership.path))])
}

fn operand(operand: &OperandOpening) -> Json {
    let chunks = list(operand.chunks.iter(), |chunk| {
        object([("index", wide(chunk.index)), ("bytes", bytes(&chunk.bytes))])
    });
    object([
        ("type", dtype(operand.dtype)),
        ("shape", shape(&operand.shape)),
        ("root", bytes(&operand.root)),
        ("membership", membership(&operand.membership)),
        ("chunks", chunks),
        ("proof", digests(&operand.proof)),
    ])
}

pub fn proof(proof: &Proof) -> Json {
    let node = object([
        ("node", bytes(&proof.operator.node)),
        ("path", digests(&proof.operator.path)),
    ]);
    object([
        ("model", model(&proof.model)),
        ("operator", node),
        ("operands", list(proof.operands.iter(), operand)),
    ])
}

pub fn question(question: &Question) -> Json {
    match question {
        Question::Header { dtype: of, shape: to } => object([
            ("question", "header".into()),
            ("type", dtype(*of)),
            ("shape", shape(to)),
        ]),
        Question::Element {
            dtype: of,
            shape: to,
            index,
            claimed,
        } => object([
            ("question", "element".into()),
            ("type", dtype(*of)),
            ("shape", shape(to)),
            ("index", wide(index)),
            ("claimed", bytes(claimed)),
        ]),
    }
}

pub fn symbols_proof(proof: &SymbolsProof) -> Json {
    let header = object([
        ("header", bytes(&proof.header.header)),
        ("path", digests(&proof.header.path)),
    ]);
    let inputs = list(proof.inputs.iter(), |input| {
        object([
            ("type", dtype(input.dtype)),
            ("shape", shape(&input.shape)),
            ("root", bytes(&input.root)),
        ])
    });
    object([("model", model(&proof.model)), ("header", header), ("inputs", inputs)])
}

pub fn outputs(outputs: &[OutputEntry]) -> Json {
    list(outputs, |output| {
        object([
            ("digest", bytes(&output.digest)),
            ("source", membership(&output.source)),
        ])
    })
}
