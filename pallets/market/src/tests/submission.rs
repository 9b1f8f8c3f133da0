//! Submissions that are refused before a unit of money is held.

use crate::{Error, Event, HoldReason, Inputs, Jobs, mock::*};
use assay_types::{Delivery, H256, JobId, JobInput, Matching, ModelVersion, Payload, Phase};
use polkadot_sdk::frame_support::{assert_noop, assert_ok};

#[test]
fn submission_holds_the_whole_ceiling() {
    TestExt::new().offer(CHEAP, 30, 5).execute_with(|| {
        assert_ok!(Market::submit(signed(CLIENT), request(100)));
        assert_eq!(held(HoldReason::Escrow, CLIENT), 100);
        assert_eq!(free(CLIENT), ENDOWMENT - 100);
        assert_eq!(phase(0), Some(Phase::Assigned));
        assert_eq!(Inputs::<Test>::get(0).map(|bytes| bytes.len()), Some(INPUT_BYTES));
    });
}

#[test]
fn job_numbers_are_not_used_again() {
    TestExt::new().offer(CHEAP, 30, 5).execute_with(|| {
        let first = submit(request(100));
        claim(CHEAP, first);
        assert_ok!(Market::accept(signed(CLIENT), first));
        assert_eq!(submit(request(100)), first + 1);
    });
}

#[test]
fn input_of_another_size_is_refused() {
    TestExt::new().offer(CHEAP, 30, 5).execute_with(|| {
        for bytes in [0, INPUT_BYTES - 1, INPUT_BYTES + 1, 2 * INPUT_BYTES] {
            let request = Request {
                input: inline(&[1], bytes),
                ..request(100)
            };
            assert_noop!(
                Market::submit(signed(CLIENT), request),
                Error::<Test>::InputSizeMismatch
            );
        }
    });
}

#[test]
fn input_size_follows_the_symbols() {
    TestExt::new().offer(CHEAP, 30, 5).execute_with(|| {
        assert_ok!(Market::submit(
            signed(CLIENT),
            Request {
                input: inline(&[3], 3 * INPUT_BYTES),
                ..request(100)
            }
        ));
        let wrong = Request {
            input: inline(&[2], 3 * INPUT_BYTES),
            ..request(100)
        };
        assert_noop!(Market::submit(signed(CLIENT), wrong), Error::<Test>::InputSizeMismatch);
    });
}

#[test]
fn symbols_must_be_those_of_the_schema() {
    TestExt::new().offer(CHEAP, 30, 5).execute_with(|| {
        let with = |symbols: &[u32]| Request {
            input: inline(symbols, INPUT_BYTES),
            ..request(100)
        };
        assert_noop!(
            Market::submit(signed(CLIENT), with(&[])),
            Error::<Test>::WrongNumberOfSymbols
        );
        assert_noop!(
            Market::submit(signed(CLIENT), with(&[1, 1])),
            Error::<Test>::WrongNumberOfSymbols
        );
        assert_noop!(
            Market::submit(signed(CLIENT), with(&[0])),
            Error::<Test>::SymbolOutOfRange
        );
        assert_noop!(
            Market::submit(signed(CLIENT), with(&[MAX_BATCH + 1])),
            Error::<Test>::SymbolOutOfRange
        );
    });
}

#[test]
fn unknown_and_deprecated_models_are_refused() {
    TestExt::new().offer(CHEAP, 30, 5).execute_with(|| {
        let unknown = Request {
            model: ModelVersion { model: 7, version: 1 },
            ..request(100)
        };
        assert_noop!(Market::submit(signed(CLIENT), unknown), Error::<Test>::UnknownModel);
        assert_ok!(Models::deprecate(signed(PUBLISHER), MODEL));
        assert_noop!(
            Market::submit(signed(CLIENT), request(100)),
            Error::<Test>::ModelDeprecated
        );
    });
}

#[test]
fn terms_outside_the_bounds_are_refused() {
    TestExt::new().offer(CHEAP, 30, 5).execute_with(|| {
        let refused = |request: Request, error: Error<Test>| {
            assert_noop!(Market::submit(signed(CLIENT), request), error);
        };
        refused(request(0), Error::CeilingIsZero);
        refused(
            Request {
                deadline_blocks: 1,
                ..request(9)
            },
            Error::DeadlineOutOfRange,
        );
        refused(
            Request {
                deadline_blocks: 1_000,
                ..request(9)
            },
            Error::DeadlineOutOfRange,
        );
        refused(
            Request {
                window_blocks: 1,
                ..request(9)
            },
            Error::WindowOutOfRange,
        );
        refused(
            Request {
                window_blocks: 1_000,
                ..request(9)
            },
            Error::WindowOutOfRange,
        );
        for (bidding_blocks, reveal_blocks) in [(1, 3), (3, 1), (1_000, 3), (3, 1_000)] {
            let matching = Matching::Auction {
                bidding_blocks,
                reveal_blocks,
            };
            refused(Request { matching, ..request(9) }, Error::AuctionPhaseOutOfRange);
        }
    });
}

