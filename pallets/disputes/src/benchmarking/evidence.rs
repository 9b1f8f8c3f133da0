//! Evidence in the disputes that benchmarks play: the longest statements, and proofs of a row of any length.

use crate::Config;
use alloc::{borrow::ToOwned, string::String, vec, vec::Vec};
use assay_exact::{
    bounded::Bounded,
    digest::{DataType, Digest, list_digest, tensor_digest_of_root},
    graph::{Graph, Input, MAX_NODE_BYTES, MAX_OPERANDS, Node, Operator, Output, Value},
    judge::{OpenedOperator, Openings, OutputEntry, Proof, Question, Shape, TensorOpening, Verdict, judge},
    model::ModelKind,
    tensor::Tensor,
    trace::Trace,
    tree::{Membership, Tree, chunk_bytes, chunk_leaves, place_of},
};
use assay_types::{
    ClaimId, Dimension, H256, HostBlake2, ModelParts, Precision,
    benchmarking::largest_parts,
    dispute::{FindingOpening, MAX_NODES, Nodes, Place, Revealed, Statement, TraceHead, TraceStatement, commitment},
    limits::{MAX_RANK, MAX_TENSORS},
};
use codec::Encode;
use polkadot_sdk::{frame_benchmarking::v2::BenchmarkError, sp_runtime::BoundedVec};

/// The salt of every commitment.
pub const SALT: [u8; 32] = [5; 32];
/// The element that the worker has claimed wrongly: the first one.
pub const ELEMENT: u64 = 0;
/// Bytes of an element.
const ELEMENT_BYTES: usize = 4;

/// A claim, and the statement of its trace.
pub struct LongTrace {
    pub parts: ModelParts,
    pub symbols: Vec<u32>,
    pub input_digest: H256,
    pub output_digest: H256,
    pub statement: Statement,
}

/// The trace of the model with the largest parts and this many operators, with as many inputs and outputs as there are.
pub fn long_trace(operators: u32) -> Result<LongTrace, BenchmarkError> {
    let operators = operators.clamp(1, MAX_NODES);
    let mut parts = largest_parts(1);
    parts.head.operators = operators;
    let trace: Vec<Digest> = (0..operators).map(|_| [7; 32]).collect();
    let given = TensorOpening {
        dtype: DataType::Int64,
        shape: Shape::new(vec![1; MAX_RANK as usize]).ok_or("the shape is too long")?,
        root: [3; 32],
    };
    let inputs = vec![given; MAX_TENSORS as usize];
    let digests: Vec<Digest> = inputs.iter().map(TensorOpening::digest::<HostBlake2>).collect();
    let source = Membership::of::<HostBlake2>(&trace, 0).ok_or("the trace is empty")?;
    let outputs = (0..MAX_TENSORS).map(|_| OutputEntry {
        digest: [7; 32],
        source: source.clone(),
    });
    Ok(LongTrace {
        symbols: parts.schema.symbols.iter().map(|_| 1).collect(),
        input_digest: H256(list_digest::<HostBlake2>(&digests)),
        output_digest: H256(list_digest::<HostBlake2>(&[[7; 32]; MAX_TENSORS as usize])),
        statement: Statement::Trace(TraceStatement {
            inputs: Bounded::new(inputs).ok_or("there are too many inputs")?,
            nodes: Nodes::new(trace).ok_or("the trace is too long")?,
            outputs: Bounded::new(outputs.collect()).ok_or("there are too many outputs")?,
        }),
        parts,
    })
}

/// As many nodes as one statement reveals.
pub fn full_nodes() -> Result<Revealed, BenchmarkError> {
    let nodes = Nodes::new(vec![[7; 32]; MAX_NODES as usize]).ok_or("there are too many nodes")?;
    Ok(Revealed::Nodes(nodes))
}

/// The longest thing that can be revealed of an operator.
pub fn full_tensor() -> Result<Revealed, BenchmarkError> {
    let Revealed::Nodes(nodes) = full_nodes()? else {
        return Err("nodes are nodes".into());
    };
    let output = TensorOpening {
        dtype: DataType::Float32,
        shape: Shape::new(vec![1; MAX_RANK as usize]).ok_or("the shape is too long")?,
        root: [3; 32],
    };
    Ok(Revealed::Tensor {
        operator: OpenedOperator {
            node: Bounded::new(vec![0; MAX_NODE_BYTES as usize]).ok_or("the node is too long")?,
            operands: Bounded::new(vec![output.clone(); MAX_OPERANDS as usize]).ok_or("there are too many operands")?,
        },
        output,
        nodes,
    })
}

/// A model of one operator, the slowest to judge, and a claim that its whole output is zero.
pub struct Row {
    pub parts: ModelParts,
    pub input_digest: H256,
    pub output_digest: H256,
    pub head: TraceHead,
    pub operator: Revealed,
    pub chunk: Revealed,
    pub output: TensorOpening,
    pub proof: Proof,
    /// The first element as the operator gives it.
    computed: Vec<u8>,
    length: u32,
}

