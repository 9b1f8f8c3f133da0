//! Kinds of models: what a claim on one says, and which of its inputs the worker gives.
//!
//! A model of kind [`ModelKind::Generation`] is a *check graph*. It takes a prompt, the parameters of sampling and a
//! whole sequence, and says whether a language model generates exactly this sequence from this prompt. The sequence is
//! *advice*: the client does not send it, since it is the answer. It is the last input and is handed through as
//! output 0, so an output digest commits to it.
//!
//! ```text
//! inputs    prompt [1, P]    Int64     temperature [1] Float32    top_p [1] Float32    top_k [1] Int64
//!           seed [1] Int64   max_tokens [1] Int64                 sequence [1, T] Int64
//! outputs   sequence [1, T] Int64      valid [1] Bool
//! ```

use super::{Schema, TensorSchema};
use crate::{digest::DataType, graph::Dimension};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// Names of the inputs of a check graph, in their order.
pub const GENERATION_INPUTS: [&str; 7] = [
    "prompt",
    "temperature",
    "top_p",
    "top_k",
    "seed",
    "max_tokens",
    "sequence",
];
/// Names of the outputs of a check graph, in their order.
pub const GENERATION_OUTPUTS: [&str; 2] = ["sequence", "valid"];

/// Types of the inputs of a check graph, in their order.
const INPUT_TYPES: [DataType; 7] = [
    DataType::Int64,
    DataType::Float32,
    DataType::Float32,
    DataType::Int64,
    DataType::Int64,
    DataType::Int64,
    DataType::Int64,
];
/// Position of the advice among the inputs of a check graph.
const ADVICE: u16 = 6;

/// Meaning of a claim on a model.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[scale_info(capture_docs = "always")]
pub enum ModelKind {
    /// The model gives these outputs for the client's inputs.
    #[default]
    #[codec(index = 0)]
    Plain,
    /// The model generates this sequence from the client's prompt.
    #[codec(index = 1)]
    Generation,
}

impl ModelKind {
    /// Position of the input that the worker gives and not the client; `None` if the client gives all of them.
    ///
    /// The tensor is also output 0, from which a dispute opens it.
    pub fn advice(self) -> Option<u16> {
        match self {
            Self::Plain => None,
            Self::Generation => Some(ADVICE),
        }
    }

    /// Of a list with an entry for each input, the entries of the inputs that the client gives.
    pub fn given<T>(self, inputs: &[T]) -> &[T] {
        let own = self.advice().and_then(|advice| inputs.get(..usize::from(advice)));
        own.unwrap_or(inputs)
    }

    /// Whether a schema takes and gives what a model of this kind has to.
    pub(super) fn fits(self, schema: &Schema) -> bool {
        match self {
            Self::Plain => true,
            Self::Generation => is_check_graph(schema),
        }
    }
}

/// Whether these are the inputs and outputs of a check graph.
fn is_check_graph(schema: &Schema) -> bool {
    let named = |tensor: &TensorSchema, name: &str| *tensor.name == *name.as_bytes();
    let row = |tensor: &TensorSchema| matches!(&*tensor.dimensions, [Dimension::Fixed(1), Dimension::Symbol(_)]);
    let one = |tensor: &TensorSchema| *tensor.dimensions == [Dimension::Fixed(1)];
    let mut expected = GENERATION_INPUTS.iter().zip(INPUT_TYPES).enumerate();
    let inputs_fit = schema.inputs.len() == GENERATION_INPUTS.len()
        && expected.all(|(position, (name, dtype))| {
            schema.inputs.get(position).is_some_and(|input| {
                let is_row = position == 0 || position == usize::from(ADVICE);
                named(input, name) && input.data_type == dtype && if is_row { row(input) } else { one(input) }
            })
        });
    let (Some(prompt), Some(advice)) = (schema.inputs.first(), schema.inputs.get(usize::from(ADVICE))) else {
        return false;
    };
    let [sequence, valid] = &*schema.outputs else {
        return false;
    };
    let [sequence_name, valid_name] = GENERATION_OUTPUTS;
    inputs_fit
        && prompt.dimensions != advice.dimensions
        && named(sequence, sequence_name)
        && sequence.data_type == advice.data_type
        && sequence.dimensions == advice.dimensions
        && named(valid, valid_name)
        && valid.data_type == DataType::Bool
        && one(valid)
}
