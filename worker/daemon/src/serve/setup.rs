//! Brings the worker's registration, stake and offers on chain in line with the configuration; doing it twice changes
//! nothing.

use super::{ServeError, blocks::JobBlocks};
use crate::{
    config::{ModelPolicy, ServeConfig},
    skeleton::best_state,
};
use assay_client::{
    chain::{
        Account, Balance, Call, ChainView, Constants, H256, OfferInfo, OfferTerms, StateView, Wait, WorkerInfo,
        WorkersCall,
    },
    units,
};
use assay_package::Package;
use assay_types::{
    ModelParts, ModelVersion, WorkerStatus,
    offer::{largest_work, smallest_work},
    schema::ModelKind,
};
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// Pause before a call is tried again that the node did not take.
const PAUSE: Duration = Duration::from_secs(3);

/// Factor by which a sequence takes longer that is made token by token, each of which reads all weights, as one that is
/// checked at once: a low bound of the speed, like that of the work in a second.
const TOKEN_BY_TOKEN: u64 = 4;

/// A model that is served.
#[derive(Clone, Debug)]
pub(crate) struct Served {
    pub(crate) name: String,
    pub(super) root: H256,
    pub(crate) parts: ModelParts,
    pub(crate) policy: ModelPolicy,
    /// Blocks that a job must have.
    pub(super) blocks: JobBlocks,
    /// Work of the smallest job.
    pub(crate) smallest_work: u64,
}

impl Served {
    /// Terms and capacity of the standing offer.
    pub(crate) fn offer(&self) -> Option<(OfferTerms, u32)> {
        let offer = self.policy.offer?;
        let terms = OfferTerms {
            base: offer.base,
            rate: offer.rate,
            min_deadline: self.blocks.min_deadline,
            min_window: self.blocks.min_window,
            max_window: self.blocks.max_window,
        };
        Some((terms, offer.capacity))
    }
}

/// Finds the models on chain, and makes registration, stake, status and offers as configured.
pub(super) async fn prepare(
    chain: &impl ChainView,
    account: &Account,
    config: &ServeConfig,
    packages: &[Arc<Package>],
    engine_is_well: bool,
) -> Result<BTreeMap<ModelVersion, Served>, ServeError> {
    let snapshot = &best_state(chain).await?;
    let served = resolve(snapshot, config, packages).await?;
    let info = register(snapshot, account, config, &served, engine_is_well).await?;
    for call in offer_changes(&info, &served) {
        tracing::info!(%call, "bringing the offers in line with the configuration");
        send(account, call).await?;
    }
    Ok(served)
}

/// Finds the models on chain, with the terms that follow from the configuration.
pub(crate) async fn resolve(
    snapshot: &impl StateView,
    config: &ServeConfig,
    packages: &[Arc<Package>],
) -> Result<BTreeMap<ModelVersion, Served>, ServeError> {
    let constants = snapshot.constants()?;
    let mut served = BTreeMap::new();
    for (policy, package) in config.models.iter().zip(packages) {
        let root = H256(package.root());
        let name = package.manifest().name.clone();
        let unregistered = || {
            ServeError::Unfit(format!(
                "model {name}: its root {root:?} is not registered on this chain; register it with \
                 `assay-worker models register`, or get the package that was registered"
            ))
        };
        let version = snapshot.version_by_root(root).await?.ok_or_else(unregistered)?;
        let record = snapshot.version(version).await?.ok_or_else(unregistered)?;
        let blocks = JobBlocks::new(&policy.blocks, &constants, longest_run(&record.parts));
        let blocks = blocks.map_err(|error| ServeError::Unfit(format!("model {}: {error}", policy.package)))?;
        served.insert(
            version,
            Served {
                name,
                root,
                blocks,
                smallest_work: smallest_work(&record.parts),
                parts: record.parts,
                policy: policy.clone(),
            },
        );
    }
    Ok(served)
}

/// Work of the largest job, by which its time is estimated.
fn longest_run(parts: &ModelParts) -> u64 {
    let work = largest_work(parts);
    match parts.kind {
        ModelKind::Plain => work,
        ModelKind::Generation => work.saturating_mul(TOKEN_BY_TOKEN),
    }
}

