//! Sends an account's transactions. One task owns the nonce; everyone else asks it.
//!
//! Nonces are counted here, so that many transactions can be under way at once. The node is asked for the next one at
//! the start, and again whenever the pool says that the count is wrong or a transaction may have been dropped. A
//! transaction is signed again only when the pool refused it, never when its outcome is unknown.

use super::{
    Client, Key, KeyError,
    calls::Call,
    error::{ChainError, PoolError, SubmitError},
    transaction::{Inclusion, NodePool},
    types::AccountId,
};
use futures::{StreamExt, future::BoxFuture, stream::FuturesUnordered};
use std::{future::Future, time::Duration};
use tokio::sync::{mpsc, oneshot};

/// Transactions that wait to be sent; whoever sends more waits.
const QUEUE: usize = 256;
/// How often one transaction is signed anew because of its nonce.
const ATTEMPTS: u32 = 5;
/// Pause before the second attempt; it grows with each.
const PAUSE: Duration = Duration::from_millis(300);
/// How often one transaction is signed anew at a newer block.
const CATCH_UP_ATTEMPTS: u32 = 15;
/// Pause before each of these.
const CATCH_UP_PAUSE: Duration = Duration::from_millis(if cfg!(test) { 1 } else { 2_000 });

/// How far a transaction is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Until it is in a block of the best chain.
    InBlock,
    /// Until that block is final.
    Finalized,
}

/// The outcome of a transaction, once it is known.
pub(super) type Watching = BoxFuture<'static, Result<Inclusion, SubmitError>>;

/// Where transactions go; a node's pool, or a fake in tests.
pub(super) trait Pool: Send + Sync + 'static {
    /// The account's next nonce, transactions in the pool counted.
    fn next_nonce(&self) -> impl Future<Output = Result<u64, ChainError>> + Send;

    /// Signs the call with this nonce and hands it in.
    fn submit(&self, call: &Call, nonce: u64, wait: Wait) -> impl Future<Output = Result<Watching, PoolError>> + Send;
}

/// A handle on the task that sends an account's transactions; the task ends when the last handle is dropped and what it
/// sent has been followed.
#[derive(Clone, Debug)]
pub struct Account {
    id: AccountId,
    requests: mpsc::Sender<Request>,
}

struct Request {
    call: Call,
    wait: Wait,
    reply: oneshot::Sender<Result<Inclusion, SubmitError>>,
}

impl Account {
    /// Starts the task. A key that others know or can see is refused, unless the chain is a development chain.
    pub fn open(client: Client, key: Key) -> Result<Self, KeyError> {
        key.ensure_fit(client.is_development())?;
        let id = key.account();
        Ok(Self::with_pool(id, NodePool { client, key }))
    }

    fn with_pool(id: AccountId, pool: impl Pool) -> Self {
        let (requests, queue) = mpsc::channel(QUEUE);
        tokio::spawn(run(pool, queue));
        Self { id, requests }
    }

    /// The account.
    pub fn id(&self) -> &AccountId {
        &self.id
    }

    /// Sends a call and waits for its outcome.
    pub async fn send(&self, call: Call, wait: Wait) -> Result<Inclusion, SubmitError> {
        let (reply, outcome) = oneshot::channel();
        self.requests
            .send(Request { call, wait, reply })
            .await
            .map_err(|_| SubmitError::ShuttingDown)?;
        outcome.await.map_err(|_| SubmitError::ShuttingDown)?
    }
}

async fn run(pool: impl Pool, mut queue: mpsc::Receiver<Request>) {
    let mut next: Option<u64> = None;
    let mut under_way = FuturesUnordered::new();
    let mut open = true;
    while open || !under_way.is_empty() {
        tokio::select! {
            request = queue.recv(), if open => match request {
                None => open = false,
                Some(Request { call, wait, reply }) => match hand_in(&pool, &mut next, &call, wait).await {
                    Ok(watching) => under_way.push(async move {
                        let outcome = watching.await;
                        let lost = matches!(outcome, Err(SubmitError::Unknown(_) | SubmitError::Invalid(_)));
                        // Whoever asked may have stopped waiting.
                        let _ = reply.send(outcome);
                        lost
                    }),
                    Err(error) => {
                        let _ = reply.send(Err(error));
                    }
                },
            },
            // A transaction that the pool dropped leaves a gap in the nonces.
            Some(lost) = under_way.next() => if lost { next = None },
        }
    }
}

