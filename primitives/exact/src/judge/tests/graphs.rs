//! Random small graphs, executed.

// The generator is shared, by its path, with the tests of disputes (tests/adversary) and the conformance suite, and so
// names this crate as all of them can.
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

#[test]
fn graphs_have_dimensions_that_are_computed() {
    use crate::graph::{Operator, Value};
    let mut random = Random(78);
    let (mut reshapes, mut concats, mut others) = (0, 0, 0);
    for _ in 0..200 {
        let (graph, _, _) = draw::model(&mut random, 12);
        for (index, node) in (0u32..).zip(&graph.graph().nodes) {
            let (_, dimensions) = graph.value(Value::Node(index)).expect("there is the node");
            let is_computed = dimensions.iter().any(|dimension| dimension.is_computed());
            let kind = match node.operator {
                Operator::Reshape { .. } => &mut reshapes,
                Operator::Concat { .. } if node.inputs.len() > 1 => &mut concats,
                _ => &mut others,
            };
            *kind += u32::from(is_computed);
        }
    }
    assert!(
        reshapes > 5 && concats > 5 && others > 50,
        "{reshapes} of reshapes, {concats} of concatenations, {others} of others"
    );
}
