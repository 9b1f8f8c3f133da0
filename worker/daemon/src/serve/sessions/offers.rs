//! Offers of sessions, as the configuration says.

use crate::{
    config::ServeConfig,
    serve::{
        ServeError,
        setup::{Served, send},
    },
    skeleton::best_state,
};
use assay_client::chain::{Account, Call, ChainView, SessionOffer, SessionTerms, SessionsCall, StateView};
use assay_session::SessionPair;
use assay_types::{ModelVersion, SessionKey};
use std::collections::BTreeMap;

/// Brings the worker's offers of sessions in line with the configuration. A worker that has not joined the network
/// offers none. An offer that the chain refuses ends nothing: jobs are served, and disputes played.
pub(in crate::serve) async fn offer(
    chain: &impl ChainView,
    account: &Account,
    config: &ServeConfig,
    served: &BTreeMap<ModelVersion, Served>,
) -> Result<(), ServeError> {
    let pair = SessionPair::ed25519(&config.common.key.receipt_seed(chain.genesis()));
    let state = best_state(chain).await?;
    let there = state.session_offers_of(account.id()).await?;
    let wanted = match config.common.network {
        Some(_) => wanted(served, &pair.public()),
        None => BTreeMap::new(),
    };
    for call in changes(there, wanted) {
        let call = Call::Sessions(call);
        tracing::info!(%call, "bringing the offers of sessions in line with the configuration");
        match send(account, call).await {
            Err(ServeError::Refused { what, source }) if !source.is_connection() => {
                tracing::error!(what, %source, "THE OFFERS OF SESSIONS ARE NOT AS CONFIGURED; jobs are served all the same");
            }
            sent => sent?,
        }
    }
    Ok(())
}

/// The offers that the configuration asks for.
fn wanted(served: &BTreeMap<ModelVersion, Served>, key: &SessionKey) -> BTreeMap<ModelVersion, SessionOffer> {
    let offers = served.iter().filter_map(|(version, served)| {
        let policy = served.policy.sessions?;
        let offer = SessionOffer {
            terms: SessionTerms {
                base: policy.base,
                rate: policy.rate,
                min_budget: policy.min_budget,
                max_budget: policy.max_budget,
                lock_percent: policy.lock_percent,
                max_blocks: policy.max_blocks,
                // As long as challengers of the model's largest job have.
                window_blocks: policy.window_blocks.unwrap_or(served.blocks.min_window),
            },
            key: key.clone(),
            capacity: policy.capacity,
        };
        Some((*version, offer))
    });
    offers.collect()
}

/// The calls that make the offers on chain the wanted ones.
fn changes(
    there: Vec<(ModelVersion, SessionOffer)>,
    mut wanted: BTreeMap<ModelVersion, SessionOffer>,
) -> Vec<SessionsCall> {
    let mut calls = Vec::new();
    for (model, offer) in there {
        match wanted.get(&model) {
            Some(same) if *same == offer => drop(wanted.remove(&model)),
            // It takes the place of the earlier one.
            Some(_) => {}
            None => calls.push(SessionsCall::RemoveOffer { model }),
        }
    }
    let published = wanted.into_iter();
    calls.extend(published.map(|(model, offer)| SessionsCall::PublishOffer { model, offer }));
    calls
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_client::chain::Balance;

    fn version(model: u32) -> ModelVersion {
        ModelVersion { model, version: 1 }
    }

    fn offer(base: Balance) -> SessionOffer {
        SessionOffer {
            terms: SessionTerms {
                base,
                rate: 0,
                min_budget: 10,
                max_budget: 100,
                lock_percent: 100,
                max_blocks: 100,
                window_blocks: 100,
            },
            key: SessionPair::ed25519(&[1; 32]).public(),
            capacity: 8,
        }
    }

    #[test]
    fn offers_as_configured_are_left_alone() {
        let wanted = BTreeMap::from([(version(1), offer(5))]);
        assert_eq!(changes(vec![(version(1), offer(5))], wanted), []);
    }

    #[test]
    fn other_terms_are_published_and_unwanted_offers_removed() {
        let there = vec![(version(1), offer(5)), (version(2), offer(5))];
        let wanted = BTreeMap::from([(version(1), offer(6)), (version(3), offer(7))]);
        let publish = |model, base| SessionsCall::PublishOffer {
            model: version(model),
            offer: offer(base),
        };
        let remove = SessionsCall::RemoveOffer { model: version(2) };
        assert_eq!(changes(there, wanted), [remove, publish(1, 6), publish(3, 7)]);
    }
}
