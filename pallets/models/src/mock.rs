//! A runtime with nothing but balances and models.

use crate::{self as pallet_models, VersionDeposit};
use assay_exact::{
    DEFINITION_NUMBER,
    graph::Value,
    judge::ModelHead,
    model::{ModelKind, Polynomial},
};
use assay_types::{
    AssayTime, DataType, Dimension, H256, HostBlake2, ModelId, ModelParts, ModelVersion, Precision, Schema,
    TensorSchema, schema::SymbolRange,
};
use polkadot_sdk::{
    frame_support::{
        assert_ok, derive_impl, parameter_types,
        traits::{
            ConstU64,
            fungible::{HoldConsideration, InspectHold, Mutate},
        },
    },
    frame_system,
    frame_system::mocking::MockBlock,
    pallet_balances, sp_io,
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

/// Deposit for each version.
pub const PER_VERSION: u64 = 1_000;
/// Deposit for each byte.
pub const PER_BYTE: u64 = 1;
/// Blocks from a deprecation to the removal.
pub const RETIREMENT_BLOCKS: u64 = 20;
/// Balance of the accounts of the stories.
pub const ENDOWMENT: u64 = 1_000_000;

pub const ALICE: u64 = 1;
pub const BOB: u64 = 2;
/// Owns the existential deposit and no more.
pub const PAUPER: u64 = 3;

parameter_types! {
    pub const RegistrationHold: RuntimeHoldReason = RuntimeHoldReason::Models(pallet_models::HoldReason::Registration);
    pub static LongestJob: u64 = 10;
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
        VersionDeposit<ConstU64<PER_VERSION>, ConstU64<PER_BYTE>, u64>,
    >;
    type RetirementBlocks = ConstU64<RETIREMENT_BLOCKS>;
    type LongestJob = LongestJob;
    type Time = TestTime;
    type WeightInfo = ();
}

/// Tells a story on a fresh chain, and checks the state after it.
pub fn story(tell: impl FnOnce()) {
    sp_io::TestExternalities::default().execute_with(|| {
        System::set_block_number(1);
        for account in [ALICE, BOB] {
            assert_ok!(Balances::mint_into(&account, ENDOWMENT));
        }
        assert_ok!(Balances::mint_into(&PAUPER, 1));
        tell();
        assert_ok!(Models::do_try_state());
    });
}

pub fn advance_to(block: u64) {
    System::set_block_number(block);
}

/// A name of a model, or of something in a schema.
pub fn name<N: TryFrom<Vec<u8>>>(text: &str) -> N {
    let name = N::try_from(text.as_bytes().to_vec());
    name.unwrap_or_else(|_| panic!("names in tests are short"))
}

/// The parts of a model on this schema; each number has a graph of its own.
pub fn parts(number: u64, schema: Schema) -> ModelParts {
    ModelParts {
        definition: DEFINITION_NUMBER,
        kind: ModelKind::Plain,
        head: ModelHead {
            operators: 1,
            nodes_root: H256::from_low_u64_be(number).0,
            weights_root: [0; 32],
        },
        outputs: vec![Value::Node(0); schema.outputs.len()]
            .try_into()
            .expect("few outputs"),
        schema,
        precision: Precision::Int16,
        work: Polynomial::default(),
        trace_bytes: Polynomial::default(),
        manifest_hash: [0; 32],
    }
}

/// The root of the model with this number on digits.
pub fn root(number: u64) -> H256 {
    H256(parts(number, digits()).root::<HostBlake2>())
}

pub fn version(model: ModelId, version: u32) -> ModelVersion {
    ModelVersion { model, version }
}

/// Images of 8 by 8 to ten scores, in batches of 1 to 32.
pub fn digits() -> Schema {
    let tensor = |called: &str, dimensions: Vec<Dimension>| TensorSchema {
        name: name(called),
        data_type: DataType::Float32,
        dimensions: dimensions.try_into().expect("few dimensions"),
        range: None,
    };
    let batch = SymbolRange {
        name: name("batch"),
        min: 1,
        max: 32,
    };
    Schema {
        symbols: vec![batch].try_into().expect("one symbol"),
        inputs: vec![tensor("image", vec![Dimension::Symbol(0), Dimension::Fixed(64)])]
            .try_into()
            .expect("one input"),
        outputs: vec![tensor("scores", vec![Dimension::Symbol(0), Dimension::Fixed(10)])]
            .try_into()
            .expect("one output"),
    }
}

pub fn held(who: u64) -> u64 {
    Balances::balance_on_hold(&RegistrationHold::get(), &who)
}
