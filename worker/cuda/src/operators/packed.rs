//! Rows of integers with their scales: what products are made of.

use super::{Failure, fit};
use crate::{array::Array, memory::Buffer, parameters::Parameters, queue::Queue};
use assay_exact::{
    digest::DataType,
    quantise::{Bits, GroupedBits, WeightFormat},
};
use assay_ops::words::Form;
use std::sync::Arc;

/// Integers of a row are padded with zeros to a multiple of this.
const STRIDE: usize = 64;
/// Planes of bytes that a second operand has at most, of which the first is the greatest part.
pub(super) const MAX_PLANES: usize = 4;

/// Rows of integers with their scales: what products are made of.
pub struct Packed {
    pub(super) rows: usize,
    pub(super) length: usize,
    pub(super) stride: usize,
    pub(super) integers: Integers,
    /// None where every element has had a scale of its own.
    pub(super) scales: Option<Arc<Buffer>>,
}

/// The integers of rows.
pub(super) enum Integers {
    /// Of 8 bits.
    Bytes(Buffer),
    /// Of 16 bits: their high halves and their low ones.
    Halves([Buffer; 2]),
    /// Small ones in groups, as they are given.
    Groups(Groups),
}

/// Small integers in groups, as they are given.
pub(super) struct Groups {
    bits: GroupedBits,
    group: usize,
    integers: Arc<Buffer>,
    words: Arc<Buffer>,
}

