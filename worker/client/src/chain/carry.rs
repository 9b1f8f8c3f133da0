//! Follows one transaction to its end, whatever the pool says or does not say about it.
//!
//! A transaction ends in one of these ways, and always ends:
//!
//! * it is in a block, of the best chain or a final one, as was asked for;
//! * its nonce is used and no block has it: another transaction of the account took its place;
//! * its last valid block has passed;
//! * the node has not answered, or the chain not moved, for too long: then the outcome is not known.
//!
//! A pool that is silent, or says that the transaction is gone, is not believed: the account's nonce on chain says
//! whether the transaction may be in a block, and the blocks since it was signed say whether it is. A transaction
//! that the pool has lost is signed and handed in again *with the same nonce*, so at most one of the copies can ever
//! be in a block, and what follows it is not kept waiting behind a gap. In the same way its tip is raised as its
//! deadline comes near.

use super::{
    account::Wait,
    calls::Call,
    error::{ChainError, PoolError, SubmitError},
    pool::{Outcome, Outlook, Patience, Pool, Signed, Status, Statuses},
    tip::Tipping,
    types::{Balance, BlockNumber, H256},
};
use futures::StreamExt;
use std::sync::Arc;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

/// Copies of one transaction that are handed in.
const COPIES: usize = 16;
/// Looks in a row that must agree before bad news is believed: a node's answers may be of different blocks.
const CERTAIN: u32 = 2;

/// A transaction under way.
pub(super) struct Carried<P> {
    pub(super) pool: Arc<P>,
    pub(super) patience: Patience,
    pub(super) call: Call,
    pub(super) nonce: u64,
    pub(super) wait: Wait,
    pub(super) tipping: Tipping,
    /// Hashes of the copies.
    copies: Vec<H256>,
    born: BlockNumber,
    dies: BlockNumber,
    tip: Balance,
    statuses: Option<Statuses>,
}

/// View of the chain at one moment.
enum Look {
    /// The outcome.
    Ended(Outcome),
    /// Bad news, which is believed the second time.
    Bad(Bad),
    /// It is on its way, and should be handed in again with a higher tip.
    Late,
    /// It is on its way.
    Waiting,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bad {
    /// Another transaction used the nonce.
    Replaced,
    /// The last valid block has passed.
    Expired,
    /// The pool has it no longer.
    Missing,
}

impl<P: Pool> Carried<P> {
    /// A transaction that was handed in; without statuses if the node did not say whether it took it.
    #[allow(clippy::too_many_arguments, reason = "all that is known of a transaction, once")]
    pub(super) fn new(
        pool: Arc<P>,
        patience: Patience,
        call: Call,
        nonce: u64,
        wait: Wait,
        tipping: Tipping,
        signed: &Signed,
        statuses: Option<Statuses>,
    ) -> Self {
        Self {
            pool,
            patience,
            call,
            nonce,
            wait,
            tipping,
            copies: vec![signed.hash],
            born: signed.born,
            dies: signed.dies,
            tip: signed.tip,
            statuses,
        }
    }

    /// Follows it to its end.
    pub(super) async fn end(mut self) -> Outcome {
        let begun = Instant::now();
        let (mut answered, mut moved) = (begun, begun);
        let mut height = 0;
        let mut bad: Option<(Bad, u32)> = None;
        let mut look_at = begun + self.pause();
        loop {
            if let Some(outcome) = self.listen(&mut look_at).await {
                return outcome;
            }
            let now = Instant::now();
            match self.look().await {
                Ok((Look::Ended(outcome), _)) => return outcome,
                Ok((look, outlook)) => {
                    answered = now;
                    if outlook.number != height {
                        (height, moved) = (outlook.number, now);
                    }
                    bad = match (look, bad) {
                        (Look::Bad(now), Some((before, times))) if now == before => Some((now, times + 1)),
                        (Look::Bad(now), _) => Some((now, 1)),
                        (Look::Late, _) => {
                            self.hand_in_again().await?;
                            None
                        }
                        _ => None,
                    };
                }
                Err(error) => tracing::debug!(call = %self.call, nonce = self.nonce, %error, "the chain was not seen"),
            }
            match bad {
                Some((Bad::Replaced, CERTAIN..)) => return Err(SubmitError::Replaced),
                Some((Bad::Expired, CERTAIN..)) => return Err(SubmitError::Expired),
                Some((Bad::Missing, CERTAIN..)) => {
                    tracing::debug!(call = %self.call, nonce = self.nonce, "the pool has lost it; handing it in again");
                    self.hand_in_again().await?;
                    bad = None;
                }
                _ => {}
            }
            let unknown = |reason: &str| Err(SubmitError::Unknown(reason.into()));
            if answered.elapsed() > self.patience.unanswered {
                return unknown("the node does not answer");
            }
            if moved.elapsed() > self.patience.stalled {
                return unknown("the chain does not move");
            }
            if begun.elapsed() > self.patience.longest {
                return unknown("it took too long");
            }
            // Bad news is looked into at once.
            let pause = if bad.is_some() {
                self.patience.look_soon
            } else {
                self.pause()
            };
            look_at = Instant::now() + pause;
        }
    }

