//! Which claims are drawn, and who audits them.

use crate::{Error, Event, mock::*};
use assay_police::{Assurance, Hazard};
use assay_types::{
    ClaimId,
    audit::{AuditState, Police, SealedClaim},
};
use polkadot_sdk::frame_support::{assert_noop, assert_ok};

/// Seals claims of this price, each under another seed, and says how many of them are drawn.
fn drawn_of(claims: ClaimId, price: u64) -> u64 {
    let mut drawn = 0;
    for claim in 0..claims {
        sealed_at(claim, price, Assurance::Basic);
        advance(DRAW + 1);
        drawn += u64::from(audit(claim).state != AuditState::Spared);
        assert_ok!(<Audits as Police<_, _>>::abandoned(claim));
    }
    drawn
}

#[test]
fn a_claim_waits_for_a_seed_that_nobody_knew() {
    story(|| {
        sealed_at(0, PRICE, Assurance::Full);
        assert_noop!(Audits::advance(signed(OUTSIDER), 0), Error::<Test>::SeedNotKnown);
        assert!(!<Audits as Police<_, _>>::may_open(0));
        assert_noop!(opened(0, right()), Error::<Test>::NotReady);
        without_idle(DRAW - 1);
        assert_noop!(Audits::advance(signed(OUTSIDER), 0), Error::<Test>::SeedNotKnown);
        without_idle(1);
        assert_ok!(Audits::advance(signed(OUTSIDER), 0));
        assert!(OTHERS.contains(&auditor(0)));
        assert_noop!(Audits::advance(signed(OUTSIDER), 0), Error::<Test>::NotDue);
    });
}

#[test]
fn what_a_draw_says_does_not_depend_on_when_it_is_looked_at() {
    let states = [DRAW, DRAW + 1, MEMORY].map(|blocks| {
        let mut states = Vec::new();
        story(|| {
            for claim in 0..60 {
                sealed_at(claim, PRICE, Assurance::High);
            }
            without_idle(blocks);
            for claim in 0..60 {
                assert_ok!(Audits::advance(signed(OUTSIDER), claim));
                let auditor = audit(claim).auditors.first().map(|auditor| auditor.who);
                states.push(auditor);
            }
        });
        states
    });
    assert_eq!(states[0], states[1]);
    assert_eq!(states[0], states[2]);
    assert!(states[0].contains(&None) && states[0].iter().any(Option::is_some));
}

#[test]
fn a_claim_whose_draw_nobody_looked_at_is_audited() {
    story(|| {
        sealed_at(0, 1, Assurance::Basic);
        without_idle(MEMORY + 1);
        assert_ok!(Audits::advance(signed(OUTSIDER), 0));
        assert_eq!(audit(0).state, AuditState::Sealed);
        assert_noop!(Audits::advance(signed(OUTSIDER), 0), Error::<Test>::SeedNotKnown);
        without_idle(DRAW);
        assert_ok!(Audits::advance(signed(OUTSIDER), 0));
        assert!(OTHERS.contains(&auditor(0)));
    });
}

#[test]
fn a_higher_price_is_drawn_more_often() {
    story(|| {
        // Of a new worker: half an audit is expected at the full price, and 4 · price / (stake / 2) on top.
        let chance = |price| u64::from(Hazard(Audits::hazard_now(&WORKER, price, 10 * price)).chance());
        assert_eq!((chance(PRICE), chance(PRICE / 10)), (405_480, 50_672));
        // Four standard deviations of 400 draws are 39 and 18.
        assert!(drawn_of(400, PRICE).abs_diff(162) < 39);
    });
    story(|| assert!(drawn_of(400, PRICE / 10).abs_diff(20) < 18));
}

#[test]
fn a_price_in_parts_is_drawn_as_often_as_the_whole() {
    story(|| {
        let hazard = |price| Audits::hazard_now(&WORKER, price, 0);
        for (whole, parts) in [
            (PRICE, vec![PRICE / 4; 4]),
            (9 * PRICE, vec![4 * PRICE, 5 * PRICE]),
            (7, vec![1; 7]),
        ] {
            let sum: u64 = parts.into_iter().map(hazard).sum();
            assert!(sum >= hazard(whole), "{whole}");
        }
    });
}

