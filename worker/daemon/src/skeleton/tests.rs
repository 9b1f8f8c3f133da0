//! Helpers that tests of daemons share: a model, jobs on a fake chain, and time.

use super::Timing;
use crate::{
    config::Common,
    engine::{EngineProgram, stand_in::StandIn},
    models::Models,
};
use assay_adversary::{InMemory, Random, graphs};
use assay_client::{
    chain::{
        AccountId, Balance, BlockNumber, Event, Job, JobState, Key, MarketEvent, VersionRecord, VersionStatus,
        fake::{FakeChain, Ledger},
    },
    schema,
};
use assay_engine::{Engine, EngineChoice, LoadedModel, ReferenceEngine};
use assay_exact::quantise::Precision;
use assay_ops::tensor::{Tensor, tensors_digest};
use assay_package::{Details, Package};
use assay_player::Execution;
use assay_types::{Assignment, Delivery, H256, JobId, ModelVersion};
use polkadot_sdk::sp_runtime::{BoundedVec, Perbill};
use std::{path::Path, sync::Arc, time::Duration};

pub(crate) const MODEL: ModelVersion = ModelVersion { model: 0, version: 1 };
pub(crate) const LOCKED: Balance = 1_000_000;

/// Times for a chain whose blocks take milliseconds.
pub(crate) const TIMING: Timing = Timing {
    stall: Duration::from_secs(20),
    look: Duration::from_millis(5),
    gather: Duration::from_millis(5),
    leave: Duration::from_secs(5),
};

/// A small model, with inputs of one job.
pub(crate) struct Tested {
    pub(crate) package: Arc<Package>,
    pub(crate) models: Models,
    loaded: Arc<LoadedModel>,
    memory: InMemory,
}

impl Tested {
    pub(crate) fn new() -> Self {
        let memory = graphs::random(&mut Random(7), 6);
        let details = Details {
            name: "tested".into(),
            version: "1".into(),
            licence: "Apache-2.0".into(),
            description: String::new(),
        };
        let (graph, weights) = (memory.graph().clone(), memory.weights().to_vec());
        let package = Package::new(details, Precision::Int16, graph, weights, vec![]).expect("a sound package");
        let package = Arc::new(package);
        let loaded = Arc::new((&ReferenceEngine as &dyn Engine).load(&package).expect("an engine"));
        Self {
            models: Models::new([(package.clone(), loaded.clone() as _)]),
            package,
            loaded,
            memory,
        }
    }

    /// The inputs of every job.
    pub(crate) fn inputs(&self) -> &[Tensor] {
        self.memory.inputs()
    }

    /// An engine that has loaded the model.
    pub(crate) fn engine(&self) -> StandIn {
        StandIn::start(self.loaded.clone(), self.models.clone())
    }

    /// Registers the model.
    pub(crate) fn register(&self, chain: &FakeChain) {
        let record = VersionRecord {
            root: H256(self.package.root()),
            parts: self.package.parts().clone(),
            status: VersionStatus::Active,
        };
        chain.author_with(|ledger, _| drop(ledger.versions.insert(MODEL, record)));
    }

    /// The digest of the outputs.
    pub(crate) fn output_digest(&self) -> H256 {
        let outputs = self.loaded.run_jobs(&[self.memory.inputs().to_vec()]);
        let outputs = outputs.into_iter().next().expect("one job");
        H256(tensors_digest(&outputs.expect("inputs that fit")))
    }

    /// A job on it, which waits for this worker's claim.
    pub(crate) fn assign(
        &self,
        ledger: &mut Ledger,
        events: &mut Vec<Event>,
        id: JobId,
        worker: &AccountId,
        deadline: BlockNumber,
    ) {
        let assignment = Assignment {
            worker: worker.clone(),
            price: 5,
            locked: LOCKED,
            hazard: 0,
        };
        self.put(ledger, id, JobState::Assigned { assignment, deadline });
        events.push(Event::Market(MarketEvent::JobAssigned {
            job: id,
            worker: worker.clone(),
            price: 5,
            deadline,
        }));
    }

    /// A job on it that this worker has claimed, with these outputs.
    pub(crate) fn claim(
        &self,
        ledger: &mut Ledger,
        events: &mut Vec<Event>,
        id: JobId,
        worker: &AccountId,
        output_digest: H256,
    ) {
        let window_until = 5_000;
        let assignment = Assignment {
            worker: worker.clone(),
            price: 5,
            locked: LOCKED,
            hazard: 0,
        };
        let claimed = JobState::Claimed {
            assignment,
            output_digest,
            window_until,
        };
        self.put(ledger, id, claimed);
        events.push(Event::Market(MarketEvent::JobClaimed {
            job: id,
            worker: worker.clone(),
            output_digest,
            window_until,
            output: None,
        }));
    }

    /// A job on it in this state.
    pub(crate) fn put(&self, ledger: &mut Ledger, id: JobId, state: JobState) {
        let inputs = self.memory.inputs();
        let shapes: Vec<_> = inputs.iter().map(|tensor| (tensor.dtype(), tensor.shape())).collect();
        let symbols = self.package.graph().bind(&shapes).expect("inputs that fit");
        ledger.inputs.insert(id, schema::payload(inputs));
        ledger.jobs.insert(
            id,
            Job {
                client: AccountId::new([9; 32]),
                model: MODEL,
                input_digest: H256(tensors_digest(inputs)),
                symbols: BoundedVec::truncate_from(symbols),
                work: 0,
                ceiling: 10,
                deadline_blocks: 100,
                window_blocks: 100,
                delivery: Delivery::Digest,
                submitted_at: 1,
                tried: BoundedVec::new(),
                kept: Default::default(),
                state,
            },
        );
    }
}

/// The account of the daemon that is tested.
pub(crate) fn key() -> Key {
    Key::load("//Alice").expect("a development key")
}

/// Configuration of a daemon, with its files here.
pub(crate) fn common(folder: &Path) -> Common {
    Common {
        nodes: vec!["fake".into(), "fake as well".into()],
        key: key(),
        models_dir: folder.into(),
        inputs_dir: folder.into(),
        data_dir: folder.into(),
        engine: EngineChoice::Reference,
        gpu: None,
        threads: 1,
        max_memory: 1 << 30,
        engine_program: EngineProgram::this_one(&["engine"]),
        stall: TIMING.stall,
        audit_share: Perbill::zero(),
        max_tip: Perbill::from_percent(1),
        network: None,
    }
}

/// Waits until something is so.
pub(crate) async fn until(what: &str, is_so: impl Fn() -> bool) {
    for _ in 0..5_000 {
        if is_so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    panic!("not in 10 s: {what}");
}

/// Makes a block every few milliseconds until something is so.
pub(crate) async fn author_until(chain: &FakeChain, what: &str, is_so: impl Fn() -> bool) {
    for _ in 0..300 {
        if is_so() {
            return;
        }
        chain.author();
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
    panic!("not in 300 blocks: {what}");
}
