//! Events of this worker, for the log.

use assay_client::{
    chain::{AccountId, AuditsEvent, Event, MarketEvent, events::WorkersEvent},
    units,
};

/// Logs an event, if it is about this worker.
pub(super) fn report(me: &AccountId, event: &Event) {
    match event {
        Event::Market(event) => report_job(me, event),
        Event::Workers(event) => report_stake(me, event),
        Event::Audits(event) => report_audit(me, event),
        _ => {}
    }
}

fn report_job(me: &AccountId, event: &MarketEvent) {
    match event {
        MarketEvent::JobAssigned {
            job,
            worker,
            price,
            deadline,
        } if worker == me => {
            tracing::info!(job, price = units::format(*price), deadline, "assigned");
        }
        MarketEvent::JobClosed {
            job,
            worker: Some(worker),
            paid,
            reason,
            ..
        } if worker == me => {
            tracing::info!(job, paid = units::format(*paid), ?reason, "paid");
        }
        MarketEvent::DeadlineMissed { job, worker, .. } if worker == me => {
            tracing::warn!(
                job,
                "the deadline was missed, or the claim was not made in time, and stake slashed"
            );
        }
        MarketEvent::WorkerRemoved { job, worker } if worker == me => {
            tracing::warn!(job, "the job went to another, since the stake is too small; bond more");
        }
        MarketEvent::ClaimDisputed { job, worker } if worker == me => {
            tracing::warn!(job, "the claim is disputed");
        }
        MarketEvent::ClaimUpheld {
            job,
            worker,
            window_until,
        } if worker == me => {
            tracing::info!(job, window_until, "the claim was upheld");
        }
        MarketEvent::OutputDemanded {
            job,
            worker,
            deposit,
            until,
        } if worker == me => {
            let deposit = units::format(*deposit);
            tracing::warn!(job, deposit, until, "the client demands the output on the chain");
        }
        MarketEvent::OutputDelivered { job, worker, paid } if worker == me => {
            tracing::info!(job, paid = units::format(*paid), "a demanded output was delivered");
        }
        MarketEvent::OutputWithheld { job, worker, .. } if worker == me => {
            tracing::error!(
                job,
                "a demanded output was not delivered in time; nothing is paid, and stake was slashed"
            );
        }
        MarketEvent::BidForfeited { job, worker, amount } if worker == me => {
            tracing::warn!(
                job,
                amount = units::format(*amount),
                "a bid was not revealed; its deposit is lost"
            );
        }
        _ => {}
    }
}

fn report_audit(me: &AccountId, event: &AuditsEvent) {
    match event {
        AuditsEvent::AuditorDrawn {
            claim,
            auditor,
            until,
            locked,
            fee,
        } if auditor == me => {
            tracing::info!(
                claim,
                until,
                locked = units::format(*locked),
                fee = units::format(*fee),
                "drawn to audit a claim"
            );
        }
        AuditsEvent::Passed { claim, worker } if worker == me => {
            tracing::info!(claim, "the claim was audited, and its auditors agree");
        }
        AuditsEvent::AuditorPaid { claim, auditor, fee } if auditor == me => {
            tracing::info!(claim, paid = units::format(*fee), "the audit is paid");
        }
        AuditsEvent::Missed { claim, auditor, lost } if auditor == me => {
            tracing::warn!(
                claim,
                lost = units::format(*lost),
                "an audit was missed: its answer was not sealed or not opened in time"
            );
        }
        AuditsEvent::AuditorConvicted {
            claim,
            auditor,
            slash,
            slashed,
        } if auditor == me => {
            tracing::error!(
                claim,
                slash,
                amount = units::format(*slashed),
                "an answer to an audit was proved wrong; stake is to be slashed"
            );
        }
        _ => {}
    }
}

fn report_stake(me: &AccountId, event: &WorkersEvent) {
    match event {
        WorkersEvent::Slashed {
            worker, paid, burned, ..
        } if worker == me && *paid + *burned > 0 => {
            tracing::warn!(amount = units::format(*paid + *burned), "stake was slashed");
        }
        WorkersEvent::SlashPending {
            slash,
            worker,
            amount,
            matures_at,
        } if worker == me => {
            tracing::error!(
                slash,
                amount = units::format(*amount),
                matures_at,
                "a claim was proved wrong; stake is to be slashed"
            );
        }
        WorkersEvent::SlashApplied { slash, worker, .. } if worker == me => {
            tracing::warn!(slash, "a pending slash was applied");
        }
        WorkersEvent::SlashCancelled { slash, worker, amount } if worker == me => {
            tracing::info!(slash, amount = units::format(*amount), "a pending slash was cancelled");
        }
        WorkersEvent::OfferDisplaced { worker, version } if worker == me => {
            tracing::warn!(model = %version, "the offer was displaced by a cheaper one; lower its price");
        }
        _ => {}
    }
}