async fn register(
    snapshot: &impl StateView,
    account: &Account,
    config: &ServeConfig,
    served: &BTreeMap<ModelVersion, Served>,
    engine_is_well: bool,
) -> Result<WorkerInfo, ServeError> {
    let constants = snapshot.constants()?;
    let registered = snapshot.worker(account.id()).await?;
    let present = registered.as_ref().map_or(0, |info| info.stake);
    ensure_stake_carries(&constants, served.values(), config.stake.unwrap_or(0).max(present))?;
    let Some(info) = registered else {
        let stake = config.stake.ok_or_else(|| {
            ServeError::Unfit(format!(
                "{} is not a worker yet: give --stake, at least {} ASY, to register it",
                account.id(),
                units::format(constants.min_stake)
            ))
        })?;
        if stake < constants.min_stake {
            return Err(ServeError::Unfit(format!(
                "--stake is {} ASY, and a worker needs at least {}: raise it",
                units::format(stake),
                units::format(constants.min_stake)
            )));
        }
        ensure_funds(snapshot, account, stake).await?;
        tracing::info!(stake = units::format(stake), "registering the worker");
        send(account, Call::Workers(WorkersCall::Register { stake })).await?;
        return Ok(fresh(stake));
    };
    resume(account, &info, engine_is_well).await?;
    if let Some(stake) = config.stake
        && stake > info.stake
    {
        let amount = stake - info.stake;
        ensure_funds(snapshot, account, amount).await?;
        tracing::info!(amount = units::format(amount), "bonding more stake");
        send(account, Call::Workers(WorkersCall::BondMore { amount })).await?;
    }
    Ok(info)
}

/// Lets a worker that is registered take jobs, unless something is wrong with it.
async fn resume(account: &Account, info: &WorkerInfo, engine_is_well: bool) -> Result<(), ServeError> {
    match info.status {
        WorkerStatus::Active => {}
        WorkerStatus::Paused | WorkerStatus::Draining if info.slashing > 0 => {
            tracing::error!(
                slashing = units::format(info.slashing),
                "THE WORKER GETS NO JOBS: it was convicted, and its slash is not applied yet; find out why, and start again \
                 once it is"
            );
        }
        WorkerStatus::Paused if !engine_is_well => {
            tracing::warn!("THE WORKER STAYS PAUSED ON CHAIN: its engine fails, and has to pass a self-test first");
        }
        WorkerStatus::Paused => {
            tracing::info!("the worker is paused on chain; resuming it");
            send(account, Call::Workers(WorkersCall::Resume)).await?;
        }
        WorkerStatus::Draining => {
            tracing::warn!(
                "the worker was draining on chain: resuming it; `assay-worker stake leave` lets it leave while this program runs"
            );
            send(account, Call::Workers(WorkersCall::Resume)).await?;
        }
        WorkerStatus::Left => {
            return Err(ServeError::Unfit(
                "the worker has left: once its stake is unbonded, `assay-worker stake withdraw` gives it back, and it can be \
                 registered again"
                    .into(),
            ));
        }
    }
    Ok(())
}

/// A price whose lock is more than the whole stake is refused by the chain as an offer, and can never win as a bid. Of
/// an offer it is the price of the smallest job.
pub(crate) fn ensure_stake_carries<'a>(
    constants: &Constants,
    models: impl Iterator<Item = &'a Served>,
    stake: Balance,
) -> Result<(), ServeError> {
    for served in models {
        let (model, smallest) = (&served.policy, served.smallest_work);
        let offer = served.offer().map(|(terms, _)| terms.price(smallest));
        for price in offer.into_iter().chain(model.bidding.map(|bidding| bidding.least)) {
            let lock = constants.lock(price);
            if stake > 0 && lock > stake {
                return Err(ServeError::Unfit(format!(
                    "model {}: a job for {} ASY locks {} of stake, and the stake is {}: raise --stake, or lower the price",
                    model.package,
                    units::format(price),
                    units::format(lock),
                    units::format(stake)
                )));
            }
        }
    }
    Ok(())
}

async fn ensure_funds(snapshot: &impl StateView, account: &Account, amount: Balance) -> Result<(), ServeError> {
    let free = snapshot.account(account.id()).await?.free;
    if free > amount {
        return Ok(());
    }
    Err(ServeError::Unfit(format!(
        "{} has {} ASY free, and the stake needs {} and fees: send it money, or lower --stake",
        account.id(),
        units::format(free),
        units::format(amount)
    )))
}

pub(super) async fn send(account: &Account, call: Call) -> Result<(), ServeError> {
    let what = call.to_string();
    loop {
        match account.send(call.clone(), Wait::InBlock).await {
            Ok(_) => return Ok(()),
            // Nothing happened, and what is in the way may pass. Disputes go on meanwhile.
            Err(error) if error.is_temporary() => {
                tracing::warn!(what, %error, "this has to be done before jobs come; trying again");
                tokio::time::sleep(PAUSE).await;
            }
            Err(source) => return Err(ServeError::Refused { what, source }),
        }
    }
}

/// A worker that has just registered.
fn fresh(stake: Balance) -> WorkerInfo {
    WorkerInfo {
        status: WorkerStatus::Active,
        stake,
        locked: 0,
        unbonding: Vec::new(),
        slashing: 0,
        rests_until: None,
        offers: Vec::new(),
        completed: 0,
        missed: 0,
        declined: 0,
        convicted: 0,
    }
}

