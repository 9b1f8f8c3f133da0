//! Random small graphs, executed.

// The generator is shared, by its path, with the tests of disputes (tests/adversary), and so names this crate as both can.
mod draw;

pub use draw::{TYPES, operator, tensor};

use super::Execution;
use crate as exact;
use crate::testing::Random;

impl Random {
    pub(super) fn below(&mut self, end: u64) -> u64 {
        (self.next() >> 20) % end
    }

    pub(super) fn one<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u64) as usize].clone()
    }
}

/// A graph of `nodes` operators, executed on random weights and inputs.
pub fn execution(random: &mut Random, nodes: usize) -> Execution {
    let (graph, weights, inputs) = draw::model(random, nodes);
    Execution::new(graph, weights, inputs)
}