#[test]
fn client_without_the_money_is_refused_and_no_worker_is_bound() {
    TestExt::new().offer(CHEAP, 30, 5).execute_with(|| {
        assert_noop!(
            Market::submit(signed(CLIENT), request(ENDOWMENT)),
            Error::<Test>::InsufficientFunds
        );
        assert_eq!(locked(CHEAP), 0);
    });
}

#[test]
fn output_too_large_for_a_claim_is_refused_at_submission() {
    TestExt::new().offer(CHEAP, 30, 5).execute_with(|| {
        let large = |delivery| Request {
            input: inline(&[200], 200 * INPUT_BYTES),
            delivery,
            ..request(100)
        };
        assert_noop!(
            Market::submit(signed(CLIENT), large(Delivery::Inline)),
            Error::<Test>::OutputTooLargeForInline
        );
        assert_ok!(Market::submit(signed(CLIENT), large(Delivery::Digest)));
    });
}

#[test]
fn input_by_digest_is_not_stored() {
    TestExt::new().offer(CHEAP, 30, 5).execute_with(|| {
        let digest = H256::repeat_byte(9);
        let input = JobInput::Digest {
            digest,
            symbols: vec![4],
        };
        let job = submit(Request { input, ..request(100) });
        assert_eq!(Jobs::<Test>::get(job).map(|job| job.input_digest), Some(digest));
        assert!(!Inputs::<Test>::contains_key(job));
    });
}

#[test]
fn a_batch_is_submitted_whole_or_not_at_all() {
    TestExt::new().offer(CHEAP, 30, 5).execute_with(|| {
        let good = vec![request(100), request(50)];
        assert_ok!(Market::submit_batch(signed(CLIENT), good));
        assert_eq!(held(HoldReason::Escrow, CLIENT), 150);
        let bad = vec![request(100), request(29)];
        assert_noop!(
            Market::submit_batch(signed(CLIENT), bad),
            Error::<Test>::CeilingBelowEveryPrice
        );
        assert_eq!(Jobs::<Test>::iter().count(), 2);
    });
}

#[test]
fn a_list_that_is_too_long_is_refused_by_its_name() {
    TestExt::new().offer(CHEAP, 30, 5).execute_with(|| {
        let many = || (0..65).collect::<Vec<JobId>>();
        let claims = many().into_iter().map(digest_claim).collect::<Vec<_>>();
        let seals = claims.iter().map(|claim| seal_of(CHEAP, claim)).collect();
        let (client, worker) = (signed(CLIENT), signed(CHEAP));
        let long = Error::<Test>::BatchTooLong;
        assert_noop!(Market::submit_batch(client.clone(), vec![request(1); 65]), long);
        assert_noop!(
            Market::accept_batch(client.clone(), many()),
            Error::<Test>::BatchTooLong
        );
        assert_noop!(Market::claim_batch(worker.clone(), claims), Error::<Test>::BatchTooLong);
        assert_noop!(Market::seal(worker.clone(), seals), Error::<Test>::BatchTooLong);
        assert_noop!(
            Market::advance_batch(worker.clone(), vec![0; 5]),
            Error::<Test>::TooManySteps
        );
        assert_noop!(Market::draw(worker, vec![0; 5]), Error::<Test>::TooManySteps);
        let input = |symbols: usize, bytes: usize| Request {
            input: JobInput::Inline(Payload {
                symbols: vec![1; symbols],
                bytes: vec![0; bytes],
            }),
            ..request(100)
        };
        let refused = |request: Request, error: Error<Test>| {
            assert_noop!(Market::submit(client.clone(), request), error);
        };
        refused(input(1, 65_537), Error::InputTooLarge);
        refused(input(1, 65_536), Error::InputSizeMismatch);
        refused(input(9, INPUT_BYTES), Error::WrongNumberOfSymbols);
    });
}

#[test]
fn submission_reports_the_job_and_then_its_worker() {
    TestExt::new().offer(CHEAP, 30, 5).execute_with(|| {
        let job = submit(request(100));
        let deadline = now() + DEADLINE;
        let events = market_events();
        assert!(matches!(
            events[0],
            Event::JobSubmitted {
                job: 0,
                client: CLIENT,
                ceiling: 100,
                ..
            }
        ));
        assert_eq!(
            events[1],
            Event::JobAssigned {
                job,
                worker: CHEAP,
                price: 30,
                deadline
            }
        );
    });
}
