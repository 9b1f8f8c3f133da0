//! Claims, good and bad.

use crate::{Claim, Error, Event, Outputs, mock::*};
use assay_types::{Delivery, H256, Phase};
use polkadot_sdk::{
    frame_support::{assert_noop, assert_ok, traits::Hooks, weights::Weight},
    sp_runtime::BoundedVec,
};

#[test]
fn a_claim_opens_the_challenge_window() {
    TestExt::new().offer(CHEAP, 30, 5).execute_with(|| {
        let job = submit(request(100));
        let output_digest = H256::repeat_byte(1);
        assert_ok!(make(
            CHEAP,
            Claim {
                job,
                output_digest,
                output: None,
                salt: SALT,
            }
        ));
        assert_eq!(phase(job), Some(Phase::Claimed));
        let window_until = now() + WINDOW;
        assert!(market_events().contains(&Event::JobClaimed {
            job,
            worker: CHEAP,
            output_digest,
            window_until,
            output: None
        }));
        assert_eq!(locked(CHEAP), lock(30));
    });
}

#[test]
fn the_last_block_of_the_deadline_is_in_time_and_the_next_is_not() {
    TestExt::new().offer(CHEAP, 30, 5).execute_with(|| {
        let (in_time, late) = (submit(request(100)), submit(request(100)));
        without_idle_to(now() + DEADLINE);
        assert_ok!(make(CHEAP, digest_claim(in_time)));
        without_idle_to(now() + 1);
        seal(CHEAP, &[digest_claim(late)]);
        let rejected = Event::SealRejected {
            job: late,
            error: Error::<Test>::DeadlinePassed.into(),
        };
        assert!(market_events().contains(&rejected));
        assert_noop!(
            Market::claim(signed(CHEAP), digest_claim(late)),
            Error::<Test>::NotSealed
        );
        assert_noop!(Market::decline(signed(CHEAP), late), Error::<Test>::DeadlinePassed);
    });
}

#[test]
fn only_the_assigned_worker_claims_and_only_once() {
    TestExt::new().offer(CHEAP, 30, 5).worker(DEAR).execute_with(|| {
        let job = submit(request(100));
        assert_noop!(
            Market::claim(signed(DEAR), digest_claim(job)),
            Error::<Test>::AssignedToAnother
        );
        assert_noop!(
            Market::claim(signed(CHEAP), digest_claim(job + 1)),
            Error::<Test>::UnknownJob
        );
        assert_ok!(make(CHEAP, digest_claim(job)));
        assert_noop!(
            Market::claim(signed(CHEAP), digest_claim(job)),
            Error::<Test>::AlreadyClaimed
        );
        assert_noop!(
            Market::claim(signed(DEAR), digest_claim(job)),
            Error::<Test>::AssignedToAnother
        );
        assert_noop!(Market::decline(signed(CHEAP), job), Error::<Test>::AlreadyClaimed);
        let open = submit(auction(100));
        assert_noop!(
            Market::claim(signed(CHEAP), digest_claim(open)),
            Error::<Test>::NotAssigned
        );
    });
}

#[test]
fn an_inline_output_must_have_the_size_and_the_digest() {
    TestExt::new().offer(CHEAP, 30, 5).execute_with(|| {
        let job = submit(Request {
            delivery: Delivery::Inline,
            ..request(100)
        });
        let good = inline_claim(job, 1);
        seal(CHEAP, core::slice::from_ref(&good));
        let refused = |claim: Claim, error: Error<Test>| {
            assert_noop!(Market::claim(signed(CHEAP), claim), error);
        };
        refused(
            Claim {
                output: None,
                ..good.clone()
            },
            Error::OutputMissing,
        );
        refused(
            Claim {
                output: Some(bytes(OUTPUT_BYTES + 1)),
                ..good.clone()
            },
            Error::OutputSizeMismatch,
        );
        refused(
            Claim {
                output: Some(vec![4; OUTPUT_BYTES]),
                ..good.clone()
            },
            Error::OutputDigestMismatch,
        );
        assert_ok!(Market::claim(signed(CHEAP), good.clone()));
        assert_eq!(Outputs::<Test>::get(job).map(BoundedVec::into_inner), good.output);
    });
}

#[test]
fn an_output_that_nobody_asked_for_is_refused() {
    TestExt::new().offer(CHEAP, 30, 5).execute_with(|| {
        let job = submit(request(100));
        seal(CHEAP, &[inline_claim(job, 1)]);
        assert_noop!(
            Market::claim(signed(CHEAP), inline_claim(job, 1)),
            Error::<Test>::OutputNotWanted
        );
    });
}

#[test]
fn one_bad_claim_does_not_spoil_a_batch() {
    TestExt::new().offer(CHEAP, 30, 5).execute_with(|| {
        let (first, second) = (submit(request(100)), submit(request(100)));
        let claims = vec![
            digest_claim(first),
            digest_claim(77),
            inline_claim(second, 1),
            digest_claim(second),
        ];
        seal(CHEAP, &[digest_claim(first), digest_claim(second)]);
        assert_ok!(Market::claim_batch(signed(CHEAP), claims));
        assert_eq!(phase(first), Some(Phase::Claimed));
        assert_eq!(phase(second), Some(Phase::Claimed));
        let rejected = |job, error: Error<Test>| Event::ClaimRejected {
            job,
            error: error.into(),
        };
        assert!(market_events().contains(&rejected(77, Error::UnknownJob)));
        assert!(market_events().contains(&rejected(second, Error::WrongSeal)));
    });
}

#[test]
fn a_deadline_does_not_pass_in_blocks_that_others_fill() {
    TestExt::new().offer(CHEAP, 30, 5).execute_with(|| {
        let job = submit(request(100));
        assert!(Market::may_seal(&CHEAP, job) && !Market::may_seal(&DEAR, job));
        for _ in 0..10 * DEADLINE {
            FullBlocks::set(FullBlocks::get() + 1);
            without_idle_to(System::block_number() + 1);
            Market::on_idle(System::block_number(), Weight::MAX);
        }
        assert_eq!(phase(job), Some(Phase::Assigned));
        claim(CHEAP, job);
        assert!(!Market::may_seal(&CHEAP, job) && !Market::may_claim(&CHEAP, job));
    });
}
