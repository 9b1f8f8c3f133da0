//! A runtime with all of Assay's pallets, and the words in which the stories of disputes are told.

use crate::{self as pallet_disputes, HoldReason};
use assay_exact::judge::Proof;
use assay_player::{Execution, committed, opening, trace_digest};
use assay_types::{
    AssayTime, Delivery, H256, HostBlake2, JobId, JobInput, JobRequest, Matching, ModelParts, ModelVersion, OfferTerms,
    Phase, SlashId,
    dispute::{Committed, Dispute, FindingOpening, Game, Place, Revealed, Statement, commitment},
};
use polkadot_sdk::{
    frame_support::{
        assert_ok, derive_impl, dispatch, parameter_types,
        traits::{
            ConstU32, ConstU64, Hooks,
            fungible::{HoldConsideration, Inspect, InspectHold, Mutate},
        },
        weights::Weight,
    },
    frame_system::{self, EnsureRoot, mocking::MockBlock},
    pallet_balances, sp_io,
    sp_runtime::{BuildStorage, DispatchResult, FixedU128, Perbill, TryRuntimeError, traits::Convert},
};
use std::cell::Cell;

mod jobs;
pub use jobs::*;

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
    #[runtime::pallet_index(53)]
    pub type Disputes = pallet_disputes;
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
    pub const BondPerStake: Perbill = Perbill::from_percent(5);
    pub const Half: Perbill = Perbill::from_percent(50);
    pub const ToChallenger: Perbill = Perbill::from_percent(30);
    pub const ToClient: Perbill = Perbill::from_percent(20);
    pub const LateFee: Perbill = Perbill::from_percent(10);
    pub const Quarter: Perbill = Perbill::from_percent(25);
    /// Price of one unit of work.
    pub static PriceOfWork: u64 = 0;
    /// Blocks that were full, which Assay time does not count.
    pub static FullBlocks: u64 = 0;
}

/// Costs of a game: its work, and no fees.
pub struct GameCost;

impl Convert<u64, u64> for GameCost {
    fn convert(work: u64) -> u64 {
        work.saturating_mul(PriceOfWork::get())
    }
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
    type RetirementBlocks = ConstU64<100_000>;
    type LongestJob = pallet_market::LongestJob<Test>;
    type Time = TestTime;
    type WeightInfo = ();
}

impl pallet_workers::Config for Test {
    type RuntimeHoldReason = RuntimeHoldReason;
    type Currency = Balances;
    type Models = Models;
    type MinStake = ConstU64<MIN_STAKE>;
    type StakeFloor = ConstU64<50>;
    type StakePerPrice = StakePerPrice;
    type MaxDeadline = ConstU64<50>;
    type MinWindow = ConstU64<2>;
    type MaxWindow = ConstU64<100>;
    type OfferDelay = ConstU64<0>;
    type RestBlocks = ConstU64<0>;
    type UnbondingBlocks = ConstU64<100_000>;
    type LongestJob = pallet_market::LongestJob<Test>;
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
    type BidDeposit = ConstU64<7>;
    type MinDeadline = ConstU64<2>;
    type MaxDeadline = ConstU64<50>;
    type MinWindow = ConstU64<2>;
    type MaxWindow = ConstU64<100>;
    type MinAuctionPhase = ConstU64<2>;
    type MaxAuctionPhase = ConstU64<20>;
    type DisputeAllowance = crate::LongestDispute<Test>;
    type NonDeliverySlash = NonDeliverySlash;
    type MissCompensation = ConstU64<1>;
    type DeclineSlash = DeclineSlash;
    type Time = TestTime;
    type WeightInfo = ();
    type Police = ();
    type DrawBlocks = ConstU64<1>;
    type ClaimBlocks = ConstU64<5>;
    type DemandBlocks = ConstU64<5>;
    type DemandByteDeposit = ConstU64<1>;
    type DemandPieceDeposit = ConstU64<1>;
    type LateClaimBlocks = ConstU64<5>;
    type AuditAllowance = ConstU64<50>;
}

impl pallet_disputes::Config for Test {
    type RuntimeHoldReason = RuntimeHoldReason;
    type Currency = Balances;
    type Claims = Market;
    type LeastBond = ConstU64<LEAST_BOND>;
    type BondPerStake = BondPerStake;
    type GameCost = GameCost;
    type LostBondToWorker = Half;
    type FaultSlash = Half;
    type SlashToChallenger = ToChallenger;
    type SlashToClient = ToClient;
    type LateFee = LateFee;
    type LeastLateFee = ConstU64<LEAST_LATE_FEE>;
    type LateFeeToChallenger = Quarter;
    type LateAnswerBlocks = ConstU64<LATE_ANSWER>;
    type AwardBlocks = ConstU64<AWARD>;
    type CalledDisputes = ConstU32<{ CALLED as u32 }>;
    type ClockBlocks = ConstU64<CLOCK>;
    type ChallengerClockBlocks = ConstU64<CHALLENGER_CLOCK>;
    type LeastTurnBlocks = ConstU64<LEAST_TURN>;
    type ReopenBlocks = ConstU64<REOPEN>;
    type Time = TestTime;
    type WeightInfo = ();
}

