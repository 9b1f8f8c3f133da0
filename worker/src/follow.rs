//! Follows the finalized blocks on a task of its own and hands each, with its events, to the desk.

use crate::chain::{BlockNumber, ChainError, Client, Event, Snapshot};
use std::{sync::Arc, time::Duration};
use tokio::{sync::mpsc, task::JoinSet};

/// Blocks read ahead of the desk.
const AHEAD: usize = 16;

/// A finalized block.
pub(super) struct Update {
    /// The state after it.
    pub(super) snapshot: Arc<Snapshot>,
    /// Its events.
    pub(super) events: Vec<Event>,
    /// Number of the best block.
    pub(super) best: BlockNumber,
}

/// The blocks; the task stops when this is dropped.
pub(super) struct Updates {
    receiver: mpsc::Receiver<Result<Update, ChainError>>,
    _task: JoinSet<()>,
}

impl Updates {
    /// Follows the blocks after this one.
    pub(super) fn start(client: Client, after: BlockNumber, patience: Duration) -> Self {
        let (sender, receiver) = mpsc::channel(AHEAD);
        let mut task = JoinSet::new();
        task.spawn(async move {
            if let Err(error) = follow(&client, after, patience, &sender).await {
                // Without a receiver nobody wants to know.
                let _ = sender.send(Err(error)).await;
            }
        });
        Self { receiver, _task: task }
    }

    /// The next block.
    pub(super) async fn next(&mut self) -> Result<Update, ChainError> {
        let ended = || ChainError::Request {
            what: "finalized blocks",
            reason: "the task that follows them ended".into(),
        };
        self.receiver.recv().await.unwrap_or_else(|| Err(ended()))
    }
}

async fn follow(
    client: &Client,
    after: BlockNumber,
    patience: Duration,
    sender: &mpsc::Sender<Result<Update, ChainError>>,
) -> Result<(), ChainError> {
    let mut blocks = client.blocks(Some(after)).await?;
    loop {
        let snapshot = blocks.next(patience).await?;
        let events = snapshot.events().await?;
        let best = client.best_number().await?.max(snapshot.number());
        let update = Update {
            snapshot: Arc::new(snapshot),
            events,
            best,
        };
        if sender.send(Ok(update)).await.is_err() {
            return Ok(());
        }
    }
}
