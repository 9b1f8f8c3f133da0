//! Parts hash to a root that says everything, and unsound ones are refused.

use super::*;
use crate::{
    digest::DataType,
    graph::{Dimension, Graph, Input, Node, Operator, Output, Symbol},
    testing::Blake2b,
};
use alloc::{borrow::ToOwned, string::String, vec};

fn parts() -> ModelParts {
    let graph = Graph {
        symbols: vec![Symbol {
            name: "batch".to_owned(),
            min: 1,
            max: 64,
        }],
        inputs: vec![Input {
            name: "ids".to_owned(),
            dtype: DataType::Int64,
            dimensions: vec![Dimension::Symbol(0)],
            range: Some(ValueRange { min: 0, max: 99 }),
        }],
        weights: vec![],
        nodes: vec![Node {
            name: "number".to_owned(),
            operator: Operator::Cast {
                dtype: DataType::Float32,
            },
            inputs: vec![Value::Input(0)],
            source: String::new(),
        }],
        outputs: vec![Output {
            name: "y".to_owned(),
            value: Value::Node(0),
        }],
    };
    let graph = graph.check().expect("a sound graph");
    ModelParts::new::<Blake2b>(&graph, [3; 32], Precision::Int16, [4; 32]).expect("a small graph")
}

#[test]
fn every_part_changes_the_root() {
    let own = parts();
    assert_eq!(own.validate(), Ok(()));
    let changes: [fn(&mut ModelParts); 10] = [
        |parts| parts.definition += 1,
        |parts| parts.head.operators += 1,
        |parts| parts.head.nodes_root[0] ^= 1,
        |parts| parts.head.weights_root[0] ^= 1,
        |parts| parts.outputs = Bounded::new(vec![Value::Weight(0)]).expect("one"),
        |parts| {
            let mut inputs = parts.schema.inputs.to_vec();
            inputs[0].range = Some(ValueRange { min: 0, max: 98 });
            parts.schema.inputs = Bounded::new(inputs).expect("one");
        },
        |parts| parts.precision = Precision::Int8,
        |parts| parts.work = parts.trace_bytes.clone(),
        |parts| parts.trace_bytes = Polynomial::default(),
        |parts| parts.manifest_hash[0] ^= 1,
    ];
    let mut roots = vec![own.root::<Blake2b>()];
    for change in changes {
        let mut changed = own.clone();
        change(&mut changed);
        let root = changed.root::<Blake2b>();
        assert!(!roots.contains(&root), "{changed:?}");
        roots.push(root);
    }
}

#[test]
fn unsound_parts_are_refused() {
    let refused = |error, change: fn(&mut ModelParts)| {
        let mut changed = parts();
        change(&mut changed);
        assert_eq!(changed.validate(), Err(error));
    };
    let known = DEFINITION_NUMBER;
    refused(PartsError::Definition { known }, |parts| parts.definition += 1);
    refused(PartsError::Operators, |parts| parts.head.operators = 0);
    refused(PartsError::Operators, |parts| parts.head.operators = 65_536);
    refused(PartsError::Outputs, |parts| parts.outputs = Bounded::default());
    refused(PartsError::Outputs, |parts| {
        parts.outputs = Bounded::new(vec![Value::Node(1)]).expect("one");
    });
    refused(PartsError::Outputs, |parts| {
        parts.outputs = Bounded::new(vec![Value::Input(0)]).expect("one");
    });
    refused(PartsError::Schema(SchemaError::ValueRange), |parts| {
        let mut inputs = parts.schema.inputs.to_vec();
        inputs[0].data_type = DataType::Uint8;
        inputs[0].range = Some(ValueRange { min: 0, max: 256 });
        parts.schema.inputs = Bounded::new(inputs).expect("one");
    });
    refused(PartsError::Polynomial, |parts| {
        parts.schema.symbols = Bounded::default();
        let mut inputs = parts.schema.inputs.to_vec();
        inputs[0].dimensions = Bounded::new(vec![Dimension::Fixed(2)]).expect("one");
        let mut outputs = parts.schema.outputs.to_vec();
        outputs[0].dimensions = inputs[0].dimensions.clone();
        parts.schema.inputs = Bounded::new(inputs).expect("one");
        parts.schema.outputs = Bounded::new(outputs).expect("one");
    });
    refused(PartsError::TooLarge, |parts| {
        let mut sum = Sum::default();
        sum.add(u64::MAX >> 8, &[Dimension::Symbol(0)]).expect("one term");
        parts.work = sum.finish().expect("one term");
    });
}
