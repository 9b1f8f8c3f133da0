//! Sends an account's transactions. One task owns the nonce; everyone else asks it.
//!
//! Nonces are counted here, so that many transactions can be under way at once. The node is asked for the next one at
//! the start, and again whenever the pool says that the count is wrong or a transaction has not been included. Each
//! transaction is followed to its end by [`super::carry`]: its outcome is looked for on chain before its call is sent
//! with another nonce.
//!
//! An account outlives connections: [`Account::moved`] tells it of the next one, and what is under way is followed
//! there.

use super::{
    Client, Key, KeyError,
    calls::Call,
    carry::Carried,
    error::{PoolError, SubmitError},
    pool::{Outcome, Patience, Pool, Signed},
    tip::{Stakes, Tipping},
    transaction::{Inclusion, NodePool},
    types::AccountId,
};
use futures::{StreamExt, stream::FuturesUnordered};
use polkadot_sdk::sp_runtime::Perbill;
use std::{
    collections::BTreeSet,
    fmt,
    sync::{Arc, PoisonError, RwLock},
};
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};

/// Transactions that wait to be sent; whoever sends more waits.
const QUEUE: usize = 256;
/// Number of times that one transaction is signed anew because of its nonce.
const ATTEMPTS: u32 = 5;
/// Number of times that one transaction is signed anew at a newer block.
const CATCH_UP_ATTEMPTS: u32 = 15;

/// Point up to which a transaction is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Until it is in a block of the best chain.
    InBlock,
    /// Until that block is final.
    Finalized,
}

/// A handle on the task that sends an account's transactions; the task ends when the last handle is dropped and what
/// it sent has been followed.
#[derive(Clone)]
pub struct Account {
    id: AccountId,
    max_tip: Perbill,
    orders: mpsc::Sender<Order>,
    /// The connection that the task uses; a fake has none.
    client: Option<Arc<RwLock<Client>>>,
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Account").field(&self.id).finish()
    }
}

enum Order {
    Send(Box<Request>),
    /// The pool is another one, which may count differently.
    Recount,
}

struct Request {
    call: Call,
    wait: Wait,
    tipping: Tipping,
    reply: oneshot::Sender<Outcome>,
}

impl Account {
    /// Starts the task; it gives no tips. A key that others know or can see is refused, unless the chain is a
    /// development chain.
    pub fn open(client: Client, key: Key) -> Result<Self, KeyError> {
        Self::tipping(client, key, Perbill::zero())
    }

    /// Starts the task. Where money is at stake, it tips up to this share of it.
    pub fn tipping(client: Client, key: Key, max_tip: Perbill) -> Result<Self, KeyError> {
        key.ensure_fit(client.is_development())?;
        let id = key.account();
        let client = Arc::new(RwLock::new(client));
        let pool = NodePool {
            client: client.clone(),
            key,
        };
        Ok(Self {
            client: Some(client),
            ..Self::with_pool(id, max_tip, pool, Patience::REAL)
        })
    }

    pub(super) fn with_pool(id: AccountId, max_tip: Perbill, pool: impl Pool, patience: Patience) -> Self {
        let (orders, queue) = mpsc::channel(QUEUE);
        tokio::spawn(run(Arc::new(pool), patience, queue));
        Self {
            id,
            max_tip,
            orders,
            client: None,
        }
    }

    /// The account.
    pub fn id(&self) -> &AccountId {
        &self.id
    }

    /// Goes on over this connection, to the same chain. What is under way is followed there.
    pub fn moved(&self, client: Client) {
        if let Some(current) = &self.client {
            *current.write().unwrap_or_else(PoisonError::into_inner) = client;
        }
        self.recount();
    }

    /// Has the node asked for the nonce before the next transaction.
    pub(super) fn recount(&self) {
        // A full queue means that the pool says soon enough whether the count is wrong.
        let _ = self.orders.try_send(Order::Recount);
    }

    /// Sends a call and waits for its outcome.
    pub async fn send(&self, call: Call, wait: Wait) -> Result<Inclusion, SubmitError> {
        self.order(call, wait, Tipping::NONE).await
    }

    /// Sends a call by which this account loses money if it comes too late, and waits for its outcome. The tip rises
    /// as the deadline comes near.
    pub async fn send_in_time(&self, call: Call, wait: Wait, stakes: Stakes) -> Result<Inclusion, SubmitError> {
        let tipping = Tipping {
            max_share: self.max_tip,
            stakes: Some(stakes),
        };
        self.order(call, wait, tipping).await
    }

    async fn order(&self, call: Call, wait: Wait, tipping: Tipping) -> Outcome {
        let (reply, outcome) = oneshot::channel();
        let request = Request {
            call,
            wait,
            tipping,
            reply,
        };
        self.orders
            .send(Order::Send(Box::new(request)))
            .await
            .map_err(|_| SubmitError::ShuttingDown)?;
        outcome.await.map_err(|_| SubmitError::ShuttingDown)?
    }
}

