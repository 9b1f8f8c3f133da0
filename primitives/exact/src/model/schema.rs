//! Schemas: the inputs and outputs of a model, with data types and dimensions, some of them symbols with a range.

use crate::{
    bounded::Bounded,
    digest::{DataType, Digest, Hash256, list_digest, tensor_digest},
    graph::{
        BindError, Bounds, CheckedGraph, Dimension, Graph, Input, MAX_RANK, MAX_SCHEMA_NAME_BYTES, MAX_SYMBOLS,
        MAX_TENSORS, Symbol,
    },
};
use alloc::{string::String, vec::Vec};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// The name of a symbol or a tensor, UTF-8.
pub type SchemaName = Bounded<u8, { MAX_SCHEMA_NAME_BYTES as u32 }>;

/// The values that elements of an integer input may have, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub struct ValueRange {
    /// Minimum value.
    pub min: i64,
    /// Maximum value.
    pub max: i64,
}

/// The values that a dynamic dimension may take, both ends included.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub struct SymbolRange {
    /// For people: `batch`, `tokens`.
    pub name: SchemaName,
    /// Minimum number of elements.
    pub min: u32,
    /// Maximum number of elements.
    pub max: u32,
}

/// One tensor that a model takes or gives.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub struct TensorSchema {
    /// The name that the model's author gave it.
    pub name: SchemaName,
    /// Type of its elements.
    pub data_type: DataType,
    /// Its dimensions, outermost first.
    pub dimensions: Bounded<Dimension, { MAX_RANK as u32 }>,
    /// The values that its elements may have, where the model's author or its graph says so. Only integer inputs have
    /// one: an element outside it has no meaning to the model, such as a token that the vocabulary does not have.
    pub range: Option<ValueRange>,
}

/// The tensors that a model takes and gives.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub struct Schema {
    /// The dynamic dimensions; the same symbol has the same value wherever it stands in one job.
    pub symbols: Bounded<SymbolRange, { MAX_SYMBOLS as u32 }>,
    /// Inputs of the model, in the order of a payload.
    pub inputs: Bounded<TensorSchema, { MAX_TENSORS as u32 }>,
    /// Outputs of the model, in the order of an inline output.
    pub outputs: Bounded<TensorSchema, { MAX_TENSORS as u32 }>,
}

/// Reasons for which a schema is unsound, or a job's payload does not fit it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SchemaError {
    /// The model takes nothing or gives nothing.
    NoTensors,
    /// A dimension names a symbol that the schema does not list.
    UnknownSymbol,
    /// A symbol is in no input's dimensions, so that a job could give it any value.
    UnboundSymbol,
    /// A symbol's least value is zero or above its greatest.
    EmptyRange,
    /// A dimension is zero, or is zero or negative for some values of its symbols as far as its bounds tell.
    ZeroDimension,
    /// A dimension is computed from symbols and is not written in its canonical form, or stands in an input: inputs
    /// give symbols their values.
    UnsoundDimension,
    /// The tensors with the maximum of each dimension have more bytes than fit a `u64`, or more elements along a
    /// dimension than fit a `u32`.
    TooLarge,
    /// A range of values is empty, or is of a tensor that is not an integer input, or holds values that its type has
    /// not.
    ValueRange,
    /// The job gives a different number of symbols than the schema lists.
    WrongNumberOfSymbols {
        /// Symbols that the schema lists.
        expected: u32,
    },
    /// The value of a symbol is outside its range.
    SymbolOutOfRange {
        /// Position of the symbol in the schema.
        symbol: u8,
    },
    /// The bytes are not as many as the tensors have.
    WrongSize {
        /// Bytes that tensors of these dimensions have.
        expected: u64,
    },
}

/// A tensor's type, shape and length, with every symbol replaced by its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorLayout {
    /// Type of its elements.
    pub data_type: DataType,
    /// Number of elements in each dimension, outermost first.
    pub shape: Vec<u32>,
    /// Its length, in bytes.
    pub bytes: u64,
}

