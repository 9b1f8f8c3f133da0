//! Pictures and costs of a package of two nodes.

use super::*;
use crate::{Details, inspect};
use assay_exact::{
    digest::DataType,
    graph::{Dimension, Graph, Input, Node, Operator, Output, Symbol, Weight},
    quantise::Precision,
};
use assay_ops::tensor::Tensor;

/// A linear layer in Int8 and a relu, of which the first one has this name.
fn package(name: &str) -> Package {
    let node = |name: &str, operator, inputs| Node {
        name: name.to_owned(),
        operator,
        inputs,
        source: "model.py:7".to_owned(),
    };
    let graph = Graph {
        symbols: vec![Symbol {
            name: "batch".to_owned(),
            min: 1,
            max: 8,
        }],
        inputs: vec![Input {
            name: "x".to_owned(),
            dtype: DataType::Float32,
            dimensions: vec![Dimension::Symbol(0), Dimension::Fixed(4)],
            range: None,
        }],
        weights: vec![Weight {
            name: "w".to_owned(),
            dtype: DataType::Float32,
            shape: vec![3, 4],
        }],
        nodes: vec![
            node(
                name,
                Operator::Linear {
                    precision: Precision::Int8,
                },
                vec![Value::Input(0), Value::Weight(0)],
            ),
            node("kept", Operator::Relu, vec![Value::Node(0)]),
        ],
        outputs: vec![Output {
            name: "output_0".to_owned(),
            value: Value::Node(1),
        }],
    };
    let details = Details {
        name: "tiny".to_owned(),
        version: "1.0.0".to_owned(),
        licence: "MIT".to_owned(),
        description: String::new(),
    };
    let weight = Tensor::new(DataType::Float32, vec![3, 4], vec![0; 48]).expect("48 bytes");
    let graph = graph.check().expect("a sound graph");
    Package::new(details, Precision::Int8, graph, vec![weight], vec![]).expect("a sound package")
}

#[test]
fn pictures_have_a_box_for_each_tensor_that_is_computed_and_an_arrow_for_each_use() {
    let (dot, svg) = (dot(&package("fc")), svg(&package("fc")));
    for arrow in ["b0 -> b1;", "b1 -> b2;", "b2 -> b3;"] {
        assert!(dot.contains(arrow), "{arrow} in\n{dot}");
    }
    assert_eq!(dot.matches("->").count(), 3);
    assert!(dot.contains("linear int8\\nfc\\nfloat32 [batch, 3]\\n"), "{dot}");
    assert_eq!((svg.matches("<rect").count(), svg.matches("<path m").count()), (4, 3));
    assert!(svg.contains("weights 48 B"), "{svg}");
}

#[test]
fn boxes_stand_below_what_they_take() {
    let picture = Picture::of(&package("fc"));
    let (places, [width, height]) = picture.places();
    for (from, to) in &picture.arrows {
        assert!(places[*from][1] + BOX[1] < places[*to][1]);
    }
    for [x, y] in places {
        assert!(x + BOX[0] + MARGIN <= width && y + BOX[1] + MARGIN <= height);
    }
}

#[test]
fn names_that_an_author_chose_to_harm_stay_text() {
    let name = "\"];<script>alert(1)</script>&\n\\";
    let (dot, svg) = (dot(&package(name)), svg(&package(name)));
    assert!(dot.contains(r#"\"];<script>alert(1)</script>& \\"#), "{dot}");
    assert!(!svg.contains("<script"), "{svg}");
    assert!(
        svg.contains("&quot;];&lt;script&gt;alert(1)&lt;/script&gt;&amp;"),
        "{svg}"
    );
}

#[test]
fn inspection_says_what_costs_what_and_where() {
    let text = inspect(&package("fc"));
    // 12 weights and 4 elements that are read, 3 that are written, each of 32, and 12 products; then 6 elements.
    assert!(text.contains("costs at batch = 1: work 812, a trace of 24 B"), "{text}");
    let costs = Costs::at(package("fc").graph(), &[1]);
    assert_eq!(costs.nodes[0].work, 32 * (12 + 4 + 3) + 12);
    assert_eq!(costs.nodes[1].work, 32 * (3 + 3));
    assert_eq!(costs.trace_bytes(), 24);
    assert_eq!(Some(costs.work()), package("fc").graph().work().at(&[1]));
    assert_eq!(
        (costs.nodes[0].precision, costs.nodes[1].precision),
        (Some("int8"), None)
    );
    let line = text.lines().find(|line| line.starts_with("linear "));
    let words: Vec<&str> = line.unwrap_or_default().split_whitespace().collect();
    assert_eq!(words, ["linear", "int8", "1", "620", "76.4", "%", "12", "B"], "{text}");
}
