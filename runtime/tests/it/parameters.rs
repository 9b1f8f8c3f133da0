//! Parameters: each is used, and each has a range and its name in a refusal.

use crate::{
    chain::in_first_block,
    scene::{execution, origin},
};
use assay_player::Execution;
use assay_police::{DrawRules, LevyRules};
use assay_runtime::{
    Balance, Governance, Models, Parameters, Runtime, RuntimeOrigin, TransactionPayment, check_invariants,
    parameters::{RuntimeParameters, dynamic_params::*, ranges, rules},
    units::{DAYS, HOURS, MILLIUNIT, MINUTES, UNIT},
};
use pallet_governance::{Error, ParameterName};
use polkadot_sdk::{
    frame_support::{assert_noop, assert_ok, traits::Get, weights::Weight},
    pallet_transaction_payment::{self, MultiplierUpdate},
    sp_keyring::Sr25519Keyring::Alice,
    sp_runtime::{DispatchError, DispatchResult, FixedU128, Perbill, Perquintill, traits::Convert},
};
use std::collections::BTreeSet;

/// Changes a parameter as the superuser.
pub fn set(change: RuntimeParameters) -> DispatchResult {
    Governance::set_parameter(RuntimeOrigin::root(), Box::new(change))
}

/// A change of a parameter.
macro_rules! change {
    ($part:ident, $module:ident :: $name:ident, $value:expr) => {
        RuntimeParameters::$part($module::Parameters::$name($module::$name, Some($value)))
    };
}
pub(crate) use change;

/// Changes a parameter, and checks that the pallet of this configuration has the value then.
macro_rules! used {
    ($part:ident, $module:ident :: $name:ident, $value:expr, $($pallet:ident :: $constant:ident),+) => {{
        assert_ok!(set(change!($part, $module::$name, $value)));
        $(assert_eq!(<<Runtime as $pallet::Config>::$constant as Get<_>>::get(), $value, stringify!($constant));)+
        assert_ok!(rules::check());
    }};
}

#[test]
fn the_first_values_keep_all_rules() {
    in_first_block(|| {
        assert_ok!(rules::check());
    });
}

#[test]
fn the_market_and_the_workers_use_their_parameters() {
    in_first_block(|| {
        used!(Market, market::MinDeadline, 31, pallet_market::MinDeadline);
        used!(
            Market,
            market::MaxDeadline,
            2 * HOURS,
            pallet_market::MaxDeadline,
            pallet_workers::MaxDeadline
        );
        used!(
            Market,
            market::MinWindow,
            32,
            pallet_market::MinWindow,
            pallet_workers::MinWindow,
            pallet_sessions::MinWindow
        );
        used!(
            Market,
            market::MaxWindow,
            20 * HOURS,
            pallet_market::MaxWindow,
            pallet_workers::MaxWindow,
            pallet_sessions::MaxWindow
        );
        used!(Market, market::MinAuctionPhase, 6, pallet_market::MinAuctionPhase);
        used!(
            Market,
            market::MaxAuctionPhase,
            6 * MINUTES,
            pallet_market::MaxAuctionPhase
        );
        used!(Market, market::BidDeposit, UNIT, pallet_market::BidDeposit);
        used!(
            Market,
            market::NonDeliverySlash,
            Perbill::from_percent(11),
            pallet_market::NonDeliverySlash
        );
        used!(
            Market,
            market::DeclineSlash,
            Perbill::from_percent(2),
            pallet_market::DeclineSlash
        );
        used!(Market, market::MissCompensation, 7, pallet_market::MissCompensation);
        used!(Workers, workers::MinStake, 200 * UNIT, pallet_workers::MinStake);
        used!(Workers, workers::StakeFloor, 2 * UNIT, pallet_workers::StakeFloor);
        used!(
            Workers,
            workers::StakePerPrice,
            FixedU128::from_u32(9),
            pallet_workers::StakePerPrice
        );
        used!(Workers, workers::OfferDelay, 11, pallet_workers::OfferDelay);
        used!(Workers, workers::RestBlocks, 16, pallet_workers::RestBlocks);
        used!(Workers, workers::SlashDelay, 2 * DAYS, pallet_workers::SlashDelay);
    });
}