async fn run<P: Pool>(pool: Arc<P>, patience: Patience, mut queue: mpsc::Receiver<Order>) {
    let mut nonces = Nonces::default();
    let mut under_way = FuturesUnordered::new();
    let mut open = true;
    while open || !under_way.is_empty() {
        tokio::select! {
            order = queue.recv(), if open => match order {
                None => open = false,
                Some(Order::Recount) => nonces.next = None,
                Some(Order::Send(request)) => {
                    let Request {
                        call,
                        wait,
                        tipping,
                        reply,
                    } = *request;
                    match hand_in(&pool, patience, &mut nonces, call, wait, tipping).await {
                        Ok(carried) => under_way.push(async move {
                            let nonce = carried.nonce;
                            let outcome = carried.end().await;
                            let used = outcome.as_ref().map_or_else(SubmitError::is_included, |_| true);
                            // Whoever asked may have stopped waiting.
                            let _ = reply.send(outcome);
                            (nonce, used)
                        }),
                        Err(error) => {
                            let _ = reply.send(Err(error));
                        }
                    }
                }
            },
            Some((nonce, used)) = under_way.next() => {
                nonces.under_way.remove(&nonce);
                if !used {
                    // It may have left a gap.
                    nonces.next = None;
                }
            }
        }
    }
}

/// The count of nonces.
#[derive(Default)]
struct Nonces {
    /// The next one; `None` if the node is to be asked.
    next: Option<u64>,
    /// Those of transactions whose outcome is not known.
    under_way: BTreeSet<u64>,
}

impl Nonces {
    async fn next(&self, pool: &impl Pool, patience: Patience) -> Result<u64, SubmitError> {
        let mut nonce = match self.next {
            Some(nonce) => nonce,
            None => {
                let asked = patience.answer("the account's nonce", pool.next_nonce()).await;
                asked.map_err(|error| SubmitError::NotSent(error.to_string()))?
            }
        };
        // One that is under way is closed by whoever follows it, should the pool have lost it.
        while self.under_way.contains(&nonce) {
            nonce += 1;
        }
        Ok(nonce)
    }

    fn take(&mut self, nonce: u64) {
        self.under_way.insert(nonce);
        self.next = Some(nonce + 1);
    }
}

async fn sign(
    pool: &impl Pool,
    patience: Patience,
    call: &Call,
    nonce: u64,
    tipping: &Tipping,
) -> Result<Signed, SubmitError> {
    match timeout(patience.answer, pool.sign(call, nonce, tipping)).await {
        Err(_) => Err(SubmitError::NotSent("the node does not answer".into())),
        Ok(Err(PoolError::Final(error))) => Err(error),
        Ok(Err(PoolError::Nonce(reason) | PoolError::Signature(reason))) => Err(SubmitError::Invalid(reason)),
        Ok(Ok(signed)) => Ok(signed),
    }
}

async fn hand_in<P: Pool>(
    pool: &Arc<P>,
    patience: Patience,
    nonces: &mut Nonces,
    call: Call,
    wait: Wait,
    tipping: Tipping,
) -> Result<Carried<P>, SubmitError> {
    let (mut by_nonce, mut by_block) = (0, 0);
    loop {
        let nonce = nonces.next(&**pool, patience).await?;
        let signed = sign(&**pool, patience, &call, nonce, &tipping).await?;
        let refusal = match timeout(patience.answer, pool.submit(&signed)).await {
            Ok(Err(refusal)) if refusal != PoolError::Final(SubmitError::AlreadyInPool) => refusal,
            // Whether the node has it is seen later, where it did not say so.
            taken => {
                nonces.take(nonce);
                let statuses = taken.ok().and_then(Result::ok);
                return Ok(Carried::new(
                    pool.clone(),
                    patience,
                    call,
                    nonce,
                    wait,
                    tipping,
                    &signed,
                    statuses,
                ));
            }
        };
        nonces.next = None;
        match refusal {
            PoolError::Nonce(reason) => {
                by_nonce += 1;
                if by_nonce == ATTEMPTS {
                    return Err(SubmitError::NonceTaken { reason });
                }
                tracing::debug!(%call, nonce, reason, "the pool refuses the nonce; asking the node for the next one");
                tokio::time::sleep(patience.nonce * by_nonce).await;
            }
            PoolError::Signature(reason) => {
                by_block += 1;
                if by_block == CATCH_UP_ATTEMPTS {
                    return Err(SubmitError::NodeBehind { reason });
                }
                tracing::debug!(%call, reason, "the pool refuses the signature; signing at a newer block");
                tokio::time::sleep(patience.catch_up).await;
            }
            PoolError::Final(SubmitError::Unknown(reason)) => {
                tracing::debug!(%call, nonce, reason, "whether the node took the transaction is not known");
                nonces.take(nonce);
                return Ok(Carried::new(
                    pool.clone(),
                    patience,
                    call,
                    nonce,
                    wait,
                    tipping,
                    &signed,
                    None,
                ));
            }
            PoolError::Final(error) => return Err(error),
        }
    }
}

#[cfg(test)]
#[path = "account_tests.rs"]
mod tests;
