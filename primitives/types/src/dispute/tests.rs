//! The rules of the game, without a chain.

use super::*;
use crate::{
    Slashed,
    dispute::{
        place::{Window, window},
        table::{After, MOVES, MoveKind, may},
    },
};
use assay_exact::{
    bounded::Bounded,
    digest::DataType,
    judge::{OpenedOperator, Shape},
};
use polkadot_sdk::sp_runtime::Perbill;

const KINDS: [PlaceKind; 5] = [
    PlaceKind::Trace,
    PlaceKind::TraceSpan,
    PlaceKind::Tensor,
    PlaceKind::TensorSpan,
    PlaceKind::Chunk,
];

const TERMS: ClockTerms<u32> = ClockTerms {
    worker_blocks: 100,
    challenger_blocks: 100,
    least_turn_blocks: 10,
};

#[test]
fn every_turn_can_end_by_the_clock_and_only_its_own_side_moves_in_it() {
    for place in KINDS {
        assert_eq!(may(place, Side::Worker, MoveKind::Timeout), Some(After::Late));
        assert_eq!(may(place, Side::Worker, MoveKind::AnswerLate), Some(After::Challenger));
        assert_eq!(may(place, Side::Challenger, MoveKind::AnswerLate), None);
        assert_eq!(may(place, Side::Challenger, MoveKind::Timeout), Some(After::Lost));
        assert_eq!(may(place, Side::Worker, MoveKind::Reveal), Some(After::Challenger));
        for kind in [MoveKind::Point, MoveKind::Prove] {
            assert_eq!(may(place, Side::Worker, kind), None);
        }
        assert_eq!(may(place, Side::Challenger, MoveKind::Reveal), None);
    }
}

#[test]
fn the_challenger_can_go_on_from_everywhere() {
    for place in KINDS {
        let goes_on = [MoveKind::Point, MoveKind::Prove].map(|kind| may(place, Side::Challenger, kind));
        assert!(goes_on.iter().any(Option::is_some), "{place:?}");
    }
}

#[test]
fn no_move_is_in_the_table_twice() {
    for (position, line) in MOVES.iter().enumerate() {
        let again = MOVES
            .iter()
            .skip(position + 1)
            .any(|other| (other.place, other.turn, other.kind) == (line.place, line.turn, line.kind));
        assert!(!again, "{line:?}");
    }
}

#[test]
fn a_turn_takes_what_it_takes_off_its_own_clock() {
    let clock = Clock::start(5, Side::Worker, &TERMS);
    assert_eq!(clock.deadline, 105);
    let clock = clock.pass(35, Side::Worker, Side::Challenger, &TERMS);
    assert_eq!(
        (clock.worker_left, clock.challenger_left, clock.deadline),
        (70, 100, 135)
    );
    let clock = clock.pass(36, Side::Challenger, Side::Worker, &TERMS);
    assert_eq!(
        (clock.worker_left, clock.challenger_left, clock.deadline),
        (70, 99, 106)
    );
    assert!(!clock.is_over(106));
    assert!(clock.is_over(107));
}

#[test]
fn a_clock_that_has_run_down_leaves_the_least_turn() {
    let clock = Clock::start(0, Side::Worker, &TERMS)
        .pass(100, Side::Worker, Side::Challenger, &TERMS)
        .pass(101, Side::Challenger, Side::Worker, &TERMS);
    assert_eq!((clock.worker_left, clock.deadline), (0, 111));
    let clock = clock.pass(111, Side::Worker, Side::Challenger, &TERMS);
    assert_eq!(clock.worker_left, 0);
}

#[test]
fn a_pass_to_the_same_side_keeps_its_clock_running() {
    let clock = Clock::start(0, Side::Challenger, &TERMS).pass(40, Side::Challenger, Side::Challenger, &TERMS);
    assert_eq!(
        (clock.challenger_left, clock.worker_left, clock.deadline),
        (60, 100, 100)
    );
}

#[test]
fn a_clock_that_is_stopped_is_over_for_nobody() {
    let terms = ClockTerms {
        challenger_blocks: 30,
        ..TERMS
    };
    let clock = Clock::stopped(7, &terms);
    assert_eq!((clock.worker_left, clock.challenger_left), (100, 30));
    assert!(!clock.is_over(u32::MAX));
}

#[test]
fn a_challenger_that_was_kept_from_its_move_has_lost_no_time() {
    let clock = Clock::start(0, Side::Worker, &TERMS).pass(5, Side::Worker, Side::Challenger, &TERMS);
    let clock = clock.pass(35, Side::Challenger, Side::Worker, &TERMS);
    let clock = clock.pass(40, Side::Worker, Side::Challenger, &TERMS);
    assert_eq!((clock.challenger_left, clock.deadline), (70, 110));
    let clock = clock.resume(500, &TERMS);
    assert_eq!((clock.challenger_left, clock.deadline), (70, 570));
}

#[test]
fn a_late_answer_fills_the_workers_clock_again() {
    let clock = Clock::start(0, Side::Worker, &TERMS).pass_late(500, &TERMS);
    assert_eq!(
        (clock.worker_left, clock.challenger_left, clock.deadline),
        (100, 100, 600)
    );
}

#[test]
fn a_bond_is_the_greatest_of_floor_part_and_cost() {
    let part = Perbill::from_percent(5);
    assert_eq!(base_bond(1_000u64, 10, part, 0), 50);
    assert_eq!(base_bond(100u64, 10, part, 0), 10);
    assert_eq!(base_bond(1_000u64, 10, part, 70), 70);
}

