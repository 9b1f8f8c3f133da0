//! Measurements of a worker for its metrics: its account, its place and what happened to it.

use super::job_loop::JobLoop;
use assay_client::{
    chain::{
        AccountId, AuditsEvent, Balance, ChainError, Event, MarketEvent, SessionsEvent, StateView, events::WorkersEvent,
    },
    units,
};
use assay_telemetry::metrics::{place::Place, worker, worker::WorkerMetrics};

/// An amount in ASY for graphs.
pub(crate) fn asy(amount: Balance) -> f64 {
    // As exact as a graph needs.
    amount as f64 / units::UNIT as f64
}

/// Brings what every daemon measures up to date: money, peers and disputes.
pub(crate) async fn measure_place(
    place: &Place,
    state: &impl StateView,
    me: &AccountId,
    network: Option<&crate::network::Network>,
    disputes: usize,
) -> Result<(), ChainError> {
    place.balance.set(asy(state.account(me).await?.free));
    // No account plays that many.
    place.disputes.set(i64::try_from(disputes).unwrap_or(i64::MAX));
    if let Some(network) = network {
        let peers = network.status().await.map_or(0, |status| status.peers.len());
        place.peers.set(i64::try_from(peers).unwrap_or(i64::MAX));
    }
    Ok(())
}

/// Counts a final event, if it is about this worker.
pub(super) fn count(metrics: &WorkerMetrics, me: &AccountId, event: &Event) {
    match event {
        Event::Market(MarketEvent::JobClosed {
            worker: Some(worker),
            paid,
            ..
        }) if worker == me && *paid > 0 => {
            metrics.settled.inc();
            metrics.paid.inc_by(asy(*paid));
        }
        Event::Sessions(SessionsEvent::Redeemed { worker, paid, .. }) if worker == me => {
            metrics.paid.inc_by(asy(*paid));
        }
        Event::Market(MarketEvent::DeadlineMissed { worker, .. } | MarketEvent::OutputWithheld { worker, .. })
            if worker == me =>
        {
            metrics.misses.inc();
        }
        Event::Market(MarketEvent::JobDeclined { worker, .. }) if worker == me => {
            metrics.declines.inc();
        }
        Event::Market(MarketEvent::ClaimDisputed { worker, .. }) if worker == me => {
            metrics.challenges.inc();
        }
        Event::Audits(AuditsEvent::AuditorPaid { auditor, fee, .. }) if auditor == me => {
            metrics.audit_pay.inc_by(asy(*fee));
        }
        // The stake that it costs is told by the event of the workers pallet.
        Event::Audits(AuditsEvent::Missed { auditor, .. }) if auditor == me => {
            metrics.audit_misses.inc();
        }
        Event::Workers(WorkersEvent::Slashed {
            worker, paid, burned, ..
        }) if worker == me => {
            metrics.slashed.inc_by(asy(paid.saturating_add(*burned)));
        }
        Event::Workers(WorkersEvent::SlashPending { worker, amount, .. }) if worker == me => {
            metrics.slashed.inc_by(asy(*amount));
        }
        _ => {}
    }
}

impl<S: StateView> JobLoop<'_, S> {
    /// Brings account, stake, peers and disputes up to date.
    pub(super) async fn measure(&mut self, state: &S) -> Result<(), ChainError> {
        let (metrics, me) = (worker(), &self.policy.me);
        let disputes = {
            let standing = self.standing.borrow();
            standing.defending.len().saturating_add(standing.playing.len())
        };
        measure_place(&metrics.place, state, me, self.kept.network.as_ref(), disputes).await?;
        if let Some(info) = state.worker(me).await? {
            metrics.stake_locked.set(asy(info.locked));
            metrics.stake_free.set(asy(info.stake.saturating_sub(info.locked)));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_types::CloseReason;

    #[test]
    fn only_what_happens_to_this_worker_is_counted() {
        let (me, other) = (AccountId::new([1; 32]), AccountId::new([2; 32]));
        let closed = |worker: Option<&AccountId>, paid| {
            Event::Market(MarketEvent::JobClosed {
                job: 1,
                client: other.clone(),
                reason: CloseReason::WindowPassed,
                worker: worker.cloned(),
                paid,
            })
        };
        let metrics = WorkerMetrics::default();
        let redeemed = Event::Sessions(SessionsEvent::Redeemed {
            session: 1,
            worker: me.clone(),
            paid: units::UNIT / 2,
            redeemed: units::UNIT,
        });
        for event in [
            closed(Some(&me), units::UNIT),
            closed(Some(&me), 0),
            closed(Some(&other), units::UNIT),
            closed(None, units::UNIT),
            redeemed,
        ] {
            count(&metrics, &me, &event);
        }
        for auditor in [&me, &other] {
            let (claim, auditor) = (7, auditor.clone());
            let paid = AuditsEvent::AuditorPaid {
                claim,
                auditor: auditor.clone(),
                fee: units::UNIT,
            };
            let missed = AuditsEvent::Missed {
                claim,
                auditor,
                lost: 1,
            };
            count(&metrics, &me, &Event::Audits(paid));
            count(&metrics, &me, &Event::Audits(missed));
        }
        assert_eq!(metrics.audit_misses.get(), 1);
        assert!((metrics.audit_pay.get() - 1.0).abs() < 1e-9);
        assert_eq!(metrics.settled.get(), 1);
        assert!((metrics.paid.get() - 1.5).abs() < 1e-9);
    }
}
