//! Disputed claims, and workers whose stake no longer secures what they have.

use crate::{AgendaCursor, Error, Event, Inputs, Outputs, mock::*};
use assay_types::{ClaimInfo, Claims, CloseReason, Delivery, H256, NotChallengeable, Outcome, Phase, Slashed, WhyNot};
use polkadot_sdk::{
    frame_support::{assert_noop, assert_ok, traits::Get},
    sp_runtime::Perbill,
};

const AWARDS: [(u64, u64); 2] = [(THIRD, 100), (CLIENT, 50)];
/// No share of the stake: a fault costs what the job locks.
const NONE: Perbill = Perbill::zero();

/// Slashes so much of the cheap worker's stake for an earlier fault that less than the least is left.
fn ruin() {
    let burned = stake(CHEAP) - 999;
    // A job locks ten times its price.
    let lost = lose(CHEAP, burned.div_ceil(10), |_| Outcome::Missed {
        beneficiary: CLIENT,
        cost: Slashed { paid: 0, burned },
    });
    assert_ok!(lost);
}

#[test]
fn a_claim_is_shown_while_its_window_is_open() {
    TestExt::new().offer(CHEAP, 30, 5).execute_with(|| {
        assert_eq!(Market::claimed(7), Err(NotChallengeable::UnknownJob));
        let job = submit(request(100));
        assert_eq!(Market::claimed(job), Err(NotChallengeable::NotClaimed));
        claim(CHEAP, job);
        let shown = Market::claimed(job).expect("its window is open");
        assert_eq!(
            shown,
            ClaimInfo {
                client: CLIENT,
                worker: CHEAP,
                model: MODEL,
                model_root: root(),
                definition: shown.definition,
                input_digest: shown.input_digest,
                output_digest: H256::repeat_byte(2),
                locked: lock(30),
                price: 30,
                work: 1_000_000_000,
            }
        );
        without_idle_to(now() + WINDOW);
        assert!(Market::claimed(job).is_ok());
    });
}

#[test]
fn a_claim_that_is_settled_late_is_not_challenged_any_more() {
    TestExt::new().offer(CHEAP, 30, 5).execute_with(|| {
        let job = submit(request(100));
        claim(CHEAP, job);
        without_idle_to(now() + WINDOW + 1);
        assert_eq!(Market::claimed(job), Err(NotChallengeable::WindowPassed));
        assert_noop!(Market::dispute(job), Error::<Test>::WindowPassed);
    });
}

#[test]
fn only_a_claim_is_disputed_and_only_a_disputed_one_is_judged() {
    TestExt::new().offer(CHEAP, 30, 5).execute_with(|| {
        let job = submit(request(100));
        assert_noop!(Market::dispute(job), Error::<Test>::NotClaimed);
        assert_noop!(Market::dispute(job + 1), Error::<Test>::UnknownJob);
        claim(CHEAP, job);
        assert_noop!(Market::uphold(job, 0), Error::<Test>::NotDisputed);
        assert_noop!(Market::convict(job, NONE, AWARDS), Error::<Test>::NotDisputed);
        assert_ok!(Market::dispute(job));
        assert_ok!(Market::dispute(job));
        let events = market_events();
        let disputed = Event::ClaimDisputed { job, worker: CHEAP };
        assert_eq!(events.iter().filter(|event| **event == disputed).count(), 1);
    });
}

#[test]
fn a_disputed_job_is_neither_settled_nor_accepted_nor_forgotten() {
    TestExt::new().offer(CHEAP, 30, 5).execute_with(|| {
        let job = submit(Request {
            delivery: Delivery::Inline,
            ..request(100)
        });
        let output = inline_claim(job, 1);
        assert_ok!(make(CHEAP, output.clone()));
        assert_ok!(Market::dispute(job));
        advance_to(now() + 10 * WINDOW);
        assert_eq!(phase(job), Some(Phase::Disputed));
        assert!(Market::claimed(job).is_ok());
        assert_noop!(Market::accept(signed(CLIENT), job), Error::<Test>::UnderDispute);
        assert_noop!(Market::advance(signed(THIRD), job), Error::<Test>::UnderDispute);
        assert_noop!(Market::reassign(signed(THIRD), job), Error::<Test>::AlreadyClaimed);
        assert_noop!(Market::decline(signed(CHEAP), job), Error::<Test>::AlreadyClaimed);
        assert_noop!(
            Market::claim(signed(DEAR), digest_claim(job)),
            Error::<Test>::AssignedToAnother
        );
        assert_eq!((held_for_jobs(CLIENT), locked(CHEAP)), (100, lock(30)));
        assert_eq!(Outputs::<Test>::get(job).map(|kept| kept.into_inner()), output.output);
        assert!(Inputs::<Test>::contains_key(job));
        let why = |worker| Market::why_not(&worker, Workers::worker_info(&worker), job);
        assert_eq!(why(CHEAP), WhyNot::UnderDispute);
        assert_eq!(why(DEAR), WhyNot::NotRegistered);
        assert_eq!(Market::jobs_of(&CHEAP, None, 10).entries.len(), 1);
    });
}

