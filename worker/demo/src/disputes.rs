//! The disputes of the demo, told from the chain's events: how each was narrowed down, and who got what.

use super::table::Names;
use assay_client::{
    chain::{AccountId, BlockNumber, DisputesEvent, Event, WorkersEvent},
    units,
};
use assay_package::Package;
use assay_types::{
    JobId, SlashId,
    dispute::{Fault, Place},
};
use std::collections::{BTreeMap, BTreeSet};

/// Events of disputes so far.
pub(super) struct Disputes {
    names: Names,
    /// The operators' names, in the graph's order.
    operators: Vec<String>,
    /// For each disputed job, what is told of it.
    stories: BTreeMap<JobId, Vec<String>>,
    /// Jobs whose author was convicted.
    convicted: BTreeSet<JobId>,
    /// Slashes that are not applied yet, with their jobs.
    pending: BTreeMap<SlashId, JobId>,
}

impl Disputes {
    pub(super) fn new(names: Names, package: &Package) -> Self {
        let operators = package.graph().graph().nodes.iter().map(|node| node.name.clone());
        Self {
            names,
            operators: operators.collect(),
            stories: BTreeMap::new(),
            convicted: BTreeSet::new(),
            pending: BTreeMap::new(),
        }
    }

    /// Whether this job's claim was proved wrong.
    pub(super) fn is_convicted(&self, job: JobId) -> bool {
        self.convicted.contains(&job)
    }

    /// Number of claims that were proved wrong.
    pub(super) fn convictions(&self) -> usize {
        self.convicted.len()
    }

    /// Whether nobody waits for money from a conviction.
    pub(super) fn is_settled(&self) -> bool {
        self.pending.is_empty()
    }

    /// Goes on with an event of a finalized block.
    pub(super) fn take(&mut self, event: &Event, block: BlockNumber) {
        match event {
            Event::Disputes(event) => {
                if let Some(line) = self.line(event) {
                    self.tell(event.job(), block, line);
                }
            }
            Event::Workers(WorkersEvent::SlashApplied {
                slash, burned, awards, ..
            }) => {
                if let Some(job) = self.pending.remove(slash) {
                    let paid = awards
                        .iter()
                        .map(|(account, amount)| format!("{} to {}", units::short(*amount), self.name(account)));
                    let paid = paid.collect::<Vec<_>>().join(", ");
                    self.tell(
                        job,
                        block,
                        format!("the slash is applied: {paid}, {} burned", units::short(*burned)),
                    );
                }
            }
            _ => {}
        }
    }

    /// Prints everything.
    pub(super) fn print(&self) {
        for (job, lines) in &self.stories {
            println!("  job {job}");
            lines.iter().for_each(|line| println!("    {line}"));
        }
    }

    fn tell(&mut self, job: JobId, block: BlockNumber, line: String) {
        self.stories
            .entry(job)
            .or_default()
            .push(format!("block {block:>4}  {line}"));
    }

    /// Line about an event; nothing about those that say nothing to somebody who watches.
    pub(super) fn line(&mut self, event: &DisputesEvent) -> Option<String> {
        Some(match event {
            DisputesEvent::Challenged { challenger, bond, .. } => {
                format!(
                    "{} challenges the claim with a bond of {} ASY",
                    self.name(challenger),
                    units::short(*bond)
                )
            }
            DisputesEvent::PlaceRevealed {
                place: Place::Trace, ..
            } => {
                format!(
                    "the worker reveals a digest for each of {} operators",
                    self.operators.len()
                )
            }
            DisputesEvent::PlaceRevealed { .. } => return None,
            DisputesEvent::Pointed { challenger, place, .. } => {
                let challenger = self.name(challenger);
                match place {
                    Place::Tensor { operator } => format!("{challenger} points at {}", self.operator(*operator)),
                    Place::Chunk { operator, chunk } => {
                        format!("{challenger} points at chunk {chunk} of {}", self.operator(*operator))
                    }
                    Place::Trace | Place::TraceSpan { .. } | Place::TensorSpan { .. } => return None,
                }
            }
            DisputesEvent::WorkerLate { worker, .. } => {
                format!("{} is late; the client is refunded", self.name(worker))
            }
            DisputesEvent::AnsweredLate {
                worker, paid, burned, ..
            } => format!(
                "{} answers late, for {} ASY",
                self.name(worker),
                units::short(paid.saturating_add(*burned))
            ),
            DisputesEvent::AwardClaimed { challenger, amount, .. } => format!(
                "{} had found the fault: {} ASY of the slash are its award",
                self.name(challenger),
                units::short(*amount)
            ),
            DisputesEvent::WorkerConvicted {
                job,
                worker,
                fault,
                slash,
                slashed,
                ..
            } => {
                self.convicted.insert(*job);
                self.pending.insert(*slash, *job);
                let fault = self.fault(fault);
                format!("{fault}: {} loses {} ASY", self.name(worker), units::short(*slashed))
            }
            DisputesEvent::BondReturned { challenger, amount, .. } => {
                format!(
                    "{} gets the bond of {} ASY back",
                    self.name(challenger),
                    units::short(*amount)
                )
            }
            DisputesEvent::ChallengeFailed { challenger, .. } => {
                format!("the challenge of {} has failed", self.name(challenger))
            }
        })
    }

    fn fault(&self, fault: &Fault) -> String {
        match fault {
            Fault::Silence { place } => format!("{place:?} was not revealed in time"),
            Fault::Element {
                operator,
                element,
                claimed,
                computed,
            } => format!(
                "element {element} of {}: claimed {}, computed {}",
                self.operator(*operator),
                number(claimed),
                number(computed)
            ),
        }
    }

    fn operator(&self, operator: u32) -> String {
        let name = self.operators.get(operator as usize).map_or("?", String::as_str);
        format!("operator {} of {} ({name})", operator + 1, self.operators.len())
    }

    fn name(&self, account: &AccountId) -> &'static str {
        self.names.get(account).copied().unwrap_or("somebody")
    }
}

/// The digits model computes in binary32 alone.
fn number(bytes: &[u8]) -> String {
    match bytes.try_into() {
        Ok(bytes) => f32::from_le_bytes(bytes).to_string(),
        Err(_) => format!("0x{}", hex::encode(bytes)),
    }
}
