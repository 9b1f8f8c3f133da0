//! Assay's collator and full node: the SDK's parachain node, with the chains of this workspace's runtime built in.

mod chain_spec;
mod cli;

use polkadot_omni_node_lib::{
    RunConfig, run,
    runtime::{AuraConsensusId, BlockNumber, Consensus, Runtime, RuntimeResolver},
};
use polkadot_sdk::{sc_chain_spec::ChainSpec, sc_cli::Result};

/// Every chain that this node is for has Assay's block numbers and authors' keys. The library's own resolver would find
/// that out from the metadata, which costs another three compilations of the runtime at each start.
struct AssayRuntime;

impl RuntimeResolver for AssayRuntime {
    fn runtime(&self, _: &dyn ChainSpec) -> Result<Runtime> {
        Ok(Runtime::Omni(
            BlockNumber::U32,
            Consensus::Aura(AuraConsensusId::Sr25519),
        ))
    }
}

#[allow(clippy::result_large_err, reason = "the library's error, returned once")]
fn main() -> Result<()> {
    // A build of the whole workspace has two providers, and TLS without a choice panics. An error says that there is a
    // choice already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    run::<cli::AssayNode>(RunConfig::new(
        Box::new(AssayRuntime),
        Box::new(chain_spec::NamedOrFile),
    ))
}
