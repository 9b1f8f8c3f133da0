//! One element of a tensor, and the way in which an operator reads the elements that it needs.

use crate::{binary32::Binary32, digest::DataType, tensor::Tensor};
use alloc::vec::Vec;

/// An element: a canonical number, or an integer of any width. Bool is 0 or 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    /// Of a Float32 tensor.
    Number(Binary32),
    /// Of a tensor of any other type.
    Integer(i64),
}

/// Why an element was not computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ElementError {
    /// The operands do not fit the operator. A checked graph rules this out.
    Unfit,
    /// An element that the operator reads was not opened.
    Closed {
        /// Position of the operand.
        operand: usize,
        /// Position of the element in row-major order.
        index: u64,
    },
}

impl core::fmt::Display for ElementError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Unfit => write!(f, "the operands do not fit the operator"),
            Self::Closed { operand, index } => write!(f, "element {index} of operand {operand} is not opened"),
        }
    }
}

impl core::error::Error for ElementError {}

/// The operands of an operator, which may be open in part.
///
/// An operator reads nothing but what an element depends on. Over whole tensors this is the reference; over a dispute's
/// openings it is the judge; and what it reads of a recording one is what a proof must open.
pub trait Operands {
    /// Number of elements.
    fn count(&self) -> usize;

    /// Type and shape of an operand.
    fn layout(&self, operand: usize) -> Option<(DataType, &[u32])>;

    /// The element at this position in row-major order.
    fn read(&mut self, operand: usize, index: u64) -> Result<Element, ElementError>;

    /// A Float32 element.
    fn number(&mut self, operand: usize, index: u64) -> Result<Binary32, ElementError> {
        match self.read(operand, index)? {
            Element::Number(number) => Ok(number),
            Element::Integer(_) => Err(ElementError::Unfit),
        }
    }

    /// An element of another type.
    fn integer(&mut self, operand: usize, index: u64) -> Result<i64, ElementError> {
        match self.read(operand, index)? {
            Element::Integer(integer) => Ok(integer),
            Element::Number(_) => Err(ElementError::Unfit),
        }
    }

    /// Neighbouring Float32 elements.
    fn numbers(&mut self, operand: usize, start: u64, length: u64) -> Result<Vec<Binary32>, ElementError> {
        (start..start.saturating_add(length))
            .map(|index| self.number(operand, index))
            .collect()
    }

    /// Neighbouring elements of another type.
    fn integers(&mut self, operand: usize, start: u64, length: u64) -> Result<Vec<i64>, ElementError> {
        (start..start.saturating_add(length))
            .map(|index| self.integer(operand, index))
            .collect()
    }

    /// Type and shape, or [`ElementError::Unfit`].
    fn expect_layout(&self, operand: usize) -> Result<(DataType, Vec<u32>), ElementError> {
        let (dtype, shape) = self.layout(operand).ok_or(ElementError::Unfit)?;
        Ok((dtype, shape.to_vec()))
    }
}

/// Operands that are whole.
impl Operands for &[&Tensor] {
    fn count(&self) -> usize {
        self.len()
    }

    fn layout(&self, operand: usize) -> Option<(DataType, &[u32])> {
        self.get(operand).map(|tensor| (tensor.dtype(), tensor.shape()))
    }

    fn read(&mut self, operand: usize, index: u64) -> Result<Element, ElementError> {
        let tensor = self.get(operand).ok_or(ElementError::Unfit)?;
        tensor.element(index).ok_or(ElementError::Closed { operand, index })
    }
}

impl Element {
    /// Reads one element of a type; `None` if the bytes are not as many as it has. Numbers become canonical.
    pub fn from_bytes(dtype: DataType, bytes: &[u8]) -> Option<Self> {
        Some(match dtype {
            DataType::Float32 => Self::Number(Binary32::from_bits(u32::from_le_bytes(bytes.try_into().ok()?))),
            DataType::Int64 => Self::Integer(i64::from_le_bytes(bytes.try_into().ok()?)),
            DataType::Int32 => Self::Integer(i64::from(i32::from_le_bytes(bytes.try_into().ok()?))),
            DataType::Int8 => Self::Integer(i64::from(i8::from_le_bytes(bytes.try_into().ok()?))),
            DataType::Uint8 => Self::Integer(i64::from(u8::from_le_bytes(bytes.try_into().ok()?))),
            DataType::Bool => Self::Integer(i64::from(u8::from_le_bytes(bytes.try_into().ok()?) != 0)),
        })
    }

    /// Reads integers of a type; nothing if they are numbers. Bytes that are left over are ignored.
    pub(crate) fn integers_from_bytes(dtype: DataType, bytes: &[u8]) -> Vec<i64> {
        match dtype {
            DataType::Float32 => Vec::new(),
            DataType::Int64 => words(bytes).map(i64::from_le_bytes).collect(),
            DataType::Int32 => words(bytes).map(|word| i64::from(i32::from_le_bytes(word))).collect(),
            DataType::Int8 => words(bytes).map(|word| i64::from(i8::from_le_bytes(word))).collect(),
            DataType::Uint8 => bytes.iter().map(|byte| i64::from(*byte)).collect(),
            DataType::Bool => bytes.iter().map(|byte| i64::from(*byte != 0)).collect(),
        }
    }

    /// Its little-endian bytes as an element of this type. An integer that is too wide wraps.
    pub fn to_bytes(self, dtype: DataType) -> Vec<u8> {
        let bits = match self {
            Self::Number(number) => u64::from(number.to_bits()),
            Self::Integer(integer) => integer as u64,
        };
        bits.to_le_bytes().into_iter().take(dtype.size_bytes()).collect()
    }

    /// The element that an operator's parameter `bits` stands for.
    pub fn from_bits(dtype: DataType, bits: u64) -> Self {
        match dtype {
            DataType::Float32 => Self::Number(Binary32::from_bits(bits as u32)),
            dtype => Self::wrapped(dtype, bits as i64),
        }
    }

    /// An integer as one of this type, wrapping; for Bool whether it is not 0.
    pub fn wrapped(dtype: DataType, integer: i64) -> Self {
        Self::Integer(match dtype {
            DataType::Float32 | DataType::Int64 => integer,
            DataType::Int32 => i64::from(integer as i32),
            DataType::Int8 => i64::from(integer as i8),
            DataType::Uint8 => i64::from(integer as u8),
            DataType::Bool => i64::from(integer != 0),
        })
    }
}

fn words<const SIZE: usize>(bytes: &[u8]) -> impl Iterator<Item = [u8; SIZE]> {
    bytes.as_chunks().0.iter().copied()
}
