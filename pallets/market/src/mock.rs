//! A runtime with the real pallets for models and workers, and the words in which the stories are told.

use crate::{self as pallet_market, AgendaCursor, HoldReason, Jobs, LongestJob};
use assay_types::{
    AssayTime, Claims, CloseReason, Delivery, H256, HostBlake2, JobId, JobInput, JobRequest, JobState, Lock, Matching,
    ModelVersion, OfferTerms, Outcome, Payload, Phase, Purpose, WorkerRegistry, bid_commitment,
};
pub use claims::*;
pub use model::{generation, parts, root};
use polkadot_sdk::{
    frame_support::{
        assert_ok, derive_impl, ensure, parameter_types,
        traits::{
            ConstU64, Hooks,
            fungible::{HoldConsideration, Inspect, InspectHold, Mutate},
        },
        weights::Weight,
    },
    frame_system::{self, EnsureRoot, mocking::MockBlock},
    pallet_balances, sp_io,
    sp_runtime::{BuildStorage, FixedU128, Perbill, TryRuntimeError},
};

mod claims;
mod model;

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
    #[runtime::pallet_index(50)]
    pub type Models = pallet_models;
    #[runtime::pallet_index(51)]
    pub type Workers = pallet_workers;
    #[runtime::pallet_index(52)]
    pub type Market = pallet_market;
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
    type Block = MockBlock<Test>;
    type AccountData = pallet_balances::AccountData<u64>;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
    type AccountStore = System;
    type RuntimeHoldReason = RuntimeHoldReason;
}

parameter_types! {
    pub const RegistrationHold: RuntimeHoldReason = RuntimeHoldReason::Models(pallet_models::HoldReason::Registration);
    pub StakePerPrice: FixedU128 = FixedU128::from_u32(10);
    pub const NonDeliverySlash: Perbill = Perbill::from_percent(20);
    pub const DeclineSlash: Perbill = Perbill::from_percent(2);
    /// Blocks until a new offer takes effect: none, but in the stories about it.
    pub static OfferDelay: u64 = 0;
    /// Blocks of a worker's first rest: none, but in the stories about it.
    pub static RestBlocks: u64 = 0;
    /// Blocks that were full, which Assay time does not count.
    pub static FullBlocks: u64 = 0;
}

/// Assay time: block numbers, less those of the blocks that a test says were full.
pub struct TestTime;

impl AssayTime<u64> for TestTime {
    fn now() -> u64 {
        System::block_number().saturating_sub(FullBlocks::get())
    }
}

impl pallet_models::Config for Test {
    type Consideration = HoldConsideration<
        u64,
        Balances,
        RegistrationHold,
        pallet_models::VersionDeposit<ConstU64<10>, ConstU64<1>, u64>,
    >;
    type RetirementBlocks = ConstU64<1_000>;
    type LongestJob = LongestJob<Test>;
    type Time = TestTime;
    type WeightInfo = ();
}

impl pallet_workers::Config for Test {
    type RuntimeHoldReason = RuntimeHoldReason;
    type Currency = Balances;
    type Models = Models;
    type MinStake = ConstU64<1_000>;
    type StakeFloor = ConstU64<50>;
    type StakePerPrice = StakePerPrice;
    type MaxDeadline = ConstU64<50>;
    type MinWindow = ConstU64<2>;
    type MaxWindow = ConstU64<100>;
    type OfferDelay = OfferDelay;
    type RestBlocks = RestBlocks;
    type UnbondingBlocks = ConstU64<1_000>;
    type LongestJob = LongestJob<Test>;
    type SlashDelay = ConstU64<SLASH_DELAY>;
    type SlashCancelOrigin = EnsureRoot<u64>;
    type Time = TestTime;
    type WeightInfo = ();
}

