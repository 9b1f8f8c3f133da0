//! The chains that the node knows by name, built from the presets of the runtime that is compiled in.

use assay_runtime::{
    genesis_presets::{LOCAL_PRESET, PARA_ID, get_preset},
    units::{SS58_PREFIX, TOKEN_DECIMALS, TOKEN_SYMBOL},
};
use polkadot_omni_node_lib::chain_spec::{DiskChainSpecLoader, Extensions, GenericChainSpec, LoadSpec};
use polkadot_sdk::{
    sc_chain_spec::{ChainSpec, Properties},
    sc_service::ChainType,
    sp_genesis_builder::DEV_RUNTIME_PRESET,
};

/// The relay chain that a node of the local network expects, where the chain specification of none is given.
const LOCAL_RELAY_CHAIN: &str = "westend-local";

/// Finds a chain by its name, or else reads its specification from the file of that name.
pub struct NamedOrFile;

impl LoadSpec for NamedOrFile {
    fn load_spec(&self, id: &str) -> Result<Box<dyn ChainSpec>, String> {
        match id {
            "dev" => built_in(
                "Assay Development",
                "assay-dev",
                ChainType::Development,
                DEV_RUNTIME_PRESET,
            ),
            "local" | "" => built_in("Assay Local", "assay-local", ChainType::Local, LOCAL_PRESET),
            path => DiskChainSpecLoader.load_spec(path).map_err(|error| {
                format!(
                    "`{path}` is neither a chain built in (dev, local) nor the file of a chain specification: {error}"
                )
            }),
        }
    }
}

fn built_in(name: &str, id: &str, chain_type: ChainType, preset: &str) -> Result<Box<dyn ChainSpec>, String> {
    let code = assay_runtime::WASM_BINARY
        .ok_or("this node was built without a runtime; build it with SKIP_WASM_BUILD unset, or give a file")?;
    // Read natively: by its name, it would be asked of the blob, which takes a compilation of it.
    let genesis = get_preset(&preset.into()).ok_or_else(|| format!("the runtime has no preset `{preset}`"))?;
    let genesis = serde_json::from_slice(&genesis).map_err(|error| format!("the preset `{preset}`: {error}"))?;
    let properties = Properties::from_iter([
        ("tokenSymbol".to_owned(), TOKEN_SYMBOL.into()),
        ("tokenDecimals".to_owned(), TOKEN_DECIMALS.into()),
        ("ss58Format".to_owned(), SS58_PREFIX.into()),
    ]);
    let spec = GenericChainSpec::builder(code, Extensions::new(LOCAL_RELAY_CHAIN.to_owned(), PARA_ID))
        .with_name(name)
        .with_id(id)
        .with_protocol_id(id)
        .with_chain_type(chain_type)
        .with_properties(properties)
        .with_genesis_config_patch(genesis)
        .build();
    Ok(Box::new(spec))
}
