//! What a model takes and gives: data types and dimensions, some of them symbols with a range.

use crate::{
    DataType, H256,
    limits::{NameBytes, Rank, Symbols, Tensors},
};
use alloc::vec::Vec;
use assay_exact::digest::{Hash256, list_digest, tensor_digest};
pub use assay_exact::graph::Dimension;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use polkadot_sdk::sp_runtime::BoundedVec;
use scale_info::TypeInfo;

/// The values that a dynamic dimension may take, both ends included.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct SymbolRange {
    /// For people: `batch`, `tokens`.
    pub name: BoundedVec<u8, NameBytes>,
    /// Least number of elements.
    pub min: u32,
    /// Greatest number of elements.
    pub max: u32,
}

/// One tensor that a model takes or gives.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct TensorSchema {
    /// The name that the model's author gave it.
    pub name: BoundedVec<u8, NameBytes>,
    /// Type of its elements.
    pub data_type: DataType,
    /// Its dimensions, outermost first.
    pub dimensions: BoundedVec<Dimension, Rank>,
}

/// The tensors that a model takes and gives.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Schema {
    /// The dynamic dimensions; the same symbol has the same value wherever it stands in one job.
    pub symbols: BoundedVec<SymbolRange, Symbols>,
    /// What the model takes, in the order of a payload.
    pub inputs: BoundedVec<TensorSchema, Tensors>,
    /// What it gives, in the order of an inline output.
    pub outputs: BoundedVec<TensorSchema, Tensors>,
}