/// A row of this many elements.
pub fn row(length: u32) -> Result<Row, BenchmarkError> {
    let shape = vec![1, length];
    let zeros = || {
        Tensor::new(
            DataType::Float32,
            shape.clone(),
            vec![0; length as usize * ELEMENT_BYTES],
        )
    };
    let (taken, given) = (
        zeros().map_err(|_| "the row has a size")?,
        zeros().map_err(|_| "the row has a size")?,
    );
    let checked = graph(&shape).check().map_err(|_| "the graph is sound")?;
    let weights_root = list_digest::<HostBlake2>(&[]);
    let parts = ModelParts::new::<HostBlake2>(&checked, weights_root, Precision::Int16, [0; 32]);
    let parts = parts.ok_or("the graph has parts")?;
    let trace = Trace {
        inputs: vec![taken.digest::<HostBlake2>()],
        nodes: vec![given.digest::<HostBlake2>()],
        outputs: vec![given.digest::<HostBlake2>()],
        symbols: Vec::new(),
    };
    let openings = Openings::new::<HostBlake2>(checked.graph(), &[], &trace);
    let proof = openings.prove_element::<HostBlake2>(0, &[&taken], ELEMENT);
    let proof = proof.map_err(|_| "the element can be proved")?;
    let opening = |tensor: &Tensor| TensorOpening::of::<HostBlake2>(tensor).ok_or("a row has two dimensions");
    let node = checked.graph().nodes.first().ok_or("the graph has a node")?;
    let opened = OpenedOperator {
        node: Bounded::new(node.encode()).ok_or("the node is short")?,
        operands: Bounded::new(vec![opening(&taken)?]).ok_or("there is one operand")?,
    };
    let (output, leaves) = (opening(&given)?, chunk_leaves::<HostBlake2>(given.bytes()));
    let question = Question {
        index: ELEMENT,
        claimed: Bounded::new(vec![0; ELEMENT_BYTES]).ok_or("an element is short")?,
    };
    let verdict = judge::<HostBlake2>(&[], &opened, &output, &proof, &question);
    let Ok(Verdict::Wrong { computed }) = verdict else {
        return Err("the claim is wrong".into());
    };
    let chunk = chunk_bytes(given.bytes(), 0).ok_or("a row has a chunk")?.to_vec();
    Ok(Row {
        input_digest: H256(trace.input_digest::<HostBlake2>()),
        output_digest: H256(trace.output_digest::<HostBlake2>()),
        head: TraceHead {
            model: parts.head.clone(),
            kind: ModelKind::Plain,
            root: H256(Tree::List.fold::<HostBlake2>(&trace.nodes)),
            symbols: BoundedVec::new(),
        },
        operator: Revealed::Tensor {
            operator: opened,
            output: output.clone(),
            nodes: Nodes::new(leaves).ok_or("a row has few chunks")?,
        },
        chunk: Revealed::Chunk(Bounded::new(chunk).ok_or("a chunk is short")?),
        output,
        proof,
        parts,
        computed,
        length,
    })
}

/// A graph of one operator, which takes a row.
fn graph(shape: &[u32]) -> Graph {
    Graph {
        symbols: Vec::new(),
        inputs: vec![Input {
            name: "row".to_owned(),
            dtype: DataType::Float32,
            dimensions: shape.iter().copied().map(Dimension::Fixed).collect(),
            range: None,
        }],
        weights: Vec::new(),
        nodes: vec![Node {
            name: "node".to_owned(),
            operator: Operator::LogSoftmax,
            inputs: vec![Value::Input(0)],
            source: String::new(),
        }],
        outputs: vec![Output {
            name: "output".to_owned(),
            value: Value::Node(0),
        }],
    }
}

impl Row {
    /// Finding of a challenger that knows the first element, and its commitment to that.
    pub fn finding<T: Config>(
        &self,
        job: ClaimId,
        challenger: &T::AccountId,
    ) -> Result<(FindingOpening, H256), BenchmarkError> {
        let mut right = vec![0; self.length as usize * ELEMENT_BYTES];
        let (chunk, place) = place_of(DataType::Float32, ELEMENT).ok_or("the element has a place")?;
        let element = right.get_mut(place).ok_or("the element lies in the row")?;
        element.copy_from_slice(&self.computed);
        let leaves = chunk_leaves::<HostBlake2>(&right);
        let root = Tree::Chunks.fold::<HostBlake2>(&leaves);
        let trace = [tensor_digest_of_root::<HostBlake2>(
            DataType::Float32,
            &[1, self.length],
            &root,
        )];
        let trace_digest = list_digest::<HostBlake2>(&trace);
        let opening = FindingOpening {
            trace_digest: H256(trace_digest),
            salt: SALT,
            membership: Membership::of::<HostBlake2>(&trace, 0).ok_or("the trace has an entry")?,
            root: H256(root),
            chunk: Bounded::new(chunk_bytes(&right, chunk).ok_or("a row has a chunk")?.to_vec())
                .ok_or("a chunk is short")?,
            path: Tree::Chunks
                .path::<HostBlake2>(&leaves, chunk)
                .ok_or("the chunk has a path")?,
        };
        let sealed = commitment::<HostBlake2, _>(job, challenger, &trace_digest, &SALT);
        Ok((opening, sealed))
    }

    /// The place of the chunk in which the element lies.
    pub fn place(&self) -> Place {
        Place::Chunk { operator: 0, chunk: 0 }
    }
}
