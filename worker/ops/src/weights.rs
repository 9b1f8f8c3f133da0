//! A package's weights, in the forms that the steps of its programs take them in.

use crate::words::Form;
use assay_exact::graph::Value;
use std::collections::HashMap;

/// Sources of the second operand of a product: the positions of weights, and how.
pub type Origin = (Vec<u16>, Form);

/// Weights as arrays, and packed as second operands of products. One that is only ever multiplied with is kept packed
/// alone.
pub struct Weights<A, P> {
    /// Another array stands in place of a weight that is only ever packed.
    arrays: Vec<A>,
    packed: HashMap<Origin, P>,
}

/// Where a second operand comes from, if all of its values are weights.
pub fn origin(values: &[Value], form: Form) -> Option<Origin> {
    let weights = values.iter().map(|value| match value {
        Value::Weight(index) => Some(*index),
        Value::Input(_) | Value::Node(_) => None,
    });
    Some((weights.collect::<Option<_>>()?, form))
}

impl<A, P> Weights<A, P> {
    /// The weights in both forms: an array for each weight of the graph, and the packed ones by what they are made of.
    pub fn new(arrays: Vec<A>, packed: HashMap<Origin, P>) -> Self {
        Self { arrays, packed }
    }

    /// A weight as it is, if a step takes it so; `None` if there is no such weight.
    pub fn array(&self, index: u16) -> Option<&A> {
        self.arrays.get(usize::from(index))
    }

    /// Values as second operands of products, where they are weights.
    pub fn packed(&self, values: &[(Vec<Value>, Form)]) -> Vec<Option<&P>> {
        let packed = values
            .iter()
            .map(|(values, form)| self.packed.get(&origin(values, *form)?));
        packed.collect()
    }
}
