//! A runtime with all of Assay's pallets, and the words in which the stories of sessions are told.

use crate::{self as pallet_sessions, HoldReason, Signed};
use assay_adversary::{InMemory, Random, graphs};
use assay_player::{Execution, committed};
use assay_types::{
    AssayTime, ClaimId, ClaimSource, H256, JobsAndReceipts, ModelVersion, Receipt, SessionId, SessionKey, SessionOffer,
    SessionRequest, SessionSignature, SessionTerms, Voucher, WorkerRegistry,
    dispute::{Committed, Dispute},
};
use polkadot_sdk::{
    frame_support::{
        assert_ok, derive_impl, ensure, parameter_types,
        traits::{
            ConstU32, ConstU64, Get, Hooks,
            fungible::{HoldConsideration, Inspect, InspectHold, Mutate},
        },
        weights::Weight,
    },
    frame_system::{self, EnsureRoot, mocking::MockBlock},
    pallet_balances,
    sp_core::{Pair, ed25519, sr25519},
    sp_io,
    sp_runtime::{BuildStorage, DispatchResult, FixedU128, Perbill, TryRuntimeError, traits::Convert},
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
    #[runtime::pallet_index(50)]
    pub type Models = pallet_models;
    #[runtime::pallet_index(51)]
    pub type Workers = pallet_workers;
    #[runtime::pallet_index(52)]
    pub type Market = pallet_market;
    #[runtime::pallet_index(53)]
    pub type Disputes = pallet_disputes;
    #[runtime::pallet_index(54)]
    pub type Sessions = pallet_sessions;
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
    pub const Tenth: Perbill = Perbill::from_percent(10);
    pub const BondPerStake: Perbill = Perbill::from_percent(5);
    pub const Half: Perbill = Perbill::from_percent(50);
    pub const ToChallenger: Perbill = Perbill::from_percent(30);
    pub const ToClient: Perbill = Perbill::from_percent(20);
    pub const Quarter: Perbill = Perbill::from_percent(25);
    /// Blocks that were full, which Assay time does not count.
    pub static FullBlocks: u64 = 0;
}

/// Hash of the first block of the mock chain.
pub struct Genesis;

impl Get<H256> for Genesis {
    fn get() -> H256 {
        GENESIS
    }
}

/// A game costs nothing here, so that bonds depend on locks alone.
pub struct Free;

