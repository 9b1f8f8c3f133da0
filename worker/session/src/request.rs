//! Requests: what a client gives, whether it fits the model, and what it costs. Both sides compute the same.

use crate::{
    chain::ModelRecord,
    types::{Balance, H256, Terms},
};
use assay_exact::element::Element;
use assay_ops::tensor::{Blake2b256, DataType, Tensor};
use assay_package::generation::MAX_CANDIDATES;
use assay_types::{
    ModelParts, SchemaError,
    offer::work_at,
    payload::{self, RequestFault, delivered, given_layouts, longest_sequence},
    schema::{ModelKind, TensorLayout, TensorSchema, payload_digest},
};

pub use assay_package::generation::Sampling;

/// Why a request cannot be made of a model, or is refused by a worker.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// The model generates from a prompt.
    #[error("the model generates from a prompt and takes no tensors: call `generate`")]
    Generates,
    /// The model takes tensors.
    #[error("the model takes tensors and generates nothing: call `run`")]
    Plain,
    /// A parameter of the sampling is out of its range.
    #[error("{field} must be {range}")]
    Field {
        /// The parameter.
        field: &'static str,
        /// Its range.
        range: String,
    },
    /// The tensors are not those of the schema.
    #[error("the inputs do not fit the model: {reason}")]
    Misfit {
        /// The fault.
        reason: String,
    },
    /// An integer has no meaning to the model.
    #[error("element {element} of input {input} is not one that the model knows")]
    Value {
        /// Position of the input.
        input: u16,
        /// Position of the element.
        element: u32,
    },
    /// The input or the answer has more bytes than a session carries.
    #[error("the {what} has {bytes} bytes and a session carries {max}: submit a job by digest")]
    TooLarge {
        /// Input or answer.
        what: &'static str,
        /// Its bytes.
        bytes: u64,
        /// The maximum.
        max: u64,
    },
}

/// A request that fits its model: its symbols, its inputs, their digest, and its work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedRequest {
    /// Values of the model's symbols: for a generation, the length of the sequence is its maximum.
    pub symbols: Vec<u32>,
    /// The inputs that the client gives, one after the other.
    pub bytes: Vec<u8>,
    /// List digest of the inputs.
    pub digest: H256,
    /// Work by the polynomial of the model's parts.
    pub units: u64,
}

impl CheckedRequest {
    /// The request for a generation from this prompt.
    pub fn generation(parts: &ModelParts, prompt: &[i64], sampling: &Sampling) -> Result<Self, RequestError> {
        if parts.kind != ModelKind::Generation {
            return Err(RequestError::Plain);
        }
        let field = |field, range: String| Err(RequestError::Field { field, range });
        if !sampling.temperature.is_finite() || sampling.temperature < 0.0 {
            return field("temperature", "a number from 0 on".to_owned());
        }
        if !(sampling.top_p > 0.0 && sampling.top_p <= 1.0) {
            return field("top_p", "above 0 and at most 1".to_owned());
        }
        if !(1..=MAX_CANDIDATES).contains(&sampling.top_k) {
            return field("top_k", format!("1 to {MAX_CANDIDATES}"));
        }
        let max = longest_sequence(parts, 1, i64::MAX).map_or(0, |longest| longest - 1);
        if sampling.max_tokens == 0 {
            return field("max_tokens", format!("1 to {max}"));
        }
        let length = u32::try_from(prompt.len())
            .ok()
            .filter(|length| (1..=max).contains(length));
        let Some(length) = length else {
            return field("the prompt's number of tokens", format!("1 to {max}"));
        };
        let longest = longest_sequence(parts, length, i64::from(sampling.max_tokens));
        let longest = longest.ok_or_else(|| RequestError::Misfit {
            reason: "no token fits after the prompt".to_owned(),
        })?;
        let mut bytes: Vec<u8> = prompt.iter().flat_map(|token| token.to_le_bytes()).collect();
        bytes.extend(sampling.temperature.to_le_bytes());
        bytes.extend(sampling.top_p.to_le_bytes());
        for integer in [i64::from(sampling.top_k), sampling.seed, i64::from(sampling.max_tokens)] {
            bytes.extend(integer.to_le_bytes());
        }
        Self::of_bytes(parts, Self::lengths(parts, length, longest)?, bytes)
    }

    /// The request for an execution of a plain model on these inputs.
    pub fn plain(parts: &ModelParts, inputs: &[Tensor]) -> Result<Self, RequestError> {
        if parts.kind != ModelKind::Plain {
            return Err(RequestError::Generates);
        }
        let shapes: Vec<(DataType, &[u32])> = inputs.iter().map(|input| (input.dtype(), input.shape())).collect();
        let symbols = parts.schema.bind(&shapes).map_err(|error| RequestError::Misfit {
            reason: error.to_string(),
        })?;
        let bytes = inputs.iter().flat_map(|input| input.bytes()).copied().collect();
        Self::of_bytes(parts, symbols, bytes)
    }

    /// The request that these symbols and bytes are, as a worker receives them.
    pub fn of_bytes(parts: &ModelParts, symbols: Vec<u32>, bytes: Vec<u8>) -> Result<Self, RequestError> {
        let layouts = given_layouts(parts, &symbols).map_err(misfit)?;
        let digest = payload_digest::<Blake2b256>(&layouts, &bytes).map_err(misfit)?;
        payload::check_request(parts, &symbols, Some(&bytes)).map_err(|fault| match fault {
            RequestFault::Value { input, element } => RequestError::Value { input, element },
            RequestFault::Length { expected } => RequestError::Misfit {
                reason: format!("the length of the sequence is not the declared one: expected {expected:?}"),
            },
        })?;
        if parts.kind == ModelKind::Plain {
            check_values(parts, &layouts, &bytes)?;
        }
        Ok(Self {
            units: work_at(parts, &symbols),
            symbols,
            bytes,
            digest,
        })
    }

