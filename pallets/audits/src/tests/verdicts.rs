//! Decisions of the court, and payments of auditors for them.

use crate::{Event, mock::*};
use assay_types::audit::{AuditState, Police};
use polkadot_sdk::frame_support::assert_ok;

#[test]
fn an_auditor_that_found_a_lie_is_paid_and_the_worker_begins_anew() {
    story(|| {
        let auditor = audited(0, right(), wrong())[0];
        assert_ok!(open(auditor, 0, right()));
        let before = free(auditor);
        assert_ok!(<Audits as Police<_, _>>::decided(0, false));
        assert_eq!((free(auditor), stake(auditor)), (before + FEE, (STAKE, 0)));
        assert_eq!((record(WORKER).passed, record(WORKER).faults), (0, 1));
        assert_eq!(Audits::audit(0), None);
    });
}

#[test]
fn an_auditor_that_lied_loses_what_a_false_claim_loses() {
    story(|| {
        let auditor = audited(0, wrong(), right())[0];
        assert_ok!(open(auditor, 0, wrong()));
        assert_ok!(<Audits as Police<_, _>>::decided(0, true));
        assert_eq!(stake(auditor), (STAKE / 2, 0));
        let convicted = Event::AuditorConvicted {
            claim: 0,
            auditor,
            slash: 0,
            slashed: STAKE / 2,
        };
        assert!(events().contains(&convicted));
        assert_eq!((audit(0).state, record(WORKER).passed), (AuditState::Passed, 1_000));
        assert_eq!(pool(), (FUND, 0), "it is not paid");
        assert!(<Audits as Police<_, _>>::may_settle(0));
        assert_ok!(<Audits as Police<_, _>>::settled(0));
    });
}

#[test]
fn an_auditor_that_agreed_with_a_lie_is_convicted_with_its_worker() {
    story(|| {
        let auditor = audited(0, wrong(), wrong())[0];
        assert_ok!(open(auditor, 0, wrong()));
        assert_eq!(audit(0).state, AuditState::Passed);
        // Somebody challenges the claim in its window, as anybody can.
        assert_ok!(<Audits as Police<_, _>>::decided(0, false));
        assert_eq!(stake(auditor), (STAKE / 2, 0));
        assert_eq!(pool(), (FUND, 0));
    });
}

#[test]
fn of_two_auditors_each_has_what_its_own_answer_brings() {
    story(|| {
        Second::set(1_000_000);
        let first = drawn(0);
        assert_ok!(answer(first, 0, wrong()));
        advance(DRAW + 1);
        let second = auditor(0);
        assert_ok!(answer(second, 0, right()));
        assert_ok!(opened(0, wrong()));
        assert_ok!(open(second, 0, right()));
        assert_eq!(audit(0).state, AuditState::Disputed);
        advance(OPEN + 5);
        assert_ok!(open(first, 0, wrong()));
        let before = free(second);
        assert_ok!(<Audits as Police<_, _>>::decided(0, false));
        assert_eq!((stake(first), stake(second)), ((STAKE / 2, 0), (STAKE, 0)));
        assert_eq!(free(second), before + FEE);
    });
}

#[test]
fn an_open_challenge_that_fails_leaves_the_audit_as_it_was() {
    story(|| {
        let auditor = audited(0, right(), right())[0];
        assert_ok!(<Audits as Police<_, _>>::decided(0, true));
        assert!(matches!(audit(0).state, AuditState::Opening { .. }));
        assert_ok!(open(auditor, 0, right()));
        assert_ok!(<Audits as Police<_, _>>::decided(0, true));
        assert_eq!(audit(0).state, AuditState::Passed);
    });
}

#[test]
fn an_answer_that_was_never_opened_is_not_paid_after_a_dispute() {
    story(|| {
        Second::set(1_000_000);
        let auditors = audited(0, wrong(), right());
        assert_ok!(open(auditors[0], 0, wrong()));
        assert_ok!(<Audits as Police<_, _>>::decided(0, true));
        assert_eq!(stake(auditors[0]), (STAKE / 2, 0));
        assert_eq!(
            stake(auditors[1]),
            (STAKE, 0),
            "it has shown nothing, and nothing is shown against it"
        );
        assert_eq!(pool(), (FUND, 0));
    });
}
