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
    let weights = (0..5_000).map(|index| Weight {
        name: format!("{index:0>200}"),
        dtype: DataType::Float32,
        shape: vec![1],
    });
    graph.weights.extend(weights);
    let bytes = graph.header().len();
    assert!(bytes <= MAX_HEADER_BYTES as usize);
    assert!(graph.clone().check().is_ok());
    graph.weights[5_001].name = "x".repeat(255);
    let missing = MAX_HEADER_BYTES as usize - bytes;
    let more = (0..missing / 200).map(|index| Weight {
        name: format!("y{index:0>199}"),
        dtype: DataType::Float32,
        shape: vec![1],
    });
    graph.weights.extend(more);
    let bytes = graph.header().len();
    assert_eq!(graph.check(), Err(GraphError::HeaderTooLong { bytes }));

    let mut graph = network();
    graph.nodes[2].inputs = vec![Value::Node(1); 500];
    let (node, bytes) = (graph.nodes[2].name.clone(), graph.nodes[2].encode().len());
    assert_eq!(graph.check(), Err(GraphError::NodeTooLong { node, bytes }));
}
