//! Graphs that pass their check, with the layouts of their nodes, their batch, work and trace; and random operators on
//! random graphs.

use super::{Cases, batches, dimensions, reason};
use crate::{
    drawn::{operator, random},
    json::{Json, object},
    parts::polynomial,
    render::{self, dtype},
};
use assay_exact::graph::{CheckedGraph, Graph, GraphError, Node, Operator, Output, Value};

/// Adds a graph and what its check says.
pub fn add_graph(cases: &mut Cases, sort: &str, graph: &Graph) {
    let expected = match graph.clone().check() {
        Ok(checked) => passed(&checked),
        Err(error) => vec![("error", reason::error(reason::of_graph(&error)))],
    };
    let fields = [vec![("graph", render::graph(graph))], expected].concat();
    cases.add("check", sort, fields);
}

fn passed(checked: &CheckedGraph) -> Vec<(&'static str, Json)> {
    let nodes = (0..checked.graph().nodes.len() as u32).map(|index| {
        let (of, shape) = checked.value(Value::Node(index)).expect("it is a node");
        object([("type", dtype(of)), ("dimensions", render::dimensions(shape))])
    });
    let batch = checked.batch_symbol();
    vec![
        ("nodes", Json::List(nodes.collect())),
        ("batch", batch.map_or(Json::Null, |symbol| u32::from(symbol).into())),
        ("work", polynomial(checked.work())),
        ("trace_bytes", polynomial(checked.trace_bytes())),
    ]
}

pub fn add(cases: &mut Cases) {
    for nodes in [3, 6, 9, 12, 15] {
        for _ in 0..3 {
            let drawn = random(&mut cases.random, nodes).graph.graph().clone();
            add_graph(cases, "check drawn", &drawn);
        }
    }
    for graph in [batches::apart(), batches::mixed()].concat() {
        graph.clone().check().expect("the graph is sound");
        add_graph(cases, "check batch", &graph);
    }
    let dimensions = [
        dimensions::of_one_operator(),
        dimensions::of_several(),
        dimensions::of_several_symbols(),
    ];
    for graph in dimensions.concat() {
        graph.clone().check().expect("the graph is sound");
        add_graph(cases, "check dimension", &graph);
    }
    appended(cases);
}

/// One more operator, drawn, on values that are drawn: it often does not fit, and then for more than one reason.
fn appended(cases: &mut Cases) {
    for _ in 0..80 {
        let mut drawn = random(&mut cases.random, 2).graph.graph().clone();
        let values: Vec<Value> = (0..drawn.inputs.len() as u16)
            .map(Value::Input)
            .chain((0..drawn.weights.len() as u16).map(Value::Weight))
            .chain((0..drawn.nodes.len() as u32).map(Value::Node))
            .collect();
        let operator = operator(&mut cases.random);
        let count = match operator {
            Operator::Fill { .. } | Operator::Arange { .. } => 0,
            Operator::Binary(_) | Operator::Linear { .. } | Operator::MatMul { .. } => 2,
            Operator::Gather { .. } | Operator::IndexSelect { .. } | Operator::Concat { .. } => 2,
            Operator::Where | Operator::WeightedSum { .. } => 3,
            _ => 1,
        };
        let inputs = (0..count).map(|_| cases.random.one(&values)).collect();
        drawn.nodes.push(Node {
            name: "appended".into(),
            operator,
            inputs,
            source: String::new(),
        });
        drawn.outputs.push(Output {
            name: "appended".into(),
            value: Value::Node(drawn.nodes.len() as u32 - 1),
        });
        match drawn.clone().check() {
            Err(GraphError::Shape { .. }) => {
                let fields = vec![("graph", render::graph(&drawn)), ("error", reason::error("shape"))];
                cases.add("check", "check appended", fields);
            }
            _ => add_graph(cases, "check appended", &drawn),
        }
    }
}
