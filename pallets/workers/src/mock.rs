//! A runtime with nothing but balances and workers, and models that are just numbers.

use crate::{self as pallet_workers, OfferTermsOf};
use assay_exact::{
    DEFINITION_NUMBER,
    graph::Value,
    judge::ModelHead,
    model::{ModelKind, Polynomial, SymbolRange, Term},
};
use assay_types::{
    AssayTime, H256, JobTerms, Lock, ModelParts, ModelRegistry, ModelVersion, Outcome, Precision, Purpose, Released,
    Schema, Slashed, Unavailable, WorkerRegistry, WorkerStatus, traits::VersionInfo,
};
use codec::{Decode, Encode};
use polkadot_sdk::{
    frame_support::{
        assert_ok, derive_impl, parameter_types,
        traits::{
            ConstU64, Hooks,
            fungible::{Inspect, InspectHold, Mutate},
        },
        weights::Weight,
    },
    frame_system::{self, EnsureRoot, mocking::MockBlock},
    pallet_balances, sp_io,
    sp_runtime::{DispatchError, FixedU128},
};

#[polkadot_sdk::frame_support::runtime]
mod runtime {
    #[runtime::runtime]
    #[runtime::derive(
        RuntimeCall,
        RuntimeEvent,
        RuntimeError,
        RuntimeOrigin,
        RuntimeFreezeReason,
        RuntimeHoldReason,
        RuntimeSlashReason,
        RuntimeLockId,
        RuntimeTask,
        RuntimeViewFunction
    )]
    pub struct Test;

    #[runtime::pallet_index(0)]
    pub type System = frame_system;
    #[runtime::pallet_index(1)]
    pub type Balances = pallet_balances;
    #[runtime::pallet_index(51)]
    pub type Workers = pallet_workers;
}

/// The existential deposit.
pub const DUST: u64 = 10;
/// Least stake of a worker.
pub const MIN_STAKE: u64 = 1_000;
/// Least lock of a job.
pub const FLOOR: u64 = 100;
/// Blocks that stake unbonds.
pub const UNBONDING_BLOCKS: u64 = 20;
/// Blocks that a slash is pending.
pub const SLASH_DELAY: u64 = 6;
/// Maximum number of blocks that a job gives its worker.
pub const MAX_DEADLINE: u64 = 50;
/// Minimum number of blocks of a challenge window.
pub const MIN_WINDOW: u64 = 2;
/// Maximum number of blocks of a challenge window.
pub const MAX_WINDOW: u64 = 100;
/// Maximum number of rows of a job on [`LETTERS`].
pub const MAX_ROWS: u32 = 10;
/// Balance of the accounts of the stories.
pub const ENDOWMENT: u64 = 1_000_000;

pub const ALICE: u64 = 1;
pub const BOB: u64 = 2;
pub const CHARLIE: u64 = 3;
/// An account that does not exist.
pub const NOBODY: u64 = 9;

/// A version that may be offered.
pub const DIGITS: ModelVersion = ModelVersion { model: 0, version: 1 };
/// Another one, whose work is a billion units for each row of a job.
pub const LETTERS: ModelVersion = ModelVersion { model: 1, version: 1 };
/// One that was deprecated.
pub const OLD: ModelVersion = ModelVersion { model: 2, version: 1 };
/// The models from this number on are not registered.
pub const UNKNOWN_FROM: u32 = 100;

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
    type Block = MockBlock<Test>;
    type AccountData = pallet_balances::AccountData<u64>;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
    type AccountStore = System;
    type ExistentialDeposit = ConstU64<DUST>;
    type RuntimeHoldReason = RuntimeHoldReason;
}

parameter_types! {
    pub static LongestJob: u64 = 10;
    /// Blocks until a new offer takes effect: none, but in the stories about it.
    pub static OfferDelay: u64 = 0;
    /// Blocks of a worker's first rest: none, but in the stories about it.
    pub static RestBlocks: u64 = 0;
    /// Blocks that were full, which Assay time does not count.
    pub static FullBlocks: u64 = 0;
    /// A job locks twice its price.
    pub StakePerPrice: FixedU128 = FixedU128::from_u32(2);
}

/// Assay time: block numbers, less those of the blocks that a test says were full.
pub struct TestTime;

impl AssayTime<u64> for TestTime {
    fn now() -> u64 {
        System::block_number().saturating_sub(FullBlocks::get())
    }
}

impl pallet_workers::Config for Test {
    type RuntimeHoldReason = RuntimeHoldReason;
    type Currency = Balances;
    type Models = Numbered;
    type MinStake = ConstU64<MIN_STAKE>;
    type StakeFloor = ConstU64<FLOOR>;
    type StakePerPrice = StakePerPrice;
    type MaxDeadline = ConstU64<MAX_DEADLINE>;
    type MinWindow = ConstU64<MIN_WINDOW>;
    type MaxWindow = ConstU64<MAX_WINDOW>;
    type OfferDelay = OfferDelay;
    type RestBlocks = RestBlocks;
    type UnbondingBlocks = ConstU64<UNBONDING_BLOCKS>;
    type LongestJob = LongestJob;
    type SlashDelay = ConstU64<SLASH_DELAY>;
    type SlashCancelOrigin = EnsureRoot<u64>;
    type Time = TestTime;
    type WeightInfo = ();
}

/// Parts that say nothing, which workers do not ask about.
fn nothing() -> ModelParts {
    let schema = Schema {
        symbols: Default::default(),
        inputs: Default::default(),
        outputs: Default::default(),
    };
    ModelParts {
        definition: DEFINITION_NUMBER,
        kind: ModelKind::Plain,
        head: ModelHead {
            operators: 1,
            nodes_root: [0; 32],
            weights_root: [0; 32],
        },
        outputs: vec![Value::Node(0); 0].try_into().expect("few outputs"),
        schema,
        precision: Precision::Int16,
        work: Polynomial::default(),
        trace_bytes: Polynomial::default(),
        manifest_hash: [0; 32],
    }
}

