//! Attempts of workers that are refused.

use super::{PRICE, STAKE, shortest_auction, submit};
use anyhow::{Context, ensure};
use assay_client::{
    chain::{Account, Call, Claim, Event, MarketCall, MarketEvent, Seal, Wait, WorkersCall},
    request::terms::Terms,
    units::UNIT,
};
use assay_e2e::{
    Network,
    books::Books,
    jobs::{CLOSE_BLOCKS, Digits, Ticket, offered_at, terms},
};
use assay_ops::tensor::Blake2b256;
use assay_types::{CloseReason, H256, SealStatus, audit};

pub(super) async fn unregistered_package(network: &mut Network) -> anyhow::Result<()> {
    let serve = ["serve", "--stake", "100", "--model", "package,price=0.5"];
    network
        .refuses("Ferdie", &serve, &["digits", "not registered", "models register"])
        .await?;
    let no_model = ["serve", "--stake", "100"];
    network.refuses("Ferdie", &no_model, &["model: is missing"]).await?;
    let free = ["serve", "--stake", "100", "--model", "package,price=0"];
    network
        .refuses("Ferdie", &free, &["package: price", "more than zero"])
        .await
}

/// Registers Eve and Ferdie as well, once their first attempts were refused.
pub(super) async fn small_stakes(network: &Network, digits: &Digits) -> anyhow::Result<()> {
    let books = Books::open(network, &["Eve", "Ferdie"]).await?;
    let version = digits.model.version;
    let serve = ["serve", "--stake", "50", "--model", "package,price=0.5"];
    network
        .refuses("Eve", &serve, &["stake", "50 ASY", "at least 100"])
        .await?;
    let (eve, ferdie) = (network.account("Eve")?, network.account("Ferdie")?);
    network
        .refused(&eve, register(STAKE - 1), "Workers", "StakeTooSmall")
        .await?;
    let dear = Call::Workers(WorkersCall::PublishOffer {
        version,
        terms: offered_at(11 * UNIT),
        capacity: 1,
    });
    network.refused(&eve, dear.clone(), "Workers", "NotRegistered").await?;
    for worker in [&eve, &ferdie] {
        worker.send(register(STAKE), Wait::Finalized).await?;
    }
    network.refused(&eve, dear, "Workers", "StakeTooSmallForPrice").await?;
    network
        .refused(&eve, register(STAKE), "Workers", "AlreadyRegistered")
        .await?;

    // A bid locks ten times the ceiling, since its price is sealed.
    let matching = shortest_auction();
    let request = digits
        .job(
            0,
            &Terms {
                ceiling: 11 * UNIT,
                matching,
                ..terms()
            },
        )?
        .request;
    let ticket = network.submit(&network.account("Bob")?, &request).await?;
    let bid = Call::Market(MarketCall::CommitBid {
        job: ticket.job,
        commitment: H256::repeat_byte(1),
    });
    network.refused(&eve, bid.clone(), "Market", "StakeTooSmall").await?;
    network
        .refused(&network.account("Dave")?, bid, "Market", "NotRegistered")
        .await?;
    assert_eq!(
        network.tale(ticket, CLOSE_BLOCKS).await?.end()?,
        (CloseReason::NoBids, 0)
    );
    books.close(network, &[]).await
}

pub(super) async fn wrong_worker(network: &Network, digits: &Digits) -> anyhow::Result<()> {
    let books = Books::open(network, &["Bob", "Eve", "Ferdie"]).await?;
    let (bob, eve, ferdie) = (
        network.account("Bob")?,
        network.account("Eve")?,
        network.account("Ferdie")?,
    );
    let ticket = network.submit(&bob, &digits.job(0, &terms())?.request).await?;
    // Eve takes one job at a time.
    network
        .refused(
            &bob,
            submit(&digits.job(1, &terms())?.request),
            "Market",
            "AllWorkersBusy",
        )
        .await?;

    let claim = right_claim(digits, ticket)?;
    for stranger in [&ferdie, &bob] {
        network
            .refused(stranger, claimed(&claim), "Market", "AssignedToAnother")
            .await?;
    }
    let decline = Call::Market(MarketCall::Decline { job: ticket.job });
    network.refused(&ferdie, decline, "Market", "AssignedToAnother").await?;
    network.refused(&bob, accept(ticket), "Market", "NotClaimed").await?;
    network.refused(&eve, claimed(&claim), "Market", "NotSealed").await?;
    seal(network, &eve, &claim).await?;
    network
        .refused(
            &eve,
            Call::Market(MarketCall::Decline { job: ticket.job }),
            "Market",
            "AlreadySealed",
        )
        .await?;
    eve.send(claimed(&claim), Wait::Finalized).await?;
    network.refused(&eve, accept(ticket), "Market", "NotClient").await?;
    bob.send(accept(ticket), Wait::Finalized).await?;
    assert_eq!(
        network.tale(ticket, CLOSE_BLOCKS).await?.end()?,
        (CloseReason::Accepted, PRICE)
    );
    books
        .close(network, &[("Bob", -(PRICE as i128)), ("Eve", PRICE as i128)])
        .await
}

