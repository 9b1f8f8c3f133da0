//! A package's weights, in the forms that its steps take them in.

use super::{operators::Failure, plan::Plan};
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
            let mut of_layers = vec![None; step.operands.len()];
            for (position, precision) in step.places_of_weights() {
                of_layers[position] = Some(precision);
            }
            for (value, precision) in step.operands.iter().zip(of_layers) {
                match (*value, precision) {
                    (Value::Weight(index), Some(precision)) => {
                        if let Entry::Vacant(place) = packed.entry((index, key(precision))) {
                            let weight = array(&package.weights()[usize::from(index)])?;
                            place.insert(pack(weight, precision)?);
                        }
                    }
                    (Value::Weight(index), None) => used_as_they_are[usize::from(index)] = true,
                    _ => {}
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

    /// Values as second operands of products, where they are weights.
    pub fn packed(&self, values: &[(Value, Precision)]) -> Vec<Option<&P>> {
        let packed = values.iter().map(|(value, precision)| match value {
            Value::Weight(index) => self.packed.get(&(*index, key(*precision))),
            _ => None,
        });
        packed.collect()
    }
}

fn key(precision: Precision) -> u8 {
    match precision {
        Precision::Int8 => 8,
        Precision::Int16 => 16,
    }
}
