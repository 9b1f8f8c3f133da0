//! Jobs on the digits: what is asked, what must come back, and the tale of a job in events.

use crate::Network;
use anyhow::{Context, anyhow, bail};
use assay_client::{
    chain::{
        Account, AccountId, Balance, BlockNumber, Call, Event, JobRequest, MarketCall, MarketEvent, OfferTerms,
        SubmitError, Wait,
    },
    request::{Model, Prepared, find_model, terms::Terms},
    schema,
    units::UNIT,
};
use assay_client::{registration::register, request::prepare_all};
use assay_engine::{Engine, LoadedModel, ReferenceEngine};
use assay_ops::tensor::{DataType, Tensor, tensors_digest};
use assay_package::Package;
use assay_text::inputs;
use assay_types::{CloseReason, Delivery, H256, JobId, Matching, Phase, Slashed};
use polkadot_sdk::{frame_support::traits::Get, sp_io};
use std::path::{Path, PathBuf};

/// The digits' package, in the folder of their model.
pub const PACKAGE: &str = "package";
/// The most that a client pays for a job.
pub const CEILING: Balance = 6 * UNIT / 10;
/// Blocks in which a job must be closed where nothing holds it up: it is assigned, claimed, and its window passes.
pub const CLOSE_BLOCKS: BlockNumber = 120;

/// The folder in which workers and clients look for packages.
pub fn models_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/digits")
}

/// The folder of the handwritten digits.
pub fn inputs_dir() -> PathBuf {
    models_dir().join("inputs")
}

/// Blocks that a worker has for a job on which nothing holds it up.
const DEADLINE_BLOCKS: BlockNumber = 60;
/// Blocks in which a worker that runs has certainly made its bid.
const BIDDING_BLOCKS: BlockNumber = 14;
/// Blocks in which a worker that runs has certainly revealed it; the last reveal ends them.
const REVEAL_BLOCKS: BlockNumber = 40;

/// A job by standing offers, with its input and its output on chain, and the shortest window that the chain takes. A
/// test changes what it is about.
pub fn terms() -> Terms {
    let bounds = bounds();
    Terms {
        ceiling: CEILING,
        matching: Matching::Offers,
        deadline_blocks: DEADLINE_BLOCKS.max(bounds.deadline.0),
        window_blocks: bounds.window.0,
        delivery: Delivery::Inline,
        by_digest: false,
    }
}

/// The same by auction.
pub fn auction() -> Matching<BlockNumber> {
    let least = bounds().auction_phase.0;
    Matching::Auction {
        bidding_blocks: BIDDING_BLOCKS.max(least),
        reveal_blocks: REVEAL_BLOCKS.max(least),
    }
}

/// Terms of an offer at this price that every job fits which the chain takes.
pub fn offered_at(base: Balance) -> OfferTerms {
    let bounds = bounds();
    OfferTerms {
        base,
        rate: 0,
        min_deadline: bounds.deadline.0,
        min_window: bounds.window.0,
        max_window: bounds.window.1,
    }
}

/// A value that the runtime computes from its parameters, as they are in the first block.
fn at_genesis<T>(compute: impl FnOnce() -> T) -> T {
    sp_io::TestExternalities::default().execute_with(compute)
}

/// Terms that the chain takes.
pub fn bounds() -> pallet_market::terms::Terms<BlockNumber> {
    at_genesis(assay_runtime::Market::terms)
}

/// Cost of a missed deadline to the first worker of a job, which has this stake behind it.
pub fn cost_of_a_missed_deadline(locked: Balance) -> Slashed<Balance> {
    type Configured = assay_runtime::Runtime;
    let (rate, compensation) = at_genesis(|| {
        (
            <Configured as pallet_market::Config>::NonDeliverySlash::get(),
            <<Configured as pallet_market::Config>::MissCompensation as Get<Balance>>::get(),
        )
    });
    pallet_market::terms::non_delivery(locked, rate, compensation)
}

