//! The drain in `on_idle` and its permissionless twin.

use crate::{AgendaCursor, Error, Event, SetAside, WeightInfo, mock::*};
use assay_types::{CloseReason, Phase};
use polkadot_sdk::{
    frame_support::{assert_noop, assert_ok, traits::Hooks, weights::Weight},
    sp_runtime::DispatchError,
};

#[test]
fn a_block_without_weight_left_does_nothing() {
    TestExt::new().offer(CHEAP, 30, 5).execute_with(|| {
        let job = submit(request(100));
        claim(CHEAP, job);
        without_idle_to(now() + WINDOW + 1);
        assert_eq!(Market::on_idle(now(), Weight::zero()), Weight::zero());
        assert_eq!(phase(job), Some(Phase::Claimed));
    });
}

#[test]
fn a_late_agenda_is_caught_up_over_several_blocks() {
    TestExt::new().offer(CHEAP, 30, 50).execute_with(|| {
        let jobs: Vec<_> = (0..10).map(|_| submit(request(30))).collect();
        jobs.iter().for_each(|job| claim(CHEAP, *job));
        without_idle_to(now() + WINDOW + 1);
        let mut blocks = 0;
        while jobs.iter().any(|job| phase(*job).is_some()) {
            let limit = <() as WeightInfo>::settle().saturating_mul(3);
            let used = Market::on_idle(now(), limit);
            assert!(used.all_lte(limit));
            blocks += 1;
            without_idle_to(now() + 1);
            assert!(blocks < 100, "the agenda must come to an end");
        }
        assert!(blocks > 3, "three settlements at most fit into one of these blocks");
        assert_eq!(AgendaCursor::<Test>::get(), now() - 1);
    });
}

#[test]
fn anyone_can_do_what_is_due() {
    TestExt::new().offer(CHEAP, 30, 5).execute_with(|| {
        let (first, second) = (submit(request(100)), submit(request(100)));
        claim(CHEAP, first);
        claim(CHEAP, second);
        let both = || vec![first, second].try_into().expect("short");
        assert_noop!(Market::advance_batch(signed(THIRD), both()), Error::<Test>::NotDue);
        without_idle_to(now() + WINDOW + 1);
        assert_ok!(Market::advance_batch(signed(THIRD), both()));
        assert_closed(first, CloseReason::WindowPassed, Some(CHEAP), 30);
        assert_closed(second, CloseReason::WindowPassed, Some(CHEAP), 30);
    });
}

#[test]
fn a_very_late_auction_is_brought_up_to_date_in_one_call() {
    TestExt::new().worker(CHEAP).execute_with(|| {
        let job = submit(auction(100));
        commit(CHEAP, job, 40);
        without_idle_to(now() + 10 * (BIDDING + REVEAL));
        assert_ok!(Market::advance(signed(THIRD), job));
        assert_closed(job, CloseReason::NoBidRevealed, None, 0);
    });
}

#[test]
fn a_step_that_fails_is_set_aside_and_keeps_no_other_from_its_own() {
    TestExt::new().offer(CHEAP, 30, 5).execute_with(|| {
        let (broken, sound) = (submit(request(100)), submit(request(100)));
        claim(CHEAP, broken);
        claim(CHEAP, sound);
        // A price above what is held cannot be paid: state that no call can bring about.
        overprice(broken, 1_000_000);
        without_idle_to(now() + WINDOW + 1);
        Market::on_idle(now(), Weight::MAX);
        assert_closed(sound, CloseReason::WindowPassed, Some(CHEAP), 30);
        assert!(SetAside::<Test>::contains_key(broken));
        assert!(market_events().iter().any(|event| matches!(
            event,
            Event::StepFailed { job, error: DispatchError::Token(_) } if *job == broken
        )));
        overprice(broken, 30);
        assert_ok!(Market::advance(signed(THIRD), broken));
        assert_closed(broken, CloseReason::WindowPassed, Some(CHEAP), 30);
        assert!(!SetAside::<Test>::contains_key(broken));
    });
}

#[test]
fn a_step_is_charged_for_what_it_is() {
    TestExt::new().offer(CHEAP, 30, 5).execute_with(|| {
        let charged = |job| {
            let charged = Market::advance(signed(THIRD), job).expect("it is due");
            charged.actual_weight.expect("it is known")
        };
        let claimed = submit(request(100));
        claim(CHEAP, claimed);
        without_idle_to(now() + WINDOW + 1);
        assert_eq!(charged(claimed), <() as WeightInfo>::settle());
        let missed = submit(request(100));
        without_idle_to(now() + DEADLINE + 1);
        assert_eq!(charged(missed), <() as WeightInfo>::miss());
        let auctioned = submit(auction(100));
        commit(CHEAP, auctioned, 40);
        without_idle_to(now() + BIDDING + 1);
        assert_eq!(
            charged(auctioned),
            <() as WeightInfo>::settle(),
            "the reveals are opened"
        );
        without_idle_to(now() + REVEAL);
        assert_eq!(charged(auctioned), <() as WeightInfo>::close_auction(1));
    });
}

#[test]
fn what_a_step_does_not_use_is_there_for_others() {
    TestExt::new().offer(CHEAP, 30, 50).execute_with(|| {
        let jobs: Vec<_> = (0..8).map(|_| submit(request(30))).collect();
        advance_to(now() + DEADLINE);
        without_idle_to(now() + 1);
        // Five missed deadlines at the price of the most expensive step.
        let each = <() as WeightInfo>::look().saturating_add(<() as WeightInfo>::step());
        let used = Market::on_idle(now(), each.saturating_mul(5));
        assert!(used.all_lte(each.saturating_mul(5)));
        let left = jobs.iter().filter(|job| phase(**job).is_some()).count();
        assert_eq!(left, 2);
    });
}
