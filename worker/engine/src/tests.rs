//! One suite for all engines: the bits of the reference, for any graph, value, batch and number of threads.

mod case;
mod given;
mod long_rows;
mod operators;
mod typed;

pub(crate) use {operators::attention_package, typed::cache_package};

use super::{
    CpuEngine, CudaEngine, Device, Engine, EngineError, LoadedModel, ReferenceEngine, TorchEngine, TorchOptions,
};
use assay_cuda_emulator::Emulator;
use assay_exact::{
    graph::{Dimension, Graph, Input, Node, Operator, Output, Symbol, Value, Weight},
    quantise::Precision,
    trace::Trace,
};
use assay_ops::tensor::{Blake2b256, DataType, Tensor};
use assay_package::{Details, Package};
use std::sync::{Arc, LazyLock};

const CASES: u64 = 300;
/// Graphs of single operators, in a usual and in a long run.
const OPERATOR_CASES: [u64; 2] = [120_000, 4_000_000];
/// One of this many of them is also given to engines that take long for each.
const SLOW_ENGINES_TAKE: u64 = 50;
const MAX_ROWS: u32 = 40;

/// A fixed stream of pseudo-random numbers (Marsaglia's xorshift64*, 2003).
pub(crate) struct Random(pub u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 8
    }

    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// A number of the kind that `mood` says: plain, of any finite size, or anything at all.
    fn number(&mut self, mood: u64) -> f32 {
        let plain = self.next() as u32 as i32 as f32 / 1e9;
        match (mood, self.below(16)) {
            (_, 0) => 0.0,
            (_, 1) => -0.0,
            (1, _) => f32::from_bits(self.next() as u32 & 0x807f_ffff | (self.below(255) as u32) << 23),
            // Subnormal numbers alone.
            (2, _) => f32::from_bits(self.next() as u32 & 0x8000_03ff),
            (3, 2) => f32::INFINITY,
            (3, 3) => f32::NEG_INFINITY,
            (3, 4) => f32::from_bits(0xffc1_2345),
            _ => plain,
        }
    }

    /// Rows of numbers, each row of one kind.
    fn tensor(&mut self, shape: &[u32]) -> Tensor {
        let length = shape.last().map_or(1, |length| *length as usize);
        let rows = shape.iter().map(|d| *d as usize).product::<usize>() / length;
        let mut bytes = Vec::new();
        for _ in 0..rows {
            let mood = self.below(8);
            // The greatest row that is not plain is rare in deep graphs, so that not everything ends as NaN.
            for _ in 0..length {
                bytes.extend(self.number(mood).to_le_bytes());
            }
        }
        Tensor::new(DataType::Float32, shape.to_vec(), bytes).expect("as many numbers as the shape says")
    }

    fn precision(&mut self) -> Precision {
        match self.below(3) {
            0 => Precision::Int8,
            1 => Precision::Int16,
            _ => Precision::Int16Int8,
        }
    }
}

