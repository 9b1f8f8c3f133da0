//! Payloads of jobs and claims: the inputs that the client gives, and the outputs as a claim delivers them.
//!
//! A job on a plain model carries all inputs, and its claim all outputs. A job on a check graph, a *generation*,
//! carries all inputs but the sequence, and its claim delivers the sequence alone. That the sequence is valid is what
//! the claim says, so the digest of the outputs is made with `valid = true`, whoever makes it.
//!
//! The length of the sequence is not known when the job is submitted. The job's symbols say its maximum, by which it is
//! priced; the claim has the length itself.

use crate::{
    H256, ModelParts,
    schema::{Dimension, ModelKind, SchemaError, TensorLayout, TensorSchema, payload_digest},
};
use alloc::{borrow::Cow, vec::Vec};
use assay_exact::digest::Hash256;

/// Bytes of a token.
const TOKEN_BYTES: usize = 8;
/// `valid` as a claim on a generation says it.
const VALID: u8 = 1;

/// Reasons for which a request for a generation has no sequence, or not one of the length that it declares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestFault {
    /// The declared length is not that of the prompt and `max_tokens` together, or the model's maximum if that is less;
    /// or nothing fits after the prompt.
    Length {
        /// The length to declare; none where nothing fits after the prompt.
        expected: Option<u32>,
    },
    /// An integer has no meaning to the model.
    Value {
        /// Position of the input.
        input: u16,
        /// Position of the element.
        element: u32,
    },
}

/// Positions of a generation's two lengths among the symbols of its model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lengths {
    /// Of the prompt's.
    pub prompt: usize,
    /// Of the sequence's.
    pub sequence: usize,
}

/// The outputs of a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivered<'a> {
    /// Layouts of all outputs.
    pub layouts: Vec<TensorLayout>,
    /// The outputs one after the other.
    pub bytes: Cow<'a, [u8]>,
}

impl Delivered<'_> {
    /// The digest that a claim of these outputs has.
    pub fn digest<H: Hash256>(&self) -> Result<H256, SchemaError> {
        payload_digest::<H>(&self.layouts, &self.bytes)
    }
}

/// Where a check graph has its lengths; `None` for a plain model.
pub fn lengths(parts: &ModelParts) -> Option<Lengths> {
    let advice = usize::from(parts.kind.advice()?);
    let length = |input: usize| match parts.schema.inputs.get(input)?.dimensions.get(1)? {
        Dimension::Symbol(symbol) => Some(usize::from(*symbol)),
        _ => None,
    };
    Some(Lengths {
        prompt: length(0)?,
        sequence: length(advice)?,
    })
}

/// The maximum length of a sequence that goes on from this many tokens by at most this many others; `None` if no token
/// fits after the prompt, or the model is no check graph.
pub fn longest_sequence(parts: &ModelParts, prompt: u32, max_tokens: i64) -> Option<u32> {
    let maximum = parts.schema.symbols.get(lengths(parts)?.sequence)?.max;
    // Saturating: what is beyond the model's maximum is cut to it.
    let longest = i64::from(prompt).saturating_add(max_tokens).min(i64::from(maximum));
    u32::try_from(longest).ok().filter(|longest| *longest > prompt)
}

/// The layouts of the inputs that the client gives, for these values of the symbols.
pub fn given_layouts(parts: &ModelParts, symbols: &[u32]) -> Result<Vec<TensorLayout>, SchemaError> {
    let mut layouts = parts.schema.input_layouts(symbols)?;
    layouts.truncate(parts.kind.given(&layouts).len());
    Ok(layouts)
}

/// Checks what a request for a generation declares: without its bytes, that there is room after the prompt; with them,
/// the length and all integers. The bytes are those of [`given_layouts`]. A plain model's requests have no fault.
pub fn check_request(parts: &ModelParts, symbols: &[u32], given: Option<&[u8]>) -> Result<(), RequestFault> {
    let Some(lengths) = lengths(parts) else { return Ok(()) };
    let nothing = RequestFault::Length { expected: None };
    let (prompt, declared) = symbols
        .get(lengths.prompt)
        .zip(symbols.get(lengths.sequence))
        .ok_or(nothing)?;
    if declared <= prompt {
        return Err(nothing);
    }
    let Some(given) = given else { return Ok(()) };
    let layouts = given_layouts(parts, symbols).map_err(|_| nothing)?;
    let mut rest = given;
    for ((layout, described), input) in layouts.iter().zip(parts.schema.inputs.iter()).zip(0u16..) {
        let (tensor, after) = rest.split_at_checked(layout.bytes as usize).ok_or(nothing)?;
        if let Some(element) = first_out_of_range(described, tensor) {
            return Err(RequestFault::Value { input, element });
        }
        rest = after;
    }
    // `max_tokens` is the last input that the client gives.
    let max_tokens = given.last_chunk::<TOKEN_BYTES>().ok_or(nothing)?;
    let expected = longest_sequence(parts, *prompt, i64::from_le_bytes(*max_tokens));
    match expected == Some(*declared) {
        true => Ok(()),
        false => Err(RequestFault::Length { expected }),
    }
}

/// Maximum number of bytes that a claim of a job with these values of the symbols delivers.
pub fn max_delivered_bytes(parts: &ModelParts, symbols: &[u32]) -> Result<u64, SchemaError> {
    let layouts = parts.schema.output_layouts(symbols)?;
    let delivered = match parts.kind {
        ModelKind::Plain => layouts.len(),
        ModelKind::Generation => 1,
    };
    // Saturating: a sum that saturates is more than any claim delivers.
    let bytes = layouts.iter().take(delivered).map(|layout| layout.bytes);
    Ok(bytes.fold(0u64, u64::saturating_add))
}

/// The outputs that a claim of a job with these values of the symbols delivers with these bytes.
///
/// A generation's sequence has any length above the prompt's, up to the one that the job declares.
pub fn delivered<'a>(parts: &ModelParts, symbols: &[u32], bytes: &'a [u8]) -> Result<Delivered<'a>, SchemaError> {
    let Some(lengths) = lengths(parts) else {
        return Ok(Delivered {
            layouts: parts.schema.output_layouts(symbols)?,
            bytes: Cow::Borrowed(bytes),
        });
    };
    let wrong = SchemaError::WrongSize {
        expected: max_delivered_bytes(parts, symbols)?,
    };
    let mut symbols = symbols.to_vec();
    let prompt = symbols.get(lengths.prompt).copied().ok_or(wrong)?;
    let longest = symbols.get_mut(lengths.sequence).ok_or(wrong)?;
    let length = u32::try_from(bytes.len() / TOKEN_BYTES).map_err(|_| wrong)?;
    if !bytes.len().is_multiple_of(TOKEN_BYTES) || length <= prompt || length > *longest {
        return Err(wrong);
    }
    *longest = length;
    let mut all = Vec::with_capacity(bytes.len() + 1);
    all.extend_from_slice(bytes);
    all.push(VALID);
    Ok(Delivered {
        layouts: parts.schema.output_layouts(&symbols)?,
        bytes: Cow::Owned(all),
    })
}

/// Position of the first integer of an Int64 input that is not in the input's range.
fn first_out_of_range(described: &TensorSchema, tensor: &[u8]) -> Option<u32> {
    let range = described.range?;
    let integers = tensor.as_chunks::<TOKEN_BYTES>().0;
    let outside = integers
        .iter()
        .position(|integer| !range.contains(i64::from_le_bytes(*integer)));
    outside.and_then(|element| u32::try_from(element).ok())
}

#[cfg(test)]
mod tests;
