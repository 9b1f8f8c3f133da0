//! A runtime with balances, workers and audits; models that are just numbers, seeds that a story chooses, and a court
//! that only listens.

use crate::{self as pallet_audits, Audit};
use assay_exact::{
    DEFINITION_NUMBER,
    graph::Value,
    judge::ModelHead,
    model::{ModelKind, Polynomial},
};
use assay_police::{Assurance, AuditRecord, DrawRules, LevyRules};
use assay_types::{
    AssayTime, ClaimId, H256, HostBlake2, ModelParts, ModelRegistry, ModelVersion, OfferTerms, Precision, Schema,
    audit::{AuditState, Police, Randomness, SealedClaim, SeniorCourt, seal},
    traits::VersionInfo,
};
use polkadot_sdk::{
    frame_support::{
        assert_ok, derive_impl, parameter_types,
        traits::{ConstU64, Hooks, fungible::Mutate},
        weights::Weight,
    },
    frame_system::{self, EnsureRoot, mocking::MockBlock},
    pallet_balances,
    sp_io::{self, hashing::blake2_256},
    sp_runtime::{DispatchResult, FixedU128, Perbill},
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
    #[runtime::pallet_index(55)]
    pub type Audits = pallet_audits;
}

pub const WORKER: u64 = 1;
pub const CLIENT: u64 = 2;
/// The workers that could audit, with the same stake.
pub const OTHERS: [u64; 3] = [3, 4, 5];
/// An account with money and no stake.
pub const OUTSIDER: u64 = 9;

pub const ENDOWMENT: u64 = 10_000_000;
pub const STAKE: u64 = 400_000;
/// Amount in the pool at the beginning of a story.
pub const FUND: u64 = 100_000;
/// The price of an ordinary claim, which is the full price of the rules.
pub const PRICE: u64 = 1_000;
/// Amount that such a claim locks.
pub const LOCK: u64 = 10 * PRICE;
/// Payment of an auditor for it.
pub const FEE: u64 = PRICE * 5 / 4;
/// Blocks after which a seed is known.
pub const DRAW: u64 = 3;
/// Blocks after which a seed is forgotten.
pub const MEMORY: u64 = 50;
/// Blocks that an auditor has for its answer.
pub const ANSWER: u64 = 10;
/// Blocks that auditors have for their openings.
pub const OPEN: u64 = 5;

pub const MODEL: ModelVersion = ModelVersion { model: 0, version: 1 };
pub const SALT: [u8; 32] = [7; 32];

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
    type Block = MockBlock<Test>;
    type AccountData = pallet_balances::AccountData<u64>;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
    type AccountStore = System;
    type ExistentialDeposit = ConstU64<10>;
    type RuntimeHoldReason = RuntimeHoldReason;
}

parameter_types! {
    /// Chance of a second auditor, in millionths.
    pub static Second: u32 = 0;
    /// Number that all seeds depend on.
    pub static Luck: u64 = 0;
    /// The accusations that the court has heard.
    pub static Accused: Vec<(u64, ClaimId, H256)> = Vec::new();
    /// Whether the court refuses accusations.
    pub static CourtIsFull: bool = false;
    /// A job locks ten times its price.
    pub StakePerPrice: FixedU128 = FixedU128::from_u32(10);
    pub Draw: DrawRules = DrawRules {
        base: 30_000,
        newcomer: 500_000,
        weight: 4_000,
        second: Second::get(),
        full_price: u128::from(PRICE),
    };
    pub Levy: LevyRules = LevyRules { levy: 50_000, fee: 1_250_000 };
    pub MissCost: Perbill = Perbill::from_percent(10);
    pub FaultSlash: Perbill = Perbill::from_percent(50);
    pub SlashToWorker: Perbill = Perbill::from_percent(20);
}

/// Assay time: block numbers.
pub struct TestTime;

impl AssayTime<u64> for TestTime {
    fn now() -> u64 {
        System::block_number()
    }
}

/// Seeds that are known after [`DRAW`] blocks and forgotten after [`MEMORY`].
pub struct Seeded;

