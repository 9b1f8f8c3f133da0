//! Stake comes in, unbonds and goes out.

use crate::{Error, Event, mock::*};
use assay_types::{WorkerStatus, limits::MAX_UNBONDING};
use polkadot_sdk::frame_support::{assert_noop, assert_ok, traits::Hooks};

#[test]
fn a_stake_is_held_in_full() {
    story(|| {
        register(ALICE, 5_000);
        System::assert_last_event(
            Event::Registered {
                worker: ALICE,
                stake: 5_000,
            }
            .into(),
        );
        assert_eq!((held(ALICE), free(ALICE)), (5_000, ENDOWMENT - 5_000));
        assert_ok!(Workers::bond_more(signed(ALICE), 500));
        System::assert_last_event(
            Event::Bonded {
                worker: ALICE,
                amount: 500,
            }
            .into(),
        );
        assert_eq!(held(ALICE), 5_500);
        assert_eq!(record(ALICE), Some((WorkerStatus::Active, 5_500, 0)));
    });
}

#[test]
fn a_stake_below_the_least_is_refused() {
    story(|| {
        assert_noop!(
            Workers::register(signed(ALICE), MIN_STAKE - 1),
            Error::<Test>::StakeTooSmall
        );
        assert_ok!(Workers::register(signed(ALICE), MIN_STAKE));
        assert_noop!(
            Workers::register(signed(ALICE), MIN_STAKE),
            Error::<Test>::AlreadyRegistered
        );
    });
}

#[test]
fn a_stake_above_the_balance_is_refused() {
    story(|| {
        // The existential deposit must stay free.
        assert_noop!(
            Workers::register(signed(ALICE), ENDOWMENT),
            Error::<Test>::InsufficientFunds
        );
        assert_noop!(
            Workers::register(signed(NOBODY), MIN_STAKE),
            Error::<Test>::InsufficientFunds
        );
        assert_ok!(Workers::register(signed(ALICE), ENDOWMENT - DUST));
        assert_noop!(Workers::bond_more(signed(ALICE), 1), Error::<Test>::InsufficientFunds);
    });
}

#[test]
fn nothing_cannot_be_bonded_or_unbonded() {
    story(|| {
        register(ALICE, MIN_STAKE);
        assert_noop!(Workers::bond_more(signed(ALICE), 0), Error::<Test>::ZeroAmount);
        assert_noop!(Workers::unbond(signed(ALICE), 0), Error::<Test>::ZeroAmount);
    });
}

#[test]
fn who_is_no_worker_is_told_so() {
    story(|| {
        assert_noop!(Workers::bond_more(signed(BOB), 1), Error::<Test>::NotRegistered);
        assert_noop!(Workers::unbond(signed(BOB), 1), Error::<Test>::NotRegistered);
        assert_noop!(Workers::withdraw(signed(BOB)), Error::<Test>::NotRegistered);
        assert_noop!(
            Workers::publish_offer(signed(BOB), DIGITS, at(1), 1),
            Error::<Test>::NotRegistered
        );
        assert_noop!(Workers::pause(signed(BOB)), Error::<Test>::NotRegistered);
        assert_noop!(Workers::leave(signed(BOB)), Error::<Test>::NotRegistered);
    });
}

#[test]
fn unbonded_stake_is_held_until_its_time_has_come() {
    story(|| {
        register(ALICE, 5_000);
        advance_to(3);
        let until = 3 + UNBONDING_BLOCKS;
        assert_ok!(Workers::unbond(signed(ALICE), 1_500));
        System::assert_last_event(
            Event::Unbonding {
                worker: ALICE,
                amount: 1_500,
                until,
            }
            .into(),
        );
        assert_eq!(record(ALICE), Some((WorkerStatus::Active, 3_500, 0)));
        assert_eq!(held(ALICE), 5_000);

        advance_to(until - 1);
        assert_noop!(Workers::withdraw(signed(ALICE)), Error::<Test>::NothingToWithdraw);
        advance_to(until);
        assert_ok!(Workers::withdraw(signed(ALICE)));
        System::assert_last_event(
            Event::Withdrawn {
                worker: ALICE,
                amount: 1_500,
            }
            .into(),
        );
        assert_eq!((held(ALICE), free(ALICE)), (3_500, ENDOWMENT - 3_500));
        assert_noop!(Workers::withdraw(signed(ALICE)), Error::<Test>::NothingToWithdraw);
    });
}

#[test]
fn the_least_stake_stays() {
    story(|| {
        register(ALICE, MIN_STAKE + 100);
        assert_noop!(
            Workers::unbond(signed(ALICE), 101),
            Error::<Test>::RemainingStakeTooSmall
        );
        assert_ok!(Workers::unbond(signed(ALICE), 100));
    });
}

#[test]
fn locked_stake_does_not_unbond() {
    story(|| {
        register(ALICE, 5_000);
        assert_eq!(bid(ALICE, 1_500), Ok(3_000));
        assert_noop!(Workers::unbond(signed(ALICE), 2_001), Error::<Test>::FreeStakeTooSmall);
        assert_noop!(Workers::unbond(signed(ALICE), 9_999), Error::<Test>::FreeStakeTooSmall);
        assert_ok!(Workers::unbond(signed(ALICE), 2_000));
    });
}

#[test]
fn pieces_are_bounded_and_those_of_one_block_are_one() {
    story(|| {
        register(ALICE, 50_000);
        let unbond = || Workers::unbond(signed(ALICE), 10);
        for block in 1..=u64::from(MAX_UNBONDING) {
            advance_to(block);
            assert_ok!(unbond());
            assert_ok!(unbond());
        }
        advance_to(u64::from(MAX_UNBONDING) + 1);
        assert_noop!(unbond(), Error::<Test>::TooManyUnbonding);

        advance_to(2 + UNBONDING_BLOCKS);
        assert_ok!(Workers::withdraw(signed(ALICE)));
        System::assert_last_event(
            Event::Withdrawn {
                worker: ALICE,
                amount: 40,
            }
            .into(),
        );
        assert_ok!(unbond());
    });
}

#[test]
fn stake_unbonds_for_longer_than_every_job() {
    story(<Workers as Hooks<u64>>::integrity_test);
}

#[test]
#[should_panic(expected = "UnbondingBlocks must be longer")]
fn an_unbonding_shorter_than_a_job_is_caught() {
    story(|| {
        LongestJob::set(UNBONDING_BLOCKS);
        <Workers as Hooks<u64>>::integrity_test();
    });
}

#[test]
fn stake_does_not_unbond_in_blocks_that_others_fill() {
    story(|| {
        register(ALICE, 5_000);
        assert_ok!(Workers::unbond(signed(ALICE), 1_000));
        let (_, until) = Workers::worker_info(&ALICE).expect("is registered").unbonding[0];
        advance_to(10 * until);
        FullBlocks::set(9 * until + 1);
        assert_noop!(Workers::withdraw(signed(ALICE)), Error::<Test>::NothingToWithdraw);
        advance_to(10 * until + 1);
        assert_ok!(Workers::withdraw(signed(ALICE)));
    });
}
