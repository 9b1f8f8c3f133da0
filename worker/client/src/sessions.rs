//! Sessions on a chain: what both sides of a session read and call, over a connection to a node that may be replaced.

use crate::chain::{
    Account, Balance, BlockNumber, Call, ChainError, ChainView, Client, Event, H256, Inclusion, SessionsCall,
    SessionsEvent, SignedMessage, StateView, SubmitError, Wait,
};
use assay_network::{Multiaddr, PeerId};
use assay_session::{
    Candidate, ChainAnswer, ChainError as SessionChainError, ClientChain, Equivocation, ModelRecord, Record,
    SessionChain, Signed, WorkerChain, WrongReceipt,
    types::{OpenRequest, SessionRecord, SignedReceipt, SignedVoucher},
};
use assay_types::{Announcement, ModelVersion, SessionId};
use futures::future::BoxFuture;
use polkadot_sdk::sp_runtime::BoundedVec;
use std::sync::{Arc, PoisonError, RwLock};

/// Claims that stood which a conviction outweighs.
const CONVICTION: u64 = 8;

/// Sessions over one connection at a time. A clone is another handle.
pub struct ChainSessions<C> {
    shared: Arc<Shared<C>>,
}

struct Shared<C> {
    chain: RwLock<C>,
    genesis: H256,
    account: Account,
    challenger: Option<Arc<dyn Challenger>>,
}

/// Needs of a challenge of a receipt from somebody who executes.
pub trait Challenger: Send + Sync + 'static {
    /// Has the request ready for the games that follow, and gives the commitment to our own trace for this claim.
    fn prepare(&self, wrong: &WrongReceipt) -> BoxFuture<'_, Result<H256, String>>;
}

impl<C> Clone for ChainSessions<C> {
    fn clone(&self) -> Self {
        Self {
            shared: self.shared.clone(),
        }
    }
}

impl<C: ChainView> ChainSessions<C> {
    /// Over this connection, with this account. Without a challenger a challenge commits to nothing, and another finder
    /// may have its award.
    pub fn new(chain: C, account: Account, challenger: Option<Arc<dyn Challenger>>) -> Self {
        let shared = Shared {
            genesis: chain.genesis(),
            chain: RwLock::new(chain),
            account,
            challenger,
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Goes on over this connection, to the same chain.
    pub fn moved(&self, chain: C) {
        *self.shared.chain.write().unwrap_or_else(PoisonError::into_inner) = chain;
    }

    fn chain(&self) -> C {
        self.shared.chain.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Number of the best block.
    pub async fn height(&self) -> Result<BlockNumber, SessionChainError> {
        Ok(self.best().await?.number())
    }

    /// A session after the latest final block, and that block's number.
    pub async fn in_final_block(
        &self,
        session: SessionId,
    ) -> Result<(BlockNumber, Option<SessionRecord>), SessionChainError> {
        let chain = self.chain();
        let state = chain.finalized().await.map_err(unread)?;
        let record = state.session(session).await.map_err(unread)?;
        Ok((state.number(), record))
    }

    /// The state after the best block: a session is used as soon as it is opened. If its block is replaced, one request
    /// may be lost.
    async fn best(&self) -> Result<C::State, SessionChainError> {
        let chain = self.chain();
        let number = chain.best_number().await.map_err(unread)?;
        chain.at(number).await.map_err(unread)
    }

    async fn send(&self, call: SessionsCall) -> Result<Inclusion, SessionChainError> {
        let sent = self.shared.account.send(Call::Sessions(call), Wait::InBlock).await;
        sent.map_err(not_sent)
    }
}

impl<C: ChainView> SessionChain for ChainSessions<C> {
    fn genesis(&self) -> H256 {
        self.shared.genesis
    }

    fn now(&self) -> ChainAnswer<'_, BlockNumber> {
        Box::pin(async move { Ok(self.best().await?.now()) })
    }

    fn session(&self, session: SessionId) -> ChainAnswer<'_, Option<SessionRecord>> {
        Box::pin(async move { self.best().await?.session(session).await.map_err(unread) })
    }

    fn model(&self, version: ModelVersion) -> ChainAnswer<'_, Option<ModelRecord>> {
        Box::pin(async move {
            let record = self.best().await?.version(version).await.map_err(unread)?;
            Ok(record.map(|record| ModelRecord {
                root: record.root,
                parts: record.parts,
            }))
        })
    }