/// Linear layers with and without bias, rectified or not, between reshapes.
fn random_package(random: &mut Random) -> Package {
    const BATCH: Dimension = Dimension::Symbol(0);
    let factors = [1 + random.below(9) as u32, 1 + random.below(40) as u32];
    let mut width = factors[0] * factors[1];
    let mut graph = Graph {
        symbols: vec![Symbol {
            name: "batch".into(),
            min: 1,
            max: MAX_ROWS,
        }],
        inputs: vec![Input {
            name: "x".into(),
            dtype: DataType::Float32,
            dimensions: vec![BATCH, Dimension::Fixed(factors[0]), Dimension::Fixed(factors[1])],
            range: None,
        }],
        weights: vec![],
        nodes: vec![],
        outputs: vec![],
    };
    let mut weights = Vec::new();
    let mut last = Value::Input(0);
    let push = |graph: &mut Graph, operator, inputs| {
        let name = format!("node_{}", graph.nodes.len());
        graph.nodes.push(Node {
            name,
            operator,
            inputs,
            source: String::new(),
        });
        Value::Node(graph.nodes.len() as u32 - 1)
    };
    if random.below(2) == 0 {
        last = push(
            &mut graph,
            Operator::Reshape {
                dimensions: vec![BATCH, Dimension::Fixed(width)],
            },
            vec![last],
        );
    } else {
        // A contraction over the last of three dimensions.
        width = factors[1];
    }
    for _ in 0..1 + random.below(3) {
        let features = 1 + random.below(70) as u32;
        let mut inputs = vec![last];
        for shape in [vec![features, width], vec![features]]
            .into_iter()
            .take(1 + random.below(2) as usize)
        {
            inputs.push(Value::Weight(graph.weights.len() as u16));
            let name = format!("w{:03}", graph.weights.len());
            weights.push(random.tensor(&shape).canonical());
            graph.weights.push(Weight {
                name,
                dtype: DataType::Float32,
                shape,
            });
        }
        last = push(
            &mut graph,
            Operator::Linear {
                precision: random.precision(),
            },
            inputs,
        );
        graph.outputs.push(Output {
            name: format!("output_{}", graph.outputs.len()),
            value: last,
        });
        if random.below(2) == 0 {
            last = push(&mut graph, Operator::Relu, vec![last]);
        }
        width = features;
    }
    graph.outputs.push(Output {
        name: "last".into(),
        value: last,
    });
    let details = Details {
        name: "random".into(),
        version: "1".into(),
        licence: "Apache-2.0".into(),
        description: String::new(),
    };
    let graph = graph.check().expect("a sound graph");
    Package::new(details, Precision::Int16, graph, weights, vec![]).expect("a sound package")
}

fn random_job(package: &Package, random: &mut Random, rows: u32) -> Vec<Tensor> {
    let shape = package
        .graph()
        .shape(Value::Input(0), &[rows])
        .expect("the graph has an input");
    vec![random.tensor(&shape)]
}

fn torch(threads: usize) -> TorchEngine {
    let threads = threads.try_into().expect("not zero");
    TorchEngine::new(TorchOptions {
        device: Device::Cpu,
        threads,
    })
    .expect("a processor follows IEEE 754")
}

fn cpu(threads: usize) -> CpuEngine {
    CpuEngine::new(threads.try_into().expect("not zero")).expect("a processor follows IEEE 754")
}

/// The GPU whose index `ASSAY_CUDA` is, or an emulated one. It is opened and tested once.
fn cuda() -> CudaEngine {
    static ENGINE: LazyLock<CudaEngine> = LazyLock::new(|| {
        let engine = match std::env::var("ASSAY_CUDA") {
            Ok(index) => CudaEngine::new(index.parse().expect("ASSAY_CUDA is a number")),
            Err(_) => CudaEngine::on(Arc::new(Emulator), "emulated".to_owned()),
        };
        engine.expect("a GPU gives the defined bits")
    });
    ENGINE.clone()
}

/// Whether `ASSAY_LONG=1` is set.
fn long() -> bool {
    std::env::var_os("ASSAY_LONG").is_some_and(|value| value == "1")
}

/// Output of a job by an engine's trace, and the output of each node on the way.
#[derive(PartialEq)]
struct Traced {
    outputs: Vec<Tensor>,
    nodes: Vec<Tensor>,
}

fn trace(model: &LoadedModel, job: &[Tensor]) -> Traced {
    let mut nodes = Vec::new();
    let outputs = model.trace(job, &mut |node, output| {
        assert_eq!(node as usize, nodes.len(), "nodes are shown in the graph's order");
        nodes.push(output.tensor()?);
        Ok(())
    });
    let outputs = outputs.expect("a job that fits");
    assert_eq!(nodes.len(), model.graph().graph().nodes.len());
    Traced { outputs, nodes }
}

fn reference(package: &Package, job: &[Tensor]) -> Traced {
    trace(&ReferenceEngine.load(package).expect("a sound package"), job)
}

/// The first node whose output is another one in two traces.
fn first_difference(package: &Package, a: &Traced, b: &Traced) -> Option<Node> {
    let differs = a.nodes.iter().zip(&b.nodes).position(|(a, b)| a != b)?;
    package.graph().graph().nodes.get(differs).cloned()
}

