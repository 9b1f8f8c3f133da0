//! `assay-worker workers`

use crate::cli::NodeArgs;
use assay_client::{
    chain::{AccountId, AuditRecord, Balance, OfferTerms, WorkerInfo},
    reputation::Reputation,
    request::find_model,
    units,
};
use assay_types::offer::smallest_work;
use clap::Args;
use serde_json::{Value, json};
use std::process::ExitCode;

/// Options of `workers`.
#[derive(Debug, Args)]
pub struct WorkersArgs {
    /// The model: its name or number, with or without @VERSION
    model: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    node: NodeArgs,
}

/// A worker that offers the model.
struct Found {
    account: AccountId,
    terms: OfferTerms,
    /// Price of the smallest job.
    price: Balance,
    info: WorkerInfo,
    record: AuditRecord,
    reputation: Reputation,
}

pub(super) async fn run(args: WorkersArgs) -> anyhow::Result<ExitCode> {
    let snapshot = super::connect(&args.node).await?.finalized().await?;
    let model = find_model(&snapshot, &args.model).await?;
    let work = smallest_work(&model.record.parts);
    let mut found = Vec::new();
    for offer in snapshot.offers(model.version).await? {
        // A worker that has left since keeps no offer, but the two are read one after the other.
        let Some(info) = snapshot.worker(&offer.worker).await? else {
            continue;
        };
        let record = snapshot.audit_record(&offer.worker).await?;
        found.push(Found {
            price: offer.terms.price(work),
            reputation: Reputation::of(&info, &record),
            account: offer.worker,
            terms: offer.terms,
            info,
            record,
        });
    }
    found.sort_by(|one, other| other.reputation.score.total_cmp(&one.reputation.score));
    if args.json {
        let objects: Vec<Value> = found.iter().map(object).collect();
        println!("{}", serde_json::to_string_pretty(&objects)?);
        return Ok(ExitCode::SUCCESS);
    }
    if found.is_empty() {
        println!("nobody offers model {}", model.version);
    }
    found.iter().for_each(show);
    Ok(ExitCode::SUCCESS)
}

fn show(found: &Found) {
    let Found {
        info,
        record,
        reputation,
        ..
    } = found;
    println!(
        "{:>3.0}  {}, for {}, {:?}, stake {} ASY",
        reputation.score,
        found.account,
        units::price(found.terms.base, found.terms.rate),
        info.status,
        units::format(info.stake)
    );
    println!(
        "     delivery {:.2}: {} paid, {} missed, {} declined",
        reputation.delivery, info.completed, info.missed, info.declined
    );
    println!(
        "     honesty {:.2}: {} faults, {} disputes lost",
        reputation.honesty, record.faults, info.convicted
    );
    println!(
        "     experience {:.2}: the jobs, and {:.1} audits that agreed",
        reputation.experience, reputation.audits
    );
}

fn object(found: &Found) -> Value {
    json!({
        "worker": found.account.to_string(),
        "status": format!("{:?}", found.info.status),
        "smallest_price": units::format(found.price),
        "stake": units::format(found.info.stake),
        "score": found.reputation.score,
        "delivery": found.reputation.delivery,
        "honesty": found.reputation.honesty,
        "experience": found.reputation.experience,
        "paid": found.info.completed,
        "missed": found.info.missed,
        "declined": found.info.declined,
        "convicted": found.info.convicted,
        "audits": found.reputation.audits,
        "faults": found.record.faults,
    })
}
