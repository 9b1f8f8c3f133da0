//! Shapes that schemas accept, and the sizes that they give.

use super::*;
use crate::testing::{Blake2b, affine, formula};
use alloc::vec;

fn bounded<T: core::fmt::Debug, const MAX: u32>(list: Vec<T>) -> Bounded<T, MAX> {
    Bounded::new(list).expect("a short list")
}

fn tensor(data_type: DataType, dimensions: &[Dimension]) -> TensorSchema {
    TensorSchema {
        name: Bounded::default(),
        data_type,
        dimensions: bounded(dimensions.to_vec()),
        range: None,
    }
}

fn schema(symbols: &[(u32, u32)], inputs: Vec<TensorSchema>, outputs: Vec<TensorSchema>) -> Schema {
    let symbols: Vec<SymbolRange> = symbols
        .iter()
        .map(|&(min, max)| SymbolRange {
            name: Bounded::default(),
            min,
            max,
        })
        .collect();
    Schema {
        symbols: bounded(symbols),
        inputs: bounded(inputs),
        outputs: bounded(outputs),
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
fn computed(factor: i32, offset: i32) -> Schema {
    giving(affine(1, factor, offset))
}

/// `sentences` that give as many numbers for each as this.
fn giving(dimension: Dimension) -> Schema {
    let mut schema = sentences();
    schema.outputs = bounded(vec![tensor(DataType::Float32, &[Dimension::Symbol(0), dimension])]);
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
        name: bounded(vec![b'x'; 64]),
        range: Some(ValueRange {
            min: i64::MIN,
            max: i64::MAX,
        }),
        ..tensor(DataType::Float32, &[formula(&[(i32::MIN, &[7, 7, 6, 5][..]); 5]); 8])
    };
    // The bound allows for longer counts of names, dimensions and terms than they have.
    assert!((most - 40..=most).contains(&longest.encoded_size()));
}

#[test]
fn dimensions_are_computed_from_several_symbols() {
    // Batches of 1 to 4, lengths of 2 to 128.
    for (dimension, elements) in [
        (formula(&[(1, &[1]), (1, &[0])]), 7),
        (formula(&[(1, &[0, 1])]), 10),
        (formula(&[(-1, &[]), (2, &[1]), (2, &[0])]), 13),
        // (length − 1)·(5 − batch)
        (formula(&[(-5, &[]), (5, &[1]), (1, &[0]), (-1, &[0, 1])]), 12),
    ] {
        let schema = giving(dimension);
        assert_eq!(schema.validate(), Ok(()), "{dimension:?}");
        let outputs = schema.output_layouts(&[2, 5]).expect("within their ranges");
        assert_eq!(outputs[0].shape, [2, elements]);
    }
    for (dimension, error) in [
        // The order of the terms, a number twice, and a power of a symbol that there is not.
        (formula(&[(1, &[0]), (1, &[1])]), SchemaError::UnsoundDimension),
        (formula(&[(1, &[]), (1, &[]), (1, &[0])]), SchemaError::UnsoundDimension),
        (formula(&[(1, &[2]), (1, &[0])]), SchemaError::UnknownSymbol),
        (formula(&[(-1, &[1]), (1, &[0])]), SchemaError::ZeroDimension),
        (formula(&[(1 << 24, &[0, 1])]), SchemaError::TooLarge),
        (formula(&[(1, &[1; 12])]), SchemaError::TooLarge),
        (
            formula(&[(4, &[]), (-1, &[1]), (1, &[1, 1])]),
            SchemaError::ZeroDimension,
        ),
    ] {
        assert_eq!(giving(dimension).validate(), Err(error), "{dimension:?}");
    }
}

#[test]
fn computed_dimensions_that_are_no_number_are_refused() {
    // 2 to 128.
    for (factor, offset, error) in [
        (1, 0, SchemaError::UnsoundDimension),
        (0, 7, SchemaError::UnsoundDimension),
        (1, -2, SchemaError::ZeroDimension),
        (1, -3, SchemaError::ZeroDimension),
        (i32::MAX, 0, SchemaError::TooLarge),
        (1 << 25, 0, SchemaError::TooLarge),
    ] {
        assert_eq!(computed(factor, offset).validate(), Err(error), "{factor} {offset}");
    }
    assert_eq!(computed((1 << 25) - 1, 0).validate(), Ok(()));
    let mut schema = computed(2, 0);
    schema.inputs = schema.outputs.clone();
    assert_eq!(schema.validate(), Err(SchemaError::UnsoundDimension));
    let mut schema = computed(2, 0);
    schema.symbols = bounded(schema.symbols.iter().take(1).cloned().collect());
    schema.inputs = bounded(vec![tensor(DataType::Bool, &[Dimension::Symbol(0)])]);
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
    refused(schema(&[(1, 2)], byte(one), byte(one)), SchemaError::UnboundSymbol);
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
    let expected = list_digest::<Blake2b>(&[
        tensor_digest::<Blake2b>(DataType::Int64, &[1, 2], tokens),
        tensor_digest::<Blake2b>(DataType::Bool, &[1, 2], mask),
    ]);
    assert_eq!(payload_digest::<Blake2b>(&layouts, &bytes), Ok(expected));
    let short = bytes.get(1..).expect("18 bytes");
    assert_eq!(
        payload_digest::<Blake2b>(&layouts, short),
        Err(SchemaError::WrongSize { expected: 18 })
    );
}
