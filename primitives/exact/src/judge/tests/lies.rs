//! Random lies at random operators of random graphs.

use super::*;
use crate::testing::{Random, long};
use alloc::{collections::BTreeSet, vec};

const GRAPHS: usize = 400;

fn graph_count() -> usize {
    if long() { GRAPHS * 50 } else { GRAPHS }
}

/// The tensor with one bit of one element changed, such that the element is another one; `None` if it has no elements.
fn lie(random: &mut Random, truth: &Tensor) -> Option<(Tensor, u64)> {
    let size = truth.dtype().size_bytes();
    let count = truth.bytes().len() / size;
    if count == 0 {
        return None;
    }
    let index = random.below(count as u64);
    let mut bytes = truth.bytes().to_vec();
    let position = index as usize * size + random.below(size as u64) as usize;
    bytes[position] ^= 1 << random.below(8);
    let lie = Tensor::new(truth.dtype(), truth.shape().to_vec(), bytes).expect("as long as before");
    Some((lie, index))
}

/// The bytes of an element as they lie in the tensor, canonical or not.
fn element_bytes(tensor: &Tensor, index: u64) -> Vec<u8> {
    let size = tensor.dtype().size_bytes();
    tensor.bytes()[index as usize * size..][..size].to_vec()
}

fn ask(tensor: &Tensor, index: u64) -> Question {
    Question {
        index,
        claimed: Bounded::new(element_bytes(tensor, index)).expect("at most 8 bytes"),
    }
}

#[test]
fn lie_about_an_element_is_found_and_the_truth_confirmed() {
    let mut random = Random(2026);
    let mut seen = BTreeSet::new();
    for _ in 0..graph_count() {
        let execution = graphs::execution(&mut random, 12);
        for _ in 0..4 {
            let node = random.below(execution.nodes.len() as u64) as usize;
            let truth = &execution.nodes[node];
            let Some((lie, index)) = lie(&mut random, truth) else {
                continue;
            };
            seen.insert(execution.graph.graph().nodes[node].operator.name());
            // The worker's trace is right before the lie, which is what the challenger points at, and anything after
            // it. The worker opens the operator under its own trace, the challenger needs nothing of it.
            let mut lying = execution.trace.clone();
            lying.nodes[node] = lie.digest::<Blake2b>();
            for digest in &mut lying.nodes[node + 1..] {
                *digest = [random.next() as u8; 32];
            }
            let claim = Claim {
                trace_digest: lying.digest::<Blake2b>(),
                ..execution.claim()
            };
            let operands = execution.operands(node);
            let openings = Openings::new::<Blake2b>(execution.graph.graph(), &execution.weight_digests, &lying);
            let opening = openings.open_operator::<Blake2b>(node as u32, &operands);
            let opening = opening.expect("the operands are whole");
            let (symbols, output) = (&execution.trace.symbols, head(&lie));
            let opened = open_operator::<Blake2b>(&claim, symbols, node as u32, &opening, &output);
            let opened = opened.expect("it is right up to its output's elements");
            let proof = execution
                .openings()
                .prove_element::<Blake2b>(node as u32, &operands, index);
            let proof = proof.expect("the operands are whole");
            let judged = |question: Question| judge::<Blake2b>(symbols, &opened, &output, &proof, &question);
            let computed = element_bytes(truth, index);
            assert_eq!(judged(ask(&lie, index)), Ok(Verdict::Wrong { computed }));
            assert_eq!(judged(ask(truth, index)), Ok(Verdict::Right));
            assert_eq!(ask(truth, index), element_question(truth, index));
            // Under the true trace it does not open, if the operator takes another's output.
            let wiring = &execution.graph.graph().nodes[node].inputs;
            let takes_nodes = wiring.iter().any(|value| matches!(value, Value::Node(_)));
            let own = open_operator::<Blake2b>(&execution.claim(), symbols, node as u32, &opening, &output);
            assert_eq!(own.is_err(), takes_nodes);
        }
    }
    assert!(seen.len() >= 50, "only {seen:?} came up");
}

#[test]
fn operand_that_is_not_the_graph_s_is_not_opened() {
    let mut random = Random(2028);
    let mut tried = 0;
    for _ in 0..100 {
        let execution = graphs::execution(&mut random, 6);
        for node in 0..execution.nodes.len() {
            let mut operands = execution.operands(node);
            let Some((other, _)) = operands.first().and_then(|operand| lie(&mut random, operand)) else {
                continue;
            };
            operands[0] = &other;
            assert_eq!(
                execution.openings().open_operator::<Blake2b>(node as u32, &operands),
                Err(ProofError::Differs { operand: 0 })
            );
            tried += 1;
        }
    }
    assert!(tried > 50);
}