/// Checks that an engine runs and traces a job as the reference has traced it.
fn check(engine: &dyn Engine, package: &Package, job: &[Tensor], expected: &Traced, case: u64) {
    let model = engine.load(package).expect("a sound package");
    assert!(
        model.run(job).as_ref() == Ok(&expected.outputs),
        "case {case}: {} differs from the reference in {:?}",
        engine.description(),
        package.graph().graph().nodes
    );
    let traced = trace(&model, job);
    assert!(
        traced == *expected,
        "case {case}: the trace of {} differs from the reference at {:?}",
        engine.description(),
        first_difference(package, &traced, expected)
    );
}

/// A graph of a single operator, with what it takes.
pub(crate) fn single_operator(case: u64) -> (Package, Vec<Tensor>) {
    let mut random = Random(1 + case);
    // Neighbouring seeds begin alike.
    (0..8).for_each(|_| {
        random.next();
    });
    match random.below(2) {
        0 => operators::random_case(&mut random),
        _ => typed::random_case(&mut random),
    }
}

#[test]
fn every_operator_gives_the_bits_of_the_reference() {
    let fast = [cpu(1), cpu(2), cpu(3), cpu(2).portable()];
    let slow: [&dyn Engine; 4] = [
        &torch(1),
        &torch(2).with_float64_products(),
        &cuda(),
        &cuda().without_tensor_cores(),
    ];
    for case in 0..OPERATOR_CASES[usize::from(long())] {
        let (package, job) = single_operator(case);
        let expected = reference(&package, &job);
        check(&fast[case as usize % fast.len()], &package, &job, &expected, case);
        if case.is_multiple_of(SLOW_ENGINES_TAKE) {
            for engine in slow {
                check(engine, &package, &job, &expected, case);
            }
        }
    }
}

#[test]
fn every_engine_gives_the_bits_of_the_reference() {
    let mut random = Random(20);
    let (engines, own) = ([1, 2, 3].map(torch), [1, 2, 3].map(cpu));
    for case in 0..CASES {
        let package = random_package(&mut random);
        let rows = 1 + random.below(u64::from(MAX_ROWS)) as u32;
        let job = random_job(&package, &mut random, rows);
        let expected = reference(&package, &job);
        let engine = &engines[case as usize % engines.len()];
        let own = &own[case as usize % own.len()];
        let engines: [&dyn Engine; 6] = [
            engine,
            &engine.clone().with_float64_products(),
            own,
            &own.clone().portable(),
            &cuda(),
            &cuda().without_tensor_cores(),
        ];
        for engine in engines {
            check(engine, &package, &job, &expected, case);
        }
    }
}

#[test]
fn layer_of_a_transformer_is_traced_node_by_node() {
    let mut random = Random(24);
    for case in 0..10 {
        let (package, jobs) = attention_package(&mut random);
        for job in &jobs {
            let expected = reference(&package, job);
            check(&ReferenceEngine, &package, job, &expected, case);
            for engine in [&cpu(2) as &dyn Engine, &cpu(1).portable(), &torch(1), &cuda()] {
                check(engine, &package, job, &expected, case);
            }
        }
    }
}

#[test]
fn node_on_a_weight_that_is_packed_elsewhere_is_traced_too() {
    let mut random = Random(25);
    let (package, jobs) = attention_package(&mut random);
    let (mut graph, weights) = (package.graph().graph().clone(), package.weights().to_vec());
    // Its layer's weight is otherwise only ever packed.
    graph.nodes.push(Node {
        name: "rectified".into(),
        operator: Operator::Relu,
        inputs: vec![Value::Weight(0)],
        source: String::new(),
    });
    graph.outputs.push(Output {
        name: "rectified".into(),
        value: Value::Node(graph.nodes.len() as u32 - 1),
    });
    let details = Details {
        name: "rectified".into(),
        version: "1".into(),
        licence: "Apache-2.0".into(),
        description: String::new(),
    };
    let graph = graph.check().expect("a sound graph");
    let package = Package::new(details, Precision::Int16, graph, weights, vec![]).expect("a sound package");
    let expected = reference(&package, &jobs[0]);
    for engine in [&cpu(2) as &dyn Engine, &torch(1), &cuda()] {
        check(engine, &package, &jobs[0], &expected, 0);
    }
}

