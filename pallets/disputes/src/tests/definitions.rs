//! A runtime with another definition of the arithmetic convicts nobody for a claim that was made under the former one.

use super::verdicts::{WAY, known, liar, model, narrow_down};
use crate::{Error, Event, mock::*};
use assay_player::{prove as build, statement};
use assay_types::{DEFINITION_NUMBER, H256, HostBlake2, JobId, ModelVersion, Phase, dispute::Place};
use polkadot_sdk::frame_support::{assert_noop, assert_ok};

/// A definition that this runtime does not judge by.
const ANOTHER: u32 = DEFINITION_NUMBER + 1;

/// Makes the model one of another definition, as it is after an upgrade that changes the runtime's.
fn redefine(version: ModelVersion) {
    let mut record = pallet_models::Versions::<Test>::take(version).expect("is registered");
    pallet_models::VersionByRoot::<Test>::remove(record.root);
    record.parts.definition = ANOTHER;
    record.root = H256(record.parts.root::<HostBlake2>());
    pallet_models::VersionByRoot::<Test>::insert(record.root, version);
    pallet_models::Versions::<Test>::insert(version, record);
    let claims: Vec<JobId> = crate::Disputes::<Test>::iter_keys().collect();
    for claim in claims {
        crate::Disputes::<Test>::mutate_extant(claim, |dispute| dispute.definition = ANOTHER);
    }
}

fn version_of(job: JobId) -> ModelVersion {
    pallet_market::Jobs::<Test>::get(job).expect("is open").model
}

/// Checks that the dispute ended at no cost to anybody.
fn assert_voided(job: JobId) {
    assert_eq!((phase(job), dispute(job), bonded(CHALLENGER)), (None, None, 0));
    assert_eq!(Balances::free_balance(CLIENT), ENDOWMENT);
    let record = Workers::worker_info(&WORKER).expect("is registered");
    assert_eq!((record.stake, record.locked, record.slashing), (STAKE, 0, 0));
    assert!(events().contains(&Event::DisputeVoided {
        job,
        worker: WORKER,
        definition: ANOTHER
    }));
    let was_convicted = |event: &Event<Test>| matches!(event, Event::WorkerConvicted { .. });
    assert!(!events().iter().any(was_convicted));
}

#[test]
fn a_proof_under_another_definition_convicts_nobody() {
    TestExt::new().execute_with(|| {
        let honest = model();
        let liar = liar(&honest);
        let job = claimed(liar.pretended());
        narrow_down(job, &honest, &liar, CHALLENGER);
        let head = dispute(job).and_then(|dispute| dispute.trace).expect("is revealed");
        let proof = build(&honest, &head, &known(job, &WAY), &WAY[2], 300).expect("it is wrong");
        redefine(version_of(job));
        check();

        assert_noop!(prove(CHALLENGER, job, proof, 300), Error::<Test>::AnotherDefinition);
        assert!(!Disputes::may_prove(&CHALLENGER, job));
        assert!(Disputes::may_claim_timeout(&WORKER, job, &CHALLENGER));
        // The clock has not run out.
        assert_ok!(timeout(CHALLENGER, job));
        assert_voided(job);
    });
}

#[test]
fn no_move_of_a_game_is_made_under_another_definition_and_silence_convicts_nobody() {
    TestExt::new().execute_with(|| {
        let honest = model();
        let job = claimed(&honest);
        assert_ok!(challenge(CHALLENGER, job));
        redefine(version_of(job));
        let trace = statement(&honest, &Place::Trace).expect("it is in memory");
        assert_noop!(reveal(job, trace.clone()), Error::<Test>::AnotherDefinition);
        assert!(!Disputes::may_reveal(&WORKER, job, Place::Trace));
        run_down(job, CHALLENGER);
        assert_noop!(answer_late(job, trace), Error::<Test>::AnotherDefinition);
        advance(LATE_ANSWER + 1);
        assert_ok!(timeout(CHALLENGER, job));
        assert_voided(job);
    });
}

#[test]
fn a_challenger_whose_turn_it_is_has_its_bond_back() {
    TestExt::new().execute_with(|| {
        let honest = model();
        let job = claimed(&honest);
        assert_ok!(challenge(CHALLENGER, job));
        let trace = statement(&honest, &Place::Trace).expect("it is in memory");
        assert_ok!(reveal(job, trace));
        redefine(version_of(job));
        assert_noop!(
            point(CHALLENGER, job, Place::Trace, 0),
            Error::<Test>::AnotherDefinition
        );
        run_down(job, CHALLENGER);
        assert_ok!(timeout(CHALLENGER, job));
        assert_voided(job);
    });
}

#[test]
fn a_claim_of_another_definition_is_not_challenged_and_its_worker_is_paid() {
    TestExt::new().execute_with(|| {
        let job = claimed(&model());
        redefine(version_of(job));
        assert_eq!(Disputes::bond_for(job), None);
        assert_noop!(challenge(CHALLENGER, job), Error::<Test>::AnotherDefinition);
        let before = balance(WORKER);
        advance(WINDOW + 1);
        assert_eq!((phase(job), balance(WORKER)), (None, before + PRICE));
    });
}

#[test]
fn the_next_dispute_of_the_worker_is_called_when_one_is_voided() {
    TestExt::new().execute_with(|| {
        let honest = model();
        let jobs: Vec<JobId> = (0..=CALLED).map(|_| claimed(&honest)).collect();
        for job in &jobs {
            assert_ok!(challenge(CHALLENGER, *job));
        }
        let last = jobs[CALLED];
        assert!(dispute(last).expect("lasts").waits);
        redefine(version_of(last));
        assert_ok!(timeout(CHALLENGER, jobs[0]));
        assert!(!dispute(last).expect("lasts").waits);
        check();
        for job in &jobs[1..] {
            assert_ok!(timeout(CHALLENGER, *job));
        }
        assert_voided(last);
        assert_eq!(phase(jobs[0]), None::<Phase>);
    });
}
