//! A chain to test on: a preset's state, with the first block opened.

use assay_runtime::{
    Audits, Block, Executive, Header, Market, Runtime, RuntimeCall, System, Time, TransactionPayment,
    UncheckedExtrinsic, signing,
};
use polkadot_sdk::{
    frame_metadata_hash_extension::CheckMetadataHash,
    frame_support::{dispatch::DispatchClass, traits::Hooks, weights::Weight},
    frame_system,
    sp_core::H256,
    sp_genesis_builder::{PresetId, runtime_decl_for_genesis_builder::GenesisBuilder},
    sp_io::TestExternalities,
    sp_keyring::Sr25519Keyring,
    sp_runtime::traits::Header as _,
};
use serde_json::Value;

/// The preset as JSON: what it says over the runtime's defaults.
pub fn genesis_config(preset: &str) -> Value {
    let read = |id: Option<PresetId>| -> Value {
        let json = <Runtime as GenesisBuilder<Block>>::get_preset(&id).expect("the preset is known");
        serde_json::from_slice(&json).expect("a preset is JSON")
    };
    let mut config = read(None);
    merge(&mut config, read(Some(preset.into())));
    config
}

/// The state that the preset builds.
pub fn genesis(preset: &str) -> TestExternalities {
    let mut state = TestExternalities::default();
    let config = serde_json::to_vec(&genesis_config(preset)).expect("JSON is written back");
    state
        .execute_with(|| <Runtime as GenesisBuilder<Block>>::build_state(config))
        .expect("the preset builds");
    state
}

/// The development state, in the middle of block 1: `test` may apply transactions.
pub fn in_first_block(test: impl FnOnce()) {
    genesis("development").execute_with(|| {
        let header = Header::new(1, H256::zero(), H256::zero(), genesis_hash(), Default::default());
        Executive::initialize_block(&header);
        test();
    });
}

/// Ends this block, as far as time, fees and due steps are concerned, and opens the next one.
pub fn next_block() {
    let number = System::block_number();
    Market::on_idle(number, Weight::MAX);
    Audits::on_idle(number, Weight::MAX);
    Time::on_finalize(number);
    TransactionPayment::on_finalize(number);
    let parent = H256::from_low_u64_be(number.into());
    let header = Header::new(number + 1, H256::zero(), H256::zero(), parent, Default::default());
    Executive::initialize_block(&header);
}

/// Lets blocks pass in which nothing happens.
pub fn pass(blocks: u32) {
    (0..blocks).for_each(|_| next_block());
}

/// The most that ordinary calls may weigh together in one block.
pub fn room() -> Weight {
    let limits = <Runtime as frame_system::Config>::BlockWeights::get();
    limits.get(DispatchClass::Normal).max_total.expect("blocks are bounded")
}

/// Fills this block with ordinary calls, as far as they may.
pub fn fill() {
    System::set_block_consumed_resources(room(), 0);
}

/// A transaction of `who` that asks the runtime to check the metadata's hash if `metadata_hash` says so.
pub fn signed(who: Sr25519Keyring, call: RuntimeCall, metadata_hash: CheckMetadataHash<Runtime>) -> UncheckedExtrinsic {
    let nonce = frame_system::Pallet::<Runtime>::account_nonce(who.to_account_id());
    signing::signed(who, call, (nonce, 0, genesis_hash()), metadata_hash)
}

fn genesis_hash() -> H256 {
    frame_system::Pallet::<Runtime>::block_hash(0)
}

fn merge(base: &mut Value, over: Value) {
    match (base, over) {
        (Value::Object(base), Value::Object(over)) => {
            for (key, value) in over {
                merge(base.entry(key).or_insert(Value::Null), value);
            }
        }
        (base, over) => *base = over,
    }
}
