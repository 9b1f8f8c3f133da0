//! The rules of a dispute: a change of a parameter leaves them as they were when the dispute began.

use crate::{Config, DisputeRulesOf, KeptRules, NextDisputeId, Pallet};
use assay_types::{
    AssayTime,
    dispute::{ClockTerms, DisputeId, LateTerms, SlashShares},
    kept::{TooManyKept, keep, kept_for},
};
use polkadot_sdk::{frame_support::traits::Get, frame_system::pallet_prelude::BlockNumberFor};

impl<T: Config> Pallet<T> {
    /// The rules of disputes that begin now.
    pub(crate) fn rules_in_force() -> DisputeRulesOf<T> {
        DisputeRulesOf::<T> {
            clock: ClockTerms {
                worker_blocks: T::ClockBlocks::get(),
                challenger_blocks: T::ChallengerClockBlocks::get(),
                least_turn_blocks: T::LeastTurnBlocks::get(),
            },
            late: LateTerms {
                floor: T::LeastLateFee::get(),
                part: T::LateFee::get(),
                to_challenger: T::LateFeeToChallenger::get(),
            },
            late_answer_blocks: T::LateAnswerBlocks::get(),
            award_blocks: T::AwardBlocks::get(),
            reopen_blocks: T::ReopenBlocks::get(),
            fault_slash: T::FaultSlash::get(),
            shares: Self::shares(),
            least_bond: T::LeastBond::get(),
            bond_per_stake: T::BondPerStake::get(),
            lost_bond_to_worker: T::LostBondToWorker::get(),
        }
    }

    /// Parts of a slash for others, in disputes that begin now.
    pub(crate) fn shares() -> SlashShares {
        SlashShares {
            challenger: T::SlashToChallenger::get(),
            client: T::SlashToClient::get(),
        }
    }

    /// The rules of a dispute.
    pub(crate) fn rules_of(dispute: DisputeId) -> DisputeRulesOf<T> {
        kept_for(&KeptRules::<T>::get(), dispute).unwrap_or_else(Self::rules_in_force)
    }

    /// Keeps the rules in force for the disputes that go on, because a parameter is about to change. No dispute lasts
    /// longer than `outlived` blocks.
    pub fn keep_rules(outlived: BlockNumberFor<T>) -> Result<(), TooManyKept> {
        let mut kept = KeptRules::<T>::get();
        let time = (T::Time::now(), outlived);
        keep(&mut kept, NextDisputeId::<T>::get(), time, Self::rules_in_force)?;
        KeptRules::<T>::put(kept);
        Ok(())
    }
}
