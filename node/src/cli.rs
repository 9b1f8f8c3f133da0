//! Name and description of the node, as the node gives them.

use polkadot_omni_node_lib::CliConfig;

pub struct AssayNode;

impl CliConfig for AssayNode {
    fn impl_version() -> String {
        env!("SUBSTRATE_CLI_IMPL_VERSION").into()
    }

    fn description(executable: String) -> String {
        format!(
            "Assay's collator and full node.\n\n\
             A chain to try things on, with a block each second and no other node:\n    \
             {executable} --dev --dev-block-time 1000\n\n\
             A full node or, with --collator --authoring slot-based, a collator; \
             what follows the -- is for its relay chain:\n    \
             {executable} --chain assay.json -- --chain relay.json\n\n\
             Chains built in: dev, local. Any other is read from the file of its specification."
        )
    }

    fn author() -> String {
        "the Assay developers".into()
    }

    fn support_url() -> String {
        "docs/operating.md in the source tree".into()
    }

    fn copyright_start_year() -> u16 {
        2026
    }
}