impl Convert<u64, u64> for Free {
    fn convert(_work: u64) -> u64 {
        0
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
    type LongestJob = crate::LongestSession<Test>;
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
    type LongestJob = crate::LongestSession<Test>;
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
    type DisputeAllowance = pallet_disputes::LongestDispute<Test>;
    type NonDeliverySlash = Tenth;
    type MissCompensation = ConstU64<1>;
    type DeclineSlash = Tenth;
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
    type Claims = JobsAndReceipts<Market, Sessions>;
    type LeastBond = ConstU64<LEAST_BOND>;
    type BondPerStake = BondPerStake;
    type GameCost = Free;
    type LostBondToWorker = Half;
    type FaultSlash = Half;
    type SlashToChallenger = ToChallenger;
    type SlashToClient = ToClient;
    type LateFee = Tenth;
    type LeastLateFee = ConstU64<20>;
    type LateFeeToChallenger = Quarter;
    type LateAnswerBlocks = ConstU64<140>;
    type AwardBlocks = ConstU64<12>;
    type CalledDisputes = ConstU32<4>;
    type ClockBlocks = ConstU64<CLOCK>;
    type ChallengerClockBlocks = ConstU64<20>;
    type LeastTurnBlocks = ConstU64<4>;
    type ReopenBlocks = ConstU64<10>;
    type Time = TestTime;
    type WeightInfo = ();
}

impl pallet_sessions::Config for Test {
    type RuntimeHoldReason = RuntimeHoldReason;
    type Currency = Balances;
    type Time = TestTime;
    type Models = Models;
    type Workers = Workers;
    type Court = Disputes;
    type Genesis = Genesis;
    type MinLockPercent = ConstU32<100>;
    type MaxSessionBlocks = ConstU64<1_000>;
    type ClosingBlocks = ConstU64<CLOSING>;
    type MinWindow = ConstU64<2>;
    type MaxWindow = ConstU64<100>;
    type DisputeAllowance = pallet_disputes::LongestDispute<Test>;
    type FaultSlash = Half;
    type SlashToReporter = ToChallenger;
    type SlashToClient = ToClient;
    type ForceOrigin = EnsureRoot<u64>;
    type WeightInfo = ();
}

pub const CLIENT: u64 = 1;
pub const WORKER: u64 = 2;
pub const CHALLENGER: u64 = 3;
pub const OTHER: u64 = 4;
pub const PUBLISHER: u64 = 5;

pub const GENESIS: H256 = H256([9; 32]);
pub const ENDOWMENT: u64 = 1_000_000;
pub const MIN_STAKE: u64 = 1_000;
pub const STAKE: u64 = 20_000;
pub const BUDGET: u64 = 200;
/// Two and a half times the budget.
pub const LOCKED: u64 = 500;
pub const PRICE: u64 = 10;
/// Amount that a job of this price locks, and so a receipt that is disputed.
pub const RECEIPT_LOCK: u64 = 10 * PRICE;
pub const BLOCKS: u64 = 50;
pub const CLOSING: u64 = 10;
pub const WINDOW: u64 = 20;
pub const CLOCK: u64 = 30;
pub const LEAST_BOND: u64 = 40;
pub const SLASH_DELAY: u64 = 15;
pub const CAPACITY: u32 = 3;
pub const MODEL: ModelVersion = ModelVersion { model: 0, version: 1 };

pub const TERMS: SessionTerms<u64, u64> = SessionTerms {
    base: PRICE,
    rate: 0,
    min_budget: 100,
    max_budget: 1_000,
    lock_percent: 250,
    max_blocks: BLOCKS,
    window_blocks: WINDOW,
};

/// A chain with a model on it, and a worker that offers sessions on it.
pub struct TestExt(sp_io::TestExternalities);

impl TestExt {
    /// The model of this execution.
    pub fn with(execution: &InMemory) -> Self {
        let storage = frame_system::GenesisConfig::<Test>::default()
            .build_storage()
            .expect("genesis is valid");
        let mut ext = Self(storage.into());
        ext.0.execute_with(|| {
            System::set_block_number(1);
            FullBlocks::set(0);
            pallet_market::AgendaCursor::<Test>::put(1);
            crate::AgendaCursor::<Test>::put(1);
            for account in [CLIENT, WORKER, CHALLENGER, OTHER, PUBLISHER] {
                assert_ok!(Balances::mint_into(&account, ENDOWMENT));
            }
            let name = b"model".to_vec().try_into().expect("short");
            assert_ok!(Models::register(signed(PUBLISHER), name, execution.parts().clone()));
            assert_ok!(Workers::register(signed(WORKER), STAKE));
            assert_ok!(Sessions::publish_offer(signed(WORKER), MODEL, offer()));
        });
        ext
    }

    pub fn new() -> Self {
        Self::with(&execution())
    }

