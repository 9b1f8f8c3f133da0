//! A worker fails, and its locked stake pays.

use crate::{Error, Event, mock::*};
use assay_types::{NoOffer, Slashed, Unavailable, WorkerRegistry, WorkerStatus};
use polkadot_sdk::frame_support::{assert_noop, assert_ok};

/// Alice stakes 2,000, of which a job locks 600.
fn alice_has_a_job() {
    register(ALICE, 2_000);
    offer(ALICE, DIGITS, 50);
    assert_ok!(<Workers as WorkerRegistry<_, _>>::lock(&ALICE, 600));
}

#[test]
fn a_slash_pays_the_beneficiary_and_burns_the_rest() {
    story(|| {
        alice_has_a_job();
        let before = issuance();
        assert_eq!(
            Workers::slash(&ALICE, 500, &BOB, 200),
            Ok(Slashed { paid: 200, burned: 300 })
        );
        System::assert_last_event(
            Event::Slashed {
                worker: ALICE,
                paid: 200,
                burned: 300,
                beneficiary: BOB,
            }
            .into(),
        );
        assert_eq!(record(ALICE), Some((WorkerStatus::Active, 1_500, 100)));
        assert_eq!(held(ALICE), 1_500);
        assert_eq!(free(BOB), ENDOWMENT + 200);
        assert_eq!(issuance(), before - 300);
    });
}

#[test]
fn what_the_beneficiary_cannot_receive_is_burned() {
    story(|| {
        alice_has_a_job();
        let before = issuance();
        assert_eq!(
            Workers::slash(&ALICE, 500, &NOBODY, DUST - 1),
            Ok(Slashed { paid: 0, burned: 500 })
        );
        assert_eq!((free(NOBODY), issuance()), (0, before - 500));
        assert_eq!(
            Workers::slash(&ALICE, 100, &NOBODY, DUST),
            Ok(Slashed {
                paid: DUST,
                burned: 100 - DUST
            })
        );
        assert_eq!(free(NOBODY), DUST);
    });
}

#[test]
fn no_more_is_paid_than_is_slashed() {
    story(|| {
        alice_has_a_job();
        assert_eq!(
            Workers::slash(&ALICE, 500, &BOB, 9_999),
            Ok(Slashed { paid: 500, burned: 0 })
        );
        assert_eq!(
            Workers::slash(&ALICE, 100, &ALICE, 50),
            Ok(Slashed { paid: 50, burned: 50 })
        );
        assert_eq!(free(ALICE), ENDOWMENT - 2_000 + 50);
    });
}

#[test]
fn only_locked_stake_is_slashed() {
    story(|| {
        alice_has_a_job();
        assert_noop!(Workers::slash(&ALICE, 601, &BOB, 0), Error::<Test>::LockedStakeTooSmall);
        assert_noop!(Workers::slash(&BOB, 1, &ALICE, 0), Error::<Test>::NotRegistered);
    });
}

#[test]
fn unbonding_stake_is_not_slashed() {
    story(|| {
        alice_has_a_job();
        assert_ok!(Workers::unbond(signed(ALICE), 1_000));
        assert_ok!(Workers::slash(&ALICE, 600, &BOB, 0));
        assert_eq!(
            (record(ALICE), held(ALICE)),
            (Some((WorkerStatus::Active, 400, 0)), 1_400)
        );
        advance_to(1 + UNBONDING_BLOCKS);
        assert_ok!(Workers::withdraw(signed(ALICE)));
        assert_eq!(held(ALICE), 400);
    });
}

#[test]
fn below_the_least_stake_a_worker_gets_no_job_until_it_bonds_more() {
    story(|| {
        let cheapest = || <Workers as WorkerRegistry<_, _>>::cheapest(DIGITS, 100, &[]);
        alice_has_a_job();
        assert_ok!(Workers::unbond(signed(ALICE), 1_000));
        assert_ok!(Workers::slash(&ALICE, 100, &BOB, 0));
        assert_eq!(cheapest(), Err(NoOffer::AllBusy));
        assert_eq!(Workers::ensure_available(&ALICE, 1), Err(Unavailable::StakeTooSmall));
        assert_noop!(Workers::unbond(signed(ALICE), 1), Error::<Test>::RemainingStakeTooSmall);

        assert_ok!(Workers::bond_more(signed(ALICE), 100));
        assert_eq!(cheapest(), Ok((ALICE, 50)));
    });
}