impl pallet_market::Config for Test {
    type RuntimeHoldReason = RuntimeHoldReason;
    type Currency = Balances;
    type Models = Models;
    type Workers = Workers;
    type BidDeposit = ConstU64<BID_DEPOSIT>;
    type MinDeadline = ConstU64<2>;
    type MaxDeadline = ConstU64<50>;
    type MinWindow = ConstU64<2>;
    type MaxWindow = ConstU64<100>;
    type MinAuctionPhase = ConstU64<2>;
    type MaxAuctionPhase = ConstU64<20>;
    type DemandBlocks = ConstU64<DEMAND>;
    type DemandByteDeposit = ConstU64<2>;
    type DemandPieceDeposit = ConstU64<5>;
    type DisputeAllowance = ConstU64<100>;
    type Police = ();
    type DrawBlocks = ConstU64<DRAW>;
    type ClaimBlocks = ConstU64<CLAIM>;
    type LateClaimBlocks = ConstU64<LATE_CLAIM>;
    type AuditAllowance = ConstU64<100>;
    type NonDeliverySlash = NonDeliverySlash;
    type MissCompensation = ConstU64<COMPENSATION>;
    type DeclineSlash = DeclineSlash;
    type Time = TestTime;
    type WeightInfo = ();
}

pub type Request = JobRequest<u64, u64>;

pub const CLIENT: u64 = 1;
pub const CHEAP: u64 = 2;
pub const DEAR: u64 = 3;
pub const THIRD: u64 = 4;
pub const PUBLISHER: u64 = 5;

pub const ENDOWMENT: u64 = 1_000_000;
pub const STAKE: u64 = 10_000;
pub const BID_DEPOSIT: u64 = 7;
pub const DEADLINE: u64 = 5;
pub const WINDOW: u64 = 8;
pub const BIDDING: u64 = 3;
pub const REVEAL: u64 = 4;
pub const SLASH_DELAY: u64 = 10;
/// Blocks until a seed is expected, and those that a worker has then for its claim, without and with an audit.
pub const DRAW: u64 = 2;
pub const CLAIM: u64 = 4;
pub const LATE_CLAIM: u64 = 9;
/// Blocks that a worker has for a demanded output, and the deposit for it.
pub const DEMAND: u64 = 20;
pub const DEMAND_DEPOSIT: u64 = 2 * OUTPUT_BYTES as u64 + 5;
pub const SALT: [u8; 32] = [5; 32];
/// Amount that a client gets for a missed deadline.
pub const COMPENSATION: u64 = 3;
pub const NON_DELIVERY: Perbill = Perbill::from_percent(20);
pub const DECLINE: Perbill = Perbill::from_percent(2);

/// The model of the stories takes `batch` rows of four bytes and gives as many rows of a hundred. Each row is a billion
/// units of work.
pub const MODEL: ModelVersion = ModelVersion { model: 0, version: 1 };
pub const MAX_BATCH: u32 = 200;
pub const INPUT_BYTES: usize = 4;
pub const OUTPUT_BYTES: usize = 100;
/// Maximum length of a sequence of the model that generates.
pub const MAX_SEQUENCE: u32 = 8;

/// A chain with a model on it, and the workers that the story needs.
pub struct TestExt(sp_io::TestExternalities);

impl TestExt {
    pub fn new() -> Self {
        let storage = frame_system::GenesisConfig::<Test>::default()
            .build_storage()
            .expect("genesis is valid");
        let mut ext = Self(storage.into());
        ext.0.execute_with(|| {
            System::set_block_number(1);
            AgendaCursor::<Test>::put(1);
            // Other stories on this thread may have set them.
            OfferDelay::set(0);
            RestBlocks::set(0);
            for account in [CLIENT, CHEAP, DEAR, THIRD, PUBLISHER] {
                assert_ok!(Balances::mint_into(&account, ENDOWMENT));
            }
            assert_ok!(Models::register(
                signed(PUBLISHER),
                b"rows".to_vec().try_into().expect("short"),
                parts()
            ));
        });
        ext
    }

    pub fn endow(mut self, account: u64) -> Self {
        self.0.execute_with(|| {
            assert_ok!(Balances::mint_into(&account, ENDOWMENT));
        });
        self
    }

