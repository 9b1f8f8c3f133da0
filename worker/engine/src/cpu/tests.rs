//! Promises of this engine alone: it keeps no more memory than one execution needs, and puts nodes together.

use super::*;
use crate::{
    plan,
    tests::{Random, attention_package, cache_package},
};
use assay_ops::tensor::Tensor;

fn engine() -> CpuEngine {
    CpuEngine::new(2.try_into().expect("not zero")).expect("a processor follows IEEE 754")
}

/// Bytes of the buffers that a program keeps.
fn kept_bytes(program: &PlannedProgram<CpuBackend>) -> usize {
    program.kept(|memory| memory.buffers.bytes())
}

#[test]
fn memory_does_not_grow_from_run_to_run() {
    let mut random = Random(30);
    let (package, jobs) = attention_package(&mut random);
    let engine = engine();
    let program = engine.program(&package).expect("a sound package");
    let run = |job: &[Tensor]| program.evaluate(job).expect("a job that fits");
    let expected: Vec<_> = jobs.iter().map(|job| run(job)).collect();
    jobs.iter().for_each(|job| drop(run(job)));
    let kept = kept_bytes(&program);
    for round in 0..10_000 {
        let index = round % jobs.len();
        assert!(run(&jobs[index]) == expected[index]);
        assert_eq!(kept_bytes(&program), kept, "after {round} runs");
    }
}

#[test]
fn trace_leaves_no_memory_behind() {
    let mut random = Random(32);
    let (package, jobs) = attention_package(&mut random);
    let engine = engine();
    let program = engine.program(&package).expect("a sound package");
    let expected = program.evaluate(&jobs[0]).expect("a job that fits");
    let kept = kept_bytes(&program);
    let outputs = program.evaluate_with(&jobs[0], &mut |_, _| Ok(()));
    assert!(outputs.expect("a job that fits") == expected);
    assert_eq!(kept_bytes(&program), kept);
}

#[test]
fn plan_of_single_nodes_drops_every_value_once() {
    let mut random = Random(33);
    let (package, _) = attention_package(&mut random);
    let graph = package.graph().graph();
    let plan = plan::Plan::of_single_nodes(graph);
    assert_eq!(plan.steps.len(), graph.nodes.len());
    let finished_after = graph.finished_after();
    for (step, expected) in plan.steps.iter().zip(&finished_after) {
        let mut nodes: Vec<usize> = step.finished.iter().filter_map(|value| value.node()).collect();
        nodes.sort_unstable();
        assert_eq!(nodes, *expected);
    }
}

#[test]
fn attention_is_one_step_and_so_is_a_layer_with_its_function() {
    let mut random = Random(31);
    let (package, _) = attention_package(&mut random);
    let plan = plan::Plan::new(package.graph());
    let count = |matches: fn(&plan::Kind) -> bool| plan.steps.iter().filter(|step| matches(&step.kind)).count();
    assert_eq!(count(|kind| matches!(kind, plan::Kind::Attention(_))), 1);
    assert_eq!(
        count(|kind| matches!(kind, plan::Kind::Layers(layers) if layers.len() > 1)),
        1
    );
    let nodes = &package.graph().graph().nodes;
    let is_left = |name: &str| {
        plan.steps
            .iter()
            .any(|step| nodes[step.output as usize].operator.name() == name)
    };
    assert!(!["matmul", "softmax", "row_scale"].iter().any(|name| is_left(name)));
}

#[test]
fn cache_is_written_in_one_step_each_and_put_together_in_one() {
    let package = cache_package(&mut Random(34));
    let plan = plan::Plan::new(package.graph());
    let written = plan.steps.iter();
    let written = written.filter(|step| matches!(step.kind, plan::Kind::GatherWhere(1)));
    assert_eq!(written.count(), 4);
    let nodes = &package.graph().graph().nodes;
    let operands = |name: &str| -> Vec<usize> {
        let steps = plan.steps.iter();
        let steps = steps.filter(|step| nodes[step.output as usize].operator.name() == name);
        steps.map(|step| step.operands.len()).collect()
    };
    assert!(operands("gather").is_empty());
    assert_eq!(operands("concat"), [4]);
}
