//! Settings of a node of the workers' network.

use super::{ConfigError, DEFAULT_DATA_DIR, File};
use assay_daemon::config::NetworkPolicy;
use assay_network::{DEFAULT_PORT, Multiaddr, NetworkConfig, RelayLimits, quic, tcp};
use clap::Args;
use serde::Deserialize;
use std::{
    net::Ipv4Addr,
    path::{Path, PathBuf},
};

/// Settings of the workers' network by flags and environment. See the file's section `[network]` for their meaning.
#[derive(Clone, Debug, Default, Args)]
pub struct NetworkArgs {
    /// Join the workers' network; so do the section [network] of the file and the options --listen and --bootnode
    #[arg(long = "network", env = "ASSAY_NETWORK")]
    pub join: bool,
    /// Address to listen on, such as /ip4/0.0.0.0/udp/30340/quic-v1; give several [default of serve: port 30340, UDP
    /// and TCP; of all others: none]
    #[arg(long, env = "ASSAY_LISTEN", value_name = "ADDRESS", value_delimiter = ',')]
    pub listen: Vec<String>,
    /// Address of a node by which the network is found, with its identity: /dns/HOST/udp/30340/quic-v1/p2p/PEER; give
    /// several. The workers that are announced on chain are asked as well
    #[arg(
        long = "bootnode",
        env = "ASSAY_BOOTNODES",
        value_name = "ADDRESS",
        value_delimiter = ','
    )]
    pub bootnodes: Vec<String>,
    /// Address under which others reach this node, where it does not find out by itself; give several
    #[arg(long, env = "ASSAY_EXTERNAL", value_name = "ADDRESS", value_delimiter = ',')]
    pub external: Vec<String>,
    /// Folder of the node's key and of the peers that it has met [default: network in data_dir]
    #[arg(long, env = "ASSAY_NETWORK_DIR", value_name = "DIR")]
    pub network_dir: Option<PathBuf>,
}

/// The section `[network]` of the file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileNetwork {
    /// Addresses to listen on.
    pub listen: Option<Vec<String>>,
    /// Nodes by which the network is found.
    pub bootnodes: Option<Vec<String>>,
    /// Addresses under which others reach the node.
    pub external: Option<Vec<String>>,
    /// Peers through which others may reach the node.
    pub relays: Option<Vec<String>>,
    /// Whether the node relays for others.
    pub relay: Option<bool>,
    /// Whether every address that the node listens on is one under which others reach it.
    pub reachable: Option<bool>,
    /// Whether the node's addresses are announced on chain.
    pub announce: Option<bool>,
    /// Bytes that are sent to one peer per second.
    pub bytes_per_second: Option<u64>,
    /// Folder of the node's key and of the peers that it has met.
    pub dir: Option<PathBuf>,
}

impl NetworkArgs {
    /// Whether they say that the network is joined.
    pub(crate) fn joins(&self) -> bool {
        self.join || !self.listen.is_empty() || !self.bootnodes.is_empty()
    }
}

/// The way to join the network; `None` if nothing says that it is. `listens` says whether the node listens where
/// nothing is said.
pub(crate) fn merge(
    args: &NetworkArgs,
    file: Option<&FileNetwork>,
    data_dir: &Path,
    listens: bool,
) -> Result<Option<NetworkPolicy>, ConfigError> {
    if !args.joins() && file.is_none() {
        return Ok(None);
    }
    let file = file.cloned().unwrap_or_default();
    let folder = args.network_dir.clone().or(file.dir);
    let mut node = NetworkConfig::new(folder.unwrap_or_else(|| data_dir.join("network")));
    let list = |flags: &[String], file: Option<Vec<String>>| match flags.is_empty() {
        false => Some(flags.to_vec()),
        true => file,
    };
    node.listen = match list(&args.listen, file.listen) {
        Some(given) => addresses("network.listen", &given, false)?,
        None if listens => [
            quic(Ipv4Addr::UNSPECIFIED, DEFAULT_PORT),
            tcp(Ipv4Addr::UNSPECIFIED, DEFAULT_PORT),
        ]
        .into(),
        None => Vec::new(),
    };
    let given = |flags: &[String], file| list(flags, file).unwrap_or_default();
    node.bootnodes = addresses("network.bootnodes", &given(&args.bootnodes, file.bootnodes), true)?;
    node.external = addresses("network.external", &given(&args.external, file.external), false)?;
    node.relays = addresses("network.relays", &file.relays.unwrap_or_default(), true)?;
    node.relaying = file.relay.unwrap_or(false).then(RelayLimits::default);
    node.is_reachable = file.reachable.unwrap_or(false);
    node.limits.bytes_per_second = file.bytes_per_second.unwrap_or(node.limits.bytes_per_second);
    let announces = file.announce.unwrap_or(true) && !node.listen.is_empty();
    Ok(Some(NetworkPolicy { node, announces }))
}

