//! Disputes as people see them: each game as the place to which it is narrowed down, and both values at its end.

use crate::commands::gateway::overview::name_of;
use assay_client::chain::{ChainError, Dispute, DisputesEvent, Game, Snapshot};
use assay_exact::{
    digest::{CHUNK_BYTES, tensor_size_bytes},
    graph::Node,
    judge::TensorOpening,
    tree::{chunk_count, span},
};
use assay_gateway::{
    backend::{DisputeInfo, ElementInfo, ElementValue, GameInfo, Narrowing, OperatorInfo, Range, Turn, Verdict},
    money::Amount,
};
use assay_types::{
    ClaimId, ClaimSource,
    dispute::{Fault, Place, Revealed, Side},
};
use codec::Decode;

/// A dispute over this claim as people see it, after a block in which it goes on.
pub(super) async fn dispute_info(
    snapshot: &Snapshot,
    claim: ClaimId,
    dispute: &Dispute,
) -> Result<DisputeInfo, ChainError> {
    let operators = match &dispute.trace {
        Some(trace) => trace.model.operators,
        None => {
            let record = snapshot.version(dispute.version).await?;
            record.map_or(0, |record| record.parts.head.operators)
        }
    };
    let mut games = Vec::new();
    for game in dispute.games.iter() {
        let mut info = game_info(game, operators);
        if let (Some(operator), Some(shown)) = (game.place.operator(), info.narrowing.operator.as_mut()) {
            shown.name = operator_name(snapshot, claim, operator).await?;
        }
        games.push(info);
    }
    Ok(DisputeInfo {
        id: dispute.id.to_string(),
        claim: match ClaimSource::of(claim) {
            ClaimSource::Job(job) => format!("job {job}"),
            ClaimSource::Receipt { session, sequence } => format!("request {sequence} of session {session}"),
        },
        model: name_of(snapshot, dispute.version).await?,
        worker: dispute.worker.to_string(),
        client: dispute.client.to_string(),
        locked: Amount(dispute.locked),
        waits: dispute.waits,
        late_until: dispute.late_until,
        verdict: Verdict::Open,
        games,
    })
}

/// The name of an operator that the worker has revealed; empty before.
async fn operator_name(snapshot: &Snapshot, claim: ClaimId, operator: u32) -> Result<String, ChainError> {
    let revealed = snapshot.revealed(claim, Place::Tensor { operator }).await?;
    let Some(Revealed::Tensor { operator: opened, .. }) = revealed else {
        return Ok(String::new());
    };
    let node = Node::decode(&mut &opened.node[..]).ok();
    Ok(node.map(|node| node.operator.name().to_owned()).unwrap_or_default())
}

fn game_info(game: &Game, operators: u32) -> GameInfo {
    GameInfo {
        challenger: game.challenger.to_string(),
        bond: Amount(game.bond),
        turn: match game.turn {
            Side::Worker => Turn::Worker,
            Side::Challenger => Turn::Challenger,
        },
        worker_left: game.clock.worker_left,
        challenger_left: game.clock.challenger_left,
        narrowing: narrowing(game.place, operators, game.tensor.as_ref()),
    }
}

/// Rest that a place leaves open, down to the elements of a chunk. The operator's name is filled in later.
fn narrowing(place: Place, operators: u32, tensor: Option<&TensorOpening>) -> Narrowing {
    let all = u64::from(operators);
    let graph = match (place, place.operator()) {
        (Place::TraceSpan { level, index }, _) => span(all, level, index, 0),
        (_, Some(operator)) => Some(u64::from(operator)..u64::from(operator) + 1),
        (_, None) => Some(0..all),
    };
    let operator = place.operator().map(|index| OperatorInfo {
        index,
        name: String::new(),
        shape: tensor.map(|tensor| tensor.shape.to_vec()),
        data_type: tensor.map(|tensor| format!("{:?}", tensor.dtype)).unwrap_or_default(),
    });
    let chunks = tensor.and_then(|tensor| chunk_count(tensor.dtype, &tensor.shape));
    let within = chunks.and_then(|chunks| match place {
        Place::Trace | Place::TraceSpan { .. } => None,
        Place::Tensor { .. } => Some(range(chunks, 0..chunks)),
        Place::TensorSpan { level, index, .. } => span(chunks, level, index, 0).map(|part| range(chunks, part)),
        Place::Chunk { chunk, .. } => Some(range(chunks, chunk..chunk.saturating_add(1))),
    });
    let chunk = match (place, tensor) {
        (Place::Chunk { chunk, .. }, Some(tensor)) => elements(tensor, chunk),
        _ => None,
    };
    Narrowing {
        graph: graph.filter(|_| all > 0).map(|part| range(all, part)),
        operator,
        tensor: within,
        chunk,
        element: None,
    }
}