#[test]
fn a_claim_upheld_in_its_window_is_settled_when_it_would_have_been() {
    TestExt::new().offer(CHEAP, 30, 5).execute_with(|| {
        let job = submit(request(100));
        claim(CHEAP, job);
        let window_until = now() + WINDOW;
        assert_ok!(Market::dispute(job));
        advance_to(now() + 2);
        assert_ok!(Market::uphold(job, 0));
        assert!(market_events().contains(&Event::ClaimUpheld {
            job,
            worker: CHEAP,
            window_until
        }));
        advance_to(window_until);
        assert_eq!(phase(job), Some(Phase::Claimed));
        advance_to(window_until + 1);
        assert_closed(job, CloseReason::WindowPassed, Some(CHEAP), 30);
    });
}

#[test]
fn a_claim_upheld_after_its_window_can_be_challenged_once_more_and_is_settled() {
    TestExt::new().offer(CHEAP, 30, 5).execute_with(|| {
        let (at_once, later) = (disputed(request(100)), disputed(request(100)));
        advance_to(now() + 3 * WINDOW);
        assert!(AgendaCursor::<Test>::get() >= now());
        assert_ok!(Market::uphold(at_once, 0));
        assert_ok!(Market::uphold(later, now() + 2));
        assert_ok!(Market::dispute(at_once));
        assert_ok!(Market::uphold(at_once, 0));
        advance_to(now() + 1);
        assert_closed(at_once, CloseReason::WindowPassed, Some(CHEAP), 30);
        assert!(Market::claimed(later).is_ok());
        advance_to(now() + 2);
        assert_closed(later, CloseReason::WindowPassed, Some(CHEAP), 30);
    });
}

#[test]
fn an_upheld_claim_can_be_accepted() {
    TestExt::new().offer(CHEAP, 30, 5).execute_with(|| {
        let job = disputed(request(100));
        assert_ok!(Market::uphold(job, now() + 50));
        assert_ok!(Market::accept(signed(CLIENT), job));
        assert_closed(job, CloseReason::Accepted, Some(CHEAP), 30);
    });
}

#[test]
fn a_convicted_claim_refunds_the_client_and_costs_the_lock_later() {
    TestExt::new().offer(CHEAP, 30, 5).execute_with(|| {
        let before = balance(CHEAP);
        let job = disputed(request(100));
        let slash = Market::convict(job, NONE, AWARDS).expect("it is disputed").slash;
        assert_closed(job, CloseReason::Fraud, None, 0);
        assert_eq!((held_for_jobs(CLIENT), free(CLIENT)), (0, ENDOWMENT));
        assert_eq!((locked(CHEAP), stake(CHEAP)), (0, STAKE - lock(30)));
        assert_eq!((balance(CHEAP), free(THIRD)), (before, ENDOWMENT));
        assert_noop!(Market::convict(job, NONE, AWARDS), Error::<Test>::UnknownJob);

        advance_to(now() + SLASH_DELAY);
        assert_eq!(balance(CHEAP), before - lock(30));
        assert_eq!((free(THIRD), free(CLIENT)), (ENDOWMENT + 100, ENDOWMENT + 50));
        assert_eq!(burned(), lock(30) - 150);
        assert_noop!(
            Workers::apply_slash(signed(THIRD), slash),
            pallet_workers::Error::<Test>::NoSuchSlash
        );
    });
}

#[test]
fn a_conviction_that_is_cancelled_costs_the_worker_nothing_but_its_pay() {
    TestExt::new().offer(CHEAP, 30, 5).execute_with(|| {
        let job = disputed(request(100));
        let slash = Market::convict(job, NONE, AWARDS).expect("it is disputed").slash;
        assert_ok!(Workers::cancel_slash(RuntimeOrigin::root(), slash));
        assert_eq!((stake(CHEAP), locked(CHEAP)), (STAKE, 0));
        assert_ok!(Workers::resume(signed(CHEAP)));
        advance_to(now() + 2 * SLASH_DELAY);
        assert_eq!((stake(CHEAP), burned()), (STAKE, 0));
    });
}

