//! Things that benchmarks of the pallets need of each other's pallets, and the largest models that there are. Only a
//! runtime that is built to be measured has this.

use crate::{
    ClaimId, DataType, Dimension, H256, ModelParts, ModelVersion, Precision, Schema, TensorSchema,
    schema::{SymbolRange, ValueRange},
};
use alloc::{vec, vec::Vec};
use assay_exact::{
    DEFINITION_NUMBER,
    bounded::Bounded,
    graph::{
        Formula, MAX_DIMENSION_TERMS, MAX_RANK, MAX_SCHEMA_NAME_BYTES, MAX_SYMBOLS, MAX_TENSORS, Monomial, Powers,
        Value,
    },
    judge::ModelHead,
    model::{MAX_TERMS, ModelKind, Polynomial, Term},
};
use codec::{Decode, Encode};

/// Money, time and models, for the benchmarks of any pallet.
pub trait Stage<AccountId, BlockNumber> {
    /// Gives an account more money than a benchmark spends.
    fn endow(who: &AccountId);

    /// Lets Assay time go on.
    fn pass(blocks: BlockNumber);

    /// Registers a model with these parts, and returns its version.
    fn register(parts: ModelParts) -> ModelVersion;
}

/// Workers and claims, for the benchmarks of pallets that need some.
pub trait Scene<AccountId, Balance, BlockNumber>: Stage<AccountId, BlockNumber> {
    /// Makes an account a worker, with more stake than a benchmark locks.
    fn worker(who: &AccountId);

    /// Publishes a worker's offer for every job on a version, which takes effect at once.
    fn offer(worker: &AccountId, version: ModelVersion, price: Balance, capacity: u32);

    /// Pauses a worker.
    fn pause(worker: &AccountId);

    /// Has a worker that alone offers a version claim a job on it, and returns the claim.
    fn claimed(
        worker: &AccountId,
        version: ModelVersion,
        symbols: Vec<u32>,
        input_digest: H256,
        output_digest: H256,
    ) -> ClaimId;

    /// Fills the queue of a worker's defences, but for one place.
    fn fill_queue(worker: &AccountId);
}

/// Seeds, for the benchmarks of audits.
pub trait Seeds<BlockNumber> {
    /// Makes the seed of this moment known.
    fn reveal(fixed_at: BlockNumber);
}

/// The largest parts that can be registered; each number has a root of its own.
pub fn largest_parts(number: u32) -> ModelParts {
    let schema = Schema {
        symbols: full(MAX_SYMBOLS, |_| SymbolRange {
            name: name(),
            min: 1,
            max: 2,
        }),
        inputs: full(MAX_TENSORS, |_| {
            tensor(DataType::Int64, Some(ValueRange { min: 0, max: 1 }), |place| {
                Dimension::Symbol(place as u8)
            })
        }),
        // Five of eight dimensions are products of many symbols. With more of them, the outputs could not be counted.
        outputs: full(MAX_TENSORS, |_| {
            tensor(DataType::Uint8, None, |place| computed(if place < 5 { 4 } else { 1 }))
        }),
    };
    let work = polynomial(1_000_000);
    ModelParts {
        outputs: full(MAX_TENSORS, |_| Value::Node(0)),
        schema,
        work,
        trace_bytes: polynomial(1),
        ..plain(number)
    }
}

/// The parts of a model that takes a row of bytes and gives one of the same length, up to as many as can be delivered.
pub fn bytes_parts(number: u32, max: u32) -> ModelParts {
    let row = |range| TensorSchema {
        name: Bounded::default(),
        data_type: DataType::Uint8,
        dimensions: full(1, |_| Dimension::Symbol(0)),
        range,
    };
    ModelParts {
        outputs: full(1, |_| Value::Node(0)),
        schema: Schema {
            symbols: full(1, |_| SymbolRange {
                name: Bounded::default(),
                min: 1,
                max,
            }),
            inputs: full(1, |_| row(Some(ValueRange { min: 0, max: 255 }))),
            outputs: full(1, |_| row(None)),
        },
        ..plain(number)
    }
}

