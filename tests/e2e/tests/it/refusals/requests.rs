//! Requests of clients that are refused.

use super::{PRICE, shortest_auction, submit};
use anyhow::ensure;
use assay_client::{
    chain::{Call, JobRequest, MarketCall, SubmitError, Wait, WorkersCall},
    request::terms::Terms,
    units::UNIT,
};
use assay_e2e::{
    Network,
    books::Books,
    jobs::{CLOSE_BLOCKS, Digits, bounds, inputs_dir, offered_at, terms},
};
use assay_types::{H256, JobInput, Matching, ModelVersion};
use std::fs;

pub(super) async fn nobody_offers(network: &Network, digits: &Digits) -> anyhow::Result<()> {
    network
        .refuses("Bob", &request(&[]), &["nobody offers", "--auction"])
        .await?;
    let bob = network.account("Bob")?;
    network
        .refused(&bob, submit(&digits.job(0, &terms())?.request), "Market", "NoOffer")
        .await
}

/// Eve offers as well.
pub(super) async fn low_ceilings(network: &Network, digits: &Digits) -> anyhow::Result<()> {
    let eve = network.account("Eve")?;
    let offer = WorkersCall::PublishOffer {
        version: digits.model.version,
        terms: offered_at(PRICE),
        capacity: 1,
    };
    eve.send(Call::Workers(offer), Wait::Finalized).await?;
    let id = network.id("Eve")?;
    network
        .until("Eve's offer takes effect", CLOSE_BLOCKS, async |snapshot| {
            let info = snapshot.worker(&id).await?;
            let takes = info.is_some_and(|info| info.offers.iter().all(|offer| offer.from <= snapshot.now()));
            Ok(takes.then_some(()))
        })
        .await?;
    let books = Books::open(network, &["Bob", "Eve"]).await?;
    network
        .refuses(
            "Bob",
            &request(&["--ceiling", "0.4"]),
            &["--ceiling is 0.4", "0.5 ASY", "raise it"],
        )
        .await?;
    network
        .refuses("Bob", &request(&["--ceiling", "0"]), &["--ceiling", "more than zero"])
        .await?;
    network
        .refuses(
            "Bob",
            &request(&["--ceiling", "a lot"]),
            &["--ceiling", "`a lot` is not an amount"],
        )
        .await?;
    network
        .refuses("Bob", &request(&["--auction"]), &["--ceiling is missing"])
        .await?;
    let bob = network.account("Bob")?;
    let of = |ceiling| anyhow::Ok(submit(&digits.job(0, &Terms { ceiling, ..terms() })?.request));
    network
        .refused(&bob, of(PRICE - 1)?, "Market", "CeilingBelowEveryPrice")
        .await?;
    network.refused(&bob, of(0)?, "Market", "CeilingIsZero").await?;
    books.close(network, &[]).await
}

pub(super) async fn odd_terms(network: &Network, digits: &Digits) -> anyhow::Result<()> {
    let books = Books::open(network, &["Bob"]).await?;
    let (deadline, window, phase) = (bounds().deadline, bounds().window, bounds().auction_phase);
    for (option, (least, greatest)) in [("--deadline", deadline), ("--window", window), ("--bidding", phase)] {
        let takes = format!("takes {least} to {greatest}");
        for given in [least - 1, greatest + 1] {
            let (value, says) = (given.to_string(), format!("{option} is {given} blocks"));
            let mut options = vec![option, value.as_str()];
            if option == "--bidding" {
                options.extend(["--auction", "--ceiling", "1"]);
            }
            network.refuses("Bob", &request(&options), &[&says, &takes]).await?;
        }
    }
    let bob = network.account("Bob")?;
    let short = Matching::Auction {
        bidding_blocks: phase.0,
        reveal_blocks: phase.0 - 1,
    };
    for (terms, error) in [
        (
            Terms {
                deadline_blocks: deadline.0 - 1,
                ..terms()
            },
            "DeadlineOutOfRange",
        ),
        (
            Terms {
                deadline_blocks: u32::MAX,
                ..terms()
            },
            "DeadlineOutOfRange",
        ),
        (
            Terms {
                window_blocks: window.1 + 1,
                ..terms()
            },
            "WindowOutOfRange",
        ),
        (
            Terms {
                matching: short,
                ..terms()
            },
            "AuctionPhaseOutOfRange",
        ),
    ] {
        network
            .refused(&bob, submit(&digits.job(0, &terms)?.request), "Market", error)
            .await?;
    }
    books.close(network, &[]).await
}

pub(super) async fn unknown_models(network: &Network, digits: &Digits) -> anyhow::Result<()> {
    let books = Books::open(network, &["Bob"]).await?;
    let input = inputs_dir().display().to_string();
    for model in ["letters", "7", "digits@2", "digits@latest"] {
        let words = [&format!("no model `{model}`"), "models list"];
        network
            .refuses("Bob", &["request", model, "--input", &input], &words)
            .await?;
    }
    let bob = network.account("Bob")?;
    for model in [
        ModelVersion { model: 7, version: 1 },
        ModelVersion { model: 0, version: 2 },
    ] {
        let request = JobRequest {
            model,
            ..digits.job(0, &terms())?.request
        };
        network
            .refused(&bob, submit(&request), "Market", "UnknownModel")
            .await?;
    }
    books.close(network, &[]).await
}

