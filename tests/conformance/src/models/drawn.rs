//! Models that were drawn: random operators on random inputs.

use super::Model;
use crate::{drawn, random::Random};
use assay_exact::quantise::Precision;

const NAMES: [&str; 6] = ["drawn 0", "drawn 1", "drawn 2", "drawn 3", "drawn 4", "drawn 5"];

pub fn all(random: &mut Random) -> Vec<Model> {
    let models = NAMES.into_iter().map(|name| {
        let execution = drawn::random(random, 16);
        Model {
            name,
            graph: execution.graph,
            weights: execution.weights,
            precision: random.one(&[Precision::Int8, Precision::Int16, Precision::Int16Int8]),
            runs: vec![execution.inputs],
        }
    });
    models.collect()
}