/// Parts of one operator, without anything to take or give.
fn plain(number: u32) -> ModelParts {
    let mut nodes_root = [0; 32];
    for (byte, of_number) in nodes_root.iter_mut().zip(number.to_le_bytes()) {
        *byte = of_number;
    }
    ModelParts {
        definition: DEFINITION_NUMBER,
        kind: ModelKind::Plain,
        head: ModelHead {
            operators: 1,
            nodes_root,
            weights_root: [0; 32],
        },
        outputs: Bounded::default(),
        schema: Schema {
            symbols: Bounded::default(),
            inputs: Bounded::default(),
            outputs: Bounded::default(),
        },
        precision: Precision::Int16,
        work: Polynomial::default(),
        trace_bytes: Polynomial::default(),
        manifest_hash: [0; 32],
    }
}

/// A list of this length.
fn full<T, const MAX: u32>(length: usize, element: impl Fn(usize) -> T) -> Bounded<T, MAX> {
    Bounded::new((0..length).map(element).collect()).unwrap_or_default()
}

/// A name of the greatest length.
fn name<const MAX: u32>() -> Bounded<u8, MAX> {
    full(MAX_SCHEMA_NAME_BYTES, |_| b'n')
}

fn tensor(data_type: DataType, range: Option<ValueRange>, dimension: impl Fn(usize) -> Dimension) -> TensorSchema {
    TensorSchema {
        name: name(),
        data_type,
        dimensions: full(MAX_RANK, dimension),
        range,
    }
}

/// A sum of as many products as there may be, each of this many symbols that follow each other.
fn computed(factors: usize) -> Dimension {
    let term = |place: usize| {
        let mut powers: Powers = [0; MAX_SYMBOLS];
        let symbols = powers.iter_mut().rev().skip(place).take(factors);
        symbols.for_each(|power| *power = 1);
        Monomial { coefficient: 1, powers }
    };
    let terms: Vec<Monomial> = (0..MAX_DIMENSION_TERMS).map(term).collect();
    Formula::new(&terms).map_or(Dimension::Fixed(1), Dimension::Computed)
}

/// A polynomial of as many terms as there may be, each the product of the symbols whose bits are set in its number.
fn polynomial(coefficient: u64) -> Polynomial {
    let terms: Vec<Term> = (0..MAX_TERMS)
        .map(|number| {
            let mut powers: Powers = [0; MAX_SYMBOLS];
            for (bit, power) in powers.iter_mut().rev().enumerate() {
                *power = u8::from(number >> bit & 1 == 1);
            }
            Term { coefficient, powers }
        })
        .collect();
    // A polynomial has no constructor beside its graph's; its encoding is its list of terms.
    Polynomial::decode(&mut &terms.encode()[..]).unwrap_or_default()
}

/// Values of the symbols of [`largest_parts`].
pub fn symbols_of_largest() -> Vec<u32> {
    vec![1; MAX_SYMBOLS]
}

#[cfg(test)]
mod tests {
    use super::*;
    use codec::MaxEncodedLen;

    #[test]
    fn the_largest_parts_can_be_registered_and_are_the_largest() {
        let parts = largest_parts(7);
        assert_eq!(parts.validate(), Ok(()));
        assert_ne!(parts.encode(), largest_parts(8).encode());
        // Lengths are encoded in fewer bytes than they could be, and inputs have no computed dimensions.
        let inputs = MAX_TENSORS * MAX_RANK * Dimension::max_encoded_len();
        assert!(parts.encoded_size() + inputs + 2_048 > ModelParts::max_encoded_len());
        let outputs = parts.schema.output_layouts(&symbols_of_largest());
        assert_eq!(outputs.map(|layouts| layouts.len()), Ok(MAX_TENSORS));
    }

    #[test]
    fn rows_of_bytes_are_as_long_as_they_are_to_be() {
        let parts = bytes_parts(0, 65_536);
        assert_eq!(parts.validate(), Ok(()));
        let inputs = parts.schema.input_layouts(&[65_536]);
        assert_eq!(
            inputs.map(|layouts| layouts.iter().map(|layout| layout.bytes).sum::<u64>()),
            Ok(65_536u64)
        );
    }
}
