//! Audits as a whole: a claim is drawn, an auditor answers, and the court or the settlement ends it.

use crate::{
    chain::{in_first_block, pass},
    parameters::{change, set},
    scene::{assigned, auditor, claim_of, execution, know_seed, offered, origin, seal},
};
use assay_adversary::InMemory;
use assay_player::statement;
use assay_runtime::{
    Audits, Balance, Balances, BlockNumber, Disputes, Market, Runtime, Time, Workers, check_invariants,
    parameters::{
        RuntimeParameters,
        dynamic_params::{audits, disputes::ChallengerClockBlocks},
    },
    units::{HOURS, MINUTES, UNIT},
};
use assay_types::{H256, HostBlake2, JobId, JobState, Phase, SealStatus, audit, audit::AuditState, dispute::Place};
use polkadot_sdk::{
    frame_support::{assert_noop, assert_ok, traits::Get},
    sp_keyring::Sr25519Keyring::{self, Alice, Bob, Charlie, Dave, Eve},
    sp_runtime::{Perbill, traits::Dispatchable},
};

const SALT: [u8; 32] = [8; 32];

/// Sets the hazard with which the job's claim is drawn from now on.
fn set_hazard(job: JobId, hazard: u64) {
    pallet_market::Jobs::<Runtime>::mutate(job, |job| {
        if let Some(JobState::Sealed { assignment, .. }) = job.as_mut().map(|job| &mut job.state) {
            assignment.hazard = hazard;
        }
    });
}

/// A job that Bob has sealed, and whose seed has drawn Eve to audit it.
fn drawn(honest: &InMemory) -> JobId {
    offered(honest);
    auditor(Eve);
    assert_ok!(set(change!(Audits, audits::SecondShare, Perbill::zero())));
    assert_ok!(Audits::fund(origin(Alice), 100 * UNIT));
    let job = assigned(honest);
    assert_ok!(seal(job, honest).dispatch(origin(Bob)));
    set_hazard(job, u64::MAX);
    assert_eq!(Market::seal_statuses(&[job]), [SealStatus::Waiting]);
    know_seed();
    assert_eq!(
        Market::seal_statuses(&[job, 77]),
        [SealStatus::Drawn, SealStatus::NotSealed]
    );
    let refused = pallet_market::Error::<Runtime>::ClaimDrawn;
    assert_noop!(Market::claim(origin(Bob), claim_of(job, honest)), refused);
    assert_ok!(Market::draw(origin(Dave), vec![job].try_into().expect("one")));
    // The levy is that of a claim that is rarely drawn.
    set_hazard(job, 0);
    let audit = Audits::audit(job).expect("it was drawn");
    assert_eq!(audit.auditors[0].who, Eve.to_account_id());
    assert_ok!(check_invariants());
    job
}

/// Eve seals this answer, and no second auditor is drawn.
fn answered(job: JobId, honest: &InMemory, digest: H256) {
    let refused = pallet_market::Error::<Runtime>::AuditorsNotReady;
    assert_noop!(Market::claim(origin(Bob), claim_of(job, honest)), refused);
    let sealed = audit::seal::<HostBlake2, _>(job, &Eve.to_account_id(), &digest, &SALT);
    assert_ok!(Audits::answer(origin(Eve), job, sealed));
    know_seed();
    assert_ok!(Audits::advance(origin(Dave), job));
    assert_eq!(Audits::audit(job).map(|audit| audit.state), Some(AuditState::Ready));
    assert_eq!(Market::seal_statuses(&[job]), [SealStatus::Claimable]);
}

fn free(who: Sr25519Keyring) -> Balance {
    Balances::free_balance(who.to_account_id())
}

/// Lock of a worker, and the part of its stake that is to be slashed.
fn stake(who: Sr25519Keyring) -> (Balance, Balance) {
    let info = Workers::worker_info(&who.to_account_id()).expect("is registered");
    (info.locked, info.slashing)
}

fn phase(job: JobId) -> Option<Phase> {
    Market::job(job).map(|job| job.state.phase())
}

