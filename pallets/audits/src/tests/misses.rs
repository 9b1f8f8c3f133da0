//! Auditors that do not answer, and those who take their place.

use crate::{Error, Event, mock::*};
use assay_police::Assurance;
use assay_types::audit::{AuditState, Police};
use polkadot_sdk::{
    frame_support::{assert_noop, assert_ok},
    sp_runtime::Perbill,
};

#[test]
fn an_auditor_that_does_not_answer_loses_a_part_of_its_lock_and_is_replaced() {
    story(|| {
        let silent = drawn(0);
        without_idle(ANSWER);
        assert_ok!(answer(silent, 0, right()));
        let late = drawn(1);
        without_idle(ANSWER + 1);
        assert_noop!(answer(late, 1, right()), Error::<Test>::TooLate);
        assert!(!Audits::may_answer_now(&late, 1));
        assert_ok!(Audits::advance(signed(OUTSIDER), 1));
        assert_eq!(stake(late).0, STAKE - LOCK / 10);
        let missed = Event::Missed {
            claim: 1,
            auditor: late,
            lost: LOCK / 10,
        };
        assert!(events().contains(&missed));
        assert_eq!(record(late).faults, 1);
        assert_ne!(auditor(1), late);
        assert_noop!(answer(late, 1, right()), Error::<Test>::NotAuditor);
    });
}

#[test]
fn every_worker_is_drawn_once_and_then_the_claim_goes_on_unaudited() {
    story(|| {
        let mut auditors = vec![drawn(0)];
        for _ in 1..OTHERS.len() {
            advance(ANSWER + 1);
            auditors.push(auditor(0));
        }
        auditors.sort();
        assert_eq!(auditors, OTHERS);
        advance(ANSWER + 1);
        assert_eq!(audit(0).state, AuditState::Spared);
        assert!(events().contains(&Event::Unaudited { claim: 0 }));
        assert_eq!(pool(), (FUND, 0), "nobody is paid");
        assert_ok!(opened(0, right()));
        assert!(<Audits as Police<_, _>>::may_settle(0));
        assert_eq!(record(WORKER).passed, 0, "nobody has looked at it");
    });
}

#[test]
fn an_answer_that_is_not_opened_is_a_miss_and_brings_another_auditor() {
    story(|| {
        let silent = audited(0, wrong(), right())[0];
        advance(OPEN + 1);
        assert_eq!(stake(silent), (STAKE - LOCK / 10, 0));
        let next = auditor(0);
        assert_ne!(next, silent);
        assert!(!<Audits as Police<_, _>>::may_settle(0));
        assert_ok!(answer(next, 0, right()));
        assert!(matches!(audit(0).state, AuditState::Opening { .. }));
        assert_ok!(open(next, 0, right()));
        assert_eq!(audit(0).state, AuditState::Passed);
    });
}

#[test]
fn one_of_two_answers_is_enough() {
    story(|| {
        Second::set(1_000_000);
        let auditors = audited(0, right(), right());
        assert_eq!(auditors.len(), 2);
        assert_ok!(open(auditors[1], 0, right()));
        advance(OPEN + 1);
        assert_eq!(audit(0).state, AuditState::Passed);
        assert_eq!(stake(auditors[0]), (STAKE - LOCK / 10, 0));
        assert_ok!(<Audits as Police<_, _>>::settled(0));
    });
}

#[test]
fn a_second_auditor_that_nobody_can_replace_is_done_without() {
    story(|| {
        Second::set(1_000_000);
        let first = drawn(0);
        assert_ok!(answer(first, 0, right()));
        advance(DRAW + 1);
        advance(2 * (ANSWER + 1));
        assert_eq!(audit(0).state, AuditState::Ready);
        assert_ok!(opened(0, right()));
        assert_ok!(open(first, 0, right()));
        assert_eq!(audit(0).state, AuditState::Passed);
    });
}

#[test]
fn a_claim_that_is_not_opened_is_a_fault_and_its_auditor_is_paid() {
    story(|| {
        let auditor = drawn(0);
        assert_ok!(answer(auditor, 0, right()));
        advance(DRAW + 1);
        let before = free(auditor);
        let costs = <Audits as Police<_, _>>::abandoned(0);
        assert_eq!(costs, Ok(Some(Perbill::from_percent(50))), "what a false claim costs");
        assert_eq!((free(auditor), stake(auditor)), (before + FEE, (STAKE, 0)));
        assert_eq!((record(WORKER).faults, Audits::audit(0)), (1, None));
        let unanswered = drawn(1);
        assert_ok!(<Audits as Police<_, _>>::abandoned(1));
        assert_eq!(stake(unanswered), (STAKE, 0));
        assert_eq!(pool(), (FUND - FEE, 0));
    });
}

#[test]
fn a_claim_that_nobody_could_audit_is_withheld_at_the_price_of_a_miss() {
    story(|| {
        for other in OTHERS {
            assert_ok!(Workers::pause(signed(other)));
        }
        sealed_at(0, PRICE, Assurance::Full);
        advance(DRAW + 1);
        assert_eq!(audit(0).state, AuditState::Spared);
        assert_eq!(<Audits as Police<_, _>>::open_since(0), Some(audit(0).entered_at));
        assert_eq!(<Audits as Police<_, _>>::abandoned(0), Ok(None));
    });
}

#[test]
fn a_claim_that_ends_without_a_verdict_is_nobodys_fault() {
    story(|| {
        let auditor = drawn(0);
        assert_ok!(answer(auditor, 0, right()));
        let before = free(auditor);
        assert_ok!(<Audits as Police<_, _>>::dropped(0));
        assert_eq!((free(auditor), stake(auditor)), (before + FEE, (STAKE, 0)));
        assert_eq!((record(WORKER).faults, Audits::audit(0)), (0, None));
        assert_ok!(<Audits as Police<_, _>>::dropped(0));
    });
}

#[test]
fn paused_and_poor_workers_are_not_drawn() {
    story(|| {
        assert_ok!(Workers::pause(signed(OTHERS[0])));
        register(OUTSIDER, LOCK);
        for claim in 0..20 {
            sealed_at(claim, 2 * PRICE, Assurance::Full);
            advance(DRAW + 1);
            assert!(OTHERS[1..].contains(&auditor(claim)));
            assert_ok!(<Audits as Police<_, _>>::abandoned(claim));
        }
    });
}
