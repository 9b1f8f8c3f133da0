//! Facts about the chain and this account that the console shows: jobs, sessions, money and the network.

use super::catalogue::unreached;
use assay_client::chain::{Account, AccountId, ChainError, Client, Job, Session, Snapshot};
use assay_gateway::{
    backend::{BackendError, HoldInfo, JobStatus, Money, NetworkInfo, PeerInfo, SessionInfo},
    money::Amount,
};
use assay_types::{JobId, ModelVersion, session::SessionPhase};

/// Things of a kind that are shown.
pub(super) const MAX_SHOWN: usize = 100;

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
        let model = name_of(&snapshot, session.model).await.map_err(unreached)?;
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

/// The name of a model on chain.
pub(super) async fn name_of(snapshot: &Snapshot, version: ModelVersion) -> Result<String, ChainError> {
    let head = snapshot.model(version.model).await?;
    Ok(match head {
        Some(head) => String::from_utf8_lossy(&head.name).into_owned(),
        None => format!("model {}", version.model),
    })
}
