//! Graphs are refused that a dispute could not decide about or could not open.

use super::*;
use alloc::format;

#[test]
fn output_that_is_an_input_handed_through_is_refused() {
    let mut graph = network();
    graph.outputs[0].value = Value::Input(0);
    let name = graph.outputs[0].name.clone();
    assert_eq!(graph.check(), Err(GraphError::HandedThrough { name }));
}

#[test]
fn graph_that_no_dispute_could_open_is_refused() {
    let mut graph = network();
    graph.nodes[2].inputs = vec![Value::Node(1); 500];
    let (node, bytes) = (graph.nodes[2].name.clone(), graph.nodes[2].encode().len());
    assert_eq!(graph.check(), Err(GraphError::NodeTooLong { node, bytes }));
}

fn vast(name: &str, operator: Operator, inputs: Vec<Value>) -> Node {
    Node {
        name: name.to_owned(),
        operator,
        inputs,
        source: String::new(),
    }
}

#[test]
fn graph_whose_trace_nobody_can_compute_is_refused() {
    // 2^62 bytes, which can be counted: an engine skips the node or cuts it, and a trace would have to hash all of it.
    let fill = Operator::Fill {
        dtype: DataType::Uint8,
        bits: 0,
        dimensions: vec![Dimension::Fixed(1 << 31), Dimension::Fixed(1 << 31)],
    };
    let mut unused = network();
    unused.nodes.push(vast("vast", fill.clone(), vec![]));
    let node = "vast".to_owned();
    assert_eq!(unused.clone().check(), Err(GraphError::Unused { node }));
    assert_eq!(unused.without_unused(), network());

    let mut used = network();
    used.nodes.push(vast("vast", fill, vec![]));
    for axis in [0, 1] {
        let slice = Operator::Slice {
            axis,
            start: Position::FromStart(0),
            step: 1,
            length: Dimension::Fixed(1),
        };
        let last = Value::Node(used.nodes.len() as u32 - 1);
        used.nodes.push(vast(&format!("cut_{axis}"), slice, vec![last]));
    }
    let last = Value::Node(used.nodes.len() as u32 - 1);
    used.outputs.push(Output {
        name: "corner".to_owned(),
        value: last,
    });
    let error = used.check();
    assert!(
        matches!(error, Err(GraphError::Vast { what: "trace", actual: Some(bytes), .. }) if bytes > 1 << 62),
        "{error:?}"
    );
}

#[test]
fn work_and_trace_grow_with_the_symbols() {
    let graph = network().check().expect("it is sound");
    // [batch, 6], [batch, 4] and [batch, 4] of Float32.
    assert_eq!(graph.trace_bytes().at(&[1]), Some(56));
    assert_eq!(graph.trace_bytes().at(&[16]), Some(56 * 16));
    // 24 products of Int16 for each row, 4 of 8 bits each, and the elements that are read and written, at 32.
    let elements = |batch: u64| batch * (6 + 6) + (batch * 6 + 4 * 6 + 4 + batch * 4) + batch * (4 + 4);
    for batch in [1u32, 16] {
        let products = u64::from(batch) * 24 * 4;
        assert_eq!(graph.work().at(&[batch]), Some(products + 32 * elements(batch.into())));
    }
    let mut graph = network();
    graph.symbols[0].max = 1 << 20;
    assert!(graph.clone().check().is_ok());
    graph.nodes[0].operator = Operator::Expand {
        dimensions: vec![BATCH, BATCH, Dimension::Fixed(2), Dimension::Fixed(3)],
    };
    graph.nodes.truncate(1);
    graph.outputs[0].value = Value::Node(0);
    let error = graph.check();
    assert!(
        matches!(error, Err(GraphError::Vast { what: "trace", .. })),
        "{error:?}"
    );
}
