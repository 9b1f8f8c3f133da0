//! The range of each parameter. A parameter without a line does not compile.

use super::{RuntimeParameters, dynamic_params};
use crate::{
    Balance, BlockNumber,
    units::{DAYS, HOURS, MICROUNIT, MILLIUNIT, MINUTES, UNIT},
};
use core::ops::RangeInclusive;
use pallet_governance::ParameterName;
use polkadot_sdk::sp_runtime::{FixedU128, Perbill, Perquintill};

/// A range of blocks.
const fn blocks(least: BlockNumber, greatest: BlockNumber) -> RangeInclusive<BlockNumber> {
    least..=greatest
}

/// A range of amounts.
const fn amounts(least: Balance, greatest: Balance) -> RangeInclusive<Balance> {
    least..=greatest
}

/// A range of parts, in percent.
const fn percents(least: u32, greatest: u32) -> RangeInclusive<Perbill> {
    Perbill::from_percent(least)..=Perbill::from_percent(greatest)
}

/// A range of numbers, in hundredths.
fn hundredths(least: u32, greatest: u32) -> RangeInclusive<FixedU128> {
    let number = |hundredths: u32| FixedU128::from_rational(hundredths.into(), 100);
    number(least)..=number(greatest)
}

macro_rules! ranges {
    ($($part:ident in $module:ident { $($name:ident: $range:expr,)* })*) => {
        /// The name of the parameter that a change is about.
        pub fn name_of(change: &RuntimeParameters) -> ParameterName {
            match change {
                $($(
                    RuntimeParameters::$part(dynamic_params::$module::Parameters::$name(..)) => ParameterName::$name,
                )*)*
            }
        }

        /// Whether the value of a change is in the parameter's range. The first value of a parameter always is.
        pub fn is_in_range(change: &RuntimeParameters) -> bool {
            match change {
                $($(
                    RuntimeParameters::$part(dynamic_params::$module::Parameters::$name(_, value)) => {
                        value.as_ref().is_none_or(|value| $range.contains(value))
                    }
                )*)*
            }
        }
    };
}

ranges! {
    Market in market {
        MinDeadline: blocks(10, HOURS),
        MaxDeadline: blocks(MINUTES, 4 * HOURS),
        MinWindow: blocks(10, HOURS),
        MaxWindow: blocks(HOURS, DAYS),
        MinAuctionPhase: blocks(2, 5 * MINUTES),
        MaxAuctionPhase: blocks(5 * MINUTES, HOURS),
        BidDeposit: amounts(MILLIUNIT, 100 * UNIT),
        NonDeliverySlash: percents(1, 50),
        DeclineSlash: percents(0, 10),
        MissCompensation: amounts(0, 10 * MILLIUNIT),
    }
    Workers in workers {
        MinStake: amounts(UNIT, 1_000_000 * UNIT),
        StakeFloor: amounts(100 * MILLIUNIT, 1_000 * UNIT),
        StakePerPrice: hundredths(100, 10_000),
        OfferDelay: blocks(1, HOURS),
        RestBlocks: blocks(1, HOURS),
        SlashDelay: blocks(HOURS, 7 * DAYS),
    }
    Disputes in disputes {
        LeastBond: amounts(100 * MILLIUNIT, 1_000 * UNIT),
        BondPerStake: percents(1, 25),
        LostBondToWorker: percents(0, 50),
        FaultSlash: percents(10, 100),
        SlashToChallenger: percents(1, 50),
        SlashToClient: percents(0, 49),
        LateFee: percents(0, 50),
        LeastLateFee: amounts(0, 1_000 * UNIT),
        LateFeeToChallenger: percents(0, 50),
        ClockBlocks: blocks(5 * MINUTES, 6 * HOURS),
        ChallengerClockBlocks: blocks(MINUTES, 2 * HOURS),
        LeastTurnBlocks: blocks(15, 15 * MINUTES),
        ReopenBlocks: blocks(MINUTES, HOURS),
        LateAnswerBlocks: blocks(HOURS, DAYS),
        AwardBlocks: blocks(30 * MINUTES, 6 * DAYS),
        WorkPrice: amounts(MICROUNIT, UNIT),
    }
    Sessions in sessions {
        ClosingBlocks: blocks(5 * MINUTES, 6 * HOURS),
        MaxSessionBlocks: blocks(HOURS, 2 * DAYS),
        MinLockPercent: (10u32..=1_000),
    }
    Models in models {
        DepositPerVersion: amounts(MILLIUNIT, 1_000 * UNIT),
        DepositPerByte: amounts(0, 100 * MILLIUNIT),
    }
    Fees in fees {
        FullCoreFee: amounts(10 * MILLIUNIT, 1_000 * UNIT),
        ByteFee: amounts(MICROUNIT / 100, MILLIUNIT),
        TargetFullness: (Perquintill::from_percent(5)..=Perquintill::from_percent(75)),
        FeeSpeed: hundredths(2, 50),
        MinimumMultiplier: hundredths(10, 10_000),
    }
    Time in time {
        FullShare: percents(50, 90),
        LaneTarget: percents(5, 50),
        LaneSpeed: percents(2, 50),
    }
    Governance in governance {
        EnactmentBlocks: blocks(HOURS, 14 * DAYS),
    }
    Audits in audits {
        Levy: percents(0, 20),
        AuditFee: (50u32..=200),
        AuditShare: percents(0, 50),
        NewcomerShare: percents(0, 100),
        AuditWeight: (0u32..=20_000),
        SecondShare: percents(0, 50),
        FullPrice: amounts(MILLIUNIT / 10, 1_000 * UNIT),
        AnswerBlocks: blocks(MINUTES, HOURS),
        OpenBlocks: blocks(MINUTES, 30 * MINUTES),
        AuditMissCost: percents(1, 50),
    }
}
