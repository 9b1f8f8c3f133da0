//! The judge: proofs from executions, right and wrong claims about them, and every way in which an opening is refused.

mod answers;
mod bytes;
mod faults;
mod render;
mod unsound;

use crate::{
    Blake2b,
    family::{Family, Numbered},
    graphs::reason,
    json::{Json, object},
    render as values,
};
use assay_adversary::{InMemory, MANIFEST, Random};
use assay_exact::{
    bounded::Bounded,
    digest::{list_digest, model_root},
    element::ElementError,
    graph::MAX_TENSORS,
    judge::{
        Claim, Computed, JudgeError, Openings, OutputEntry, Proof, Question, Shape, SymbolsProof, Verdict, judge,
        open_outputs, open_symbols,
    },
    tensor::Tensor,
};
use assay_player::{Execution, operands};
use std::ops::Deref;

pub fn family() -> Family {
    let mut cases = Cases {
        family: Family::new("judge"),
        names: Numbered::default(),
        random: Random(0x6a75_6467),
    };
    answers::add(&mut cases);
    faults::add(&mut cases);
    unsound::add(&mut cases);
    bytes::add(&mut cases);
    cases.family
}

type Outputs = Bounded<OutputEntry, { MAX_TENSORS as u32 }>;

struct Cases {
    family: Family,
    names: Numbered,
    random: Random,
}

impl Cases {
    fn add(&mut self, kind: &'static str, sort: &str, fields: Vec<(&'static str, Json)>) {
        let name = self.names.name(sort);
        self.family.case(kind, name, fields);
    }

    /// Adds what a judge says.
    fn judge(&mut self, sort: &str, trial: &Trial) {
        let expected = match trial.judge() {
            Ok(Verdict::Right) => ("verdict", "right".into()),
            Ok(Verdict::Wrong { computed }) => ("verdict", computed_json(&computed)),
            Err(error) => ("error", error_json(&error)),
        };
        let fields = vec![
            ("claim", render::claim(&trial.claim)),
            ("symbols", values::shape(&trial.symbols)),
            ("operator", trial.operator.into()),
            ("proof", render::proof(&trial.proof)),
            ("question", render::question(&trial.question)),
            expected,
        ];
        self.add("judge", sort, fields);
    }

    /// Adds what the values of the symbols are.
    fn symbols(&mut self, claim: &Claim, proof: &SymbolsProof) {
        let expected = match open_symbols::<Blake2b>(claim, proof) {
            Ok(symbols) => ("symbols", values::shape(&symbols)),
            Err(error) => ("error", error_json(&error)),
        };
        let fields = vec![
            ("claim", render::claim(claim)),
            ("proof", render::symbols_proof(proof)),
            expected,
        ];
        self.add("symbols", "symbols", fields);
    }

    /// Adds whether an execution ends in the claimed outputs.
    fn outputs(&mut self, claim: &Claim, proof: &SymbolsProof, outputs: &Outputs) {
        let error = open_outputs::<Blake2b>(claim, proof, outputs).err();
        let fields = vec![
            ("claim", render::claim(claim)),
            ("proof", render::symbols_proof(proof)),
            ("outputs", render::outputs(outputs)),
            ("error", error.as_ref().map_or(Json::Null, error_json)),
        ];
        self.add("outputs", "outputs", fields);
    }
}

/// What a judge is asked.
#[derive(Clone)]
struct Trial {
    claim: Claim,
    symbols: Vec<u32>,
    operator: u32,
    proof: Proof,
    question: Question,
}

impl Trial {
    fn judge(&self) -> Result<Verdict, JudgeError> {
        judge::<Blake2b>(&self.claim, &self.symbols, self.operator, &self.proof, &self.question)
    }

    /// The question about this element of an execution's own output.
    fn element(execution: &InMemory, operator: u32, index: u64) -> Self {
        let operands = operands(execution, operator).expect("the operator is there");
        let operands: Vec<&Tensor> = operands.iter().map(Deref::deref).collect();
        let proof = openings(execution).prove_element::<Blake2b>(operator, &operands, index);
        Self {
            claim: claim(execution),
            symbols: execution.trace().symbols.clone(),
            operator,
            proof: proof.expect("the operands are whole"),
            question: element_question(&node(execution, operator), index),
        }
    }

