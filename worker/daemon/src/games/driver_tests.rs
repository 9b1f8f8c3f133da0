//! Duties in a dispute, turn by turn.

use super::*;
use assay_exact::{judge::ModelHead, model::ModelKind};
use assay_types::{
    H256, ModelVersion,
    dispute::{Clock, ClockTerms, TraceHead},
};
use polkadot_sdk::sp_runtime::BoundedVec;

const WORKER: AccountId = AccountId::new([1; 32]);
const CHALLENGER: AccountId = AccountId::new([2; 32]);
const SECOND: AccountId = AccountId::new([3; 32]);
const TERMS: ClockTerms<BlockNumber> = ClockTerms {
    worker_blocks: 20,
    challenger_blocks: 20,
    least_turn_blocks: 5,
};

fn game(challenger: &AccountId, place: Place, turn: Side) -> Game {
    Game {
        challenger: challenger.clone(),
        commitment: H256::zero(),
        bond: 1,
        place,
        digest: H256::zero(),
        tensor: None,
        turn,
        clock: Clock::start(100, turn, &TERMS),
    }
}

fn dispute(games: Vec<Game>, trace: Option<u8>) -> Dispute {
    Dispute {
        id: 4,
        worker: WORKER,
        client: AccountId::new([9; 32]),
        version: ModelVersion { model: 0, version: 1 },
        definition: assay_exact::DEFINITION_NUMBER,
        locked: 10,
        committed: Committed {
            model_root: H256::zero(),
            input_digest: H256::zero(),
            output_digest: H256::zero(),
        },
        trace: trace.map(|root| TraceHead {
            model: ModelHead {
                operators: 30,
                nodes_root: [0; 32],
                weights_root: [0; 32],
            },
            kind: ModelKind::Plain,
            root: H256::repeat_byte(root),
            symbols: BoundedVec::new(),
        }),
        waits: false,
        late_until: None,
        games: BoundedVec::truncate_from(games),
    }
}

fn owed() -> GameDriver {
    GameDriver::new(dispute(vec![game(&CHALLENGER, Place::Trace, Side::Worker)], None))
}

#[test]
fn the_worker_executes_first_and_then_reveals() {
    let mut case = owed();
    let due = |case: &GameDriver, has| case.due(&WORKER, 101, has).expect("decided");
    assert!(due(&case, false).execute);
    case.note_executing();
    assert_eq!(due(&case, false), Due::default());
    case.note_executed(true, 101);
    assert_eq!(due(&case, true).reveal, [Place::Trace]);
    case.note_begun(Sent::Reveal(Place::Trace));
    assert_eq!(due(&case, true), Due::default());
}

#[test]
fn what_is_under_way_is_not_sent_again_until_its_outcome_is_known() {
    let mut case = owed();
    case.note_begun(Sent::Reveal(Place::Trace));
    let reveal = |case: &GameDriver, best| case.due(&WORKER, best, true).expect("decided").reveal;
    assert_eq!(reveal(&case, 118), []);
    case.note_failed(Sent::Reveal(Place::Trace), 102);
    assert_eq!(reveal(&case, 104), [Place::Trace]);
}

#[test]
fn what_is_at_stake_is_the_lock_for_the_worker_and_the_bond_for_the_challenger() {
    let case = owed();
    let stakes = |sent| {
        case.stakes(&CHALLENGER, &sent, 101)
            .map(|stakes| (stakes.amount, stakes.deadline))
    };
    let deadline = case.dispute.games[0].clock.deadline;
    assert_eq!(stakes(Sent::Reveal(Place::Trace)), Some((10, deadline)));
    assert_eq!(stakes(Sent::Answer(Place::Trace)), Some((1, deadline)));
    assert_eq!(stakes(Sent::Timeout(CHALLENGER)), Some((1, deadline + TIMEOUT_BLOCKS)));
    assert_eq!(stakes(Sent::Timeout(SECOND)), None);
}

#[test]
fn a_refused_call_rests_longer_each_time() {
    let mut case = owed();
    let rests = (0..6).map(|_| {
        case.note_failed(Sent::Reveal(Place::Trace), 101);
        let due = (101..).find(|best| !case.in_flight.is_busy(&Sent::Reveal(Place::Trace), *best));
        due.expect("some time") - 101
    });
    assert_eq!(rests.collect::<Vec<_>>(), [2, 4, 8, 16, 16, 16]);
}

