//! Costs of calls in chains of three sizes: with this many open jobs, auctions with bids, models, full books of offers,
//! sessions and disputes, all at once.

use crate::scene::{CLIENT, MODEL, WORKER, chain, claim_of, parts, request, seal_of, seals};
use anyhow::{Context, Result, anyhow, ensure};
use assay_bench_chain::chain::Chain;
use assay_runtime::{
    AccountId, Disputes, Market, Models, Runtime, RuntimeCall, RuntimeOrigin, Sessions, System, Workers,
    units::{MINUTES, UNIT},
};
use assay_types::{
    H256, JobRequest, Matching, ModelParts, ModelVersion, SessionKey, SessionOffer, SessionRequest, SessionTerms,
    limits,
};
use pallet_market::JobRequestOf;
use polkadot_sdk::{
    frame_support::{traits::Hooks, weights::Weight},
    sp_core::sr25519,
    sp_keyring::Sr25519Keyring::{self, Alice, Dave},
    sp_runtime::{BoundedVec, DispatchError},
};

/// Things of each kind.
const SIZES: [u32; 3] = [100, 1_000, 10_000];
/// Factor by which a call may cost more in the largest chain as in the smallest: twice is the logarithm of the sizes.
const MOST: f64 = 2.5;
/// Things that are made before what was made is written to the trie.
const PORTION: u32 = 500;

/// Cost of a call: bytes of proof, and microseconds in Wasm.
type Measured = (usize, f64);

/// Prints a table of all calls, and fails if one grows faster than the logarithm of the sizes.
pub fn table() -> Result<()> {
    let mut chain = chain()?;
    chain.read(offer_sessions).map_err(refused)?;
    let mut columns = Vec::new();
    let mut made = 0;
    for size in SIZES {
        grow(&mut chain, made..size)?;
        made = size;
        columns.push(measure(&mut chain)?);
    }
    println!("| call | what | {} |", SIZES.map(|size| size.to_string()).join(" | "));
    println!("|---|---|{}", "---:|".repeat(SIZES.len()));
    let first = columns.first().context("there are sizes")?;
    for (row, (name, _)) in first.iter().enumerate() {
        let cells = |of: &dyn Fn(Measured) -> String| {
            let cells = columns.iter().filter_map(|column| column.get(row));
            cells.map(|(_, measured)| of(*measured)).collect::<Vec<_>>().join(" | ")
        };
        println!("| {name} | proof, bytes | {} |", cells(&|(proof, _)| proof.to_string()));
        println!("| | in Wasm, µs | {} |", cells(&|(_, micros)| format!("{micros:.0}")));
    }
    for (row, (name, (small, _))) in first.iter().enumerate() {
        let last = columns.last().and_then(|column| column.get(row));
        let (_, (large, _)) = last.context("every column has all rows")?;
        let ratio = *large as f64 / *small as f64;
        ensure!(ratio < MOST, "the proof of {name} grows by {ratio:.1}");
    }
    Ok(())
}

fn refused(error: DispatchError) -> anyhow::Error {
    anyhow!("the chain refuses to grow: {error:?}")
}

fn signed(who: Sr25519Keyring) -> RuntimeOrigin {
    RuntimeOrigin::signed(who.to_account_id())
}

fn terms() -> SessionTerms<u128, u32> {
    SessionTerms {
        base: 1,
        rate: 0,
        min_budget: 1,
        max_budget: UNIT,
        lock_percent: 100,
        max_blocks: 10 * MINUTES,
        window_blocks: MINUTES,
    }
}

fn key() -> SessionKey {
    SessionKey::Sr25519(sr25519::Public::from_raw([7; 32]))
}

fn offer_sessions() -> Result<(), DispatchError> {
    let offer = SessionOffer {
        terms: terms(),
        key: key(),
        capacity: u32::MAX,
    };
    Sessions::publish_offer(signed(WORKER), MODEL, offer)
}

fn session() -> SessionRequest<AccountId, u128, u32> {
    SessionRequest {
        worker: WORKER.to_account_id(),
        model: MODEL,
        budget: UNIT / 1_000,
        blocks: 10 * MINUTES,
        terms: terms(),
        worker_key: key(),
        client_key: key(),
    }
}

fn auction() -> JobRequestOf<Runtime> {
    JobRequest {
        matching: Matching::Auction {
            bidding_blocks: 10 * MINUTES,
            reveal_blocks: 10 * MINUTES,
        },
        ..request(false)
    }
}

/// Adds things of every kind.
fn grow(chain: &mut Chain, numbers: std::ops::Range<u32>) -> Result<()> {
    if numbers.start == 0 {
        doubt(chain)?;
    }
    for first in numbers.clone().step_by(PORTION as usize) {
        let last = first.saturating_add(PORTION).min(numbers.end);
        chain.open_block()?;
        for number in first..last {
            let parts = parts(number + 1)?;
            chain.read(|| one_of_each(number, parts)).map_err(refused)?;
        }
        chain.commit()?;
    }
    Ok(())
}

