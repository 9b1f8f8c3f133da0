//! Auditors before the court: a game without a bond that is older than all others.

use super::{
    attacks::{REWARD, first_award, go_on, proof},
    claimed_nothing,
    verdicts::{liar, model},
};
use crate::{Error, mock::*};
use assay_player::{Execution, statement, trace_digest};
use assay_types::{
    H256, HostBlake2, Phase,
    audit::SeniorCourt,
    dispute::{MAX_GAMES, Place, commitment},
};
use polkadot_sdk::{
    frame_support::{assert_noop, assert_ok},
    sp_runtime::DispatchResult,
};

fn accuse(auditor: u64, job: u64) -> DispatchResult {
    <Disputes as SeniorCourt<u64>>::accuse(auditor, job, H256::zero())
}

/// An accusation by an auditor that has made this execution.
fn accuse_as_finder(auditor: u64, job: u64, execution: &dyn Execution) -> DispatchResult {
    let sealed = commitment::<HostBlake2, _>(job, &auditor, &trace_digest(execution), &salt(auditor));
    <Disputes as SeniorCourt<u64>>::accuse(auditor, job, sealed)
}

fn challengers(job: u64) -> Vec<u64> {
    let dispute = dispute(job).expect("is disputed");
    dispute.games.iter().map(|game| game.challenger).collect()
}

#[test]
fn no_crowd_keeps_an_auditor_out_and_its_game_is_the_oldest() {
    TestExt::new().execute_with(|| {
        let job = claimed_nothing();
        for challenger in CROWD..CROWD + u64::from(MAX_GAMES) {
            assert_ok!(challenge(challenger, job));
        }
        for auditor in [CHALLENGER, SECOND] {
            assert_ok!(accuse(auditor, job));
            assert_eq!(bonded(auditor), 0);
        }
        assert_eq!(challengers(job)[..3], [CHALLENGER, SECOND, CROWD]);
        assert_noop!(challenge(PUBLISHER, job), Error::<Test>::TooManyGames);
        assert_noop!(accuse(PUBLISHER, job), Error::<Test>::TooManyGames);
    });
}

#[test]
fn an_accusation_begins_a_dispute_and_a_second_one_by_the_same_auditor_changes_nothing() {
    TestExt::new().execute_with(|| {
        let job = claimed_nothing();
        assert_ok!(accuse(CHALLENGER, job));
        assert_eq!(phase(job), Some(Phase::Disputed));
        assert_ok!(accuse(CHALLENGER, job));
        assert_eq!(challengers(job), [CHALLENGER]);
        assert_noop!(challenge(CHALLENGER, job), Error::<Test>::AlreadyChallenging);
        assert!(accuse(SECOND, job + 1).is_err());
    });
}

#[test]
fn an_auditor_that_says_nothing_more_loses_its_game_and_no_bond() {
    TestExt::new().execute_with(|| {
        let honest = model();
        let job = claimed(&honest);
        let before = balance(CHALLENGER);
        let trace = statement(&honest, &Place::Trace).expect("it is in memory");
        assert_ok!(accuse(CHALLENGER, job));
        assert_ok!(reveal(job, trace));
        advance(CHALLENGER_CLOCK + 1);
        assert_ok!(timeout(CHALLENGER, job));
        assert_eq!(phase(job), Some(Phase::Claimed));
        assert_eq!(balance(CHALLENGER), before);
    });
}

#[test]
fn an_auditor_comes_before_a_liar_that_challenged_itself() {
    TestExt::new().execute_with(|| {
        let honest = model();
        let liar = liar(&honest);
        let job = claimed(liar.pretended());
        assert_ok!(challenge_as_finder(WORKER, job, &honest));
        go_on(job, WORKER, &honest, &liar);
        assert_ok!(accuse_as_finder(CHALLENGER, job, &honest));
        let by = |who| prove_with(who, job, proof(job, &honest), 300, Some(finding(who, &honest, 2, 300)));
        assert_noop!(by(WORKER), Error::<Test>::OlderGameFirst);
        go_on(job, CHALLENGER, &honest, &liar);
        assert_ok!(by(CHALLENGER));
        assert_eq!(first_award(0), (CHALLENGER, REWARD));
    });
}
