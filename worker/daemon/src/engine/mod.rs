//! The engine, in a process of its own: a panic, want of memory or a hang costs that process and one job at most.
//!
//! ```text
//!  duty ── tasks ──▶ supervisor (a thread) ── frames ──▶ child process: packages, engine
//!                      │   ▲   ▲ ◀──────── frames ──────────┘
//!                      ▼   │   └── traces, for disputes
//!                   outcomes, health
//! ```
//!
//! The [`Supervisor`](supervisor) starts the child, hands it one batch or one trace at a time, and starts it again when
//! it ends. The jobs of a batch that a child did not survive run again, one at a time; a job that a child does not
//! survive alone either is reported as failed. [`health`] counts failures in a row: after some of them whoever listens
//! is told that the engine cannot be relied on, and hears when a self-test has passed. The [`child`] is the same
//! program, started with a hidden subcommand.

mod audit;
#[cfg(test)]
mod audit_tests;
mod auditor;
mod child;
mod generation;
mod health;
mod memory;
mod message;
mod order;
mod process;
#[cfg(test)]
pub(crate) mod stand_in;
mod supervisor;
mod tracer;
mod wire;

pub use audit::{AuditError, Audited};
pub(crate) use auditor::Auditor;
pub use child::{ChildError, run, run_with};
pub use health::Health;
pub use memory::{available, default_limit, hard_limit};
pub use message::{FrameError, MAX_FRAME_BYTES, Setup, VERSION};
pub use order::{Outcome, Patience, Reply, Task};
pub use process::EngineProgram;

use crate::{
    config::Common,
    models::{Models, PackageAt},
};
use assay_engine::EngineChoice;
use assay_ops::program::EngineError;
use assay_package::Package;
use assay_types::H256;
use order::{Order, Start};
use std::{
    collections::BTreeMap,
    os::unix::ffi::OsStrExt,
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender, TrySendError},
    },
};
use tokio::sync::watch;

/// Work of an audit at load: a second or so.
const AUDIT_WORK: u64 = 1 << 31;
/// The same for the reference, which is slow.
const REFERENCE_AUDIT_WORK: u64 = 1 << 22;

/// Jobs and traces that wait for the engine.
pub const QUEUE: usize = 1024;

/// The running engine: where tasks go in, where outcomes come out, and the models that it has loaded.
pub struct Engine {
    /// The engine's description of itself.
    pub description: String,
    /// The models, for whoever executes with everything on the way.
    pub models: Models,
    /// Outcomes of tasks.
    pub outcomes: Receiver<Outcome>,
    /// Where tasks are put.
    pub tasks: Tasks,
    /// Models that this machine does not give as they are defined, or cannot execute, and why.
    pub faults: BTreeMap<H256, String>,
    /// Audits jobs that were served, if anybody does.
    pub(crate) auditor: Option<Auditor>,
}

/// Why a task was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotTaken {
    /// Too many tasks wait; there may be room later.
    #[error("the engine's queue is full")]
    Full,
    /// The thread that supervises the engine has ended, which nothing but a mistake in this program explains.
    #[error("the engine's supervisor has ended; start the program again, and report what it logged before")]
    Closed,
}

/// A handle on the engine's queue.
#[derive(Clone, Debug)]
pub struct Tasks {
    orders: SyncSender<Order>,
    health: watch::Receiver<Health>,
}

impl Tasks {
    /// Puts a task in the queue.
    pub fn try_run(&self, task: Task) -> Result<(), NotTaken> {
        self.orders.try_send(Order::Run(task)).map_err(|error| match error {
            TrySendError::Full(_) => NotTaken::Full,
            TrySendError::Disconnected(_) => NotTaken::Closed,
        })?;
        assay_telemetry::metrics::worker().queue.inc();
        Ok(())
    }

    /// Whether the engine can be relied on, now and later.
    pub fn health(&self) -> watch::Receiver<Health> {
        self.health.clone()
    }
}

/// Starts the engine that the configuration names, with these packages, and audits their models.
pub fn start_for(common: &Common, found: &[PackageAt]) -> Result<Engine, EngineError> {
    let packages: Vec<Arc<Package>> = found.iter().map(|(_, package)| package.clone()).collect();
    let setup = Setup {
        engine: common.engine.name().to_owned(),
        // Neither a machine's GPUs nor its threads are that many.
        gpu: common.gpu.map(|index| u32::try_from(index).unwrap_or(u32::MAX)),
        threads: u32::try_from(common.threads).unwrap_or(u32::MAX),
        max_memory: common.max_memory,
        packages: found
            .iter()
            .map(|(folder, _)| folder.as_os_str().as_bytes().to_vec())
            .collect(),
    };
    let mut engine = start(common.engine_program.clone(), setup, &packages, Patience::default())?;
    let max_work = match common.engine {
        EngineChoice::Reference => REFERENCE_AUDIT_WORK,
        EngineChoice::Cpu | EngineChoice::Cuda | EngineChoice::Torch => AUDIT_WORK,
    };
    let orders = &engine.tasks.orders;
    let (auditor, faults) = Auditor::start(&engine.models, orders, &common.data_dir, common.audit_share, max_work)?;
    (engine.auditor, engine.faults) = (Some(auditor), faults);
    tracing::info!(
        engine = engine.description,
        models = packages.len(),
        max_memory_mib = common.max_memory >> 20,
        "the engine is ready"
    );
    Ok(engine)
}

/// Starts the engine and the thread that supervises it, with these packages, whose folders the setup names in the same
/// order. Returns when the packages are loaded.
pub fn start(
    program: EngineProgram,
    setup: Setup,
    packages: &[Arc<Package>],
    patience: Patience,
) -> Result<Engine, EngineError> {
    let (orders, queue) = std::sync::mpsc::sync_channel(QUEUE);
    let (sender, outcomes) = std::sync::mpsc::channel();
    let (health_sender, health) = watch::channel(Health::Well);
    let description = supervisor::start(Start {
        program,
        setup,
        roots: packages.iter().map(|package| package.root()).collect(),
        graphs: packages.iter().map(|package| package.graph().clone()).collect(),
        kinds: packages.iter().map(|package| package.parts().kind).collect(),
        patience,
        queue,
        outcomes: sender,
        health: health_sender,
    })?;
    let models = packages.iter().map(|package| {
        let tracer = tracer::InChild::new(package.clone(), orders.clone());
        (package.clone(), Arc::new(tracer) as _)
    });
    Ok(Engine {
        description,
        models: Models::new(models),
        outcomes,
        tasks: Tasks { orders, health },
        faults: BTreeMap::new(),
        auditor: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_that_is_closed_is_not_taken_for_one_that_is_full() {
        let task = || Task {
            job: 1,
            model: assay_types::H256::zero(),
            inputs: vec![],
            until: std::time::Instant::now(),
            reply: None,
        };
        let (orders, queue) = std::sync::mpsc::sync_channel(1);
        let (_sender, health) = watch::channel(Health::Well);
        let tasks = Tasks { orders, health };
        assert_eq!(tasks.try_run(task()), Ok(()));
        assert_eq!(tasks.try_run(task()), Err(NotTaken::Full));
        drop(queue);
        assert_eq!(tasks.try_run(task()), Err(NotTaken::Closed));
    }
}