    pub fn worker(mut self, worker: u64) -> Self {
        self.0.execute_with(|| {
            assert_ok!(Workers::register(signed(worker), STAKE));
        });
        self
    }

    pub fn offer(self, worker: u64, price: u64, capacity: u32) -> Self {
        self.terms(worker, at(price), capacity)
    }

    pub fn terms(mut self, worker: u64, terms: OfferTerms<u64, u64>, capacity: u32) -> Self {
        self = self.worker(worker);
        self.0.execute_with(|| {
            assert_ok!(Workers::publish_offer(signed(worker), MODEL, terms, capacity));
        });
        self
    }

    /// Tells the story, and checks the state after it.
    pub fn execute_with(mut self, story: impl FnOnce()) {
        self.0.execute_with(|| {
            System::reset_events();
            let issued = Balances::total_issuance();
            story();
            assert_ok!(check());
            assert_eq!(
                Balances::total_issuance() + burned(),
                issued,
                "money came from nowhere, or went there"
            );
        });
    }
}

pub fn check() -> Result<(), TryRuntimeError> {
    Models::do_try_state()?;
    Workers::do_try_state()?;
    Market::do_try_state()?;
    // Nothing but the market locks stake here.
    let locked = Market::locked_stake();
    for account in frame_system::Account::<Test>::iter_keys() {
        let recorded = locked.get(&account).copied().unwrap_or_default();
        ensure!(
            <Workers as WorkerRegistry<u64, u64>>::locked(&account) == recorded,
            "locked stake differs from the records"
        );
    }
    Ok(())
}

/// Terms with this base and no rate, which every job fits.
pub fn at(base: u64) -> OfferTerms<u64, u64> {
    OfferTerms {
        base,
        rate: 0,
        min_deadline: 0,
        min_window: 0,
        max_window: 100,
    }
}

pub fn signed(account: u64) -> RuntimeOrigin {
    RuntimeOrigin::signed(account)
}

pub fn inline(values: &[u32], bytes: usize) -> JobInput {
    JobInput::Inline(Payload {
        symbols: values.to_vec(),
        bytes: vec![1; bytes],
    })
}

pub fn by_digest() -> JobInput {
    JobInput::Digest {
        digest: H256::repeat_byte(9),
        symbols: vec![1],
    }
}

/// One row, by standing offers.
pub fn request(ceiling: u64) -> Request {
    Request {
        model: MODEL,
        input: inline(&[1], INPUT_BYTES),
        ceiling,
        matching: Matching::Offers,
        deadline_blocks: DEADLINE,
        window_blocks: WINDOW,
        delivery: Delivery::Digest,
    }
}

/// One row, by auction.
pub fn auction(ceiling: u64) -> Request {
    let matching = Matching::Auction {
        bidding_blocks: BIDDING,
        reveal_blocks: REVEAL,
    };
    Request {
        matching,
        ..request(ceiling)
    }
}

pub fn submit(request: Request) -> JobId {
    let job = crate::NextJobId::<Test>::get();
    assert_ok!(Market::submit(signed(CLIENT), request));
    job
}

pub fn commitment(worker: u64, job: JobId, price: u64) -> H256 {
    bid_commitment::<HostBlake2, _, _>(job, &worker, &price, &SALT)
}

pub fn commit(worker: u64, job: JobId, price: u64) {
    assert_ok!(Market::commit_bid(signed(worker), job, commitment(worker, job, price)));
}

pub fn reveal(worker: u64, job: JobId, price: u64) {
    assert_ok!(Market::reveal_bid(signed(worker), job, price, SALT));
}

pub fn now() -> u64 {
    System::block_number()
}

/// Goes on to a block, with all the idle weight that the agenda could want in each.
pub fn advance_to(block: u64) {
    while now() < block {
        System::set_block_number(now() + 1);
        Market::on_idle(now(), Weight::MAX);
        Workers::on_idle(now(), Weight::MAX);
    }
}