/// The network as a command looks at it that is no daemon: as a daemon with this configuration would join it, without
/// listening.
pub fn look(args: &NetworkArgs, config: Option<&Path>, data_dir: Option<&Path>) -> Result<NetworkPolicy, ConfigError> {
    let file = File::load(config)?;
    let data_dir = data_dir.map(Path::to_owned).or(file.data_dir);
    let data_dir = data_dir.unwrap_or_else(|| PathBuf::from(DEFAULT_DATA_DIR));
    let section = file.network.unwrap_or_default();
    let policy = merge(args, Some(&section), &data_dir, false)?;
    policy.ok_or_else(|| ConfigError::field("network", "is not joined"))
}

/// Reads addresses, which end in a peer's identity or do not.
fn addresses(field: &str, given: &[String], with_peer: bool) -> Result<Vec<Multiaddr>, ConfigError> {
    let read = |text: &String| {
        let address: Multiaddr = text.trim().parse().map_err(|error| {
            let example = "/ip4/192.0.2.1/udp/30340/quic-v1";
            ConfigError::field(field, format!("`{text}` is not an address such as {example}: {error}"))
        })?;
        let ends_in_peer = ends_in_peer(&address);
        match (with_peer, ends_in_peer) {
            (true, false) => Err(ConfigError::field(
                field,
                format!(
                    "`{text}` must end in /p2p/ and the peer's identity, which `assay-worker network status` shows"
                ),
            )),
            (false, true) => Err(ConfigError::field(
                field,
                format!("`{text}` must not end in an identity: the node has its own"),
            )),
            _ => Ok(address),
        }
    };
    given.iter().map(read).collect()
}

fn ends_in_peer(address: &Multiaddr) -> bool {
    let names: Vec<_> = address.protocol_stack().collect();
    names.last() == Some(&"p2p")
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: &str = "12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN";

    fn merged(args: NetworkArgs, file: Option<&str>, listens: bool) -> Result<Option<NetworkPolicy>, String> {
        let file: Option<FileNetwork> = file.map(|text| toml::from_str(text).expect("valid TOML"));
        merge(&args, file.as_ref(), Path::new("data"), listens).map_err(|error| error.to_string())
    }

    #[test]
    fn nobody_joins_who_is_not_told_to() {
        assert!(merged(NetworkArgs::default(), None, true).expect("valid").is_none());
        let external = NetworkArgs {
            external: vec!["/ip4/192.0.2.1/tcp/1".into()],
            ..Default::default()
        };
        assert!(merged(external, None, true).expect("valid").is_none());
    }

    #[test]
    fn a_worker_listens_and_a_watcher_does_not_unless_it_is_told_to() {
        let join = || NetworkArgs {
            join: true,
            ..Default::default()
        };
        let worker = merged(join(), None, true).expect("valid").expect("joins");
        assert_eq!((worker.node.listen.len(), worker.announces), (2, true));
        assert_eq!(worker.node.key_path, Path::new("data/network/network-key"));
        let watcher = merged(join(), None, false).expect("valid").expect("joins");
        assert_eq!((watcher.node.listen.len(), watcher.announces), (0, false));
        let told = merged(NetworkArgs::default(), Some("listen = ['/ip4/127.0.0.1/tcp/0']"), false);
        assert_eq!(told.expect("valid").expect("joins").node.listen.len(), 1);
    }

    #[test]
    fn a_flag_counts_more_than_the_file() {
        let args = NetworkArgs {
            bootnodes: vec![format!("/ip4/192.0.2.1/tcp/1/p2p/{PEER}")],
            ..Default::default()
        };
        let file = format!("bootnodes = ['/ip4/192.0.2.2/tcp/1/p2p/{PEER}']\nrelay = true\nbytes_per_second = 7");
        let policy = merged(args, Some(&file), true).expect("valid").expect("joins");
        assert!(policy.node.bootnodes[0].to_string().starts_with("/ip4/192.0.2.1/"));
        assert_eq!(policy.node.limits.bytes_per_second, 7);
        assert!(policy.node.relaying.is_some() && !policy.node.is_reachable);
    }

    #[test]
    fn an_error_names_the_field() {
        let cases = [
            ("listen = ['0.0.0.0:30340']".to_owned(), "network.listen: "),
            (
                format!("listen = ['/ip4/127.0.0.1/tcp/0/p2p/{PEER}']"),
                "network.listen: ",
            ),
            ("bootnodes = ['/ip4/192.0.2.1/tcp/1']".to_owned(), "network.bootnodes: "),
            (
                format!("external = ['/ip4/192.0.2.1/tcp/1/p2p/{PEER}']"),
                "network.external: ",
            ),
            ("relays = ['nonsense']".to_owned(), "network.relays: "),
        ];
        for (file, start) in cases {
            let error = merged(NetworkArgs::default(), Some(&file), true).expect_err(start);
            assert!(error.starts_with(start), "{error}");
        }
    }
}
