//! A development chain in memory, whose transactions are applied by the runtime's Wasm, as a node and a validator do
//! it. What a validator needs as proof is recorded where the runtime's native code applies them.

use anyhow::{Context, Result, anyhow, bail};
use assay_runtime::{
    Block, Executive, Header, Runtime, RuntimeCall, RuntimeEvent, Seeds, System, TransactionPayment,
    UncheckedExtrinsic, WASM_BINARY, signing,
};
use codec::{Decode, Encode};
use cumulus_primitives_proof_size_hostfunction::storage_proof_size;
use polkadot_sdk::{
    frame_metadata_hash_extension::CheckMetadataHash,
    frame_support::{dispatch::DispatchClass, weights::Weight},
    frame_system, pallet_transaction_payment,
    sp_core::{
        Blake2Hasher, H256,
        traits::{CallContext, CodeExecutor, RuntimeCode, WrappedRuntimeCode},
    },
    sp_crypto_hashing::blake2_256,
    sp_genesis_builder::{PresetId, runtime_decl_for_genesis_builder::GenesisBuilder},
    sp_io::{SubstrateHostFunctions, TestExternalities, storage},
    sp_keyring::Sr25519Keyring,
    sp_runtime::{
        ApplyExtrinsicResult,
        traits::Header as _,
        transaction_validity::{InvalidTransaction, TransactionValidityError},
    },
};
use rustix::time::{ClockId, clock_gettime};
use sc_executor::WasmExecutor;
use std::{sync::LazyLock, time::Duration};

/// Host functions that a collator offers to the Wasm.
type HostFunctions = (SubstrateHostFunctions, storage_proof_size::HostFunctions);

/// Shared, so that the Wasm is compiled once.
static EXECUTOR: LazyLock<WasmExecutor<HostFunctions>> = LazyLock::new(|| WasmExecutor::builder().build());

/// Relay blocks between those that are noted: more than the margin of seeds.
const RELAY_BLOCKS: u32 = 64;

/// A chain, and what executes it.
pub struct Chain {
    state: TestExternalities,
    executor: WasmExecutor<HostFunctions>,
    height: u32,
    relay_block: u32,
}

/// A transaction that was applied.
#[derive(Clone, Debug)]
pub struct Applied {
    /// The pallet's call, by name.
    pub call: &'static str,
    /// Length of the signed transaction.
    pub bytes: usize,
    /// Maximum weight by the pallet's word, with the weight of every transaction.
    pub weight: Weight,
    /// Weight that was charged in the end.
    pub charged: Weight,
    /// Fee that was paid, in the token's smallest unit.
    pub fee: u128,
    /// Processor time that the Wasm took to check its signature and to apply it.
    pub took: Duration,
}

impl Chain {
    /// The development preset's state.
    pub fn new() -> Result<Self> {
        let preset: PresetId = "development".into();
        let mut config: serde_json::Value = read_preset(None)?;
        merge(&mut config, read_preset(Some(preset))?);
        let config = serde_json::to_vec(&config)?;
        let mut state = TestExternalities::default();
        let built = state.execute_with(|| <Runtime as GenesisBuilder<Block>>::build_state(config));
        built.map_err(|error| anyhow!("the development preset does not build: {error}"))?;
        Ok(Self {
            state,
            executor: EXECUTOR.clone(),
            height: 0,
            relay_block: 0,
        })
    }

    /// Reads something natively, from the same state.
    pub fn read<R>(&mut self, query: impl FnOnce() -> R) -> R {
        self.state.execute_with(query)
    }

    /// Applies a call, in a block of its own.
    pub fn apply(&mut self, call: &'static str, who: Sr25519Keyring, of: impl Into<RuntimeCall>) -> Result<Applied> {
        self.open_block()?;
        let transaction = self.sign(who, of.into());
        let applied = self.apply_here(call, transaction)?;
        applied.with_context(|| format!("{call} does not fit into a block"))
    }

    /// Applies a transaction in the block that is open; nothing, if the block has no room for it. It fails if the
    /// transaction does.
    pub fn apply_here(&mut self, call: &'static str, transaction: UncheckedExtrinsic) -> Result<Option<Applied>> {
        let bytes = transaction.encode();
        let weight = self.read(|| {
            let info = TransactionPayment::query_info(transaction, bytes.len() as u32);
            info.weight
        });
        let before = self.block_weight();
        // As an author does it: a transaction that does not fit leaves no trace.
        self.read(storage::start_transaction);
        let began = processor_time();
        let answer = self.execute("BlockBuilder_apply_extrinsic", &bytes)?;
        let took = processor_time().saturating_sub(began);
        let result = ApplyExtrinsicResult::decode(&mut &answer[..])?;
        self.read(|| match result {
            Ok(_) => storage::commit_transaction(),
            Err(_) => storage::rollback_transaction(),
        });
        match result {
            Ok(Ok(())) => {}
            Ok(Err(error)) => bail!("{call} is refused: {error:?}"),
            Err(TransactionValidityError::Invalid(InvalidTransaction::ExhaustsResources)) => return Ok(None),
            Err(error) => bail!("{call} is not valid: {error:?}"),
        }
        let fees = self.events().into_iter().rev().find_map(|event| match event {
            RuntimeEvent::TransactionPayment(pallet_transaction_payment::Event::TransactionFeePaid {
                actual_fee,
                ..
            }) => Some(actual_fee),
            _ => None,
        });
        Ok(Some(Applied {
            call,
            bytes: bytes.len(),
            weight,
            charged: self.block_weight().saturating_sub(before),
            fee: fees.unwrap_or_default(),
            took,
        }))
    }

