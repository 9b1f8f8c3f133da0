//! Agreements hold: no change of a parameter alters the jobs, sessions and disputes that go on.

use crate::{
    chain::{in_first_block, pass},
    parameters::{change, set},
    scene::{applied, assigned, claim, execution, offered, origin, session},
};
use assay_player::statement;
use assay_runtime::{
    BlockNumber, Disputes, Market, Runtime, Sessions, Time, Workers, check_invariants,
    parameters::{RuntimeParameters, dynamic_params::*},
    units::{HOURS, MINUTES, UNIT},
};
use assay_types::{H256, SessionState, dispute::Place, kept::MAX_KEPT};
use pallet_governance::{Error, ParameterName};
use polkadot_sdk::{
    frame_support::{assert_noop, assert_ok, traits::Get},
    sp_core::{Pair as _, sr25519::Pair},
    sp_keyring::Sr25519Keyring::{Bob, Charlie, Dave},
    sp_runtime::{DispatchError, DispatchResult, Perbill},
};

#[test]
fn a_job_that_is_open_keeps_what_missing_and_declining_it_cost() {
    in_first_block(|| {
        let honest = execution();
        offered(&honest);
        let [missed, declined] = [assigned(&honest), assigned(&honest)];
        assert_ok!(set(change!(
            Market,
            market::NonDeliverySlash,
            Perbill::from_percent(50)
        )));
        assert_ok!(set(change!(Market, market::DeclineSlash, Perbill::from_percent(5))));
        assert_ok!(set(change!(Workers, workers::MinStake, 5_000 * UNIT)));
        // Bob's stake is below the new minimum, and secures these jobs all the same.
        let refused: DispatchError = pallet_market::Error::<Runtime>::WorkerIsSecure.into();
        assert_noop!(Market::reassign(origin(Dave), missed), refused);
        assert_ok!(set(change!(Workers, workers::MinStake, 100 * UNIT)));

        let stake = || Workers::worker_info(&Bob.to_account_id()).expect("is registered").stake;
        let before = stake();
        pass(MINUTES / 2);
        assert_ok!(Market::decline(origin(Bob), declined));
        // Half of the time, so half of ten percent of a lock of ten tokens.
        assert_eq!(before - stake(), UNIT / 2);
        let before = stake();
        pass(MINUTES / 2 + 2);
        assert!(Market::job(missed).is_none());
        assert_eq!(before - stake(), UNIT);
        assert_ok!(check_invariants());
    });
}

#[test]
fn a_game_that_goes_on_keeps_its_clocks_its_bond_and_its_fees() {
    in_first_block(|| {
        let honest = execution();
        offered(&honest);
        let job = assigned(&honest);
        applied(Bob, claim(job, &honest));
        let bond = Disputes::bond_for(job);
        assert_ok!(Disputes::challenge(origin(Dave), job, H256::zero()));
        let clock: BlockNumber = <Runtime as pallet_disputes::Config>::ClockBlocks::get();
        let late: BlockNumber = <Runtime as pallet_disputes::Config>::LateAnswerBlocks::get();

        for change in [
            change!(Disputes, disputes::LeastBond, 5 * UNIT),
            change!(Disputes, disputes::LeastTurnBlocks, 15),
            change!(Disputes, disputes::ClockBlocks, 5 * MINUTES),
            change!(Disputes, disputes::LateAnswerBlocks, 12 * HOURS),
            change!(Disputes, disputes::LeastLateFee, 0),
            change!(Disputes, disputes::LateFee, Perbill::zero()),
        ] {
            assert_ok!(set(change));
        }
        // The second challenge of the same dispute costs twice what the first did.
        assert_eq!(Disputes::bond_for(job), bond.map(|bond| 2 * bond));
        pass(clock);
        let timeout = |expected: DispatchResult| {
            assert_eq!(
                Disputes::claim_timeout(origin(Dave), job, Dave.to_account_id())
                    .map(drop)
                    .map_err(|refused| refused.error),
                expected
            );
        };
        timeout(Err(pallet_disputes::Error::<Runtime>::DeadlineNotPassed.into()));
        pass(1);
        timeout(Ok(()));
        let until = Disputes::dispute(job).and_then(|dispute| dispute.late_until);
        assert_eq!(until, Some(Time::moment() + late));
        // A late answer costs what it did, and brings a whole clock.
        let stake = || Workers::worker_info(&Bob.to_account_id()).expect("is registered").stake;
        let before = stake();
        let said = statement(&honest, &Place::Trace).expect("it is in memory");
        assert_ok!(Disputes::answer_late(origin(Bob), job, Box::new(said)));
        assert_eq!(before - stake(), 3 * UNIT);
        let game = Disputes::dispute(job).expect("it lasts").games[0].clone();
        assert_eq!(game.clock.worker_left, clock);
        assert_ok!(check_invariants());
    });
}

#[test]
fn a_session_that_is_open_keeps_the_time_for_its_last_voucher() {
    in_first_block(|| {
        offered(&execution());
        let [before, after] = [<Runtime as pallet_sessions::Config>::ClosingBlocks::get(), 5 * MINUTES];
        let id = session(&Pair::from_seed(&[1; 32]));
        assert_ok!(set(change!(Sessions, sessions::ClosingBlocks, after)));
        let later = session(&Pair::from_seed(&[2; 32]));
        let now = Time::moment();
        for (id, closing) in [(id, before), (later, after)] {
            assert_ok!(Sessions::close(origin(Charlie), id, None));
            let state = Sessions::session(id).expect("it lasts").state;
            assert_eq!(state, SessionState::Closing { until: now + closing });
        }
        assert_ok!(check_invariants());
    });
}

#[test]
fn more_changes_than_can_be_kept_are_refused_until_the_oldest_jobs_are_over() {
    in_first_block(|| {
        let honest = execution();
        offered(&honest);
        let mut percent = 10;
        let mut next = || {
            percent += 1;
            change!(Market, market::NonDeliverySlash, Perbill::from_percent(percent))
        };
        for _ in 0..MAX_KEPT {
            let job = assigned(&honest);
            assert_ok!(Market::decline(origin(Bob), job));
            assert_ok!(set(next()));
            // Bob rests after a job that it gave back; the next one goes to it when it has rested.
            pass(2 * MINUTES);
        }
        let job = assigned(&honest);
        assert_ok!(Market::decline(origin(Bob), job));
        let refused: DispatchError = Error::<Runtime>::TooManyChanges(ParameterName::NonDeliverySlash).into();
        assert_noop!(set(next()), refused);
        // Others can still be changed.
        assert_ok!(set(change!(Fees, fees::FullCoreFee, 3 * UNIT)));
        assert_ok!(check_invariants());
    });
}
