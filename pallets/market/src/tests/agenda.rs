//! The drain in `on_idle` and its permissionless twin.

use crate::{Agenda, AgendaCursor, Error, Event, Jobs, WeightInfo, mock::*};
use assay_types::{CloseReason, Phase};
use polkadot_sdk::{
    frame_support::{assert_noop, assert_ok, traits::Hooks, weights::Weight},
    pallet_balances,
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
        assert!(blocks > 2, "four settlements at most fit into one of these blocks");
        assert_eq!(AgendaCursor::<Test>::get(), now() - 1);
    });
}

#[test]
fn anyone_can_do_what_is_due() {
    TestExt::new().offer(CHEAP, 30, 5).execute_with(|| {
        let (first, second) = (submit(request(100)), submit(request(100)));
        claim(CHEAP, first);
        claim(CHEAP, second);
        let both = || vec![first, second];
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
        let is_set_aside = |job| Jobs::<Test>::get(job).is_some_and(|job| job.kept.set_aside);
        assert!(is_set_aside(broken));
        assert!(market_events().iter().any(|event| matches!(
            event,
            Event::StepFailed { job, error: DispatchError::Token(_) } if *job == broken
        )));
        overprice(broken, 30);
        assert_ok!(Market::advance(signed(THIRD), broken));
        assert_closed(broken, CloseReason::WindowPassed, Some(CHEAP), 30);
        assert_eq!(Agenda::<Test>::iter().count(), 0);
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
        // The price of five of the most expensive steps, which is that of seven missed deadlines.
        let each = <() as WeightInfo>::look().saturating_add(<() as WeightInfo>::step());
        let used = Market::on_idle(now(), each.saturating_mul(5));
        assert!(used.all_lte(each.saturating_mul(5)));
        let left = jobs.iter().filter(|job| phase(**job).is_some()).count();
        assert_eq!(left, 1);
    });
}

#[test]
fn jobs_that_are_submitted_together_have_one_page_of_the_agenda() {
    TestExt::new().offer(CHEAP, 1, 100).execute_with(|| {
        let requests = vec![request(1); 64];
        assert_ok!(Market::submit_batch(signed(CLIENT), requests));
        let pages = || Agenda::<Test>::iter().collect::<Vec<_>>();
        assert_eq!(pages(), [(now() + DEADLINE, 0, u64::MAX)]);
        let last = submit(request(1));
        assert_eq!(last, 64);
        assert_eq!(pages().len(), 2);
        claim(CHEAP, 63);
        assert!(pages().contains(&(now() + DEADLINE, 0, u64::MAX >> 1)));
        assert!(pages().contains(&(now() + WINDOW, 0, 1 << 63)));
        advance_past(now() + DEADLINE + WINDOW);
        assert!(pages().is_empty());
    });
}

#[test]
fn jobs_of_one_client_that_are_due_together_are_paid_for_together() {
    TestExt::new().offer(CHEAP, 30, 50).execute_with(|| {
        let jobs: Vec<_> = (0..5).map(|_| submit(request(100))).collect();
        jobs.iter().for_each(|job| claim(CHEAP, *job));
        without_idle_to(now() + WINDOW + 1);
        System::reset_events();
        let used = Market::on_idle(now(), Weight::MAX);
        let each = <() as WeightInfo>::settle().saturating_add(<() as WeightInfo>::look());
        assert!(used.all_lte(each.saturating_mul(5)));
        for job in jobs {
            assert_closed(job, CloseReason::WindowPassed, Some(CHEAP), 30);
        }
        let paid = System::events().into_iter().filter_map(|record| match record.event {
            RuntimeEvent::Balances(pallet_balances::Event::TransferOnHold { amount, .. }) => Some(amount),
            _ => None,
        });
        assert_eq!(paid.collect::<Vec<_>>(), [150]);
        assert_eq!((held_for_jobs(CLIENT), locked(CHEAP)), (0, 0));
        assert_eq!(Workers::worker_info(&CHEAP).map(|info| info.completed), Some(5));
    });
}
