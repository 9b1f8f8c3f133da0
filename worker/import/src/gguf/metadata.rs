//! The pairs of keys and values in the header of a GGUF file.

use super::container::{Reader, refused};
use crate::error::ImportError;
use std::{collections::BTreeMap, io::Read};

/// Maximum depth of arrays in arrays, which no known key has.
const MAX_DEPTH: u32 = 4;
/// Code of the type of strings.
const TEXT: u32 = 8;
/// Code of the type of arrays.
const ARRAY: u32 = 9;

/// A value of the metadata.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// An integer of any width.
    Integer(i128),
    /// A binary32 or binary64 number.
    Number(f64),
    /// A truth value.
    Bool(bool),
    /// A string.
    Text(String),
    /// An array of strings.
    Texts(Vec<String>),
    /// An array of numbers or truth values: code of their type, and their bytes as they stand in the file.
    Numbers(u32, Vec<u8>),
    /// An array of arrays, whose elements are checked and not kept.
    Nested,
}

/// Keys and values.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metadata {
    values: BTreeMap<String, Value>,
}

type Result<T> = std::result::Result<T, ImportError>;

/// Bytes of a value of a type that has a fixed size.
fn width(kind: u32) -> Option<u64> {
    match kind {
        0 | 1 | 7 => Some(1),
        2 | 3 => Some(2),
        4..=6 => Some(4),
        10..=12 => Some(8),
        _ => None,
    }
}

impl Value {
    /// Reads a value of the type that has this code.
    pub(super) fn read(reader: &mut Reader<impl Read>, key: &str, kind: u32) -> Result<Self> {
        match kind {
            TEXT => Ok(Self::Text(reader.text(key, u64::MAX)?)),
            ARRAY => Self::read_array(reader, key, 0),
            _ => {
                let width = width(kind).ok_or_else(|| unknown(key, kind))?;
                let bytes = reader.bytes(width, key)?;
                Self::single(kind, &bytes).ok_or_else(|| unknown(key, kind))
            }
        }
    }

    fn read_array(reader: &mut Reader<impl Read>, key: &str, depth: u32) -> Result<Self> {
        let (kind, count) = (reader.u32()?, reader.u64()?);
        // An element has at least as many bytes as its type says, a string as many as its length.
        let least = match kind {
            TEXT => 8,
            ARRAY => 12,
            kind => width(kind).ok_or_else(|| unknown(key, kind))?,
        };
        let bytes = count.checked_mul(least).filter(|bytes| *bytes <= reader.left());
        let bytes =
            bytes.ok_or_else(|| refused(key, format!("it has {count} elements, more than the header holds")))?;
        match kind {
            TEXT => {
                let texts = (0..count).map(|_| reader.text(key, u64::MAX));
                Ok(Self::Texts(texts.collect::<Result<_>>()?))
            }
            ARRAY if depth == MAX_DEPTH => Err(refused(key, "it has arrays in arrays in arrays without end")),
            ARRAY => {
                for _ in 0..count {
                    Self::read_array(reader, key, depth + 1)?;
                }
                Ok(Self::Nested)
            }
            _ => Ok(Self::Numbers(kind, reader.bytes(bytes, key)?)),
        }
    }

    /// A number or a truth value of the type that has this code, of which these are the bytes.
    fn single(kind: u32, bytes: &[u8]) -> Option<Self> {
        let unsigned = bytes
            .iter()
            .rev()
            .fold(0u64, |value, byte| value << 8 | u64::from(*byte));
        let unused = 64 - 8 * u32::try_from(bytes.len()).ok()?;
        let signed = (unsigned << unused) as i64 >> unused;
        Some(match kind {
            0 | 2 | 4 | 10 => Self::Integer(i128::from(unsigned)),
            1 | 3 | 5 | 11 => Self::Integer(i128::from(signed)),
            6 => Self::Number(f64::from(f32::from_bits(unsigned as u32))),
            7 => Self::Bool(unsigned != 0),
            12 => Self::Number(f64::from_bits(unsigned)),
            _ => return None,
        })
    }
}

fn unknown(key: &str, kind: u32) -> ImportError {
    refused(key, format!("its value has the type {kind}, which GGUF does not have"))
}

impl Metadata {
    /// Adds a pair; false if the key is there already.
    pub(super) fn insert(&mut self, key: String, value: Value) -> bool {
        self.values.insert(key, value).is_none()
    }

    /// The value of a key, if the file has it.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.values.get(key)
    }

    fn needed(&self, key: &str) -> Result<&Value> {
        self.get(key)
            .ok_or_else(|| refused(key, "the file does not have this key; convert the model again"))
    }

    /// A string that must be there.
    pub fn text(&self, key: &str) -> Result<&str> {
        match self.needed(key)? {
            Value::Text(text) => Ok(text),
            _ => Err(refused(key, "it is not a string")),
        }
    }

    /// An array of strings that must be there.
    pub fn texts(&self, key: &str) -> Result<&[String]> {
        match self.needed(key)? {
            Value::Texts(texts) => Ok(texts),
            _ => Err(refused(key, "it is not an array of strings")),
        }
    }

    /// A number from 0 to 2^32 − 1 that must be there.
    pub fn u32(&self, key: &str) -> Result<u32> {
        match self.needed(key)? {
            Value::Integer(value) => {
                u32::try_from(*value).map_err(|_| refused(key, format!("{value} is not from 0 to 2^32 - 1")))
            }
            _ => Err(refused(key, "it is not an integer")),
        }
    }

    /// The same, if the file has it.
    pub fn optional_u32(&self, key: &str) -> Result<Option<u32>> {
        self.get(key).map(|_| self.u32(key)).transpose()
    }

    /// A finite number that must be there.
    pub fn number(&self, key: &str) -> Result<f64> {
        match self.needed(key)? {
            Value::Number(value) if value.is_finite() => Ok(*value),
            Value::Integer(value) => Ok(*value as f64),
            _ => Err(refused(key, "it is not a finite number")),
        }
    }

    /// A truth value, or this one if the file does not have it.
    pub fn bool_or(&self, key: &str, default: bool) -> Result<bool> {
        match self.get(key) {
            None => Ok(default),
            Some(Value::Bool(value)) => Ok(*value),
            Some(_) => Err(refused(key, "it is not a truth value")),
        }
    }

    /// An array of integers of 32 bits, if the file has it.
    pub fn integers(&self, key: &str) -> Result<Option<Vec<i32>>> {
        match self.get(key) {
            None => Ok(None),
            // Types 4 and 5 are those of 32 bits without and with a sign.
            Some(Value::Numbers(4 | 5, bytes)) => {
                let integers = bytes.as_chunks().0.iter().map(|bytes| i32::from_le_bytes(*bytes));
                Ok(Some(integers.collect()))
            }
            Some(_) => Err(refused(key, "it is not an array of integers of 32 bits")),
        }
    }
}
