//! Disputes over whole models: digits, all-MiniLM-L6-v2, and one that is as large as a dispute of nine transactions can
//! be about.

use crate::{
    dispute::{claim_bytes, play},
    report::add_dispute,
};
use anyhow::{Context, Result, anyhow};
use assay_adversary::{Downstream, InMemory, Lie};
use assay_bench_chain::{chain::Chain, report::Report};
use assay_daemon::dispute::{JobExecution, Subject};
use assay_engine::{CpuEngine, Engine};
use assay_exact::graph::{Dimension, Graph, Input, Node, Operator, Output, Unary, Value};
use assay_ops::tensor::{DataType, Tensor};
use assay_package::Package;
use assay_player::{Execution, node};
use std::{num::NonZeroUsize, path::Path, sync::Arc};

/// Operators of the synthetic model.
const OPERATORS: u32 = 1_000;
/// Elements of its large tensor, of four bytes each: 64 MiB.
const LARGE: u32 = 16 << 20;
/// Elements of the others.
const SMALL: u32 = 64;

/// Bytes of state that an undisputed job adds because there are disputes, and bytes that a claimed job takes up at all.
pub fn undisputed(report: &mut Report) -> Result<()> {
    let mut chain = Chain::new()?;
    println!("an undisputed job");
    let (job, disputes) = claim_bytes(&mut chain)?;
    report.add("state of a claimed job", job as f64, "B", None);
    report.add(
        "state for disputes of a job without one",
        disputes as f64,
        "B",
        Some(200.0),
    );
    Ok(())
}

/// The digits model on a blank image.
pub fn digits(report: &mut Report, models: &Path) -> Result<()> {
    let package = Package::load(&models.join("digits").join("package"))?;
    let inputs = package.graph().graph().inputs.iter().map(|input| {
        let shape: Vec<u32> = input
            .dimensions
            .iter()
            .map(|dimension| match dimension {
                Dimension::Fixed(n) => *n,
                // An input computes none.
                Dimension::Symbol(_) | Dimension::Computed(_) => 1,
            })
            .collect();
        let elements = shape.iter().product::<u32>() as usize;
        Tensor::new(input.dtype, shape, vec![0; elements * input.dtype.size_bytes()])
    });
    let inputs = inputs.collect::<Result<Vec<_>, _>>()?;
    package_dispute(report, "digits", package, inputs)
}

/// all-MiniLM-L6-v2 on 8 sentences of 128 tokens, if `make models` has made its package.
pub fn minilm(report: &mut Report, models: &Path) -> Result<()> {
    let folder = models.join("all-minilm-l6-v2").join("package");
    if !folder.is_dir() {
        println!("\nthere is no {}; `make models` makes it", folder.display());
        return Ok(());
    }
    let (batch, count) = (8u32, 128u32);
    let integers = |of: fn(u32) -> i64| {
        let bytes = (0..batch * count).flat_map(|i| of(i).to_le_bytes()).collect();
        Tensor::new(DataType::Int64, vec![batch, count], bytes)
    };
    let inputs = vec![integers(|i| i64::from(1_000 + i * 7_919 % 28_000))?, integers(|_| 1)?];
    package_dispute(report, "MiniLM, 8 x 128 tokens", Package::load(&folder)?, inputs)
}

fn package_dispute(report: &mut Report, name: &str, package: Package, inputs: Vec<Tensor>) -> Result<()> {
    let engine = CpuEngine::new(NonZeroUsize::MIN)?;
    let model = Arc::new(engine.load(&package)?);
    let subject = Subject::new(Arc::new(package), model)?;
    let execution = JobExecution::new(Arc::new(subject), inputs)?;
    dispute(report, name, &execution)
}

/// A chain of operators, the last but one of which gives 64 MiB.
pub fn synthetic(report: &mut Report) -> Result<()> {
    let operator = |index: u32| {
        let (operator, input) = match index {
            0 => (Operator::Unary(Unary::Neg), Value::Input(0)),
            index if index == OPERATORS - 2 => (Operator::Unary(Unary::Neg), Value::Input(1)),
            index if index == OPERATORS - 1 => (Operator::Unary(Unary::Neg), Value::Node(OPERATORS - 3)),
            index => (Operator::Unary(Unary::Neg), Value::Node(index - 1)),
        };
        Node {
            name: format!("node_{index}"),
            operator,
            inputs: vec![input],
            source: String::new(),
        }
    };
    let input = |name: &str, elements| Input {
        name: name.to_owned(),
        dtype: DataType::Float32,
        dimensions: vec![Dimension::Fixed(elements)],
        range: None,
    };
    let output = |name: &str, node| Output {
        name: name.to_owned(),
        value: Value::Node(node),
    };
    let graph = Graph {
        symbols: Vec::new(),
        inputs: vec![input("small", SMALL), input("large", LARGE)],
        weights: Vec::new(),
        nodes: (0..OPERATORS).map(operator).collect(),
        outputs: vec![output("output_0", OPERATORS - 1), output("output_1", OPERATORS - 2)],
    };
    let ones = |elements: u32| {
        let bytes = (0..elements).flat_map(|_| 1f32.to_le_bytes()).collect();
        Tensor::new(DataType::Float32, vec![elements], bytes)
    };
    let execution = InMemory::new(graph.check()?, Vec::new(), vec![ones(SMALL)?, ones(LARGE)?])?;
    let lie = element(OPERATORS - 2, u64::from(LARGE) / 3);
    let played = play(&mut Chain::new()?, &execution, &lie)?;
    add_dispute(report, "1,000 operators, a tensor of 64 MiB", &played);
    Ok(())
}

fn element(operator: u32, element: u64) -> Lie {
    Lie::Element {
        operator,
        element,
        bits: 1 << 22,
        downstream: Downstream::Kept,
    }
}

/// A lie about the operator whose proof is the largest: the one that takes the most bytes of weights for an element.
fn dispute(report: &mut Report, name: &str, execution: &JobExecution) -> Result<()> {
    let nodes = &execution.graph().graph().nodes;
    let contraction = |node: &Node| matches!(node.operator, Operator::Linear { .. });
    let last = nodes.iter().rposition(contraction);
    let operator = last.ok_or_else(|| anyhow!("{name} has no linear operator"))? as u32;
    let tensor = node(execution, operator).context("the tensor is computed again")?;
    let count = tensor.bytes().len() as u64 / 4;
    let played = play(&mut Chain::new()?, execution, &element(operator, count / 2))?;
    add_dispute(report, name, &played);
    Ok(())
}