fn range(total: u64, part: std::ops::Range<u64>) -> Range {
    Range {
        start: 0,
        total,
        first: part.start,
        count: part.end.saturating_sub(part.start),
    }
}

/// The elements of a chunk.
fn elements(tensor: &TensorOpening, chunk: u64) -> Option<Range> {
    let size = tensor.dtype.size_bytes() as u64;
    let (all, of_chunk) = (
        tensor_size_bytes(tensor.dtype, &tensor.shape)? / size,
        CHUNK_BYTES as u64 / size,
    );
    let start = chunk.checked_mul(of_chunk)?;
    let total = all.checked_sub(start)?.min(of_chunk);
    Some(Range {
        start,
        total,
        first: start,
        count: total,
    })
}

/// A dispute that has ended in a block with these events about it, from what was known before.
pub(super) fn ended(mut info: DisputeInfo, events: &[DisputesEvent]) -> DisputeInfo {
    let conviction = events.iter().find_map(|event| match event {
        DisputesEvent::WorkerConvicted { challenger, fault, .. } => Some((challenger.to_string(), fault)),
        _ => None,
    });
    info.waits = false;
    info.verdict = match conviction {
        Some(_) => Verdict::Convicted,
        None => Verdict::Upheld,
    };
    for game in &mut info.games {
        game.turn = Turn::Nobody;
        if let Some((challenger, fault)) = &conviction
            && *challenger == game.challenger
        {
            judged(&mut game.narrowing, fault);
        }
    }
    info
}

/// Puts the element that convicted into a picture.
fn judged(narrowing: &mut Narrowing, fault: &Fault) {
    let Fault::Element {
        element,
        claimed,
        computed,
        ..
    } = fault
    else {
        return;
    };
    let operator = narrowing.operator.as_ref();
    let data_type = operator.map(|operator| operator.data_type.clone()).unwrap_or_default();
    if let Some(chunk) = &mut narrowing.chunk {
        (chunk.first, chunk.count) = (*element, 1);
    }
    narrowing.element = Some(ElementInfo {
        index: *element,
        claimed: value(&data_type, claimed),
        computed: value(&data_type, computed),
    });
}