impl Schema {
    /// The schema of a graph; `None` if it has more tensors, symbols or dimensions, or longer names, than a schema may.
    pub fn of(graph: &CheckedGraph) -> Option<Self> {
        let named = graph.graph();
        let symbols = named.symbols.iter().map(|symbol| {
            Some(SymbolRange {
                name: Bounded::new(symbol.name.as_bytes().to_vec())?,
                min: symbol.min,
                max: symbol.max,
            })
        });
        let tensor = |name: &str, data_type, dimensions: &[Dimension], range| {
            Some(TensorSchema {
                name: Bounded::new(name.as_bytes().to_vec())?,
                data_type,
                dimensions: Bounded::new(dimensions.to_vec())?,
                range,
            })
        };
        let inputs = named.inputs.iter();
        let inputs = inputs.map(|input| tensor(&input.name, input.dtype, &input.dimensions, input.range));
        let outputs = named.outputs.iter().map(|output| {
            let (data_type, dimensions) = graph.value(output.value)?;
            tensor(&output.name, data_type, dimensions, None)
        });
        Some(Self {
            symbols: Bounded::new(symbols.collect::<Option<_>>()?)?,
            inputs: Bounded::new(inputs.collect::<Option<_>>()?)?,
            outputs: Bounded::new(outputs.collect::<Option<_>>()?)?,
        })
    }

    /// Whether jobs can be checked against this schema at all.
    pub fn validate(&self) -> Result<(), SchemaError> {
        if self.inputs.is_empty() || self.outputs.is_empty() {
            return Err(SchemaError::NoTensors);
        }
        if self
            .symbols
            .iter()
            .any(|symbol| symbol.min == 0 || symbol.min > symbol.max)
        {
            return Err(SchemaError::EmptyRange);
        }
        let tensors = || self.inputs.iter().chain(self.outputs.iter());
        if tensors()
            .flat_map(|tensor| tensor.dimensions.iter())
            .any(|d| *d == Dimension::Fixed(0))
        {
            return Err(SchemaError::ZeroDimension);
        }
        let mut taken = self.inputs.iter().flat_map(|tensor| tensor.dimensions.iter());
        let mut all = tensors().flat_map(|tensor| tensor.dimensions.iter());
        if taken.any(|dimension| dimension.is_computed()) || !all.all(|dimension| dimension.is_canonical()) {
            return Err(SchemaError::UnsoundDimension);
        }
        let ranges = self.inputs.iter().all(TensorSchema::has_sound_range);
        if !ranges || self.outputs.iter().any(|tensor| tensor.range.is_some()) {
            return Err(SchemaError::ValueRange);
        }
        // Inputs have no dimension that could be 0.
        self.check_sizes(&self.inputs)?;
        if !self.check_sizes(&self.outputs)? {
            return Err(SchemaError::ZeroDimension);
        }
        let binds = |symbol| {
            let mut taken = self.inputs.iter().flat_map(|tensor| tensor.dimensions.iter());
            taken.any(|dimension| matches!(dimension, Dimension::Symbol(named) if usize::from(*named) == symbol))
        };
        match (0..self.symbols.len()).all(binds) {
            true => Ok(()),
            false => Err(SchemaError::UnboundSymbol),
        }
    }

    /// The layouts of the inputs, for these values of the symbols.
    pub fn input_layouts(&self, symbols: &[u32]) -> Result<Vec<TensorLayout>, SchemaError> {
        self.check_symbols(symbols)?;
        layouts(&self.inputs, symbols)
    }

    /// The layouts of the outputs, for these values of the symbols.
    pub fn output_layouts(&self, symbols: &[u32]) -> Result<Vec<TensorLayout>, SchemaError> {
        self.check_symbols(symbols)?;
        layouts(&self.outputs, symbols)
    }

    /// The values of the symbols, in their order, for inputs of these types and shapes.
    pub fn bind(&self, inputs: &[(DataType, &[u32])]) -> Result<Vec<u32>, BindError> {
        let text = |name: &SchemaName| String::from_utf8_lossy(name).into_owned();
        let symbols = self.symbols.iter().map(|symbol| Symbol {
            name: text(&symbol.name),
            min: symbol.min,
            max: symbol.max,
        });
        let takes = self.inputs.iter().map(|input| Input {
            name: text(&input.name),
            dtype: input.data_type,
            dimensions: input.dimensions.to_vec(),
            range: input.range,
        });
        Graph::bind_to(&symbols.collect::<Vec<_>>(), &takes.collect::<Vec<_>>(), inputs)
    }

    /// Checks that these tensors can be counted where each of their dimensions has its maximum, and says whether none
    /// of the dimensions can be 0.
    fn check_sizes(&self, tensors: &[TensorSchema]) -> Result<bool, SchemaError> {
        let (mut total, mut are_positive) = (0u64, true);
        for tensor in tensors {
            let mut maxima = Vec::new();
            for dimension in tensor.dimensions.iter() {
                let mut symbols = dimension.symbols().into_iter();
                if symbols.any(|symbol| usize::from(symbol) >= self.symbols.len()) {
                    return Err(SchemaError::UnknownSymbol);
                }
                let bounds = self.bounds(*dimension).ok_or(SchemaError::TooLarge)?;
                maxima.push(u32::try_from(bounds.max).map_err(|_| SchemaError::TooLarge)?);
                are_positive &= bounds.min >= 1;
            }
            let element = tensor.data_type.size_bytes() as u64;
            let bytes = maxima
                .into_iter()
                .try_fold(element, |bytes, max| bytes.checked_mul(u64::from(max)));
            total = bytes
                .and_then(|bytes| total.checked_add(bytes))
                .ok_or(SchemaError::TooLarge)?;
        }
        Ok(are_positive)
    }

