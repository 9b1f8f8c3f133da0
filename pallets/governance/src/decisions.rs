//! Decisions: calls are handed to the scheduler, and taken back.

use crate::{BoundedCallOf, Config, DecisionId, Error, Event, NextDecisionId, Pallet};
use codec::Encode;
use polkadot_sdk::{
    frame_support::{
        ensure,
        traits::{
            Get, QueryPreimage,
            schedule::{
                DispatchTime, HIGHEST_PRIORITY,
                v3::{Named, TaskName},
            },
        },
    },
    frame_system::RawOrigin,
    sp_io::hashing::blake2_256,
    sp_runtime::DispatchResult,
};

/// Domain of the names under which decisions are scheduled.
const NAME: &[u8] = b"assay/decision";

impl<T: Config> Pallet<T> {
    pub(crate) fn do_enact(call: BoundedCallOf<T>) -> DispatchResult {
        ensure!(T::Preimages::have(&call), Error::<T>::UnknownPreimage);
        let decision = NextDecisionId::<T>::mutate(|next| {
            let decision = *next;
            *next = next.saturating_add(1); // 2^64 decisions are more than there will be blocks.
            decision
        });
        let (hash, after) = (call.hash(), T::EnactmentBlocks::get());
        T::Scheduler::schedule_named(
            name_of(decision),
            DispatchTime::After(after),
            None,
            HIGHEST_PRIORITY,
            RawOrigin::Root.into(),
            call,
        )?;
        Self::deposit_event(Event::Decided {
            decision,
            call: hash,
            after,
        });
        Ok(())
    }

    pub(crate) fn do_cancel(decision: DecisionId) -> DispatchResult {
        T::Scheduler::cancel_named(name_of(decision)).map_err(|_| Error::<T>::NoSuchDecision)?;
        Self::deposit_event(Event::Cancelled { decision });
        Ok(())
    }
}

/// The name under which a decision is scheduled.
fn name_of(decision: DecisionId) -> TaskName {
    (NAME, decision).using_encoded(blake2_256)
}