/// The model on chain, and handwritten digits for it.
pub struct Digits {
    /// As the chain has it.
    pub model: Model,
    package: Package,
    inputs: Vec<inputs::JobInput>,
    reference: LoadedModel,
}

/// Result that a job must have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// List digest of the output tensors.
    pub digest: H256,
    /// Their bytes.
    pub bytes: Vec<u8>,
}

impl Digits {
    /// Registers the model in Alice's name.
    pub async fn register(network: &Network) -> anyhow::Result<Self> {
        let package = Package::load(&models_dir().join(PACKAGE))?;
        let inputs = inputs::read(&inputs_dir(), package.graph())?;
        let reference = ReferenceEngine.load(&package)?;
        let version = register(&network.account("Alice")?, &package, None).await?;
        let model = find_model(&network.client().finalized().await?, &version.to_string()).await?;
        Ok(Self {
            model,
            package,
            inputs,
            reference,
        })
    }

    /// A job on one of the digits.
    pub fn job(&self, index: usize, terms: &Terms) -> anyhow::Result<Prepared> {
        let input = self.inputs.get(index).context("there is such a digit")?;
        let mut prepared = prepare_all(std::slice::from_ref(input), &self.package, &self.model, terms)?;
        prepared.pop().context("one input makes one job")
    }

    /// A job on this many pictures of noise at once: as large an input as one likes, which cannot be compressed.
    pub fn large_job(&self, digits: u32, seed: u64, terms: &Terms) -> anyhow::Result<Prepared> {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut pixel = || {
            // Xorshift.
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            ((state >> 40) as f32 / (1 << 20) as f32).to_le_bytes()
        };
        let bytes: Vec<u8> = (0..digits * 8 * 8).flat_map(|_| pixel()).collect();
        let input = inputs::JobInput {
            name: format!("{digits} digits"),
            tensors: vec![Tensor::new(DataType::Float32, vec![digits, 8, 8], bytes)?],
            label: None,
        };
        let mut prepared = prepare_all(&[input], &self.package, &self.model, terms)?;
        prepared.pop().context("one input makes one job")
    }

    /// Output that it must have, by the definition of the arithmetic.
    pub fn answer(&self, index: usize) -> anyhow::Result<Answer> {
        let input = self.inputs.get(index).context("there is such a digit")?;
        let output = self.reference.run(&input.tensors)?;
        Ok(Answer {
            digest: H256(tensors_digest(&output)),
            bytes: schema::payload(&output),
        })
    }
}

/// A job that was submitted.
#[derive(Clone, Copy, Debug)]
pub struct Ticket {
    /// The job.
    pub job: JobId,
    /// A block before the one that has it.
    pub since: BlockNumber,
}

/// Events of a job, up to its end.
#[derive(Clone, Debug, PartialEq)]
pub struct Tale {
    /// Its events.
    pub events: Vec<MarketEvent>,
}

impl Tale {
    /// Workers that had it, in order, and their prices.
    pub fn assignments(&self) -> Vec<(AccountId, Balance)> {
        let assigned = self.events.iter().filter_map(|event| match event {
            MarketEvent::JobAssigned { worker, price, .. } => Some((worker.clone(), *price)),
            _ => None,
        });
        assigned.collect()
    }

    /// Workers that claimed it, with their outputs. A job can be claimed only once, so more than one is a fault.
    pub fn claims(&self) -> Vec<(AccountId, H256, Option<Vec<u8>>)> {
        let claimed = self.events.iter().filter_map(|event| match event {
            MarketEvent::JobClaimed {
                worker,
                output_digest,
                output,
                ..
            } => Some((worker.clone(), *output_digest, output.clone())),
            _ => None,
        });
        claimed.collect()
    }

    /// Why it was closed, and what was paid.
    pub fn end(&self) -> anyhow::Result<(CloseReason, Balance)> {
        match self.events.last() {
            Some(MarketEvent::JobClosed { reason, paid, .. }) => Ok((*reason, *paid)),
            other => bail!("a tale ends with the closing of its job, not with {other:?}"),
        }
    }

