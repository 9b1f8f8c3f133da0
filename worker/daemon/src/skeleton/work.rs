//! Work that a daemon has begun and waits for: searches, executions, transactions. It outlives connections.

use std::future::Future;
use tokio::task::JoinSet;

/// Work under way; what is left stops when this is dropped.
#[derive(Debug)]
pub(crate) struct Work<T>(JoinSet<T>);

impl<T> Default for Work<T> {
    fn default() -> Self {
        Self(JoinSet::new())
    }
}

/// A piece of work that failed without a result. The log has said why.
#[derive(Debug)]
pub(crate) struct Panicked;

impl<T: Send + 'static> Work<T> {
    /// Begins something.
    pub(crate) fn begin(&mut self, work: impl Future<Output = T> + Send + 'static) {
        self.0.spawn(work);
    }

    /// The next result; `None` at once if nothing is under way.
    pub(crate) async fn next(&mut self) -> Option<Result<T, Panicked>> {
        let result = self.0.join_next().await?;
        Some(result.map_err(|error| {
            tracing::error!(%error, "a task failed; what was under way is decided anew");
            Panicked
        }))
    }

    /// Whether nothing is under way.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
