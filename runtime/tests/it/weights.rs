//! Weights: every call and every part of one has a benchmark, and what the runtime charges leaves room for others.

use assay_runtime::{Runtime, calls::CALLS};
use assay_types::{
    limits::{MAX_BATCH, MAX_OFFERS_PER_MODEL},
    weighing::WORKER_RECORD_BYTES,
};
use codec::MaxEncodedLen;
use pallet_market::WeightInfo as _;
use pallet_models::WeightInfo as _;
use pallet_sessions::WeightInfo as _;
use pallet_workers::WeightInfo as _;
use polkadot_sdk::frame_support::weights::{Weight, constants::WEIGHT_REF_TIME_PER_MILLIS};
use std::{collections::BTreeSet, fs, path::Path};

type Market = <Runtime as pallet_market::Config>::WeightInfo;
type Models = <Runtime as pallet_models::Config>::WeightInfo;
type Sessions = <Runtime as pallet_sessions::Config>::WeightInfo;
type Workers = <Runtime as pallet_workers::Config>::WeightInfo;

/// The pallets of this workspace, by the names of their folders and in the runtime.
const PALLETS: [(&str, &str); 9] = [
    ("audits", "Audits"),
    ("disputes", "Disputes"),
    ("governance", "Governance"),
    ("market", "Market"),
    ("models", "Models"),
    ("seeds", "Seeds"),
    ("sessions", "Sessions"),
    ("time", "Time"),
    ("workers", "Workers"),
];

/// A file of a pallet.
fn source(pallet: &str, file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../pallets").join(pallet);
    let path = path.join("src").join(file);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The name of the function that a line declares.
fn function(line: &str) -> Option<String> {
    let name = line.trim().strip_prefix("fn ")?;
    Some(name.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect())
}

/// The benchmarks of a pallet.
fn benchmarks(pallet: &str) -> BTreeSet<String> {
    let text = source(pallet, "benchmarking.rs");
    let lines: Vec<&str> = text.lines().collect();
    let marked = lines
        .windows(2)
        .filter(|lines| lines[0].trim().starts_with("#[benchmark"));
    marked.filter_map(|lines| function(lines[1])).collect()
}

/// The weights of a pallet that the runtime has to give.
fn weights(pallet: &str) -> BTreeSet<String> {
    let text = source(pallet, "weights.rs");
    let begin = text.find("pub trait WeightInfo").expect("there is the trait");
    let length = text[begin..].find("\n}").expect("the trait ends");
    let required = text[begin..begin + length].lines().filter(|line| line.ends_with(';'));
    required.filter_map(function).collect()
}

#[test]
fn every_call_of_our_pallets_has_a_benchmark() {
    for (folder, pallet) in PALLETS {
        let measured = benchmarks(folder);
        let calls = CALLS.iter().filter(|class| class.pallet == pallet);
        for class in calls {
            assert!(
                measured.contains(class.call),
                "{pallet}.{} has no benchmark",
                class.call
            );
        }
    }
    let known: BTreeSet<&str> = PALLETS.iter().map(|(_, pallet)| *pallet).collect();
    assert!(CALLS.iter().all(|class| known.contains(class.pallet)));
}

#[test]
fn every_weight_is_that_of_a_benchmark_and_every_benchmark_gives_one() {
    for (folder, _) in PALLETS {
        assert_eq!(weights(folder), benchmarks(folder), "{folder}");
        assert!(!benchmarks(folder).is_empty());
    }
}

#[test]
fn a_settled_job_of_a_full_batch_weighs_less_than_a_millisecond() {
    let market = |weight: Weight| weight.ref_time() / u64::from(MAX_BATCH);
    // Jobs of one client and one worker, which were submitted together. Two places on the agenda are shared.
    let submission = market(Market::submit_batch(MAX_BATCH, 1));
    let seal = market(Market::seal(MAX_BATCH));
    let claim = market(Market::claim_batch(MAX_BATCH));
    let settlement = market(Market::accept_batch(MAX_BATCH - 1, 1));
    let sum = submission + seal + claim + settlement;
    assert!(
        sum < WEIGHT_REF_TIME_PER_MILLIS,
        "{submission} + {seal} + {claim} + {settlement}"
    );
}

#[test]
fn a_worker_is_no_longer_than_other_pallets_think() {
    let record = pallet_workers::WorkerRecord::<u128, u32>::max_encoded_len() + <[u8; 32]>::max_encoded_len();
    assert!(record as u64 <= WORKER_RECORD_BYTES, "{record} bytes");
}

#[test]
fn a_step_is_no_lighter_than_any_of_the_steps() {
    for step in [
        Market::end_audited(),
        Market::end_demanded(),
        Market::close_auction(32),
        Market::miss(),
        Market::draw(1),
    ] {
        assert!(step.all_lte(Market::step()));
    }
    assert!(Market::steps(4).all_gte(Market::advance_batch(4)));
    assert!(Market::submit(1).all_lte(Market::submit(MAX_OFFERS_PER_MODEL)));
}

#[test]
fn a_call_that_is_not_a_batch_leaves_most_of_a_block_to_others() {
    let calls = [
        Models::register(),
        Models::publish_version(),
        Models::deprecate(),
        Models::transfer(),
        Models::accept_transfer(),
        Models::remove_version(),
        Workers::register(),
        Workers::bond_more(),
        Workers::unbond(),
        Workers::withdraw(),
        Workers::publish_offer(),
        Workers::remove_offer(),
        Workers::pause(),
        Workers::resume(),
        Workers::drain(),
        Workers::leave(),
        Workers::apply_slash(),
        Workers::cancel_slash(),
        Sessions::open(),
        Sessions::redeem(),
        Sessions::close(),
        Sessions::challenge_receipt(),
    ];
    for weight in calls {
        // A twentieth of a core's two seconds, and of half of its proof.
        assert!(
            weight.ref_time() > 0 && weight.ref_time() < 100 * WEIGHT_REF_TIME_PER_MILLIS,
            "{weight:?}"
        );
        assert!(
            weight.proof_size() > 0 && weight.proof_size() < 256 * 1_024,
            "{weight:?}"
        );
    }
}
