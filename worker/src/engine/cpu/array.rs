//! Tensors in the making: numbers in shared buffers, seen through strides, so that a permutation or a slice moves nothing.

use super::memory::Buffer;
use crate::tensor::{DataType, Tensor};
use assay_kernels::{
    layout::{contiguous_strides, read_bytes, to_bytes},
    threads::Threads,
    view::View,
};
use std::sync::Arc;

/// A tensor of any type.
#[derive(Clone, Debug)]
pub(super) struct Array {
    pub shape: Vec<usize>,
    pub data: Data,
}

/// Where the elements are.
#[derive(Clone, Debug)]
pub(super) enum Data {
    /// Element `[i, j, …]` of a Float32 tensor is `buffer[offset + i·strides[0] + j·strides[1] + …]`.
    Numbers {
        buffer: Arc<Buffer>,
        offset: usize,
        strides: Vec<usize>,
    },
    /// A tensor of another type.
    Other(Arc<Tensor>),
}

impl Array {
    /// Numbers in row-major order.
    pub fn numbers(shape: Vec<usize>, buffer: impl Into<Buffer>) -> Self {
        let strides = contiguous_strides(&shape);
        let data = Data::Numbers {
            buffer: Arc::new(buffer.into()),
            offset: 0,
            strides,
        };
        Self { shape, data }
    }

    /// One number everywhere.
    pub fn filled(shape: Vec<usize>, number: f32) -> Self {
        let strides = vec![0; shape.len()];
        let number = if number.is_nan() { f32::NAN } else { number + 0.0 };
        let data = Data::Numbers {
            buffer: Arc::new(vec![number].into()),
            offset: 0,
            strides,
        };
        Self { shape, data }
    }

    /// A tensor as it is. Numbers are copied to a buffer.
    pub fn from_tensor(tensor: Tensor, buffer: impl FnOnce(usize) -> Buffer) -> Self {
        let shape: Vec<usize> = tensor.shape().iter().map(|n| *n as usize).collect();
        if tensor.dtype() == DataType::Float32 {
            let mut buffer = buffer(tensor.bytes().len() / size_of::<f32>());
            read_bytes(tensor.bytes(), &mut buffer);
            Self::numbers(shape, buffer)
        } else {
            let data = Data::Other(Arc::new(tensor));
            Self { shape, data }
        }
    }

    /// The tensor by itself, in row-major order.
    pub fn to_tensor(&self, threads: &Threads) -> Option<Tensor> {
        let view = match &self.data {
            Data::Other(tensor) => return Some(Tensor::clone(tensor)),
            Data::Numbers { .. } => self.as_view()?,
        };
        let bytes = match self.slice() {
            Some(numbers) => to_bytes(numbers),
            None => {
                let mut numbers = vec![0.0; self.len()];
                view.copy(threads, &mut numbers);
                to_bytes(&numbers)
            }
        };
        let shape = self.shape.iter().map(|n| *n as u32).collect();
        Tensor::new(DataType::Float32, shape, bytes).ok()
    }

    /// Its numbers, as kernels see them.
    pub fn as_view(&self) -> Option<View<'_>> {
        match &self.data {
            Data::Numbers {
                buffer,
                offset,
                strides,
            } => Some(View::new(buffer, *offset, &self.shape, strides)),
            Data::Other(_) => None,
        }
    }

    /// Its elements, if they are integers that an index may be of.
    pub fn integers(&self) -> Option<Vec<i64>> {
        let Data::Other(tensor) = &self.data else {
            return None;
        };
        let bytes = tensor.bytes();
        match tensor.dtype() {
            DataType::Int64 => Some(
                bytes
                    .as_chunks::<8>()
                    .0
                    .iter()
                    .map(|word| i64::from_le_bytes(*word))
                    .collect(),
            ),
            DataType::Int32 => {
                let words = bytes.as_chunks::<4>().0.iter();
                Some(words.map(|word| i64::from(i32::from_le_bytes(*word))).collect())
            }
            _ => None,
        }
    }

    /// How many elements it has.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether its elements are numbers that stand in row-major order.
    pub fn is_contiguous(&self) -> bool {
        match &self.data {
            Data::Numbers { strides, .. } => is_contiguous(&self.shape, strides),
            Data::Other(_) => false,
        }
    }

    /// Its numbers in row-major order, if they stand so.
    pub fn slice(&self) -> Option<&[f32]> {
        match &self.data {
            Data::Numbers { buffer, offset, .. } if self.is_contiguous() => buffer.get(*offset..*offset + self.len()),
            _ => None,
        }
    }

    /// The same elements under other dimensions and strides; nothing if they are not numbers.
    pub fn view(&self, shape: Vec<usize>, view: impl FnOnce(usize, &[usize]) -> (usize, Vec<usize>)) -> Option<Self> {
        let Data::Numbers {
            buffer,
            offset,
            strides,
        } = &self.data
        else {
            return None;
        };
        let (offset, strides) = view(*offset, strides);
        let data = Data::Numbers {
            buffer: buffer.clone(),
            offset,
            strides,
        };
        Some(Self { shape, data })
    }
}

/// Whether the strides are those of row-major order; those of dimensions with one element do not matter.
pub(super) fn is_contiguous(shape: &[usize], strides: &[usize]) -> bool {
    let expected = contiguous_strides(shape);
    shape
        .iter()
        .zip(strides)
        .zip(expected)
        .all(|((n, stride), expected)| *n == 1 || *stride == expected)
}
