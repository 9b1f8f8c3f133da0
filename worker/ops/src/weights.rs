//! A package's weights, in the forms that the steps of its programs take them in.

use assay_exact::{graph::Value, quantise::Precision};
use std::collections::HashMap;

/// Weights as arrays, and packed as second operands of products. One that is only ever multiplied with is kept packed
/// alone.
pub struct Weights<A, P> {
    /// Another array stands in place of a weight that is only ever packed.
    arrays: Vec<A>,
    packed: HashMap<(u16, Precision), P>,
}

impl<A, P> Weights<A, P> {
    /// The weights in both forms: an array for each weight of the graph, and the packed ones by position and precision.
    pub fn new(arrays: Vec<A>, packed: HashMap<(u16, Precision), P>) -> Self {
        Self { arrays, packed }
    }

    /// A weight as it is, if a step takes it so; `None` if there is no such weight.
    pub fn array(&self, index: u16) -> Option<&A> {
        self.arrays.get(usize::from(index))
    }

    /// Values as second operands of products, where they are weights.
    pub fn packed(&self, values: &[(Value, Precision)]) -> Vec<Option<&P>> {
        let packed = values.iter().map(|(value, precision)| match value {
            Value::Weight(index) => self.packed.get(&(*index, *precision)),
            _ => None,
        });
        packed.collect()
    }
}
