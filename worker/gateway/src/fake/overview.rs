//! Overview of the fake market beside its goods: always the same, but for a dispute that goes on by the clock.

use super::WORKER;
use crate::{
    backend::{
        DisputeInfo, ElementInfo, ElementValue, GameInfo, HoldInfo, Money, Narrowing, NetworkInfo, OperatorInfo,
        PeerInfo, Range, SessionInfo, Turn, Verdict,
    },
    money::Amount,
};
use std::time::Duration;

const LIAR: &str = "5FakeWorkerAccountThatLiesNowAndThenAndIsCaught2";
const CLIENT: &str = "5FakeClientAccountThatPaysForEverythingHere00003";
const WATCHER: &str = "5FakeWatcherAccountThatExecutesAgainAndCompares4";
/// Time between two moves of the dispute that goes on.
const MOVE: Duration = Duration::from_secs(2);
const UNIT: u128 = 1_000_000_000_000;
/// Operators of the model that is disputed.
const OPERATORS: u64 = 2600;
/// Shape of the operator's output: 128 rows of 576 elements, 288 chunks of 256 elements each.
const SHAPE: [u32; 3] = [1, 128, 576];
const CHUNKS: u64 = 288;
const ELEMENTS: u64 = 256;
/// The first wrong operator, the chunk and the element in which it is wrong.
const OPERATOR: u64 = 1666;
const CHUNK: u64 = 137;
const ELEMENT: u64 = CHUNK * ELEMENTS + 91;

pub fn sessions() -> Vec<SessionInfo> {
    let session = |id: &str, phase: &str, redeemed: u128, until| SessionInfo {
        id: id.to_owned(),
        worker: WORKER.to_owned(),
        model: "fake-chat".to_owned(),
        phase: phase.to_owned(),
        budget: Amount(5 * UNIT),
        redeemed: Amount(redeemed),
        locked: Amount(10 * UNIT),
        until,
    };
    vec![
        session("7", "Open", UNIT / 4, Some(1200)),
        session("3", "Settled", 4 * UNIT, Some(640)),
    ]
}

pub fn money() -> Money {
    let hold = |reason: &str, until: &str, amount| HoldInfo {
        reason: reason.to_owned(),
        until: until.to_owned(),
        amount: Amount(amount),
    };
    Money {
        account: CLIENT.to_owned(),
        free: Amount(1000 * UNIT),
        holds: vec![
            hold("Escrow", "its jobs are closed", 12 * UNIT + UNIT / 2),
            hold("Budget", "its sessions are settled", 5 * UNIT - UNIT / 4),
            hold("Bond", "its games have ended", 2 * UNIT),
        ],
    }
}

/// The network; blocks come every 6 s from the beginning on.
pub fn network(age: Duration) -> NetworkInfo {
    let passed = u32::try_from(age.as_secs() / 6).unwrap_or(u32::MAX / 2);
    let peer = |worker: &str, number: u8, addresses| PeerInfo {
        worker: worker.to_owned(),
        peer: hex::encode([number; 38]),
        addresses,
    };
    NetworkInfo {
        node: "ws://127.0.0.1:9944".to_owned(),
        genesis: format!("0x{}", hex::encode([0xfa; 32])),
        finalized: 1000 + passed,
        best: 1002 + passed,
        moment: 990 + passed,
        peers: vec![peer(WORKER, 1, 3), peer(LIAR, 2, 1)],
    }
}

/// One dispute that is narrowed down, and two that are over.
pub fn disputes(age: Duration) -> Vec<DisputeInfo> {
    let moves = u32::try_from(age.as_millis() / MOVE.as_millis()).unwrap_or(u32::MAX);
    let dispute = |id: &str, claim: &str, verdict, game| DisputeInfo {
        id: id.to_owned(),
        claim: claim.to_owned(),
        model: "fake-chat".to_owned(),
        worker: LIAR.to_owned(),
        client: CLIENT.to_owned(),
        locked: Amount(20 * UNIT),
        waits: false,
        late_until: None,
        verdict,
        games: vec![game],
    };
    let verdict = if moves >= LAST_MOVE {
        Verdict::Convicted
    } else {
        Verdict::Open
    };
    vec![
        dispute("2", "job 41", verdict, game(moves)),
        dispute("1", "request 3 of session 7", Verdict::Convicted, game(LAST_MOVE)),
        // The challenger had no case, and let its clock run out.
        dispute(
            "0",
            "job 12",
            Verdict::Upheld,
            GameInfo {
                turn: Turn::Nobody,
                ..game(4)
            },
        ),
    ]
}

