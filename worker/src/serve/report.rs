//! What happened to this worker, for the log.

use crate::{
    chain::{AccountId, Event, MarketEvent, events::WorkersEvent},
    units,
};

/// Logs an event, if it is about this worker.
pub(super) fn report(me: &AccountId, event: &Event) {
    match event {
        Event::Market(MarketEvent::JobAssigned {
            job,
            worker,
            price,
            deadline,
        }) if worker == me => {
            tracing::info!(job, price = units::format(*price), deadline, "assigned");
        }
        Event::Market(MarketEvent::JobClosed {
            job,
            worker: Some(worker),
            paid,
            reason,
            ..
        }) if worker == me => {
            tracing::info!(job, paid = units::format(*paid), ?reason, "paid");
        }
        Event::Market(MarketEvent::DeadlineMissed { job, worker, .. }) if worker == me => {
            tracing::warn!(job, "the deadline was missed and stake slashed");
        }
        Event::Market(MarketEvent::BidForfeited { job, worker, amount }) if worker == me => {
            tracing::warn!(
                job,
                amount = units::format(*amount),
                "a bid was not revealed; its deposit is lost"
            );
        }
        Event::Workers(WorkersEvent::Slashed {
            worker, paid, burned, ..
        }) if worker == me && *paid + *burned > 0 => {
            tracing::warn!(amount = units::format(*paid + *burned), "stake was slashed");
        }
        Event::Workers(WorkersEvent::OfferDisplaced { worker, version }) if worker == me => {
            tracing::warn!(model = %version, "the offer was displaced by a cheaper one; lower its price");
        }
        _ => {}
    }
}
