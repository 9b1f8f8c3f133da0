//! A tensor: element type, shape and little-endian bytes that are as many as the two say.

use crate::{
    binary32::Binary32,
    digest::{DataType, Digest, Hash256, tensor_digest, tensor_size_bytes},
    element::Element,
};
use alloc::vec::Vec;

/// A tensor in row-major order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tensor {
    dtype: DataType,
    shape: Vec<u32>,
    bytes: Vec<u8>,
}

/// The bytes are not as many as the shape says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SizeError {
    /// Bytes that the shape and the type ask for; `None` where that overflows 64 bits.
    pub expected: Option<u64>,
    /// Bytes that were given.
    pub actual: u64,
}

impl core::fmt::Display for SizeError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self.expected {
            Some(expected) => write!(f, "a tensor of this shape has {expected} bytes, not {}", self.actual),
            None => write!(f, "a tensor of this shape has more bytes than can be counted"),
        }
    }
}

impl core::error::Error for SizeError {}

impl Tensor {
    /// A tensor of `shape` with the elements in `bytes`, little-endian and row-major.
    pub fn new(dtype: DataType, shape: Vec<u32>, bytes: Vec<u8>) -> Result<Self, SizeError> {
        let (expected, actual) = (tensor_size_bytes(dtype, &shape), bytes.len() as u64);
        if expected != Some(actual) {
            return Err(SizeError { expected, actual });
        }
        Ok(Self { dtype, shape, bytes })
    }

    /// A Float32 tensor of `shape` with these elements.
    pub fn from_numbers(shape: Vec<u32>, numbers: impl Iterator<Item = Binary32>) -> Result<Self, SizeError> {
        Self::new(
            DataType::Float32,
            shape,
            numbers.flat_map(|number| number.to_bits().to_le_bytes()).collect(),
        )
    }

    /// The type of its elements.
    pub fn dtype(&self) -> DataType {
        self.dtype
    }

    /// Elements in each dimension, outermost first.
    pub fn shape(&self) -> &[u32] {
        &self.shape
    }

    /// The elements, little-endian and row-major.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The elements' bytes without the tensor around them.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// The digest that commits to type, shape and elements.
    pub fn digest<H: Hash256>(&self) -> Digest {
        tensor_digest::<H>(self.dtype, &self.shape, &self.bytes)
    }

    /// The elements as canonical binary32 numbers; nothing if they are of another type.
    pub fn numbers(&self) -> impl ExactSizeIterator<Item = Binary32> + Clone {
        let bytes = if self.dtype == DataType::Float32 {
            self.bytes.as_slice()
        } else {
            &[]
        };
        let (words, _) = bytes.as_chunks::<4>();
        words.iter().map(|word| Binary32::from_bits(u32::from_le_bytes(*word)))
    }

    /// The element at this position in row-major order.
    pub fn element(&self, index: u64) -> Option<Element> {
        let size = self.dtype.size_bytes();
        let start = usize::try_from(index).ok()?.checked_mul(size)?;
        Element::from_bytes(self.dtype, self.bytes.get(start..start.checked_add(size)?)?)
    }

    /// A tensor of `shape` with these elements, which are of the type.
    pub fn from_elements(
        dtype: DataType,
        shape: Vec<u32>,
        elements: impl Iterator<Item = Element>,
    ) -> Result<Self, SizeError> {
        Self::new(
            dtype,
            shape,
            elements.flat_map(|element| element.to_bytes(dtype)).collect(),
        )
    }

    /// The same tensor with every zero and NaN canonical, and 1 for every Bool that is not 0. Integers are canonical as
    /// they are.
    pub fn canonical(mut self) -> Self {
        match self.dtype {
            DataType::Float32 => {
                let (words, _) = self.bytes.as_chunks_mut::<4>();
                for word in words {
                    *word = Binary32::from_bits(u32::from_le_bytes(*word)).to_bits().to_le_bytes();
                }
            }
            DataType::Bool => self.bytes.iter_mut().for_each(|byte| *byte = u8::from(*byte != 0)),
            DataType::Int64 | DataType::Int32 | DataType::Int8 | DataType::Uint8 => {}
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn bytes_must_be_as_many_as_the_shape_says() {
        assert!(Tensor::new(DataType::Float32, vec![2, 3], vec![0; 24]).is_ok());
        let error = Tensor::new(DataType::Float32, vec![2, 3], vec![0; 23]);
        assert_eq!(
            error,
            Err(SizeError {
                expected: Some(24),
                actual: 23
            })
        );
        assert_eq!(
            Tensor::new(DataType::Int64, vec![u32::MAX; 3], vec![]),
            Err(SizeError {
                expected: None,
                actual: 0
            })
        );
    }

    #[test]
    fn canonical_rewrites_zeros_nans_and_truths_only() {
        let bits = [0x8000_0000u32, 0xffc0_0001, 0x3f80_0000, 0x0000_0001];
        let bytes = bits.iter().flat_map(|bits| bits.to_le_bytes()).collect();
        let tensor = Tensor::new(DataType::Float32, vec![4], bytes)
            .expect("four numbers")
            .canonical();
        let bits: Vec<u32> = tensor.numbers().map(Binary32::to_bits).collect();
        assert_eq!(bits, [0, 0x7fc0_0000, 0x3f80_0000, 1]);
        assert_eq!(tensor.bytes()[..4], [0; 4]);
        for (dtype, bytes) in [(DataType::Bool, [0, 1, 1, 1]), (DataType::Uint8, [0, 1, 2, 255])] {
            let tensor = Tensor::new(dtype, vec![4], vec![0, 1, 2, 255]).expect("four bytes");
            assert_eq!(tensor.canonical().bytes(), bytes);
        }
    }
}