#[test]
fn disputes_and_sessions_use_their_parameters() {
    in_first_block(|| {
        used!(Disputes, disputes::LeastBond, 2 * UNIT, pallet_disputes::LeastBond);
        used!(
            Disputes,
            disputes::BondPerStake,
            Perbill::from_percent(6),
            pallet_disputes::BondPerStake
        );
        used!(
            Disputes,
            disputes::LostBondToWorker,
            Perbill::from_percent(40),
            pallet_disputes::LostBondToWorker
        );
        used!(
            Disputes,
            disputes::FaultSlash,
            Perbill::from_percent(60),
            pallet_disputes::FaultSlash,
            pallet_sessions::FaultSlash
        );
        used!(
            Disputes,
            disputes::SlashToChallenger,
            Perbill::from_percent(29),
            pallet_disputes::SlashToChallenger,
            pallet_sessions::SlashToReporter
        );
        used!(
            Disputes,
            disputes::SlashToClient,
            Perbill::from_percent(19),
            pallet_disputes::SlashToClient,
            pallet_sessions::SlashToClient
        );
        used!(
            Disputes,
            disputes::LateFee,
            Perbill::from_percent(11),
            pallet_disputes::LateFee
        );
        used!(
            Disputes,
            disputes::LeastLateFee,
            4 * UNIT,
            pallet_disputes::LeastLateFee
        );
        used!(
            Disputes,
            disputes::LateFeeToChallenger,
            Perbill::from_percent(24),
            pallet_disputes::LateFeeToChallenger
        );
        used!(
            Disputes,
            disputes::ClockBlocks,
            31 * MINUTES,
            pallet_disputes::ClockBlocks
        );
        used!(
            Disputes,
            disputes::ChallengerClockBlocks,
            11 * MINUTES,
            pallet_disputes::ChallengerClockBlocks
        );
        used!(
            Disputes,
            disputes::LeastTurnBlocks,
            61,
            pallet_disputes::LeastTurnBlocks
        );
        used!(
            Disputes,
            disputes::ReopenBlocks,
            6 * MINUTES,
            pallet_disputes::ReopenBlocks
        );
        used!(
            Disputes,
            disputes::LateAnswerBlocks,
            23 * HOURS,
            pallet_disputes::LateAnswerBlocks
        );
        used!(
            Disputes,
            disputes::AwardBlocks,
            11 * HOURS,
            pallet_disputes::AwardBlocks
        );
        used!(
            Sessions,
            sessions::ClosingBlocks,
            31 * MINUTES,
            pallet_sessions::ClosingBlocks
        );
        used!(
            Sessions,
            sessions::MaxSessionBlocks,
            2 * DAYS,
            pallet_sessions::MaxSessionBlocks
        );
        used!(Sessions, sessions::MinLockPercent, 150, pallet_sessions::MinLockPercent);

        let cost = <Runtime as pallet_disputes::Config>::GameCost::convert;
        let before = cost(1_000_000_000) - cost(0);
        assert_ok!(set(change!(Disputes, disputes::WorkPrice, MILLIUNIT)));
        assert_eq!(cost(1_000_000_000) - cost(0), 2 * MILLIUNIT);
        assert_ne!(before, 2 * MILLIUNIT);
    });
}

#[test]
fn audits_use_their_parameters() {
    in_first_block(|| {
        used!(Audits, audits::AnswerBlocks, 16 * MINUTES, pallet_audits::AnswerBlocks);
        used!(Audits, audits::OpenBlocks, 11 * MINUTES, pallet_audits::OpenBlocks);
        used!(
            Audits,
            audits::AuditMissCost,
            Perbill::from_percent(11),
            pallet_audits::MissCost
        );
        assert_ok!(set(change!(Audits, audits::NewcomerShare, Perbill::from_percent(40))));
        assert_ok!(set(change!(Audits, audits::AuditShare, Perbill::from_percent(4))));
        assert_ok!(set(change!(Audits, audits::AuditWeight, 3_000)));
        assert_ok!(set(change!(Audits, audits::SecondShare, Perbill::from_percent(20))));
        assert_ok!(set(change!(Audits, audits::FullPrice, UNIT)));
        let rules = DrawRules {
            base: 40_000,
            newcomer: 400_000,
            weight: 3_000,
            second: 200_000,
            full_price: UNIT,
        };
        assert_eq!(<<Runtime as pallet_audits::Config>::Draw as Get<_>>::get(), rules);
        assert_ok!(set(change!(Audits, audits::Levy, Perbill::from_percent(6))));
        assert_ok!(set(change!(Audits, audits::AuditFee, 150)));
        let rules = LevyRules {
            levy: 60_000,
            fee: 1_500_000,
        };
        assert_eq!(<<Runtime as pallet_audits::Config>::Levy as Get<_>>::get(), rules);
        let above = change!(Audits, audits::AuditShare, Perbill::from_percent(41));
        let refused = Error::<Runtime>::Contradiction(ParameterName::AuditShare);
        assert_noop!(set(above), refused);
    });
}