pub const CLIENT: u64 = 1;
pub const WORKER: u64 = 2;
pub const CHALLENGER: u64 = 3;
pub const SECOND: u64 = 4;
pub const PUBLISHER: u64 = 5;
/// Accounts from here on have money as well.
pub const CROWD: u64 = 100;
pub const CROWD_SIZE: u64 = 10;

pub const ENDOWMENT: u64 = 10_000_000;
pub const STAKE: u64 = 20_000;
pub const MIN_STAKE: u64 = 1_000;
pub const PRICE: u64 = 100;
pub const LOCKED: u64 = 10 * PRICE;
pub const CEILING: u64 = 150;
pub const WINDOW: u64 = 20;
pub const LEAST_BOND: u64 = 40;
/// 5 % of what the job locks.
pub const BOND: u64 = 50;
pub const CLOCK: u64 = 30;
pub const CHALLENGER_CLOCK: u64 = 20;
/// Enough for a whole game, which is what a day is on a real chain.
pub const LATE_ANSWER: u64 = 140;
pub const LEAST_LATE_FEE: u64 = 60;
/// 10 % of what the job locks, of which the challenger gets a quarter.
pub const LATE_FEE: u64 = LOCKED / 10;
pub const AWARD: u64 = 12;
/// Disputes of one worker whose clocks run.
pub const CALLED: usize = 4;
pub const LEAST_TURN: u64 = 4;
pub const REOPEN: u64 = 10;
pub const SLASH_DELAY: u64 = 15;

/// A chain with a worker on it.
pub struct TestExt(sp_io::TestExternalities);

impl TestExt {
    pub fn new() -> Self {
        let storage = frame_system::GenesisConfig::<Test>::default()
            .build_storage()
            .expect("genesis is valid");
        let mut ext = Self(storage.into());
        ext.0.execute_with(|| {
            System::set_block_number(1);
            pallet_market::AgendaCursor::<Test>::put(1);
            let crowd = CROWD..CROWD + CROWD_SIZE;
            for account in [CLIENT, WORKER, CHALLENGER, SECOND, PUBLISHER].into_iter().chain(crowd) {
                assert_ok!(Balances::mint_into(&account, ENDOWMENT));
            }
            assert_ok!(Workers::register(signed(WORKER), STAKE));
        });
        ext
    }

    /// Tells the story, and checks the state and the money after it.
    pub fn execute_with<R>(mut self, story: impl FnOnce() -> R) -> R {
        self.0.execute_with(|| {
            System::reset_events();
            BURNED.set(0);
            let issued = Balances::total_issuance();
            let told = story();
            check();
            assert_eq!(
                Balances::total_issuance() + burned(),
                issued,
                "money came from nowhere, or went there"
            );
            told
        })
    }
}

/// Every pallet's invariants.
pub fn check() {
    let checked: Result<(), TryRuntimeError> = Models::do_try_state()
        .and_then(|()| Workers::do_try_state())
        .and_then(|()| Market::do_try_state())
        .and_then(|()| Disputes::do_try_state());
    assert_ok!(checked);
}

pub fn signed(account: u64) -> RuntimeOrigin {
    RuntimeOrigin::signed(account)
}

/// A challenge of somebody that has executed nothing.
pub fn challenge(challenger: u64, job: JobId) -> DispatchResult {
    Disputes::challenge(signed(challenger), job, H256::zero())
}

/// The salt of an account's commitments.
pub fn salt(account: u64) -> [u8; 32] {
    [account as u8; 32]
}

/// A challenge of somebody that has made this execution.
pub fn challenge_as_finder(challenger: u64, job: JobId, execution: &dyn Execution) -> DispatchResult {
    let sealed = commitment::<HostBlake2, _>(job, &challenger, &trace_digest(execution), &salt(challenger));
    Disputes::challenge(signed(challenger), job, sealed)
}

/// Opening of an element by somebody that has made this execution.
pub fn finding(challenger: u64, execution: &dyn Execution, operator: u32, element: u64) -> FindingOpening {
    opening(execution, operator, element, salt(challenger)).expect("it is in memory")
}

pub fn claim_award(challenger: u64, slash: SlashId, finding: FindingOpening) -> DispatchResult {
    Disputes::claim_award(signed(challenger), slash, Box::new(finding))
        .map(|_| ())
        .map_err(|error| error.error)
}

