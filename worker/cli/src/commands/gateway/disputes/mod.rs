//! Disputes over jobs and receipts: those that go on, and the ends of those that were followed.

mod shown;

use super::{catalogue::unreached, overview::MAX_SHOWN};
use assay_client::chain::{BlockNumber, ChainError, Client, DisputesEvent, Event, Snapshot};
use assay_gateway::backend::{BackendError, DisputeInfo, Verdict};
use assay_types::{ClaimId, Phase, dispute::DisputeId};
use shown::{dispute_info, ended};
use std::{
    collections::BTreeMap,
    convert::Infallible,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::sleep;

/// Pages of claimed jobs that are looked through for disputes.
const MAX_PAGES: usize = 16;
/// Longest wait for a finalized block.
const PATIENCE: Duration = Duration::from_secs(120);
/// Pause before blocks are followed again, once the node has failed.
const PAUSE: Duration = Duration::from_secs(5);

/// The disputes that were seen since the start, by their numbers; the latest ones, at most [`MAX_SHOWN`].
///
/// The chain's state has nothing of a dispute that is over, so its end is kept here.
#[derive(Default)]
pub(super) struct Chronicle(Mutex<BTreeMap<DisputeId, Seen>>);

#[derive(Clone)]
struct Seen {
    claim: ClaimId,
    info: DisputeInfo,
}

impl Chronicle {
    /// The disputes that go on, and those that were seen to end; the newest first.
    pub async fn all(&self, client: &Client) -> Result<Vec<DisputeInfo>, BackendError> {
        let open = open_disputes(client).await?;
        let seen = self.seen().clone().into_iter();
        let mut all: BTreeMap<DisputeId, DisputeInfo> = seen.map(|(id, seen)| (id, seen.info)).collect();
        for (id, info) in open {
            all.entry(id).or_insert(info);
        }
        Ok(all.into_values().rev().take(MAX_SHOWN).collect())
    }

    /// Follows the finalized blocks for as long as it is polled.
    pub async fn follow(&self, client: &Client) -> Infallible {
        loop {
            let error = self.follow_on(client).await;
            tracing::warn!(%error, "disputes are not followed; trying again");
            sleep(PAUSE).await;
        }
    }

    /// Follows the finalized blocks until something fails.
    async fn follow_on(&self, client: &Client) -> ChainError {
        let mut blocks = match client.blocks(None).await {
            Ok(blocks) => blocks,
            Err(error) => return error,
        };
        loop {
            let taken = match blocks.next(PATIENCE).await {
                Ok(snapshot) => self.take(client, &snapshot).await,
                Err(error) => Err(error),
            };
            if let Err(error) = taken {
                return error;
            }
        }
    }

    async fn take(&self, client: &Client, snapshot: &Snapshot) -> Result<(), ChainError> {
        let mut moves: BTreeMap<ClaimId, Vec<DisputesEvent>> = BTreeMap::new();
        for event in snapshot.events().await? {
            if let Event::Disputes(event) = event {
                moves.entry(event.job()).or_default().push(event);
            }
        }
        for (claim, events) in moves {
            if let Some((id, info)) = read(snapshot, claim).await? {
                self.keep(id, Seen { claim, info });
                continue;
            }
            let open = self.open(claim);
            let before = match open {
                Some(open) => Some(open),
                None => read_before(client, snapshot.number(), claim).await?,
            };
            if let Some((id, info)) = before {
                let info = ended(info, &events);
                self.keep(id, Seen { claim, info });
            }
        }
        Ok(())
    }

    /// The dispute over this claim that goes on, as it was seen last.
    fn open(&self, claim: ClaimId) -> Option<(DisputeId, DisputeInfo)> {
        let seen = self.seen();
        let mut open = seen
            .iter()
            .filter(|(_, seen)| seen.claim == claim && seen.info.verdict == Verdict::Open);
        open.next_back().map(|(id, seen)| (*id, seen.info.clone()))
    }

    fn keep(&self, id: DisputeId, dispute: Seen) {
        let mut seen = self.seen();
        seen.insert(id, dispute);
        while seen.len() > MAX_SHOWN {
            seen.pop_first();
        }
    }

    fn seen(&self) -> MutexGuard<'_, BTreeMap<DisputeId, Seen>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The dispute over a claim after a block, if one goes on.
async fn read(snapshot: &Snapshot, claim: ClaimId) -> Result<Option<(DisputeId, DisputeInfo)>, ChainError> {
    match snapshot.dispute(claim).await? {
        Some(dispute) => Ok(Some((dispute.id, dispute_info(snapshot, claim, &dispute).await?))),
        None => Ok(None),
    }
}

/// The same before a block, for a dispute that was not seen until it ended.
async fn read_before(
    client: &Client,
    block: BlockNumber,
    claim: ClaimId,
) -> Result<Option<(DisputeId, DisputeInfo)>, ChainError> {
    match block.checked_sub(1) {
        Some(before) => read(&client.at(before).await?, claim).await,
        None => Ok(None),
    }
}

/// The disputes over jobs that go on in the chain's state. Those over receipts are known by their events alone.
async fn open_disputes(client: &Client) -> Result<Vec<(DisputeId, DisputeInfo)>, BackendError> {
    let snapshot = client.finalized().await.map_err(unreached)?;
    let (mut shown, mut after) = (Vec::new(), None);
    for _ in 0..MAX_PAGES {
        let page = snapshot.claimed_jobs(after).await.map_err(unreached)?;
        for (id, job) in page.entries {
            if job.state.phase() == Phase::Disputed {
                shown.extend(read(&snapshot, id).await.map_err(unreached)?);
            }
        }
        after = page.next;
        if after.is_none() || shown.len() >= MAX_SHOWN {
            break;
        }
    }
    Ok(shown)
}