#[test]
fn an_execution_that_fails_is_tried_again_later() {
    let mut case = owed();
    case.note_executed(false, 101);
    assert!(!case.due(&WORKER, 102, false).expect("decided").execute);
    assert!(case.due(&WORKER, 103, false).expect("decided").execute);
}

#[test]
fn whoever_lets_its_time_pass_is_told_on_by_the_other_side() {
    let silent = owed();
    let due = silent.due(&CHALLENGER, 120, false).expect("decided");
    assert_eq!(due.timeouts, [CHALLENGER]);
    // The worker itself answers late rather than not at all.
    let late = Due {
        late: vec![Place::Trace],
        ..Due::default()
    };
    assert_eq!(silent.due(&WORKER, 120, true).expect("decided"), late);

    let gone = GameDriver::new(dispute(
        vec![game(&CHALLENGER, Place::Trace, Side::Challenger)],
        Some(1),
    ));
    assert_eq!(gone.due(&WORKER, 120, false).expect("decided").timeouts, [CHALLENGER]);
}

#[test]
fn the_challenger_answers_where_its_own_game_stands() {
    let games = vec![
        game(&CHALLENGER, Place::Tensor { operator: 3 }, Side::Challenger),
        game(&SECOND, Place::Trace, Side::Challenger),
    ];
    let case = GameDriver::new(dispute(games, Some(1)));
    assert_eq!(case.unread(&CHALLENGER), [Place::Trace, Place::Tensor { operator: 3 }]);
    assert_eq!(case.unread(&SECOND), [Place::Trace]);
    assert_eq!(case.unread(&WORKER), []);
    let due = case.due(&CHALLENGER, 101, true).expect("decided");
    assert_eq!(due.answer, Some(Place::Tensor { operator: 3 }));
    assert!(case.due(&SECOND, 101, false).expect("decided").execute);
}

#[test]
fn another_trace_makes_what_was_read_worthless() {
    let with = |trace| dispute(vec![game(&CHALLENGER, Place::Trace, Side::Challenger)], trace);
    let mut case = GameDriver::new(with(None));
    case.read(with(Some(1)));
    let revealed = assay_types::dispute::Revealed::Nodes(Default::default());
    case.note_revealed([(Place::Trace, revealed)].into());
    case.read(with(Some(1)));
    assert_eq!(case.unread(&CHALLENGER), []);
    case.read(with(Some(2)));
    assert_eq!(case.unread(&CHALLENGER), [Place::Trace]);
}

#[test]
fn a_challenger_executes_while_the_worker_thinks_and_once_more_only_to_answer() {
    let mut case = owed();
    assert!(case.due(&CHALLENGER, 101, false).expect("decided").execute);
    case.note_executed(true, 101);
    assert_eq!(case.due(&CHALLENGER, 102, false).expect("decided"), Due::default());
    case.read(dispute(
        vec![game(&CHALLENGER, Place::Trace, Side::Challenger)],
        Some(1),
    ));
    assert!(case.due(&CHALLENGER, 103, false).expect("decided").execute);
}

#[test]
fn what_is_late_has_time_until_the_worker_is_convicted() {
    let mut late = dispute(vec![game(&CHALLENGER, Place::Trace, Side::Worker)], None);
    late.late_until = Some(900);
    let case = GameDriver::new(late);
    let deadline = |best| {
        case.stakes(&WORKER, &Sent::Reveal(Place::Trace), best)
            .map(|stakes| stakes.deadline)
    };
    assert_eq!((deadline(119), deadline(120)), (Some(120), Some(900)));
    assert_eq!(case.due(&WORKER, 899, true).expect("decided").late, [Place::Trace]);
    assert_eq!(case.due(&WORKER, 900, true).expect("decided"), Due::default());
    assert_eq!(case.due(&CHALLENGER, 899, true).expect("decided").timeouts, []);
    assert_eq!(
        case.due(&CHALLENGER, 900, true).expect("decided").timeouts,
        [CHALLENGER]
    );
}
