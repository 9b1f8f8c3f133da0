//! The judge: proofs from executions, right and wrong claims about them, and every way in which an opening is refused.

mod answers;
mod bytes;
mod faults;
mod render;
mod unsound;

use crate::{
    Blake2b,
    drawn::Executed,
    family::{Family, Numbered},
    graphs::reason,
    json::{Json, list, object},
    parts,
    random::Random,
    render as values,
};
use assay_exact::{
    bounded::Bounded,
    digest::Digest,
    element::ElementError,
    graph::{MAX_TENSORS, Value},
    judge::{
        Claim, JudgeError, OpenedOperator, OperatorOpening, OutputEntry, Proof, Question, Shape, TensorOpening,
        Verdict, judge, open_operator, open_outputs, open_symbols,
    },
    model::{ModelKind, Schema},
    tensor::Tensor,
};

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

    /// Adds whether an operator opens.
    fn open(&mut self, sort: &str, trial: &Trial) {
        let error = trial.open().err();
        let fields = vec![
            ("claim", render::claim(&trial.claim)),
            ("symbols", values::shape(&trial.symbols)),
            ("operator", trial.operator.into()),
            ("opening", render::opening(&trial.opening)),
            ("output", render::tensor(&trial.output)),
            ("error", error.as_ref().map_or(Json::Null, error_json)),
        ];
        self.add("open_operator", sort, fields);
    }

    /// Adds what a judge says of an operator that opens.
    fn judge(&mut self, sort: &str, trial: &Trial) {
        let opened = trial.open().expect("a judge is asked about what was opened");
        let verdict = judge::<Blake2b>(&trial.symbols, &opened, &trial.output, &trial.proof, &trial.question);
        let expected = match verdict {
            Ok(Verdict::Right) => ("verdict", "right".into()),
            Ok(Verdict::Wrong { computed }) => ("verdict", object([("bytes", values::bytes(&computed))])),
            Err(error) => ("error", error_json(&error)),
        };
        let fields = vec![
            ("symbols", values::shape(&trial.symbols)),
            ("opened", render::opened(&opened)),
            ("output", render::tensor(&trial.output)),
            ("proof", render::proof(&trial.proof)),
            ("question", render::question(&trial.question)),
            expected,
        ];
        self.add("judge", sort, fields);
    }

    /// Adds what the values of the symbols are.
    fn symbols(&mut self, schema: &Schema, input_digest: &Digest, inputs: &[TensorOpening]) {
        let expected = match open_symbols::<Blake2b>(schema, ModelKind::Plain, input_digest, None, inputs) {
            Ok(symbols) => ("symbols", values::shape(&symbols)),
            Err(error) => ("error", error_json(&error)),
        };
        let fields = vec![
            ("schema", parts::schema(schema)),
            ("input_digest", values::bytes(input_digest)),
            ("inputs", list(inputs, render::tensor)),
            expected,
        ];
        self.add("open_symbols", "open_symbols", fields);
    }

    /// Adds whether an execution ends in the claimed outputs.
    fn outputs(&mut self, claim: &Claim, outputs: &[Value], entries: &Outputs) {
        let error = open_outputs::<Blake2b>(claim, outputs, entries).err();
        let fields = vec![
            ("claim", render::claim(claim)),
            ("outputs", list(outputs, |output| values::value(*output))),
            ("entries", list(entries.iter(), render::output)),
            ("error", error.as_ref().map_or(Json::Null, error_json)),
        ];
        self.add("open_outputs", "open_outputs", fields);
    }
}

/// An operator that is opened, and what a judge is asked of it.
#[derive(Clone)]
struct Trial {
    claim: Claim,
    symbols: Vec<u32>,
    operator: u32,
    opening: OperatorOpening,
    output: TensorOpening,
    proof: Proof,
    question: Question,
}

impl Trial {
    fn open(&self) -> Result<OpenedOperator, JudgeError> {
        open_operator::<Blake2b>(&self.claim, &self.symbols, self.operator, &self.opening, &self.output)
    }

    /// The question about this element of an execution's own output.
    fn new(execution: &Executed, operator: u32, index: u64) -> Self {
        let (openings, operands) = (execution.openings(), execution.operands(operator));
        let opening = openings.open_operator::<Blake2b>(operator, &operands);
        let proof = openings.prove_element::<Blake2b>(operator, &operands, index);
        let output = &execution.nodes[operator as usize];
        Self {
            claim: execution.claim(),
            symbols: execution.trace.symbols.clone(),
            operator,
            opening: opening.expect("the operands are whole"),
            output: head(output),
            proof: proof.expect("the operands are whole"),
            question: question(output, index),
        }
    }
}

fn head(tensor: &Tensor) -> TensorOpening {
    TensorOpening::of::<Blake2b>(tensor).expect("few dimensions")
}

/// The tensors that an execution took, as the worker opens them.
fn heads(execution: &Executed) -> Vec<TensorOpening> {
    execution.inputs.iter().map(head).collect()
}

/// Where a graph takes its outputs from.
fn outputs_of(execution: &Executed) -> Vec<Value> {
    let outputs = execution.graph.graph().outputs.iter();
    outputs.map(|output| output.value).collect()
}

fn shape(dimensions: &[u32]) -> Shape {
    bounded(dimensions.to_vec())
}

fn bounded<T, const MAX: u32>(elements: Vec<T>) -> Bounded<T, MAX> {
    Bounded::new(elements).unwrap_or_else(|| panic!("more than {MAX} elements"))
}

/// Whether the element at `index` of this tensor is what it holds there.
fn question(tensor: &Tensor, index: u64) -> Question {
    let element = tensor.element(index).expect("there is the element");
    Question {
        index,
        claimed: bounded(element.to_bytes(tensor.dtype())),
    }
}

fn error_json(error: &JudgeError) -> Json {
    let word = match error {
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
        JudgeError::Advice => "advice",
        JudgeError::Source => "source",
    };
    reason::error(word)
}

fn at(reason: &str, operand: u32) -> Json {
    object([("reason", reason.into()), ("operand", operand.into())])
}