#[test]
fn operator_with_an_output_of_another_header_is_not_opened() {
    let mut random = Random(4);
    for _ in 0..graph_count() / 4 {
        let execution = graphs::execution(&mut random, 8);
        for (node, truth) in execution.nodes.iter().enumerate() {
            let (claim, symbols, opening) = (execution.claim(), &execution.trace.symbols, execution.opening(node));
            let opened = |output: &TensorOpening| {
                open_operator::<Blake2b>(&claim, symbols, node as u32, &opening, output).map(|_| ())
            };
            assert_eq!(opened(&head(truth)), Ok(()));
            let mut shapes = vec![[truth.shape(), &[1]].concat(), [&[1], truth.shape()].concat()];
            for position in 0..truth.shape().len() {
                for by in [1, u32::MAX, 1 << 31] {
                    let mut changed = truth.shape().to_vec();
                    changed[position] = changed[position].wrapping_add(by);
                    shapes.push(changed);
                }
                let mut changed = truth.shape().to_vec();
                changed.remove(position);
                shapes.push(changed);
            }
            for changed in shapes {
                let shape = shape(&changed);
                assert_eq!(opened(&TensorOpening { shape, ..head(truth) }), Err(JudgeError::Header));
            }
            for dtype in graphs::TYPES.into_iter().filter(|dtype| *dtype != truth.dtype()) {
                assert_eq!(opened(&TensorOpening { dtype, ..head(truth) }), Err(JudgeError::Header));
            }
        }
    }
}

/// Whether these outputs, each where the graph says that it stands, are what the claim's digest and its trace say.
fn opened(execution: &Execution, trace: &Trace, claimed: &[Digest]) -> Result<(), JudgeError> {
    let openings = Openings::new::<Blake2b>(execution.graph.graph(), &execution.weight_digests, trace);
    let truth = openings.prove_outputs::<Blake2b>().expect("a small model").into_inner();
    let entries = claimed.iter().enumerate().map(|(position, digest)| OutputEntry {
        digest: *digest,
        source: truth[position.min(truth.len() - 1)].source.clone(),
    });
    let claim = Claim {
        output_digest: list_digest::<Blake2b>(claimed),
        trace_digest: trace.digest::<Blake2b>(),
        ..execution.claim()
    };
    open_outputs::<Blake2b>(
        &claim,
        &execution.outputs(),
        &Bounded::new(entries.collect()).expect("few outputs"),
    )
}

#[test]
fn outputs_that_are_not_the_traces_and_another_number_of_them_are_refused() {
    let mut random = Random(5);
    for _ in 0..graph_count() / 4 {
        let execution = graphs::execution(&mut random, 6);
        let (trace, truth) = (&execution.trace, &execution.trace.outputs);
        assert_eq!(opened(&execution, trace, truth), Ok(()));
        for output in 0..truth.len() {
            let mut claimed = truth.clone();
            claimed[output][3] ^= 4;
            assert_eq!(opened(&execution, trace, &claimed), Err(JudgeError::Source));
        }
        for claimed in [vec![], truth[1..].to_vec(), [truth.as_slice(), &[[0; 32]]].concat()] {
            assert_eq!(opened(&execution, trace, &claimed), Err(JudgeError::Output));
        }
    }
}

#[test]
fn trace_can_be_gathered_in_any_order_and_must_be_whole() {
    let mut random = Random(6);
    let execution = graphs::execution(&mut random, 9);
    let builder = || crate::trace::TraceBuilder::<Blake2b>::new(&execution.graph, &execution.inputs).expect("they fit");
    let outputs = evaluate(&execution.graph, &execution.weights, &execution.inputs).expect("a sound graph");
    let (mut all, mut some) = (builder(), builder());
    for (index, node) in execution.nodes.iter().enumerate().rev() {
        all.record(index, node);
        if index != 4 {
            some.record(index, node);
        }
    }
    all.record(99, &execution.nodes[0]);
    assert_eq!(all.finish(&outputs), Ok(execution.trace.clone()));
    assert_eq!(some.finish(&outputs), Err(4));
    let mut other = execution.trace.nodes.clone();
    assert_eq!(execution.trace.first_difference(&other), None);
    other[5][0] ^= 1;
    other[7][0] ^= 1;
    assert_eq!(execution.trace.first_difference(&other), Some(5));
}

#[test]
fn outputs_do_not_open_under_a_trace_of_another_length() {
    let mut random = Random(16);
    let execution = graphs::execution(&mut random, 5);
    let mut longer = execution.trace.clone();
    longer.nodes.push([0; 32]);
    assert_eq!(opened(&execution, &longer, &longer.outputs), Err(JudgeError::Source));
}
