//! Models that were drawn: random operators on random inputs.

use super::Model;
use assay_adversary::{Random, graphs::random as draw};
use assay_player::Execution;

const NAMES: [&str; 6] = ["drawn 0", "drawn 1", "drawn 2", "drawn 3", "drawn 4", "drawn 5"];

pub fn all(random: &mut Random) -> Vec<Model> {
    let models = NAMES.into_iter().map(|name| {
        let execution = draw(random, 16);
        Model {
            name,
            graph: execution.graph().clone(),
            weights: execution.weights().to_vec(),
            runs: vec![execution.inputs().to_vec()],
        }
    });
    models.collect()
}
