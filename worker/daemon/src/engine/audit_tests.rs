//! An audit passes what is as defined, and names what is not.

use super::{
    Auditor, Task,
    audit::{AuditError, Random, loaded, served},
    order::Order,
};
use crate::{
    dispute::{Traced, Tracer, Wanted},
    models::Models,
    serve::{executor::output, memory::Output},
};
use assay_adversary::graphs;
use assay_engine::{CpuEngine, Engine, LoadedModel, ReferenceEngine};
use assay_exact::{graph::Value, quantise::Precision};
use assay_ops::{
    program::EngineError,
    tensor::{DataType, Digest, Tensor},
};
use assay_package::{Details, Package};
use assay_player::Execution;
use assay_types::H256;
use polkadot_sdk::sp_runtime::Perbill;
use std::{
    fs,
    num::NonZeroUsize,
    path::Path,
    sync::{
        Arc,
        mpsc::{SyncSender, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

/// Work that every model of these tests is below.
const WORK: u64 = 1 << 24;

fn digits() -> Arc<Package> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/digits/package");
    Arc::new(Package::load(&folder).expect("committed"))
}

fn random(seed: u64, operators: usize) -> Arc<Package> {
    let model = graphs::random(&mut assay_adversary::Random(seed), operators);
    let details = Details {
        name: "random".into(),
        version: "1".into(),
        licence: "Apache-2.0".into(),
        description: String::new(),
    };
    let (graph, weights) = (model.graph().clone(), model.weights().to_vec());
    let package = Package::new(details, Precision::Int16, graph, weights, vec![]);
    Arc::new(package.expect("a sound package"))
}

fn run(model: &LoadedModel) -> impl Fn(Vec<Tensor>) -> Result<H256, EngineError> {
    move |inputs: Vec<Tensor>| Ok(output(&model.run(&inputs)?).digest)
}

/// The smallest input of a model with one, of zeros.
fn zeros(package: &Package) -> Vec<Tensor> {
    let graph = package.graph().graph();
    let symbols: Vec<u32> = graph.symbols.iter().map(|symbol| symbol.min).collect();
    let shape = package.graph().shape(Value::Input(0), &symbols).expect("sizes");
    let elements: u32 = shape.iter().product();
    let (dtype, size) = (graph.inputs[0].dtype, graph.inputs[0].dtype.size_bytes());
    let bytes = vec![0; size * elements as usize];
    vec![Tensor::new(dtype, shape, bytes).expect("as many bytes")]
}

/// A machine that gives one operator's output with a bit wrong in every element.
struct Broken {
    model: LoadedModel,
    operator: u32,
}

impl Tracer for Broken {
    fn root(&self) -> Digest {
        self.model.root()
    }

    fn trace(&self, inputs: &[Tensor], wanted: &Wanted) -> Result<Traced, EngineError> {
        let mut traced = Tracer::trace(&self.model, inputs, wanted)?;
        if let Some(tensor) = traced.wanted.get_mut(&self.operator) {
            let (dtype, shape) = (tensor.dtype(), tensor.shape().to_vec());
            let mut bytes = tensor.bytes().to_vec();
            // Another number whatever it was, and no NaN for a NaN.
            match dtype {
                DataType::Float32 => bytes.iter_mut().skip(3).step_by(4).for_each(|byte| *byte = !*byte),
                _ => bytes.iter_mut().step_by(dtype.size_bytes()).for_each(|byte| *byte ^= 1),
            }
            *tensor = Arc::new(Tensor::new(dtype, shape, bytes).expect("as many bytes"));
        }
        Ok(traced)
    }
}

#[test]
fn every_operator_of_sound_models_passes_on_every_engine() {
    let cpu = CpuEngine::new(NonZeroUsize::MIN).expect("a processor");
    let packages = (0..20).map(|seed| random(seed, 8)).chain([digits()]);
    for (seed, package) in (0..).zip(packages) {
        for engine in [&ReferenceEngine as &dyn Engine, &cpu] {
            let model = engine.load(&package).expect("it loads");
            let audited = loaded(&package, &model, &run(&model), &mut Random::of(seed), WORK).expect("as defined");
            let operators = package.graph().graph().nodes.len() as u64;
            assert!(audited.operators <= 2 * operators && audited.elements == 3 * audited.operators);
            // Without symbols nothing but an empty output is left out.
            assert!(audited.operators > 0, "{seed}");
        }
    }
}

#[test]
fn operator_that_is_not_as_defined_is_named() {
    let package = digits();
    for operator in 0..package.graph().graph().nodes.len() as u32 {
        let model = ReferenceEngine.load(&package).expect("it loads");
        let run_of = ReferenceEngine.load(&package).expect("it loads");
        let broken = Broken { model, operator };
        let found = loaded(&package, &broken, &run(&run_of), &mut Random::of(1), WORK);
        // What takes the operator's output is judged on the wrong one, and differs as well.
        assert!(
            matches!(&found, Err(error @ AuditError::Element { .. }) if error.is_difference()),
            "{operator}: {found:?}"
        );
    }
}

#[test]
fn execution_that_cannot_be_defended_is_named() {
    let package = digits();
    let model = ReferenceEngine.load(&package).expect("it loads");
    let other = |_: Vec<Tensor>| Ok(H256::repeat_byte(1));
    let found = loaded(&package, &model, &other, &mut Random::of(1), WORK);
    assert!(matches!(found, Err(AuditError::Outputs { run, .. }) if run == H256::repeat_byte(1)));
    let failed = |_: Vec<Tensor>| {
        Err(EngineError::Failed {
            engine: "test".into(),
            reason: "told to".into(),
        })
    };
    let found = loaded(&package, &model, &failed, &mut Random::of(1), WORK);
    assert!(found.is_err_and(|error| !error.is_difference()));
}

#[test]
fn served_job_is_compared_with_what_would_be_defended() {
    let package = digits();
    let model = ReferenceEngine.load(&package).expect("it loads");
    let inputs = zeros(&package);
    let right = run(&model)(inputs.clone()).expect("it runs");
    assert!(served(&package, &model, &inputs, right, &mut Random::of(3)).is_ok());
    let found = served(&package, &model, &inputs, H256::zero(), &mut Random::of(3));
    assert!(matches!(found, Err(AuditError::Outputs { .. })));
}

/// Answers probes as an engine does that is as defined, and hands on what it is told not to trust.
fn supervisor(package: &Arc<Package>) -> (SyncSender<Order>, std::sync::mpsc::Receiver<String>) {
    let (orders, queue) = sync_channel(8);
    let (sender, distrusted) = std::sync::mpsc::channel();
    let model = ReferenceEngine.load(package).expect("it loads");
    thread::spawn(move || {
        for order in queue {
            match order {
                Order::Probe { inputs, reply, .. } => {
                    drop(reply.send(model.run(&inputs).map(|tensors| output(&tensors))));
                }
                Order::Distrust { reason, .. } => drop(sender.send(reason)),
                Order::Run(_) | Order::Trace { .. } => {}
            }
        }
    });
    (orders, distrusted)
}

#[test]
fn difference_at_load_is_a_fault_and_one_of_a_job_ends_the_trust_and_both_are_recorded() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let package = digits();
    let (orders, distrusted) = supervisor(&package);
    let root = H256(package.root());
    let start = |tracer: Arc<dyn Tracer>| {
        let models = Models::new([(package.clone(), tracer)]);
        let started = Auditor::start(&models, &orders, folder.path(), Perbill::one(), WORK);
        let (auditor, faults) = started.expect("a thread");
        (models, auditor, faults)
    };
    let record = || -> serde_json::Value {
        let text = fs::read(folder.path().join("audits.json")).expect("written");
        let record: serde_json::Value = serde_json::from_slice(&text).expect("JSON");
        record["models"][format!("{root:?}")].clone()
    };
    let model = || ReferenceEngine.load(&package).expect("it loads");
    let broken = Broken {
        model: model(),
        operator: 0,
    };
    let (_, _, faults) = start(Arc::new(broken));
    assert!(faults[&root].contains("by the definition"), "{faults:?}");
    assert_eq!(record()["passed"], 0);
    assert!(record()["difference"].is_string());

    let (models, mut auditor, faults) = start(Arc::new(model()));
    assert!(faults.is_empty());
    assert_eq!(
        (&record()["passed"], &record()["difference"]),
        (&1.into(), &serde_json::Value::Null)
    );
    let model = models.get(&root).expect("there");
    let task = Task {
        job: 1,
        model: root,
        inputs: zeros(&package),
        until: Instant::now(),
    };
    let wrong = Output {
        digest: H256::zero(),
        bytes: Vec::new(),
    };
    // The thread may not wait for a job yet.
    let reason = loop {
        auditor.offer(model, &task, &wrong);
        if let Ok(reason) = distrusted.recv_timeout(Duration::from_millis(20)) {
            break reason;
        }
    };
    assert!(reason.contains("could not be defended"), "{reason}");
    assert!(record()["difference"].is_string());
}
