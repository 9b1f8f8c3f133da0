//! Which operands are taken as columns, and whose rows later tokens therefore need.

use super::{Place, Roles};
use assay_exact::graph::{Node, Operator, Value};

impl Roles<'_> {
    /// For each node whether later tokens need its rows: whether something depends on it that is taken as columns.
    pub fn needed_later(&self) -> Vec<bool> {
        let nodes = &self.checked.graph().nodes;
        let mut needed = vec![false; nodes.len()];
        for (index, node) in nodes
            .iter()
            .enumerate()
            .filter(|(index, _)| self.nodes[*index].is_some())
        {
            let output = Value::Node(index as u32);
            let columns = node.inputs.iter().enumerate();
            let columns = columns.filter(|(position, _)| self.takes_column(output, node, *position));
            for base in columns.filter_map(|(_, value)| self.base(*value).node()) {
                needed[base] = true;
            }
        }
        for (index, node) in nodes.iter().enumerate().rev() {
            if needed[index] {
                let taken = node.inputs.iter().enumerate();
                let rows = taken.filter(|(at, _)| !self.takes_column(Value::Node(index as u32), node, *at));
                rows.filter_map(|(_, value)| value.node())
                    .for_each(|value| needed[value] = true);
            }
        }
        needed
    }

    /// Whether a node takes the rows of this operand as columns.
    pub fn takes_column(&self, output: Value, node: &Node, position: usize) -> bool {
        let place = |value: Value| self.role(value).map(|role| role.place);
        let Some(value) = node.inputs.get(position).copied() else {
            return false;
        };
        match &node.operator {
            Operator::MatMul { .. } => position == 1 && matches!(place(output), Some(Place::Both(..))),
            Operator::WeightedSum { .. } => {
                let first = node.inputs.first().and_then(|value| place(*value));
                position > 0 && matches!(first, Some(Place::Both(..)))
            }
            Operator::Binary(_) | Operator::Where | Operator::Random | Operator::Expand { .. } => {
                let shift = self
                    .dimensions(output)
                    .len()
                    .saturating_sub(self.dimensions(value).len());
                match (place(value), place(output)) {
                    (Some(Place::Row(axis)), Some(Place::Both(_, column))) => axis + shift == column,
                    _ => false,
                }
            }
            _ => false,
        }
    }

    /// Cached part of a value that is taken as columns: what a permutation or the scales of rows are made from.
    fn base(&self, mut value: Value) -> Value {
        while let Some(node) = value.node().and_then(|index| self.checked.graph().nodes.get(index))
            && matches!(node.operator, Operator::Permute { .. } | Operator::RowScale { .. })
            && let Some(only) = node.inputs.first()
        {
            value = *only;
        }
        value
    }
}
