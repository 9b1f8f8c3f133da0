//! Random lies at random operators of random graphs.

use super::*;
use crate::{
    digest::DataType,
    testing::{Random, long},
    tree::{PartialTree, level_below, level_for, nodes_of_level, span},
};
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
    Question::Element {
        dtype: tensor.dtype(),
        shape: shape(tensor.shape()),
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
            // it.
            let mut lying = execution.trace.clone();
            lying.nodes[node] = lie.digest::<Blake2b>();
            for digest in &mut lying.nodes[node + 1..] {
                *digest = [random.next() as u8; 32];
            }
            let claim = Claim {
                trace_digest: lying.digest::<Blake2b>(),
                ..execution.claim()
            };
            let openings =
                Openings::new::<Blake2b>(execution.graph.graph(), &execution.weight_digests, MANIFEST, &lying);
            let proof = openings.prove_element::<Blake2b>(node as u32, &execution.operands(node), index);
            let proof = proof.expect("the operands are whole");
            let computed = Computed::Element {
                bytes: element_bytes(truth, index),
            };
            assert_eq!(
                execution.judge(&claim, node, &proof, &ask(&lie, index)),
                Ok(Verdict::Wrong { computed })
            );
            assert_eq!(
                execution.judge(&claim, node, &proof, &ask(truth, index)),
                Ok(Verdict::Right)
            );
            assert_eq!(ask(truth, index), element_question(truth, index));
        }
    }
    assert!(seen.len() >= 50, "only {seen:?} came up");
}

/// What a challenger knows of a lying worker's trace once it has pointed its way down to the first lie: the nodes that
/// were revealed, at most `max` a step, and before the lie its own.
fn revealed(own: &[Digest], theirs: &[Digest], max: u64) -> (usize, PartialTree) {
    let count = theirs.len() as u64;
    let mut known = PartialTree::new(Tree::List, count);
    let mut level = level_for(count, max);
    let mut range = 0..nodes_of_level(count, level);
    let lie = loop {
        let nodes = Tree::List.nodes::<Blake2b>(theirs, level, range.clone());
        let nodes = nodes.expect("a part of the level");
        let pointed = Tree::List.first_difference::<Blake2b>(own, level, range.start, &nodes);
        let pointed = pointed.expect("the traces differ");
        assert!(known.insert_span(level, range.start, &nodes));
        if level == 0 {
            break pointed as usize;
        }
        let lower = level_below(level, max);
        range = span(count, level, pointed, lower).expect("it was pointed at");
        level = lower;
    };
    assert!(known.insert_span(0, 0, &own[..lie]));
    known.complete::<Blake2b>();
    (lie, known)
}

#[test]
fn challenger_convicts_under_the_worker_s_trace_from_what_was_revealed() {
    let mut random = Random(2027);
    for _ in 0..graph_count() {
        let execution = graphs::execution(&mut random, 14);
        let own = &execution.trace;
        let node = random.below(execution.nodes.len() as u64) as usize;
        let Some((lie, index)) = lie(&mut random, &execution.nodes[node]) else {
            continue;
        };
        let mut theirs = own.nodes.clone();
        theirs[node] = lie.digest::<Blake2b>();
        for digest in &mut theirs[node + 1..] {
            *digest = [random.next() as u8; 32];
        }
        let claim = Claim {
            trace_digest: list_digest::<Blake2b>(&theirs),
            ..execution.claim()
        };
        let max = random.one(&[1, 2, 4, 1024]);
        let (found, known) = revealed(&own.nodes, &theirs, max);
        assert_eq!(found, node);

        let openings = execution.openings().against(&known);
        let operands = execution.operands(node);
        let element = openings.prove_element::<Blake2b>(node as u32, &operands, index);
        let verdict = execution.judge(&claim, node, &element.expect("all is known"), &ask(&lie, index));
        let computed = Computed::Element {
            bytes: element_bytes(&execution.nodes[node], index),
        };
        assert_eq!(verdict, Ok(Verdict::Wrong { computed }));

        let header = openings.prove_header::<Blake2b>(node as u32, &operands);
        let verdict = execution.judge(&claim, node, &header.expect("all is known"), &header_question(&lie));
        assert_eq!(verdict, Ok(Verdict::Right));

        // The own trace opens nothing under the worker's, unless the operator takes no other's output.
        let own = execution
            .openings()
            .prove_element::<Blake2b>(node as u32, &operands, index);
        let own = execution.judge(&claim, node, &own.expect("it is sound"), &ask(&lie, index));
        let wiring = &execution.graph.graph().nodes[node].inputs;
        let takes_nodes = wiring.iter().any(|value| matches!(value, Value::Node(_)));
        assert_eq!(own.is_err(), takes_nodes);
    }
}

