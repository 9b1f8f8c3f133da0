//! Workers as auditors: who could be one, what an audit locks, and what a miss costs.

use crate::mock::*;
use assay_types::{
    Outcome, Purpose, Unavailable, WorkerRegistry,
    audit::{Auditors, Candidate},
};
use polkadot_sdk::frame_support::assert_ok;

/// Workers, stakes and prices of those who could audit a job on a version that locks so much.
fn candidates(lock: u64) -> Vec<(u64, u64, u64)> {
    let candidates = <Workers as Auditors<_, _>>::candidates(DIGITS, lock, 0);
    let told = |candidate: Candidate<u64, u64>| (candidate.worker, candidate.stake, candidate.price);
    candidates.into_iter().map(told).collect()
}

fn audit(price: u64) -> Result<u64, Unavailable> {
    <Workers as WorkerRegistry<_, _>>::take(&ALICE, DIGITS, Purpose::Audit { price })
}

#[test]
fn who_offers_a_model_and_has_the_stake_could_audit() {
    story(|| {
        register(ALICE, MIN_STAKE);
        register(BOB, 3 * MIN_STAKE);
        register(CHARLIE, 2 * MIN_STAKE);
        offer(ALICE, DIGITS, 50);
        offer(BOB, DIGITS, 60);
        offer(CHARLIE, LETTERS, 10);
        let both = [(ALICE, MIN_STAKE, 50), (BOB, 3 * MIN_STAKE, 60)];
        assert_eq!(candidates(MIN_STAKE), both);
        assert_eq!(candidates(MIN_STAKE + 1), both[1..]);
        assert_ok!(Workers::pause(signed(BOB)));
        assert_eq!(candidates(MIN_STAKE), both[..1]);
        let stakes = [ALICE, NOBODY].map(|who| <Workers as Auditors<_, _>>::stake_of(&who));
        assert_eq!(stakes, [MIN_STAKE, 0]);
    });
}

#[test]
fn an_audit_locks_what_the_job_would_and_fills_no_place() {
    story(|| {
        register(ALICE, 2 * MIN_STAKE);
        assert_eq!(audit(200), Ok(400));
        assert_eq!(crate::Load::<Test>::get(ALICE, DIGITS), 0);
        assert_eq!(
            record(ALICE).map(|(_, stake, locked)| (stake, locked)),
            Some((2 * MIN_STAKE, 400))
        );
        assert_ok!(release(ALICE, 400, Outcome::Paid));
        assert_eq!(
            record(ALICE).map(|(_, stake, locked)| (stake, locked)),
            Some((2 * MIN_STAKE, 0))
        );
    });
}

#[test]
fn an_auditor_that_missed_loses_the_cost_and_rests() {
    story(|| {
        RestBlocks::set(5);
        register(ALICE, 2 * MIN_STAKE);
        offer(ALICE, DIGITS, 50);
        assert_eq!(audit(200), Ok(400));
        let before = issuance();
        let released = release(ALICE, 400, Outcome::AuditMissed { cost: 40 });
        assert_eq!(
            released.map(|released| (released.slashed.paid, released.slashed.burned)),
            Ok((0, 40))
        );
        assert_eq!(
            record(ALICE).map(|(_, stake, locked)| (stake, locked)),
            Some((2 * MIN_STAKE - 40, 0))
        );
        assert_eq!(issuance(), before - 40);
        assert_eq!((audit(200), candidates(400)), (Err(Unavailable::Resting), vec![]));
        advance_to(7);
        assert_eq!(audit(200), Ok(400));
    });
}
