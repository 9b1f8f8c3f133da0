//! Sessions: a budget that is held once, requests that go straight to the worker, and two messages that keep both sides
//! safe: the worker's [`Receipt`] and the client's [`Voucher`].
//!
//! Everything here is pure: the pallet and both sides off the chain use the same rules.

mod account;
mod message;
mod sides;

pub use account::SessionAccount;
pub use message::{RECEIPT_DOMAIN, Receipt, SessionKey, SessionSignature, VOUCHER_DOMAIN, Voucher};
pub use sides::{Asked, Begin, Payee, Payer, SideError};

use crate::{ClaimId, H256, Lock, ModelVersion, offer::price};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use polkadot_sdk::sp_runtime::traits::AtLeast32BitUnsigned;
use scale_info::TypeInfo;

/// The terms on which a worker opens sessions on one model version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub struct SessionTerms<Balance, BlockNumber> {
    /// Price of a request, whatever its size.
    pub base: Balance,
    /// Price of 1,000,000,000 units of a request's work, on top of the base. Units are the values of the work
    /// polynomial of the model's parts at the request's symbols.
    pub rate: Balance,
    /// Minimum budget at the opening.
    pub min_budget: Balance,
    /// Maximum budget, with all that is added later.
    pub max_budget: Balance,
    /// Stake that the worker locks for a session, in hundredths of the session's budget.
    pub lock_percent: u32,
    /// Maximum number of blocks for which a session is open.
    pub max_blocks: BlockNumber,
    /// Blocks after the end of a session in which its receipts can be challenged.
    pub window_blocks: BlockNumber,
}

impl<Balance: AtLeast32BitUnsigned + Copy, BlockNumber> SessionTerms<Balance, BlockNumber> {
    /// Price of a request of this work, rounded up. It saturates.
    pub fn price(&self, units: u64) -> Balance {
        price(self.base, self.rate, units)
    }

    /// Stake that this budget locks, rounded up. It saturates: a lock that does not fit the type is more than anybody
    /// has.
    pub fn lock_for(&self, budget: Balance) -> Balance {
        let (hundred, percent) = (Balance::from(100u32), Balance::from(self.lock_percent));
        let whole = (budget / hundred).saturating_mul(percent);
        let part = (budget % hundred).saturating_mul(percent);
        let rounded = part.saturating_add(Balance::from(99u32)) / hundred;
        whole.saturating_add(rounded)
    }
}

/// A standing offer of sessions.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub struct SessionOffer<Balance, BlockNumber> {
    /// The terms.
    pub terms: SessionTerms<Balance, BlockNumber>,
    /// The key that signs the receipts of new sessions.
    pub key: SessionKey,
    /// Sessions that the worker has by this offer at a time, those in their windows included.
    pub capacity: u32,
}

/// A client's call for a session.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub struct SessionRequest<AccountId, Balance, BlockNumber> {
    /// The worker.
    pub worker: AccountId,
    /// The model version of all requests.
    pub model: ModelVersion,
    /// The amount that is held for all requests.
    pub budget: Balance,
    /// Blocks for which the session is open.
    pub blocks: BlockNumber,
    /// The terms of the worker's offer, as the client knows them.
    pub terms: SessionTerms<Balance, BlockNumber>,
    /// The key of the worker's offer, as the client knows it.
    pub worker_key: SessionKey,
    /// The key that signs the client's vouchers.
    pub client_key: SessionKey,
}

/// The price of a request by a session offer.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub struct SessionQuote<Balance> {
    /// Work of the request, in the units of the model's parts.
    pub units: u64,
    /// Its price.
    pub price: Balance,
}

/// Where a session stands. One that is over is no longer stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub enum SessionState<BlockNumber> {
    /// Requests are made and vouchers redeemed.
    #[codec(index = 0)]
    Open {
        /// Last block in which the session is open.
        until: BlockNumber,
    },
    /// The client has closed it, or its time is over: the worker redeems its last voucher.
    #[codec(index = 1)]
    Closing {
        /// Last block for the last voucher.
        until: BlockNumber,
    },
    /// The money is settled. Receipts can be challenged, and the worker's stake stays locked.
    #[codec(index = 2)]
    Settled {
        /// Last block of the challenge window.
        until: BlockNumber,
    },
    /// The worker was convicted for a receipt: the client has back what was not redeemed, and the disputes over other
    /// receipts go on.
    #[codec(index = 3)]
    Convicted,
}

/// The name of a state, with that of a session that is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub enum SessionPhase {
    /// See [`SessionState::Open`].
    #[codec(index = 0)]
    Open,
    /// See [`SessionState::Closing`].
    #[codec(index = 1)]
    Closing,
    /// See [`SessionState::Settled`].
    #[codec(index = 2)]
    Settled,
    /// See [`SessionState::Convicted`].
    #[codec(index = 3)]
    Convicted,
    /// Nothing of it is stored any more.
    #[codec(index = 4)]
    Over,
}