#[test]
fn operand_that_is_not_the_graph_s_or_not_revealed_is_not_opened() {
    let mut random = Random(2028);
    let mut tried = 0;
    for _ in 0..100 {
        let execution = graphs::execution(&mut random, 6);
        for (node, described) in execution.graph.graph().nodes.iter().enumerate() {
            let mut operands = execution.operands(node);
            let Some(Value::Node(first)) = described.inputs.first().copied() else {
                continue;
            };
            let nothing = PartialTree::new(Tree::List, execution.nodes.len() as u64);
            let openings = execution.openings().against(&nothing);
            assert_eq!(
                openings.prove_header::<Blake2b>(node as u32, &operands),
                Err(ProofError::Unrevealed { node: first })
            );
            let Some((other, _)) = lie(&mut random, operands[0]) else {
                continue;
            };
            operands[0] = &other;
            assert_eq!(
                execution.openings().prove_header::<Blake2b>(node as u32, &operands),
                Err(ProofError::Differs { operand: 0 })
            );
            tried += 1;
        }
    }
    assert!(tried > 50);
}

#[test]
fn every_wrong_header_is_found() {
    let mut random = Random(4);
    for _ in 0..graph_count() / 4 {
        let execution = graphs::execution(&mut random, 8);
        let (claim, openings) = (execution.claim(), execution.openings());
        for (node, truth) in execution.nodes.iter().enumerate() {
            let proof = openings.prove_header::<Blake2b>(node as u32, &execution.operands(node));
            let proof = proof.expect("the operands fit");
            let judged = |question: &Question| execution.judge(&claim, node, &proof, question);
            assert_eq!(judged(&header_question(truth)), Ok(Verdict::Right));
            let computed = Computed::Header {
                dtype: truth.dtype(),
                shape: truth.shape().to_vec(),
            };
            let wrong = Ok(Verdict::Wrong { computed });
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
                let (dtype, shape) = (truth.dtype(), shape(&changed));
                assert_eq!(
                    judged(&Question::Header {
                        dtype,
                        shape: shape.clone()
                    }),
                    wrong
                );
                let claimed = Bounded::default();
                assert_eq!(
                    judged(&Question::Element {
                        dtype,
                        shape,
                        index: 0,
                        claimed
                    }),
                    wrong
                );
            }
            for dtype in [DataType::Float32, DataType::Int64, DataType::Bool] {
                let question = Question::Header {
                    dtype,
                    shape: shape(truth.shape()),
                };
                let expected = if dtype == truth.dtype() {
                    &Ok(Verdict::Right)
                } else {
                    &wrong
                };
                assert_eq!(judged(&question), *expected);
            }
        }
    }
}

/// Whether these outputs, each where the graph says that it stands, are what the claim's digest and its trace say.
fn opened(execution: &Execution, trace: &Trace, claimed: &[Digest]) -> Result<(), JudgeError> {
    let openings = Openings::new::<Blake2b>(execution.graph.graph(), &execution.weight_digests, MANIFEST, trace);
    let symbols = openings
        .prove_symbols::<Blake2b>(&execution.inputs)
        .expect("a small model");
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
    open_outputs::<Blake2b>(&claim, &symbols, &Bounded::new(entries.collect()).expect("few outputs"))
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
