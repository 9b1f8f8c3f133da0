//! Challenges a claim, if the account can and will pay for it.
//!
//! A challenge commits to the trace of an execution of our own, because the award of a conviction is the oldest
//! finder's. The job is therefore executed once more before the challenge, with everything on the way. The games that
//! follow use the same execution.

use crate::{
    games::{Archive, SharedExecution},
    job_input::{self, Found, Sources},
    models::Models,
};
use assay_client::{
    chain::{
        Account, AccountId, Balance, Call, ChainError, DisputesCall, DisputesEvent, Event, H256, Inclusion, JobState,
        Salts, StateView, SubmitError, Wait,
    },
    units,
};
use assay_player::{Hash, trace_digest, watch::WatchPolicy};
use assay_types::{
    JobId,
    dispute::{Committed, commitment},
};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Whatever it takes to find a fault.
#[derive(Clone)]
pub(super) struct Finder {
    pub(super) models: Models,
    /// Where inputs are that jobs name by digest.
    pub(super) sources: Sources,
    /// The executions that games use.
    pub(super) archive: Archive,
    /// The salts of this account's commitments.
    pub(super) salts: Salts,
    /// One execution at a time: wrong claims are few, and each takes the memory of a whole trace.
    pub(super) permit: Arc<Semaphore>,
}

/// Outcome of an attempt to challenge.
pub(super) enum Attempt {
    /// The challenge is made, for this bond.
    Made(Balance),
    /// There is nothing to challenge any more.
    Over,
    /// It cannot be done now, for this reason.
    Barred(String),
    /// The transaction had no effect.
    Failed(SubmitError),
}

/// Challenges a claim, if the account can and will pay for it, and an execution of our own differs.
pub(super) async fn attempt(
    job: JobId,
    snapshot: Arc<impl StateView>,
    account: Account,
    finder: Finder,
    policy: WatchPolicy<Balance>,
    open: u32,
) -> (JobId, Attempt) {
    let failed = |error: ChainError| Attempt::Failed(SubmitError::NotSent(error.to_string()));
    let attempt = async {
        let Some(bond) = snapshot.bond_for(job).await.map_err(failed)? else {
            return Ok(Attempt::Over);
        };
        if !policy.may_challenge(open, bond) {
            return Ok(Attempt::Barred(format!(
                "its bond is {} ASY, and max_bond is {}, with max_games {}",
                units::format(bond),
                units::format(policy.max_bond),
                policy.max_open
            )));
        }
        if let Some(reason) = cannot_pay(&*snapshot, account.id(), bond).await.map_err(failed)? {
            return Ok(Attempt::Barred(reason));
        }
        let commitment = finder
            .commit(job, account.id(), &*snapshot)
            .await
            .map_err(Attempt::Barred)?;
        let challenge = DisputesCall::Challenge { job, commitment };
        let sent = account.send(Call::Disputes(challenge), Wait::InBlock).await;
        Ok::<_, Attempt>(outcome(sent, account.id(), bond))
    };
    (job, attempt.await.unwrap_or_else(|failed| failed))
}

impl Finder {
    /// The commitment to our own trace, or why there is none.
    async fn commit(&self, job: JobId, me: &AccountId, snapshot: &impl StateView) -> Result<H256, String> {
        let execution = self.execution(job, snapshot).await?;
        let trace = trace_digest(&*execution);
        Ok(commitment::<Hash, _>(job, me, &trace, &self.salts.of(job)))
    }

    /// The execution of the job, for its games too.
    async fn execution(&self, job: JobId, snapshot: &impl StateView) -> Result<SharedExecution, String> {
        let text = |error: ChainError| error.to_string();
        let record = snapshot.job(job).await.map_err(text)?;
        let record = record.ok_or_else(|| "the job is closed".to_owned())?;
        let version = snapshot.version(record.model).await.map_err(text)?;
        let version = version.ok_or_else(|| "its model is no longer registered".to_owned())?;
        let claimed = match record.state {
            JobState::Claimed { output_digest, .. } | JobState::Disputed { output_digest, .. } => Some(output_digest),
            JobState::Bidding { .. }
            | JobState::Revealing { .. }
            | JobState::Assigned { .. }
            | JobState::Sealed { .. } => None,
        };
        let known = Committed {
            model_root: version.root,
            input_digest: record.input_digest,
            output_digest: claimed.ok_or_else(|| "the job is not claimed".to_owned())?,
        };
        // After a challenge that had no effect.
        if let Some(execution) = self.archive.get(&known) {
            return Ok(execution);
        }
        let model = self.models.get(&version.root).cloned();
        let model = model.ok_or_else(|| "its model is not among those that are loaded here".to_owned())?;
        let inputs = match job_input::find_in(snapshot, job, &record, &version.parts, &self.sources).await {
            Ok(Found::Input(inputs)) => inputs,
            Ok(Found::Impossible(reason)) => return Err(reason),
            Err(error) => return Err(error.to_string()),
        };
        let _permit = self.permit.acquire().await.map_err(|error| error.to_string())?;
        tracing::info!(
            job,
            "executing a wrong claim's job with everything on the way, to commit to it"
        );
        let archive = self.archive.clone();
        let executing = tokio::task::spawn_blocking(move || {
            let execution = archive.execute(&model, inputs);
            execution.map_err(|error| error.to_string())
        });
        let execution = executing
            .await
            .map_err(|error| format!("the execution failed: {error}"))??;
        self.archive.keep(&known, execution.clone());
        Ok(execution)
    }
}

/// Why the account cannot put up a bond, if it cannot.
async fn cannot_pay(
    snapshot: &impl StateView,
    account: &AccountId,
    bond: Balance,
) -> Result<Option<String>, ChainError> {
    let money = snapshot.account(account).await?;
    let needed = bond.saturating_add(snapshot.constants()?.existential_deposit);
    let free = money.free.saturating_sub(money.frozen);
    Ok((free <= needed).then(|| {
        format!(
            "the account cannot pay: the bond is {} ASY, and {account} has {} free: send it money",
            units::format(bond),
            units::format(free)
        )
    }))
}

fn outcome(sent: Result<Inclusion, SubmitError>, me: &AccountId, bond: Balance) -> Attempt {
    match sent {
        Ok(inclusion) => {
            let held = inclusion.events.iter().find_map(|event| match event {
                Event::Disputes(DisputesEvent::Challenged { challenger, bond, .. }) if challenger == me => Some(*bond),
                _ => None,
            });
            Attempt::Made(held.unwrap_or(bond))
        }
        Err(error) if error.is("Disputes", "AlreadyChallenging") => Attempt::Made(bond),
        Err(error)
            if ["UnknownJob", "NotClaimed", "WindowPassed", "UnknownModel"]
                .iter()
                .any(|name| error.is("Disputes", name)) =>
        {
            Attempt::Over
        }
        Err(error @ SubmitError::CannotPayFees) => Attempt::Barred(error.to_string()),
        Err(error) if error.is("Disputes", "InsufficientFunds") => Attempt::Barred(error.to_string()),
        Err(error) => Attempt::Failed(error),
    }
}