    /// Bytes of the proof with which a validator applies these transactions, compact as it travels. They are applied
    /// here as well, in the block that is open, by the runtime's native code. What was written before must be
    /// [committed](Self::commit).
    pub fn prove(&mut self, transactions: Vec<UncheckedExtrinsic>) -> Result<usize> {
        let root = *self.state.backend.root();
        let (results, proof) = self.state.execute_and_prove(|| {
            let results = transactions.into_iter().map(Executive::apply_extrinsic);
            results.collect::<Vec<_>>()
        });
        for result in results {
            let outcome = result.map_err(|error| anyhow!("a transaction is not valid: {error:?}"))?;
            outcome.map_err(|error| anyhow!("a transaction is refused: {error:?}"))?;
        }
        let bytes = proof.encoded_compact_size::<Blake2Hasher>(root);
        bytes.context("the proof is not one of this state")
    }

    /// Bytes of the proof of what a native query reads.
    pub fn prove_read<R>(&mut self, query: impl FnOnce() -> R) -> Result<usize> {
        let root = *self.state.backend.root();
        let (_, proof) = self.state.execute_and_prove(query);
        let bytes = proof.encoded_compact_size::<Blake2Hasher>(root);
        bytes.context("the proof is not one of this state")
    }

    /// Writes the changes since the last time to the trie, as the end of a block does; returns the processor time.
    pub fn commit(&mut self) -> Result<Duration> {
        let began = processor_time();
        let committed = self.state.commit_all();
        let took = processor_time().saturating_sub(began);
        committed.map_err(|error| anyhow!("the state cannot be committed: {error}"))?;
        Ok(took)
    }

    /// Weight of the calls of the open block so far.
    fn block_weight(&mut self) -> Weight {
        self.read(|| {
            let weight = System::block_weight();
            let classes = [DispatchClass::Normal, DispatchClass::Operational];
            classes
                .into_iter()
                .fold(Weight::zero(), |sum, class| sum.saturating_add(*weight.get(class)))
        })
    }

    /// Lets blocks pass in which nothing happens.
    pub fn pass(&mut self, blocks: u32) -> Result<()> {
        (0..blocks).try_for_each(|_| self.open_block())
    }

    /// Notes two relay blocks, which make the seeds of the moments before this one known if others were noted in them.
    pub fn note_relay_blocks(&mut self) {
        for _ in 0..2 {
            self.relay_block += RELAY_BLOCKS;
            let number = self.relay_block;
            self.read(|| Seeds::note(number, Some([1; 32])));
        }
    }

    /// The events of the block.
    pub fn events(&mut self) -> Vec<RuntimeEvent> {
        self.read(|| System::events().into_iter().map(|record| record.event).collect())
    }

    /// Bytes that the chain keeps under the prefix of a pallet.
    pub fn stored_bytes(&mut self, pallet: &str) -> usize {
        use polkadot_sdk::sp_crypto_hashing::twox_128;
        self.read(|| {
            let prefix = twox_128(pallet.as_bytes());
            let (mut bytes, mut key) = (0, prefix.to_vec());
            while let Some(next) = storage::next_key(&key).filter(|next| next.starts_with(&prefix)) {
                bytes += next.len() + storage::get(&next).map_or(0, |value| value.len());
                key = next;
            }
            bytes
        })
    }

    /// Ends the block, without what belongs to its end, and opens the next one.
    pub fn open_block(&mut self) -> Result<()> {
        self.height += 1;
        let number = self.height;
        let parent = self.read(|| frame_system::Pallet::<Runtime>::block_hash(0));
        let header = Header::new(number, H256::zero(), H256::zero(), parent, Default::default());
        self.execute("Core_initialize_block", &header.encode())?;
        Ok(())
    }

    fn execute(&mut self, method: &str, data: &[u8]) -> Result<Vec<u8>> {
        let blob = WASM_BINARY.context("the runtime was built without its Wasm")?;
        let code = RuntimeCode {
            code_fetcher: &WrappedRuntimeCode(blob.into()),
            heap_pages: None,
            hash: blake2_256(blob).to_vec(),
        };
        let mut ext = self.state.ext();
        let (answer, _) = self.executor.call(&mut ext, &code, method, data, CallContext::Offchain);
        answer.map_err(|error| anyhow!("{method}: {error}"))
    }

    /// A transaction of an account, with its next number.
    pub fn sign(&mut self, who: Sr25519Keyring, call: RuntimeCall) -> UncheckedExtrinsic {
        self.read(|| {
            let nonce = frame_system::Pallet::<Runtime>::account_nonce(who.to_account_id());
            let genesis = frame_system::Pallet::<Runtime>::block_hash(0);
            signing::signed(who, call, (nonce, 0, genesis), CheckMetadataHash::new(false))
        })
    }
}

/// Processor time of this thread so far. The Wasm runs on the thread that calls it.
pub fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    // Neither is ever negative.
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

fn read_preset(id: Option<PresetId>) -> Result<serde_json::Value> {
    let json = <Runtime as GenesisBuilder<Block>>::get_preset(&id).context("the runtime has no development preset")?;
    Ok(serde_json::from_slice(&json)?)
}

fn merge(base: &mut serde_json::Value, over: serde_json::Value) {
    use serde_json::Value;
    match (base, over) {
        (Value::Object(base), Value::Object(over)) => {
            for (key, value) in over {
                merge(base.entry(key).or_insert(Value::Null), value);
            }
        }
        (base, over) => *base = over,
    }
}
