//! Offers, and the sessions that are opened by them.

use crate::{Error, Event, mock::*};
use assay_types::{ModelVersion, SessionOffer, SessionRequest, SessionTerms, session::SessionState};
use polkadot_sdk::frame_support::{assert_noop, assert_ok};

fn with_terms(terms: SessionTerms<u64, u64>) -> SessionOffer<u64, u64> {
    SessionOffer { terms, ..offer() }
}

#[test]
fn an_offer_that_nobody_could_take_is_refused() {
    TestExt::new().execute_with(|| {
        let publish = |offer| Sessions::publish_offer(signed(WORKER), MODEL, offer);
        for (terms, refusal) in [
            (SessionTerms { base: 0, ..TERMS }, Error::<Test>::ZeroPrice),
            (SessionTerms { min_budget: 9, ..TERMS }, Error::<Test>::BudgetRange),
            (
                SessionTerms {
                    max_budget: 99,
                    ..TERMS
                },
                Error::<Test>::BudgetRange,
            ),
            (
                SessionTerms {
                    lock_percent: 99,
                    ..TERMS
                },
                Error::<Test>::LockTooSmall,
            ),
            (
                SessionTerms {
                    window_blocks: 1,
                    ..TERMS
                },
                Error::<Test>::WindowOutOfRange,
            ),
            (
                SessionTerms {
                    window_blocks: 101,
                    ..TERMS
                },
                Error::<Test>::WindowOutOfRange,
            ),
            (
                SessionTerms { max_blocks: 0, ..TERMS },
                Error::<Test>::DurationOutOfRange,
            ),
            (
                SessionTerms {
                    max_blocks: 1_001,
                    ..TERMS
                },
                Error::<Test>::DurationOutOfRange,
            ),
        ] {
            assert_noop!(publish(with_terms(terms)), refusal);
        }
        let idle = SessionOffer { capacity: 0, ..offer() };
        assert_noop!(publish(idle), Error::<Test>::ZeroCapacity);
        let unknown = ModelVersion { model: 7, version: 1 };
        let refused = Sessions::publish_offer(signed(WORKER), unknown, offer());
        assert_noop!(refused, Error::<Test>::UnknownModel);
        let stranger = Sessions::publish_offer(signed(OTHER), MODEL, offer());
        assert_noop!(stranger, Error::<Test>::NotRegistered);
    });
}

#[test]
fn an_offer_is_listed_until_it_is_removed() {
    TestExt::new().execute_with(|| {
        assert_eq!(Sessions::offers_on(MODEL, None, 10), vec![(WORKER, offer())]);
        assert_eq!(Sessions::offers_on(MODEL, Some(WORKER), 10), vec![]);
        assert_ok!(Sessions::remove_offer(signed(WORKER), MODEL));
        assert_noop!(
            Sessions::remove_offer(signed(WORKER), MODEL),
            Error::<Test>::NoSuchOffer
        );
        assert_noop!(open_as(request()), Error::<Test>::NoSuchOffer);
    });
}

#[test]
fn an_opening_holds_the_budget_and_locks_a_multiple_of_it() {
    TestExt::new().execute_with(|| {
        let id = open();
        assert_eq!((held(CLIENT), locks()), (BUDGET, LOCKED));
        let opened = session(id);
        assert_eq!(opened.state, SessionState::Open { until: now() + BLOCKS });
        assert!(matches!(
            events().last(),
            Some(Event::SessionOpened {
                session: 0,
                budget: BUDGET,
                locked: LOCKED,
                ..
            })
        ));
        assert_eq!(Sessions::sessions_of(&CLIENT, None, 10).entries.len(), 1);
        assert_eq!(Sessions::sessions_of(&WORKER, None, 10).entries.len(), 1);
        assert_eq!(Sessions::sessions_of(&OTHER, None, 10).entries.len(), 0);
    });
}

#[test]
fn an_opening_names_the_offer_that_the_client_knows() {
    TestExt::new().execute_with(|| {
        let dearer = SessionTerms {
            base: PRICE + 1,
            ..TERMS
        };
        assert_ok!(Sessions::publish_offer(signed(WORKER), MODEL, with_terms(dearer)));
        assert_noop!(open_as(request()), Error::<Test>::AnotherOffer);
        let other_key = SessionRequest {
            worker_key: request().client_key,
            terms: dearer,
            ..request()
        };
        assert_noop!(open_as(other_key), Error::<Test>::AnotherOffer);
        let known = SessionRequest {
            terms: dearer,
            ..request()
        };
        assert_ok!(open_as(known));
    });
}

#[test]
fn an_opening_keeps_the_bounds_of_the_offer() {
    TestExt::new().execute_with(|| {
        for budget in [99, 1_001] {
            let refused = open_as(SessionRequest { budget, ..request() });
            assert_noop!(refused, Error::<Test>::BudgetOutOfRange);
        }
        for blocks in [0, BLOCKS + 1] {
            let refused = open_as(SessionRequest { blocks, ..request() });
            assert_noop!(refused, Error::<Test>::TooLong);
        }
        for _ in 0..CAPACITY {
            open();
        }
        assert_noop!(open_as(request()), Error::<Test>::WorkerBusy);
    });
}

#[test]
fn a_worker_without_free_stake_opens_nothing() {
    TestExt::new().execute_with(|| {
        let all = SessionTerms {
            lock_percent: 20_000,
            ..TERMS
        };
        assert_ok!(Sessions::publish_offer(signed(WORKER), MODEL, with_terms(all)));
        let wants_more_than_there_is = SessionRequest {
            terms: all,
            ..request()
        };
        assert_noop!(open_as(wants_more_than_there_is), Error::<Test>::StakeTooSmall);
        assert_ok!(Workers::pause(signed(WORKER)));
        let paused = SessionRequest {
            terms: all,
            budget: 100,
            ..request()
        };
        assert_noop!(open_as(paused), Error::<Test>::WorkerNotActive);
    });
}

#[test]
fn a_budget_grows_with_its_lock_while_the_session_is_open() {
    TestExt::new().execute_with(|| {
        let id = open();
        assert_ok!(Sessions::top_up(signed(CLIENT), id, 100));
        assert_eq!((held(CLIENT), locks()), (BUDGET + 100, LOCKED + 250));
        assert_noop!(Sessions::top_up(signed(OTHER), id, 1), Error::<Test>::NotClient);
        assert_noop!(Sessions::top_up(signed(CLIENT), id, 0), Error::<Test>::ZeroAmount);
        let too_much = Sessions::top_up(signed(CLIENT), id, 701);
        assert_noop!(too_much, Error::<Test>::BudgetOutOfRange);
        without_idle(BLOCKS + 1);
        assert_noop!(Sessions::top_up(signed(CLIENT), id, 1), Error::<Test>::NotOpen);
    });
}