/// The move that convicts.
const LAST_MOVE: u32 = 8;

/// A game after this many moves: the worker reveals, and the challenger points.
fn game(moves: u32) -> GameInfo {
    let turn = match moves {
        LAST_MOVE.. => Turn::Nobody,
        moves if moves % 2 == 0 => Turn::Worker,
        _ => Turn::Challenger,
    };
    GameInfo {
        challenger: WATCHER.to_owned(),
        bond: Amount(2 * UNIT),
        turn,
        worker_left: 60_u32.saturating_sub(2 * moves.min(LAST_MOVE)),
        challenger_left: 30_u32.saturating_sub(moves.min(LAST_MOVE)),
        narrowing: narrowing(moves),
    }
}

fn narrowing(moves: u32) -> Narrowing {
    let range = |start, total, first, count| Range {
        start,
        total,
        first,
        count,
    };
    // The trace is a tree: its top first, then the leaves below one node.
    let graph = match moves {
        0..=1 => range(0, OPERATORS, 0, OPERATORS),
        2..=3 => range(0, OPERATORS, 1664, 4),
        _ => range(0, OPERATORS, OPERATOR, 1),
    };
    let is_revealed = moves >= 5;
    let operator = OperatorInfo {
        index: OPERATOR as u32,
        name: if is_revealed { "linear" } else { "" }.to_owned(),
        shape: is_revealed.then(|| SHAPE.to_vec()),
        data_type: if is_revealed { "Float32" } else { "" }.to_owned(),
    };
    let tensor = match moves {
        0..=4 => None,
        5 => Some(range(0, CHUNKS, 0, CHUNKS)),
        _ => Some(range(0, CHUNKS, CHUNK, 1)),
    };
    let begin = CHUNK * ELEMENTS;
    let chunk = match moves {
        0..=5 => None,
        6..LAST_MOVE => Some(range(begin, ELEMENTS, begin, ELEMENTS)),
        _ => Some(range(begin, ELEMENTS, ELEMENT, 1)),
    };
    let computed = 1.0_f32 / 3.0;
    let claimed = f32::from_bits(computed.to_bits() ^ 1 << 12);
    let value = |value: f32| ElementValue {
        bytes: hex::encode(value.to_le_bytes()),
        number: value.to_string(),
    };
    Narrowing {
        graph: Some(graph),
        operator: (moves >= 4).then_some(operator),
        tensor,
        chunk,
        element: (moves >= LAST_MOVE).then(|| ElementInfo {
            index: ELEMENT,
            claimed: value(claimed),
            computed: value(computed),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_a_narrowing_is_within_the_one_before() {
        for moves in 0..=LAST_MOVE + 1 {
            let narrowing = narrowing(moves);
            let parts = [narrowing.graph, narrowing.tensor, narrowing.chunk];
            for pair in parts.windows(2) {
                let is_single = pair[0].is_some_and(|part| part.count == 1);
                assert!(pair[1].is_none() || is_single, "{moves}");
            }
            for part in parts.into_iter().flatten() {
                assert!(part.first >= part.start, "{moves}");
                assert!(part.first + part.count <= part.start + part.total, "{moves}");
            }
            assert_eq!(narrowing.element.is_some(), moves >= LAST_MOVE);
        }
    }

    #[test]
    fn the_dispute_that_goes_on_ends_in_a_conviction() {
        assert_eq!(disputes(Duration::ZERO)[0].verdict, Verdict::Open);
        let last = disputes(MOVE * LAST_MOVE);
        assert_eq!(
            (last[0].verdict, last[0].games[0].turn),
            (Verdict::Convicted, Turn::Nobody)
        );
        let element = last[0].games[0].narrowing.element.clone().unwrap();
        assert_ne!(element.claimed, element.computed);
    }
}
