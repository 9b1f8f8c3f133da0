//! The chain's part of a session's terms: a change of a parameter leaves it as it was when the session was opened.

use crate::{Config, KeptRules, NextSessionId, Pallet, SessionRulesOf};
use assay_types::{
    AssayTime, SessionId,
    dispute::SlashShares,
    kept::{TooManyKept, keep, kept_for},
};
use polkadot_sdk::{frame_support::traits::Get, frame_system::pallet_prelude::BlockNumberFor};

impl<T: Config> Pallet<T> {
    /// The rules of sessions that are opened now.
    fn rules_in_force() -> SessionRulesOf<T> {
        SessionRulesOf::<T> {
            closing_blocks: T::ClosingBlocks::get(),
            fault_slash: T::FaultSlash::get(),
            shares: Self::shares(),
        }
    }

    /// Parts of the slash of an equivocation for others, in sessions that are opened now.
    pub(crate) fn shares() -> SlashShares {
        SlashShares {
            challenger: T::SlashToReporter::get(),
            client: T::SlashToClient::get(),
        }
    }

    /// The rules of a session.
    pub(crate) fn rules_of(session: SessionId) -> SessionRulesOf<T> {
        kept_for(&KeptRules::<T>::get(), session).unwrap_or_else(Self::rules_in_force)
    }

    /// Keeps the rules in force for the sessions that go on, because a parameter is about to change. No session lasts
    /// longer than `outlived` blocks.
    pub fn keep_rules(outlived: BlockNumberFor<T>) -> Result<(), TooManyKept> {
        let mut kept = KeptRules::<T>::get();
        let time = (T::Time::now(), outlived);
        keep(&mut kept, NextSessionId::<T>::get(), time, Self::rules_in_force)?;
        KeptRules::<T>::put(kept);
        Ok(())
    }
}