async fn hand_in(pool: &impl Pool, next: &mut Option<u64>, call: &Call, wait: Wait) -> Result<Watching, SubmitError> {
    let (mut by_nonce, mut by_block) = (0, 0);
    loop {
        let nonce = match *next {
            Some(nonce) => nonce,
            None => pool
                .next_nonce()
                .await
                .map_err(|error| SubmitError::NotSent(error.to_string()))?,
        };
        let refusal = match pool.submit(call, nonce, wait).await {
            Ok(watching) => {
                *next = Some(nonce + 1);
                return Ok(watching);
            }
            Err(refusal) => refusal,
        };
        *next = None;
        match refusal {
            PoolError::Nonce(reason) => {
                by_nonce += 1;
                if by_nonce == ATTEMPTS {
                    return Err(SubmitError::NonceTaken { reason });
                }
                tracing::debug!(%call, nonce, reason, "the pool refuses the nonce; asking the node for the next one");
                tokio::time::sleep(PAUSE * by_nonce).await;
            }
            PoolError::Signature(reason) => {
                by_block += 1;
                if by_block == CATCH_UP_ATTEMPTS {
                    return Err(SubmitError::NodeBehind { reason });
                }
                tracing::debug!(%call, reason, "the pool refuses the signature; signing at a newer block");
                tokio::time::sleep(CATCH_UP_PAUSE).await;
            }
            PoolError::Final(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::{MarketCall, types::H256};
    use std::sync::{Arc, Mutex};

    /// A pool that takes nonces in order.
    #[derive(Clone, Default)]
    struct FakePool(Arc<Mutex<FakeState>>);

    #[derive(Default)]
    struct FakeState {
        next: u64,
        asked: u32,
        taken: Vec<u64>,
        broke: bool,
        /// So many attempts are at a block that the pool does not know yet.
        behind: u32,
    }

    impl FakePool {
        fn state<R>(&self, act: impl FnOnce(&mut FakeState) -> R) -> R {
            act(&mut self.0.lock().expect("no test panics while it holds the lock"))
        }
    }

    impl Pool for FakePool {
        async fn next_nonce(&self) -> Result<u64, ChainError> {
            Ok(self.state(|state| {
                state.asked += 1;
                state.next
            }))
        }

        async fn submit(&self, _: &Call, nonce: u64, _: Wait) -> Result<Watching, PoolError> {
            self.state(|state| {
                if state.broke {
                    return Err(PoolError::Final(SubmitError::CannotPayFees));
                }
                if state.behind > 0 {
                    state.behind -= 1;
                    return Err(PoolError::Signature("Transaction has a bad signature".into()));
                }
                if nonce != state.next {
                    return Err(PoolError::Nonce("Priority is too low".into()));
                }
                state.next += 1;
                state.taken.push(nonce);
                let inclusion = Inclusion {
                    block: H256::zero(),
                    transaction: H256::zero(),
                    events: Vec::new(),
                };
                Ok(Box::pin(async move { Ok(inclusion) }) as Watching)
            })
        }
    }

    fn call() -> Call {
        Call::Market(MarketCall::Accept { job: 1 })
    }

    fn account(pool: &FakePool) -> Account {
        Account::with_pool(AccountId::new([1; 32]), pool.clone())
    }

    #[tokio::test]
    async fn many_transactions_need_one_question_for_the_nonce() {
        let pool = FakePool::default();
        let account = account(&pool);
        let sent = futures::future::join_all((0..20).map(|_| account.send(call(), Wait::InBlock))).await;
        assert!(sent.iter().all(Result::is_ok));
        pool.state(|state| {
            assert_eq!(state.taken, (0..20).collect::<Vec<_>>());
            assert_eq!(state.asked, 1);
        });
    }

    #[tokio::test]
    async fn a_nonce_that_another_took_is_asked_for_again() {
        let pool = FakePool::default();
        let account = account(&pool);
        account.send(call(), Wait::InBlock).await.expect("taken");
        pool.state(|state| state.next += 3);
        account
            .send(call(), Wait::InBlock)
            .await
            .expect("taken at the second attempt");
        pool.state(|state| assert_eq!((state.taken.clone(), state.asked), (vec![0, 4], 2)));
    }

    #[tokio::test]
    async fn a_node_that_catches_up_is_waited_for_but_not_forever() {
        let pool = FakePool::default();
        let account = account(&pool);
        pool.state(|state| state.behind = 3);
        account
            .send(call(), Wait::InBlock)
            .await
            .expect("taken at the fourth attempt");
        pool.state(|state| state.behind = u32::MAX);
        let outcome = account.send(call(), Wait::InBlock).await;
        assert!(matches!(outcome, Err(SubmitError::NodeBehind { .. })), "{outcome:?}");
        pool.state(|state| assert_eq!(state.taken, [0]));
    }

    #[tokio::test]
    async fn an_account_without_money_is_told_so_at_once() {
        let pool = FakePool::default();
        pool.state(|state| state.broke = true);
        let outcome = account(&pool).send(call(), Wait::InBlock).await;
        assert_eq!(outcome, Err(SubmitError::CannotPayFees));
    }
}
