//! Follows the chain on a task of its own: each finalized block with its events, and the best blocks, for those who
//! cannot wait for finality.
//!
//! A node may be wrong about the height. The number of a best block is believed only if the node has a block of that
//! number; until it has, the finalized one is taken for the best.

use assay_client::chain::{BlockNumber, ChainError, ChainView, Event, H256, StateView};
use futures::StreamExt;
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{MissedTickBehavior, interval, timeout},
};

/// Updates read ahead of whoever decides.
const AHEAD: usize = 16;
/// Best blocks whose events are read after a pause. What came before them is found when it is finalized.
const BEST_BLOCKS: BlockNumber = 16;
/// Times in a row that the node may name a best block that it has not.
const MISSES: u32 = 5;
/// Factor by which the wait for a final block is longer than for any block. Finality comes from the relay chain and may
/// lag behind for long, while jobs, clocks and deadlines go on with the best blocks.
const FINALITY_PATIENCE: u128 = 10;
/// As long as the connection lasts.
const EVER: Duration = Duration::from_secs(365 * 24 * 3600);

/// The latest states.
pub(crate) struct Heads<S> {
    /// After the latest finalized block.
    pub(crate) finalized: Arc<S>,
    /// After the best block, which may yet be replaced.
    pub(crate) best: Arc<S>,
}

impl<S> Clone for Heads<S> {
    fn clone(&self) -> Self {
        Self {
            finalized: self.finalized.clone(),
            best: self.best.clone(),
        }
    }
}

/// News of the chain.
pub(crate) struct Update<S> {
    /// The latest states.
    pub(crate) heads: Heads<S>,
    /// Events of a block that has become final.
    pub(crate) finalized: Vec<Event>,
    /// Events of best blocks, which may yet be replaced. They show again when they are finalized, or do not.
    pub(crate) ahead: Vec<Event>,
    /// Whether best blocks that were seen were replaced by others.
    pub(crate) replaced: bool,
}

impl<S> Update<S> {
    /// All events.
    pub(crate) fn events(&self) -> impl Iterator<Item = &Event> {
        self.finalized.iter().chain(&self.ahead)
    }
}

/// The updates; the task stops when this is dropped.
pub(crate) struct Follower<S> {
    receiver: mpsc::Receiver<Result<Update<S>, ChainError>>,
    _task: JoinSet<()>,
}

impl<S: StateView> Follower<S> {
    /// Follows the chain from here on: `stall` is the longest wait for a block, `look` the time between two looks at
    /// the best one.
    pub(crate) async fn start<C: ChainView<State = S>>(
        chain: C,
        stall: Duration,
        look: Duration,
    ) -> Result<(Heads<S>, Self), ChainError> {
        let finalized = Arc::new(chain.finalized().await?);
        let mut scout = Scout {
            chain,
            seen: (finalized.number(), finalized.hash()),
            heads: Heads {
                best: finalized.clone(),
                finalized,
            },
            misses: 0,
        };
        scout.look().await?;
        let heads = scout.heads.clone();
        let (sender, receiver) = mpsc::channel(AHEAD);
        let mut task = JoinSet::new();
        task.spawn(async move {
            if let Err(error) = scout.follow(stall, look, &sender).await {
                // Without a receiver nobody wants to know.
                let _ = sender.send(Err(error)).await;
            }
        });
        Ok((heads, Self { receiver, _task: task }))
    }

    /// The news, once there is some. May be cancelled: then the same is given the next time.
    pub(crate) async fn next(&mut self) -> Result<Update<S>, ChainError> {
        let ended = || ChainError::Request {
            what: "blocks",
            reason: "the task that follows them ended".into(),
        };
        self.receiver.recv().await.unwrap_or_else(|| Err(ended()))
    }
}

/// The state after the best block, or after the finalized one if the node is wrong about the height.
pub(crate) async fn best_state<C: ChainView>(chain: &C) -> Result<C::State, ChainError> {
    let finalized = chain.finalized().await?;
    let number = chain.best_number().await?;
    if number <= finalized.number() {
        return Ok(finalized);
    }
    Ok(chain.at(number).await.unwrap_or(finalized))
}

/// Knowledge of the chain.
struct Scout<C: ChainView> {
    chain: C,
    heads: Heads<C::State>,
    /// The best block whose events were read.
    seen: (BlockNumber, H256),
    misses: u32,
}