#[test]
fn a_fault_costs_a_share_of_the_whole_stake_and_the_awards_can_be_set_later() {
    TestExt::new().offer(CHEAP, 30, 5).execute_with(|| {
        let (job, other) = (disputed(request(100)), disputed(request(100)));
        let half = Perbill::from_percent(50);
        let penalty = Market::convict(job, half, [(THIRD, 0), (CLIENT, 0)]).expect("it is disputed");
        assert_eq!(penalty.amount, STAKE / 2);
        assert_eq!((stake(CHEAP), locked(CHEAP)), (STAKE / 2, lock(30)));
        assert_ok!(<Market as Claims<_, _, _>>::award(penalty.slash, AWARDS));
        // Until the slash is applied, the worker gets no job.
        assert_noop!(
            Market::submit(signed(CLIENT), request(100)),
            Error::<Test>::AllWorkersBusy
        );

        advance_to(now() + SLASH_DELAY);
        assert_eq!((free(THIRD), burned()), (ENDOWMENT + 100, STAKE / 2 - 150));
        let late = <Market as Claims<_, _, _>>::award(penalty.slash, AWARDS);
        assert_eq!(late, Err(pallet_workers::Error::<Test>::NoSuchSlash.into()));
        assert_ok!(Market::uphold(other, 0));
        assert_ok!(Workers::resume(signed(CHEAP)));
        submit(request(100));
    });
}

#[test]
fn a_client_is_refunded_once_and_a_late_worker_is_charged_out_of_its_lock() {
    TestExt::new().offer(CHEAP, 30, 5).execute_with(|| {
        let job = disputed(request(100));
        assert_ok!(Market::refund(job));
        assert_ok!(Market::refund(job));
        assert_eq!((held_for_jobs(CLIENT), free(CLIENT)), (0, ENDOWMENT));
        assert_eq!((phase(job), locked(CHEAP)), (Some(Phase::Disputed), lock(30)));
        let refunds = market_events().into_iter();
        let refunds = refunds.filter(|event| matches!(event, Event::ClientRefunded { amount: 100, .. }));
        assert_eq!(refunds.count(), 1);

        let cost = Slashed { paid: 5, burned: 15 };
        assert_eq!(Market::charge(job, &THIRD, cost), Ok(cost));
        assert_eq!((stake(CHEAP), locked(CHEAP)), (STAKE - 20, lock(30) - 20));
        assert_eq!((free(THIRD), burned()), (ENDOWMENT + 5, 15));
        let claimed = Market::claimed(job).expect("it is disputed");
        assert_eq!(claimed.locked, lock(30) - 20);
        let too_much = Slashed {
            paid: 0,
            burned: lock(30),
        };
        assert_noop!(
            Market::charge(job, &THIRD, too_much),
            pallet_workers::Error::<Test>::LockedStakeTooSmall
        );

        // The claim stands, and nobody is paid for it.
        assert_ok!(Market::excuse(job));
        assert_closed(job, CloseReason::Late, None, 0);
        assert_eq!((stake(CHEAP), locked(CHEAP)), (STAKE - 20, 0));
        assert_eq!((held_for_jobs(CLIENT), free(CLIENT)), (0, ENDOWMENT));
    });
}

#[test]
fn a_client_that_was_refunded_is_not_refunded_again_by_a_conviction() {
    TestExt::new().offer(CHEAP, 30, 5).execute_with(|| {
        let job = disputed(request(100));
        assert_ok!(Market::refund(job));
        assert_ok!(Market::convict(job, NONE, AWARDS));
        assert_closed(job, CloseReason::Fraud, None, 0);
        assert_eq!((held_for_jobs(CLIENT), free(CLIENT)), (0, ENDOWMENT));
    });
}

#[test]
fn a_convicted_worker_wins_no_auction_and_loses_its_unclaimed_jobs_to_the_next() {
    TestExt::new().offer(CHEAP, 30, 5).offer(DEAR, 60, 5).execute_with(|| {
        let wrong = disputed(request(100));
        let unclaimed = submit(request(100));
        let auctioned = submit(auction(100));
        commit(CHEAP, auctioned, 20);
        commit(DEAR, auctioned, 50);
        assert_ok!(Market::convict(wrong, NONE, AWARDS));
        advance_to(now() + BIDDING + 1);
        reveal(CHEAP, auctioned, 20);
        reveal(DEAR, auctioned, 50);
        assert_eq!(worker_of(auctioned), Some((DEAR, 50)));
        assert_eq!(worker_of(unclaimed), Some((CHEAP, 30)));
        assert_ok!(Market::reassign(signed(THIRD), unclaimed));
        assert_eq!(worker_of(unclaimed), Some((DEAR, 60)));
        assert_eq!(locked(CHEAP), 0);
    });
}

