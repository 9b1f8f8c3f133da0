//! Says why nothing comes in.

use super::setup::Served;
use assay_client::{
    chain::{AccountId, ChainError, Snapshot},
    units,
};
use assay_types::{ModelVersion, NoOffer, WorkerStatus};
use std::collections::BTreeMap;

/// Logs what keeps jobs away, as the node sees it.
pub(super) async fn explain(
    snapshot: &Snapshot,
    me: &AccountId,
    served: &BTreeMap<ModelVersion, Served>,
) -> Result<(), ChainError> {
    let Some(info) = snapshot.worker(me).await? else {
        tracing::warn!("idle: the worker is no longer registered; restart with --stake to register it again");
        return Ok(());
    };
    if info.status != WorkerStatus::Active {
        tracing::warn!(status = ?info.status, "idle: the worker takes no jobs in this state; a restart resumes it");
        // Nothing else would change that.
        return Ok(());
    }
    let free = info.stake.saturating_sub(info.locked);
    for (version, served) in served {
        let Some((price, capacity)) = served.policy.offer else {
            continue;
        };
        let load = info.offers.iter().find(|(v, ..)| v == version).map(|offer| offer.3);
        let reason = match (load, snapshot.quote(*version).await?) {
            (None, _) => "the offer is not in the book: a cheaper one displaced it; lower the price".to_owned(),
            (Some(load), _) if load >= capacity => "as many jobs are unclaimed as the offer allows".to_owned(),
            (_, Ok(quote)) if quote.worker == *me => {
                "no job was submitted; this offer is the next to be taken".to_owned()
            }
            (_, Ok(quote)) => {
                format!(
                    "{} offers it for {} and is asked first",
                    quote.worker,
                    units::format(quote.price)
                )
            }
            (_, Err(NoOffer::AllBusy)) => "the stake that is free does not cover a job; bond more".to_owned(),
            (_, Err(NoOffer::NoneForModel | NoOffer::CeilingTooLow)) => "the node sees no offer".to_owned(),
        };
        tracing::info!(
            model = %version, name = served.name, price = units::format(price), free_stake = units::format(free),
            reason, "idle"
        );
    }
    Ok(())
}