pub(super) async fn wrong_sizes(network: &Network, digits: &Digits) -> anyhow::Result<()> {
    let books = Books::open(network, &["Bob"]).await?;
    let narrow = serde_json::json!({ "image": vec![vec![0.0; 7]; 8] }).to_string();
    for (name, content, words) in [
        ("narrow.json", narrow.as_str(), &["narrow.json", "8"][..]),
        ("other.json", r#"{"picture": [[1, 2]]}"#, &["other.json", "image"]),
        ("spoilt.json", r#"{"image": [["#, &["spoilt.json", "not valid"]),
        ("notes.md", "eight by eight", &["notes.md", ".safetensors", ".json"]),
        ("lines.txt", "eight by eight", &["tokenizer"]),
    ] {
        let path = network.folder().join(name);
        fs::write(&path, content)?;
        let path = path.display().to_string();
        network
            .refuses("Bob", &["request", "digits", "--input", &path], words)
            .await?;
    }
    let missing = network.folder().join("missing.json").display().to_string();
    network
        .refuses("Bob", &["request", "digits", "--input", &missing], &["missing.json"])
        .await?;

    let bob = network.account("Bob")?;
    let sound = digits.job(0, &terms())?.request;
    let JobInput::Inline(payload) = &sound.input else {
        anyhow::bail!("the input travels with the job")
    };
    let with = |symbols: &[u32], bytes: usize| {
        let mut payload = payload.clone();
        payload.symbols = symbols.to_vec();
        payload.bytes = vec![0; bytes];
        submit(&JobRequest {
            input: JobInput::Inline(payload),
            ..sound.clone()
        })
    };
    let one = payload.bytes.len();
    for (call, error) in [
        (with(&[1], one - 1), "InputSizeMismatch"),
        (with(&[1], one + 1), "InputSizeMismatch"),
        (with(&[2], one), "InputSizeMismatch"),
        (with(&[], one), "WrongNumberOfSymbols"),
        (with(&[0], 0), "SymbolOutOfRange"),
        (with(&[4097], one), "SymbolOutOfRange"),
    ] {
        network.refused(&bob, call, "Market", error).await?;
    }
    let many = JobInput::Digest {
        digest: H256::zero(),
        symbols: vec![4096],
    };
    let large = submit(&JobRequest {
        input: many,
        ..sound.clone()
    });
    network
        .refused(&bob, large, "Market", "OutputTooLargeForInline")
        .await?;
    books.close(network, &[]).await
}

pub(super) async fn no_funds(network: &Network, digits: &Digits) -> anyhow::Result<()> {
    let books = Books::open(network, &["Bob", "Nobody"]).await?;
    let words = ["2000000 ASY", "the account has", "lower --ceiling"];
    network
        .refuses("Bob", &request(&["--limit", "1", "--ceiling", "2000000"]), &words)
        .await?;
    let words = ["2 jobs of at most 600000 ASY", "submit fewer"];
    network
        .refuses(
            "Bob",
            &request(&["--limit", "2", "--ceiling", "600000", "--auction"]),
            &words,
        )
        .await?;
    network
        .refuses(
            "Nobody",
            &request(&["--limit", "1"]),
            &["the account has 0 free", "send it"],
        )
        .await?;

    let bob = network.account("Bob")?;
    let matching = shortest_auction();
    let of = |ceiling| {
        anyhow::Ok(
            digits
                .job(
                    0,
                    &Terms {
                        ceiling,
                        matching,
                        ..terms()
                    },
                )?
                .request,
        )
    };
    network
        .refused(&bob, submit(&of(2_000_000 * UNIT)?), "Market", "InsufficientFunds")
        .await?;
    // The first of the two could be paid for: all or none.
    let requests = vec![of(600_000 * UNIT)?; 2].try_into().expect("two jobs fit a batch");
    let both = Call::Market(MarketCall::SubmitBatch { requests });
    network.refused(&bob, both, "Market", "InsufficientFunds").await?;
    let held = network.client().finalized().await?.account(bob.id()).await?.reserved;
    ensure!(held == 0, "{held} is held of a client whose jobs were all refused");
    let outcome = network
        .account("Nobody")?
        .send(submit(&of(UNIT)?), Wait::Finalized)
        .await;
    assert_eq!(outcome, Err(SubmitError::CannotPayFees));
    books.close(network, &[]).await
}

/// The arguments of a request for the digits.
fn request<'a>(options: &[&'a str]) -> Vec<&'a str> {
    let mut arguments = vec![
        "request",
        "digits",
        "--input",
        concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/digits/inputs"),
    ];
    arguments.extend(options);
    arguments
}
