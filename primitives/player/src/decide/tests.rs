//! Moves that are due, and their time; comparing executions is tested by whole disputes in `assay-adversary`.

use super::*;
use assay_types::{
    H256, ModelVersion,
    dispute::{Clock, Committed},
};
use polkadot_sdk::sp_runtime::BoundedVec;

const WORKER: u32 = 100;

const TENSOR: Place = Place::Tensor { operator: 3 };

fn game(challenger: u32, place: Place, turn: Side, deadline: u32) -> Game<u32, u128, u32> {
    Game {
        challenger,
        commitment: H256::zero(),
        bond: 1,
        place,
        digest: H256::zero(),
        tensor: None,
        turn,
        clock: Clock {
            worker_left: 10,
            challenger_left: 10,
            turn_began: 0,
            deadline,
        },
    }
}

fn dispute(games: Vec<Game<u32, u128, u32>>) -> Dispute<u32, u128, u32> {
    Dispute {
        id: 0,
        worker: WORKER,
        client: 101,
        version: ModelVersion { model: 0, version: 1 },
        definition: assay_exact::DEFINITION_NUMBER,
        locked: 1,
        committed: Committed {
            model_root: H256::zero(),
            input_digest: H256::zero(),
            output_digest: H256::zero(),
        },
        trace: None,
        waits: false,
        late_until: None,
        games: BoundedVec::truncate_from(games),
    }
}

fn defence(games: Vec<Game<u32, u128, u32>>, best: u32, in_flight: &InFlight<u32, u32>) -> Vec<Defence<u32>> {
    let (dispute, reveals) = (dispute(games), Reveals::new());
    let view = View {
        best,
        dispute: &dispute,
        reveals: &reveals,
    };
    defend(&view, &WORKER, true, in_flight)
}

fn attack_without_execution(game: Game<u32, u128, u32>, best: u32) -> Option<Attack<u32>> {
    let (dispute, reveals) = (dispute(vec![game]), Reveals::new());
    let view = View {
        best,
        dispute: &dispute,
        reveals: &reveals,
    };
    attack(&view, &1, None, &InFlight::default()).expect("nothing is compared")
}

#[test]
fn place_is_revealed_once_for_all_games_and_the_most_urgent_first() {
    let games = vec![
        game(1, Place::Trace, Side::Worker, 30),
        game(2, TENSOR, Side::Worker, 25),
        game(3, TENSOR, Side::Worker, 40),
        game(4, TENSOR, Side::Challenger, 10),
    ];
    let due = defence(games, 20, &InFlight::default());
    assert_eq!(
        due,
        [
            Defence::Reveal(TENSOR),
            Defence::Reveal(Place::Trace),
            Defence::Timeout(4)
        ]
    );
}

#[test]
fn nothing_is_sent_that_cannot_arrive_in_time_and_no_timeout_too_early() {
    let at = |best| defence(vec![game(1, TENSOR, Side::Worker, 20)], best, &InFlight::default());
    assert_eq!(at(19), [Defence::Reveal(TENSOR)]);
    assert_eq!(at(20), [Defence::AnswerLate(TENSOR)]);
    let at = |best| defence(vec![game(1, TENSOR, Side::Challenger, 20)], best, &InFlight::default());
    assert_eq!(at(19), []);
    assert_eq!(at(20), [Defence::Timeout(1)]);
    // One game at the place is over and another is not.
    let games = vec![game(1, TENSOR, Side::Worker, 20), game(2, TENSOR, Side::Worker, 50)];
    assert_eq!(defence(games, 30, &InFlight::default()), [Defence::Reveal(TENSOR)]);
}

#[test]
fn what_is_under_way_is_not_sent_again_before_its_block() {
    let mut in_flight = InFlight::default();
    in_flight.note(Sent::Reveal(TENSOR), 12);
    let games = || vec![game(1, TENSOR, Side::Worker, 20)];
    assert_eq!(defence(games(), 11, &in_flight), []);
    assert_eq!(defence(games(), 12, &in_flight), [Defence::Reveal(TENSOR)]);
    in_flight.forget(&Sent::Reveal(TENSOR));
    assert_eq!(defence(games(), 11, &in_flight), [Defence::Reveal(TENSOR)]);
}