impl Randomness<u64> for Seeded {
    fn seed(fixed_at: u64) -> Option<H256> {
        let known = System::block_number() >= fixed_at + DRAW && !Self::is_forgotten(fixed_at);
        let bytes = [fixed_at.to_le_bytes(), Luck::get().to_le_bytes()].concat();
        known.then(|| H256(blake2_256(&bytes)))
    }

    fn is_forgotten(fixed_at: u64) -> bool {
        System::block_number() > fixed_at + MEMORY
    }
}

/// A court that only listens.
pub struct Listener;

impl SeniorCourt<u64> for Listener {
    fn accuse(auditor: u64, claim: ClaimId, commitment: H256) -> DispatchResult {
        if CourtIsFull::get() {
            return Err("the queue is full".into());
        }
        Accused::mutate(|accused| accused.push((auditor, claim, commitment)));
        Ok(())
    }
}

impl pallet_workers::Config for Test {
    type RuntimeHoldReason = RuntimeHoldReason;
    type Currency = Balances;
    type Models = Numbered;
    type MinStake = ConstU64<1_000>;
    type StakeFloor = ConstU64<100>;
    type StakePerPrice = StakePerPrice;
    type MaxDeadline = ConstU64<50>;
    type MinWindow = ConstU64<2>;
    type MaxWindow = ConstU64<100>;
    type OfferDelay = ConstU64<0>;
    type RestBlocks = ConstU64<2>;
    type UnbondingBlocks = ConstU64<20>;
    type LongestJob = ConstU64<10>;
    type SlashDelay = ConstU64<6>;
    type SlashCancelOrigin = EnsureRoot<u64>;
    type Time = TestTime;
    type WeightInfo = ();
}

impl pallet_audits::Config for Test {
    type Currency = Balances;
    type Time = TestTime;
    type Randomness = Seeded;
    type Auditors = Workers;
    type Workers = Workers;
    type Court = Listener;
    type Draw = Draw;
    type Levy = Levy;
    type DrawBlocks = ConstU64<DRAW>;
    type AnswerBlocks = ConstU64<ANSWER>;
    type OpenBlocks = ConstU64<OPEN>;
    type MissCost = MissCost;
    type FaultSlash = FaultSlash;
    type SlashToWorker = SlashToWorker;
    type WeightInfo = ();
}

/// Every model has a version 1, of parts that nobody here asks about.
pub struct Numbered;

impl ModelRegistry for Numbered {
    fn version(version: ModelVersion) -> Option<VersionInfo> {
        let schema = Schema {
            symbols: Default::default(),
            inputs: Default::default(),
            outputs: Default::default(),
        };
        let parts = ModelParts {
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
        };
        (version.version == 1).then(|| VersionInfo {
            root: H256::from_low_u64_be(version.model.into()),
            parts,
            active: true,
        })
    }

    fn is_active(version: ModelVersion) -> bool {
        version.version == 1
    }
}

/// Tells a story on a fresh chain, and checks the state after it.
pub fn story(tell: impl FnOnce()) {
    sp_io::TestExternalities::default().execute_with(|| {
        System::set_block_number(1);
        // Other stories on this thread may have set them.
        Second::set(0);
        Luck::set(0);
        Accused::set(Vec::new());
        CourtIsFull::set(false);
        for account in [WORKER, CLIENT, OUTSIDER].into_iter().chain(OTHERS) {
            assert_ok!(Balances::mint_into(&account, ENDOWMENT));
        }
        for worker in [WORKER].into_iter().chain(OTHERS) {
            register(worker, STAKE);
        }
        assert_ok!(Audits::fund(signed(OUTSIDER), FUND));
        tell();
        check();
    });
}

/// Checks the state of both pallets.
pub fn check() {
    assert_ok!(Audits::do_try_state());
    assert_ok!(Workers::do_try_state());
}

/// An account becomes a worker with this stake, which offers [`MODEL`] at [`PRICE`].
pub fn register(worker: u64, stake: u64) {
    assert_ok!(Workers::register(signed(worker), stake));
    let terms = OfferTerms {
        base: PRICE,
        rate: 0,
        min_deadline: 0,
        min_window: 0,
        max_window: 100,
    };
    assert_ok!(Workers::publish_offer(signed(worker), MODEL, terms, 100));
}

