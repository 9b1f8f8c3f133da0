//! The agenda: which sessions are due at which block, and the drain that does their steps when a block has weight left.

use crate::{Agenda, AgendaCursor, Config, Event, Pallet, SessionOf, SetAside, WeightInfo};
use alloc::vec::Vec;
use assay_types::SessionId;
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
    /// Puts a session on the agenda, unless no block ends its state.
    pub(crate) fn schedule(id: SessionId, session: &SessionOf<T>) {
        if let Some(last) = session.ends_after() {
            Agenda::<T>::insert(last, id, ());
        }
    }

    /// Takes a session off the agenda, and off those that are set aside.
    pub(crate) fn unschedule(id: SessionId, session: &SessionOf<T>) {
        if let Some(last) = session.ends_after() {
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

    /// Does the steps of the sessions whose phase ended with this moment; whether all of them are done.
    fn drain_block(block: BlockNumberFor<T>, meter: &mut WeightMeter) -> bool {
        let (due, complete) = Self::affordable(block, meter);
        for id in due {
            if let Err(error) = with_storage_layer(|| Self::do_advance(id)) {
                Agenda::<T>::remove(block, id);
                SetAside::<T>::insert(id, ());
                Self::deposit_event(Event::StepFailed { session: id, error });
            }
        }
        complete
    }

    /// The sessions of this moment of the agenda whose steps the meter allows, and whether that is all of them. They
    /// are collected before any step is done, since a step changes the agenda.
    fn affordable(block: BlockNumberFor<T>, meter: &mut WeightMeter) -> (Vec<SessionId>, bool) {
        let mut due = Vec::new();
        let mut sessions = Agenda::<T>::iter_key_prefix(block);
        loop {
            if meter.try_consume(T::WeightInfo::look()).is_err() {
                return (due, false);
            }
            let Some(id) = sessions.next() else { return (due, true) };
            if meter.try_consume(T::WeightInfo::advance()).is_err() {
                return (due, false);
            }
            due.push(id);
        }
    }
}
