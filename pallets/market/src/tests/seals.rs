//! Seals: what a worker says before it is known whether anybody will look.

use crate::{Error, Event, Jobs, mock::*};
use assay_types::{CloseReason, Delivery, H256, JobState, Phase};
use polkadot_sdk::frame_support::{assert_noop, assert_ok};

#[test]
fn a_seal_shows_nothing_and_keeps_the_job() {
    TestExt::new().offer(CHEAP, 30, 5).execute_with(|| {
        let job = submit(request(100));
        seal(CHEAP, &[digest_claim(job)]);
        let sealed = seal_of(CHEAP, &digest_claim(job)).seal;
        assert_ne!(sealed, digest_claim(job).output_digest);
        let until = now() + DRAW + CLAIM;
        assert!(market_events().contains(&Event::JobSealed {
            job,
            worker: CHEAP,
            until
        }));
        let state = Jobs::<Test>::get(job).expect("open").state;
        assert!(matches!(state, JobState::Sealed { seal, until: last, .. } if seal == sealed && last == until));
        assert_eq!(locked(CHEAP), lock(30));
        advance_past(now() + DEADLINE.min(DRAW + CLAIM - 1) - 1);
        assert_eq!(phase(job), Some(Phase::Sealed));
        assert_ok!(Market::claim(signed(CHEAP), digest_claim(job)));
        assert_eq!(phase(job), Some(Phase::Claimed));
    });
}

#[test]
fn a_claim_that_is_not_what_was_sealed_is_refused() {
    TestExt::new().offer(CHEAP, 30, 5).worker(DEAR).execute_with(|| {
        let job = submit(request(100));
        assert_noop!(
            Market::claim(signed(CHEAP), digest_claim(job)),
            Error::<Test>::NotSealed
        );
        seal(CHEAP, &[digest_claim(job)]);
        let mut other = digest_claim(job);
        other.output_digest = H256::repeat_byte(9);
        assert_noop!(Market::claim(signed(CHEAP), other), Error::<Test>::WrongSeal);
        let mut other = digest_claim(job);
        other.salt = [9; 32];
        assert_noop!(Market::claim(signed(CHEAP), other), Error::<Test>::WrongSeal);
        assert_noop!(
            Market::claim(signed(DEAR), digest_claim(job)),
            Error::<Test>::AssignedToAnother
        );
    });
}

#[test]
fn a_seal_that_another_worker_has_copied_does_not_open() {
    TestExt::new().offer(CHEAP, 30, 5).offer(DEAR, 60, 5).execute_with(|| {
        let job = submit(request(100));
        // The first worker gives the job back; the second one seals what the first had sealed elsewhere.
        assert_ok!(Market::decline(signed(CHEAP), job));
        assert_eq!(worker_of(job), Some((DEAR, 60)));
        let copied = seal_of(CHEAP, &digest_claim(job));
        assert_ok!(Market::seal(signed(DEAR), vec![copied]));
        assert_noop!(Market::claim(signed(DEAR), digest_claim(job)), Error::<Test>::WrongSeal);
    });
}

#[test]
fn a_seal_is_made_once_and_a_sealed_job_is_neither_declined_nor_taken_away() {
    TestExt::new().offer(CHEAP, 30, 5).execute_with(|| {
        let job = submit(request(100));
        seal(CHEAP, &[digest_claim(job)]);
        seal(CHEAP, &[digest_claim(job)]);
        let error = Error::<Test>::AlreadySealed.into();
        assert!(market_events().contains(&Event::SealRejected { job, error }));
        assert_noop!(Market::decline(signed(CHEAP), job), Error::<Test>::AlreadySealed);
        assert_noop!(Market::reassign(signed(THIRD), job), Error::<Test>::AlreadySealed);
        assert_noop!(Market::accept(signed(CLIENT), job), Error::<Test>::NotClaimed);
    });
}

#[test]
fn one_bad_seal_does_not_spoil_a_batch() {
    TestExt::new().offer(CHEAP, 30, 5).execute_with(|| {
        let (first, second) = (submit(request(100)), submit(request(100)));
        seal(CHEAP, &[digest_claim(first), digest_claim(77), digest_claim(second)]);
        assert_eq!([first, second].map(phase), [Some(Phase::Sealed); 2]);
        let error = Error::<Test>::UnknownJob.into();
        assert!(market_events().contains(&Event::SealRejected { job: 77, error }));
    });
}

#[test]
fn a_seal_that_is_not_opened_is_a_missed_deadline() {
    TestExt::new().offer(CHEAP, 30, 5).offer(DEAR, 60, 5).execute_with(|| {
        let job = submit(Request {
            delivery: Delivery::Inline,
            ..request(100)
        });
        seal(CHEAP, &[inline_claim(job, 1)]);
        let stake_before = stake(CHEAP);
        without_idle_to(now() + DRAW + CLAIM + 1);
        assert_noop!(
            Market::claim(signed(CHEAP), inline_claim(job, 1)),
            Error::<Test>::DeadlinePassed
        );
        assert_ok!(Market::advance(signed(THIRD), job));
        assert_eq!(worker_of(job), Some((DEAR, 60)));
        assert_eq!(stake(CHEAP), stake_before - NON_DELIVERY.mul_floor(lock(30)));
        assert_ok!(make(DEAR, inline_claim(job, 1)));
        advance_past(now() + WINDOW);
        assert_closed(job, CloseReason::WindowPassed, Some(DEAR), 60);
    });
}

#[test]
fn what_was_not_drawn_is_not_audited() {
    TestExt::new().offer(CHEAP, 30, 5).execute_with(|| {
        let job = submit(request(100));
        let draw = || Market::draw(signed(THIRD), vec![job]);
        assert_noop!(draw(), Error::<Test>::NotSealed);
        seal(CHEAP, &[digest_claim(job)]);
        assert_noop!(draw(), Error::<Test>::NotDrawn);
    });
}

#[test]
fn a_sealed_job_leaves_its_place_to_another() {
    TestExt::new().offer(CHEAP, 30, 1).execute_with(|| {
        let first = submit(request(100));
        assert_noop!(
            Market::submit(signed(CLIENT), request(100)),
            Error::<Test>::AllWorkersBusy
        );
        seal(CHEAP, &[digest_claim(first)]);
        let second = submit(request(100));
        assert_eq!(worker_of(second), Some((CHEAP, 30)));
        assert_eq!(locked(CHEAP), 2 * lock(30));
    });
}