#[test]
fn execution_comes_before_statements_and_not_before_timeouts() {
    let games = vec![game(1, TENSOR, Side::Worker, 20), game(2, TENSOR, Side::Challenger, 5)];
    let (dispute, reveals) = (dispute(games), Reveals::new());
    let view = View {
        best: 10,
        dispute: &dispute,
        reveals: &reveals,
    };
    let due = defend(&view, &WORKER, false, &InFlight::default());
    assert_eq!(due, [Defence::Execute, Defence::Timeout(2)]);
    assert_eq!(defend(&view, &7, false, &InFlight::default()), []);
}

#[test]
fn challenger_prepares_while_it_waits_and_claims_the_worker_silent_in_time() {
    assert_eq!(
        attack_without_execution(game(1, TENSOR, Side::Worker, 20), 19),
        Some(Attack::Execute)
    );
    assert_eq!(
        attack_without_execution(game(1, TENSOR, Side::Worker, 20), 20),
        Some(Attack::Timeout(1))
    );
    assert_eq!(
        attack_without_execution(game(1, TENSOR, Side::Challenger, 20), 20),
        None
    );
    assert_eq!(attack_without_execution(game(2, TENSOR, Side::Worker, 20), 20), None);
}

/// The dispute of a worker that owes a tensor since block 20 and may answer up to block 50, at block `best`.
fn late(best: u32) -> (Vec<Defence<u32>>, Option<Attack<u32>>) {
    let mut dispute = dispute(vec![game(1, TENSOR, Side::Worker, 20)]);
    dispute.late_until = Some(50);
    let reveals = Reveals::new();
    let view = View {
        best,
        dispute: &dispute,
        reveals: &reveals,
    };
    let defence = defend(&view, &WORKER, true, &InFlight::default());
    let attack = attack(&view, &1, None, &InFlight::default());
    (defence, attack.expect("nothing is compared"))
}

#[test]
fn worker_that_is_late_answers_for_a_day_and_is_accused_again_after_it() {
    assert_eq!(late(49), (vec![Defence::AnswerLate(TENSOR)], None));
    assert_eq!(late(50), (vec![], Some(Attack::Timeout(1))));
}

#[test]
fn nothing_is_due_in_a_dispute_that_waits() {
    let mut dispute = dispute(vec![game(1, Place::Trace, Side::Worker, u32::MAX)]);
    dispute.waits = true;
    let reveals = Reveals::new();
    let view = View {
        best: 1_000,
        dispute: &dispute,
        reveals: &reveals,
    };
    assert_eq!(defend(&view, &WORKER, true, &InFlight::default()), []);
    // The challenger executes meanwhile.
    let attack = attack(&view, &1, None, &InFlight::default()).expect("nothing is compared");
    assert_eq!(attack, Some(Attack::Execute));
}

#[test]
fn a_proof_waits_for_older_games_at_earlier_operators_and_sees_to_their_end() {
    let chunk = Place::Chunk { operator: 3, chunk: 0 };
    let at = |older: Place, deadline, best| {
        let games = vec![
            game(2, older, Side::Challenger, deadline),
            game(1, chunk, Side::Challenger, 5),
        ];
        let (dispute, reveals) = (dispute(games), Reveals::new());
        let view = View {
            best,
            dispute: &dispute,
            reveals: &reveals,
        };
        attack(&view, &1, None, &InFlight::default()).expect("nothing is compared")
    };
    // The own clock is of no interest meanwhile.
    assert_eq!(at(Place::Trace, 30, 10), None);
    assert_eq!(at(Place::Trace, 30, 30), Some(Attack::Timeout(2)));
    assert_eq!(at(Place::Tensor { operator: 2 }, 30, 30), Some(Attack::Timeout(2)));
    assert_eq!(at(Place::Tensor { operator: 3 }, 30, 4), Some(Attack::Execute));
}