/// Scaling by which rows become integers.
#[derive(Clone, Copy)]
pub(super) enum Scaling<'a> {
    /// Each by its own scale.
    Row,
    /// The same, after the elements were multiplied: a row of factors for this many rows.
    RowAfter(&'a Array, usize),
    /// Each element by its own factor: a row of them for this many rows.
    Column(&'a Array, usize),
}

impl Packed {
    /// The rows along the last dimension, each quantised with its own scale.
    pub fn new(queue: &Queue, array: &Array, bits: Bits) -> Result<Self, Failure> {
        Self::scaled(queue, array, bits, Scaling::Row)
    }

    /// The second operand of a product, made of values.
    pub fn of_values(queue: &Queue, values: &[Array], form: Form) -> Result<Self, Failure> {
        match (form, values) {
            (Form::Quantised(bits), [weight]) => Self::new(queue, weight, bits),
            (Form::Given(format), [integers @ .., scales]) => Self::given(queue, format, integers, scales),
            _ => Err(Failure::Misfit),
        }
    }

    /// Rows of integers that are given, each with its scale.
    fn given(queue: &Queue, format: WeightFormat, given: &[Array], scales: &Array) -> Result<Self, Failure> {
        let types: &[DataType] = match format {
            WeightFormat::Int8 => &[DataType::Int8],
            WeightFormat::Grouped { bits, .. } => match bits {
                GroupedBits::Four => &[DataType::Uint8, DataType::Int32],
                GroupedBits::Eight => &[DataType::Int8, DataType::Int32],
            },
        };
        if !given.iter().map(|array| array.dtype).eq(types.iter().copied()) || scales.dtype != DataType::Float32 {
            return Err(Failure::Misfit);
        }
        let mut ordered = Vec::with_capacity(given.len());
        for array in given {
            ordered.push(array.contiguous(queue)?);
        }
        let (first, words) = fit(ordered.split_first())?;
        let [rows, width] = *first.shape() else {
            return Err(Failure::Misfit);
        };
        if scales.len() != rows {
            return Err(Failure::Misfit);
        }
        let (length, integers) = match (format, words) {
            (WeightFormat::Int8, []) => (width, Self::taken(queue, first, [rows, width])?),
            (WeightFormat::Grouped { bits, group }, [words]) => {
                let length = match bits {
                    GroupedBits::Four => 2 * width,
                    GroupedBits::Eight => width,
                };
                let group = usize::from(group);
                if words.len() * group != rows * length {
                    return Err(Failure::Misfit);
                }
                let groups = Groups {
                    bits,
                    group,
                    integers: first.buffer.clone(),
                    words: words.buffer.clone(),
                };
                (length, Integers::Groups(groups))
            }
            _ => return Err(Failure::Misfit),
        };
        Ok(Self {
            rows,
            length,
            stride: length.next_multiple_of(STRIDE),
            integers,
            scales: Some(scales.contiguous(queue)?.buffer),
        })
    }

    /// Integers of 8 bits, padded.
    fn taken(queue: &Queue, from: &Array, [rows, length]: [usize; 2]) -> Result<Integers, Failure> {
        let stride = length.next_multiple_of(STRIDE);
        let to = queue.pool().take(rows * stride)?;
        let parameters = Parameters::default()
            .count(rows)
            .count(length)
            .count(stride)
            .address(&from.buffer)
            .address(&to);
        queue.for_each("take_integers", rows * stride, parameters)?;
        Ok(Integers::Bytes(to))
    }

    /// The rows along the last dimension.
    pub(super) fn scaled(queue: &Queue, array: &Array, bits: Bits, scaling: Scaling<'_>) -> Result<Self, Failure> {
        let length = *fit(array.shape().last())?;
        if array.dtype != DataType::Float32 {
            return Err(Failure::Misfit);
        }
        let (rows, stride) = (array.len() / length, length.next_multiple_of(STRIDE));
        let take = |bytes: usize| queue.pool().take(bytes);
        let integers = match bits {
            Bits::Int8 => Integers::Bytes(take(rows * stride)?),
            Bits::Int16 => Integers::Halves([take(rows * stride)?, take(rows * stride)?]),
        };
        let [high, low] = integers.planes();
        let (kind, factors) = match scaling {
            Scaling::Row => (0, None),
            Scaling::RowAfter(factors, rows) => (1, Some((factors.contiguous(queue)?, rows))),
            Scaling::Column(factors, rows) => (2, Some((factors.contiguous(queue)?, rows))),
        };
        let scales = match scaling {
            Scaling::Column(..) => None,
            _ => Some(Arc::new(take(rows * size_of::<f32>())?)),
        };
        let parameters = fit(Parameters::default().rows(array))?
            .address(&array.buffer)
            .word(bits.greatest() as u64)
            .count(stride)
            .word(kind)
            .optional(factors.as_ref().map(|(factors, _)| &*factors.buffer))
            .count(factors.as_ref().map_or(1, |(_, rows)| *rows))
            .optional(high)
            .optional(low)
            .optional(scales.as_deref());
        queue.for_rows("quantise", rows, rows * stride, parameters)?;
        Ok(Self {
            rows,
            length,
            stride,
            integers,
            scales,
        })
    }
}

impl Integers {
    /// The planes of integers that are not in groups: of all bits or of high halves, and of low ones.
    pub(super) fn planes(&self) -> [Option<&Buffer>; 2] {
        match self {
            Self::Bytes(bytes) => [Some(bytes), None],
            Self::Halves([high, low]) => [Some(high), Some(low)],
            Self::Groups(_) => [None, None],
        }
    }

    /// Number of planes of the first operand of a product.
    pub(super) fn first_planes(&self) -> Option<usize> {
        match self {
            Self::Bytes(_) => Some(1),
            Self::Halves(_) => Some(2),
            Self::Groups(_) => None,
        }
    }
}

impl Groups {
    /// Planes that weights fill: bytes of seven bits each. Weights of four bits are below `2^19`, and of eight below
    /// `2^23`.
    fn plane_count(&self) -> usize {
        match self.bits {
            GroupedBits::Four => 3,
            GroupedBits::Eight => 4,
        }
    }

    /// The parameters of a kernel, and then those of rows of this many elements.
    pub(super) fn add_to(&self, parameters: Parameters, length: usize) -> Parameters {
        parameters
            .count(length)
            .count(self.group)
            .word(u64::from(self.bits == GroupedBits::Four))
            .address(&self.integers)
            .address(&self.words)
    }

    /// The weights in planes.
    pub(super) fn planes(&self, queue: &Queue, weight: &Packed) -> Result<Vec<Buffer>, Failure> {
        let bytes = weight.rows * weight.stride;
        let mut planes = Vec::with_capacity(MAX_PLANES);
        for _ in 0..self.plane_count() {
            planes.push(queue.pool().take(bytes)?);
        }
        let parameters = Parameters::default().count(weight.rows).count(weight.stride);
        let mut parameters = self.add_to(parameters, weight.length).count(planes.len());
        for plane in 0..MAX_PLANES {
            parameters = parameters.optional(planes.get(plane));
        }
        queue.for_each("take_groups", bytes, parameters)?;
        Ok(planes)
    }
}
