//! Answers for the runtime API: nothing here changes state.

use crate::{BalanceOf, Config, OfferOf, Offers, Pallet, SessionOf, Sessions};
use alloc::vec::Vec;
use assay_types::{
    ModelRegistry, ModelVersion, Page, SessionId, SessionQuote, limits::MAX_LISTED_JOBS, offer::work_at,
};

impl<T: Config> Pallet<T> {
    /// The sessions in which an account is the client or the worker, which page as jobs do.
    pub fn sessions_of(account: &T::AccountId, after: Option<SessionId>, limit: u32) -> Page<SessionOf<T>> {
        let sessions = match after {
            None => Sessions::<T>::iter(),
            Some(session) => Sessions::<T>::iter_from(Sessions::<T>::hashed_key_for(session)),
        };
        Page::of(sessions, limit, |_, session| {
            session.client == *account || session.worker == *account
        })
    }

    /// The offers of sessions on a model version, at most `limit` and at most [`MAX_LISTED_JOBS`], from the one after
    /// this worker's on.
    pub fn offers_on(model: ModelVersion, after: Option<T::AccountId>, limit: u32) -> Vec<(T::AccountId, OfferOf<T>)> {
        let offers = match after {
            None => Offers::<T>::iter_prefix(model),
            Some(worker) => Offers::<T>::iter_prefix_from(model, Offers::<T>::hashed_key_for(model, worker)),
        };
        offers.take(limit.clamp(1, MAX_LISTED_JOBS) as usize).collect()
    }

    /// The price of a request with these values of the symbols by a worker's offer.
    pub fn quote_for(
        model: ModelVersion,
        worker: &T::AccountId,
        symbols: &[u32],
    ) -> Option<SessionQuote<BalanceOf<T>>> {
        let offer = Offers::<T>::get(model, worker)?;
        let units = work_at(&T::Models::version(model)?.parts, symbols);
        Some(SessionQuote {
            units,
            price: offer.terms.price(units),
        })
    }
}