fn one_of_each(number: u32, parts: ModelParts) -> Result<(), DispatchError> {
    Market::submit(signed(CLIENT), request(false)).map_err(|error| error.error)?;
    let job = pallet_market::NextJobId::<Runtime>::get();
    Market::submit(signed(CLIENT), auction()).map_err(|error| error.error)?;
    Market::commit_bid(signed(WORKER), job, H256::repeat_byte(1))?;
    let name = BoundedVec::truncate_from(format!("model {number}").into_bytes());
    Models::register(signed(Alice), name, parts)?;
    let version = ModelVersion {
        model: number + 1,
        version: 1,
    };
    pallet_workers::Offers::<Runtime>::insert(version, book());
    Sessions::open(signed(CLIENT), Box::new(session()))?;
    // A record of a dispute over a claim that nobody asks for.
    if let Some(dispute) = pallet_disputes::Disputes::<Runtime>::iter_values().next() {
        pallet_disputes::Disputes::<Runtime>::insert(u64::from(u32::MAX) + u64::from(number), dispute);
    }
    Ok(())
}

/// A full book, of the worker's offer many times over.
fn book() -> pallet_workers::BookOf<Runtime> {
    let offers = pallet_workers::Offers::<Runtime>::get(MODEL).into_iter().cycle();
    BoundedVec::truncate_from(offers.take(limits::MAX_OFFERS_PER_MODEL as usize).collect())
}

/// A job that is claimed and doubted.
fn doubt(chain: &mut Chain) -> Result<()> {
    chain.open_block()?;
    chain.note_relay_blocks();
    let job = chain.read(pallet_market::NextJobId::<Runtime>::get);
    let sealed = chain.read(|| {
        Market::submit(signed(CLIENT), request(false))?;
        Market::seal(signed(WORKER), vec![seal_of(job)])
    });
    sealed.map_err(|error| refused(error.error))?;
    chain.open_block()?;
    chain.note_relay_blocks();
    let doubted = chain.read(|| {
        Market::claim(signed(WORKER), claim_of(job))?;
        Disputes::challenge(signed(Dave), job, H256::zero())
    });
    doubted.map_err(refused)
}

/// The costs of each call now.
fn measure(chain: &mut Chain) -> Result<Vec<(&'static str, Measured)>> {
    let mut rows = Vec::new();
    let first = chain.read(pallet_market::NextJobId::<Runtime>::get);
    let jobs = [first, first + 1];
    let steps: [(&'static str, Sr25519Keyring, [RuntimeCall; 2]); 7] = [
        ("submit", CLIENT, jobs.map(|_| submit(request(false)))),
        ("seal", WORKER, jobs.map(|job| seals(&[job]))),
        (
            "claim",
            WORKER,
            jobs.map(|job| pallet_market::Call::claim { claim: claim_of(job) }.into()),
        ),
        (
            "challenge",
            Dave,
            jobs.map(|job| {
                pallet_disputes::Call::challenge {
                    job,
                    commitment: H256::zero(),
                }
                .into()
            }),
        ),
        ("submit an auction", CLIENT, jobs.map(|_| submit(auction()))),
        (
            "bid",
            WORKER,
            jobs.map(|job| {
                pallet_market::Call::commit_bid {
                    job: job + 2,
                    commitment: H256::zero(),
                }
                .into()
            }),
        ),
        (
            "open a session",
            CLIENT,
            jobs.map(|_| {
                pallet_sessions::Call::open {
                    request: Box::new(session()),
                }
                .into()
            }),
        ),
    ];
    for (name, who, [proved, timed]) in steps {
        chain.open_block()?;
        chain.note_relay_blocks();
        chain.commit()?;
        let transaction = chain.sign(who, proved);
        let proof = chain.prove(vec![transaction])?;
        chain.commit()?;
        let applied = chain.apply(name, who, timed)?;
        chain.commit()?;
        rows.push((name, (proof, applied.took.as_secs_f64() * 1e6)));
    }
    chain.open_block()?;
    chain.commit()?;
    rows.push(("a block in which nothing is due", idle(chain)?));
    Ok(rows)
}

fn submit(request: JobRequestOf<Runtime>) -> RuntimeCall {
    pallet_market::Call::submit { request }.into()
}

/// The drains of all pallets, when they find nothing. Their time is that of the native code.
fn idle(chain: &mut Chain) -> Result<Measured> {
    let began = assay_bench_chain::chain::processor_time();
    let proof = chain.prove_read(|| {
        let number = System::block_number();
        Market::on_idle(number, Weight::MAX);
        Sessions::on_idle(number, Weight::MAX);
        Workers::on_idle(number, Weight::MAX);
        Disputes::on_idle(number, Weight::MAX);
    })?;
    let took = assay_bench_chain::chain::processor_time().saturating_sub(began);
    Ok((proof, took.as_secs_f64() * 1e6))
}