    fn pause(&self) -> std::time::Duration {
        if self.statuses.is_some() {
            self.patience.look
        } else {
            self.patience.look_soon
        }
    }

    /// Listens to the pool until it is time to look at the chain; gives the outcome if the pool knows it.
    async fn listen(&mut self, look_at: &mut Instant) -> Option<Outcome> {
        while let Some(statuses) = &mut self.statuses {
            // A stream that always has something to say does not keep from looking.
            if Instant::now() >= *look_at {
                return None;
            }
            let Ok(status) = timeout_at(*look_at, statuses.next()).await else {
                return None;
            };
            match status {
                Some(Status::InBlock { block, is_final }) if is_final || self.wait == Wait::InBlock => {
                    let outcome = self.pool.outcome(block, &self.copies);
                    if let Ok(Ok(Some(outcome))) = timeout(self.patience.answer, outcome).await {
                        return Some(outcome);
                    }
                    // The block was replaced meanwhile, or the connection broke.
                    return None;
                }
                Some(Status::InBlock { .. } | Status::Waiting) => {}
                gone => {
                    tracing::debug!(call = %self.call, nonce = self.nonce, ?gone, "the pool says no more; looking at the chain");
                    self.statuses = None;
                    *look_at = (*look_at).min(Instant::now() + self.patience.look_soon);
                }
            }
        }
        sleep_until(*look_at).await;
        None
    }

    /// Looks at the chain, and at the pool's count of nonces. It is exclusive, although nothing changes: a stream of
    /// statuses cannot be shared between threads.
    async fn look(&mut self) -> Result<(Look, Outlook), ChainError> {
        let outlook = self.pool.outlook(self.wait);
        let outlook = self.patience.answer("the account's nonce on chain", outlook).await?;
        if outlook.nonce > self.nonce {
            let found = self.search(outlook.number).await?;
            return Ok((found.map_or(Look::Bad(Bad::Replaced), Look::Ended), outlook));
        }
        if outlook.number > self.dies {
            return Ok((Look::Bad(Bad::Expired), outlook));
        }
        let next = self.pool.next_nonce();
        let next = self.patience.answer("the account's nonce", next).await?;
        if next == self.nonce {
            return Ok((Look::Bad(Bad::Missing), outlook));
        }
        // Below it there is a gap, which whoever follows the transaction there closes.
        let is_late = next > self.nonce && self.wait == Wait::InBlock && self.is_underpaid(outlook.now);
        Ok((if is_late { Look::Late } else { Look::Waiting }, outlook))
    }

    /// Whether the tip that is due now is at least twice the one that was given.
    fn is_underpaid(&self, now: BlockNumber) -> bool {
        let due = self.tipping.at(now);
        due > 0 && due >= self.tip.saturating_mul(2)
    }

    /// Looks for the transaction in the blocks up to this one.
    async fn search(&mut self, last: BlockNumber) -> Result<Option<Outcome>, ChainError> {
        for number in self.born..=last.min(self.dies) {
            let hash = self.pool.block_hash(number);
            let Some(hash) = self.patience.answer("a block's hash", hash).await? else {
                break;
            };
            let outcome = self.pool.outcome(hash, &self.copies);
            if let Some(outcome) = self.patience.answer("a block's transactions", outcome).await? {
                return Ok(Some(outcome));
            }
        }
        Ok(None)
    }

    /// Signs the call anew, with the same nonce, and hands it in. Fails only where no copy can be included any more.
    async fn hand_in_again(&mut self) -> Result<(), SubmitError> {
        if self.copies.len() >= COPIES {
            return Ok(());
        }
        let signing = self.pool.sign(&self.call, self.nonce, &self.tipping);
        let Ok(signed) = timeout(self.patience.answer, signing).await else {
            return Ok(());
        };
        let signed = match signed {
            Ok(signed) => signed,
            Err(PoolError::Final(error)) if !error.is_connection() => return Err(error),
            Err(_) => return Ok(()),
        };
        if !self.copies.contains(&signed.hash) {
            self.copies.push(signed.hash);
        }
        self.dies = self.dies.max(signed.dies);
        let Ok(taken) = timeout(self.patience.answer, self.pool.submit(&signed)).await else {
            return Ok(());
        };
        match taken {
            Ok(statuses) => {
                self.tip = signed.tip;
                self.statuses = Some(statuses);
                Ok(())
            }
            Err(PoolError::Final(
                error @ (SubmitError::CannotPayFees | SubmitError::Invalid(_) | SubmitError::TooHeavy),
            )) => Err(error),
            // A copy is there after all, or the pool takes none now: the next look says more.
            Err(refusal) => {
                tracing::debug!(call = %self.call, nonce = self.nonce, ?refusal, "the copy is not taken");
                Ok(())
            }
        }
    }
}
