//! Facts about the chain and this account that the console shows: jobs, sessions, disputes, money and the network.

use super::catalogue::unreached;
use assay_client::chain::{Account, AccountId, Client, Dispute, Game, Job, Session, Snapshot};
use assay_exact::{
    digest::{CHUNK_BYTES, tensor_size_bytes},
    judge::TensorOpening,
    tree::{chunk_count, span},
};
use assay_gateway::{
    backend::{
        BackendError, DisputeInfo, GameInfo, HoldInfo, JobStatus, Money, Narrowing, NetworkInfo, OperatorInfo,
        PeerInfo, Range, SessionInfo, Turn, Verdict,
    },
    money::Amount,
};
use assay_types::{
    JobId, ModelVersion, Phase,
    dispute::{Place, Side},
    session::SessionPhase,
};

/// Things of a kind that are shown.
const MAX_SHOWN: usize = 100;
/// Pages of claimed jobs that are looked through for disputes.
const MAX_PAGES: usize = 16;

/// The open jobs of this account.
pub(super) async fn jobs(client: &Client, account: &Account) -> Result<Vec<JobStatus>, BackendError> {
    let snapshot = client.finalized().await.map_err(unreached)?;
    let mut jobs = own_jobs(&snapshot, account.id()).await?;
    jobs.sort_by_key(|(id, _)| std::cmp::Reverse(*id));
    jobs.truncate(MAX_SHOWN);
    let status = |(id, job): (JobId, Job)| JobStatus {
        id: id.to_string(),
        phase: format!("{:?}", job.state.phase()),
        closed: false,
        worker: job.state.assignment().map(|assignment| assignment.worker.to_string()),
        paid: None,
    };
    Ok(jobs.into_iter().map(status).collect())
}

/// The sessions of this account that the chain still keeps.
pub(super) async fn sessions(client: &Client, account: &Account) -> Result<Vec<SessionInfo>, BackendError> {
    let snapshot = client.finalized().await.map_err(unreached)?;
    let mut sessions = snapshot.sessions_of(account.id()).await.map_err(unreached)?;
    sessions.retain(|(_, session)| session.client == *account.id());
    sessions.sort_by_key(|(id, _)| std::cmp::Reverse(*id));
    let mut shown = Vec::new();
    for (id, session) in sessions.into_iter().take(MAX_SHOWN) {
        let model = name_of(&snapshot, session.model).await?;
        shown.push(session_info(id, &session, model));
    }
    Ok(shown)
}

fn session_info(id: u64, session: &Session, model: String) -> SessionInfo {
    SessionInfo {
        id: id.to_string(),
        worker: session.worker.to_string(),
        model,
        phase: format!("{:?}", session.state.phase()),
        budget: Amount(session.account.budget),
        redeemed: Amount(session.account.redeemed),
        locked: Amount(session.locked),
        until: session.ends_after(),
    }
}

/// The disputes over jobs that go on; nothing of those that are over is in the chain's state.
pub(super) async fn disputes(client: &Client) -> Result<Vec<DisputeInfo>, BackendError> {
    let snapshot = client.finalized().await.map_err(unreached)?;
    let (mut shown, mut after) = (Vec::new(), None);
    for _ in 0..MAX_PAGES {
        let page = snapshot.claimed_jobs(after).await.map_err(unreached)?;
        for (id, job) in page.entries {
            if job.state.phase() != Phase::Disputed {
                continue;
            }
            if let Some(dispute) = snapshot.dispute(id).await.map_err(unreached)? {
                shown.push((dispute.id, dispute_info(&snapshot, id, &dispute).await?));
            }
        }
        after = page.next;
        if after.is_none() || shown.len() >= MAX_SHOWN {
            break;
        }
    }
    shown.sort_by_key(|(id, _)| std::cmp::Reverse(*id));
    Ok(shown.into_iter().take(MAX_SHOWN).map(|(_, info)| info).collect())
}