    fn close(&self, session: SessionId) -> ChainAnswer<'_, ()> {
        Box::pin(async move {
            let close = SessionsCall::Close { session, last: None };
            self.send(close).await.map(drop)
        })
    }
}

impl<C: ChainView> WorkerChain for ChainSessions<C> {
    fn redeem(&self, voucher: SignedVoucher) -> ChainAnswer<'_, ()> {
        Box::pin(async move {
            let redeem = SessionsCall::Redeem {
                voucher: on_chain(voucher),
            };
            self.send(redeem).await.map(drop)
        })
    }
}

impl ClientChain for ChainSessions<Client> {
    fn candidates(&self, model: ModelVersion) -> ChainAnswer<'_, Vec<Candidate>> {
        Box::pin(async move {
            let state = self.best().await?;
            let mut candidates = Vec::new();
            for (worker, offer) in state.session_offers(model).await.map_err(unread)? {
                let announced = state.announcement(&worker).await.map_err(unread)?;
                let Some((peer, addresses)) = announced.as_ref().and_then(announced_node) else {
                    continue;
                };
                let Some(info) = state.worker(&worker).await.map_err(unread)? else {
                    continue;
                };
                let sessions = state.sessions_of(&worker).await.map_err(unread)?;
                let used = sessions
                    .iter()
                    .filter(|(_, session)| session.worker == worker && session.model == model);
                // A worker has no more sessions than fit its capacity.
                let used = u32::try_from(used.count()).unwrap_or(u32::MAX);
                candidates.push(Candidate {
                    peer,
                    addresses,
                    free: offer.capacity.saturating_sub(used),
                    offer,
                    record: Record {
                        good: info.completed,
                        faults: info.missed.saturating_add(info.convicted.saturating_mul(CONVICTION)),
                    },
                    latency: None,
                    worker,
                });
            }
            Ok(candidates)
        })
    }

    fn open(&self, request: OpenRequest) -> ChainAnswer<'_, SessionId> {
        Box::pin(async move {
            let open = SessionsCall::Open {
                request: Box::new(request),
            };
            let inclusion = self.send(open).await?;
            let opened = inclusion.events.iter().find_map(|event| match event {
                Event::Sessions(SessionsEvent::SessionOpened { session, .. }) => Some(*session),
                _ => None,
            });
            opened.ok_or_else(|| SessionChainError::Refused {
                reason: "the block says nothing of the session".to_owned(),
            })
        })
    }

    fn top_up(&self, session: SessionId, amount: Balance) -> ChainAnswer<'_, ()> {
        Box::pin(async move { self.send(SessionsCall::TopUp { session, amount }).await.map(drop) })
    }

    fn challenge_receipt(&self, wrong: WrongReceipt) -> ChainAnswer<'_, ()> {
        Box::pin(async move {
            let refused = |reason| SessionChainError::Refused { reason };
            let commitment = match &self.shared.challenger {
                Some(challenger) => challenger.prepare(&wrong).await.map_err(refused)?,
                None => H256::zero(),
            };
            let challenge = challenge_of(wrong, commitment).map_err(refused)?;
            self.send(challenge).await.map(drop)
        })
    }

    fn convict_equivocation(&self, evidence: Equivocation) -> ChainAnswer<'_, ()> {
        Box::pin(async move {
            let convict = SessionsCall::ConvictEquivocation {
                first: Box::new(shown(evidence.first)),
                second: Box::new(shown(evidence.second)),
            };
            self.send(convict).await.map(drop)
        })
    }
}

