//! Says why nothing comes in.

use super::setup::Served;
use assay_client::{
    chain::{AccountId, Balance, BlockNumber, ChainError, Constants, Quote, StateView, WorkerInfo},
    units,
};
use assay_types::{ModelVersion, NoOffer, WorkerStatus};
use std::collections::BTreeMap;

/// Logs what keeps jobs away, as the node sees it.
pub(super) async fn explain(
    state: &impl StateView,
    me: &AccountId,
    served: &BTreeMap<ModelVersion, Served>,
) -> Result<(), ChainError> {
    let Some(info) = state.worker(me).await? else {
        tracing::warn!("idle: the worker is no longer registered; restart with --stake to register it again");
        return Ok(());
    };
    if info.status != WorkerStatus::Active {
        tracing::warn!(status = ?info.status, "idle: the worker takes no jobs in this state; a restart resumes it, unless a slash is pending");
    }
    for idle in reasons(state, me, &info, served).await? {
        tracing::info!(
            model = %idle.version, name = idle.name, price = units::format(idle.price),
            free_stake = units::format(free(&info)), reason = idle.reason, "idle"
        );
    }
    Ok(())
}

/// A model that is offered, and what keeps jobs from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Idle {
    pub(crate) name: String,
    pub(crate) version: ModelVersion,
    /// Of the smallest job.
    pub(crate) price: Balance,
    /// Reason that keeps jobs away.
    pub(crate) reason: String,
    /// Whether nothing does: the next job is this worker's.
    pub(crate) is_next: bool,
}

/// Reasons that keep jobs from each of these models that is offered, as the node sees it.
pub(crate) async fn reasons(
    state: &impl StateView,
    me: &AccountId,
    info: &WorkerInfo,
    served: &BTreeMap<ModelVersion, Served>,
) -> Result<Vec<Idle>, ChainError> {
    let constants = state.constants()?;
    let mut found = Vec::new();
    for (version, served) in served {
        let Some((terms, capacity)) = served.offer() else {
            continue;
        };
        let price = terms.price(served.smallest_work);
        let offer = Offer {
            version: *version,
            price,
            capacity,
            now: state.now(),
        };
        // Of the smallest job on the terms of this offer.
        let smallest: Vec<u32> = served.parts.schema.symbols.iter().map(|symbol| symbol.min).collect();
        let quote = state
            .quote(*version, &smallest, terms.min_deadline, terms.min_window)
            .await?;
        found.push(Idle {
            name: served.name.clone(),
            version: *version,
            price,
            reason: reason(me, info, &constants, &offer, &quote),
            is_next: quote.is_ok_and(|quote| quote.worker == *me),
        });
    }
    Ok(found)
}

/// A standing offer of the configuration.
struct Offer {
    version: ModelVersion,
    /// Of the smallest job.
    price: Balance,
    capacity: u32,
    now: BlockNumber,
}

fn free(info: &WorkerInfo) -> Balance {
    info.stake.saturating_sub(info.locked)
}

