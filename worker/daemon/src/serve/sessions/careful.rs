//! The chain as the worker's side of sessions reads it: a session of which anything is kept is over only when a final
//! block says so.
//!
//! The facts are forgotten with the session. If the best blocks that do not have it were replaced by blocks that do,
//! the worker would sign a second receipt of a request, and have no inputs to defend the first one with.

use assay_client::{
    chain::{BlockNumber, ChainView, H256},
    sessions::ChainSessions,
};
use assay_session::{
    ChainAnswer, ChainError, ModelRecord, SessionChain, SignedVoucher, WorkerChain, WorkerJournal, types::SessionRecord,
};
use assay_types::{ModelVersion, SessionId};
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// A chain that is believed late.
pub(super) struct Careful<C> {
    chain: ChainSessions<C>,
    journal: WorkerJournal,
    /// Sessions that are kept and gone, and the best block that showed it first.
    gone_since: Mutex<HashMap<SessionId, BlockNumber>>,
}

impl<C: ChainView> Careful<C> {
    pub(super) fn new(chain: ChainSessions<C>, journal: WorkerJournal) -> Self {
        Self {
            chain,
            journal,
            gone_since: Mutex::default(),
        }
    }

    fn gone_since(&self) -> MutexGuard<'_, HashMap<SessionId, BlockNumber>> {
        // Whoever panicked meanwhile has left a map that is whole.
        self.gone_since.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn find(&self, session: SessionId) -> Result<Option<SessionRecord>, ChainError> {
        let found = self.chain.session(session).await?;
        let kept = self.journal.state(session).map_err(|error| ChainError::Unreachable {
            reason: error.to_string(),
        })?;
        if found.is_some() || kept.is_none() {
            self.gone_since().remove(&session);
            return Ok(found);
        }
        let best = self.chain.height().await?;
        let since = *self.gone_since().entry(session).or_insert(best);
        let (number, record) = self.chain.in_final_block(session).await?;
        match record {
            None if number < since => Err(ChainError::Unreachable {
                reason: format!("session {session} is gone from the best blocks, and no final block says so yet"),
            }),
            // The look that finds it over is the last one: it is forgotten.
            None => {
                self.gone_since().remove(&session);
                Ok(None)
            }
            record => Ok(record),
        }
    }
}

impl<C: ChainView> SessionChain for Careful<C> {
    fn genesis(&self) -> H256 {
        self.chain.genesis()
    }

    fn now(&self) -> ChainAnswer<'_, BlockNumber> {
        self.chain.now()
    }

    fn session(&self, session: SessionId) -> ChainAnswer<'_, Option<SessionRecord>> {
        Box::pin(self.find(session))
    }

    fn model(&self, version: ModelVersion) -> ChainAnswer<'_, Option<ModelRecord>> {
        self.chain.model(version)
    }

    fn close(&self, session: SessionId) -> ChainAnswer<'_, ()> {
        self.chain.close(session)
    }
}

impl<C: ChainView> WorkerChain for Careful<C> {
    fn redeem(&self, voucher: SignedVoucher) -> ChainAnswer<'_, ()> {
        self.chain.redeem(voucher)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        job_input::RequestId,
        serve::sessions::requests::tests::{record, with_one},
        skeleton::tests::{Tested, key},
    };
    use assay_client::chain::fake::{FakeChain, FakeConnection};

    const SESSION: SessionId = 7;
    const LAG: BlockNumber = 3;

    /// A chain whose final blocks come late, and a worker that has answered a request of the session.
    async fn careful(folder: &std::path::Path) -> (FakeChain, Careful<FakeConnection>) {
        let chain = FakeChain::new();
        chain.faults(|faults| faults.finality_lag = LAG);
        let request = RequestId {
            session: SESSION,
            sequence: 0,
        };
        let requests = with_one(folder, &Tested::new(), request).await;
        let sessions = ChainSessions::new(chain.connection(), chain.account(&key()), None);
        let careful = Careful::new(sessions, requests.journal().clone());
        (chain, careful)
    }

    fn open(chain: &FakeChain) {
        chain.author_with(|ledger, _| {
            ledger.sessions.insert(SESSION, record(key().account()));
        });
    }

    fn remove(chain: &FakeChain) {
        chain.author_with(|ledger, _| {
            ledger.sessions.remove(&SESSION);
        });
    }

    fn pass(chain: &FakeChain) {
        for _ in 0..=LAG {
            chain.author();
        }
    }

    #[tokio::test]
    async fn a_session_is_there_until_a_final_block_does_not_have_it() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (chain, careful) = careful(folder.path()).await;
        open(&chain);
        pass(&chain);
        remove(&chain);
        let there = careful.session(SESSION).await.expect("the chain answers");
        assert!(there.is_some(), "the final block has it");
        pass(&chain);
        assert_eq!(careful.session(SESSION).await, Ok(None));
    }

    #[tokio::test]
    async fn a_session_that_was_never_final_is_not_over_before_a_final_block_could_have_had_it() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (chain, careful) = careful(folder.path()).await;
        open(&chain);
        remove(&chain);
        let unknown = careful.session(SESSION).await;
        assert!(matches!(unknown, Err(ChainError::Unreachable { .. })), "{unknown:?}");
        open(&chain);
        assert!(careful.session(SESSION).await.expect("the chain answers").is_some());
        remove(&chain);
        pass(&chain);
        pass(&chain);
        let first = careful.session(SESSION).await;
        assert!(
            matches!(first, Err(ChainError::Unreachable { .. })),
            "it counts anew: {first:?}"
        );
        pass(&chain);
        assert_eq!(careful.session(SESSION).await, Ok(None));
    }

    #[tokio::test]
    async fn a_session_of_which_nothing_is_kept_is_believed_at_once() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (chain, careful) = careful(folder.path()).await;
        chain.author();
        assert_eq!(careful.session(SESSION + 1).await, Ok(None));
    }
}
