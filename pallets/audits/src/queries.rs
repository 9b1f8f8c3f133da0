//! Answers for the runtime API: nothing here changes state.

use crate::{AuditOf, Audits, Config, Pallet};
use assay_types::{ClaimId, Page};

impl<T: Config> Pallet<T> {
    /// The audits in which an account is an auditor, by their claims, which page as jobs do.
    pub fn audits_of(account: &T::AccountId, after: Option<ClaimId>, limit: u32) -> Page<AuditOf<T>> {
        let audits = match after {
            None => Audits::<T>::iter(),
            Some(claim) => Audits::<T>::iter_from(Audits::<T>::hashed_key_for(claim)),
        };
        Page::of(audits, limit, |_, audit| {
            audit.auditors.iter().any(|auditor| auditor.who == *account)
        })
    }
}