/// Goes on to the first block in which a phase that ended after `block` is over.
pub fn advance_past(block: u64) {
    advance_to(block + 1);
}

/// Goes on to a block in a chain that has no weight left for the agenda.
pub fn without_idle_to(block: u64) {
    System::set_block_number(block);
}

pub fn phase(job: JobId) -> Option<Phase> {
    Jobs::<Test>::get(job).map(|job| job.state.phase())
}

pub fn worker_of(job: JobId) -> Option<(u64, u64)> {
    let job = Jobs::<Test>::get(job)?;
    job.state
        .assignment()
        .map(|assignment| (assignment.worker, assignment.price))
}

pub fn held(reason: HoldReason, account: u64) -> u64 {
    Balances::balance_on_hold(&reason.into(), &account)
}

pub fn held_for_jobs(account: u64) -> u64 {
    held(HoldReason::Escrow, account)
}

pub fn free(account: u64) -> u64 {
    Balances::balance(&account)
}

/// Free and held together.
pub fn balance(account: u64) -> u64 {
    Balances::total_balance(&account)
}

pub fn locked(worker: u64) -> u64 {
    <Workers as WorkerRegistry<u64, u64>>::locked(&worker)
}

pub fn lock(price: u64) -> u64 {
    <Workers as WorkerRegistry<u64, u64>>::stake_for(price)
}

/// A worker loses what a job of this price locks, on a chain that knows nothing of that job; returns what was locked.
pub fn lose(
    worker: u64,
    price: u64,
    how: impl FnOnce(u64) -> Outcome<u64, u64>,
) -> Result<u64, assay_types::Unavailable> {
    let stake = Workers::take(&worker, MODEL, Purpose::Job { price })?;
    let lock = Lock {
        worker: &worker,
        model: MODEL,
        stake,
    };
    let outcome = how(stake);
    if matches!(outcome, Outcome::Convicted { .. }) {
        assert_ok!(Workers::release(lock, Outcome::Claimed));
    }
    assert_ok!(Workers::release(lock, outcome));
    Ok(stake)
}

pub fn stake(worker: u64) -> u64 {
    Workers::worker_info(&worker).expect("is registered").stake
}

pub fn market_events() -> Vec<crate::Event<Test>> {
    System::events()
        .into_iter()
        .filter_map(|record| match record.event {
            RuntimeEvent::Market(event) => Some(event),
            _ => None,
        })
        .collect()
}

/// Amount that was burned so far, as the events say: of stakes, and of the deposits of silent bidders.
pub fn burned() -> u64 {
    let burned = System::events().into_iter().map(|record| match record.event {
        RuntimeEvent::Workers(pallet_workers::Event::Slashed { burned, .. })
        | RuntimeEvent::Workers(pallet_workers::Event::SlashApplied { burned, .. }) => burned,
        RuntimeEvent::Market(crate::Event::BidForfeited { amount, .. }) => amount,
        _ => 0,
    });
    burned.sum()
}

/// A job that the cheap worker has claimed and somebody disputes.
pub fn disputed(request: Request) -> JobId {
    let job = submit(request);
    claim(CHEAP, job);
    assert_ok!(Market::dispute(job));
    job
}

/// The job is gone, and the event of its closing says why.
pub fn assert_closed(job: JobId, reason: CloseReason, worker: Option<u64>, paid: u64) {
    assert_eq!(phase(job), None);
    let client = CLIENT;
    assert!(market_events().contains(&crate::Event::JobClosed {
        job,
        client,
        reason,
        worker,
        paid
    }));
}

/// Corrupts the price of a claimed job, as a bug or a bad migration might.
pub fn overprice(id: JobId, price: u64) {
    Jobs::<Test>::mutate(id, |job| {
        if let Some(JobState::Claimed { assignment, .. }) = job.as_mut().map(|job| &mut job.state) {
            assignment.price = price;
        }
    });
    assert!(Jobs::<Test>::contains_key(id));
}
