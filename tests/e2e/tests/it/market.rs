//! Two workers at different prices serve a client: by offer, by auction, in batches, and not at all.

use anyhow::{Context, ensure};
use assay_client::{chain::MarketEvent, request::terms::Terms, units::UNIT};
use assay_e2e::{
    Network,
    books::Books,
    jobs::{self, CEILING, CLOSE_BLOCKS, Digits, auction, terms},
    worker::{self, Worker},
};
use assay_types::{CloseReason, Delivery, WorkerStatus};

/// Charlie's offer is the cheaper one, Dave bids lower.
const CHARLIE: worker::Terms = worker::Terms {
    name: "Charlie",
    price: "0.4",
    capacity: 16,
    bid: Some("0.35"),
};
const DAVE: worker::Terms = worker::Terms {
    name: "Dave",
    price: "0.5",
    capacity: 32,
    bid: Some("0.3"),
};
const TENTH: i128 = UNIT as i128 / 10;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_are_paid_for_right_results() {
    let mut network = Network::start().await;
    let mut stage = None;
    network
        .story("two workers start and offer", async |network| {
            let digits = Digits::register(network).await?;
            let charlie = Worker::start(network, CHARLIE).await?;
            let dave = Worker::start(network, DAVE).await?;
            stage = Some((digits, charlie, dave));
            Ok(())
        })
        .await;
    let (digits, charlie, dave) = stage.expect("the story was told");

    network
        .story("the cheapest offer wins and is paid its price", async |network| {
            the_cheapest_offer_wins(network, &digits, &charlie).await
        })
        .await;
    network
        .story(
            "the lowest of two sealed bids wins and is paid its price",
            async |network| the_lowest_bid_wins(network, &digits, &charlie, &dave).await,
        )
        .await;
    network
        .story("a folder of inputs comes back as right answers", async |network| {
            a_batch(network, &digits).await
        })
        .await;
    network
        .story("an input that nobody has is declined for nothing", async |network| {
            an_input_that_nobody_has(network, &digits, &charlie, &dave).await
        })
        .await;
    network
        .story("a worker that is stopped takes no more jobs", async |network| {
            a_stopped_worker(network, &digits, charlie, &dave).await
        })
        .await;
    network
        .story("a worker leaves, and its stake unbonds", async |network| {
            a_worker_leaves(network, &digits, &dave).await
        })
        .await;
}

async fn the_cheapest_offer_wins(network: &Network, digits: &Digits, charlie: &Worker) -> anyhow::Result<()> {
    let books = Books::open(network, &["Bob", "Charlie", "Dave"]).await?;
    let before = charlie.info(network).await?;
    let bob = network.account("Bob")?;
    let ticket = network.submit(&bob, &digits.job(0, &terms())?.request).await?;
    let held = network.client().finalized().await?.account(bob.id()).await?.reserved;
    ensure!(held == CEILING, "the ceiling is held while the job is open, not {held}");
    let forgotten = network.state().await?.without("Market", "Jobs");
    ensure!(
        forgotten.check().is_err(),
        "nobody would notice if the chain forgot a job whose ceiling is held"
    );

    let tale = network.tale(ticket, CLOSE_BLOCKS).await?;
    let (answer, me) = (digits.answer(0)?, charlie.account().clone());
    assert_eq!(tale.assignments(), [(me.clone(), 4 * UNIT / 10)]);
    assert_eq!(tale.claims(), [(me, answer.digest, Some(answer.bytes))]);
    assert_eq!(tale.end()?, (CloseReason::WindowPassed, 4 * UNIT / 10));
    books
        .close(network, &[("Bob", -4 * TENTH), ("Charlie", 4 * TENTH)])
        .await?;
    assert_eq!(charlie.info(network).await?.completed, before.completed + 1);
    nothing_is_held_of(network, "Bob").await
}