/// Why a schema is unsound, or a job's payload does not fit it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SchemaError {
    /// The model takes nothing or gives nothing.
    NoTensors,
    /// A dimension names a symbol that the schema does not list.
    UnknownSymbol,
    /// A symbol's least value is zero or above its greatest.
    EmptyRange,
    /// A dimension is zero, or is zero or negative for some value of its symbol.
    ZeroDimension,
    /// A dimension is computed from a symbol and is not written in its canonical form, or stands in an input: inputs
    /// give symbols their values.
    UnsoundDimension,
    /// The largest tensor that the schema allows has more bytes than fit a `u64`, or more elements along a dimension
    /// than fit a `u32`.
    TooLarge,
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
        let is_affine = |dimension: &Dimension| matches!(dimension, Dimension::Affine { .. });
        let mut taken = self.inputs.iter().flat_map(|tensor| tensor.dimensions.iter());
        let mut all = tensors().flat_map(|tensor| tensor.dimensions.iter());
        if taken.any(is_affine) || !all.all(|dimension| dimension.is_canonical()) {
            return Err(SchemaError::UnsoundDimension);
        }
        let largest: Vec<u32> = self.symbols.iter().map(|symbol| symbol.max).collect();
        total_bytes(&layouts(&self.inputs, &largest)?)?;
        total_bytes(&layouts(&self.outputs, &largest)?)?;
        // A dimension grows with its symbol, so what is sound at both ends of a range is sound between them.
        let least: Vec<u32> = self.symbols.iter().map(|symbol| symbol.min).collect();
        let mut given = self.outputs.iter().flat_map(|tensor| tensor.dimensions.iter());
        match given.all(|dimension| dimension.elements(&least).is_some_and(|elements| elements > 0)) {
            true => Ok(()),
            false => Err(SchemaError::ZeroDimension),
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

/// The digest of a job's input or output: the list digest of its tensors' digests. `bytes` holds the tensors one after
/// the other, little-endian and row-major, as `layouts` says.
pub fn payload_digest<H: Hash256>(layouts: &[TensorLayout], bytes: &[u8]) -> Result<H256, SchemaError> {
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
    Ok(H256(list_digest::<H>(&digests)))
}

fn layouts(tensors: &[TensorSchema], symbols: &[u32]) -> Result<Vec<TensorLayout>, SchemaError> {
    tensors.iter().map(|tensor| layout(tensor, symbols)).collect()
}

fn layout(tensor: &TensorSchema, symbols: &[u32]) -> Result<TensorLayout, SchemaError> {
    let shape = tensor
        .dimensions
        .iter()
        .map(|dimension| match dimension.symbol() {
            Some(symbol) if usize::from(symbol) >= symbols.len() => Err(SchemaError::UnknownSymbol),
            _ => dimension.elements(symbols).ok_or(SchemaError::TooLarge),
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
mod tests {
    use super::*;
    use alloc::vec;
    use polkadot_sdk::sp_io::hashing::blake2_256;

    struct Blake2;

    impl Hash256 for Blake2 {
        fn hash(bytes: &[u8]) -> [u8; 32] {
            blake2_256(bytes)
        }
    }

    fn tensor(data_type: DataType, dimensions: &[Dimension]) -> TensorSchema {
        TensorSchema {
            name: BoundedVec::default(),
            data_type,
            dimensions: dimensions.to_vec().try_into().expect("few dimensions"),
        }
    }

    fn schema(symbols: &[(u32, u32)], inputs: Vec<TensorSchema>, outputs: Vec<TensorSchema>) -> Schema {
        let symbols: Vec<SymbolRange> = symbols
            .iter()
            .map(|&(min, max)| SymbolRange {
                name: BoundedVec::default(),
                min,
                max,
            })
            .collect();
        Schema {
            symbols: symbols.try_into().expect("few symbols"),
            inputs: inputs.try_into().expect("few inputs"),
            outputs: outputs.try_into().expect("few outputs"),
        }
    }

    /// Tokens and a mask of the same length in, a vector for each out.
    fn sentences() -> Schema {
        let tokens = [Dimension::Symbol(0), Dimension::Symbol(1)];
        schema(
            &[(1, 4), (2, 128)],
            vec![tensor(DataType::Int64, &tokens), tensor(DataType::Bool, &tokens)],
            vec![tensor(
                DataType::Float32,
                &[Dimension::Symbol(0), Dimension::Fixed(384)],
            )],
        )
    }

    #[test]
    fn sizes_follow_from_the_symbols() {
        let layouts = sentences().input_layouts(&[2, 5]).expect("within their ranges");
        assert_eq!(layouts.iter().map(|layout| layout.bytes).collect::<Vec<_>>(), [80, 10]);
        let outputs = sentences().output_layouts(&[2, 5]).expect("within their ranges");
        assert_eq!(outputs[0].shape, [2, 384]);
    }

    /// `sentences` that give as many numbers for each as a multiple of its length and a number.
    fn computed(factor: u32, offset: i32) -> Schema {
        let mut schema = sentences();
        let affine = Dimension::Affine {
            symbol: 1,
            factor,
            offset,
        };
        schema.outputs = vec![tensor(DataType::Float32, &[Dimension::Symbol(0), affine])]
            .try_into()
            .expect("one output");
        schema
    }

    #[test]
    fn dimensions_are_computed_from_symbols() {
        for (factor, offset, shape) in [(1, -1, [2, 4]), (4, 0, [2, 20]), (3, 2, [2, 17])] {
            let schema = computed(factor, offset);
            assert_eq!(schema.validate(), Ok(()));
            let outputs = schema.output_layouts(&[2, 5]).expect("within their ranges");
            assert_eq!(outputs[0].shape, shape);
            assert_eq!(outputs[0].bytes, u64::from(shape[0] * shape[1] * 4));
        }
        let most = TensorSchema::max_encoded_len();
        let longest = TensorSchema {
            name: vec![b'x'; 64].try_into().expect("as long as a name may be"),
            ..tensor(
                DataType::Float32,
                &[Dimension::Affine {
                    symbol: 255,
                    factor: u32::MAX,
                    offset: i32::MIN,
                }; 8],
            )
        };
        assert_eq!(longest.encoded_size(), most);
    }

    #[test]
    fn computed_dimensions_that_are_no_number_are_refused() {
        // 2 to 128.
        for (factor, offset, error) in [
            (1, 0, SchemaError::UnsoundDimension),
            (0, 7, SchemaError::UnsoundDimension),
            (1, -2, SchemaError::ZeroDimension),
            (1, -3, SchemaError::ZeroDimension),
            (u32::MAX, 0, SchemaError::TooLarge),
            (1 << 25, 0, SchemaError::TooLarge),
        ] {
            assert_eq!(computed(factor, offset).validate(), Err(error), "{factor} {offset}");
        }
        assert_eq!(computed((1 << 25) - 1, 0).validate(), Ok(()));
        let mut schema = computed(2, 0);
        schema.inputs = schema.outputs.clone();
        assert_eq!(schema.validate(), Err(SchemaError::UnsoundDimension));
        let mut schema = computed(2, 0);
        schema.symbols.pop();
        schema.inputs = vec![tensor(DataType::Bool, &[Dimension::Symbol(0)])]
            .try_into()
            .expect("one input");
        assert_eq!(schema.validate(), Err(SchemaError::UnknownSymbol));
    }

    #[test]
    fn symbols_outside_their_ranges_are_refused() {
        let out_of_range = |symbol| Err(SchemaError::SymbolOutOfRange { symbol });
        assert_eq!(
            sentences().input_layouts(&[1]),
            Err(SchemaError::WrongNumberOfSymbols { expected: 2 })
        );
        assert_eq!(sentences().input_layouts(&[5, 2]), out_of_range(0));
        assert_eq!(sentences().input_layouts(&[1, 1]), out_of_range(1));
        assert_eq!(sentences().output_layouts(&[1, 129]), out_of_range(1));
    }

    #[test]
    fn unsound_schemas_are_refused() {
        let byte = |dimension| vec![tensor(DataType::Uint8, &[dimension])];
        let one = Dimension::Fixed(1);
        let refused = |schema: Schema, error| assert_eq!(schema.validate(), Err(error));
        assert_eq!(sentences().validate(), Ok(()));
        refused(schema(&[], vec![], byte(one)), SchemaError::NoTensors);
        refused(schema(&[], byte(one), vec![]), SchemaError::NoTensors);
        refused(schema(&[(0, 3)], byte(one), byte(one)), SchemaError::EmptyRange);
        refused(schema(&[(4, 3)], byte(one), byte(one)), SchemaError::EmptyRange);
        refused(
            schema(&[], byte(Dimension::Fixed(0)), byte(one)),
            SchemaError::ZeroDimension,
        );
        refused(
            schema(&[], byte(one), byte(Dimension::Symbol(0))),
            SchemaError::UnknownSymbol,
        );
        let huge = tensor(DataType::Int64, &[Dimension::Fixed(u32::MAX); 3]);
        refused(schema(&[], vec![huge], byte(one)), SchemaError::TooLarge);
    }

    #[test]
    fn payload_digest_is_the_list_digest_of_its_tensors() {
        let layouts = sentences().input_layouts(&[1, 2]).expect("within their ranges");
        let bytes: Vec<u8> = (0..18).collect();
        let (tokens, mask) = bytes.split_at(16);
        let expected = list_digest::<Blake2>(&[
            tensor_digest::<Blake2>(DataType::Int64, &[1, 2], tokens),
            tensor_digest::<Blake2>(DataType::Bool, &[1, 2], mask),
        ]);
        assert_eq!(payload_digest::<Blake2>(&layouts, &bytes), Ok(H256(expected)));
        let short = bytes.get(1..).expect("18 bytes");
        assert_eq!(
            payload_digest::<Blake2>(&layouts, short),
            Err(SchemaError::WrongSize { expected: 18 })
        );
    }
}
