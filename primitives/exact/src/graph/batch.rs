//! Whether jobs can be executed together: whether each row of the outputs depends on that row of the inputs alone.

use super::{CheckedGraph, Dimension, Node, Operator, Position, Value};

impl CheckedGraph {
    /// The symbol that jobs can be put together along.
    ///
    /// It is the outermost dimension of every input and output, and of every tensor that it is a dimension of at all;
    /// and no operator lets a row of such a tensor depend on another row, or on where it stands.
    pub fn batch_symbol(&self) -> Option<u8> {
        let graph = self.graph();
        let first = graph.inputs.first()?.dimensions.first().copied();
        let Some(Dimension::Symbol(batch)) = first else {
            return None;
        };
        let inputs_move =
            (0..graph.inputs.len()).all(|index| self.rows(Value::Input(index as u16), batch) == Rows::Apart);
        let outputs_move = graph
            .outputs
            .iter()
            .all(|output| self.rows(output.value, batch) == Rows::Apart);
        let mut nodes = graph.nodes.iter().enumerate();
        let nodes_move = nodes.all(|(index, node)| self.keeps_apart(node, Value::Node(index as u32), batch));
        (inputs_move && outputs_move && nodes_move).then_some(batch)
    }

    fn rows(&self, value: Value, batch: u8) -> Rows {
        let Some((_, dimensions)) = self.value(value) else {
            return Rows::Mixed;
        };
        // What is computed from the batch, such as a multiple or a sum, does not have a row for each of its rows.
        let has_batch = |dimension: &Dimension| dimension.depends_on(batch);
        match dimensions.split_first() {
            Some((Dimension::Symbol(outermost), others)) if *outermost == batch && !others.iter().any(has_batch) => {
                Rows::Apart
            }
            _ if dimensions.iter().any(has_batch) => Rows::Mixed,
            _ => Rows::Shared,
        }
    }

    fn keeps_apart(&self, node: &Node, output: Value, batch: u8) -> bool {
        let operand = |position: usize| {
            node.inputs
                .get(position)
                .map_or(Rows::Shared, |value| self.rows(*value, batch))
        };
        match self.rows(output, batch) {
            Rows::Mixed => false,
            Rows::Shared => node.inputs.iter().all(|value| self.rows(*value, batch) == Rows::Shared),
            Rows::Apart => match &node.operator {
                Operator::Arange { .. } => false,
                Operator::Slice {
                    axis: 0, start, step, ..
                } => operand(0) == Rows::Apart && *start == Position::FromStart(0) && *step == 1,
                Operator::Gather { axis: 0 } | Operator::IndexSelect { axis: 0 } => operand(0) == Rows::Shared,
                Operator::CumSum
                | Operator::TopK { .. }
                | Operator::Softmax
                | Operator::LogSoftmax
                | Operator::LayerNorm { .. }
                | Operator::RmsNorm { .. } => self.value(output).is_some_and(|(_, dimensions)| dimensions.len() > 1),
                // A weight belongs to all rows, so no part of it may come from one of them.
                Operator::QuantisedLinear { .. } => {
                    let mut weight = node.inputs.iter().skip(1);
                    weight.all(|value| self.rows(*value, batch) == Rows::Shared)
                }
                // What is left treats the outermost dimension row by row, or cannot keep it where it is.
                _ => true,
            },
        }
    }
}

/// Relation of a tensor to the batch.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rows {
    /// The batch is its outermost dimension and no other.
    Apart,
    /// The batch is none of its dimensions.
    Shared,
    /// Anything else.
    Mixed,
}