/// An element of this type; its bytes are little-endian.
fn value(data_type: &str, bytes: &[u8]) -> ElementValue {
    let number = match (data_type, bytes) {
        ("Float32", &[a, b, c, d]) => f32::from_le_bytes([a, b, c, d]).to_string(),
        ("Uint8" | "Bool", &[byte]) => byte.to_string(),
        ("Int8", &[byte]) => i8::from_le_bytes([byte]).to_string(),
        ("Int32", &[a, b, c, d]) => i32::from_le_bytes([a, b, c, d]).to_string(),
        ("Int64", bytes) if bytes.len() == 8 => {
            let number = bytes.iter().rev().fold(0u64, |sum, byte| (sum << 8) | u64::from(*byte));
            number.cast_signed().to_string()
        }
        // Of an operator that was never revealed, the bytes are all there is.
        _ => String::new(),
    };
    ElementValue {
        bytes: hex::encode(bytes),
        number,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_client::chain::AccountId;
    use assay_types::DataType;

    fn tensor(shape: Vec<u32>) -> TensorOpening {
        TensorOpening {
            dtype: DataType::Float32,
            shape: shape.try_into().unwrap(),
            root: Default::default(),
        }
    }

    #[test]
    fn a_trace_leaves_every_operator_open_and_a_span_those_below_it() {
        let whole = narrowing(Place::Trace, 2600, None);
        assert_eq!(whole.graph, Some(range(2600, 0..2600)));
        assert_eq!((whole.operator, whole.tensor), (None, None));
        // Three levels up are eight operators, and the last node has fewer.
        let part = narrowing(Place::TraceSpan { level: 3, index: 2 }, 2600, None);
        assert_eq!(part.graph, Some(range(2600, 16..24)));
        let last = narrowing(Place::TraceSpan { level: 3, index: 1 }, 10, None);
        assert_eq!(last.graph, Some(range(10, 8..10)));
    }

    #[test]
    fn a_chunk_leaves_its_elements_open_and_the_last_chunk_has_fewer() {
        // 600 elements of 4 bytes are two chunks of 256 and one of 88.
        let tensor = tensor(vec![2, 300]);
        let place = |chunk| Place::Chunk { operator: 7, chunk };
        let first = narrowing(place(1), 10, Some(&tensor));
        assert_eq!(first.graph, Some(range(10, 7..8)));
        assert_eq!(first.tensor, Some(range(3, 1..2)));
        let elements = |found: Narrowing| found.chunk.map(|chunk| (chunk.start, chunk.total));
        assert_eq!(elements(first), Some((256, 256)));
        assert_eq!(elements(narrowing(place(2), 10, Some(&tensor))), Some((512, 88)));
        assert_eq!(elements(narrowing(place(3), 10, Some(&tensor))), None);
    }

    #[test]
    fn an_operator_that_is_not_revealed_yet_has_no_shape() {
        let found = narrowing(Place::Tensor { operator: 3 }, 10, None);
        assert_eq!(
            found.operator.map(|operator| (operator.index, operator.shape)),
            Some((3, None))
        );
        assert_eq!(found.tensor, None);
    }

    fn dispute(games: &[&str]) -> DisputeInfo {
        let place = Place::Chunk { operator: 7, chunk: 1 };
        let game = |challenger: &&str| GameInfo {
            challenger: (*challenger).to_owned(),
            bond: Amount(1),
            turn: Turn::Challenger,
            worker_left: 5,
            challenger_left: 5,
            narrowing: narrowing(place, 10, Some(&tensor(vec![2, 300]))),
        };
        DisputeInfo {
            id: "3".to_owned(),
            claim: "job 12".to_owned(),
            model: "digits".to_owned(),
            worker: String::new(),
            client: String::new(),
            locked: Amount(1),
            waits: true,
            late_until: None,
            verdict: Verdict::Open,
            games: games.iter().map(game).collect(),
        }
    }

    #[test]
    fn conviction_shows_both_values_in_the_game_that_proved_it() {
        let (finder, other) = (AccountId::new([1; 32]), AccountId::new([2; 32]));
        let convicted = DisputesEvent::WorkerConvicted {
            job: 12,
            worker: AccountId::new([3; 32]),
            challenger: finder.clone(),
            fault: Fault::Element {
                operator: 7,
                element: 300,
                claimed: 1.5f32.to_le_bytes().to_vec(),
                computed: (-0.25f32).to_le_bytes().to_vec(),
            },
            slash: 0,
            slashed: 1,
            to_challenger: 1,
            to_client: 0,
        };
        let over = ended(dispute(&[&finder.to_string(), &other.to_string()]), &[convicted]);
        assert_eq!((over.verdict, over.waits), (Verdict::Convicted, false));
        assert!(over.games.iter().all(|game| game.turn == Turn::Nobody));
        let element = over.games[0].narrowing.element.clone().expect("it was judged");
        assert_eq!(
            (
                element.index,
                element.claimed.number.as_str(),
                element.computed.number.as_str()
            ),
            (300, "1.5", "-0.25")
        );
        assert_eq!(element.claimed.bytes, "0000c03f");
        assert_eq!(
            over.games[0].narrowing.chunk.map(|chunk| (chunk.first, chunk.count)),
            Some((300, 1))
        );
        assert_eq!(over.games[1].narrowing.element, None);
    }

    #[test]
    fn dispute_that_ends_without_a_conviction_leaves_the_claim_standing() {
        let failed = DisputesEvent::ChallengeFailed {
            job: 12,
            challenger: AccountId::new([1; 32]),
            paid: 1,
            burned: 0,
        };
        let over = ended(dispute(&["somebody"]), &[failed]);
        assert_eq!((over.verdict, over.games[0].turn), (Verdict::Upheld, Turn::Nobody));
    }

    #[test]
    fn elements_of_every_type_are_told_as_numbers() {
        for (data_type, bytes, number) in [
            ("Float32", &[0, 0, 0x80, 0x3f][..], "1"),
            ("Int64", &[0xfe, 255, 255, 255, 255, 255, 255, 255][..], "-2"),
            ("Int32", &[1, 1, 0, 0][..], "257"),
            ("Int8", &[255][..], "-1"),
            ("Uint8", &[255][..], "255"),
            ("Float32", &[1][..], ""),
            ("", &[1][..], ""),
        ] {
            assert_eq!(value(data_type, bytes).number, number, "{data_type}");
        }
    }
}
