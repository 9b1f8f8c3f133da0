//! A fault is proved: the slash waits, and is applied or cancelled.

use crate::{Error, Event, NextToMature, PendingSlashes, WeightInfo, Workers as Records, mock::*};
use assay_types::{NoOffer, Outcome, Penalty, Slashed, Unavailable, WorkerRegistry, WorkerStatus};
use polkadot_sdk::{
    frame_support::{assert_noop, assert_ok, traits::Hooks, weights::Weight},
    sp_runtime::{DispatchError, Perbill},
};

const AWARDS: [(u64, u64); 2] = [(BOB, 200), (CHARLIE, 50)];

/// Alice stakes 2,000, of which jobs lock 600.
fn alice_has_work() {
    register(ALICE, 2_000);
    offer(ALICE, DIGITS, 50);
    claimed(ALICE, 300);
}

/// `worker` has claimed a job of this price, which locks twice as much.
fn claimed(worker: u64, price: u64) {
    assert_eq!(job(worker, price), Ok(2 * price));
    assert_ok!(release(worker, 2 * price, Outcome::Claimed));
}

/// Alice is convicted for a job that locks `amount`, which is what she loses.
fn convict(amount: u64, awards: [(u64, u64); 2]) -> u64 {
    let penalty = convict_for(amount, 0, awards);
    assert_eq!(penalty.amount, amount);
    penalty.slash
}

/// Alice is convicted for a job that locks `amount`, and loses at least this many hundredths of her stake.
fn convict_for(amount: u64, percent: u32, awards: [(u64, u64); 2]) -> Penalty<u64> {
    let share = Perbill::from_percent(percent);
    let released = release(ALICE, amount, Outcome::Convicted { share, awards }).expect("so much is locked");
    released.pending.expect("a conviction is pending")
}

fn slashing(worker: u64) -> (u64, u64) {
    Workers::worker(worker).map_or((0, 0), |info| (info.slashing, info.convicted))
}

#[test]
fn a_pending_slash_secures_nothing_and_stays_held() {
    story(|| {
        alice_has_work();
        let before = issuance();
        let slash = convict(500, AWARDS);
        System::assert_last_event(
            Event::SlashPending {
                slash,
                worker: ALICE,
                amount: 500,
                matures_at: 1 + SLASH_DELAY,
            }
            .into(),
        );
        assert_eq!(record(ALICE), Some((WorkerStatus::Paused, 1_500, 100)));
        assert_eq!((held(ALICE), slashing(ALICE)), (2_000, (500, 1)));
        assert_eq!((free(BOB), issuance()), (ENDOWMENT, before));
        assert_noop!(
            Workers::unbond(signed(ALICE), 501),
            Error::<Test>::RemainingStakeTooSmall
        );
    });
}

#[test]
fn a_mature_slash_pays_its_awards_and_burns_the_rest() {
    story(|| {
        alice_has_work();
        let before = issuance();
        let slash = convict(500, AWARDS);
        idle_to(SLASH_DELAY);
        assert_eq!(slashing(ALICE), (500, 1));
        idle_to(1 + SLASH_DELAY);
        System::assert_last_event(
            Event::SlashApplied {
                slash,
                worker: ALICE,
                burned: 250,
                awards: AWARDS,
            }
            .into(),
        );
        assert_eq!((held(ALICE), slashing(ALICE)), (1_500, (0, 1)));
        assert_eq!((free(BOB), free(CHARLIE)), (ENDOWMENT + 200, ENDOWMENT + 50));
        assert_eq!(issuance(), before - 250);
        assert!(!PendingSlashes::<Test>::contains_key(slash));
    });
}

#[test]
fn awards_are_paid_in_their_order_as_far_as_the_slash_goes() {
    story(|| {
        alice_has_work();
        convict(100, [(BOB, 70), (CHARLIE, 70)]);
        convict(100, [(NOBODY, DUST - 1), (CHARLIE, 100)]);
        convict(100, [(ALICE, 40), (ALICE, 0)]);
        let before = issuance();
        idle_to(1 + SLASH_DELAY);
        assert_eq!((free(BOB), free(CHARLIE)), (ENDOWMENT + 70, ENDOWMENT + 30 + 100));
        assert_eq!((free(NOBODY), free(ALICE)), (0, ENDOWMENT - 2_000 + 40));
        assert_eq!(issuance(), before - 60);
    });
}

