//! The estimate is what the buffers take, and what does not fit is refused or divided.

use crate::{
    CpuEngine, Engine, EngineError, LoadedModel, Program, ReferenceEngine, TorchEngine, TorchOptions,
    memory::peak,
    plan::Plan,
    tests::{Random, attention_package, cache_package, single_operator},
};
use assay_exact::{digest::tensor_size_bytes, graph::Value, quantise::Precision};
use assay_import::import_graph;
use assay_ops::tensor::Tensor;
use assay_package::Package;
use std::path::{Path, PathBuf};

fn models(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models").join(path)
}

fn cpu() -> CpuEngine {
    CpuEngine::new(2.try_into().expect("not zero")).expect("a processor follows IEEE 754")
}

/// Ones of the shape that these symbols give.
fn job(package: &Package, symbols: &[u32]) -> Vec<Tensor> {
    let inputs = (0..).zip(&package.graph().graph().inputs).map(|(index, input)| {
        let shape = package
            .graph()
            .shape(Value::Input(index), symbols)
            .expect("within range");
        let bytes = tensor_size_bytes(input.dtype, &shape).expect("small") as usize;
        Tensor::new(input.dtype, shape, vec![0; bytes]).expect("as many bytes")
    });
    inputs.collect()
}

/// Bytes of the buffers that an execution leaves, and the estimate of them.
fn taken_and_estimated(package: &Package, symbols: &[u32]) -> (f64, f64) {
    let program = cpu().program(package).expect("a sound package");
    program.evaluate(&job(package, symbols)).expect("a job that fits");
    let taken = program.kept(|memory| memory.buffers.bytes());
    let plan = Plan::new(package.graph());
    let estimated = peak(package.graph(), &plan, symbols).expect("within range").tensors;
    (taken as f64, estimated as f64)
}

#[test]
fn estimate_is_what_the_buffers_take() {
    let load = |path: &str| Package::load(&models(path)).expect("the committed package is whole");
    let (digits, gpt) = (load("digits/package"), load("gpt/package"));
    let (attention, cache) = (attention_package(&mut Random(40)).0, cache_package(&mut Random(41)));
    for (name, package, symbols) in [
        ("digits", &digits, vec![64]),
        ("digits", &digits, vec![1000]),
        ("gpt", &gpt, vec![1, 128]),
        ("gpt", &gpt, vec![16, 40]),
        ("gpt", &gpt, vec![40, 1]),
        ("attention", &attention, vec![30]),
        (
            "cache",
            &cache,
            cache
                .graph()
                .graph()
                .symbols
                .iter()
                .map(|symbol| symbol.max.min(50))
                .collect(),
        ),
    ] {
        let (taken, estimated) = taken_and_estimated(package, &symbols);
        let ratio = estimated / taken;
        println!("{name} {symbols:?}: {taken} bytes taken, {estimated} estimated, {ratio:.3}");
        // Buffers begin at cache lines.
        assert!(
            (taken - estimated).abs() <= 0.01 * taken + 2048.0,
            "{name} {symbols:?}: {taken} bytes taken, {estimated} estimated"
        );
    }
}

#[test]
fn every_operator_has_an_estimate() {
    for case in 0..20_000 {
        let (package, job) = single_operator(case);
        let graph = package.graph();
        let layouts: Vec<_> = job.iter().map(|input| (input.dtype(), input.shape())).collect();
        let symbols = graph.bind(&layouts).expect("a job that fits");
        for plan in [Plan::new(graph), Plan::of_single_nodes(graph.graph())] {
            let peak = peak(graph, &plan, &symbols);
            assert!(peak.is_some(), "case {case}: {:?}", graph.graph().nodes);
        }
    }
}

#[test]
fn a_long_batch_of_sentences_needs_gigabytes_and_a_short_one_megabytes() {
    let path = models("all-minilm-l6-v2/all-minilm-l6-v2.pt2");
    let graph = import_graph(&path, Precision::Int8).expect("a program that can be imported");
    let bytes = |plan: &Plan, symbols: &[u32]| peak(&graph, plan, symbols).expect("within range").bytes();
    let (served, traced) = (Plan::new(&graph), Plan::of_single_nodes(graph.graph()));
    let gibibytes = |plan, symbols: &[u32]| bytes(plan, symbols) as f64 / f64::from(1 << 30);
    assert!(
        (3.0..8.0).contains(&gibibytes(&served, &[1024, 512])),
        "{}",
        gibibytes(&served, &[1024, 512])
    );
    assert!(
        gibibytes(&traced, &[1024, 512]) > 12.0,
        "every attention's scores are there"
    );
    assert!(bytes(&served, &[1, 32]) < 4 << 20);
}

/// A model with a limit that a job of some rows just fits.
fn limited(engine: &dyn Engine, package: &Package, rows: u32) -> LoadedModel {
    let model = engine.load(package).expect("a sound package");
    let limit = model.peak_bytes(&[rows]);
    model.with_memory_limit(limit)
}

#[test]
fn a_job_above_the_limit_is_refused_and_jobs_that_are_above_it_together_are_divided() {
    let (package, _) = attention_package(&mut Random(42));
    let torch = TorchOptions {
        device: crate::Device::Cpu,
        threads: 1.try_into().expect("not zero"),
    };
    let torch = TorchEngine::new(torch).expect("a processor follows IEEE 754");
    for engine in [&cpu() as &dyn Engine, &ReferenceEngine, &torch] {
        let model = limited(engine, &package, 4);
        let free = engine.load(&package).expect("a sound package");
        assert!(model.run(&job(&package, &[4])).is_ok());
        let refused = model.run(&job(&package, &[5])).expect_err("larger");
        let EngineError::TooLarge { needed, limit } = refused else {
            panic!("{refused}");
        };
        assert!(needed > limit);
        // Twenty of one row, one of five that never fits, and two of three.
        let rows = [[1; 20].as_slice(), &[5, 3, 3]].concat();
        let jobs: Vec<_> = rows.iter().map(|rows| job(&package, &[*rows])).collect();
        for ((rows, result), free) in rows.iter().zip(model.run_jobs(&jobs)).zip(free.run_jobs(&jobs)) {
            match rows {
                5 => assert!(matches!(result, Err(EngineError::TooLarge { .. }))),
                _ => assert_eq!(result, free),
            }
        }
        let limit = model.peak_bytes_traced(&[1]) - 1;
        let model = model.with_memory_limit(limit);
        let traced = model.trace(&job(&package, &[1]), &mut |_, _| Ok(()));
        assert!(matches!(traced, Err(EngineError::TooLarge { .. })));
    }
}