pub fn reveal(job: JobId, statement: Statement) -> DispatchResult {
    Disputes::reveal(signed(WORKER), job, Box::new(statement))
}

pub fn answer_late(job: JobId, statement: Statement) -> DispatchResult {
    Disputes::answer_late(signed(WORKER), job, Box::new(statement))
}

pub fn point(challenger: u64, job: JobId, place: Place, entry: u32) -> DispatchResult {
    Disputes::point(signed(challenger), job, place, entry)
}

pub fn prove(challenger: u64, job: JobId, proof: Proof, element: u64) -> DispatchResult {
    prove_with(challenger, job, proof, element, None)
}

pub fn prove_with(
    challenger: u64,
    job: JobId,
    proof: Proof,
    element: u64,
    finding: Option<FindingOpening>,
) -> DispatchResult {
    let finding = finding.map(Box::new);
    Disputes::prove(signed(SECOND), job, challenger, Box::new(proof), element, finding)
        .map(|_| ())
        .map_err(|error| error.error)
}

pub fn timeout(challenger: u64, job: JobId) -> dispatch::DispatchResultWithPostInfo {
    Disputes::claim_timeout(signed(SECOND), job, challenger)
}

pub fn dispute(job: JobId) -> Option<Dispute<u64, u64, u64>> {
    Disputes::dispute(job)
}

pub fn game(job: JobId, challenger: u64) -> Game<u64, u64, u64> {
    let dispute = dispute(job).expect("is disputed");
    let mut games = dispute.games.into_iter();
    games.find(|game| game.challenger == challenger).expect("plays")
}

pub fn revealed(job: JobId, place: Place) -> Option<Revealed> {
    Disputes::revealed(job, place)
}

pub fn now() -> u64 {
    TestTime::now()
}

/// Goes on for this many blocks that others fill.
pub fn stuff(blocks: u64) {
    for _ in 0..blocks {
        FullBlocks::set(FullBlocks::get() + 1);
        advance(1);
    }
}

pub fn advance(blocks: u64) {
    for _ in 0..blocks {
        let number = System::block_number() + 1;
        System::set_block_number(number);
        Market::on_idle(number, Weight::MAX);
        Workers::on_idle(number, Weight::MAX);
        Disputes::on_idle(number, Weight::MAX);
    }
}

/// Goes on until the turn of this game is over.
pub fn run_down(job: JobId, challenger: u64) {
    let deadline = game(job, challenger).clock.deadline;
    advance((deadline + 1).saturating_sub(now()));
}

/// Says that the worker is late, and waits until it cannot answer.
pub fn run_out(job: JobId, challenger: u64) {
    run_down(job, challenger);
    assert_ok!(timeout(challenger, job));
    let until = dispute(job).and_then(|dispute| dispute.late_until).expect("is late");
    advance(until + 1 - now());
}

/// Stake of the worker.
pub fn stake() -> u64 {
    Workers::worker_info(&WORKER).expect("is registered").stake
}

/// The worker's stake as it was before its slashes were applied, and the worker takes jobs again.
pub fn start_again() {
    if stake() < STAKE {
        assert_ok!(Workers::bond_more(signed(WORKER), STAKE - stake()));
        // One that was not convicted is not paused.
        let _is_active = Workers::resume(signed(WORKER)).is_err();
    }
}

pub fn phase(job: JobId) -> Option<Phase> {
    pallet_market::Jobs::<Test>::get(job).map(|job| job.state.phase())
}

/// Free and held together.
pub fn balance(account: u64) -> u64 {
    Balances::total_balance(&account)
}

pub fn bonded(account: u64) -> u64 {
    Balances::balance_on_hold(&HoldReason::Bond.into(), &account)
}

pub fn events() -> Vec<crate::Event<Test>> {
    let records = System::events().into_iter();
    records
        .filter_map(|record| match record.event {
            RuntimeEvent::Disputes(event) => Some(event),
            _ => None,
        })
        .collect()
}

thread_local! {
    /// Amount that was burned before the events were reset.
    static BURNED: Cell<u64> = const { Cell::new(0) };
}

/// Amount that was burned so far, as the events say.
fn burned() -> u64 {
    let burned = System::events().into_iter().map(|record| match record.event {
        RuntimeEvent::Workers(pallet_workers::Event::Slashed { burned, .. })
        | RuntimeEvent::Workers(pallet_workers::Event::SlashApplied { burned, .. })
        | RuntimeEvent::Disputes(crate::Event::ChallengeFailed { burned, .. }) => burned,
        _ => 0,
    });
    burned.sum::<u64>() + BURNED.get()
}

/// Forgets the events, which would become too many to look through, but not what was burned.
pub fn settle_events() {
    BURNED.set(burned());
    System::reset_events();
}
