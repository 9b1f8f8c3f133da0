//! A chain in memory: sessions with their money, and no blocks.

use assay_session::{
    Candidate, ChainAnswer, ChainError, ClientChain, Equivocation, ModelRecord, SessionChain, SignedVoucher,
    WorkerChain, WrongReceipt,
    types::{AccountId, Balance, BlockNumber, OpenRequest, SessionRecord},
};
use assay_types::{H256, ModelVersion, SessionAccount, SessionId, SessionState};
use codec::Encode;
use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// The model of all sessions here.
pub const MODEL: ModelVersion = ModelVersion { model: 0, version: 1 };
/// Hash of a first block.
const GENESIS: H256 = H256([7; 32]);

/// Bytes of a call before its arguments: the numbers of its pallet and of the call.
const CALL_BYTES: usize = 2;

/// Sessions, and who offers them.
pub struct Ledger {
    model: ModelRecord,
    open: Mutex<BTreeMap<SessionId, SessionRecord>>,
    /// Bytes of each call that a session has caused.
    calls: Mutex<BTreeMap<SessionId, Vec<usize>>>,
    offers: Mutex<Vec<Candidate>>,
}

impl Ledger {
    /// A chain with one model, and nobody who offers sessions yet.
    pub fn new(model: ModelRecord) -> Self {
        Self {
            model,
            open: Mutex::default(),
            calls: Mutex::default(),
            offers: Mutex::default(),
        }
    }

    /// Adds an offer.
    pub fn offer(&self, candidate: Candidate) {
        lock(&self.offers).push(candidate);
    }

    /// Bytes of the calls of a session, in their order, each without its envelope: signature, nonce and tip.
    pub fn calls(&self, session: SessionId) -> Vec<usize> {
        lock(&self.calls).get(&session).cloned().unwrap_or_default()
    }

    fn made(&self, session: SessionId, arguments: &impl Encode) {
        let bytes = CALL_BYTES + arguments.encoded_size();
        lock(&self.calls).entry(session).or_default().push(bytes);
    }

    fn with<T: Send + 'static>(
        &self,
        session: SessionId,
        act: impl FnOnce(&mut SessionRecord) -> Option<T>,
    ) -> ChainAnswer<'_, T> {
        let done = lock(&self.open).get_mut(&session).and_then(act);
        let done = done.ok_or_else(|| ChainError::Refused {
            reason: "no such session, or not with this sum".to_owned(),
        });
        Box::pin(async move { done })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl SessionChain for Ledger {
    fn genesis(&self) -> H256 {
        GENESIS
    }

    fn now(&self) -> ChainAnswer<'_, BlockNumber> {
        Box::pin(async { Ok(1) })
    }

    fn session(&self, session: SessionId) -> ChainAnswer<'_, Option<SessionRecord>> {
        let found = lock(&self.open).get(&session).cloned();
        Box::pin(async move { Ok(found) })
    }

    fn model(&self, version: ModelVersion) -> ChainAnswer<'_, Option<ModelRecord>> {
        let found = (version == MODEL).then(|| self.model.clone());
        Box::pin(async move { Ok(found) })
    }

    fn close(&self, session: SessionId) -> ChainAnswer<'_, ()> {
        self.made(session, &(session, None::<SignedVoucher>));
        self.with(session, |record| {
            let until = BlockNumber::MAX;
            record.state = match record.state {
                SessionState::Closing { .. } => SessionState::Settled { until },
                _ => SessionState::Closing { until },
            };
            Some(())
        })
    }
}

impl WorkerChain for Ledger {
    fn redeem(&self, voucher: SignedVoucher) -> ChainAnswer<'_, ()> {
        let owed = voucher.message.owed;
        self.made(voucher.message.session, &voucher);
        self.with(voucher.message.session, |record| {
            (record.account.redeem(owed) > 0).then_some(())
        })
    }
}

impl ClientChain for Ledger {
    fn candidates(&self, _: ModelVersion) -> ChainAnswer<'_, Vec<Candidate>> {
        let offers = lock(&self.offers).clone();
        Box::pin(async move { Ok(offers) })
    }

    fn open(&self, request: OpenRequest) -> ChainAnswer<'_, SessionId> {
        let mut open = lock(&self.open);
        let session = open.len() as SessionId;
        self.made(session, &request);
        let record = SessionRecord {
            client: AccountId::new([9; 32]),
            worker: request.worker,
            model: request.model,
            model_root: self.model.root,
            terms: request.terms,
            client_key: request.client_key,
            worker_key: request.worker_key,
            account: SessionAccount::new(request.budget),
            locked: request.budget,
            disputes: 0,
            state: SessionState::Open {
                until: BlockNumber::MAX,
            },
        };
        open.insert(session, record);
        Box::pin(async move { Ok(session) })
    }

    fn top_up(&self, session: SessionId, amount: Balance) -> ChainAnswer<'_, ()> {
        self.made(session, &(session, amount));
        self.with(session, |record| {
            let maximum = record.terms.max_budget;
            record.account.top_up(amount, maximum)
        })
    }

    fn challenge_receipt(&self, _: WrongReceipt) -> ChainAnswer<'_, ()> {
        Box::pin(async { Ok(()) })
    }

    fn convict_equivocation(&self, _: Equivocation) -> ChainAnswer<'_, ()> {
        Box::pin(async { Ok(()) })
    }
}