/// Reasons that keep jobs from an offer: first what is wrong with the worker as a whole, then with the offer, then what
/// others do.
fn reason(
    me: &AccountId,
    info: &WorkerInfo,
    constants: &Constants,
    offer: &Offer,
    quote: &Result<Quote, NoOffer>,
) -> String {
    let lock = constants.lock(offer.price);
    let published = info.offers.iter().find(|published| published.version == offer.version);
    match (info.status, published, quote) {
        (WorkerStatus::Active | WorkerStatus::Paused | WorkerStatus::Draining, ..) if info.slashing > 0 => format!(
            "the worker was convicted and gets no jobs until {} ASY of its stake are slashed, or that is cancelled; a \
             restart of `serve` resumes it then",
            units::format(info.slashing)
        ),
        (WorkerStatus::Paused, ..) => "the worker is paused on chain; a restart of `serve` resumes it".to_owned(),
        (WorkerStatus::Draining, ..) => "the worker is draining; a restart of `serve` resumes it".to_owned(),
        (WorkerStatus::Left, ..) => "the worker has left; `stake withdraw` lets it register again".to_owned(),
        (_, None, _) => "the offer is not in the book: a cheaper one displaced it; lower the price".to_owned(),
        (_, Some(published), _) if published.waits => {
            "another took the offer's place in the book while the worker was paused, rested or short of stake; a \
             restart publishes it again"
                .to_owned()
        }
        (_, Some(published), _) if published.load >= offer.capacity => {
            "as many jobs are unclaimed as the offer allows".to_owned()
        }
        (_, Some(published), _) if published.from > offer.now => {
            format!(
                "the offer is new or has become dearer, and takes jobs from moment {} on",
                published.from
            )
        }
        _ if info.rests_until.is_some_and(|until| until > offer.now) => format!(
            "the worker rests until moment {} after a job that it gave back or missed",
            info.rests_until.unwrap_or_default()
        ),
        _ if info.stake < constants.min_stake => format!(
            "the stake is {} ASY, and a worker needs {}; bond more",
            units::format(info.stake),
            units::format(constants.min_stake)
        ),
        _ if free(info) < lock => format!(
            "{} ASY of the stake are free, and a job locks {}; bond more, or wait until jobs are closed",
            units::format(free(info)),
            units::format(lock)
        ),
        (.., Ok(quote)) if quote.worker == *me => "no job was submitted; this offer is the next to be taken".to_owned(),
        (.., Ok(quote)) => format!(
            "{} offers it for {} and is asked first",
            quote.worker,
            units::format(quote.price)
        ),
        (.., Err(NoOffer::AllBusy)) => "the node sees no worker that is free; the chain has just changed".to_owned(),
        (.., Err(_)) => "the node sees no offer that the smallest job fits; the chain has just changed".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_client::chain::{OfferInfo, OfferTerms};
    use polkadot_sdk::sp_runtime::FixedU128;

    const VERSION: ModelVersion = ModelVersion { model: 0, version: 1 };
    const OFFER: Offer = Offer {
        version: VERSION,
        price: 10,
        capacity: 2,
        now: 5,
    };
    const OFFERED: OfferInfo = OfferInfo {
        version: VERSION,
        terms: OfferTerms {
            base: 10,
            rate: 0,
            min_deadline: 1,
            min_window: 1,
            max_window: 1,
        },
        capacity: 2,
        load: 0,
        from: 5,
        waits: false,
    };
    const CONSTANTS: Constants = Constants {
        deadline: (1, 1),
        window: (1, 1),
        auction_phase: (1, 1),
        bid_deposit: 0,
        min_stake: 50,
        stake_floor: 5,
        stake_per_price: FixedU128::from_u32(10),
        existential_deposit: 0,
    };

    /// The reason for a worker with an offer in the book, after a change, where the node sees no worker that is free.
    fn busy(change: impl FnOnce(&mut WorkerInfo)) -> String {
        let mut info = WorkerInfo {
            status: WorkerStatus::Active,
            stake: 6_000,
            locked: 0,
            unbonding: Vec::new(),
            slashing: 0,
            rests_until: None,
            offers: vec![OFFERED],
            completed: 0,
            missed: 0,
            declined: 0,
            convicted: 0,
        };
        change(&mut info);
        reason(
            &AccountId::new([1; 32]),
            &info,
            &CONSTANTS,
            &OFFER,
            &Err(NoOffer::AllBusy),
        )
    }

    #[test]
    fn a_paused_worker_is_not_told_to_bond_more() {
        let told = busy(|info| info.status = WorkerStatus::Paused);
        assert!(told.contains("paused") && !told.contains("bond"), "{told}");
        let told = busy(|info| (info.status, info.slashing) = (WorkerStatus::Paused, 10));
        assert!(told.contains("convicted") && !told.contains("paused"), "{told}");
        let told = busy(|_| {});
        assert!(!told.contains("bond"), "{told}");
    }

    #[test]
    fn a_worker_without_free_stake_is_told_what_a_job_locks() {
        let told = busy(|info| info.locked = 5_901);
        assert!(told.contains("a job locks") && told.contains("bond more"), "{told}");
        assert!(!busy(|info| info.locked = 5_900).contains("bond"));
        assert!(busy(|info| info.stake = 49).contains("a worker needs"));
        assert!(busy(|info| info.offers[0].load = 2).contains("as the offer allows"));
        assert!(busy(|info| info.rests_until = Some(6)).contains("rests until moment 6"));
        assert!(busy(|info| info.offers[0].from = 6).contains("from moment 6 on"));
        assert!(busy(|info| info.offers.clear()).contains("not in the book"));
    }
}
