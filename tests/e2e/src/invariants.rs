//! The runtime's invariants, over the state of the running chain.

use crate::{Network, rpc::Entry};
use anyhow::{anyhow, ensure};
use assay_types::H256;
use polkadot_sdk::{
    sp_core::storage::Storage,
    sp_io::{
        TestExternalities,
        hashing::{blake2_256, twox_128},
    },
};

/// Key of the runtime's code, which is large and which no invariant looks at.
const CODE: &[u8] = b":code";

/// Everything that the chain keeps after a block, but the runtime's code.
#[derive(Clone, Debug)]
pub struct State {
    block: H256,
    entries: Vec<Entry>,
}

impl State {
    /// The same with nothing in one of a pallet's storage items, to see whether that is noticed.
    pub fn without(mut self, pallet: &str, item: &str) -> Self {
        let prefix = [twox_128(pallet.as_bytes()), twox_128(item.as_bytes())].concat();
        self.entries.retain(|(key, _)| !key.starts_with(&prefix));
        self
    }

    /// Checks that the records of models, workers and jobs agree with each other and with every unit of money that is
    /// held.
    pub fn check(self) -> anyhow::Result<()> {
        let Self { block, entries } = self;
        let storage = Storage {
            top: entries.into_iter().collect(),
            ..Default::default()
        };
        TestExternalities::new(storage)
            .execute_with(assay_runtime::check_invariants)
            .map_err(|differs| anyhow!("an invariant does not hold after block {block:?}: {differs:?}"))
    }
}

impl Network {
    /// Downloads the whole state after the latest finalized block.
    pub async fn state(&self) -> anyhow::Result<State> {
        let block = self.rpc().finalized().await?;
        let entries = self.rpc().state(block, CODE).await?;
        ensure!(!entries.is_empty(), "the state after block {block:?} is empty");
        Ok(State { block, entries })
    }

    /// Fails if the node runs another runtime than the one whose rules are checked here, as after a change of the
    /// runtime from which the tests were built and the node was not.
    pub(crate) async fn ensure_same_runtime(&self) -> anyhow::Result<()> {
        let Some(code) = assay_runtime::WASM_BINARY else {
            return Ok(());
        };
        let ours = H256(blake2_256(code));
        let of_node = self.rpc().value_hash(CODE).await?;
        ensure!(
            of_node == ours,
            "assay-node was built with another runtime than these tests: run `make build`"
        );
        Ok(())
    }

    /// Checks the invariants in the whole state after the latest finalized block.
    pub async fn check_invariants(&self) -> anyhow::Result<()> {
        self.state().await?.check()
    }
}
