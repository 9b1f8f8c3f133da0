//! The lines of a journal: what is written of a request, in the order in which it happens.
//!
//! Amounts are written in ASY, digests and outputs in hexadecimal, so that people can read and search the file.

use crate::{
    chain::{AccountId, BlockNumber, H256, MarketEvent},
    request::{Prepared, terms::Terms},
    units,
};
use assay_types::{CloseReason, Delivery, JobId, JobInput, Matching, ModelVersion};
use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// A line of a journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Entry {
    /// The jobs that are to be submitted; the first line, written before anything is sent.
    Request(Header),
    /// The jobs of these inputs are about to be sent in one transaction.
    Sending {
        /// Positions of the inputs.
        inputs: Vec<usize>,
        /// The latest finalized block at that time.
        after: BlockNumber,
    },
    /// The transaction certainly had no effect.
    NotSent {
        /// Positions of the inputs.
        inputs: Vec<usize>,
    },
    /// Jobs are on chain under these numbers.
    Submitted {
        /// Positions of inputs, and the numbers of their jobs.
        jobs: Vec<(usize, JobId)>,
        /// The block that has them, or a later one.
        by: BlockNumber,
    },
    /// The numbers of these jobs are those of finalized blocks, and will not change.
    Confirmed {
        /// The jobs.
        jobs: Vec<JobId>,
    },
    /// Something happened to a job, in a finalized block.
    Event {
        /// The block.
        block: BlockNumber,
        /// The event.
        event: JobEvent,
    },
    /// The finalized blocks up to this one have been read.
    Followed {
        /// The block.
        block: BlockNumber,
    },
}

/// Jobs that are to be submitted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// Seconds since 1970 at which it was written.
    pub written: u64,
    /// Hash of the chain's first block.
    pub genesis: String,
    /// The account that pays.
    pub client: String,
    /// The model line.
    pub model: u32,
    /// The model's version.
    pub version: u32,
    /// The model version's root.
    pub root: String,
    /// The terms of every job.
    pub terms: TermsLine,
    /// One for each job.
    pub inputs: Vec<InputLine>,
    /// The latest finalized block before anything was sent.
    pub after: BlockNumber,
    /// Its hash, by which a chain that was started anew is told from the one that the request was made on.
    pub after_hash: String,
}

/// Where on which chain a request begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Hash of the chain's first block.
    pub genesis: H256,
    /// The latest finalized block.
    pub after: BlockNumber,
    /// Its hash.
    pub after_hash: H256,
}

/// One input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputLine {
    /// File and row.
    pub name: String,
    /// List digest of its tensors.
    pub digest: String,
    /// Values of the schema's symbols.
    pub symbols: Vec<u32>,
    /// The right answer, if the file gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<i64>,
    /// Its bytes in the file of inputs beside the journal; none where only the digest is submitted.
    pub bytes: usize,
}

/// Terms as they are written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TermsLine {
    ceiling: String,
    /// Blocks for bids and for reveals; without it the cheapest offer is taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    auction: Option<(BlockNumber, BlockNumber)>,
    deadline_blocks: BlockNumber,
    window_blocks: BlockNumber,
    inline_output: bool,
    by_digest: bool,
}

/// Something that happened to a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the market's events document them")]
pub enum JobEvent {
    Assigned {
        job: JobId,
        worker: String,
        price: String,
        deadline: BlockNumber,
    },
    Claimed {
        job: JobId,
        worker: String,
        digest: String,
        window_until: BlockNumber,
        output: Option<String>,
    },
    Disputed {
        job: JobId,
        worker: String,
    },
    Upheld {
        job: JobId,
        worker: String,
        window_until: BlockNumber,
    },
    Removed {
        job: JobId,
        worker: String,
    },
    Closed {
        job: JobId,
        reason: String,
        worker: Option<String>,
        paid: String,
    },
}

/// Every reason for which a job is closed.
const REASONS: [CloseReason; 9] = [
    CloseReason::Accepted,
    CloseReason::WindowPassed,
    CloseReason::NoBids,
    CloseReason::NoBidRevealed,
    CloseReason::NoWorkerLeft,
    CloseReason::Fraud,
    CloseReason::Late,
    CloseReason::Unjudged,
    CloseReason::NotDelivered,
];

impl Header {
    /// Of these jobs, whose terms are all the same.
    pub fn new(origin: &Origin, client: &AccountId, root: H256, terms: &Terms, jobs: &[Prepared]) -> Self {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let version = jobs
            .first()
            .map_or(ModelVersion { model: 0, version: 0 }, |job| job.request.model);
        Self {
            written: now.map_or(0, |since| since.as_secs()),
            genesis: format!("{:?}", origin.genesis),
            client: client.to_string(),
            model: version.model,
            version: version.version,
            root: format!("{root:?}"),
            terms: TermsLine::from(terms),
            inputs: jobs.iter().map(InputLine::from).collect(),
            after: origin.after,
            after_hash: format!("{:?}", origin.after_hash),
        }
    }

    /// The model version.
    pub fn model(&self) -> ModelVersion {
        ModelVersion {
            model: self.model,
            version: self.version,
        }
    }

    /// The account that pays.
    pub fn client(&self) -> Option<AccountId> {
        AccountId::from_str(&self.client).ok()
    }
}

