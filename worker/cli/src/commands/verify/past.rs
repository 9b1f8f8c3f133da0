//! Sessions that are over, looked for in the past as far back as a node has the chain's state.

use super::checks::{Check, Finding};
use assay_client::chain::{BlockNumber, ChainError, Client, Event, Session, SessionsEvent, Snapshot};
use assay_types::SessionId;

/// Maximum number of blocks whose events are read, from the session's end backwards.
const MAX_BLOCKS: BlockNumber = 256;

/// A session that is over.
pub(super) struct Past {
    /// The state after the last block that had the session.
    pub state: Snapshot,
    /// The session's last record.
    pub session: Session,
    /// Events about the session in the blocks that were read, the latest block first.
    pub events: Vec<SessionsEvent>,
}

/// Looks for a session that was open at a moment of Assay time and is not in the state after `head`. `None` where the
/// node has pruned it, or it was not there at that moment.
pub(super) async fn find(
    client: &Client,
    session: SessionId,
    moment: BlockNumber,
    head: BlockNumber,
) -> Result<Option<Past>, ChainError> {
    let mut reached = Bisection::new(0, head);
    while let Some(block) = reached.probe() {
        let state = kept(client.at(block).await)?;
        reached.take(state.is_some_and(|state| state.now() >= moment));
    }
    let first = reached.found();
    let Some(mut last) = record(client, session, first).await? else {
        return Ok(None);
    };
    let mut gone = Bisection::new(first.saturating_add(1), head);
    while let Some(block) = gone.probe() {
        let found = record(client, session, block).await?;
        gone.take(found.is_none());
        last = found.unwrap_or(last);
    }
    let (state, session_record) = last;
    let mut events = Vec::new();
    let oldest = first.max(gone.found().saturating_sub(MAX_BLOCKS));
    for block in (oldest..=gone.found()).rev() {
        let Some(state) = kept(client.at(block).await)? else {
            break;
        };
        let about = state.events().await?.into_iter().rev().filter_map(|event| match event {
            Event::Sessions(event) if event.session() == Some(session) => Some(event),
            _ => None,
        });
        events.extend(about);
    }
    Ok(Some(Past {
        state,
        session: session_record,
        events,
    }))
}

/// The session after this block, and the state that has it.
async fn record(
    client: &Client,
    session: SessionId,
    block: BlockNumber,
) -> Result<Option<(Snapshot, Session)>, ChainError> {
    let Some(state) = kept(client.at(block).await)? else {
        return Ok(None);
    };
    let found = state.session(session).await?;
    Ok(found.map(|session| (state, session)))
}

/// A state that the node has not pruned.
fn kept(state: Result<Snapshot, ChainError>) -> Result<Option<Snapshot>, ChainError> {
    match state {
        Ok(state) => Ok(Some(state)),
        Err(error) if error.is_pruned() => Ok(None),
        Err(error) => Err(error),
    }
}

/// The verdict about a receipt in the events of its session, if there was one.
pub(super) fn judged(sequence: u32, events: &[SessionsEvent]) -> Option<Check> {
    let check = |finding, detail: &str| {
        Some(Check {
            name: "verdict",
            finding,
            detail: detail.to_owned(),
        })
    };
    events.iter().find_map(|event| match event {
        SessionsEvent::ReceiptForfeited { sequence: of, .. } if *of == sequence => {
            check(Finding::Fails, "the receipt was disputed, and its worker lost")
        }
        SessionsEvent::Equivocated { sequence: of, .. } if *of == sequence => check(
            Finding::Fails,
            "the worker was convicted: it has signed two receipts of this request",
        ),
        SessionsEvent::ReceiptUpheld { sequence: of, .. } if *of == sequence => {
            check(Finding::Holds, "the receipt was disputed, and its worker won")
        }
        _ => None,
    })
}

/// A search for the first block from which on something holds, in about as many probes as the number has bits.
struct Bisection {
    low: BlockNumber,
    high: BlockNumber,
}

impl Bisection {
    /// Searches from `low` on; at `high` it holds.
    fn new(low: BlockNumber, high: BlockNumber) -> Self {
        Self {
            low: low.min(high),
            high,
        }
    }

    /// The block to look at next; `None` once the first one is found.
    fn probe(&self) -> Option<BlockNumber> {
        (self.low < self.high).then(|| self.low + (self.high - self.low) / 2)
    }

    /// Takes the answer about the block of [`Self::probe`].
    fn take(&mut self, holds: bool) {
        if let Some(probe) = self.probe() {
            match holds {
                true => self.high = probe,
                false => self.low = probe + 1,
            }
        }
    }

    /// The block that was found.
    fn found(&self) -> BlockNumber {
        self.high
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bisection_finds_the_first_block_from_which_on_something_holds() {
        for (low, high) in [(0, 0), (0, 1), (0, 1000), (7, 8), (990, 1000)] {
            for first in low..=high {
                let (mut search, mut probes) = (Bisection::new(low, high), 0);
                while let Some(block) = search.probe() {
                    assert!((low..high).contains(&block));
                    search.take(block >= first);
                    probes += 1;
                }
                assert_eq!(search.found(), first);
                assert!(probes <= 10, "{probes} probes");
            }
        }
    }

    #[test]
    fn receipt_that_was_judged_is_told_by_its_events_and_no_other_is() {
        let forfeited = |sequence| SessionsEvent::ReceiptForfeited {
            session: 4,
            sequence,
            price: 1,
        };
        let upheld = SessionsEvent::ReceiptUpheld {
            session: 4,
            sequence: 3,
        };
        let events = [SessionsEvent::SessionEnded { session: 4 }, upheld, forfeited(2)];
        let finding = |sequence| judged(sequence, &events).map(|check| check.finding);
        assert_eq!(finding(2), Some(Finding::Fails));
        assert_eq!(finding(3), Some(Finding::Holds));
        assert_eq!(finding(1), None);
    }
}