#[test]
fn anyone_can_apply_a_mature_slash_and_only_once() {
    story(|| {
        alice_has_work();
        let slash = convict(500, AWARDS);
        advance_to(SLASH_DELAY);
        assert_noop!(Workers::apply_slash(signed(BOB), slash), Error::<Test>::SlashNotMature);
        advance_to(100 * SLASH_DELAY);
        assert_ok!(Workers::apply_slash(signed(BOB), slash));
        assert_eq!((held(ALICE), free(BOB)), (1_500, ENDOWMENT + 200));
        assert_noop!(Workers::apply_slash(signed(BOB), slash), Error::<Test>::NoSuchSlash);
        idle_to(101 * SLASH_DELAY);
        assert_eq!((held(ALICE), NextToMature::<Test>::get()), (1_500, slash + 1));
    });
}

#[test]
fn a_cancelled_slash_goes_back_to_the_stake() {
    story(|| {
        alice_has_work();
        let before = issuance();
        let slash = convict(500, AWARDS);
        assert_noop!(Workers::cancel_slash(signed(ALICE), slash), DispatchError::BadOrigin);
        advance_to(SLASH_DELAY);
        assert_ok!(Workers::cancel_slash(RuntimeOrigin::root(), slash));
        System::assert_last_event(
            Event::SlashCancelled {
                slash,
                worker: ALICE,
                amount: 500,
            }
            .into(),
        );
        assert_eq!(record(ALICE), Some((WorkerStatus::Paused, 2_000, 100)));
        assert_eq!((held(ALICE), slashing(ALICE), issuance()), (2_000, (0, 0), before));
        assert_noop!(
            Workers::cancel_slash(RuntimeOrigin::root(), slash),
            Error::<Test>::NoSuchSlash
        );
    });
}

#[test]
fn a_mature_slash_is_not_cancelled_however_late_it_is_applied() {
    story(|| {
        alice_has_work();
        let slash = convict(500, AWARDS);
        advance_to(1 + SLASH_DELAY);
        assert_noop!(
            Workers::cancel_slash(RuntimeOrigin::root(), slash),
            Error::<Test>::SlashMature
        );
    });
}

#[test]
fn slashes_behind_a_cancelled_one_are_applied_in_order() {
    story(|| {
        alice_has_work();
        let first = convict(100, AWARDS);
        advance_to(2);
        let second = convict(100, AWARDS);
        advance_to(3);
        let third = convict(100, AWARDS);
        assert_ok!(Workers::cancel_slash(RuntimeOrigin::root(), second));
        idle_to(1 + SLASH_DELAY);
        assert_eq!((slashing(ALICE).0, NextToMature::<Test>::get()), (100, third));
        idle_to(3 + SLASH_DELAY);
        assert_eq!((slashing(ALICE), NextToMature::<Test>::get()), ((0, 2), third + 1));
        assert_eq!(first, 0);
    });
}

#[test]
fn what_a_block_has_no_weight_for_is_applied_in_a_later_one() {
    story(|| {
        alice_has_work();
        for _ in 0..4 {
            convict(100, AWARDS);
        }
        advance_to(1 + SLASH_DELAY);
        assert_eq!(Workers::on_idle(1 + SLASH_DELAY, Weight::zero()), Weight::zero());
        assert_eq!(slashing(ALICE).0, 400);
        let two = <() as WeightInfo>::look_at_slash()
            .saturating_add(<() as WeightInfo>::apply_slash())
            .saturating_mul(2);
        for left in [200, 0] {
            assert!(Workers::on_idle(1 + SLASH_DELAY, two).all_lte(two));
            assert_eq!(slashing(ALICE).0, left);
        }
    });
}

