//! A worker fails, and its locked stake pays.

use crate::{Error, Event, mock::*};
use assay_types::{NoOffer, Slashed, Unavailable, WorkerRegistry, WorkerStatus};
use polkadot_sdk::frame_support::{assert_noop, assert_ok};

/// Alice stakes 2,000, of which a job locks 600.
fn alice_has_a_job() {
    register(ALICE, 2_000);
    offer(ALICE, DIGITS, 50);
    assert_eq!(job(ALICE, 300), Ok(600));
}

/// Amount that a missed deadline costs Alice, for a job that locks `stake`.
fn alice_misses(stake: u64, beneficiary: u64, paid: u64, burned: u64) -> Slashed<u64> {
    let released = release(ALICE, stake, missed(beneficiary, paid, burned)).expect("so much is locked");
    released.slashed
}

#[test]
fn a_slash_pays_the_beneficiary_burns_the_rest_and_frees_what_it_leaves() {
    story(|| {
        alice_has_a_job();
        let before = issuance();
        assert_eq!(alice_misses(600, BOB, 200, 300), Slashed { paid: 200, burned: 300 });
        System::assert_last_event(
            Event::Slashed {
                worker: ALICE,
                paid: 200,
                burned: 300,
                beneficiary: BOB,
            }
            .into(),
        );
        assert_eq!(record(ALICE), Some((WorkerStatus::Active, 1_500, 0)));
        assert_eq!(held(ALICE), 1_500);
        assert_eq!(free(BOB), ENDOWMENT + 200);
        assert_eq!(issuance(), before - 300);
    });
}

#[test]
fn what_the_beneficiary_cannot_receive_is_burned() {
    story(|| {
        register(ALICE, 2_000);
        assert_eq!((job(ALICE, 250), job(ALICE, 50)), (Ok(500), Ok(100)));
        let before = issuance();
        assert_eq!(
            alice_misses(500, NOBODY, DUST - 1, 501 - DUST),
            Slashed { paid: 0, burned: 500 }
        );
        assert_eq!((free(NOBODY), issuance()), (0, before - 500));
        let all = Slashed {
            paid: DUST,
            burned: 100 - DUST,
        };
        assert_eq!(alice_misses(100, NOBODY, DUST, 100 - DUST), all);
        assert_eq!(free(NOBODY), DUST);
    });
}

#[test]
fn a_worker_can_be_its_own_beneficiary() {
    story(|| {
        alice_has_a_job();
        assert_eq!(alice_misses(600, ALICE, 50, 50), Slashed { paid: 50, burned: 50 });
        assert_eq!(free(ALICE), ENDOWMENT - 2_000 + 50);
    });
}

#[test]
fn only_what_a_job_locks_is_slashed() {
    story(|| {
        alice_has_a_job();
        let refused = Error::<Test>::LockedStakeTooSmall;
        assert_noop!(release(ALICE, 601, missed(BOB, 0, 1)), refused);
        let refused = Error::<Test>::LockedStakeTooSmall;
        assert_noop!(release(ALICE, 500, missed(BOB, 400, 101)), refused);
        assert_noop!(release(BOB, 1, missed(ALICE, 0, 1)), Error::<Test>::NoSuchJob);
    });
}

#[test]
fn unbonding_stake_is_not_slashed() {
    story(|| {
        alice_has_a_job();
        assert_ok!(Workers::unbond(signed(ALICE), 1_000));
        alice_misses(600, BOB, 0, 600);
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
fn below_the_minimum_stake_a_worker_gets_no_job_until_it_bonds_more() {
    story(|| {
        let cheapest = || <Workers as WorkerRegistry<_, _>>::cheapest(DIGITS, &wanted(0), 100, &[]);
        alice_has_a_job();
        assert_ok!(Workers::unbond(signed(ALICE), 1_000));
        alice_misses(600, BOB, 0, 100);
        assert_eq!(cheapest(), Err(NoOffer::AllBusy));
        assert_eq!(Workers::ensure_available(&ALICE, 1), Err(Unavailable::StakeTooSmall));
        assert_noop!(Workers::unbond(signed(ALICE), 1), Error::<Test>::RemainingStakeTooSmall);

        assert_ok!(Workers::bond_more(signed(ALICE), 100));
        assert_eq!(cheapest(), Ok((ALICE, 50)));
    });
}
