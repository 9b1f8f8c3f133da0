//! Auditors seal their answers and open them.

use crate::{Error, Event, mock::*};
use assay_types::{
    ClaimId, H256, HostBlake2,
    audit::{AuditState, Police, seal},
};
use polkadot_sdk::frame_support::{assert_noop, assert_ok};

#[test]
fn an_answer_that_agrees_lets_a_claim_pass_and_is_paid() {
    story(|| {
        let auditor = drawn(0);
        assert_eq!(stake(auditor), (STAKE, LOCK));
        assert_eq!(pool(), (FUND - FEE, FEE));
        assert_ok!(answer(auditor, 0, right()));
        assert!(!<Audits as Police<_, _>>::may_open(0), "a second auditor may be drawn");
        advance(DRAW + 1);
        assert_eq!(audit(0).state, AuditState::Ready);
        assert_ok!(opened(0, right()));
        assert!(!<Audits as Police<_, _>>::may_settle(0));
        assert!(Audits::may_open_now(&auditor, 0));
        assert_ok!(open(auditor, 0, right()));
        assert_eq!(audit(0).state, AuditState::Passed);
        assert_eq!(record(WORKER).passed, 1_000);
        assert_eq!(
            stake(auditor).1,
            LOCK,
            "its answer is secured until the claim is settled"
        );
        let before = free(auditor);
        assert_ok!(<Audits as Police<_, _>>::settled(0));
        assert_eq!((free(auditor), stake(auditor)), (before + FEE, (STAKE, 0)));
        assert!(Accused::get().is_empty());
    });
}

#[test]
fn nobody_else_answers_and_nobody_twice() {
    story(|| {
        let auditor = drawn(0);
        for other in OTHERS
            .into_iter()
            .filter(|other| *other != auditor)
            .chain([WORKER, CLIENT])
        {
            assert_noop!(answer(other, 0, right()), Error::<Test>::NotAuditor);
        }
        assert!(Audits::may_answer_now(&auditor, 0) && !Audits::may_answer_now(&WORKER, 0));
        assert_ok!(answer(auditor, 0, right()));
        assert_noop!(answer(auditor, 0, wrong()), Error::<Test>::AlreadySealed);
        assert!(!Audits::may_answer_now(&auditor, 0));
        assert_noop!(answer(auditor, 1, right()), Error::<Test>::UnknownAudit);
    });
}

#[test]
fn an_answer_is_opened_as_it_was_sealed_and_not_before_the_claim() {
    story(|| {
        let auditor = drawn(0);
        assert_noop!(open(auditor, 0, right()), Error::<Test>::NotOpening);
        assert_ok!(answer(auditor, 0, right()));
        advance(DRAW + 1);
        assert_noop!(open(auditor, 0, right()), Error::<Test>::NotOpening);
        assert_ok!(opened(0, right()));
        assert_noop!(open(auditor, 0, wrong()), Error::<Test>::WrongSeal);
        let other_salt = Audits::open(signed(auditor), 0, right(), [8; 32], None);
        assert_noop!(other_salt, Error::<Test>::WrongSeal);
        assert_noop!(open(WORKER, 0, right()), Error::<Test>::NotAuditor);
        assert_ok!(open(auditor, 0, right()));
        assert_noop!(open(auditor, 0, right()), Error::<Test>::NotOpening);
    });
}

#[test]
fn a_seal_that_was_copied_does_not_open() {
    story(|| {
        let auditor = drawn(0);
        // What the worker has sealed, as it stands in the pool.
        let of_the_worker = seal::<HostBlake2, _>(0, &WORKER, &right(), &SALT);
        assert_ok!(Audits::answer(signed(auditor), 0, of_the_worker));
        advance(DRAW + 1);
        assert_ok!(opened(0, right()));
        assert_noop!(open(auditor, 0, right()), Error::<Test>::WrongSeal);
    });
}

#[test]
fn a_second_auditor_is_drawn_when_the_first_has_sealed() {
    story(|| {
        Second::set(1_000_000);
        let first = drawn(0);
        assert_ok!(answer(first, 0, right()));
        assert_eq!(audit(0).auditors.len(), 1, "nobody knows of a second one");
        advance(DRAW + 1);
        let second = auditor(0);
        assert_ne!(first, second);
        assert!(!<Audits as Police<_, _>>::may_open(0));
        assert_ok!(answer(second, 0, right()));
        assert_ok!(opened(0, right()));
        assert_ok!(open(second, 0, right()));
        assert!(!<Audits as Police<_, _>>::may_settle(0));
        assert_noop!(open(second, 0, right()), Error::<Test>::AlreadyOpen);
        assert_ok!(open(first, 0, right()));
        assert_eq!(pool(), (FUND - 2 * FEE, 2 * FEE));
        assert_ok!(<Audits as Police<_, _>>::settled(0));
        assert_eq!((stake(first).1, stake(second).1), (0, 0));
    });
}

#[test]
fn an_answer_that_differs_begins_a_dispute_without_a_bond() {
    story(|| {
        let auditor = audited(0, right(), wrong())[0];
        let before = free(auditor);
        let without = Audits::open(signed(auditor), 0, right(), SALT, None);
        assert_noop!(without, Error::<Test>::CommitmentMissing);
        CourtIsFull::set(true);
        assert!(open(auditor, 0, right()).is_err());
        CourtIsFull::set(false);
        assert_ok!(open(auditor, 0, right()));
        assert_eq!(Accused::get(), [(auditor, 0, trace())]);
        assert_eq!((audit(0).state, free(auditor)), (AuditState::Disputed, before));
        assert!(!<Audits as Police<_, _>>::may_settle(0));
        let opened = Event::AnswerOpened {
            claim: 0,
            auditor,
            output_digest: right(),
            agrees: false,
        };
        assert!(events().contains(&opened));
    });
}

#[test]
fn a_seal_of_nothing_is_a_seal_that_does_not_open() {
    story(|| {
        let auditor = drawn(0);
        assert_ok!(Audits::answer(signed(auditor), 0, H256::zero()));
        advance(DRAW + 1);
        assert_ok!(opened(0, right()));
        assert_noop!(open(auditor, 0, right()), Error::<Test>::WrongSeal);
        advance(OPEN + 1);
        assert!(record(auditor).faults == 1, "it has missed");
    });
}

#[test]
fn an_auditor_finds_its_audits_until_they_are_over_or_another_has_them() {
    story(|| {
        let of = |who: u64| -> Vec<ClaimId> {
            let page = Audits::audits_of(&who, None, 10);
            assert_eq!(page.next, None);
            page.entries.into_iter().map(|(claim, _)| claim).collect()
        };
        let first = drawn(0);
        assert_eq!(of(first), [0]);
        assert_eq!(of(WORKER), [0; 0]);
        advance(ANSWER + 1);
        let second = auditor(0);
        assert_ne!(first, second);
        assert_eq!((of(first), of(second)), (vec![], vec![0]));
        assert_ok!(<Audits as Police<_, _>>::abandoned(0));
        assert_eq!(of(second), [0; 0]);
    });
}
