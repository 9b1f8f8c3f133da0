//! Invariants: of the constants before the chain starts, and of the state after every block.

use crate::{
    Agenda, BalanceOf, Config, DisputedReceipts, HoldReason, Load, NextSessionId, Offers, OffersOf, Pallet, Sessions,
    SetAside,
};
use alloc::{collections::BTreeMap, vec::Vec};
use assay_types::{ClaimSource, ModelVersion, SessionId, WorkerRegistry, session::SessionPhase};
use polkadot_sdk::{
    frame_support::{
        ensure,
        traits::{Get, fungible::InspectHold},
    },
    frame_system,
    sp_runtime::{
        TryRuntimeError,
        traits::{Saturating, Zero},
    },
};

impl<T: Config> Pallet<T> {
    /// Panics if the constants contradict each other.
    pub(crate) fn do_integrity_test() {
        if let Err(why) = Self::check_constants() {
            panic!("{why}");
        }
    }

    /// Says which constants contradict each other, if any do.
    pub fn check_constants() -> Result<(), &'static str> {
        ensure!(
            T::MinWindow::get() <= T::MaxWindow::get(),
            "MinWindow is above MaxWindow"
        );
        ensure!(
            !T::ClosingBlocks::get().is_zero(),
            "ClosingBlocks must not be zero: the worker's last voucher must have a block"
        );
        ensure!(
            !T::MaxSessionBlocks::get().is_zero(),
            "MaxSessionBlocks must not be zero: no session could be open"
        );
        ensure!(
            Self::shares().burn_half(),
            "SlashToReporter and SlashToClient together must be at most half, or a cheat could convict itself at a profit"
        );
        Ok(())
    }

    /// Checks money against records, and each record against the others.
    pub fn do_try_state() -> Result<(), TryRuntimeError> {
        Self::check_budgets()?;
        Self::check_locks()?;
        Self::check_sessions()?;
        Self::check_disputes()?;
        Self::check_agenda()?;
        Self::check_offers()
    }

    /// The stake that sessions and disputed receipts lock, by worker: what a worker has locked besides belongs to
    /// others.
    pub fn locked_stake() -> BTreeMap<T::AccountId, BalanceOf<T>> {
        let mut locked = BTreeMap::<T::AccountId, BalanceOf<T>>::new();
        for session in Sessions::<T>::iter_values() {
            add(&mut locked, session.worker, session.locked);
        }
        for disputed in DisputedReceipts::<T>::iter_values() {
            if let Some(session) = Sessions::<T>::get(disputed.receipt.session) {
                add(&mut locked, session.worker, disputed.locked);
            }
        }
        locked
    }

    /// Every client's hold is what is not redeemed of its sessions' budgets; accounts without one are looked at as
    /// well.
    fn check_budgets() -> Result<(), TryRuntimeError> {
        let mut budgets = BTreeMap::<T::AccountId, BalanceOf<T>>::new();
        for session in Sessions::<T>::iter_values() {
            ensure!(
                session.account.redeemed <= session.account.budget,
                "more was redeemed than the budget"
            );
            add(&mut budgets, session.client, session.account.held());
        }
        let reason = HoldReason::Budget.into();
        for account in frame_system::Account::<T>::iter_keys() {
            let held = T::Currency::balance_on_hold(&reason, &account);
            let recorded = budgets.get(&account).copied().unwrap_or_default();
            ensure!(held == recorded, "a hold differs from the budgets");
        }
        Ok(())
    }

    /// No less of a worker's stake is locked than its sessions need.
    fn check_locks() -> Result<(), TryRuntimeError> {
        for (worker, stake) in Self::locked_stake() {
            ensure!(
                T::Workers::locked(&worker) >= stake,
                "less stake is locked than the sessions say"
            );
        }
        Ok(())
    }

    fn check_sessions() -> Result<(), TryRuntimeError> {
        let mut load = BTreeMap::<(T::AccountId, ModelVersion), u32>::new();
        for (id, session) in Sessions::<T>::iter() {
            ensure!(
                id < NextSessionId::<T>::get(),
                "a session has a number that was not given out"
            );
            let phase = session.state.phase();
            let is_settled = matches!(phase, SessionPhase::Settled | SessionPhase::Convicted);
            ensure!(
                !is_settled || session.account.held().is_zero(),
                "a settled session holds money"
            );
            ensure!(
                phase != SessionPhase::Convicted || (session.disputes > 0 && session.locked.is_zero()),
                "a convicted session waits for nothing, or locks something"
            );
            add(&mut load, (session.worker, session.model), 1);
        }
        ensure!(
            load.len() == Load::<T>::iter().count(),
            "the number of some sessions is missing, or is that of none"
        );
        for ((worker, model), sessions) in load {
            ensure!(
                Load::<T>::get(&worker, model) == sessions,
                "a worker's sessions were miscounted"
            );
        }
        Ok(())
    }

    /// Every disputed receipt belongs to a session that counts it and withholds its price.
    fn check_disputes() -> Result<(), TryRuntimeError> {
        let mut withheld = BTreeMap::<SessionId, BalanceOf<T>>::new();
        for (claim, disputed) in DisputedReceipts::<T>::iter() {
            let receipt = disputed.receipt;
            let source = ClaimSource::Receipt {
                session: receipt.session,
                sequence: receipt.sequence,
            };
            ensure!(
                source.id() == Some(claim),
                "a receipt has another number than its claim"
            );
            add(&mut withheld, receipt.session, disputed.price);
        }
        for (id, prices) in withheld {
            let session = Sessions::<T>::get(id).ok_or("a disputed receipt has no session")?;
            ensure!(
                session.account.withheld >= prices,
                "the price of a disputed receipt is not withheld"
            );
        }
        ensure!(
            Self::count_disputes() == DisputedReceipts::<T>::iter_keys().count(),
            "disputed receipts were miscounted"
        );
        Ok(())
    }

    /// Every session without a dispute is on the agenda at the end of its phase, or set aside, and nothing else is.
    fn check_agenda() -> Result<(), TryRuntimeError> {
        let on_agenda: Vec<(_, SessionId)> = Agenda::<T>::iter_keys().collect();
        let set_aside = SetAside::<T>::iter_keys().count();
        let end_by_themselves = Sessions::<T>::iter_values().filter(|session| session.ends_after().is_some());
        ensure!(
            on_agenda.len().saturating_add(set_aside) == end_by_themselves.count(),
            "the agenda has more or fewer sessions than there are"
        );
        for (block, id) in on_agenda {
            let session = Sessions::<T>::get(id).ok_or("a session that is over is on the agenda")?;
            ensure!(
                session.ends_after() == Some(block),
                "a session is on the agenda at the wrong block"
            );
        }
        Ok(())
    }

    /// Every offer is on its worker's list once, and every list names offers.
    fn check_offers() -> Result<(), TryRuntimeError> {
        let mut listed = 0usize;
        for (worker, models) in OffersOf::<T>::iter() {
            ensure!(!models.is_empty(), "an empty list of offers is stored");
            for model in &models {
                ensure!(
                    Offers::<T>::contains_key(model, &worker),
                    "a listed offer is not stored"
                );
            }
            listed = listed.saturating_add(models.len());
        }
        ensure!(
            listed == Offers::<T>::iter_keys().count(),
            "an offer is not listed, or is listed twice"
        );
        Ok(())
    }
}

fn add<Key: Ord, Value: Saturating + Default + Copy>(sums: &mut BTreeMap<Key, Value>, key: Key, value: Value) {
    let sum = sums.entry(key).or_default();
    // Saturating: a sum that saturates differs from any hold, so the check fails as it should.
    *sum = sum.saturating_add(value);
}