impl From<&Prepared> for InputLine {
    fn from(job: &Prepared) -> Self {
        let inline = matches!(job.request.input, JobInput::Inline(_));
        Self {
            name: job.name.clone(),
            digest: format!("{:?}", job.digest),
            symbols: job.symbols().to_vec(),
            label: job.label,
            bytes: if inline { job.bytes.len() } else { 0 },
        }
    }
}

impl From<&Terms> for TermsLine {
    fn from(terms: &Terms) -> Self {
        Self {
            ceiling: units::format(terms.ceiling),
            auction: match terms.matching {
                Matching::Offers => None,
                Matching::Auction {
                    bidding_blocks,
                    reveal_blocks,
                } => Some((bidding_blocks, reveal_blocks)),
            },
            deadline_blocks: terms.deadline_blocks,
            window_blocks: terms.window_blocks,
            inline_output: terms.delivery == Delivery::Inline,
            by_digest: terms.by_digest,
        }
    }
}

impl TermsLine {
    /// The terms; `None` if the ceiling is no amount.
    pub fn terms(&self) -> Option<Terms> {
        Some(Terms {
            ceiling: units::parse(&self.ceiling).ok()?,
            matching: self
                .auction
                .map_or(Matching::Offers, |(bidding_blocks, reveal_blocks)| Matching::Auction {
                    bidding_blocks,
                    reveal_blocks,
                }),
            deadline_blocks: self.deadline_blocks,
            window_blocks: self.window_blocks,
            delivery: if self.inline_output {
                Delivery::Inline
            } else {
                Delivery::Digest
            },
            by_digest: self.by_digest,
        })
    }
}

impl JobEvent {
    /// An event as it is written; `None` for one that changes neither a result nor who gives it.
    pub fn from_chain(event: &MarketEvent) -> Option<Self> {
        Some(match event {
            MarketEvent::JobAssigned {
                job,
                worker,
                price,
                deadline,
            } => Self::Assigned {
                job: *job,
                worker: worker.to_string(),
                price: units::format(*price),
                deadline: *deadline,
            },
            MarketEvent::JobClaimed {
                job,
                worker,
                output_digest,
                window_until,
                output,
            } => Self::Claimed {
                job: *job,
                worker: worker.to_string(),
                digest: format!("{output_digest:?}"),
                window_until: *window_until,
                output: output.as_ref().map(hex::encode),
            },
            MarketEvent::ClaimDisputed { job, worker } => Self::Disputed {
                job: *job,
                worker: worker.to_string(),
            },
            MarketEvent::ClaimUpheld {
                job,
                worker,
                window_until,
            } => Self::Upheld {
                job: *job,
                worker: worker.to_string(),
                window_until: *window_until,
            },
            MarketEvent::JobDeclined { job, worker, .. }
            | MarketEvent::DeadlineMissed { job, worker, .. }
            | MarketEvent::WorkerRemoved { job, worker } => Self::Removed {
                job: *job,
                worker: worker.to_string(),
            },
            MarketEvent::JobClosed {
                job,
                reason,
                worker,
                paid,
                ..
            } => Self::Closed {
                job: *job,
                reason: format!("{reason:?}"),
                worker: worker.as_ref().map(ToString::to_string),
                paid: units::format(*paid),
            },
            _ => return None,
        })
    }

    /// The event, for the client's jobs; `None` if the line was changed by hand.
    pub fn to_chain(&self, client: &AccountId) -> Option<MarketEvent> {
        let account = |text: &String| AccountId::from_str(text).ok();
        Some(match self {
            Self::Assigned {
                job,
                worker,
                price,
                deadline,
            } => MarketEvent::JobAssigned {
                job: *job,
                worker: account(worker)?,
                price: units::parse(price).ok()?,
                deadline: *deadline,
            },
            Self::Claimed {
                job,
                worker,
                digest,
                window_until,
                output,
            } => MarketEvent::JobClaimed {
                job: *job,
                worker: account(worker)?,
                output_digest: parse_digest(digest)?,
                window_until: *window_until,
                output: match output {
                    Some(bytes) => Some(hex::decode(bytes).ok()?),
                    None => None,
                },
            },
            Self::Disputed { job, worker } => MarketEvent::ClaimDisputed {
                job: *job,
                worker: account(worker)?,
            },
            Self::Upheld {
                job,
                worker,
                window_until,
            } => MarketEvent::ClaimUpheld {
                job: *job,
                worker: account(worker)?,
                window_until: *window_until,
            },
            Self::Removed { job, worker } => MarketEvent::WorkerRemoved {
                job: *job,
                worker: account(worker)?,
            },
            Self::Closed {
                job,
                reason,
                worker,
                paid,
            } => MarketEvent::JobClosed {
                job: *job,
                client: client.clone(),
                reason: REASONS.into_iter().find(|known| format!("{known:?}") == *reason)?,
                worker: worker.as_ref().and_then(account),
                paid: units::parse(paid).ok()?,
            },
        })
    }
}

/// Reads a digest in hexadecimal, with or without 0x.
pub fn parse_digest(text: &str) -> Option<H256> {
    let bytes = hex::decode(text.strip_prefix("0x").unwrap_or(text)).ok()?;
    Some(H256(bytes.try_into().ok()?))
}
