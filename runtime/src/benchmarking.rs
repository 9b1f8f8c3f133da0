//! The benchmarks of our pallets, and how each sets the others up. Only the Wasm that `make weights` builds has this.

use crate::{units::UNIT, *};
use alloc::{string::String, vec::Vec};
use assay_types::{
    ClaimId, Delivery, H256, HostBlake2, JobInput, JobRequest, Matching, ModelParts, ModelVersion, OfferTerms,
    audit::seal,
    benchmarking::{Scene, Seeds as SeedsOf, Stage as StageOf},
    dispute::MAX_DEFENCES,
};
use frame_benchmarking::{BenchmarkBatch, BenchmarkConfig, BenchmarkList, account};
use frame_support::traits::{Get, StorageInfo, StorageInfoTrait, WhitelistedStorageKeys, fungible::Mutate};
use sp_runtime::BoundedVec;

frame_benchmarking::define_benchmarks!(
    [pallet_audits, Audits]
    [pallet_disputes, Disputes]
    [pallet_governance, Governance]
    [pallet_market, Market]
    [pallet_models, Models]
    [pallet_seeds, Seeds]
    [pallet_sessions, Sessions]
    [pallet_time, Time]
    [pallet_workers, Workers]
);

/// Balance that every account is given.
const ENDOWMENT: Balance = 10_000_000 * UNIT;
/// Stake of every worker.
const STAKE: Balance = 1_000_000 * UNIT;
/// Price of a job that is claimed in order to be disputed.
const PRICE: Balance = UNIT;

/// The benchmarks that there are, and the storage that they may touch.
pub fn list(extra: bool) -> (Vec<BenchmarkList>, Vec<StorageInfo>) {
    let mut list = Vec::<BenchmarkList>::new();
    list_benchmarks!(list, extra);
    (list, AllPalletsWithSystem::storage_info())
}

/// Runs one of them.
pub fn run(config: &BenchmarkConfig) -> Result<Vec<BenchmarkBatch>, String> {
    let whitelist = AllPalletsWithSystem::whitelisted_storage_keys();
    let mut batches = Vec::<BenchmarkBatch>::new();
    let params = (config, &whitelist);
    add_benchmarks!(params, batches);
    Ok(batches)
}

/// This runtime, as benchmarks set it up. What fails here is a fault of the benchmark, which then fails.
pub struct Stage;

impl StageOf<AccountId, BlockNumber> for Stage {
    fn endow(who: &AccountId) {
        Balances::mint_into(who, ENDOWMENT).expect("an account can be given money");
    }

    fn pass(blocks: BlockNumber) {
        pallet_time::Now::<Runtime>::mutate(|now| *now = now.saturating_add(blocks));
    }

    fn register(parts: ModelParts) -> ModelVersion {
        let publisher: AccountId = account("publisher", 0, 0);
        Self::endow(&publisher);
        let model = pallet_models::NextModelId::<Runtime>::get();
        let name = BoundedVec::truncate_from(alloc::format!("model {model}").into_bytes());
        Models::register(RuntimeOrigin::signed(publisher), name, parts).expect("the parts are sound");
        ModelVersion { model, version: 1 }
    }
}

impl Scene<AccountId, Balance, BlockNumber> for Stage {
    fn worker(who: &AccountId) {
        if pallet_workers::Workers::<Runtime>::contains_key(who) {
            return;
        }
        Self::endow(who);
        Workers::register(RuntimeOrigin::signed(who.clone()), STAKE).expect("the account has the stake");
    }

    fn offer(worker: &AccountId, version: ModelVersion, price: Balance, capacity: u32) {
        let terms = OfferTerms {
            base: price,
            rate: 0,
            min_deadline: 0,
            min_window: 0,
            max_window: BlockNumber::MAX,
        };
        Workers::publish_offer(RuntimeOrigin::signed(worker.clone()), version, terms, capacity)
            .expect("the book has a place");
        Self::pass(<Runtime as pallet_workers::Config>::OfferDelay::get());
    }

    fn pause(worker: &AccountId) {
        Workers::pause(RuntimeOrigin::signed(worker.clone())).expect("the worker is active");
    }

    fn claimed(
        worker: &AccountId,
        version: ModelVersion,
        symbols: Vec<u32>,
        input_digest: H256,
        output_digest: H256,
    ) -> ClaimId {
        Self::offer(worker, version, PRICE, 1);
        let client: AccountId = account("client", 0, 0);
        Self::endow(&client);
        let job = pallet_market::NextJobId::<Runtime>::get();
        let request = JobRequest {
            model: version,
            input: JobInput::Digest {
                digest: input_digest,
                symbols,
            },
            ceiling: PRICE,
            matching: Matching::Offers,
            deadline_blocks: <Runtime as pallet_market::Config>::MinDeadline::get(),
            window_blocks: <Runtime as pallet_market::Config>::MaxWindow::get(),
            delivery: Delivery::Digest,
        };
        Market::submit(RuntimeOrigin::signed(client), request).expect("the offer takes the job");
        let salt = [7; 32];
        let sealed = pallet_market::Seal {
            job,
            seal: seal::<HostBlake2, _>(job, worker, &output_digest, &salt),
        };
        Market::seal(RuntimeOrigin::signed(worker.clone()), [sealed].into()).expect("the worker has the job");
        Self::reveal(Time::moment());
        let claim = pallet_market::Claim {
            job,
            output_digest,
            output: None,
            salt,
        };
        Market::claim(RuntimeOrigin::signed(worker.clone()), claim).expect("the worker has the job");
        job
    }

    fn fill_queue(worker: &AccountId) {
        let others = 1..u64::from(MAX_DEFENCES);
        let defences = pallet_disputes::WorkersDefences {
            jobs: BoundedVec::truncate_from(others.map(|other| u64::MAX / 4 - other).collect::<Vec<_>>()),
            games: 0,
        };
        pallet_disputes::Defences::<Runtime>::insert(worker, defences);
    }
}

impl SeedsOf<BlockNumber> for Stage {
    fn reveal(fixed_at: BlockNumber) {
        let note = |relay_block, moment| {
            let round = pallet_seeds::Round {
                relay_block,
                moment,
                randomness: Some(H256::repeat_byte(relay_block as u8)),
            };
            let number = pallet_seeds::NextRound::<Runtime>::get();
            pallet_seeds::Rounds::<Runtime>::insert(number, round);
            pallet_seeds::NextRound::<Runtime>::put(number.saturating_add(1));
        };
        let last = pallet_seeds::NextRound::<Runtime>::get().checked_sub(1);
        let last = last.and_then(pallet_seeds::Rounds::<Runtime>::get);
        let latest = last.map_or(1, |round| round.relay_block);
        if last.is_none() {
            note(latest, fixed_at);
        }
        let from = latest.saturating_add(<Runtime as pallet_seeds::Config>::Margin::get());
        for relay_block in [from, from.saturating_add(1)] {
            note(relay_block, fixed_at.saturating_add(1));
        }
    }
}
