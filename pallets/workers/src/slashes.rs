//! Slashes that wait: from the conviction until they are applied or cancelled.

use crate::{
    BalanceOf, Config, Error, Event, HoldReason, NextSlash, NextToMature, Pallet, PendingSlash, PendingSlashOf,
    PendingSlashes, WeightInfo, WorkerRecordOf, Workers, stake,
};
use assay_types::{AssayTime, Penalty, SlashId, WorkerStatus};
use polkadot_sdk::{
    frame_support::{
        ensure,
        storage::with_storage_layer,
        traits::{Get, fungible::MutateHold, tokens::Precision},
        weights::{Weight, WeightMeter},
    },
    frame_system::pallet_prelude::BlockNumberFor,
    sp_runtime::{DispatchError, DispatchResult, Perbill, traits::Saturating},
};

impl<T: Config> Pallet<T> {
    /// Frees a lock and takes a share of the worker's whole stake, for a fault that was proved; see
    /// [`assay_types::Outcome::Convicted`].
    pub(crate) fn slash_later(
        worker: &T::AccountId,
        lock: BalanceOf<T>,
        share: Perbill,
        awards: [(T::AccountId, BalanceOf<T>); 2],
    ) -> Result<Penalty<BalanceOf<T>>, DispatchError> {
        let mut record = Self::stopped(Self::without_lock(worker, lock)?);
        let amount = stake::fault_cost(record.stake, lock, share);
        record.stake = record.stake.saturating_sub(amount); // It is at most the stake.
        // Saturating: all of it is held of one account, whose balance fits the type; then statistics.
        record.slashing = record.slashing.saturating_add(amount);
        record.convicted = record.convicted.saturating_add(1);
        // Saturating: at the end of all block numbers a slash waits for good, and is never applied early.
        let matures_at = T::Time::now().saturating_add(T::SlashDelay::get());
        let pending = PendingSlash {
            worker: worker.clone(),
            amount,
            awards,
            matures_at,
        };

        let slash = NextSlash::<T>::mutate(|next| {
            let slash = *next;
            *next = next.saturating_add(1); // Saturating: no chain has 2^64 convictions.
            slash
        });
        PendingSlashes::<T>::insert(slash, pending);
        Workers::<T>::insert(worker, record);
        Self::deposit_event(Event::SlashPending {
            slash,
            worker: worker.clone(),
            amount,
            matures_at,
        });
        Ok(Penalty { slash, amount })
    }

    /// See [`assay_types::WorkerRegistry::award`].
    pub(crate) fn do_award(slash: SlashId, awards: [(T::AccountId, BalanceOf<T>); 2]) -> DispatchResult {
        let mut pending = PendingSlashes::<T>::get(slash).ok_or(Error::<T>::NoSuchSlash)?;
        let now = T::Time::now();
        ensure!(now < pending.matures_at, Error::<T>::SlashMature);
        pending.awards = awards;
        PendingSlashes::<T>::insert(slash, pending);
        Ok(())
    }

    pub(crate) fn do_apply_slash(slash: SlashId) -> DispatchResult {
        let (pending, record) = Self::pending(slash)?;
        let now = T::Time::now();
        ensure!(pending.matures_at <= now, Error::<T>::SlashNotMature);

        let worker = pending.worker;
        let shares = stake::share_slash(pending.amount, pending.awards, |beneficiary, due| {
            Self::pay_held(&worker, beneficiary, due)
        })?;
        Self::burn_held(&worker, shares.burned)?;
        PendingSlashes::<T>::remove(slash);
        Self::keep(&worker, record);
        Self::deposit_event(Event::SlashApplied {
            slash,
            worker,
            burned: shares.burned,
            awards: shares.paid,
        });
        Ok(())
    }

    pub(crate) fn do_cancel_slash(slash: SlashId) -> DispatchResult {
        let (pending, mut record) = Self::pending(slash)?;
        let now = T::Time::now();
        ensure!(now < pending.matures_at, Error::<T>::SlashMature);

        let PendingSlash { worker, amount, .. } = pending;
        if record.status == WorkerStatus::Left {
            T::Currency::release(&HoldReason::Stake.into(), &worker, amount, Precision::Exact)?;
        } else {
            record.stake = record.stake.saturating_add(amount); // As in `slash_later`.
        }
        record.convicted = record.convicted.saturating_sub(1); // This conviction was counted.
        PendingSlashes::<T>::remove(slash);
        Self::keep(&worker, record);
        Self::deposit_event(Event::SlashCancelled { slash, worker, amount });
        Ok(())
    }

    /// Applies the slashes that are mature, in the order of their convictions and as far as `remaining` allows; returns
    /// what it used. All wait equally long, so that behind one that is not mature there is none that is; should a
    /// shorter delay let one overtake, anybody can apply it by a call.
    pub(crate) fn apply_mature_slashes(now: BlockNumberFor<T>, remaining: Weight) -> Weight {
        let mut meter = WeightMeter::with_limit(remaining);
        if meter.try_consume(T::DbWeight::get().reads_writes(2, 1)).is_err() {
            return meter.consumed();
        }
        let (first, end) = (NextToMature::<T>::get(), NextSlash::<T>::get());
        let mut slash = first;
        while slash < end && Self::pass(slash, now, &mut meter) {
            slash = slash.saturating_add(1); // It is below `end`.
        }
        if slash != first {
            NextToMature::<T>::put(slash);
        }
        meter.consumed()
    }

    /// Applies a slash if it is there and mature; says whether the next one is to be looked at. One that cannot be
    /// applied is passed over, for it must not keep the others from theirs.
    fn pass(slash: SlashId, now: BlockNumberFor<T>, meter: &mut WeightMeter) -> bool {
        if meter.try_consume(T::WeightInfo::look_at_slash()).is_err() {
            return false;
        }
        let Some(pending) = PendingSlashes::<T>::get(slash) else {
            return true;
        };
        if pending.matures_at > now || meter.try_consume(T::WeightInfo::apply_slash()).is_err() {
            return false;
        }
        if let Err(error) = with_storage_layer(|| Self::do_apply_slash(slash)) {
            Self::deposit_event(Event::SlashFailed { slash, error });
        }
        true
    }

    /// A pending slash, and the record of its worker without it.
    fn pending(slash: SlashId) -> Result<(PendingSlashOf<T>, WorkerRecordOf<T>), Error<T>> {
        let pending = PendingSlashes::<T>::get(slash).ok_or(Error::<T>::NoSuchSlash)?;
        let mut record = Self::record(&pending.worker)?;
        record.slashing = record.slashing.saturating_sub(pending.amount); // It is part of the sum.
        Ok((pending, record))
    }
}
