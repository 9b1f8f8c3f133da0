//! Which of a package's weights an engine keeps as arrays, and which packed.

use crate::plan::Plan;
use assay_exact::{graph::Value, quantise::Precision};
use assay_ops::{operators::Failure, tensor::Tensor, weights::Weights};
use assay_package::Package;
use std::collections::{HashMap, hash_map::Entry};

/// The weights as the steps of these plans take them. `instead` stands where a weight is only ever packed.
pub(crate) fn prepare<A: Clone, P>(
    package: &Package,
    plans: [&Plan; 2],
    instead: &A,
    mut array: impl FnMut(&Tensor) -> Result<A, Failure>,
    mut pack: impl FnMut(A, Precision) -> Result<P, Failure>,
) -> Result<Weights<A, P>, Failure> {
    let mut packed = HashMap::new();
    let mut used_as_they_are = vec![false; package.weights().len()];
    for step in plans.into_iter().flat_map(|plan| &plan.steps) {
        let mut of_layers = vec![None; step.operands.len()];
        for (position, precision) in step.positions_of_weights() {
            of_layers[position] = Some(precision);
        }
        for (value, precision) in step.operands.iter().zip(of_layers) {
            match (*value, precision) {
                (Value::Weight(index), Some(precision)) => {
                    if let Entry::Vacant(entry) = packed.entry((index, precision)) {
                        let weight = array(&package.weights()[usize::from(index)])?;
                        entry.insert(pack(weight, precision)?);
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
    Ok(Weights::new(arrays.collect::<Result<_, _>>()?, packed))
}
