//! Time that a dispute's last step costs a node: one element of every kind of operator, judged from the largest
//! operands there are.
//!
//! This is native code. A runtime takes longer, by what Wasm costs; its weights are measured there.

use crate::{measure::in_turns, report::Report};
use anyhow::{Context, Result, anyhow, bail, ensure};
use assay_bench::slices::{Slice, slices};
use assay_exact::{
    bounded::Bounded,
    digest::Hash256,
    graph::Value,
    judge::{OpenedOperator, Openings, Question, TensorOpening, Verdict, judge},
    trace::Trace,
};
use assay_ops::tensor::{Blake2b256, DataType, Tensor};
use codec::Encode;

/// Bytes of a tensor that is hashed.
const HASHED_BYTES: usize = 16 << 20;

/// Measures the judge.
pub fn operators(report: &mut Report) -> Result<()> {
    for slice in slices()? {
        let name = slice.name;
        one(report, slice).with_context(|| name.to_owned())?;
    }
    Ok(())
}

/// Measures how fast a tensor is hashed, on one thread.
pub fn digests(report: &mut Report) -> Result<()> {
    let tensor = Tensor::new(DataType::Uint8, vec![HASHED_BYTES as u32], vec![7; HASHED_BYTES])?;
    let [digest] = in_turns([&mut || {
        std::hint::black_box(tensor.digest::<Blake2b256>());
    }]);
    report.add_times("digest of a tensor of 16 MiB, one thread", digest, &[]);
    Ok(())
}

fn one(report: &mut Report, slice: Slice) -> Result<()> {
    let Slice { name, graph, inputs } = slice;
    let node = graph.graph().nodes.first().context("a graph of one node")?;
    let operator = node.operator.clone();
    let operands = node.inputs.iter().map(|value| match value {
        Value::Input(index) => inputs.get(usize::from(*index)).context("an input"),
        Value::Weight(_) | Value::Node(_) => bail!("a slice takes inputs alone"),
    });
    let operands = operands.collect::<Result<Vec<&Tensor>>>()?;
    let layouts: Vec<_> = operands.iter().map(|tensor| (tensor.dtype(), tensor.shape())).collect();
    let layout = operator.output_layout(&layouts);
    let (dtype, shape) = layout.map_err(|error| anyhow!("the operator {error}"))?;
    let index = shape.iter().map(|n| u64::from(*n)).product::<u64>() - 1;
    let element = operator.element(&mut operands.as_slice(), dtype, &shape, index)?;

    // Only inputs are taken, so nothing depends on the trace.
    let trace = Trace {
        inputs: inputs.iter().map(Tensor::digest::<Blake2b256>).collect(),
        nodes: vec![[0; 32]],
        outputs: Vec::new(),
        symbols: Vec::new(),
    };
    let opened = OpenedOperator {
        node: Bounded::new(graph.graph().nodes[0].encode()).context("too long a node")?,
        operands: operands
            .iter()
            .map(|tensor| TensorOpening::of::<Blake2b256>(tensor))
            .collect::<Option<Vec<_>>>()
            .and_then(Bounded::new)
            .context("too many operands")?,
    };
    let output = TensorOpening {
        dtype,
        shape: Bounded::new(shape).context("too many dimensions")?,
        root: [0; 32],
    };
    let proof =
        Openings::new::<Blake2b256>(graph.graph(), &[], &trace).prove_element::<Blake2b256>(0, &operands, index)?;
    let question = Question {
        index,
        claimed: Bounded::new(element.to_bytes(dtype)).context("too many bytes")?,
    };
    let judged = || judge::<Blake2b256>(&[], &opened, &output, &proof, &question);
    ensure!(judged()? == Verdict::Right, "the judge finds its own element wrong");
    let bytes = proof.encode();
    let [judging, hashing] = in_turns([&mut || drop(std::hint::black_box(judged())), &mut || {
        drop(std::hint::black_box(
            bytes.chunks(1024).map(Blake2b256::hash).collect::<Vec<_>>(),
        ))
    }]);
    let size = format!("judge {name}, proof of {} bytes", bytes.len());
    report.add_times(&size, judging, &[("hashing its bytes", hashing)]);
    Ok(())
}
