//! A package's weights, in the forms that its steps take them in.

use super::{
    array::Array,
    memory::Buffer,
    plan::{Kind, Plan},
};
use crate::package::Package;
use assay_exact::{graph::Value, quantise::Precision};
use assay_kernels::{
    instructions::Instructions,
    packed::Packed,
    rows::{Matrix, Rows, Scaling},
};
use std::collections::HashMap;

/// The weights. One that is only ever multiplied with is kept packed alone.
pub(super) struct Weights {
    arrays: Vec<Option<Array>>,
    packed: HashMap<(u16, u8), Packed>,
}

impl Weights {
    /// The weights as the steps of these plans take them.
    pub fn new(package: &Package, plans: [&Plan; 2], instructions: Instructions) -> Self {
        let mut packed = HashMap::new();
        let mut rows = Rows::new(instructions);
        let mut used_as_they_are = vec![false; package.weights().len()];
        let array =
            |index: usize| Array::from_tensor(package.weights()[index].clone(), |length| vec![0.0; length].into());
        for step in plans.into_iter().flat_map(|plan| &plan.steps) {
            for (position, value) in step.operands.iter().enumerate() {
                let Value::Weight(index) = *value else { continue };
                match step.kind {
                    Kind::Linear(precision, _) if position == 1 => {
                        packed.entry((index, key(precision))).or_insert_with(|| {
                            let weight = array(usize::from(index));
                            let length = weight.shape.last().copied().unwrap_or(1);
                            let numbers = Matrix::new(weight.slice().unwrap_or_default(), length);
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
        Self {
            arrays: arrays.map(|(index, used)| used.then(|| array(index))).collect(),
            packed,
        }
    }

    /// A weight as it is; nothing in place of one that is only used packed.
    pub fn array(&self, index: u16) -> Option<Array> {
        let array = self.arrays.get(usize::from(index))?;
        Some(
            array
                .clone()
                .unwrap_or_else(|| Array::numbers(vec![0], Buffer::default())),
        )
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
