//! The values that integer inputs may have: an input by which rows of a table are looked up has the table's rows.

use assay_exact::{
    digest::DataType,
    graph::{Graph, Operator, Value},
    model::ValueRange,
};

/// Gives each input that is looked up in a table, as it is or moved about, the range of the table's rows. The smallest
/// table decides.
pub fn give(graph: &mut Graph) {
    for index in 0..graph.nodes.len() {
        let node = &graph.nodes[index];
        let (Operator::IndexSelect { axis }, [Value::Weight(table), indices]) =
            (&node.operator, node.inputs.as_slice())
        else {
            continue;
        };
        let rows = graph.weights.get(usize::from(*table));
        let rows = rows.and_then(|table| table.shape.get(usize::from(*axis))).copied();
        let (Some(rows), Some(input)) = (rows, origin(graph, *indices)) else {
            continue;
        };
        let max = i64::from(rows).saturating_sub(1);
        let input = &mut graph.inputs[usize::from(input)];
        let max = input.range.map_or(max, |range| range.max.min(max));
        let range = ValueRange { min: 0, max };
        // An input that cannot hold the last row says so by its type.
        input.range = range.fits(input.dtype).then_some(range);
    }
}

/// The input whose elements these are, if they are moved about and nothing else.
fn origin(graph: &Graph, mut value: Value) -> Option<u16> {
    loop {
        let node = match value {
            Value::Input(input) => return Some(input),
            Value::Weight(_) => return None,
            Value::Node(index) => graph.nodes.get(usize::try_from(index).ok()?)?,
        };
        let keeps_elements = match node.operator {
            Operator::Reshape { .. } | Operator::Permute { .. } | Operator::Expand { .. } | Operator::Slice { .. } => {
                true
            }
            Operator::Cast { dtype } => matches!(dtype, DataType::Int64 | DataType::Int32),
            _ => false,
        };
        value = match node.inputs.as_slice() {
            [only] if keeps_elements => *only,
            _ => return None,
        };
    }
}