#[test]
fn a_model_deprecated_in_mid_dispute_changes_nothing() {
    TestExt::new().offer(CHEAP, 30, 5).execute_with(|| {
        let job = disputed(request(100));
        assert_ok!(Models::deprecate(signed(PUBLISHER), MODEL));
        assert!(Market::claimed(job).is_ok());
        assert_ok!(Market::convict(job, NONE, AWARDS));
        assert_closed(job, CloseReason::Fraud, None, 0);
    });
}

#[test]
fn who_must_outlast_a_job_must_outlast_its_dispute() {
    let longest: u64 = crate::LongestJob::<Test>::get();
    let allowance: u64 = <Test as crate::Config>::DisputeAllowance::get();
    let window: u64 = <Test as crate::Config>::MaxWindow::get();
    assert!(longest > allowance + window);
}

#[test]
fn a_worker_without_enough_stake_loses_its_unclaimed_jobs_to_the_next() {
    TestExt::new().offer(CHEAP, 30, 5).offer(DEAR, 60, 5).execute_with(|| {
        let (claimed, unclaimed) = (submit(request(100)), submit(request(100)));
        claim(CHEAP, claimed);
        assert_noop!(
            Market::reassign(signed(THIRD), unclaimed),
            Error::<Test>::WorkerIsSecure
        );
        ruin();
        let info = Workers::worker_info(&CHEAP).expect("is registered");
        let left = stake(CHEAP);
        assert_ok!(Market::reassign(signed(THIRD), unclaimed));
        assert!(market_events().contains(&Event::WorkerRemoved {
            job: unclaimed,
            worker: CHEAP
        }));
        assert_eq!(worker_of(unclaimed), Some((DEAR, 60)));
        let cost = DECLINE.mul_floor(lock(30));
        assert_eq!((stake(CHEAP), locked(CHEAP)), (left - cost, lock(30)));
        let after = Workers::worker_info(&CHEAP).expect("is registered");
        assert_eq!((after.missed, after.declined), (info.missed, info.declined + 1));
        assert_noop!(Market::reassign(signed(THIRD), claimed), Error::<Test>::AlreadyClaimed);
        assert_noop!(
            Market::claim(signed(CHEAP), digest_claim(unclaimed)),
            Error::<Test>::AssignedToAnother
        );
        assert_ok!(Market::accept(signed(CLIENT), claimed));
        assert_closed(claimed, CloseReason::Accepted, Some(CHEAP), 30);
    });
}

#[test]
fn a_claim_that_comes_before_the_reassignment_stands() {
    TestExt::new().offer(CHEAP, 30, 5).offer(DEAR, 60, 5).execute_with(|| {
        let job = submit(request(100));
        ruin();
        claim(CHEAP, job);
        assert_noop!(Market::reassign(signed(THIRD), job), Error::<Test>::AlreadyClaimed);
        assert_ok!(Market::dispute(job));
        assert_ok!(Market::convict(job, NONE, AWARDS));
        assert_eq!(stake(CHEAP), 999 - lock(30));
    });
}

#[test]
fn the_job_of_an_insecure_worker_is_refunded_when_nobody_else_can_take_it() {
    TestExt::new().offer(CHEAP, 30, 5).execute_with(|| {
        let job = submit(request(100));
        ruin();
        assert_ok!(Market::reassign(signed(THIRD), job));
        assert_closed(job, CloseReason::NoWorkerLeft, None, 0);
        assert_eq!(free(CLIENT), ENDOWMENT);
    });
}

#[test]
fn only_an_assigned_job_is_reassigned_and_only_up_to_its_deadline() {
    TestExt::new().offer(CHEAP, 30, 5).execute_with(|| {
        let (bidding, job) = (submit(auction(100)), submit(request(100)));
        assert_noop!(Market::reassign(signed(THIRD), 99), Error::<Test>::UnknownJob);
        assert_noop!(Market::reassign(signed(THIRD), bidding), Error::<Test>::NotAssigned);
        ruin();
        let before = stake(CHEAP);
        without_idle_to(now() + DEADLINE + 1);
        assert_noop!(Market::reassign(signed(THIRD), job), Error::<Test>::DeadlinePassed);
        assert_ok!(Market::advance(signed(THIRD), job));
        assert!(stake(CHEAP) < before, "a missed deadline costs an insecure worker, too");
    });
}
