//! A package's weights, in the forms that its steps take them in.

use super::{
    operators::Failure,
    plan::{Kind, Plan},
};
use crate::{package::Package, tensor::Tensor};
use assay_exact::{graph::Value, quantise::Precision};
use std::collections::{HashMap, hash_map::Entry};

/// The weights, as arrays and packed. One that is only ever multiplied with is kept packed alone.
pub(super) struct Weights<A, P> {
    /// Another array stands in place of a weight that is only ever packed.
    arrays: Vec<A>,
    packed: HashMap<(u16, u8), P>,
}

impl<A: Clone, P> Weights<A, P> {
    /// The weights as the steps of these plans take them. `instead` stands where there is none.
    pub fn new(
        package: &Package,
        plans: [&Plan; 2],
        instead: &A,
        mut array: impl FnMut(&Tensor) -> Result<A, Failure>,
        mut pack: impl FnMut(A, Precision) -> Result<P, Failure>,
    ) -> Result<Self, Failure> {
        let mut packed = HashMap::new();
        let mut used_as_they_are = vec![false; package.weights().len()];
        for step in plans.into_iter().flat_map(|plan| &plan.steps) {
            for (position, value) in step.operands.iter().enumerate() {
                let Value::Weight(index) = *value else { continue };
                match step.kind {
                    Kind::Linear(precision, _) if position == 1 => {
                        if let Entry::Vacant(place) = packed.entry((index, key(precision))) {
                            let weight = array(&package.weights()[usize::from(index)])?;
                            place.insert(pack(weight, precision)?);
                        }
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
        let weights = package.weights().iter().zip(used_as_they_are);
        let arrays = weights.map(|(weight, used)| if used { array(weight) } else { Ok(instead.clone()) });
        Ok(Self {
            arrays: arrays.collect::<Result<_, _>>()?,
            packed,
        })
    }

    /// A weight as it is, if anything takes it so; nothing if there is no such weight.
    pub fn array(&self, index: u16) -> Option<&A> {
        self.arrays.get(usize::from(index))
    }

    /// A weight as the second operand of a product.
    pub fn packed(&self, value: Value, precision: Precision) -> Option<&P> {
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