impl SessionPhase {
    /// Every step that a session can take. It begins in `Open`. A step to the same phase gives it a later end, after a
    /// dispute.
    pub const TRANSITIONS: &'static [(SessionPhase, SessionPhase)] = &[
        (SessionPhase::Open, SessionPhase::Open),
        (SessionPhase::Open, SessionPhase::Closing),
        (SessionPhase::Open, SessionPhase::Settled),
        (SessionPhase::Open, SessionPhase::Convicted),
        (SessionPhase::Closing, SessionPhase::Closing),
        (SessionPhase::Closing, SessionPhase::Settled),
        (SessionPhase::Closing, SessionPhase::Convicted),
        (SessionPhase::Settled, SessionPhase::Settled),
        (SessionPhase::Settled, SessionPhase::Convicted),
        (SessionPhase::Settled, SessionPhase::Over),
        (SessionPhase::Convicted, SessionPhase::Convicted),
        (SessionPhase::Convicted, SessionPhase::Over),
    ];

    /// Whether a session can step from here to `next`.
    pub fn may_become(self, next: SessionPhase) -> bool {
        Self::TRANSITIONS.contains(&(self, next))
    }
}

impl<BlockNumber: Copy> SessionState<BlockNumber> {
    /// The name of this state.
    pub fn phase(&self) -> SessionPhase {
        match self {
            Self::Open { .. } => SessionPhase::Open,
            Self::Closing { .. } => SessionPhase::Closing,
            Self::Settled { .. } => SessionPhase::Settled,
            Self::Convicted => SessionPhase::Convicted,
        }
    }

    /// Last block of this state, if a block ends it.
    pub fn until(&self) -> Option<BlockNumber> {
        match self {
            Self::Open { until } | Self::Closing { until } | Self::Settled { until } => Some(*until),
            Self::Convicted => None,
        }
    }
}

/// A session, as the chain keeps it until it is over.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub struct Session<AccountId, Balance, BlockNumber> {
    /// The client, of whose money the budget is held.
    pub client: AccountId,
    /// The worker.
    pub worker: AccountId,
    /// The model version of all requests.
    pub model: ModelVersion,
    /// Its root, which every receipt names.
    pub model_root: H256,
    /// The terms of the offer at the opening.
    pub terms: SessionTerms<Balance, BlockNumber>,
    /// The key that signs vouchers.
    pub client_key: SessionKey,
    /// The key that signs receipts.
    pub worker_key: SessionKey,
    /// The money.
    pub account: SessionAccount<Balance>,
    /// Stake of the worker that secures receipts, without that of receipts which are disputed.
    pub locked: Balance,
    /// Receipts that are disputed now.
    pub disputes: u32,
    /// The state of the session.
    pub state: SessionState<BlockNumber>,
}

impl<AccountId, Balance: Copy, BlockNumber: Copy> Session<AccountId, Balance, BlockNumber> {
    /// The last block of the session's state: from the next one on, the session is due for the step that follows. None
    /// while a receipt is disputed: a verdict moves the session on then, and no block.
    pub fn ends_after(&self) -> Option<BlockNumber> {
        self.state.until().filter(|_| self.disputes == 0)
    }

    /// The part of the session's lock that `stake` is.
    pub fn lock(&self, stake: Balance) -> Lock<'_, AccountId, Balance> {
        Lock {
            worker: &self.worker,
            model: self.model,
            stake,
        }
    }
}

/// A receipt that is disputed, as the chain keeps it until the verdict.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub struct DisputedReceipt<Balance, BlockNumber> {
    /// The receipt.
    pub receipt: Receipt<Balance, BlockNumber>,
    /// Price of the request by the session's terms, which is withheld from the worker.
    pub price: Balance,
    /// Work of one execution, as far as the model's schema allows.
    pub work: u64,
    /// The part of the session's lock that secures this receipt.
    pub locked: Balance,
    /// Whether the worker was late, so that the price stays withheld.
    pub late: bool,
}

/// Why a session is over, or why its money is settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub enum SessionEnd {
    /// The worker closed it.
    #[codec(index = 0)]
    ByWorker,
    /// The client closed it or its time was over, and the time for the last voucher has passed.
    #[codec(index = 1)]
    TimeOver,
    /// A receipt was proved wrong, or its worker stayed silent in a dispute.
    #[codec(index = 2)]
    Fraud {
        /// The claim.
        claim: ClaimId,
    },
    /// The worker signed two receipts of one request.
    #[codec(index = 3)]
    Equivocation {
        /// Number of the request.
        sequence: u32,
    },
}

#[cfg(test)]
mod tests;
