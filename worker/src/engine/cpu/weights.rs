//! A package's weights, in the forms that its steps take them in.

use super::plan::{Kind, Plan};
use crate::package::Package;
use assay_exact::{digest::DataType, graph::Value, quantise::Precision};
use assay_kernels::{
    array::Array,
    buffers::Buffers,
    instructions::Instructions,
    layout::Dims,
    packed::Packed,
    rows::{Matrix, Rows, Scaling},
};
use std::collections::HashMap;

/// The weights. One that is only ever multiplied with is kept packed alone.
pub(super) struct Weights {
    /// One number stands in place of a weight that is only ever packed.
    arrays: Vec<Array>,
    packed: HashMap<(u16, u8), Packed>,
}

impl Weights {
    /// The weights as the steps of these plans take them.
    pub fn new(package: &Package, plans: [&Plan; 2], instructions: Instructions) -> Self {
        let mut packed = HashMap::new();
        let mut rows = Rows::new(instructions);
        let mut used_as_they_are = vec![false; package.weights().len()];
        let array = |index: usize| {
            let weight = &package.weights()[index];
            Array::from_bytes(&mut Buffers::default(), weight.dtype(), weight.shape(), weight.bytes())
        };
        for step in plans.into_iter().flat_map(|plan| &plan.steps) {
            for (position, value) in step.operands.iter().enumerate() {
                let Value::Weight(index) = *value else { continue };
                match step.kind {
                    Kind::Linear(precision, _) if position == 1 => {
                        packed.entry((index, key(precision))).or_insert_with(|| {
                            let weight = array(usize::from(index));
                            let length = weight.as_ref().and_then(|weight| weight.shape().last().copied());
                            let numbers = weight.as_ref().and_then(Array::slice).unwrap_or_default();
                            let numbers = Matrix::new(numbers, length.unwrap_or(1));
                            rows.quantise(numbers, precision, Scaling::ByRow);
                            Packed::new(&rows)
                        });
                    }
                    _ => used_as_they_are[usize::from(index)] = true,
                }
            }
        }
        for output in &package.graph().graph().outputs {
            if let Value::Weight(index) = output.value {
                used_as_they_are[usize::from(index)] = true;
            }
        }
        let arrays = used_as_they_are.into_iter().enumerate();
        let arrays = arrays.map(|(index, used)| used.then(|| array(index)).flatten());
        let instead = Array::filled(DataType::Float32, Dims::default(), 0);
        Self {
            arrays: arrays.map(|array| array.unwrap_or_else(|| instead.clone())).collect(),
            packed,
        }
    }

    /// A weight as it is, if anything takes it so.
    pub fn array(&self, index: u16) -> Option<&Array> {
        self.arrays.get(usize::from(index))
    }

    /// A weight as the second operand of a product.
    pub fn packed(&self, value: Value, precision: Precision) -> Option<&Packed> {
        match value {
            Value::Weight(index) => self.packed.get(&(index, key(precision))),
            _ => None,
        }
    }
}

fn key(precision: Precision) -> u8 {
    match precision {
        Precision::Int8 => 8,
        Precision::Int16 => 16,
    }
}