#[test]
fn a_bond_grows_with_every_game_and_never_wraps() {
    assert_eq!(bond(50u64, 0, 0), 50);
    assert_eq!(bond(50u64, 7, 0), 50 * 128);
    assert_eq!(bond(64u64, 0, 3), 64 * 27 / 8);
    assert_eq!(bond(64u64, 2, 1), 64 * 6);
    assert_eq!(bond(u64::MAX, 3, 3), u64::MAX);
    // A worker's queue ends where nobody can pay for a place in it.
    assert!(bond(1_000_000_000_000u128, 0, MAX_DEFENCES - 1) > 100_000 * 1_000_000_000_000);
}

#[test]
fn a_late_answer_costs_a_part_of_the_lock_and_never_more_than_the_lock() {
    let terms = LateTerms {
        floor: 30u64,
        part: Perbill::from_percent(10),
        to_challenger: Perbill::from_percent(25),
    };
    for (locked, paid, burned) in [(1_000, 25, 75), (200, 7, 23), (20, 5, 15), (0, 0, 0)] {
        assert_eq!(late_fee(locked, &terms), Slashed { paid, burned });
    }
}

#[test]
fn what_is_lost_is_parted_without_rest() {
    for amount in [0u64, 1, 2, 3, 999, 1_000_000_007] {
        let lost = lost_bond(amount, Perbill::from_percent(50));
        assert_eq!(lost.paid + lost.burned, amount);
        let shares = SlashShares {
            challenger: Perbill::from_percent(30),
            client: Perbill::from_percent(20),
        };
        assert!(shares.burn_half());
        for (locked, is_proved) in [
            (amount / 10, true),
            (amount / 10, false),
            (2 * amount, true),
            (amount, false),
        ] {
            let (challenger, client) = slash_awards(amount, locked, is_proved, shares);
            assert!((challenger + client) * 2 <= amount);
        }
    }
    let shares = SlashShares {
        challenger: Perbill::from_percent(30),
        client: Perbill::from_percent(20),
    };
    assert_eq!(slash_awards(1_000u64, 100, true, shares), (300, 20));
    assert_eq!(slash_awards(1_000u64, 100, false, shares), (30, 20));
    let greedy = SlashShares {
        challenger: Perbill::from_percent(30),
        client: Perbill::from_percent(21),
    };
    assert!(!greedy.burn_half());
}

fn opening(bytes: u32) -> TensorOpening {
    TensorOpening {
        dtype: DataType::Uint8,
        shape: Shape::new(vec![bytes]).expect("one dimension"),
        root: [0; 32],
    }
}

/// Points at entry after entry, always the last one, until a chunk is reached; the places on the way.
fn descend(operators: u32, bytes: u32) -> Vec<Place> {
    let tensor = opening(bytes);
    let (mut place, mut way) = (Place::Trace, vec![Place::Trace]);
    while place.kind() != PlaceKind::Chunk {
        let inside = place.operator().map(|_| &tensor);
        let window = window(&place, operators, inside).expect("the place is there");
        let nodes = Bounded::new(vec![[7; 32]; window.count as usize]).expect("a statement's worth");
        let revealed = match place.kind() {
            PlaceKind::Tensor => Revealed::Tensor {
                operator: OpenedOperator {
                    node: Bounded::default(),
                    operands: Bounded::default(),
                },
                output: tensor.clone(),
                nodes,
            },
            _ => Revealed::Nodes(nodes),
        };
        let last = window.count as u32 - 1;
        let beyond = point(&place, &revealed, operators, inside, last + 1);
        assert_eq!(beyond, Err(PointError::NoSuchEntry));
        (place, _) = point(&place, &revealed, operators, inside, last).expect("the entry is there");
        way.push(place);
    }
    way
}

#[test]
fn a_small_model_is_narrowed_down_in_three_statements() {
    assert_eq!(
        descend(37, 5_000),
        [
            Place::Trace,
            Place::Tensor { operator: 36 },
            Place::Chunk { operator: 36, chunk: 4 }
        ]
    );
}

#[test]
fn a_large_trace_and_a_large_tensor_take_one_more_each_for_every_thousandfold() {
    let way = descend(1_500, 64 << 20);
    assert_eq!(
        way,
        [
            Place::Trace,
            Place::TraceSpan { level: 1, index: 749 },
            Place::Tensor { operator: 1_499 },
            Place::TensorSpan {
                operator: 1_499,
                level: 6,
                index: 1_023
            },
            Place::Chunk {
                operator: 1_499,
                chunk: 65_535
            }
        ]
    );
    assert_eq!(descend(u32::MAX, u32::MAX).len(), 4 + 4);
}

#[test]
fn a_window_below_a_leaf_or_beyond_the_tree_is_none() {
    assert_eq!(Window::below(1_500, 0, 3), None);
    assert_eq!(Window::below(1_500, 1, 750), None);
    assert_eq!(Window::top(0).count, 0);
}

#[test]
fn nothing_is_below_a_chunk() {
    let chunk = Revealed::Chunk(Bounded::new(vec![1; 8]).expect("short"));
    let place = Place::Chunk { operator: 0, chunk: 0 };
    assert_eq!(
        point(&place, &chunk, 1, Some(&opening(8)), 0),
        Err(PointError::NothingBelow)
    );
}