/// Parts of a model whose jobs have rows, each of them a billion units of work.
fn rows() -> ModelParts {
    let mut parts = nothing();
    let symbols = vec![SymbolRange {
        name: b"rows".to_vec().try_into().expect("short"),
        min: 1,
        max: MAX_ROWS,
    }];
    parts.schema.symbols = symbols.try_into().expect("one symbol");
    let term = Term {
        coefficient: 1_000_000_000,
        powers: [1, 0, 0, 0, 0, 0, 0, 0],
    };
    // A polynomial has no constructor beside its graph's; its encoding is its list of terms.
    parts.work = Polynomial::decode(&mut &vec![term].encode()[..]).expect("one term");
    parts
}

/// Every model below [`UNKNOWN_FROM`] has a version 1, and only [`OLD`] is deprecated.
pub struct Numbered;

impl ModelRegistry for Numbered {
    fn version(version: ModelVersion) -> Option<VersionInfo> {
        let known = version.model < UNKNOWN_FROM && version.version == 1;
        known.then(|| VersionInfo {
            root: H256::from_low_u64_be(version.model.into()),
            parts: if version == LETTERS { rows() } else { nothing() },
            active: version != OLD,
        })
    }

    fn is_active(version: ModelVersion) -> bool {
        Self::version(version).is_some_and(|info| info.active)
    }
}

/// Tells a story on a fresh chain, and checks the state after it.
pub fn story(tell: impl FnOnce()) {
    sp_io::TestExternalities::default().execute_with(|| {
        System::set_block_number(1);
        // Other stories on this thread may have set them.
        FullBlocks::set(0);
        OfferDelay::set(0);
        RestBlocks::set(0);
        for account in [ALICE, BOB, CHARLIE] {
            assert_ok!(Balances::mint_into(&account, ENDOWMENT));
        }
        tell();
        assert_ok!(Workers::do_try_state());
    });
}

pub fn advance_to(block: u64) {
    System::set_block_number(block);
}

/// Goes on to a block, with all the idle weight that the slashes could want in it.
pub fn idle_to(block: u64) {
    advance_to(block);
    Workers::on_idle(block, Weight::MAX);
}

pub fn signed(account: u64) -> RuntimeOrigin {
    RuntimeOrigin::signed(account)
}

/// `worker` registers with this stake.
pub fn register(worker: u64, stake: u64) {
    assert_ok!(Workers::register(signed(worker), stake));
}

/// Terms with this base and no rate, which every job fits.
pub fn at(base: u64) -> OfferTermsOf<Test> {
    OfferTermsOf::<Test> {
        base,
        rate: 0,
        min_deadline: 0,
        min_window: 0,
        max_window: MAX_WINDOW,
    }
}

/// A job of this work that is submitted now and fits every offer.
pub fn wanted(work: u64) -> JobTerms<u64> {
    JobTerms {
        work,
        deadline_blocks: MAX_DEADLINE,
        window_blocks: MAX_WINDOW,
        submitted_at: System::block_number(),
    }
}

/// `worker` offers `version` at this price, any number of jobs at once.
pub fn offer(worker: u64, version: ModelVersion, price: u64) {
    assert_ok!(Workers::publish_offer(signed(worker), version, at(price), u32::MAX));
}

/// `worker` bids on a job on [`DIGITS`] with this ceiling, of which twice as much is locked.
pub fn bid(worker: u64, ceiling: u64) -> Result<u64, Unavailable> {
    <Workers as WorkerRegistry<_, _>>::take(&worker, DIGITS, Purpose::Bid { ceiling })
}

/// `worker` gets a job on [`DIGITS`] at this price, of which twice as much is locked.
pub fn job(worker: u64, price: u64) -> Result<u64, Unavailable> {
    <Workers as WorkerRegistry<_, _>>::take(&worker, DIGITS, Purpose::Job { price })
}

/// The end of a job that locks `stake` of a worker's stake on [`DIGITS`].
pub fn release(worker: u64, stake: u64, outcome: Outcome<u64, u64>) -> Result<Released<u64>, DispatchError> {
    let lock = Lock {
        worker: &worker,
        model: DIGITS,
        stake,
    };
    Workers::release(lock, outcome)
}

/// A missed deadline, of whose cost the beneficiary is to be paid `paid`.
pub fn missed(beneficiary: u64, paid: u64, burned: u64) -> Outcome<u64, u64> {
    Outcome::Missed {
        beneficiary,
        cost: Slashed { paid, burned },
    }
}

pub fn model(model: u32) -> ModelVersion {
    ModelVersion { model, version: 1 }
}

pub fn held(who: u64) -> u64 {
    Balances::balance_on_hold(&RuntimeHoldReason::Workers(pallet_workers::HoldReason::Stake), &who)
}

pub fn free(who: u64) -> u64 {
    Balances::balance(&who)
}

pub fn issuance() -> u64 {
    Balances::total_issuance()
}

/// The worker's status, stake and locked stake.
pub fn record(worker: u64) -> Option<(WorkerStatus, u64, u64)> {
    crate::Workers::<Test>::get(worker).map(|record| (record.status, record.stake, record.locked))
}

/// Workers and prices in the book of a version.
pub fn book(version: ModelVersion) -> Vec<(u64, u64)> {
    Workers::offers(version)
        .into_iter()
        .map(|offer| (offer.worker, offer.terms.base))
        .collect()
}