#[test]
fn fees_deposits_time_and_decisions_use_their_parameters() {
    in_first_block(|| {
        used!(Time, time::FullShare, Perbill::from_percent(80), pallet_time::FullShare);
        used!(
            Time,
            time::LaneTarget,
            Perbill::from_percent(30),
            pallet_time::LaneTarget
        );
        used!(Time, time::LaneSpeed, Perbill::from_percent(20), pallet_time::LaneSpeed);
        used!(
            Governance,
            governance::EnactmentBlocks,
            2 * DAYS,
            pallet_governance::EnactmentBlocks
        );

        let weight = Weight::from_parts(1_000_000_000, 0);
        let before = TransactionPayment::weight_to_fee(weight);
        assert_ok!(set(change!(Fees, fees::FullCoreFee, 4 * UNIT)));
        assert_eq!(TransactionPayment::weight_to_fee(weight), 2 * before);
        let before = TransactionPayment::length_to_fee(100);
        assert_ok!(set(change!(Fees, fees::ByteFee, 3 * before / 100)));
        assert_eq!(TransactionPayment::length_to_fee(100), 3 * before);
        type Update = <Runtime as pallet_transaction_payment::Config>::FeeMultiplierUpdate;
        assert_ok!(set(change!(Fees, fees::TargetFullness, Perquintill::from_percent(30))));
        assert_ok!(set(change!(Fees, fees::FeeSpeed, FixedU128::from_rational(2, 10))));
        assert_ok!(set(change!(Fees, fees::MinimumMultiplier, FixedU128::from_u32(2))));
        assert_eq!(<Update as MultiplierUpdate>::target(), Perquintill::from_percent(30));
        assert_eq!(
            <Update as MultiplierUpdate>::variability(),
            FixedU128::from_rational(2, 10)
        );
        assert_eq!(<Update as MultiplierUpdate>::min(), FixedU128::from_u32(2));
    });
}

/// Amount that is held of Alice for a model.
fn deposit_of_a_model() -> Balance {
    let free = || polkadot_sdk::pallet_balances::Pallet::<Runtime>::free_balance(Alice.to_account_id());
    let before = free();
    let name = b"model".to_vec().try_into().expect("short");
    assert_ok!(Models::register(origin(Alice), name, execution().parts().clone()));
    before - free()
}

#[test]
fn a_models_deposit_follows_its_parameters() {
    let mut deposits = Vec::new();
    for change in [
        None,
        Some(change!(Models, models::DepositPerVersion, 100 * UNIT)),
        Some(change!(Models, models::DepositPerByte, MILLIUNIT)),
    ] {
        in_first_block(|| {
            if let Some(change) = change.clone() {
                assert_ok!(set(change));
            }
            deposits.push(deposit_of_a_model());
            assert_ok!(check_invariants());
        });
    }
    assert!(deposits[1] > deposits[0] + 99 * UNIT, "{deposits:?}");
    assert!(deposits[2] > 2 * deposits[0], "{deposits:?}");
}

/// For each parameter a value below and one above its range, where there is one.
fn beyond_the_ranges() -> Vec<(ParameterName, Vec<RuntimeParameters>)> {
    macro_rules! beyond {
        ($($part:ident, $module:ident :: $name:ident: $($value:expr),+;)*) => {
            vec![$((ParameterName::$name, vec![$(change!($part, $module::$name, $value)),+]),)*]
        };
    }
    let percent = Perbill::from_percent;
    let number = FixedU128::from_rational;
    beyond! {
        Market, market::MinDeadline: 9, HOURS + 1;
        Market, market::MaxDeadline: MINUTES - 1, 4 * HOURS + 1;
        Market, market::MinWindow: 9, HOURS + 1;
        Market, market::MaxWindow: HOURS - 1, DAYS + 1;
        Market, market::MinAuctionPhase: 1, 5 * MINUTES + 1;
        Market, market::MaxAuctionPhase: 5 * MINUTES - 1, HOURS + 1;
        Market, market::BidDeposit: MILLIUNIT - 1, 100 * UNIT + 1;
        Market, market::NonDeliverySlash: percent(0), percent(51);
        Market, market::DeclineSlash: percent(11);
        Market, market::MissCompensation: 10 * MILLIUNIT + 1;
        Workers, workers::MinStake: UNIT - 1, 1_000_000 * UNIT + 1;
        Workers, workers::StakeFloor: 100 * MILLIUNIT - 1, 1_000 * UNIT + 1;
        Workers, workers::StakePerPrice: number(99, 100), number(101, 1);
        Workers, workers::OfferDelay: 0, HOURS + 1;
        Workers, workers::RestBlocks: 0, HOURS + 1;
        Workers, workers::SlashDelay: HOURS - 1, 7 * DAYS + 1;
        Disputes, disputes::LeastBond: 0, 1_000 * UNIT + 1;
        Disputes, disputes::BondPerStake: percent(0), percent(26);
        Disputes, disputes::LostBondToWorker: percent(51);
        Disputes, disputes::FaultSlash: percent(9);
        Disputes, disputes::SlashToChallenger: percent(0), percent(51);
        Disputes, disputes::SlashToClient: percent(50);
        Disputes, disputes::LateFee: percent(51);
        Disputes, disputes::LeastLateFee: 1_000 * UNIT + 1;
        Disputes, disputes::LateFeeToChallenger: percent(51);
        Disputes, disputes::ClockBlocks: 5 * MINUTES - 1, 6 * HOURS + 1;
        Disputes, disputes::ChallengerClockBlocks: MINUTES - 1, 2 * HOURS + 1;
        Disputes, disputes::LeastTurnBlocks: 14, 15 * MINUTES + 1;
        Disputes, disputes::ReopenBlocks: MINUTES - 1, HOURS + 1;
        Disputes, disputes::LateAnswerBlocks: HOURS - 1, DAYS + 1;
        Disputes, disputes::AwardBlocks: 0, 6 * DAYS + 1;
        Disputes, disputes::WorkPrice: 0, UNIT + 1;
        Sessions, sessions::ClosingBlocks: 5 * MINUTES - 1, 6 * HOURS + 1;
        Sessions, sessions::MaxSessionBlocks: HOURS - 1, 2 * DAYS + 1;
        Sessions, sessions::MinLockPercent: 9, 1_001;
        Models, models::DepositPerVersion: 0, 1_000 * UNIT + 1;
        Models, models::DepositPerByte: UNIT;
        Fees, fees::FullCoreFee: 0, 1_000 * UNIT + 1;
        Fees, fees::ByteFee: 0, MILLIUNIT + 1;
        Fees, fees::TargetFullness: Perquintill::from_percent(4), Perquintill::from_percent(76);
        Fees, fees::FeeSpeed: number(1, 100), number(51, 100);
        Fees, fees::MinimumMultiplier: number(9, 100), number(101, 1);
        Time, time::FullShare: percent(49), percent(91);
        Time, time::LaneTarget: percent(4), percent(51);
        Time, time::LaneSpeed: percent(1), percent(51);
        Governance, governance::EnactmentBlocks: HOURS - 1, 14 * DAYS + 1;
    }
}