impl<C: ChainView> Scout<C> {
    async fn follow(
        mut self,
        stall: Duration,
        look: Duration,
        sender: &mpsc::Sender<Result<Update<C::State>, ChainError>>,
    ) -> Result<(), ChainError> {
        let stalled = || ChainError::Stalled {
            seconds: stall.as_secs(),
        };
        // Time is counted in looks, so that a program that was stopped for a while does not blame the node.
        let most = (stall.as_millis() / look.as_millis().max(1)).max(1);
        let (mut quiet, mut without_final) = (0, 0);
        let beginning = self.chain.blocks_after(self.heads.finalized.number(), EVER);
        let mut blocks = timeout(stall, beginning).await.map_err(|_| stalled())??;
        let mut ticks = interval(look);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let mut finalized = Vec::new();
            let mut is_new = false;
            tokio::select! {
                block = blocks.next() => {
                    let ended = ChainError::Request { what: "finalized blocks", reason: "the stream ended".into() };
                    let block = block.unwrap_or(Err(ended))?;
                    finalized = timeout(stall, block.events()).await.map_err(|_| stalled())??;
                    self.heads.finalized = Arc::new(block);
                    is_new = true;
                    without_final = 0;
                }
                _ = ticks.tick() => {
                    quiet += 1;
                    without_final += 1;
                }
            }
            if without_final > most * FINALITY_PATIENCE {
                return Err(stalled());
            }
            let looked = timeout(stall, self.look()).await.map_err(|_| stalled())?;
            let (ahead, replaced) = match looked? {
                Some(found) => found,
                None if is_new => (Vec::new(), false),
                None if quiet > most => return Err(stalled()),
                None => continue,
            };
            quiet = 0;
            let update = Update {
                heads: self.heads.clone(),
                finalized,
                ahead,
                replaced,
            };
            if sender.send(Ok(update)).await.is_err() {
                return Ok(());
            }
        }
    }

    /// Looks at the best block; the events since the last look and whether blocks were replaced, if there is anything
    /// new.
    async fn look(&mut self) -> Result<Option<(Vec<Event>, bool)>, ChainError> {
        let finalized = self.heads.finalized.number();
        let number = self.chain.best_number().await?;
        if number <= finalized {
            // Finality is at once, or the node is wrong.
            let is_new = self.heads.best.number() != finalized;
            self.see(self.heads.finalized.clone());
            return Ok(is_new.then(|| (Vec::new(), false)));
        }
        let best = match self.chain.at(number).await {
            Ok(best) => best,
            // It was replaced by a shorter chain's in this moment, or was never there.
            Err(error) => {
                self.misses += 1;
                if self.misses >= MISSES {
                    return Err(error);
                }
                self.see(self.heads.finalized.clone());
                return Ok(None);
            }
        };
        self.misses = 0;
        if (best.number(), best.hash()) == self.seen {
            return Ok(None);
        }
        let (before, hash) = self.seen;
        let replaced = before > finalized
            && (before >= number || self.chain.at(before).await.is_ok_and(|block| block.hash() != hash));
        let known = if replaced { finalized } else { before.max(finalized) };
        let first = known.saturating_add(1).max(number.saturating_sub(BEST_BLOCKS));
        let mut events = Vec::new();
        for number in first..number {
            events.extend(self.chain.at(number).await?.events().await?);
        }
        events.extend(best.events().await?);
        self.see(Arc::new(best));
        Ok(Some((events, replaced)))
    }

    fn see(&mut self, best: Arc<C::State>) {
        self.seen = (best.number(), best.hash());
        self.heads.best = best;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_client::chain::fake::FakeChain;

    const LOOK: Duration = Duration::from_millis(5);
    /// Twenty looks.
    const STALL: Duration = Duration::from_millis(100);

    /// Follows a chain without finality, which makes a block for each that was seen, up to this many; how many were
    /// seen when the connection ended.
    async fn seen_of(blocks: u32) -> u32 {
        let chain = FakeChain::new();
        chain.faults(|faults| faults.finality_lag = 1_000_000);
        let (_, mut follower) = Follower::start(chain.connection(), STALL, LOOK).await.expect("a chain");
        chain.author();
        let mut seen = 0;
        let error = loop {
            match follower.next().await {
                Ok(_) => seen += 1,
                Err(error) => break error,
            }
            if seen < blocks {
                chain.author();
            }
        };
        assert!(matches!(error, ChainError::Stalled { .. }), "{error}");
        seen
    }

    #[tokio::test]
    async fn connection_outlives_finality_that_lags_and_ends_without_blocks() {
        // More looks than any block is waited for.
        assert_eq!(seen_of(60).await, 60);
    }

    #[tokio::test]
    async fn finality_is_not_waited_for_without_limit() {
        let seen = seen_of(1_000).await;
        assert!((60..=201).contains(&seen), "{seen}");
    }

    #[tokio::test]
    async fn node_that_answers_nothing_is_given_up() {
        let chain = FakeChain::new();
        let (_, mut follower) = Follower::start(chain.connection(), STALL, LOOK).await.expect("a chain");
        chain.faults(|faults| faults.deaf = true);
        let ended = loop {
            if let Err(error) = follower.next().await {
                break error;
            }
        };
        assert!(matches!(ended, ChainError::Stalled { .. }), "{ended}");
    }
}
