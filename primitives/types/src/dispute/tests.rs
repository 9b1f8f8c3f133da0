//! The rules of the game, without a chain.

use super::*;
use crate::dispute::{
    place::{Window, window},
    table::{After, MOVES, MoveKind, may},
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
    budget_blocks: 100,
    least_turn_blocks: 10,
};

#[test]
fn every_turn_can_end_by_the_clock_and_only_its_own_side_moves_in_it() {
    for place in KINDS {
        assert_eq!(may(place, Side::Worker, MoveKind::Timeout), Some(After::Convicted));
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
fn a_bond_doubles_with_every_game_and_never_wraps() {
    let part = Perbill::from_percent(5);
    assert_eq!(bond(1_000u64, 10, part, 0), 50);
    assert_eq!(bond(100u64, 10, part, 0), 10);
    assert_eq!(bond(1_000u64, 10, part, 7), 50 * 128);
    assert_eq!(bond(u64::MAX, 10, Perbill::one(), 3), u64::MAX);
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
        let (challenger, client) = slash_awards(amount, shares);
        assert!((challenger + client) * 2 <= amount);
    }
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