async fn dispute_info(snapshot: &Snapshot, job: JobId, dispute: &Dispute) -> Result<DisputeInfo, BackendError> {
    let operators = match &dispute.trace {
        Some(trace) => trace.model.operators,
        None => {
            let record = snapshot.version(dispute.version).await.map_err(unreached)?;
            record.map_or(0, |record| record.parts.head.operators)
        }
    };
    Ok(DisputeInfo {
        id: dispute.id.to_string(),
        claim: format!("job {job}"),
        model: name_of(snapshot, dispute.version).await?,
        worker: dispute.worker.to_string(),
        client: dispute.client.to_string(),
        locked: Amount(dispute.locked),
        waits: dispute.waits,
        late_until: dispute.late_until,
        verdict: Verdict::Open,
        games: dispute.games.iter().map(|game| game_info(game, operators)).collect(),
    })
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

/// Rest that a place leaves open, down to the elements of a chunk. The operator's name is not looked up.
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

/// This account's money. What its open jobs and sessions hold is known; the rest is held for other reasons.
pub(super) async fn money(client: &Client, account: &Account) -> Result<Money, BackendError> {
    let snapshot = client.finalized().await.map_err(unreached)?;
    let money = snapshot.account(account.id()).await.map_err(unreached)?;
    let jobs = own_jobs(&snapshot, account.id()).await?;
    let sessions = snapshot.sessions_of(account.id()).await.map_err(unreached)?;
    let escrow: u128 = jobs.iter().map(|(_, job)| job.ceiling).sum();
    let open = sessions.iter().filter(|(_, session)| {
        // The budget of a session that is settled is released.
        session.client == *account.id() && matches!(session.state.phase(), SessionPhase::Open | SessionPhase::Closing)
    });
    let budget: u128 = open.map(|(_, session)| session.account.held()).sum();
    let rest = money.reserved.saturating_sub(escrow).saturating_sub(budget);
    let hold = |reason: &str, until: &str, amount| HoldInfo {
        reason: reason.to_owned(),
        until: until.to_owned(),
        amount: Amount(amount),
    };
    let mut holds = vec![
        hold("Escrow", "its jobs are closed", escrow),
        hold("Budget", "its sessions are settled", budget),
        hold(
            "Other holds",
            "what they secure is over: stake, bonds and deposits",
            rest,
        ),
    ];
    holds.retain(|hold| hold.amount.0 > 0);
    Ok(Money {
        account: account.id().to_string(),
        free: Amount(money.free),
        holds,
    })
}

/// The node, and the workers that have announced a place in the workers' network.
pub(super) async fn network(client: &Client) -> Result<NetworkInfo, BackendError> {
    let snapshot = client.finalized().await.map_err(unreached)?;
    let announced = snapshot.announcements().await.map_err(unreached)?;
    let peers = announced.into_iter().map(|(worker, announcement)| PeerInfo {
        worker: worker.to_string(),
        peer: hex::encode(announcement.peer.as_slice()),
        addresses: announcement.addresses.len() as u32,
    });
    Ok(NetworkInfo {
        node: client.url().to_owned(),
        genesis: format!("0x{}", hex::encode(client.genesis().0)),
        finalized: snapshot.number(),
        best: client.best_number().await.map_err(unreached)?,
        moment: snapshot.now(),
        peers: peers.collect(),
    })
}

/// Open jobs that this account pays for.
async fn own_jobs(snapshot: &Snapshot, account: &AccountId) -> Result<Vec<(JobId, Job)>, BackendError> {
    let mut jobs = snapshot.jobs_of(account).await.map_err(unreached)?;
    jobs.retain(|(_, job)| job.client == *account);
    Ok(jobs)
}

async fn name_of(snapshot: &Snapshot, version: ModelVersion) -> Result<String, BackendError> {
    let head = snapshot.model(version.model).await.map_err(unreached)?;
    Ok(match head {
        Some(head) => String::from_utf8_lossy(&head.name).into_owned(),
        None => format!("model {}", version.model),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
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
}
