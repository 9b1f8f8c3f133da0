//! Types of audits in this runtime, and how long an audit can last.

use crate::Config;
pub use assay_types::audit::{Audit, Auditor, MAX_AUDITORS};
use assay_types::limits::MAX_OFFERS_PER_MODEL;
use polkadot_sdk::{
    frame_support::traits::{Get, fungible},
    frame_system::{self, pallet_prelude::BlockNumberFor},
    sp_runtime::traits::Saturating,
};

/// The currency's unit of account.
pub type BalanceOf<T> = <<T as Config>::Currency as fungible::Inspect<<T as frame_system::Config>::AccountId>>::Balance;
/// A stored audit.
pub type AuditOf<T> = Audit<<T as frame_system::Config>::AccountId, BalanceOf<T>, BlockNumberFor<T>>;
/// An auditor of a claim.
pub type AuditorOf<T> = Auditor<<T as frame_system::Config>::AccountId, BalanceOf<T>>;

/// The longest that an audit can last, in blocks, up to the opening of the claim and after it: two draws, and every
/// auditor that can be drawn answers or opens too late.
pub struct LongestAudit<T>(core::marker::PhantomData<T>);

impl<T: Config> Get<BlockNumberFor<T>> for LongestAudit<T> {
    fn get() -> BlockNumberFor<T> {
        // Saturating: a bound that saturates fails the integrity tests of those who must outlast it.
        let draws = T::DrawBlocks::get().saturating_mul(2u32.into());
        let each = T::AnswerBlocks::get().saturating_add(T::OpenBlocks::get());
        draws.saturating_add(each.saturating_mul(MAX_OFFERS_PER_MODEL.into()))
    }
}
