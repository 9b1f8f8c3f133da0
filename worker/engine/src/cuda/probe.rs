//! Known answers, which the kernels must give on this GPU before it is used.

use crate::probe::{self, Kernels};
use assay_cuda::{
    array::Array,
    operators::{Failure, apply, linear_layer},
    queue::Queue,
};
use assay_exact::{digest::DataType, quantise::Precision};
use assay_ops::{
    layout::Dims,
    words::{Form, Function},
};

/// Compares products and functions with the definition; says what differs.
pub(super) fn kernels(queue: &Queue) -> Result<(), String> {
    probe::check(&OnQueue(queue))
}

struct OnQueue<'a>(&'a Queue);

impl OnQueue<'_> {
    fn array(&self, numbers: &[f32], shape: [usize; 2]) -> Result<Array, Failure> {
        let bytes: Vec<u8> = numbers.iter().flat_map(|x| x.to_le_bytes()).collect();
        Ok(Array::upload(
            self.0,
            DataType::Float32,
            &shape.map(|n| n as u32),
            &bytes,
        )?)
    }

    fn numbers(&self, array: &Array) -> Result<Vec<f32>, Failure> {
        let bytes = array.download(self.0)?;
        Ok(bytes
            .as_chunks()
            .0
            .iter()
            .map(|word| f32::from_le_bytes(*word))
            .collect())
    }
}

impl Kernels for OnQueue<'_> {
    fn product(&self, precision: Precision, [m, k, n]: [usize; 3], a: &[f32], b: &[f32]) -> Result<Vec<f32>, String> {
        let product = || {
            let operands = [self.array(a, [m, k])?, self.array(b, [n, k])?];
            self.numbers(&linear_layer(
                self.0,
                None,
                (precision.left(), Form::Quantised(precision.right())),
                &operands,
                &[],
                Dims::new(&[m, n]),
            )?)
        };
        product().map_err(|failure| failure.to_string())
    }

    fn apply(&self, function: Function, numbers: &[f32]) -> Result<Vec<f32>, String> {
        let applied = || {
            let mut input = self.array(numbers, [1, numbers.len()])?;
            self.numbers(&apply(self.0, &[function], &mut input)?)
        };
        applied().map_err(|failure| failure.to_string())
    }
}
