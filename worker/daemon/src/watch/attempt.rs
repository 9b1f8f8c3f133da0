//! Challenges a claim, if the account can and will pay for it.
//!
//! A challenge commits to the trace of an execution of our own, because the award of a conviction is the oldest
//! finder's. The job is therefore executed once more before the challenge, with everything on the way. The games that
//! follow use the same execution.

use crate::games::Finder;
use assay_client::{
    chain::{
        Account, AccountId, Balance, Call, ChainError, DisputesCall, DisputesEvent, Event, Inclusion, StateView,
        SubmitError, Wait,
    },
    units,
};
use assay_player::watch::WatchPolicy;
use assay_types::JobId;
use std::sync::Arc;

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