    /// The question about type and shape of an execution's own output.
    fn header(execution: &InMemory, operator: u32) -> Self {
        let operands = operands(execution, operator).expect("the operator is there");
        let operands: Vec<&Tensor> = operands.iter().map(Deref::deref).collect();
        let proof = openings(execution).prove_header::<Blake2b>(operator, &operands);
        let tensor = node(execution, operator);
        Self {
            claim: claim(execution),
            symbols: execution.trace().symbols.clone(),
            operator,
            proof: proof.expect("the operands are whole"),
            question: Question::Header {
                dtype: tensor.dtype(),
                shape: shape(tensor.shape()),
            },
        }
    }
}

fn openings(execution: &InMemory) -> Openings<'_> {
    Openings::new::<Blake2b>(
        execution.graph().graph(),
        execution.weight_digests(),
        MANIFEST,
        execution.trace(),
    )
}

fn claim(execution: &InMemory) -> Claim {
    let weights = list_digest::<Blake2b>(execution.weight_digests());
    let graph = execution.graph().graph().root::<Blake2b>();
    Claim {
        model_root: model_root::<Blake2b>(&graph, &weights, &MANIFEST),
        input_digest: execution.trace().input_digest::<Blake2b>(),
        output_digest: execution.trace().output_digest::<Blake2b>(),
        trace_digest: execution.trace().digest::<Blake2b>(),
    }
}

fn node(execution: &InMemory, operator: u32) -> Tensor {
    let nodes = execution.nodes(&[operator]).expect("the operator is there");
    (*nodes[0]).clone()
}

fn shape(dimensions: &[u32]) -> Shape {
    bounded(dimensions.to_vec())
}

fn bounded<T, const MAX: u32>(elements: Vec<T>) -> Bounded<T, MAX> {
    Bounded::new(elements).unwrap_or_else(|| panic!("more than {MAX} elements"))
}

/// Whether the element at `index` of this tensor is what it holds there.
fn element_question(tensor: &Tensor, index: u64) -> Question {
    let element = tensor.element(index).expect("there is the element");
    Question::Element {
        dtype: tensor.dtype(),
        shape: shape(tensor.shape()),
        index,
        claimed: bounded(element.to_bytes(tensor.dtype())),
    }
}

fn computed_json(computed: &Computed) -> Json {
    match computed {
        Computed::Header { dtype, shape } => values::layout(*dtype, shape),
        Computed::Element { bytes } => object([("bytes", values::bytes(bytes))]),
    }
}

fn error_json(error: &JudgeError) -> Json {
    let word = match error {
        JudgeError::Model => "model",
        JudgeError::NoOperator => "no_operator",
        JudgeError::Operator => "operator",
        JudgeError::Header => "header",
        JudgeError::OperandCount => "operand_count",
        JudgeError::Wiring { operand } => return at("wiring", *operand),
        JudgeError::Membership { operand } => return at("membership", *operand),
        JudgeError::Unsound { operand } => return at("unsound", *operand),
        JudgeError::Chunks { operand } => return at("chunks", *operand),
        JudgeError::Superfluous { operand } => return at("superfluous", *operand),
        JudgeError::Symbols => "symbols",
        JudgeError::Shape(error) => return reason::error(reason::of_shape(error)),
        JudgeError::NoElement => "no_element",
        JudgeError::Element(ElementError::Closed { operand, .. }) => return at("element/closed", *operand as u32),
        JudgeError::Element(ElementError::Unfit) => "element/unfit",
        JudgeError::Inputs => "inputs",
        JudgeError::Bind(error) => return reason::error(reason::of_bind(error)),
        JudgeError::Output => "output",
        JudgeError::Source => "source",
    };
    reason::error(word)
}

fn at(reason: &str, operand: u32) -> Json {
    object([("reason", reason.into()), ("operand", operand.into())])
}
