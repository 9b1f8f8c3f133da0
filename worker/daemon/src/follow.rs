//! Follows the finalized blocks on a task of its own and hands each, with its events, to whoever decides; and looks ahead at
//! the best ones, for those who cannot wait for finality.

use assay_client::chain::{BlockNumber, ChainError, Client, Event, Snapshot};
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{Interval, MissedTickBehavior},
};

/// Blocks read ahead of whoever decides.
const AHEAD: usize = 16;
/// Time between two looks at the best block, which is made every six seconds.
const LOOK: Duration = Duration::from_secs(2);
/// Best blocks whose events are read after a pause. What came before them is found when it is finalized.
const BEST_BLOCKS: BlockNumber = 16;

/// A finalized block.
pub(crate) struct Update {
    /// The state after it.
    pub(crate) snapshot: Arc<Snapshot>,
    /// Its events.
    pub(crate) events: Vec<Event>,
    /// Number of the best block.
    pub(crate) best: BlockNumber,
}

/// The blocks; the task stops when this is dropped.
pub(crate) struct Updates {
    receiver: mpsc::Receiver<Result<Update, ChainError>>,
    _task: JoinSet<()>,
}

impl Updates {
    /// Follows the blocks after this one.
    pub(crate) fn start(client: Client, after: BlockNumber, patience: Duration) -> Self {
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
    pub(crate) async fn next(&mut self) -> Result<Update, ChainError> {
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

/// The best blocks, which may yet be replaced: whatever is taken from them shows again when it is finalized, or does not.
pub(crate) struct Lookout {
    client: Client,
    seen: BlockNumber,
    ticks: Interval,
}

impl Lookout {
    /// Looks at the blocks after this one.
    pub(crate) fn new(client: Client, after: BlockNumber) -> Self {
        let mut ticks = tokio::time::interval(LOOK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            client,
            seen: after,
            ticks,
        }
    }

    /// The state after the best block, once there is a new one, and the events of the blocks since the last look.
    ///
    /// May be cancelled: then the same blocks are given the next time.
    pub(crate) async fn next(&mut self) -> Result<(Arc<Snapshot>, Vec<Event>), ChainError> {
        loop {
            self.ticks.tick().await;
            let best = self.client.best_number().await?;
            if best <= self.seen {
                // A shorter chain may have become the best one.
                self.seen = best;
                continue;
            }
            // Saturating: the first blocks of a chain.
            let first = self.seen.saturating_add(1).max(best.saturating_sub(BEST_BLOCKS));
            let mut events = Vec::new();
            for number in first..best {
                events.extend(self.client.at(number).await?.events().await?);
            }
            let snapshot = self.client.at(best).await?;
            events.extend(snapshot.events().await?);
            self.seen = best;
            return Ok((Arc::new(snapshot), events));
        }
    }

    /// Skips what was seen otherwise.
    pub(crate) fn note(&mut self, number: BlockNumber) {
        self.seen = self.seen.max(number);
    }
}
