//! Bad input, at both layers: the client refuses in words, before it sends anything, and the chain with a typed error.
//!
//! No worker runs here. Eve and Ferdie are workers by hand: what they do is sent by the test.

mod requests;
mod work;

use assay_client::{
    chain::{BlockNumber, Call, JobRequest, MarketCall},
    units::UNIT,
};
use assay_e2e::{
    Network,
    jobs::{Digits, bounds},
};
use assay_types::Matching;

/// Eve's price and her stake: the least that a worker may have.
const PRICE: u128 = UNIT / 2;
const STAKE: u128 = 100 * UNIT;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_input_is_refused_with_what_to_do_about_it() {
    let mut network = Network::start().await;
    let mut stage = None;
    network
        .story(
            "a worker whose model is not registered says so",
            work::unregistered_package,
        )
        .await;
    network
        .story("a model that nobody offers", async |network| {
            let digits = Digits::register(network).await?;
            requests::nobody_offers(network, &digits).await?;
            stage = Some(digits);
            Ok(())
        })
        .await;
    let digits = stage.expect("the story was told");
    network
        .story("a stake that is too small", async |network| {
            work::small_stakes(network, &digits).await
        })
        .await;
    network
        .story("a ceiling below every price", async |network| {
            requests::low_ceilings(network, &digits).await
        })
        .await;
    network
        .story("terms that the chain does not take", async |network| {
            requests::odd_terms(network, &digits).await
        })
        .await;
    network
        .story("an unknown model", async |network| {
            requests::unknown_models(network, &digits).await
        })
        .await;
    network
        .story("an input of the wrong size", async |network| {
            requests::wrong_sizes(network, &digits).await
        })
        .await;
    network
        .story("a client without the money", async |network| {
            requests::no_funds(network, &digits).await
        })
        .await;
    network
        .story("a claim by the wrong worker", async |network| {
            work::wrong_worker(network, &digits).await
        })
        .await;
    network
        .story("a wrong claim, and the same claim twice", async |network| {
            work::wrong_claims(network, &digits).await
        })
        .await;
}

fn shortest_auction() -> Matching<BlockNumber> {
    let least = bounds().auction_phase.0;
    Matching::Auction {
        bidding_blocks: least,
        reveal_blocks: least,
    }
}

fn submit(request: &JobRequest) -> Call {
    Call::Market(MarketCall::Submit {
        request: request.clone(),
    })
}
