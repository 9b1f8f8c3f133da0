//! The short map of what runs where.

use crate::{definition::Role, network::Network};

/// The map, and what to do next.
pub fn map(network: &Network) -> anyhow::Result<String> {
    let width = network
        .nodes()
        .iter()
        .map(|node| node.name.len())
        .max()
        .unwrap_or_default();
    let mut text = String::new();
    for node in network.nodes() {
        let what = match node.role {
            Role::FullNode => "parachain, for dApps and workers",
            Role::Collator => "parachain, makes its blocks",
            Role::Validator => "relay chain, makes its blocks and checks the parachain's",
        };
        text += &format!("  {:width$}  {}  {what}\n", node.name, network.url(&node.name)?);
    }
    let url = network.url(&network.full_node()?.name)?;
    text += &format!(
        "\nThe accounts //Alice to //Ferdie have money; //Alice is the superuser. For example:\n  \
         assay-worker models list --node {url}\n\
         A log and a database for each node are in {}.\n\
         Ctrl-C ends the network.\n",
        network.folder().display()
    );
    Ok(text)
}
