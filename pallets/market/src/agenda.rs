//! The agenda: which jobs are due at which block, and the drain that does their steps when a block has weight left.

use crate::{Agenda, AgendaCursor, Config, Event, JobStateOf, Jobs, Pallet, SetAside, WeightInfo};
use alloc::vec::Vec;
use assay_types::{JobId, Phase};
use polkadot_sdk::{
    frame_support::{
        storage::with_storage_layer,
        traits::Get,
        weights::{Weight, WeightMeter},
    },
    frame_system::pallet_prelude::BlockNumberFor,
    sp_runtime::traits::Saturating,
};

impl<T: Config> Pallet<T> {
    /// Puts a job on the agenda, unless no block ends its state.
    pub(crate) fn schedule(id: JobId, state: &JobStateOf<T>) {
        if let Some(last) = state.ends_after() {
            Agenda::<T>::insert(last, id, ());
        }
    }

    /// Takes a job off the agenda, and off those that are set aside.
    pub(crate) fn unschedule(id: JobId, state: &JobStateOf<T>) {
        if let Some(last) = state.ends_after() {
            Agenda::<T>::remove(last, id);
        }
        SetAside::<T>::remove(id);
    }

    /// Does the steps that are due, oldest first, as far as `remaining` allows; returns what it used.
    pub(crate) fn drain_agenda(now: BlockNumberFor<T>, remaining: Weight) -> Weight {
        let mut meter = WeightMeter::with_limit(remaining);
        // The cursor itself is read and written once.
        if meter.try_consume(T::DbWeight::get().reads_writes(1, 1)).is_err() {
            return meter.consumed();
        }
        let mut cursor = AgendaCursor::<T>::get();
        while cursor < now && Self::drain_block(cursor, &mut meter) {
            cursor.saturating_inc();
        }
        AgendaCursor::<T>::put(cursor);
        meter.consumed()
    }

    /// Does the steps of the jobs whose phase ended with this moment; whether all of them are done. Each step is
    /// reserved at its most expensive, and what it does not use is there for others.
    fn drain_block(block: BlockNumberFor<T>, meter: &mut WeightMeter) -> bool {
        loop {
            let (due, complete) = Self::affordable(block, meter);
            let is_last = complete || due.is_empty();
            let mut unused = Weight::zero();
            for (id, reserved) in due {
                match with_storage_layer(|| Self::do_advance(id)) {
                    // Saturating: a step uses no more than was reserved for it, and there are few.
                    Ok(used) => unused = unused.saturating_add(reserved.saturating_sub(used)),
                    Err(error) => {
                        Agenda::<T>::remove(block, id);
                        SetAside::<T>::insert(id, ());
                        Self::deposit_event(Event::StepFailed { job: id, error });
                    }
                }
            }
            let consumed = meter.consumed().saturating_sub(unused);
            *meter = WeightMeter::with_consumed_and_limit(consumed, meter.limit());
            if is_last {
                return complete;
            }
        }
    }

    /// The jobs of this moment of the agenda whose steps the meter allows, with the weight that is reserved for each,
    /// and whether that is all of them. They are collected before any step is done, since a step changes the agenda.
    fn affordable(block: BlockNumberFor<T>, meter: &mut WeightMeter) -> (Vec<(JobId, Weight)>, bool) {
        let mut due = Vec::new();
        let mut jobs = Agenda::<T>::iter_key_prefix(block);
        loop {
            if meter.try_consume(T::WeightInfo::look()).is_err() {
                return (due, false);
            }
            let Some(id) = jobs.next() else { return (due, true) };
            let phase = Jobs::<T>::get(id).map(|job| job.state.phase());
            let step = if phase == Some(Phase::Claimed) {
                T::WeightInfo::settle()
            } else {
                T::WeightInfo::step()
            };
            if meter.try_consume(step).is_err() {
                return (due, false);
            }
            due.push((id, step));
        }
    }
}
