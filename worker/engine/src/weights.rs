//! Which of a package's weights an engine keeps as arrays, and which packed.

use crate::plan::Plan;
use assay_exact::graph::Value;
use assay_ops::{
    operators::Failure,
    tensor::Tensor,
    weights::{Weights, origin},
    words::Form,
};
use assay_package::Package;
use std::collections::{HashMap, hash_map::Entry};

/// The weights as the steps of these plans take them. `instead` stands where a weight is only ever packed.
pub(crate) fn prepare<A: Clone, P>(
    package: &Package,
    plans: [&Plan; 2],
    instead: &A,
    mut array: impl FnMut(&Tensor) -> Result<A, Failure>,
    mut pack: impl FnMut(&[A], Form) -> Result<P, Failure>,
) -> Result<Weights<A, P>, Failure> {
    let mut packed = HashMap::new();
    let mut used_as_they_are = vec![false; package.weights().len()];
    for step in plans.into_iter().flat_map(|plan| &plan.steps) {
        let mut is_packed = vec![false; step.operands.len()];
        for (positions, form) in step.positions_of_weights() {
            // Where a part of it is computed, it is packed each time, of the parts as they are.
            let Some(origin) = origin(&step.operands[positions.clone()], form) else {
                continue;
            };
            is_packed[positions].fill(true);
            if let Entry::Vacant(entry) = packed.entry(origin) {
                let weights = entry
                    .key()
                    .0
                    .iter()
                    .map(|index| array(&package.weights()[usize::from(*index)]));
                let weights: Vec<A> = weights.collect::<Result<_, _>>()?;
                entry.insert(pack(&weights, form)?);
            }
        }
        for (value, is_packed) in step.operands.iter().zip(is_packed) {
            if let (Value::Weight(index), false) = (*value, is_packed) {
                used_as_they_are[usize::from(index)] = true;
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
    Ok(Weights::new(arrays.collect::<Result<_, _>>()?, packed))
}