    /// Refuses a request whose input or answer has more bytes than these.
    pub fn check_size(&self, parts: &ModelParts, max_input: u64, max_answer: u64) -> Result<(), RequestError> {
        let answer = payload::max_delivered_bytes(parts, &self.symbols).map_err(misfit)?;
        let sizes = [
            ("input", self.bytes.len() as u64, max_input),
            ("answer", answer, max_answer),
        ];
        match sizes.into_iter().find(|(_, bytes, max)| bytes > max) {
            Some((what, bytes, max)) => Err(RequestError::TooLarge { what, bytes, max }),
            None => Ok(()),
        }
    }

    /// The inputs as tensors.
    pub fn inputs(&self, parts: &ModelParts) -> Result<Vec<Tensor>, RequestError> {
        tensors(&given_layouts(parts, &self.symbols).map_err(misfit)?, &self.bytes)
    }

    /// Price of the request by these terms.
    pub fn price(&self, terms: &Terms) -> Balance {
        terms.price(self.units)
    }

    fn lengths(parts: &ModelParts, prompt: u32, sequence: u32) -> Result<Vec<u32>, RequestError> {
        let lengths = payload::lengths(parts).ok_or(RequestError::Plain)?;
        let mut symbols: Vec<u32> = parts.schema.symbols.iter().map(|symbol| symbol.min).collect();
        for (place, length) in [(lengths.prompt, prompt), (lengths.sequence, sequence)] {
            if let Some(symbol) = symbols.get_mut(place) {
                *symbol = length;
            }
        }
        Ok(symbols)
    }
}

/// The work and the price of a request with these symbols, before its bytes are here; `None` if the symbols are not
/// those of the model.
pub fn price_of(model: &ModelRecord, terms: &Terms, symbols: &[u32]) -> Option<(u64, Balance)> {
    given_layouts(&model.parts, symbols).ok()?;
    payload::check_request(&model.parts, symbols, None).ok()?;
    let units = work_at(&model.parts, symbols);
    Some((units, terms.price(units)))
}

/// Bytes of the inputs that a client gives with these symbols.
pub fn given_bytes(parts: &ModelParts, symbols: &[u32]) -> Result<u64, RequestError> {
    let layouts = given_layouts(parts, symbols).map_err(misfit)?;
    Ok(layouts.iter().map(|layout| layout.bytes).fold(0, u64::saturating_add))
}

/// The outputs that delivered bytes are, and their digest: for a plain model all outputs one after the other, for a
/// generation the sequence.
pub fn outputs(parts: &ModelParts, symbols: &[u32], bytes: &[u8]) -> Result<(Vec<Tensor>, H256), RequestError> {
    let delivered = delivered(parts, symbols, bytes).map_err(misfit)?;
    let digest = delivered.digest::<Blake2b256>().map_err(misfit)?;
    Ok((tensors(&delivered.layouts, &delivered.bytes)?, digest))
}

/// The bytes that deliver these outputs: the inverse of [`outputs`].
pub fn delivery(parts: &ModelParts, outputs: &[Tensor]) -> Vec<u8> {
    let delivered = match parts.kind {
        ModelKind::Plain => outputs.len(),
        ModelKind::Generation => 1,
    };
    let outputs = outputs.iter().take(delivered);
    outputs.flat_map(|tensor| tensor.bytes()).copied().collect()
}

/// Tokens as they lie in a tensor.
pub fn tokens(bytes: &[u8]) -> Vec<i64> {
    bytes
        .as_chunks()
        .0
        .iter()
        .map(|token| i64::from_le_bytes(*token))
        .collect()
}

fn tensors(layouts: &[TensorLayout], bytes: &[u8]) -> Result<Vec<Tensor>, RequestError> {
    let mut rest = bytes;
    let mut tensors = Vec::with_capacity(layouts.len());
    for layout in layouts {
        let too_few = || RequestError::Misfit {
            reason: "there are fewer bytes than the shapes say".to_owned(),
        };
        let (part, after) = rest.split_at_checked(layout.bytes as usize).ok_or_else(too_few)?;
        let tensor = Tensor::new(layout.data_type, layout.shape.clone(), part.to_vec());
        tensors.push(tensor.map_err(|error| RequestError::Misfit {
            reason: error.to_string(),
        })?);
        rest = after;
    }
    Ok(tensors)
}

/// Whether every integer of a plain model's inputs is one that the model knows.
fn check_values(parts: &ModelParts, layouts: &[TensorLayout], bytes: &[u8]) -> Result<(), RequestError> {
    let described = parts.schema.inputs.iter();
    for ((tensor, described), input) in tensors(layouts, bytes)?.iter().zip(described).zip(0u16..) {
        if let Some(element) = first_out_of_range(tensor, described) {
            return Err(RequestError::Value { input, element });
        }
    }
    Ok(())
}

fn first_out_of_range(tensor: &Tensor, described: &TensorSchema) -> Option<u32> {
    let range = described.range?;
    let count = (tensor.bytes().len() / tensor.dtype().size_bytes()) as u64;
    let place = (0..count).find(|index| match tensor.element(*index) {
        Some(Element::Integer(value)) => !range.contains(value),
        _ => false,
    })?;
    u32::try_from(place).ok()
}

fn misfit(error: SchemaError) -> RequestError {
    RequestError::Misfit {
        reason: format!("{error:?}"),
    }
}
