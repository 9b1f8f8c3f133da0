//! The agenda: which audits are to be looked at when, and the one place where an audit changes its state.

use crate::{Agenda, AgendaCursor, AuditOf, Audits, Config, Error, Event, Pallet, WeightInfo};
use alloc::vec::Vec;
use assay_types::{AssayTime, ClaimId, audit::AuditState};
use polkadot_sdk::{
    frame_support::{
        ensure,
        storage::with_storage_layer,
        traits::Get,
        weights::{Weight, WeightMeter},
    },
    frame_system::pallet_prelude::BlockNumberFor,
    sp_runtime::{DispatchError, DispatchResult, traits::Saturating},
};

impl<T: Config> Pallet<T> {
    /// Moves an audit on to its next state.
    pub(crate) fn enter(claim: ClaimId, mut audit: AuditOf<T>, next: AuditState<BlockNumberFor<T>>) -> DispatchResult {
        ensure!(audit.state.may_become(&next), Error::<T>::IllegalTransition);
        audit.state = next;
        audit.entered_at = T::Time::now();
        let due = Self::due_of(&audit);
        Self::store(claim, audit, due);
        Ok(())
    }

    /// Stores an audit, and puts it on the agenda at this block.
    pub(crate) fn store(claim: ClaimId, mut audit: AuditOf<T>, due: Option<BlockNumberFor<T>>) {
        Self::unschedule(claim, &audit);
        if let Some(block) = due {
            Agenda::<T>::insert(block, claim, ());
        }
        audit.due = due;
        Audits::<T>::insert(claim, audit);
    }

    /// Takes an audit off the agenda.
    pub(crate) fn unschedule(claim: ClaimId, audit: &AuditOf<T>) {
        if let Some(block) = audit.due {
            Agenda::<T>::remove(block, claim);
        }
    }

    /// The last block in which nothing is to be done for an audit, if something is to be done at all.
    pub(crate) fn due_of(audit: &AuditOf<T>) -> Option<BlockNumberFor<T>> {
        let waits_since = match audit.state {
            AuditState::Sealed => Some(audit.sealed_at),
            AuditState::Doubting { since } => Some(since),
            _ => None,
        };
        // Saturating: block numbers end far beyond any audit.
        let expected = waits_since.map(|since| since.saturating_add(T::DrawBlocks::get()));
        expected.or(audit.state.until())
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

    /// Does the steps of the audits that were to be looked at once this moment is over; whether all of them are done.
    fn drain_block(block: BlockNumberFor<T>, meter: &mut WeightMeter) -> bool {
        let (due, complete) = Self::affordable(block, meter);
        for claim in due {
            if let Err(error) = with_storage_layer(|| Self::look(claim)) {
                Agenda::<T>::remove(block, claim);
                Audits::<T>::mutate(claim, |audit| {
                    if let Some(audit) = audit {
                        audit.due = None;
                    }
                });
                Self::deposit_event(Event::StepFailed { claim, error });
            }
        }
        complete
    }

    /// Takes the step that is due for an audit; one whose seed is not known yet is looked at again in the next block.
    fn look(claim: ClaimId) -> Result<(), DispatchError> {
        if !Self::step(claim)? {
            let audit = Audits::<T>::get(claim).ok_or(Error::<T>::UnknownAudit)?;
            Self::store(claim, audit, Some(T::Time::now()));
        }
        Ok(())
    }

    /// The audits of this moment of the agenda whose steps the meter allows, and whether that is all of them. They are
    /// collected before any step is done, since a step changes the agenda.
    fn affordable(block: BlockNumberFor<T>, meter: &mut WeightMeter) -> (Vec<ClaimId>, bool) {
        let mut due = Vec::new();
        let mut claims = Agenda::<T>::iter_key_prefix(block);
        loop {
            if meter.try_consume(T::WeightInfo::look()).is_err() {
                return (due, false);
            }
            let Some(claim) = claims.next() else { return (due, true) };
            if meter.try_consume(T::WeightInfo::advance()).is_err() {
                return (due, false);
            }
            due.push(claim);
        }
    }
}