async fn the_lowest_bid_wins(
    network: &Network,
    digits: &Digits,
    charlie: &Worker,
    dave: &Worker,
) -> anyhow::Result<()> {
    let books = Books::open(network, &["Bob", "Charlie", "Dave"]).await?;
    let bob = network.account("Bob")?;
    let auctioned = Terms {
        matching: auction(),
        ..terms()
    };
    let ticket = network.submit(&bob, &digits.job(1, &auctioned)?.request).await?;
    let tale = network.accepted(&bob, ticket, CLOSE_BLOCKS).await?;
    assert_eq!(
        tale.count(|event| matches!(event, MarketEvent::BidCommitted { .. })),
        2,
        "{tale:?}"
    );
    assert_eq!(
        tale.count(|event| matches!(event, MarketEvent::BidRevealed { .. })),
        2,
        "{tale:?}"
    );
    let loser =
        |event: &MarketEvent| matches!(event, MarketEvent::BidReleased { worker, .. } if worker == charlie.account());
    assert_eq!(tale.count(loser), 1, "{tale:?}");
    assert_eq!(tale.assignments(), [(dave.account().clone(), 3 * UNIT / 10)]);
    let answer = digits.answer(1)?;
    assert_eq!(
        tale.claims(),
        [(dave.account().clone(), answer.digest, Some(answer.bytes))]
    );
    assert_eq!(tale.end()?, (CloseReason::Accepted, 3 * UNIT / 10));
    books
        .close(network, &[("Bob", -3 * TENTH), ("Dave", 3 * TENTH)])
        .await?;
    for worker in [charlie, dave] {
        assert_eq!(worker.info(network).await?.locked, 0, "{}", worker.name());
    }
    nothing_is_held_of(network, "Bob").await
}

/// Twenty-four jobs at once, through the client's command: sixteen fill Charlie's capacity, Dave has the rest.
async fn a_batch(network: &Network, digits: &Digits) -> anyhow::Result<()> {
    const JOBS: usize = 24;
    let books = Books::open(network, &["Bob", "Charlie", "Dave"]).await?;
    let input = jobs::inputs_dir().display().to_string();
    let options = [
        "--limit",
        "24",
        "--ceiling",
        "0.6",
        "--accept",
        "--json",
        "--patience",
        "60",
    ];
    let ran = network
        .assay_worker(
            "Bob",
            &[&["request", "digits", "--input", &input], &options[..]].concat(),
        )
        .await?;
    ensure!(ran.succeeded, "the request fails:\n{}\n{}", ran.output, ran.errors);

    let outcomes: Vec<serde_json::Value> = serde_json::from_str(&ran.output)?;
    assert_eq!(outcomes.len(), JOBS);
    for (index, outcome) in outcomes.iter().enumerate() {
        assert_eq!(outcome["state"], "settled", "{outcome}");
        assert_eq!(outcome["digest_matches"], true, "{outcome}");
        assert_eq!(
            outcome["output_digest"],
            format!("{:?}", digits.answer(index)?.digest),
            "{outcome}"
        );
    }
    let right = outcomes
        .iter()
        .filter(|outcome| outcome["answer"] == outcome["label"])
        .count();
    ensure!(right * 10 >= JOBS * 9, "{right} of {JOBS} digits were recognised");
    let with_charlie = outcomes.iter().filter(|outcome| outcome["price"] == "0.4").count() as i128;
    assert_eq!(
        with_charlie,
        i128::from(CHARLIE.capacity),
        "the cheaper worker is filled up first"
    );
    let (charlie, dave) = (4 * TENTH * with_charlie, 5 * TENTH * (JOBS as i128 - with_charlie));
    books
        .close(
            network,
            &[("Bob", -charlie - dave), ("Charlie", charlie), ("Dave", dave)],
        )
        .await?;
    nothing_is_held_of(network, "Bob").await
}

