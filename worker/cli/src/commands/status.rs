//! `assay-worker status` and `assay-worker why`

use crate::cli::NodeArgs;
use anyhow::Context;
use assay_client::{
    chain::{AccountId, Key, Misfit, OfferTerms, Snapshot, WhyNot},
    units,
};
use assay_types::{JobId, WorkerStatus};
use clap::Args;
use std::{process::ExitCode, str::FromStr};

/// Options of `why`.
#[derive(Debug, Args)]
pub struct WhyArgs {
    /// The worker's account, or a development key such as //Charlie
    worker: String,
    /// The job's number
    job: JobId,
    #[command(flatten)]
    node: NodeArgs,
}

/// Options of `status`.
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// The account, or a key
    account: String,
    #[command(flatten)]
    node: NodeArgs,
}

pub(super) async fn why(args: WhyArgs) -> anyhow::Result<ExitCode> {
    let worker = account(&args.worker)?;
    let snapshot = super::connect(&args.node).await?.finalized().await?;
    let why = snapshot.why_not(&worker, args.job).await?;
    let status = snapshot.worker(&worker).await?.map(|info| info.status);
    println!("{}", in_words(&before_anything_else(why, status)));
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn status(args: StatusArgs) -> anyhow::Result<ExitCode> {
    let account = account(&args.account)?;
    let client = super::connect(&args.node).await?;
    let snapshot = client.finalized().await?;
    println!(
        "chain     {:?}, block {}, moment {}, node {}",
        client.genesis(),
        snapshot.number(),
        snapshot.now(),
        client.url()
    );
    let money = snapshot.account(&account).await?;
    println!("account   {account}");
    println!(
        "money     {} ASY free, {} held",
        units::format(money.free),
        units::format(money.reserved)
    );
    show_worker(&snapshot, &account).await?;
    let jobs = snapshot.jobs_of(&account).await?;
    println!("open jobs {}", jobs.len());
    for (id, job) in jobs {
        let role = if job.client == account { "pays for" } else { "works on" };
        let next = job.state.ends_after().map_or("waits for the verdict".into(), |block| {
            format!("next step after moment {block}")
        });
        println!(
            "  {role} job {id}: model {}, {:?}, {next}",
            job.model,
            job.state.phase()
        );
    }
    Ok(ExitCode::SUCCESS)
}

async fn show_worker(snapshot: &Snapshot, account: &AccountId) -> anyhow::Result<()> {
    let Some(info) = snapshot.worker(account).await? else {
        println!("worker    not registered");
        return Ok(());
    };
    println!(
        "worker    {:?}, stake {} ASY of which {} locked; {} jobs paid, {} missed, {} declined, {} disputes lost",
        info.status,
        units::format(info.stake),
        units::format(info.locked),
        info.completed,
        info.missed,
        info.declined,
        info.convicted
    );
    if let Some(moment) = info.rests_until.filter(|moment| *moment > snapshot.now()) {
        println!("  takes no jobs up to moment {moment}, since it has given back or missed one");
    }
    if info.slashing > 0 {
        println!("  {} ASY are to be slashed", units::format(info.slashing));
    }
    for (amount, block) in info.unbonding {
        println!("  unbonding {} ASY until moment {block}", units::format(amount));
    }
    for offer in info.offers {
        let OfferTerms {
            base,
            rate,
            min_deadline,
            min_window,
            max_window,
        } = offer.terms;
        println!(
            "  offers model {} for {}, {} of {} jobs taken; deadlines of {min_deadline} blocks or more, windows of \
             {min_window} to {max_window}, for jobs from moment {} on",
            offer.version,
            units::price(base, rate),
            offer.load,
            offer.capacity,
            offer.from
        );
        if offer.waits {
            println!("    it has lost its place in the book, and waits for another one: restart `assay-worker serve`");
        }
    }
    Ok(())
}

/// Reads an account in SS58, or takes that of a key.
pub(super) fn account(text: &str) -> anyhow::Result<AccountId> {
    if let Ok(account) = AccountId::from_str(text) {
        return Ok(account);
    }
    Ok(Key::load(text)
        .context("neither an account in SS58 nor a key")?
        .account())
}

/// A worker that takes no jobs is told so, and not what would have kept it from this one beside that.
fn before_anything_else(why: WhyNot, status: Option<WorkerStatus>) -> WhyNot {
    let is_its_own = matches!(
        why,
        WhyNot::NoOffer
            | WhyNot::AboveCeiling { .. }
            | WhyNot::DoesNotFit(_)
            | WhyNot::Resting { .. }
            | WhyNot::AtCapacity
            | WhyNot::StakeTooSmall { .. }
            | WhyNot::NoBid { .. }
            | WhyNot::BiddingOver
            | WhyNot::AssignedTo { .. }
    );
    match status {
        Some(status) if is_its_own && status != WorkerStatus::Active => WhyNot::NotActive(status),
        _ => why,
    }
}

fn in_words(why: &WhyNot) -> String {
    match why {
        WhyNot::UnknownJob => {
            "there is no such open job: it was never submitted, or it is closed, and the event JobClosed says why"
                .into()
        }
        WhyNot::NotRegistered => "the account is not a worker: start `assay-worker serve` with --stake".into(),
        WhyNot::NotActive(WorkerStatus::Paused) => {
            "the worker is paused: start `assay-worker serve` again, which resumes it".into()
        }
        WhyNot::NotActive(status) => format!("the worker takes no jobs ({status:?}): start `assay-worker serve` again"),
        WhyNot::AlreadyTried => {
            "it had the job and missed the deadline, declined or was relieved of it, so it does not get it again".into()
        }
        WhyNot::NoOffer => "it has no offer for the model: add the model to its configuration".into(),
        WhyNot::AboveCeiling { price, ceiling } => format!(
            "its offer costs {} ASY and the client pays at most {}: lower the price",
            units::format(*price),
            units::format(*ceiling)
        ),
        WhyNot::DoesNotFit(misfit) => unfit(misfit),
        WhyNot::Resting { until } => {
            format!("it has given back or missed a job lately, and takes none up to moment {until}")
        }
        WhyNot::AtCapacity => "it has as many unclaimed jobs as its offer allows: raise the capacity".into(),
        WhyNot::StakeTooSmall { needed } => {
            format!(
                "its free stake does not cover the {} ASY that the job locks: bond more",
                units::format(*needed)
            )
        }
        WhyNot::NoBid { until } => format!("bids are open up to moment {until}, and it has made none"),
        WhyNot::BiddingOver => "it made no bid, and the time for bids is over".into(),
        WhyNot::AwaitingReveals { until } => format!("it has bid; bids are revealed after moment {until}"),
        WhyNot::BidNotRevealed { until } => format!("it must reveal its bid up to moment {until}"),
        WhyNot::AwaitingClose { until } => {
            format!("it has revealed; the auction closes when all have, or after moment {until}")
        }
        WhyNot::AssignedTo { worker, price } => {
            format!("the job went to {worker} for {} ASY", units::format(*price))
        }
        WhyNot::AwaitingClaim { deadline } => format!("it has the job and must claim up to moment {deadline}"),
        WhyNot::AwaitingSettlement { window_until } => {
            format!("it has claimed and is paid after moment {window_until}, or when the client accepts")
        }
        WhyNot::UnderDispute => "its claim is disputed: it must answer every challenge, and is paid if it wins".into(),
    }
}

fn unfit(misfit: &Misfit) -> String {
    match misfit {
        Misfit::DeadlineTooShort { min_deadline } => {
            format!("the job's deadline is shorter than the {min_deadline} blocks of its offer: lower min_deadline")
        }
        Misfit::WindowTooShort { min_window } => {
            format!("the job's challenge window is shorter than the {min_window} blocks of its offer: lower min_window")
        }
        Misfit::WindowTooLong { max_window } => {
            format!("the job's challenge window is longer than the {max_window} blocks of its offer: raise max_window")
        }
        Misfit::OfferTooNew { from } => {
            format!("the job was submitted before its offer took effect, which it does at moment {from}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_paused_worker_is_told_that_it_is_paused_and_not_to_bond_more() {
        let why = || WhyNot::StakeTooSmall { needed: 5 };
        let text = in_words(&before_anything_else(why(), Some(WorkerStatus::Paused)));
        assert!(text.contains("paused") && !text.contains("bond"), "{text}");
        let text = in_words(&before_anything_else(why(), Some(WorkerStatus::Active)));
        assert!(text.contains("bond more"), "{text}");
        let claimed = WhyNot::AwaitingClaim { deadline: 9 };
        let text = in_words(&before_anything_else(claimed, Some(WorkerStatus::Paused)));
        assert!(text.contains("must claim up to moment 9"), "{text}");
    }
}