#[test]
fn a_slash_that_fails_keeps_no_other_from_its_own() {
    story(|| {
        alice_has_work();
        let broken = convict(100, AWARDS);
        let sound = convict(200, AWARDS);
        // More than is held cannot be paid: state that no call can bring about.
        let amount = |amount| PendingSlashes::<Test>::mutate_extant(broken, |pending| pending.amount = amount);
        amount(1_000_000);
        idle_to(1 + SLASH_DELAY);
        assert!(System::events().iter().any(|record| matches!(
            record.event,
            RuntimeEvent::Workers(Event::SlashFailed { slash, .. }) if slash == broken
        )));
        assert!(!PendingSlashes::<Test>::contains_key(sound));
        amount(100);
        assert_ok!(Workers::apply_slash(signed(BOB), broken));
        assert_eq!((held(ALICE), slashing(ALICE).0), (1_700, 0));
    });
}

#[test]
fn who_leaves_under_a_slash_is_remembered_until_it_is_applied() {
    story(|| {
        alice_has_work();
        convict(600, AWARDS);
        assert_ok!(Workers::leave(signed(ALICE)));
        assert_eq!(record(ALICE), Some((WorkerStatus::Left, 0, 0)));
        assert_eq!(held(ALICE), 2_000);
        advance_to(1 + UNBONDING_BLOCKS);
        assert_ok!(Workers::withdraw(signed(ALICE)));
        assert_eq!((held(ALICE), slashing(ALICE).0), (600, 600));
        idle_to(2 + UNBONDING_BLOCKS);
        assert!(!Records::<Test>::contains_key(ALICE));
        assert_eq!((held(ALICE), free(ALICE)), (0, ENDOWMENT - 600));
    });
}

#[test]
fn who_lost_everything_under_a_slash_is_remembered_too() {
    story(|| {
        register(ALICE, MIN_STAKE);
        claimed(ALICE, MIN_STAKE / 2);
        let slash = convict(MIN_STAKE, AWARDS);
        assert_ok!(Workers::leave(signed(ALICE)));
        assert_eq!(record(ALICE), Some((WorkerStatus::Left, 0, 0)));
        assert_ok!(Workers::cancel_slash(RuntimeOrigin::root(), slash));
        assert!(!Records::<Test>::contains_key(ALICE));
        assert_eq!((held(ALICE), free(ALICE)), (0, ENDOWMENT));
    });
}

#[test]
fn who_returned_under_a_slash_has_its_stake_again_when_it_is_cancelled() {
    story(|| {
        alice_has_work();
        let slash = convict(600, AWARDS);
        assert_ok!(Workers::leave(signed(ALICE)));
        register(ALICE, MIN_STAKE);
        assert_eq!(slashing(ALICE).0, 600);
        assert_ok!(Workers::cancel_slash(RuntimeOrigin::root(), slash));
        assert_eq!(record(ALICE), Some((WorkerStatus::Active, MIN_STAKE + 600, 0)));
    });
}

#[test]
fn no_more_than_is_locked_is_ever_pending() {
    story(|| {
        alice_has_work();
        let share = Perbill::zero();
        let convict = |worker, amount| release(worker, amount, Outcome::Convicted { share, awards: AWARDS });
        assert_noop!(convict(ALICE, 601), Error::<Test>::LockedStakeTooSmall);
        assert_noop!(convict(BOB, 1), Error::<Test>::NotRegistered);
        assert_ok!(convict(ALICE, 600));
        assert_noop!(convict(ALICE, 1), Error::<Test>::LockedStakeTooSmall);
    });
}

#[test]
fn below_the_least_stake_or_under_a_slash_a_worker_is_not_secure() {
    story(|| {
        let secure = || {
            let least = <Workers as WorkerRegistry<_, _>>::min_stake();
            <Workers as WorkerRegistry<_, _>>::is_secure(&ALICE, least)
        };
        assert!(!secure());
        alice_has_work();
        assert!(secure());
        assert_ok!(Workers::unbond(signed(ALICE), 900));
        let slash = convict(101, AWARDS);
        assert!(!secure());
        let cheapest = <Workers as WorkerRegistry<_, _>>::cheapest(DIGITS, &wanted(0), 100, &[]);
        assert_eq!(cheapest, Err(NoOffer::AllBusy));
        assert_ok!(Workers::cancel_slash(RuntimeOrigin::root(), slash));
        assert!(secure());
    });
}