async fn an_input_that_nobody_has(
    network: &Network,
    digits: &Digits,
    charlie: &Worker,
    dave: &Worker,
) -> anyhow::Result<()> {
    let books = Books::open(network, &["Bob", "Charlie", "Dave"]).await?;
    let by_digest = Terms {
        by_digest: true,
        delivery: Delivery::Digest,
        ..terms()
    };
    let ticket = network
        .submit(&network.account("Bob")?, &digits.job(2, &by_digest)?.request)
        .await?;
    let tale = network.tale(ticket, CLOSE_BLOCKS).await?;
    let tried: Vec<_> = tale.assignments().into_iter().map(|(worker, _)| worker).collect();
    assert_eq!(tried, [charlie.account().clone(), dave.account().clone()]);
    assert_eq!(
        tale.count(|event| matches!(event, MarketEvent::JobDeclined { slashed: 0, .. })),
        2,
        "{tale:?}"
    );
    assert_eq!(tale.end()?, (CloseReason::NoWorkerLeft, 0));
    books.close(network, &[]).await?;
    for worker in [charlie, dave] {
        let what = format!("{} has rested", worker.name());
        network
            .until(&what, CLOSE_BLOCKS, async |snapshot| {
                let info = snapshot.worker(worker.account()).await?;
                let until = info.and_then(|info| info.rests_until);
                Ok(until.is_none_or(|until| until <= snapshot.now()).then_some(()))
            })
            .await?;
    }
    nothing_is_held_of(network, "Bob").await
}

async fn a_stopped_worker(network: &Network, digits: &Digits, charlie: Worker, dave: &Worker) -> anyhow::Result<()> {
    let account = charlie.account().clone();
    let status = charlie.stop(network, 60).await?;
    ensure!(status.success(), "the worker ends with {status}");
    let info = network
        .client()
        .finalized()
        .await?
        .worker(&account)
        .await?
        .context("it is registered still")?;
    assert_eq!(info.status, WorkerStatus::Paused);

    let bob = network.account("Bob")?;
    let ticket = network.submit(&bob, &digits.job(3, &terms())?.request).await?;
    let tale = network.accepted(&bob, ticket, CLOSE_BLOCKS).await?;
    assert_eq!(tale.assignments(), [(dave.account().clone(), 5 * UNIT / 10)]);
    assert_eq!(tale.end()?, (CloseReason::Accepted, 5 * UNIT / 10));
    Ok(())
}

async fn a_worker_leaves(network: &Network, digits: &Digits, dave: &Worker) -> anyhow::Result<()> {
    let info = async || dave.info(network).await;
    let stake = info().await?.stake;
    network
        .refuses("Dave", &["stake", "withdraw"], &["nothing unbonds", "stake leave"])
        .await?;
    network
        .refuses(
            "Dave",
            &["stake", "unbond", "1001"],
            &["1001 ASY", "1000 of the stake are free"],
        )
        .await?;
    let added = network.assay_worker("Dave", &["stake", "add", "2.5"]).await?;
    ensure!(
        added.succeeded && added.output.contains("1002.5 ASY staked"),
        "{added:?}"
    );

    // What it has, it finishes first.
    let bob = network.account("Bob")?;
    let ticket = network.submit(&bob, &digits.job(4, &terms())?.request).await?;
    let left = network.assay_worker("Dave", &["stake", "leave"]).await?;
    ensure!(left.succeeded && left.errors.contains("takes no more jobs"), "{left:?}");
    ensure!(left.output.contains("1002.5 ASY unbond until moment"), "{left:?}");
    let tale = network.tale(ticket, CLOSE_BLOCKS).await?;
    assert_eq!(tale.end()?, (CloseReason::WindowPassed, 5 * UNIT / 10));
    let after = info().await?;
    assert_eq!((after.status, after.stake, after.locked), (WorkerStatus::Left, 0, 0));
    assert_eq!(after.unbonding[0].0, stake + 5 * UNIT / 2);
    network
        .refuses(
            "Dave",
            &["stake", "withdraw"],
            &["nothing is unbonded yet", "the first part is at moment"],
        )
        .await?;
    network
        .refuses("Dave", &["stake", "leave"], &["has left already"])
        .await
}

async fn nothing_is_held_of(network: &Network, name: &str) -> anyhow::Result<()> {
    let held = network
        .client()
        .finalized()
        .await?
        .account(&network.id(name)?)
        .await?
        .reserved;
    ensure!(held == 0, "{held} is held of {name}, who has no open job");
    Ok(())
}
