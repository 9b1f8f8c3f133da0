//! Levies, surcharges, the pool and the auditors' pay.

use crate::{Error, Event, mock::*};
use assay_police::Assurance;
use assay_types::audit::{Dues, Police};
use polkadot_sdk::{
    frame_support::{
        assert_noop, assert_ok,
        traits::{
            fungible::Mutate,
            tokens::{Fortitude, Precision, Preservation},
        },
    },
    pallet_balances,
};

/// A claim of this price and level that is open and was not drawn.
fn spared(claim: u64, price: u64) {
    for luck in 0.. {
        Luck::set(luck);
        sealed_at(claim, price, Assurance::Basic);
        advance(DRAW + 1);
        if <Audits as Police<_, _>>::may_open(claim) {
            break;
        }
        let before = record(WORKER);
        assert_ok!(<Audits as Police<_, _>>::abandoned(claim));
        crate::Records::<Test>::insert(WORKER, before);
    }
    assert_ok!(opened(claim, right()));
}

fn dues(claim: u64) -> Dues<u64> {
    let audit = audit(claim);
    <Audits as Police<_, _>>::dues(audit.price, audit.ordinary, audit.assurance)
}

/// The client pays the dues of a claim, as whoever settles it has them burned.
fn pay_dues(claim: u64) {
    let Dues { levy, surcharge } = dues(claim);
    let sum = levy + surcharge;
    let burned = Balances::burn_from(
        &CLIENT,
        sum,
        Preservation::Expendable,
        Precision::Exact,
        Fortitude::Force,
    );
    assert_eq!(burned, Ok(sum));
    <Audits as Police<_, _>>::paid_in(sum);
}

#[test]
fn a_settlement_pays_its_levy_into_the_pool() {
    story(|| {
        crate::Records::<Test>::mutate(WORKER, |record| record.passed = 1_000_000);
        spared(0, PRICE);
        let paid = dues(0);
        // 4.9 % of the claims of this price are audited, at a price and a quarter.
        assert_eq!((paid.levy, paid.surcharge), (60, 0));
        pay_dues(0);
        assert_ok!(<Audits as Police<_, _>>::settled(0));
        assert_eq!(pool(), (FUND + paid.levy, 0));
        assert!(events().contains(&Event::DuesPaid { amount: paid.levy }));
    });
}

#[test]
fn nothing_is_noted_where_nothing_is_due() {
    story(|| {
        <Audits as Police<_, _>>::paid_in(0);
        assert!(!events().contains(&Event::DuesPaid { amount: 0 }));
    });
}

#[test]
fn a_worker_with_a_record_pays_the_minimum_and_a_new_one_pays_for_its_audits() {
    story(|| {
        sealed_at(0, PRICE, Assurance::Basic);
        let new = dues(0).levy;
        crate::Records::<Test>::mutate(WORKER, |record| record.passed = 1_000_000);
        sealed_at(1, PRICE / 10, Assurance::Basic);
        let known = dues(1).levy;
        assert_eq!((new, known), (506, 5));
    });
}

#[test]
fn a_client_pays_for_a_higher_level() {
    story(|| {
        crate::Records::<Test>::mutate(WORKER, |record| record.passed = 1_000_000);
        let levels = [Assurance::Basic, Assurance::High, Assurance::Full];
        let mut surcharges = Vec::new();
        for (claim, level) in (0..).zip(levels) {
            sealed_at(claim, PRICE, level);
            surcharges.push(dues(claim).surcharge);
        }
        assert_eq!(surcharges[0], 0);
        assert!(surcharges[0] < surcharges[1] && surcharges[1] < surcharges[2]);
        assert!(surcharges[2] <= PRICE * 11 / 8);
    });
}

#[test]
fn the_pool_never_issues_more_than_it_has() {
    story(|| {
        crate::Pool::<Test>::put(FEE / 2);
        let auditor = drawn(0);
        assert_eq!(pool(), (0, FEE / 2));
        let other = drawn(1);
        assert_eq!(pool(), (0, FEE / 2));
        assert_ok!(answer(auditor, 0, right()));
        assert_ok!(answer(other, 1, right()));
        advance(DRAW + 1);
        let (before, issuance) = (free(auditor), pallet_balances::Pallet::<Test>::total_issuance());
        let same = auditor == other;
        let of_other = free(other);
        for claim in [0, 1] {
            assert_ok!(<Audits as Police<_, _>>::abandoned(claim));
        }
        assert_eq!(free(auditor), before + FEE / 2);
        assert!(same || free(other) == of_other);
        assert_eq!(pallet_balances::Pallet::<Test>::total_issuance(), issuance + FEE / 2);
    });
}

#[test]
fn paying_oneself_for_jobs_loses_money() {
    story(|| {
        // Client, worker and a third of the auditors' stake are one person's.
        let purse = || [WORKER, CLIENT, OTHERS[0]].map(free).iter().sum::<u64>();
        let before = purse();
        for claim in 0..200 {
            Luck::set(claim);
            sealed_at(claim, PRICE, Assurance::Basic);
            advance(DRAW + 1);
            if !<Audits as Police<_, _>>::may_open(claim) {
                assert_ok!(answer(auditor(claim), claim, right()));
                advance(DRAW + 1);
            }
            assert_ok!(opened(claim, right()));
            for auditor in audit(claim).auditors {
                assert_ok!(open(auditor.who, claim, right()));
            }
            pay_dues(claim);
            assert_ok!(<Audits as Police<_, _>>::settled(claim));
        }
        assert!(purse() < before);
    });
}

#[test]
fn anybody_can_pay_into_the_pool() {
    story(|| {
        assert_noop!(Audits::fund(signed(CLIENT), 0), Error::<Test>::ZeroAmount);
        assert_noop!(
            Audits::fund(signed(CLIENT), ENDOWMENT + 1),
            Error::<Test>::InsufficientFunds
        );
        assert_ok!(Audits::fund(signed(CLIENT), 7));
        assert_eq!(pool(), (FUND + 7, 0));
    });
}