/// The peer and the addresses of an announcement, each with the identity at its end. An address that is not understood
/// is passed over; `None` for an identity that is not.
pub fn announced_node(announcement: &Announcement) -> Option<(PeerId, Vec<Multiaddr>)> {
    let peer = PeerId::from_bytes(&announcement.peer).ok()?;
    let addresses = announcement.addresses.iter().filter_map(|bytes| {
        let address = Multiaddr::try_from(bytes.to_vec()).ok()?;
        address.with_p2p(peer).ok()
    });
    Some((peer, addresses.collect()))
}

/// The call that challenges a wrong receipt with this commitment, or why the chain takes none.
pub fn challenge_of(wrong: WrongReceipt, commitment: H256) -> Result<SessionsCall, String> {
    let symbols = BoundedVec::try_from(wrong.symbols);
    Ok(SessionsCall::ChallengeReceipt {
        receipt: Box::new(shown(wrong.receipt)),
        symbols: symbols.map_err(|_| "a model has no more symbols than that".to_owned())?,
        commitment,
    })
}

fn on_chain<Message>(signed: Signed<Message>) -> SignedMessage<Message> {
    SignedMessage {
        message: signed.message,
        signature: signed.signature,
    }
}

fn shown(receipt: SignedReceipt) -> crate::chain::SignedReceipt {
    on_chain(receipt)
}

fn unread(error: ChainError) -> SessionChainError {
    SessionChainError::Unreachable {
        reason: error.to_string(),
    }
}

/// A refused call is refused again; a call that was not heard of may have happened.
fn not_sent(error: SubmitError) -> SessionChainError {
    let reason = error.to_string();
    match error {
        SubmitError::Refused { .. }
        | SubmitError::Dispatch(_)
        | SubmitError::Invalid(_)
        | SubmitError::CannotPayFees => SessionChainError::Refused { reason },
        _ => SessionChainError::Unreachable { reason },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::{AccountId, Key, Session, SessionTerms, fake::FakeChain};
    use assay_types::{SessionAccount, SessionKey, SessionState};
    use polkadot_sdk::sp_core::ed25519;

    fn session(worker: AccountId) -> Session {
        let key = |byte| SessionKey::Ed25519(ed25519::Public::from_raw([byte; 32]));
        Session {
            client: AccountId::new([9; 32]),
            worker,
            model: ModelVersion { model: 0, version: 1 },
            model_root: H256::zero(),
            terms: SessionTerms {
                base: 1,
                rate: 0,
                min_budget: 1,
                max_budget: 100,
                lock_percent: 100,
                max_blocks: 100,
                window_blocks: 100,
            },
            client_key: key(1),
            worker_key: key(2),
            account: SessionAccount::new(100),
            locked: 100,
            disputes: 0,
            state: SessionState::Open { until: 100 },
        }
    }

    #[tokio::test]
    async fn a_session_is_read_after_the_best_block_and_over_the_next_connection() {
        let chain = FakeChain::new();
        chain.faults(|faults| faults.finality_lag = 5);
        let key = Key::load("//Alice").expect("a development key");
        let sessions = ChainSessions::new(chain.connection(), chain.account(&key), None);
        assert_eq!(sessions.session(3).await, Ok(None));
        let record = session(key.account());
        chain.author_with(|ledger, _| {
            ledger.sessions.insert(3, record.clone());
        });
        assert_eq!(sessions.session(3).await, Ok(Some(record.clone())));
        assert_eq!(sessions.now().await, Ok(1));
        chain.break_off();
        let broken = sessions.session(3).await;
        assert!(
            matches!(broken, Err(SessionChainError::Unreachable { .. })),
            "{broken:?}"
        );
        chain.restore();
        sessions.moved(chain.connection());
        assert_eq!(sessions.session(3).await, Ok(Some(record)));
    }

    #[test]
    fn what_is_refused_is_told_from_what_was_not_heard_of() {
        let refused = not_sent(SubmitError::CannotPayFees);
        assert!(matches!(refused, SessionChainError::Refused { .. }), "{refused:?}");
        let unknown = not_sent(SubmitError::Unknown("gone".into()));
        assert!(matches!(unknown, SessionChainError::Unreachable { .. }), "{unknown:?}");
    }
}
