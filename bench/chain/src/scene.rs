//! The chain before anything is measured: Alice's model, Charlie's offer, and Bob, who wants jobs done.

use anyhow::{Result, anyhow};
use assay_bench_chain::chain::Chain;
use assay_exact::{
    graph::{Dimension, Graph, Input, Node, Operator, Output, Symbol, Unary, Value},
    quantise::Precision,
};
use assay_runtime::{
    Balance, Models, Runtime, RuntimeCall, RuntimeOrigin, Workers,
    units::{MINUTES, UNIT},
};
use assay_types::{
    DataType, Delivery, H256, HostBlake2, JobId, JobInput, JobRequest, Matching, ModelParts, ModelVersion, OfferTerms,
    Payload, audit::seal,
};
use pallet_market::JobRequestOf;
use polkadot_sdk::{
    sp_keyring::Sr25519Keyring::{self, Alice, Bob, Charlie},
    sp_runtime::BoundedVec,
};

/// The model.
pub const MODEL: ModelVersion = ModelVersion { model: 0, version: 1 };
/// Price of Charlie's offer for a job.
const PRICE: Balance = UNIT / 1_000;
/// Stake of Charlie: a job locks one token at least.
const STAKE: Balance = 500_000 * UNIT;
/// Blocks until an offer has certainly taken effect.
const OFFER_BLOCKS: u32 = 20;

/// The salt of every seal.
const SALT: [u8; 32] = [4; 32];

/// Account that sends a transaction.
pub const CLIENT: Sr25519Keyring = Bob;
/// Account that does the jobs.
pub const WORKER: Sr25519Keyring = Charlie;

/// A chain on which Charlie takes all jobs that Bob has.
pub fn chain() -> Result<Chain> {
    let mut chain = Chain::new()?;
    chain.open_block()?;
    let parts = parts(0)?;
    chain
        .read(|| {
            let name = BoundedVec::truncate_from(b"rows".to_vec());
            Models::register(RuntimeOrigin::signed(Alice.to_account_id()), name, parts)?;
            let worker = || RuntimeOrigin::signed(WORKER.to_account_id());
            Workers::register(worker(), STAKE)?;
            let terms = OfferTerms {
                base: PRICE,
                rate: 0,
                min_deadline: 0,
                min_window: 0,
                max_window: u32::MAX,
            };
            Workers::publish_offer(worker(), MODEL, terms, u32::MAX)
        })
        .map_err(|error| anyhow!("the scene cannot be set: {error:?}"))?;
    chain.pass(OFFER_BLOCKS)?;
    chain.commit()?;
    Ok(chain)
}

/// The parts of a model that negates rows of 64 numbers; each number is another model.
pub fn parts(number: u32) -> Result<ModelParts> {
    let graph = Graph {
        symbols: vec![Symbol {
            name: "batch".to_owned(),
            min: 1,
            max: 32,
        }],
        inputs: vec![Input {
            name: "rows".to_owned(),
            dtype: DataType::Float32,
            dimensions: vec![Dimension::Symbol(0), Dimension::Fixed(64)],
            range: None,
        }],
        weights: Vec::new(),
        nodes: vec![Node {
            name: "node".to_owned(),
            operator: Operator::Unary(Unary::Neg),
            inputs: vec![Value::Input(0)],
            source: String::new(),
        }],
        outputs: vec![Output {
            name: "negated".to_owned(),
            value: Value::Node(0),
        }],
    };
    let checked = graph.check()?;
    let mut manifest = [0; 32];
    manifest[..4].copy_from_slice(&number.to_le_bytes());
    let parts = ModelParts::new::<HostBlake2>(&checked, [0; 32], Precision::Int16, manifest);
    parts.ok_or_else(|| anyhow!("the graph has no parts"))
}

/// A job with an input of one row, by its digest or inline.
pub fn request(inline: bool) -> JobRequestOf<Runtime> {
    let symbols = vec![1];
    JobRequest {
        model: MODEL,
        input: match inline {
            true => JobInput::Inline(Payload {
                symbols,
                bytes: vec![1; 64 * 4],
            }),
            false => JobInput::Digest {
                digest: H256::repeat_byte(1),
                symbols,
            },
        },
        ceiling: 2 * PRICE,
        matching: Matching::Offers,
        deadline_blocks: 10 * MINUTES,
        window_blocks: 10 * MINUTES,
        delivery: Delivery::Digest,
    }
}

/// A claim by digest.
pub fn claim_of(job: JobId) -> pallet_market::Claim {
    pallet_market::Claim {
        job,
        output_digest: H256::repeat_byte(2),
        output: None,
        salt: SALT,
    }
}

/// The seal of that claim.
pub fn seal_of(job: JobId) -> pallet_market::Seal {
    let claim = claim_of(job);
    pallet_market::Seal {
        job,
        seal: seal::<HostBlake2, _>(job, &WORKER.to_account_id(), &claim.output_digest, &SALT),
    }
}

/// The seals of these jobs, in one call.
pub fn seals(jobs: &[JobId]) -> RuntimeCall {
    let seals = jobs.iter().map(|job| seal_of(*job)).collect();
    pallet_market::Call::seal { seals }.into()
}

/// The four calls of these jobs: together, or one by one where there is only one.
pub fn calls(jobs: &[JobId], inline: bool) -> [(&'static str, Sr25519Keyring, RuntimeCall); 4] {
    use pallet_market::Call;
    let (submit, claim, accept): (Call<Runtime>, Call<Runtime>, Call<Runtime>) = match jobs {
        [job] => (
            Call::submit {
                request: request(inline),
            },
            Call::claim { claim: claim_of(*job) },
            Call::accept { job: *job },
        ),
        jobs => (
            Call::submit_batch {
                requests: jobs.iter().map(|_| request(inline)).collect(),
            },
            Call::claim_batch {
                claims: jobs.iter().map(|job| claim_of(*job)).collect(),
            },
            Call::accept_batch { jobs: jobs.to_vec() },
        ),
    };
    [
        ("submit", CLIENT, submit.into()),
        ("seal", WORKER, seals(jobs)),
        ("claim", WORKER, claim.into()),
        ("accept", CLIENT, accept.into()),
    ]
}
