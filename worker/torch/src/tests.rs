//! Every operator of the table, compared with its definition to the bit.

mod elements;
mod moved;
mod products;
mod rows;

use crate::{Device, Machine, TorchOptions, array::Array, contraction::Route, fault::Result};
use assay_exact::{graph::Operator, tensor::Tensor};
use assay_ops::{each_operator, layout::Dims, tensor::DataType};
use std::{collections::BTreeSet, num::NonZeroUsize};

const INTEGERS: [DataType; 4] = [DataType::Int64, DataType::Int32, DataType::Int8, DataType::Uint8];

/// Comparisons of one device, and which operators of the table they were of.
struct Suite {
    machine: Machine,
    state: u64,
    compared: BTreeSet<&'static str>,
}

impl Suite {
    fn new(threads: usize, route: Route) -> Self {
        let options = TorchOptions {
            device: Device::Cpu,
            threads: NonZeroUsize::new(threads).expect("not zero"),
        };
        Self {
            machine: Machine::new(options, route),
            state: 17,
            compared: BTreeSet::new(),
        }
    }

    /// Marsaglia's xorshift64*.
    fn next(&mut self) -> u64 {
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        self.state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 8
    }

    /// Canonical numbers: each row plain, of any size, subnormal, or with infinities and NaN.
    fn numbers(&mut self, shape: &[u32]) -> Tensor {
        let length = shape.last().map_or(1, |length| *length as usize);
        let elements: usize = shape.iter().map(|length| *length as usize).product();
        let mut bytes = Vec::new();
        for row in 0..elements / length {
            for _ in 0..length {
                let (bits, odd) = (self.next() as u32, self.next() % 8);
                let plain = bits as i32 as f32 / 1e9;
                let number = match (row % 5, odd) {
                    (1, _) => f32::from_bits(bits & 0x807f_ffff | (odd as u32 * 31) << 23),
                    (2, _) => f32::from_bits(bits & 0x8000_03ff),
                    (3, 0) => f32::INFINITY,
                    (3, 1) => f32::NEG_INFINITY,
                    (3, 2) => f32::NAN,
                    (_, 3) => 0.0,
                    _ => plain,
                };
                bytes.extend(number.to_le_bytes());
            }
        }
        tensor(DataType::Float32, shape, bytes).canonical()
    }

    /// Integers and truth values: small ones, the type's ends, and any.
    fn integers(&mut self, dtype: DataType, shape: &[u32]) -> Tensor {
        let elements: usize = shape.iter().map(|length| *length as usize).product();
        let mut bytes = Vec::new();
        for _ in 0..elements {
            let any = (self.next() << 20 ^ self.next()).cast_signed();
            let integer = match self.next() % 8 {
                0 => 0,
                1 => -1,
                2 => i64::MIN >> (64 - 8 * dtype.size_bytes()),
                3 => any,
                _ => any % 9,
            };
            match dtype {
                DataType::Bool => bytes.push((integer & 1) as u8),
                _ => bytes.extend(&integer.to_le_bytes()[..dtype.size_bytes()]),
            }
        }
        tensor(dtype, shape, bytes)
    }

    fn of_type(&mut self, dtype: DataType, shape: &[u32]) -> Tensor {
        match dtype {
            DataType::Float32 => self.numbers(shape),
            _ => self.integers(dtype, shape),
        }
    }

    /// Checks a result against the definition.
    fn check(
        &mut self,
        name: &'static str,
        operator: &Operator,
        operands: &[&Tensor],
        (dtype, shape): (DataType, &[u32]),
        compute: impl FnOnce(&mut Machine, &mut [Array], Dims) -> Result<Array>,
    ) {
        let expected = operator
            .apply(operands, dtype, shape.to_vec())
            .expect("operands that fit");
        self.equal(name, &expected.canonical(), operands, compute);
    }

    fn equal(
        &mut self,
        name: &'static str,
        expected: &Tensor,
        operands: &[&Tensor],
        compute: impl FnOnce(&mut Machine, &mut [Array], Dims) -> Result<Array>,
    ) {
        let device = self.machine.device();
        let arrays = operands.iter().map(|operand| Array::upload(operand, device));
        let mut arrays = arrays.collect::<Result<Vec<_>>>().expect("the processor has room");
        let shape: Vec<usize> = expected.shape().iter().map(|length| *length as usize).collect();
        let actual = compute(&mut self.machine, &mut arrays, Dims::new(&shape)).expect("operands that fit");
        assert!(
            actual.download().expect("it is there") == *expected,
            "{name} of {shape:?}"
        );
        self.compared.insert(name);
    }
}

fn tensor(dtype: DataType, shape: &[u32], bytes: Vec<u8>) -> Tensor {
    Tensor::new(dtype, shape.to_vec(), bytes).expect("as many elements as the shape says")
}

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident($($argument:ident: $type:ty),*);)*) => {
        /// The operators of the table.
        const TABLE: &[&str] = &[$(stringify!($name)),*];
    };
}

each_operator!(names);

#[test]
fn every_operator_of_the_table_gives_the_bits_of_its_definition_and_none_falls_back() {
    let parts: [fn(&mut Suite); 6] = [
        elements::functions,
        elements::pairs,
        elements::casts_and_choices,
        rows::rows,
        products::products,
        moved::moved,
    ];
    for (threads, route) in [(1, Route::Int8), (2, Route::Float64)] {
        let mut suite = Suite::new(threads, route);
        for part in parts {
            for _ in 0..3 {
                part(&mut suite);
            }
        }
        let left_out: Vec<_> = TABLE.iter().filter(|name| !suite.compared.contains(*name)).collect();
        assert!(left_out.is_empty(), "{left_out:?} are compared with nothing");
    }
}