/// The calls that make the offers on chain those of the configuration.
pub(crate) fn offer_changes(info: &WorkerInfo, served: &BTreeMap<ModelVersion, Served>) -> Vec<Call> {
    let mut calls = Vec::new();
    for offer in &info.offers {
        let version = offer.version;
        if served.get(&version).is_none_or(|served| served.policy.offer.is_none()) {
            calls.push(Call::Workers(WorkersCall::RemoveOffer { version }));
        }
    }
    for (version, served) in served {
        let Some((terms, capacity)) = served.offer() else {
            continue;
        };
        // Under a pending slash an offer enters no full book, and a refusal would end what defends the claims.
        let may_wait = info.slashing > 0;
        let as_configured = |offer: &OfferInfo| {
            offer.version == *version
                && offer.terms == terms
                && offer.capacity == capacity
                && (may_wait || !offer.waits)
        };
        let there = info.offers.iter().any(as_configured);
        if !there {
            calls.push(Call::Workers(WorkersCall::PublishOffer {
                version: *version,
                terms,
                capacity,
            }));
        }
    }
    calls
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{BlockPolicy, OfferPolicy};
    use polkadot_sdk::sp_runtime::FixedU128;
    use std::path::Path;

    const MODEL: ModelVersion = ModelVersion { model: 0, version: 1 };
    const OTHER: ModelVersion = ModelVersion { model: 3, version: 1 };

    const BLOCKS: JobBlocks = JobBlocks {
        min_deadline: 20,
        min_window: 10,
        max_window: 30,
    };

    fn terms(base: Balance) -> OfferTerms {
        OfferTerms {
            base,
            rate: 7,
            min_deadline: 20,
            min_window: 10,
            max_window: 30,
        }
    }

    fn published(version: ModelVersion, base: Balance, capacity: u32) -> OfferInfo {
        OfferInfo {
            version,
            terms: terms(base),
            capacity,
            load: 2,
            from: 1,
            waits: false,
        }
    }

    /// A model that is offered at a base and a rate of 7, and whose smallest job is two billion units of work.
    fn served(offer: Option<(Balance, u32)>) -> BTreeMap<ModelVersion, Served> {
        let digits = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/digits/package");
        let digits = Package::load(&digits).expect("committed");
        let policy = ModelPolicy {
            package: "digits".into(),
            offer: offer.map(|(base, capacity)| OfferPolicy {
                base,
                rate: 7,
                capacity,
            }),
            blocks: BlockPolicy::default(),
            bidding: None,
            sessions: None,
        };
        [(
            MODEL,
            Served {
                name: "digits".into(),
                root: H256::zero(),
                parts: digits.parts().clone(),
                policy,
                blocks: BLOCKS,
                smallest_work: 2_000_000_000,
            },
        )]
        .into()
    }

    #[test]
    fn offers_as_configured_are_left_alone() {
        let info = WorkerInfo {
            offers: vec![published(MODEL, 50, 4)],
            ..fresh(100)
        };
        assert_eq!(offer_changes(&info, &served(Some((50, 4)))), []);
    }

    #[test]
    fn other_prices_are_published_and_unwanted_offers_removed() {
        let info = WorkerInfo {
            offers: vec![published(MODEL, 50, 4), published(OTHER, 1, 1)],
            ..fresh(100)
        };
        let publish = Call::Workers(WorkersCall::PublishOffer {
            version: MODEL,
            terms: terms(60),
            capacity: 4,
        });
        let remove = Call::Workers(WorkersCall::RemoveOffer { version: OTHER });
        assert_eq!(offer_changes(&info, &served(Some((60, 4)))), [remove, publish]);
    }

    #[test]
    fn an_offer_that_waits_is_published_again_unless_a_slash_is_pending() {
        let waiting = OfferInfo {
            waits: true,
            ..published(MODEL, 50, 4)
        };
        let mut info = WorkerInfo {
            offers: vec![waiting],
            slashing: 1,
            ..fresh(100)
        };
        assert_eq!(offer_changes(&info, &served(Some((50, 4)))), []);
        info.slashing = 0;
        assert_eq!(offer_changes(&info, &served(Some((50, 4)))).len(), 1);
    }

    #[test]
    fn a_price_whose_lock_is_more_than_the_stake_is_refused_before_anything_is_bonded() {
        let constants = Constants {
            deadline: (1, 1),
            window: (1, 1),
            auction_phase: (1, 1),
            bid_deposit: 0,
            min_stake: 100,
            stake_floor: 5,
            stake_per_price: FixedU128::from_u32(10),
            existential_deposit: 0,
        };
        // The smallest job costs 50 and twice the rate.
        let models = served(Some((50, 4)));
        assert!(ensure_stake_carries(&constants, models.values(), 640).is_ok());
        let error = ensure_stake_carries(&constants, models.values(), 639).map_err(|error| error.to_string());
        assert!(error.is_err_and(|error| error.contains("model digits") && error.contains("raise --stake")));
    }
}
