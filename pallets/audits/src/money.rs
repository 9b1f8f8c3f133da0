//! The pool that pays for audits: a number, since levies are burned and pay is issued.

use crate::{BalanceOf, Config, Error, Event, Pallet, Pool, SetAside};
use assay_police::{Assurance, Hazard};
use assay_types::{ClaimId, audit::Dues};
use polkadot_sdk::{
    frame_support::{
        ensure,
        traits::{
            Get,
            fungible::Mutate,
            tokens::{Fortitude, Precision, Preservation},
        },
    },
    sp_runtime::{
        DispatchResult, SaturatedConversion,
        traits::{Saturating, Zero},
    },
};

impl<T: Config> Pallet<T> {
    pub(crate) fn do_fund(who: T::AccountId, amount: BalanceOf<T>) -> DispatchResult {
        ensure!(!amount.is_zero(), Error::<T>::ZeroAmount);
        let preservation = Preservation::Preserve;
        T::Currency::burn_from(&who, amount, preservation, Precision::Exact, Fortitude::Polite)
            .map_err(|_| Error::<T>::InsufficientFunds)?;
        Self::add_to_pool(amount);
        Self::deposit_event(Event::Funded { who, amount });
        Ok(())
    }

    /// Amount that the settlement of a claim of this price and hazard brings.
    pub(crate) fn dues_of(price: BalanceOf<T>, ordinary: Hazard, assurance: Assurance) -> Dues<BalanceOf<T>> {
        let (levy, auditors) = (T::Levy::get(), T::Draw::get().auditors());
        let price = price.saturated_into::<u128>();
        Dues {
            levy: levy.of(price, ordinary, auditors).saturated_into(),
            surcharge: levy.surcharge(price, ordinary, assurance, auditors).saturated_into(),
        }
    }

    /// Settlements have burned this much for audits.
    pub(crate) fn note_paid(amount: BalanceOf<T>) {
        if amount.is_zero() {
            return;
        }
        Self::add_to_pool(amount);
        Self::deposit_event(Event::DuesPaid { amount });
    }

    fn add_to_pool(amount: BalanceOf<T>) {
        // Saturating: no more is burned than was ever issued.
        Pool::<T>::mutate(|pool| *pool = pool.saturating_add(amount));
    }

    /// Sets an auditor's pay aside, as far as the pool goes.
    pub(crate) fn reserve(price: BalanceOf<T>, own_price: BalanceOf<T>) -> BalanceOf<T> {
        let fee = T::Levy::get().fee(price.saturated_into(), own_price.saturated_into());
        let fee = fee.saturated_into::<BalanceOf<T>>().min(Pool::<T>::get());
        Pool::<T>::mutate(|pool| *pool = pool.saturating_sub(fee)); // The fee is at most the pool.
        SetAside::<T>::mutate(|set_aside| *set_aside = set_aside.saturating_add(fee)); // As in `add_to_pool`.
        fee
    }

    /// Puts pay that nobody has earned back into the pool.
    pub(crate) fn put_back(fee: BalanceOf<T>) {
        SetAside::<T>::mutate(|set_aside| *set_aside = set_aside.saturating_sub(fee)); // It was set aside.
        Pool::<T>::mutate(|pool| *pool = pool.saturating_add(fee)); // As in `add_to_pool`.
    }

    /// Pays an auditor what was set aside for it. What its account cannot receive goes back into the pool.
    pub(crate) fn pay(claim: ClaimId, auditor: T::AccountId, fee: BalanceOf<T>) {
        if fee.is_zero() || T::Currency::mint_into(&auditor, fee).is_err() {
            Self::put_back(fee);
            return;
        }
        SetAside::<T>::mutate(|set_aside| *set_aside = set_aside.saturating_sub(fee)); // It was set aside.
        Self::deposit_event(Event::AuditorPaid { claim, auditor, fee });
    }
}
