//! An engine in this process, for tests of daemons: one thread, one model, and a health that a test sets.

use super::{
    Engine, Health, Tasks,
    order::{Order, Outcome},
};
use crate::{dispute::Tracer, models::Models, serve::executor::output};
use assay_engine::LoadedModel;
use std::{
    collections::BTreeMap,
    sync::{Arc, mpsc},
    thread,
};
use tokio::sync::watch;

/// An engine, and its health.
pub(crate) struct StandIn {
    pub(crate) engine: Engine,
    pub(crate) health: watch::Sender<Health>,
}

impl StandIn {
    /// Starts the thread; the models are those of a test, of which this one is executed.
    pub(crate) fn start(loaded: Arc<LoadedModel>, models: Models) -> Self {
        let (orders, queue) = mpsc::sync_channel(super::QUEUE);
        let (sender, outcomes) = mpsc::channel();
        let (health, healths) = watch::channel(Health::Well);
        thread::spawn(move || {
            for order in queue {
                match order {
                    Order::Run(task) => {
                        let mut results = loaded.run_jobs(std::slice::from_ref(&task.inputs)).into_iter();
                        let result = results.next().expect("one for each job");
                        let result = result.map(|tensors| output(&tensors));
                        // Without a receiver the test is over.
                        match &task.reply {
                            Some(reply) => drop(reply.outcome.try_send(result)),
                            None => drop(sender.send(Outcome { task, result })),
                        }
                    }
                    Order::Trace {
                        inputs, wanted, reply, ..
                    } => drop(reply.send(Tracer::trace(&*loaded, &inputs, &wanted))),
                    Order::Probe { inputs, reply, .. } => {
                        drop(reply.send(loaded.run(&inputs).map(|tensors| output(&tensors))));
                    }
                    // The test sets the health.
                    Order::Distrust { .. } => {}
                }
            }
        });
        let engine = Engine {
            description: "stand-in".to_owned(),
            models,
            outcomes,
            tasks: Tasks {
                orders,
                health: healths,
            },
            faults: BTreeMap::new(),
            auditor: None,
        };
        Self { engine, health }
    }
}