#[test]
fn digests_of_a_trace_are_those_of_every_engine() {
    let mut random = Random(26);
    let (package, jobs) = attention_package(&mut random);
    let expected = Trace::of::<Blake2b256>(package.graph(), package.weights(), &jobs[1]);
    for engine in [&ReferenceEngine as &dyn Engine, &cpu(2), &torch(1), &cuda()] {
        let model = engine.load(&package).expect("a sound package");
        let trace = model.trace_digests(&jobs[1]).expect("a job that fits");
        assert_eq!(Ok(&trace), expected.as_ref());
        assert!(matches!(model.trace_digests(&[]), Err(EngineError::Inputs(_))));
    }
}

#[test]
fn jobs_together_give_the_bits_of_jobs_apart() {
    let mut random = Random(21);
    let (torch, cpu, cuda) = (torch(2), cpu(2), cuda());
    for case in 0..40 {
        let package = random_package(&mut random);
        let rows = [1, 1, 3, 1, 30, 20, 2, MAX_ROWS];
        let mut jobs: Vec<_> = rows
            .iter()
            .map(|rows| random_job(&package, &mut random, *rows))
            .collect();
        let unfit = case as usize % jobs.len();
        jobs.insert(unfit, vec![]);
        for engine in [&ReferenceEngine as &dyn Engine, &torch, &cpu, &cuda] {
            let model = engine.load(&package).expect("a sound package");
            let together = model.run_jobs(&jobs);
            assert_eq!(together.len(), jobs.len());
            for (position, (job, result)) in jobs.iter().zip(together).enumerate() {
                assert!(result == model.run(job), "case {case}, job {position}");
                assert_eq!(result.is_err(), position == unfit);
            }
        }
    }
}

#[test]
fn inputs_are_read_as_canonical_numbers() {
    let mut random = Random(22);
    let package = random_package(&mut random);
    let plain = random_job(&package, &mut random, 2);
    let odd: Vec<Tensor> = plain
        .iter()
        .map(|tensor| {
            let bytes = tensor.bytes().as_chunks::<4>().0.iter().flat_map(|word| {
                let bits = u32::from_le_bytes(*word);
                let bits = if bits == 0 { 1 << 31 } else { bits };
                bits.to_le_bytes()
            });
            Tensor::new(DataType::Float32, tensor.shape().to_vec(), bytes.collect()).expect("the same shape")
        })
        .collect();
    for engine in [&ReferenceEngine as &dyn Engine, &torch(1), &cpu(1), &cuda()] {
        let model = engine.load(&package).expect("a sound package");
        assert_eq!(model.run(&plain), model.run(&odd));
    }
}

#[test]
fn absent_gpu_is_refused() {
    let options = TorchOptions {
        device: Device::Cuda(63),
        threads: 1.try_into().expect("not zero"),
    };
    let error = TorchEngine::new(options).err();
    assert!(matches!(error, Some(EngineError::Device { device, .. }) if device == "cuda:63"));
    let error = CudaEngine::new(63).err();
    assert!(matches!(error, Some(EngineError::Device { device, .. }) if device == "cuda:63"));
}

#[test]
fn processor_multiplies_int8_exactly_and_says_so() {
    assert_eq!(torch(2).description(), "libtorch on cpu, 2 threads, int8 products");
}

#[test]
fn memory_of_a_gpu_does_not_grow_from_run_to_run() {
    let mut random = Random(27);
    let (package, jobs) = attention_package(&mut random);
    let engine = match std::env::var_os("ASSAY_CUDA") {
        // Its memory is not that of other tests.
        None => CudaEngine::on(Arc::new(Emulator), "emulated".to_owned()).expect("it gives the defined bits"),
        Some(_) => cuda(),
    };
    let model = engine.load(&package).expect("a sound package");
    let run = |job: &[Tensor]| model.run(job).expect("a job that fits");
    let expected: Vec<_> = jobs.iter().map(|job| run(job)).collect();
    jobs.iter().for_each(|job| drop(run(job)));
    let kept = engine.kept_bytes();
    for round in 0..60 {
        let index = round % jobs.len();
        assert!(run(&jobs[index]) == expected[index]);
        assert_eq!(engine.kept_bytes(), kept, "after {round} runs");
    }
}