    /// Number of its events like this one.
    pub fn count(&self, like: impl Fn(&MarketEvent) -> bool) -> usize {
        self.events.iter().filter(|event| like(event)).count()
    }
}

impl Network {
    /// Submits one job.
    pub async fn submit(&self, client: &Account, request: &JobRequest) -> anyhow::Result<Ticket> {
        let since = self.client().finalized().await?.number();
        let call = Call::Market(MarketCall::Submit {
            request: request.clone(),
        });
        let inclusion = client.send(call, Wait::Finalized).await?;
        let job = inclusion.events.iter().find_map(|event| match event {
            Event::Market(MarketEvent::JobSubmitted { job, .. }) => Some(*job),
            _ => None,
        });
        Ok(Ticket {
            job: job.context("a submission that succeeds has its event")?,
            since,
        })
    }

    /// Submits jobs at once, and returns when they are in a block, which need not be final.
    pub async fn submit_all(&self, client: &Account, requests: Vec<JobRequest>) -> anyhow::Result<Vec<Ticket>> {
        let since = self.client().finalized().await?.number();
        let requests = requests.try_into().map_err(|_| anyhow!("a batch has a limit"))?;
        let call = Call::Market(MarketCall::SubmitBatch { requests });
        let inclusion = client.send(call, Wait::InBlock).await?;
        let tickets = inclusion.events.iter().filter_map(|event| match event {
            Event::Market(MarketEvent::JobSubmitted { job, .. }) => Some(Ticket { job: *job, since }),
            _ => None,
        });
        Ok(tickets.collect())
    }

    /// Waits until a job is closed, for this many blocks at most, and tells what happened to it.
    pub async fn tale(&self, ticket: Ticket, blocks: BlockNumber) -> anyhow::Result<Tale> {
        let mut tale = Tale { events: Vec::new() };
        let what = format!("job {} is closed", ticket.job);
        self.read(&what, ticket.since, blocks, async |snapshot| {
            for event in snapshot.events().await? {
                if let Event::Market(event) = event
                    && event.job() == ticket.job
                {
                    tale.events.push(event);
                }
            }
            let closed = matches!(tale.events.last(), Some(MarketEvent::JobClosed { .. }));
            Ok(closed.then_some(()))
        })
        .await?;
        Ok(tale)
    }

    /// Waits until a job is in a phase.
    pub async fn phase(&self, ticket: Ticket, phase: Phase, blocks: BlockNumber) -> anyhow::Result<()> {
        let what = format!("job {} is in the phase {phase:?}", ticket.job);
        self.until(&what, blocks, async |snapshot| {
            let job = snapshot
                .job(ticket.job)
                .await?
                .with_context(|| format!("{what}, and not closed"))?;
            Ok((job.state.phase() == phase).then_some(()))
        })
        .await
    }

    /// Waits until a job is claimed, accepts its result in the client's name, and tells what happened to it.
    pub async fn accepted(&self, client: &Account, ticket: Ticket, blocks: BlockNumber) -> anyhow::Result<Tale> {
        self.phase(ticket, Phase::Claimed, blocks).await?;
        client
            .send(Call::Market(MarketCall::Accept { job: ticket.job }), Wait::Finalized)
            .await?;
        self.tale(ticket, blocks).await
    }

    /// Sends a call that must be refused by this pallet with this error.
    pub async fn refused(&self, sender: &Account, call: Call, pallet: &str, error: &str) -> anyhow::Result<()> {
        let shown = call.to_string();
        match sender.send(call, Wait::Finalized).await {
            Err(SubmitError::Refused {
                pallet: by,
                error: with,
                advice,
            }) if by == pallet && with == error => {
                anyhow::ensure!(!advice.is_empty(), "{pallet}.{error} says nothing about what to do");
                Ok(())
            }
            other => bail!("{shown} should be refused with {pallet}.{error}, but: {other:?}"),
        }
    }
}