#[test]
fn a_record_makes_audits_rare_and_a_fault_makes_them_frequent() {
    story(|| {
        let hazards = |count: u64| {
            for claim in 0..count {
                audited(claim, right(), right());
                let auditor = audit(claim).auditors[0].who;
                assert_ok!(open(auditor, claim, right()));
                assert_ok!(<Audits as Police<_, _>>::settled(claim));
            }
            Audits::hazard_now(&WORKER, PRICE, LOCK)
        };
        let new = hazards(0);
        let known = hazards(10);
        assert!(known < new / 8, "{known} of {new}");
        sealed_at(99, PRICE, Assurance::Basic);
        assert_ok!(<Audits as Police<_, _>>::abandoned(99));
        assert!(Audits::hazard_now(&WORKER, PRICE, LOCK) > known);
        assert_eq!(record(WORKER).faults, 1);
    });
}

#[test]
fn auditors_are_chosen_in_proportion_to_their_stakes() {
    story(|| {
        assert_ok!(Workers::bond_more(signed(OTHERS[0]), 2 * STAKE));
        let mut chosen = [0u64; 3];
        for claim in 0..500 {
            let auditor = drawn(claim);
            let place = OTHERS
                .iter()
                .position(|other| *other == auditor)
                .expect("it is one of them");
            chosen[place] += 1;
            assert_ok!(<Audits as Police<_, _>>::abandoned(claim));
        }
        // Three fifths and a fifth each; four standard deviations of 500 draws are 44 and 36.
        assert!(chosen[0].abs_diff(300) < 44, "{chosen:?}");
        assert!(
            chosen[1].abs_diff(100) < 36 && chosen[2].abs_diff(100) < 36,
            "{chosen:?}"
        );
    });
}

#[test]
fn neither_the_worker_nor_the_client_audits() {
    story(|| {
        // The client is a worker as well, with a hundred times the stake of the others.
        register(CLIENT, 20 * STAKE);
        for claim in 0..40 {
            assert!(OTHERS.contains(&drawn(claim)));
            assert_ok!(<Audits as Police<_, _>>::abandoned(claim));
        }
    });
}

#[test]
fn a_claim_that_is_not_drawn_is_opened_and_settled() {
    story(|| {
        sealed_at(0, 1, Assurance::Basic);
        advance(DRAW + 1);
        assert!(events().contains(&Event::Spared { claim: 0 }));
        assert!(!<Audits as Police<_, _>>::may_settle(0), "it is not open");
        assert_ok!(opened(0, right()));
        assert_noop!(opened(0, wrong()), Error::<Test>::NotReady);
        assert!(<Audits as Police<_, _>>::may_settle(0));
        assert_ok!(<Audits as Police<_, _>>::settled(0));
        assert_eq!(Audits::audit(0), None);
    });
}

#[test]
fn a_claim_that_the_police_does_not_know_is_free() {
    story(|| {
        assert!(<Audits as Police<_, _>>::may_open(7) && <Audits as Police<_, _>>::may_settle(7));
        let before = free(CLIENT);
        assert_ok!(<Audits as Police<_, _>>::settled(7));
        assert_ok!(<Audits as Police<_, _>>::decided(7, false));
        assert_ok!(<Audits as Police<_, _>>::abandoned(7));
        assert_eq!(free(CLIENT), before);
    });
}

#[test]
fn a_claim_whose_seed_is_known_is_drawn_at_once() {
    story(|| {
        let sealed_at = System::block_number();
        advance(DRAW);
        let sealed = SealedClaim {
            client: CLIENT,
            worker: WORKER,
            model: MODEL,
            price: PRICE,
            locked: LOCK,
            work: 0,
            assurance: Assurance::Full,
            sealed_at,
            hazard: 0,
        };
        assert_ok!(<Audits as Police<_, _>>::sealed(0, sealed));
        assert!(OTHERS.contains(&auditor(0)));
        assert_eq!(audit(0).sealed_at, sealed_at);
    });
}