    /// Tells the story, and checks the state and the money after it.
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

/// Every pallet's invariants, and that stake is locked for sessions alone.
pub fn check() -> Result<(), TryRuntimeError> {
    Models::do_try_state()?;
    Workers::do_try_state()?;
    Market::do_try_state()?;
    Disputes::do_try_state()?;
    Sessions::do_try_state()?;
    let locked = Sessions::locked_stake();
    ensure!(
        locks() == locked.get(&WORKER).copied().unwrap_or_default(),
        "locked stake differs from the records"
    );
    Ok(())
}

/// A small model, executed.
pub fn execution() -> InMemory {
    graphs::random(&mut Random(1), 3)
}

pub fn signed(account: u64) -> RuntimeOrigin {
    RuntimeOrigin::signed(account)
}

pub fn workers_pair() -> sr25519::Pair {
    sr25519::Pair::from_seed(&[1; 32])
}

pub fn clients_pair() -> ed25519::Pair {
    ed25519::Pair::from_seed(&[2; 32])
}

pub fn offer() -> SessionOffer<u64, u64> {
    SessionOffer {
        terms: TERMS,
        key: SessionKey::Sr25519(workers_pair().public()),
        capacity: CAPACITY,
    }
}

pub fn request() -> SessionRequest<u64, u64, u64> {
    SessionRequest {
        worker: WORKER,
        model: MODEL,
        budget: BUDGET,
        blocks: BLOCKS,
        terms: TERMS,
        worker_key: offer().key,
        client_key: SessionKey::Ed25519(clients_pair().public()),
    }
}

pub fn open_as(request: SessionRequest<u64, u64, u64>) -> DispatchResult {
    Sessions::open(signed(CLIENT), Box::new(request))
}

pub fn open() -> SessionId {
    let id = crate::NextSessionId::<Test>::get();
    assert_ok!(open_as(request()));
    id
}

pub fn voucher(session: SessionId, owed: u64) -> Signed<Voucher<u64>> {
    let message = Voucher {
        genesis: GENESIS,
        session,
        owed,
    };
    let signature = SessionSignature::Ed25519(clients_pair().sign(&message.message()));
    Signed { message, signature }
}

pub fn redeem(session: SessionId, owed: u64) -> DispatchResult {
    Sessions::redeem(signed(WORKER), voucher(session, owed))
}

/// A receipt's words on an execution that the worker has made or pretends to have made.
pub fn unsigned(session: SessionId, sequence: u32, claim: &Committed) -> Receipt<u64, u64> {
    Receipt {
        genesis: GENESIS,
        session,
        sequence,
        model_root: claim.model_root,
        input_digest: claim.input_digest,
        output_digest: claim.output_digest,
        units: 1,
        owed: PRICE * (u64::from(sequence) + 1),
        block: now(),
    }
}

pub fn sign(message: Receipt<u64, u64>) -> Signed<Receipt<u64, u64>> {
    let signature = SessionSignature::Sr25519(workers_pair().sign(&message.message()));
    Signed { message, signature }
}

/// A receipt of an honest execution.
pub fn receipt(session: SessionId, sequence: u32) -> Signed<Receipt<u64, u64>> {
    sign(unsigned(session, sequence, &committed(&execution())))
}

pub fn challenge(challenger: u64, receipt: Signed<Receipt<u64, u64>>) -> DispatchResult {
    let symbols = execution().trace().symbols.clone();
    Sessions::challenge_receipt(signed(challenger), Box::new(receipt), symbols, H256::zero())
}

pub fn claim(session: SessionId, sequence: u32) -> ClaimId {
    let source = ClaimSource::Receipt { session, sequence };
    source.id().expect("it is within the bounds")
}

pub fn dispute(claim: ClaimId) -> Option<Dispute<u64, u64, u64>> {
    Disputes::dispute(claim)
}

pub fn session(id: SessionId) -> crate::SessionOf<Test> {
    Sessions::session(id).expect("it is not over")
}

pub fn now() -> u64 {
    TestTime::now()
}

pub fn advance(blocks: u64) {
    for _ in 0..blocks {
        without_idle(1);
        let number = System::block_number();
        Sessions::on_idle(number, Weight::MAX);
        Workers::on_idle(number, Weight::MAX);
        Disputes::on_idle(number, Weight::MAX);
    }
}

/// Goes on for this many blocks that others fill.
pub fn stuff(blocks: u64) {
    for _ in 0..blocks {
        FullBlocks::set(FullBlocks::get() + 1);
        advance(1);
    }
}

/// Goes on in a chain that has no weight left for the agenda.
pub fn without_idle(blocks: u64) {
    System::set_block_number(System::block_number() + blocks);
}

pub fn held(account: u64) -> u64 {
    Balances::balance_on_hold(&HoldReason::Budget.into(), &account)
}

/// Free and held together.
pub fn balance(account: u64) -> u64 {
    Balances::total_balance(&account)
}

/// The worker's locked stake.
pub fn locks() -> u64 {
    <Workers as WorkerRegistry<u64, u64>>::locked(&WORKER)
}

/// The worker's stake.
pub fn stake() -> u64 {
    Workers::worker_info(&WORKER).expect("is registered").stake
}

pub fn events() -> Vec<crate::Event<Test>> {
    let records = System::events().into_iter();
    records
        .filter_map(|record| match record.event {
            RuntimeEvent::Sessions(event) => Some(event),
            _ => None,
        })
        .collect()
}

/// Amount that was burned so far, as the events say.
fn burned() -> u64 {
    let burned = System::events().into_iter().map(|record| match record.event {
        RuntimeEvent::Workers(pallet_workers::Event::Slashed { burned, .. })
        | RuntimeEvent::Workers(pallet_workers::Event::SlashApplied { burned, .. })
        | RuntimeEvent::Disputes(pallet_disputes::Event::ChallengeFailed { burned, .. }) => burned,
        _ => 0,
    });
    burned.sum()
}