#[test]
fn a_value_outside_of_its_range_is_refused_with_the_parameters_name() {
    in_first_block(|| {
        let mut names = BTreeSet::new();
        for (name, changes) in beyond_the_ranges() {
            names.insert(name as u8);
            for change in changes {
                assert_eq!(ranges::name_of(&change), name);
                assert_noop!(set(change), Error::<Runtime>::OutOfRange(name));
            }
        }
        let all: BTreeSet<u8> = (0..=ParameterName::EnactmentBlocks as u8).collect();
        assert_eq!(names, all, "each parameter has a range");
    });
}

#[test]
fn a_value_that_breaks_a_rule_between_parameters_is_refused_with_the_name_and_changes_nothing() {
    in_first_block(|| {
        let refused = [
            change!(Market, market::MinDeadline, HOURS),
            change!(Market, market::DeclineSlash, Perbill::from_percent(10)),
            change!(Workers, workers::StakeFloor, 200 * UNIT),
            change!(Workers, workers::SlashDelay, 12 * HOURS),
            change!(Disputes, disputes::AwardBlocks, DAYS),
            change!(Disputes, disputes::SlashToClient, Perbill::from_percent(21)),
            change!(Disputes, disputes::LateFeeToChallenger, Perbill::from_percent(50)),
            change!(Disputes, disputes::LeastBond, 100 * MILLIUNIT),
            change!(Disputes, disputes::LateAnswerBlocks, HOURS),
            // Eight rounds of such games last longer than ten days.
            change!(Disputes, disputes::ClockBlocks, 6 * HOURS),
            change!(Fees, fees::FullCoreFee, 10 * MILLIUNIT),
        ];
        assert_ok!(set(change!(Market, market::MaxDeadline, HOURS - 1)));
        assert_ok!(set(change!(Market, market::NonDeliverySlash, Perbill::from_percent(9))));
        for change in refused {
            let name = ranges::name_of(&change);
            assert_noop!(set(change), Error::<Runtime>::Contradiction(name));
        }
        assert_ok!(rules::check());
    });
}

#[test]
fn nobody_but_governance_changes_a_parameter_and_nobody_past_its_range() {
    in_first_block(|| {
        let change = change!(Market, market::MinDeadline, 31);
        assert_noop!(
            Governance::set_parameter(origin(Alice), Box::new(change.clone())),
            DispatchError::BadOrigin
        );
        for by in [origin(Alice), RuntimeOrigin::root()] {
            assert_noop!(Parameters::set_parameter(by, change.clone()), DispatchError::BadOrigin);
        }
        assert_ok!(set(change));
        // The first value comes back.
        let reset = RuntimeParameters::Market(market::Parameters::MinDeadline(market::MinDeadline, None));
        assert_ok!(set(reset));
        assert_eq!(market::MinDeadline::get(), MINUTES);
    });
}
