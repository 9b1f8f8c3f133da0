//! Events of a dispute, as a tale.

use crate::{Network, jobs::Ticket};
use anyhow::Context;
use assay_client::chain::{AccountId, AuditsEvent, Balance, BlockNumber, Dispute, DisputesEvent, Event, WorkersEvent};
use assay_types::dispute::{Fault, Place};

/// Conviction of a worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conviction {
    /// The convicted worker.
    pub worker: AccountId,
    /// By whom.
    pub challenger: AccountId,
    /// Of what.
    pub fault: Fault,
    /// Amount that it loses.
    pub slashed: Balance,
    /// Part of it that the challenger gets.
    pub to_challenger: Balance,
    /// Part of it that the client gets.
    pub to_client: Balance,
}

/// The events of a dispute, and of the slashes that follow.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Record {
    /// Of the disputes pallet.
    pub moves: Vec<DisputesEvent>,
    /// Of the workers pallet.
    pub slashes: Vec<WorkersEvent>,
}

impl Record {
    /// The conviction, if there is one.
    pub fn conviction(&self) -> anyhow::Result<Conviction> {
        let convictions = self.moves.iter().filter_map(|event| match event.clone() {
            DisputesEvent::WorkerConvicted {
                worker,
                challenger,
                fault,
                slashed,
                to_challenger,
                to_client,
                ..
            } => Some(Conviction {
                worker,
                challenger,
                fault,
                slashed,
                to_challenger,
                to_client,
            }),
            _ => None,
        });
        let mut convictions: Vec<_> = convictions.collect();
        anyhow::ensure!(convictions.len() == 1, "one conviction, not {convictions:?}");
        convictions.pop().context("one conviction")
    }

    /// The places that were revealed, in order.
    pub fn revealed(&self) -> Vec<Place> {
        let places = self.moves.iter().filter_map(|event| match event {
            DisputesEvent::PlaceRevealed { place, .. } => Some(*place),
            _ => None,
        });
        places.collect()
    }
}

impl Network {
    /// Reads what happened in the disputes over a job, from its submission until this is so; for this many blocks at
    /// most.
    pub async fn dispute_record(
        &self,
        what: &str,
        ticket: Ticket,
        blocks: BlockNumber,
        enough: impl Fn(&Record) -> bool,
    ) -> anyhow::Result<Record> {
        let mut record = Record::default();
        self.read(what, ticket.since, blocks, async |snapshot| {
            for event in snapshot.events().await? {
                match event {
                    Event::Disputes(event) if event.job() == ticket.job => record.moves.push(event),
                    Event::Workers(event) => record.slashes.push(event),
                    _ => {}
                }
            }
            Ok(enough(&record).then_some(()))
        })
        .await?;
        Ok(record)
    }

    /// Reads what happened in the audit of a job's claim, from the job's submission until this is so; for this many
    /// blocks at most.
    pub async fn audit_record(
        &self,
        what: &str,
        ticket: Ticket,
        blocks: BlockNumber,
        enough: impl Fn(&[AuditsEvent]) -> bool,
    ) -> anyhow::Result<Vec<AuditsEvent>> {
        let mut events = Vec::new();
        self.read(what, ticket.since, blocks, async |snapshot| {
            for event in snapshot.events().await? {
                if let Event::Audits(event) = event
                    && event.claim() == ticket.job
                {
                    events.push(event);
                }
            }
            Ok(enough(&events).then_some(()))
        })
        .await?;
        Ok(events)
    }

    /// Waits until a job's worker is convicted, for this many blocks from its submission at most.
    pub async fn conviction(&self, ticket: Ticket, blocks: BlockNumber) -> anyhow::Result<Conviction> {
        let convicted = |record: &Record| record.conviction().is_ok();
        let record = self.dispute_record("a conviction", ticket, blocks, convicted).await?;
        record.conviction()
    }

    /// Waits until the dispute over a job is as this says.
    pub async fn disputed<T>(
        &self,
        what: &str,
        ticket: Ticket,
        blocks: BlockNumber,
        look: impl Fn(&Dispute) -> Option<T>,
    ) -> anyhow::Result<T> {
        self.until(what, blocks, async |snapshot| {
            let dispute = snapshot.dispute(ticket.job).await?;
            Ok(dispute.as_ref().and_then(&look))
        })
        .await
    }
}