#[test]
fn a_fault_costs_a_share_of_the_whole_stake_and_at_least_the_lock() {
    story(|| {
        alice_has_work();
        assert_eq!(convict_for(200, 50, AWARDS).amount, 1_000);
        assert_eq!(record(ALICE), Some((WorkerStatus::Paused, 1_000, 400)));
        assert_eq!(convict_for(300, 10, AWARDS).amount, 300);
        assert_eq!((held(ALICE), slashing(ALICE)), (2_000, (1_300, 2)));
    });
}

#[test]
fn what_other_jobs_lock_is_covered_as_far_as_the_stake_goes() {
    story(|| {
        alice_has_work();
        let before = issuance();
        assert_eq!(convict_for(100, 90, AWARDS).amount, 1_800);
        // 500 are locked, and 200 are left.
        assert_eq!(record(ALICE), Some((WorkerStatus::Paused, 200, 500)));
        let late = release(
            ALICE,
            300,
            Outcome::Late {
                beneficiary: BOB,
                cost: Slashed { paid: 50, burned: 70 },
            },
        );
        let late = late.expect("so much is locked");
        assert_eq!((late.locked, late.slashed), (180, Slashed { paid: 50, burned: 70 }));
        assert_eq!(record(ALICE), Some((WorkerStatus::Paused, 80, 380)));
        assert_eq!(convict_for(200, 50, AWARDS).amount, 80);
        assert_ok!(release(ALICE, 180, Outcome::Unpaid));
        assert_eq!(record(ALICE), Some((WorkerStatus::Paused, 0, 0)));
        assert_eq!((free(BOB), issuance()), (ENDOWMENT + 50, before - 70));
    });
}

#[test]
fn a_convicted_worker_takes_no_jobs_until_its_slash_is_applied_or_cancelled() {
    story(|| {
        alice_has_work();
        let (first, second) = (convict(100, AWARDS), convict(100, AWARDS));
        assert_eq!(job(ALICE, 1), Err(Unavailable::NotActive));
        assert_noop!(Workers::resume(signed(ALICE)), Error::<Test>::SlashIsPending);
        assert_ok!(Workers::cancel_slash(RuntimeOrigin::root(), first));
        assert_noop!(Workers::resume(signed(ALICE)), Error::<Test>::SlashIsPending);
        advance_to(1 + SLASH_DELAY);
        assert_ok!(Workers::apply_slash(signed(BOB), second));
        assert_ok!(Workers::resume(signed(ALICE)));
        assert_ok!(job(ALICE, 1));
    });
}

#[test]
fn who_returns_under_a_slash_takes_no_jobs_either() {
    story(|| {
        alice_has_work();
        convict(600, AWARDS);
        assert_ok!(Workers::leave(signed(ALICE)));
        register(ALICE, MIN_STAKE);
        assert_eq!(job(ALICE, 1), Err(Unavailable::NotActive));
        idle_to(1 + SLASH_DELAY);
        assert_ok!(job(ALICE, 1));
    });
}

#[test]
fn awards_are_set_anew_until_the_slash_is_mature() {
    story(|| {
        alice_has_work();
        let slash = convict(500, AWARDS);
        let award = |awards| <Workers as WorkerRegistry<_, _>>::award(slash, awards);
        assert_ok!(award([(CHARLIE, 100), (BOB, 0)]));
        advance_to(1 + SLASH_DELAY);
        assert_noop!(award(AWARDS), Error::<Test>::SlashMature);
        idle_to(1 + SLASH_DELAY);
        assert_eq!((free(BOB), free(CHARLIE)), (ENDOWMENT, ENDOWMENT + 100));
        assert_noop!(award(AWARDS), Error::<Test>::NoSuchSlash);
    });
}
