//! Executions with everything on the way, in the engine's process.

use super::order::Order;
use crate::dispute::{Traced, Tracer, Wanted};
use assay_ops::{
    program::EngineError,
    tensor::{Digest, Tensor},
};
use assay_package::Package;
use std::sync::{
    Arc,
    mpsc::{SyncSender, sync_channel},
};

/// A model that the engine's process has loaded.
pub(super) struct InChild {
    package: Arc<Package>,
    orders: SyncSender<Order>,
}

impl InChild {
    pub fn new(package: Arc<Package>, orders: SyncSender<Order>) -> Self {
        Self { package, orders }
    }
}

impl Tracer for InChild {
    fn root(&self) -> Digest {
        self.package.root()
    }

    /// Waits for its turn and for the execution.
    fn trace(&self, inputs: &[Tensor], wanted: &Wanted) -> Result<Traced, EngineError> {
        let (reply, answer) = sync_channel(1);
        let order = Order::Trace {
            model: self.root(),
            inputs: inputs.to_vec(),
            wanted: wanted.clone(),
            reply,
        };
        let gone = || EngineError::Failed {
            engine: "the engine's process".to_owned(),
            reason: "its supervisor has ended; start the program again".to_owned(),
        };
        self.orders.send(order).map_err(|_| gone())?;
        answer.recv().map_err(|_| gone())?
    }
}