    /// Minimum and maximum of a dimension.
    fn bounds(&self, dimension: Dimension) -> Option<Bounds> {
        dimension.bounds(|symbol| {
            let symbol = self.symbols.get(usize::from(symbol))?;
            Some((symbol.min, symbol.max))
        })
    }

    fn check_symbols(&self, symbols: &[u32]) -> Result<(), SchemaError> {
        if symbols.len() != self.symbols.len() {
            return Err(SchemaError::WrongNumberOfSymbols {
                expected: self.symbols.len() as u32,
            });
        }
        for (index, (range, value)) in self.symbols.iter().zip(symbols).enumerate() {
            if *value < range.min || *value > range.max {
                return Err(SchemaError::SymbolOutOfRange { symbol: index as u8 });
            }
        }
        Ok(())
    }
}

impl TensorSchema {
    fn has_sound_range(&self) -> bool {
        self.range.is_none_or(|range| range.fits(self.data_type))
    }
}

impl ValueRange {
    /// Whether it has a value, and all of them are integers of this type.
    pub fn fits(self, dtype: DataType) -> bool {
        let (least, greatest) = match dtype {
            DataType::Int64 => (i64::MIN, i64::MAX),
            DataType::Int32 => (i32::MIN.into(), i32::MAX.into()),
            DataType::Int8 => (i8::MIN.into(), i8::MAX.into()),
            DataType::Uint8 => (0, u8::MAX.into()),
            DataType::Float32 | DataType::Bool => return false,
        };
        least <= self.min && self.min <= self.max && self.max <= greatest
    }

    /// Whether it includes this value.
    pub fn contains(self, value: i64) -> bool {
        (self.min..=self.max).contains(&value)
    }
}

/// The digest of a job's input or output: the list digest of its tensors' digests. `bytes` holds the tensors one after
/// the other, little-endian and row-major, as `layouts` says.
pub fn payload_digest<H: Hash256>(layouts: &[TensorLayout], bytes: &[u8]) -> Result<Digest, SchemaError> {
    let expected = total_bytes(layouts)?;
    if bytes.len() as u64 != expected {
        return Err(SchemaError::WrongSize { expected });
    }
    let mut rest = bytes;
    let mut digests = Vec::with_capacity(layouts.len());
    for layout in layouts {
        let (tensor, after) = rest
            .split_at_checked(layout.bytes as usize)
            .ok_or(SchemaError::WrongSize { expected })?;
        digests.push(tensor_digest::<H>(layout.data_type, &layout.shape, tensor));
        rest = after;
    }
    Ok(list_digest::<H>(&digests))
}

fn layouts(tensors: &[TensorSchema], symbols: &[u32]) -> Result<Vec<TensorLayout>, SchemaError> {
    tensors.iter().map(|tensor| layout(tensor, symbols)).collect()
}

fn layout(tensor: &TensorSchema, symbols: &[u32]) -> Result<TensorLayout, SchemaError> {
    let shape = tensor
        .dimensions
        .iter()
        .map(|dimension| {
            dimension.elements(symbols).ok_or_else(|| {
                let mut named = dimension.symbols().into_iter();
                match named.any(|symbol| usize::from(symbol) >= symbols.len()) {
                    true => SchemaError::UnknownSymbol,
                    false => SchemaError::TooLarge,
                }
            })
        })
        .collect::<Result<Vec<u32>, SchemaError>>()?;
    let bytes = shape
        .iter()
        .try_fold(tensor.data_type.size_bytes() as u64, |bytes, elements| {
            bytes.checked_mul(u64::from(*elements))
        })
        .ok_or(SchemaError::TooLarge)?;
    Ok(TensorLayout {
        data_type: tensor.data_type,
        shape,
        bytes,
    })
}

fn total_bytes(layouts: &[TensorLayout]) -> Result<u64, SchemaError> {
    layouts
        .iter()
        .try_fold(0u64, |total, layout| total.checked_add(layout.bytes))
        .ok_or(SchemaError::TooLarge)
}

#[cfg(test)]
mod tests;