pub fn signed(account: u64) -> RuntimeOrigin {
    RuntimeOrigin::signed(account)
}

/// Goes on by this many blocks, each with all the idle weight that the agenda could want.
pub fn advance(blocks: u64) {
    for _ in 0..blocks {
        let block = System::block_number() + 1;
        System::set_block_number(block);
        Audits::on_idle(block, Weight::MAX);
        check();
    }
}

/// Goes on by this many blocks without idle weight.
pub fn without_idle(blocks: u64) {
    System::set_block_number(System::block_number() + blocks);
}

/// The worker seals a claim of this price at this level.
pub fn sealed_at(claim: ClaimId, price: u64, assurance: Assurance) {
    let sealed = SealedClaim {
        client: CLIENT,
        worker: WORKER,
        model: MODEL,
        price,
        locked: 10 * price,
        work: 0,
        assurance,
        sealed_at: System::block_number(),
        hazard: Audits::hazard_now(&WORKER, price, 10 * price),
    };
    assert_ok!(<Audits as Police<_, _>>::sealed(claim, sealed));
}

/// The worker seals a claim, and an auditor is drawn for it.
pub fn drawn(claim: ClaimId) -> u64 {
    sealed_at(claim, PRICE, Assurance::Full);
    advance(DRAW + 1);
    auditor(claim)
}

/// The auditor that is waited for.
pub fn auditor(claim: ClaimId) -> u64 {
    let audit = audit(claim);
    assert!(matches!(audit.state, AuditState::Answering { .. }), "{:?}", audit.state);
    audit.auditors.last().expect("it waits for one").who
}

/// An auditor seals this answer.
pub fn answer(who: u64, claim: ClaimId, digest: H256) -> DispatchResult {
    Audits::answer(signed(who), claim, seal::<HostBlake2, _>(claim, &who, &digest, &SALT))
}

/// An auditor opens this answer, with a commitment to its trace.
pub fn open(who: u64, claim: ClaimId, digest: H256) -> DispatchResult {
    Audits::open(signed(who), claim, digest, SALT, Some(trace()))
}

/// The worker opens its claim.
pub fn opened(claim: ClaimId, digest: H256) -> DispatchResult {
    <Audits as Police<_, _>>::opened(claim, digest)
}

/// Has a claim audited up to its opening, by auditors that all give this answer; returns them.
pub fn audited(claim: ClaimId, answers: H256, says: H256) -> Vec<u64> {
    drawn(claim);
    while let AuditState::Answering { .. } = audit(claim).state {
        assert_ok!(answer(auditor(claim), claim, answers));
        advance(DRAW + 1);
    }
    assert_ok!(opened(claim, says));
    audit(claim).auditors.iter().map(|auditor| auditor.who).collect()
}

/// The right output.
pub fn right() -> H256 {
    H256::repeat_byte(1)
}

/// A wrong one.
pub fn wrong() -> H256 {
    H256::repeat_byte(2)
}

/// An auditor's commitment to its trace.
pub fn trace() -> H256 {
    H256::repeat_byte(9)
}

pub fn audit(claim: ClaimId) -> Audit<u64, u64, u64> {
    Audits::audit(claim).expect("the claim is sealed and not settled")
}

pub fn record(worker: u64) -> AuditRecord {
    Audits::record(worker)
}

pub fn free(who: u64) -> u64 {
    Balances::free_balance(who)
}

/// Stake and lock of a worker.
pub fn stake(worker: u64) -> (u64, u64) {
    let record = pallet_workers::Workers::<Test>::get(worker).expect("it is a worker");
    (record.stake, record.locked)
}

/// Amounts in the pool, and set aside for auditors.
pub fn pool() -> (u64, u64) {
    (crate::Pool::<Test>::get(), crate::SetAside::<Test>::get())
}

pub fn events() -> Vec<crate::Event<Test>> {
    let records = System::events().into_iter();
    let ours = records.filter_map(|record| match record.event {
        RuntimeEvent::Audits(event) => Some(event),
        _ => None,
    });
    ours.collect()
}
