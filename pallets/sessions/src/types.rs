//! Records of sessions, in this runtime's types, and the longest that a session can last.

use crate::Config;
use assay_types::{
    Receipt, Session, SessionOffer, SessionRequest, SessionSignature, SessionState, SessionTerms, Voucher,
    dispute::SlashShares, kept::AllKept, session::DisputedReceipt,
};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use polkadot_sdk::{
    frame_support::traits::{Get, fungible},
    frame_system::{self, pallet_prelude::BlockNumberFor},
    sp_runtime::{Perbill, traits::Saturating},
};
use scale_info::TypeInfo;

/// The currency's unit of account.
pub type BalanceOf<T> = <<T as Config>::Currency as fungible::Inspect<<T as frame_system::Config>::AccountId>>::Balance;
/// The terms of an offer.
pub type TermsOf<T> = SessionTerms<BalanceOf<T>, BlockNumberFor<T>>;
/// A standing offer.
pub type OfferOf<T> = SessionOffer<BalanceOf<T>, BlockNumberFor<T>>;
/// A stored session.
pub type SessionOf<T> = Session<<T as frame_system::Config>::AccountId, BalanceOf<T>, BlockNumberFor<T>>;
/// Where a session stands.
pub type SessionStateOf<T> = SessionState<BlockNumberFor<T>>;
/// A client's call for a session.
pub type RequestOf<T> = SessionRequest<<T as frame_system::Config>::AccountId, BalanceOf<T>, BlockNumberFor<T>>;
/// A receipt.
pub type ReceiptOf<T> = Receipt<BalanceOf<T>, BlockNumberFor<T>>;
/// A receipt that is disputed.
pub type DisputedReceiptOf<T> = DisputedReceipt<BalanceOf<T>, BlockNumberFor<T>>;
/// A voucher and its signature.
pub type SignedVoucherOf<T> = Signed<Voucher<BalanceOf<T>>>;
/// A receipt and its signature.
pub type SignedReceiptOf<T> = Signed<ReceiptOf<T>>;

/// The rules of a session.
pub type SessionRulesOf<T> = SessionRules<BlockNumberFor<T>>;
/// Earlier rules of sessions.
pub type KeptRulesOf<T> = AllKept<SessionRulesOf<T>, BlockNumberFor<T>>;

/// The chain's part of a session's terms: the values in force when it was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub struct SessionRules<BlockNumber> {
    /// Blocks that the worker has for its last voucher.
    pub closing_blocks: BlockNumber,
    /// Share of the worker's whole stake that an equivocation costs.
    pub fault_slash: Perbill,
    /// Parts of it for others.
    pub shares: SlashShares,
}

/// A message of a session with its signature.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub struct Signed<Message> {
    /// The message.
    pub message: Message,
    /// The signature, by the key that the session names for such messages.
    pub signature: SessionSignature,
}

/// The longest that a session can last, in blocks: it is open, the last voucher is waited for, the window passes, and
/// what is allowed for a dispute. Model versions must outlast it.
pub struct LongestSession<T>(core::marker::PhantomData<T>);

impl<T: Config> Get<BlockNumberFor<T>> for LongestSession<T> {
    fn get() -> BlockNumberFor<T> {
        // Saturating: a bound that saturates fails the integrity tests of those who must outlast it.
        T::MaxSessionBlocks::get()
            .saturating_add(T::ClosingBlocks::get())
            .saturating_add(T::MaxWindow::get())
            .saturating_add(T::DisputeAllowance::get())
    }
}