pub(super) async fn wrong_claims(network: &Network, digits: &Digits) -> anyhow::Result<()> {
    let books = Books::open(network, &["Bob", "Eve", "Ferdie"]).await?;
    let (bob, eve) = (network.account("Bob")?, network.account("Eve")?);
    let ticket = network.submit(&bob, &digits.job(0, &terms())?.request).await?;
    let right = right_claim(digits, ticket)?;
    seal(network, &eve, &right).await?;
    let short = right.output.as_ref().context("the output travels with the claim")?[1..].to_vec();
    for (wrong, error) in [
        (
            Claim {
                output: None,
                ..right.clone()
            },
            "OutputMissing",
        ),
        (
            Claim {
                output: Some(short.try_into().expect("shorter")),
                ..right.clone()
            },
            "OutputSizeMismatch",
        ),
        (
            Claim {
                output_digest: H256::zero(),
                ..right.clone()
            },
            "WrongSeal",
        ),
        (
            Claim {
                job: ticket.job + 1,
                ..right.clone()
            },
            "UnknownJob",
        ),
    ] {
        network.refused(&eve, claimed(&wrong), "Market", error).await?;
    }
    eve.send(claimed(&right), Wait::Finalized).await?;
    network
        .refused(&eve, claimed(&right), "Market", "AlreadyClaimed")
        .await?;
    rejected_in_a_batch(network, &eve, &right, "AlreadyClaimed").await?;

    let tale = network.accepted(&bob, ticket, CLOSE_BLOCKS).await?;
    assert_eq!(tale.claims().len(), 1, "{tale:?}");
    assert_eq!(tale.end()?, (CloseReason::Accepted, PRICE));
    network.refused(&eve, claimed(&right), "Market", "UnknownJob").await?;
    rejected_in_a_batch(network, &eve, &right, "UnknownJob").await?;
    network.refused(&bob, accept(ticket), "Market", "UnknownJob").await?;
    books
        .close(network, &[("Bob", -(PRICE as i128)), ("Eve", PRICE as i128)])
        .await
}

/// A batch of claims succeeds; the claim in it that does not is named by an event.
async fn rejected_in_a_batch(network: &Network, worker: &Account, claim: &Claim, error: &str) -> anyhow::Result<()> {
    let claims = vec![claim.clone()].try_into().expect("one claim fits a batch");
    let inclusion = worker
        .send(Call::Market(MarketCall::ClaimBatch { claims }), Wait::Finalized)
        .await?;
    let rejected = inclusion.events.iter().find_map(|event| match event {
        Event::Market(MarketEvent::ClaimRejected { job, error }) if *job == claim.job => Some(error),
        _ => None,
    });
    let because = network
        .client()
        .finalized()
        .await?
        .explain(rejected.context("the claim is rejected")?);
    ensure!(because.is("Market", error), "rejected because {because}");
    Ok(())
}

fn register(stake: u128) -> Call {
    Call::Workers(WorkersCall::Register { stake })
}

fn accept(ticket: Ticket) -> Call {
    Call::Market(MarketCall::Accept { job: ticket.job })
}

/// Seals a claim, and waits until it may be made.
async fn seal(network: &Network, worker: &Account, claim: &Claim) -> anyhow::Result<()> {
    let sealed = Seal {
        job: claim.job,
        seal: audit::seal::<Blake2b256, _>(claim.job, worker.id(), &claim.output_digest, &claim.salt),
    };
    let seals = vec![sealed].try_into().expect("one seal fits a batch");
    worker
        .send(Call::Market(MarketCall::Seal { seals }), Wait::Finalized)
        .await?;
    let what = format!("the claim of job {} may be made", claim.job);
    network
        .until(&what, CLOSE_BLOCKS, async |snapshot| {
            let statuses = snapshot.seal_statuses(&[claim.job]).await?;
            Ok((statuses == [SealStatus::Claimable]).then_some(()))
        })
        .await
}

fn claimed(claim: &Claim) -> Call {
    Call::Market(MarketCall::Claim { claim: claim.clone() })
}

/// The claim that belongs to a job on the first digit.
fn right_claim(digits: &Digits, ticket: Ticket) -> anyhow::Result<Claim> {
    let answer = digits.answer(0)?;
    let output = answer.bytes.try_into().ok().context("the output fits a claim")?;
    Ok(Claim {
        job: ticket.job,
        output_digest: answer.digest,
        output: Some(output),
        salt: [6; 32],
    })
}