#[test]
fn an_audited_claim_is_settled_once_its_auditor_agrees_and_the_auditor_is_paid() {
    in_first_block(|| {
        let honest = execution();
        let job = drawn(&honest);
        let claim = claim_of(job, &honest);
        answered(job, &honest, claim.output_digest);
        assert_ok!(Market::claim(origin(Bob), claim.clone()));
        let early = pallet_market::Error::<Runtime>::UnderAudit;
        assert_noop!(Market::accept(origin(Charlie), job), early);
        let before = free(Eve);
        assert_ok!(Audits::open(origin(Eve), job, claim.output_digest, SALT, None));
        assert_ok!(check_invariants());
        pass(MINUTES + 2);
        assert_eq!((phase(job), Audits::audit(job)), (None, None));
        // A price and a quarter.
        assert_eq!(free(Eve), before + 5 * UNIT / 4);
        assert_eq!((stake(Eve), stake(Bob)), ((0, 0), (0, 0)));
        assert_ok!(check_invariants());
    });
}

#[test]
fn an_auditor_that_accuses_an_honest_worker_is_convicted() {
    in_first_block(|| {
        let honest = execution();
        let job = drawn(&honest);
        let wrong = H256::repeat_byte(9);
        answered(job, &honest, wrong);
        assert_ok!(Market::claim(origin(Bob), claim_of(job, &honest)));
        assert_ok!(Audits::open(origin(Eve), job, wrong, SALT, Some(H256::repeat_byte(1))));
        assert_eq!(phase(job), Some(Phase::Disputed));
        let game = Disputes::dispute(job).expect("it began by itself").games[0].clone();
        assert_eq!((game.challenger, game.bond), (Eve.to_account_id(), 0));
        let trace = statement(&honest, &Place::Trace).expect("it is in memory");
        assert_ok!(Disputes::reveal(origin(Bob), job, Box::new(trace)));
        pass(<ChallengerClockBlocks as Get<BlockNumber>>::get() + 1);
        assert_ok!(Disputes::claim_timeout(origin(Bob), job, Eve.to_account_id()));
        assert_eq!(stake(Eve), (0, 500 * UNIT), "half of its stake");
        assert_eq!(phase(job), Some(Phase::Claimed));
        assert_ok!(check_invariants());
        pass(10 * MINUTES);
        assert_eq!((phase(job), stake(Bob)), (None, (0, 0)));
        assert_ok!(check_invariants());
    });
}

#[test]
fn a_claim_that_is_withheld_from_its_auditor_costs_what_a_false_one_does() {
    in_first_block(|| {
        let honest = execution();
        let job = drawn(&honest);
        answered(job, &honest, claim_of(job, &honest).output_digest);
        let (client, before) = (free(Charlie), free(Eve));
        let ceiling = Market::job(job).expect("it is open").ceiling;
        pallet_time::Now::<Runtime>::mutate(|now| *now += 12 * HOURS + 1);
        let late = pallet_market::Error::<Runtime>::DeadlinePassed;
        assert_noop!(Market::claim(origin(Bob), claim_of(job, &honest)), late);
        assert_ok!(Market::advance(origin(Dave), job));
        assert_eq!((phase(job), Audits::audit(job)), (None, None));
        assert_eq!(stake(Bob), (0, 500 * UNIT), "half of its stake");
        assert_eq!(free(Charlie), client + ceiling);
        assert_eq!((free(Eve), stake(Eve)), (before + 5 * UNIT / 4, (0, 0)));
        assert!(Time::moment() > 12 * HOURS);
    });
}

#[test]
fn what_is_not_drawn_leaves_nothing_with_the_police() {
    in_first_block(|| {
        let honest = execution();
        offered(&honest);
        auditor(Eve);
        let job = assigned(&honest);
        assert_ok!(seal(job, &honest).dispatch(origin(Bob)));
        let early = pallet_market::Error::<Runtime>::SeedNotKnown;
        assert_noop!(Market::claim(origin(Bob), claim_of(job, &honest)), early);
        know_seed();
        let jobs = vec![job].try_into().expect("one");
        let spared = pallet_market::Error::<Runtime>::NotDrawn;
        assert_noop!(Market::draw(origin(Dave), jobs), spared);
        assert_ok!(Market::claim(origin(Bob), claim_of(job, &honest)));
        assert_eq!(Audits::audit(job), None);
        assert_ok!(Market::accept(origin(Charlie), job));
        assert_eq!(phase(job), None);
        assert_ok!(check_invariants());
    });
}
