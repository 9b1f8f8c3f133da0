//! Checks of the offers, and why no work comes: what keeps jobs from each model that is offered.

use super::Finding;
use crate::{
    config::ServeConfig,
    serve::{self, Served},
};
use assay_client::{
    chain::{AccountId, ChainError, Offer, StateView, WorkerInfo},
    units,
};
use assay_package::Package;
use assay_types::{ModelVersion, WorkerStatus};
use std::{collections::BTreeMap, sync::Arc};

/// The models must be registered, the stake must carry their prices, and the offers on chain must be the configured
/// ones; then what keeps jobs from each.
pub(super) async fn models(
    state: &impl StateView,
    config: &ServeConfig,
    packages: &[Arc<Package>],
    me: &AccountId,
) -> Result<Vec<Finding>, ChainError> {
    let served = match serve::resolve(state, config, packages).await {
        Ok(served) => served,
        Err(serve::ServeError::Chain(error)) => return Err(error),
        Err(error) => {
            let advice = "correct the configuration; `serve` does not start for this reason";
            return Ok(vec![Finding::broken("models", error.to_string(), advice)]);
        }
    };
    let mut findings = vec![Finding::fine(
        "models",
        format!("all {} are registered on chain", served.len()),
    )];
    let Some(info) = state.worker(me).await? else {
        findings.push(Finding::note(
            "work",
            "no offer is on chain",
            "start `serve`, which publishes the offers",
        ));
        return Ok(findings);
    };
    let (constants, stake) = (state.constants()?, config.stake.unwrap_or(0).max(info.stake));
    if let Err(error) = serve::ensure_stake_carries(&constants, served.values(), stake) {
        findings.push(Finding::broken(
            "price",
            error.to_string(),
            "`serve` does not start until this is so",
        ));
    }
    findings.extend(published(&info, &served));
    for idle in serve::reasons(state, me, &info, &served).await? {
        let what = format!("work {}", idle.name);
        findings.push(match idle.is_next {
            true => Finding::fine(what, idle.reason),
            false => Finding::note(what, idle.reason, "no work comes on this model until that changes"),
        });
    }
    for (version, served) in &served {
        findings.extend(rivals(me, served, &state.offers(*version).await?));
        findings.extend(auctions(state, *version, served).await?);
    }
    findings.extend(sessions(state, me, &served).await?);
    Ok(findings)
}

/// Offers on chain that are not those of the configuration.
fn published(info: &WorkerInfo, served: &BTreeMap<ModelVersion, Served>) -> Option<Finding> {
    let changes = serve::offer_changes(info, served);
    if changes.is_empty() || info.status == WorkerStatus::Left {
        return None;
    }
    let changes: Vec<String> = changes.iter().map(ToString::to_string).collect();
    let measured = format!("they are not as configured: {}", changes.join("; "));
    Some(Finding::note(
        "offers",
        measured,
        "start `serve` again, or send it SIGHUP, which brings them in line",
    ))
}

/// Place of an offer among the others on the same model, by the terms that clients look at.
pub(super) fn rivals(me: &AccountId, served: &Served, book: &[Offer]) -> Vec<Finding> {
    let Some((terms, _)) = served.offer() else {
        return Vec::new();
    };
    let what = format!("market {}", served.name);
    let others: Vec<&Offer> = book.iter().filter(|offer| offer.worker != *me).collect();
    let asked = |offer: &&Offer| offer.terms.price(served.smallest_work);
    let Some(cheapest) = others.iter().map(asked).min() else {
        return vec![Finding::fine(what, "nobody else offers the model")];
    };
    let price = terms.price(served.smallest_work);
    let below = others.iter().filter(|offer| asked(offer) < price).count();
    let measured = format!(
        "{below} of {} other offers cost less for the smallest job: {} ASY here, {} the cheapest",
        others.len(),
        units::format(price),
        units::format(cheapest)
    );
    let mut findings = vec![match below {
        0 => Finding::fine(&*what, measured),
        _ => Finding::note(
            &*what,
            measured,
            "cheaper offers are asked first, as long as they have room: lower the price",
        ),
    }];
    let shortest = others
        .iter()
        .map(|offer| offer.terms.min_deadline)
        .min()
        .unwrap_or(terms.min_deadline);
    if shortest < terms.min_deadline {
        findings.push(Finding::note(
            what,
            format!(
                "the offer asks for deadlines of {} blocks or more, another one for {shortest}",
                terms.min_deadline
            ),
            "jobs with shorter deadlines pass by: lower min_deadline if the machine is fast enough",
        ));
    }
    findings
}

/// Open auctions on a model that the worker bids on.
async fn auctions(
    state: &impl StateView,
    version: ModelVersion,
    served: &Served,
) -> Result<Option<Finding>, ChainError> {
    if served.policy.bidding.is_none() {
        return Ok(None);
    }
    let open = state.open_jobs(version).await?.len();
    Ok(Some(Finding::fine(
        format!("auctions {}", served.name),
        format!("{open} are open"),
    )))
}

/// Models whose sessions are configured must be offered so on chain, and a place must be announced where clients come.
async fn sessions(
    state: &impl StateView,
    me: &AccountId,
    served: &BTreeMap<ModelVersion, Served>,
) -> Result<Vec<Finding>, ChainError> {
    let wanted: Vec<_> = served
        .iter()
        .filter(|(_, served)| served.policy.sessions.is_some())
        .collect();
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let offered = state.session_offers_of(me).await?;
    let missing = wanted
        .iter()
        .filter(|(version, _)| offered.iter().all(|(offered, _)| offered != *version));
    let mut findings: Vec<Finding> = missing
        .map(|(_, served)| {
            Finding::note(
                "sessions",
                format!("{} is not offered in sessions on chain", served.name),
                "start `serve`, and look for `sessions` in its log if that does not help",
            )
        })
        .collect();
    if state.announcement(me).await?.is_none() {
        let advice = "start `serve`; if it runs, nobody can reach it: see the lines about the network";
        findings.push(Finding::note(
            "sessions",
            "no place is announced, so clients do not find it",
            advice,
        ));
    }
    if findings.is_empty() {
        let open = state.sessions_of(me).await?;
        let open = open.iter().filter(|(_, session)| session.worker == *me).count();
        findings.push(Finding::fine(
            "sessions",
            format!("{} models offered, {open} sessions open", wanted.len()),
        ));
    }
    Ok(findings)
}
