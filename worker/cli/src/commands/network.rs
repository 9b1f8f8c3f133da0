//! `assay-worker network`

use super::visitor::{Visitor, announced};
use crate::{
    cli::NodeArgs,
    config::{NetworkArgs, network::look},
};
use anyhow::{Context, bail};
use assay_client::{
    chain::{AccountId, Client},
    sessions::announced_node,
};
use assay_daemon::network::Network;
use assay_network::{Multiaddr, PeerId, known_peers, peer_of_key};
use assay_types::Announcement;
use clap::{Args, Subcommand};
use futures::future::join_all;
use std::{collections::BTreeSet, path::PathBuf, process::ExitCode, str::FromStr, time::Duration};

/// Peers of the address book that are tried.
const MET_BEFORE: usize = 16;
/// Workers that are announced on chain and tried.
const ANNOUNCED: usize = 64;

/// Tasks about the network.
#[derive(Debug, Subcommand)]
pub enum NetworkCommand {
    /// Try everybody that a worker with this configuration would try, and say who is reached and, if nobody is, why
    ///
    /// These are the bootnodes, the workers that are announced on chain, and the peers that were met before. It may run
    /// beside the worker: it joins with an identity of its own.
    Status(NetworkStatusArgs),
    /// Ask one node for a sign of life
    Ping(PingArgs),
}

/// Where the network is looked for.
#[derive(Debug, Args)]
pub struct LookArgs {
    /// Configuration file (TOML) of the worker
    #[arg(long, env = "ASSAY_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// The worker's folder of what must survive a crash [default: assay-data]
    #[arg(long, env = "ASSAY_DATA_DIR", value_name = "DIR")]
    data_dir: Option<PathBuf>,
    #[command(flatten)]
    network: NetworkArgs,
    #[command(flatten)]
    node: NodeArgs,
}

/// Options of `network status`.
#[derive(Debug, Args)]
pub struct NetworkStatusArgs {
    #[command(flatten)]
    look: LookArgs,
}

/// Options of `network ping`.
#[derive(Debug, Args)]
pub struct PingArgs {
    /// The node: an address that ends in /p2p/ and its identity, or the account of a worker that is announced on chain
    #[arg(value_name = "ADDRESS|ACCOUNT")]
    who: String,
    #[command(flatten)]
    look: LookArgs,
}

/// Somebody to try.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Target {
    what: String,
    peer: PeerId,
    addresses: Vec<Multiaddr>,
}

/// Outcome of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Tried {
    target: Target,
    outcome: Result<Duration, String>,
}

pub(super) async fn run(command: NetworkCommand) -> anyhow::Result<ExitCode> {
    match command {
        NetworkCommand::Status(args) => status(&args.look).await,
        NetworkCommand::Ping(args) => ping(&args).await,
    }
}

async fn status(args: &LookArgs) -> anyhow::Result<ExitCode> {
    let mut policy = look(&args.network, args.config.as_deref(), args.data_dir.as_deref())?;
    match peer_of_key(&policy.node.key_path)? {
        Some(peer) => println!("identity  {peer} ({})", policy.node.key_path.display()),
        None => println!("identity  none yet: `serve` makes one when it joins the network"),
    }
    let mut targets: Vec<Target> = policy.node.bootnodes.iter().filter_map(bootnode).collect();
    let on_chain = on_chain(&args.node).await;
    match &on_chain {
        Ok((client, announced)) => {
            println!(
                "chain     {} workers are announced at {}",
                announced.len(),
                client.url()
            );
            targets.extend(announced.iter().take(ANNOUNCED).filter_map(worker));
        }
        Err(error) => println!("chain     cannot be asked who is announced: {error:#}"),
    }
    let before = known_peers(&policy.node.address_book_path)?
        .into_iter()
        .take(MET_BEFORE);
    targets.extend(before.map(|(peer, addresses)| Target {
        what: "met before".to_owned(),
        peer,
        addresses,
    }));
    let mut known = BTreeSet::new();
    targets.retain(|target| known.insert(target.peer));

    policy.node.listen.clear();
    policy.node.bootnodes.clear();
    policy.node.relays.clear();
    let visitor = Visitor::with(policy, false).await?;
    let tried = join_all(targets.into_iter().map(|target| attempt(&visitor.network, target))).await;
    tried.iter().for_each(|tried| println!("{}", shown(tried)));
    for line in diagnosis(&tried, on_chain.is_ok()) {
        println!("{line}");
    }
    let is_reached = tried.iter().any(|tried| tried.outcome.is_ok());
    Ok(if is_reached {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

async fn ping(args: &PingArgs) -> anyhow::Result<ExitCode> {
    let target = match args.who.parse::<Multiaddr>() {
        Ok(address) => bootnode(&address).context("the address does not end in /p2p/ and the node's identity")?,
        Err(_) => {
            let Ok(account) = AccountId::from_str(&args.who) else {
                bail!(
                    "`{}` is neither an address such as /ip4/192.0.2.1/tcp/30340/p2p/… nor an account",
                    args.who
                );
            };
            let (_, announced) = on_chain(&args.look.node).await?;
            let place = announced.iter().find(|(worker, _)| *worker == account);
            let place = place.context("the account has announced no node")?;
            worker(place).context("what the account has announced is not understood")?
        }
    };
    let mut policy = look(
        &args.look.network,
        args.look.config.as_deref(),
        args.look.data_dir.as_deref(),
    )?;
    policy.node.listen.clear();
    policy.node.bootnodes.clear();
    policy.node.relays.clear();
    let visitor = Visitor::with(policy, false).await?;
    let tried = attempt(&visitor.network, target).await;
    println!("{}", shown(&tried));
    Ok(if tried.outcome.is_ok() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

async fn on_chain(args: &NodeArgs) -> anyhow::Result<(Client, Vec<(AccountId, Announcement)>)> {
    let client = super::connect(args).await?;
    let announced = announced(&client).await?;
    Ok((client, announced))
}

fn bootnode(address: &Multiaddr) -> Option<Target> {
    let last = address.iter().last()?.to_string();
    let peer = last.strip_prefix("/p2p/")?.parse().ok()?;
    Some(Target {
        what: "bootnode".to_owned(),
        peer,
        addresses: vec![address.clone()],
    })
}

fn worker((account, announcement): &(AccountId, Announcement)) -> Option<Target> {
    let (peer, addresses) = announced_node(announcement)?;
    Some(Target {
        what: format!("worker {account}"),
        peer,
        addresses,
    })
}

/// Connects with a node and asks it for a sign of life.
async fn attempt(network: &Network, target: Target) -> Tried {
    let outcome = async {
        if target.addresses.is_empty() {
            return Err("no address of it is known".to_owned());
        }
        let connected = network.node().connect(target.peer, target.addresses.clone()).await;
        connected.map_err(|error| error.to_string())?;
        let pong = network.node().ping(target.peer).await;
        pong.map(|pong| pong.round_trip).map_err(|error| error.to_string())
    };
    let outcome = outcome.await;
    Tried { target, outcome }
}

fn shown(tried: &Tried) -> String {
    let Target { what, peer, addresses } = &tried.target;
    match &tried.outcome {
        Ok(time) => format!("reached   {what} {peer} in {:.1} ms", time.as_secs_f64() * 1e3),
        Err(reason) => {
            let at: Vec<String> = addresses.iter().map(ToString::to_string).collect();
            format!("FAILED    {what} {peer}: {reason} (tried {})", at.join(", "))
        }
    }
}

/// Conclusion from all attempts, and advice.
fn diagnosis(tried: &[Tried], chain_was_asked: bool) -> Vec<String> {
    let reached = tried.iter().filter(|tried| tried.outcome.is_ok()).count();
    if reached > 0 {
        return vec![format!(
            "the network is reached: {reached} of {} nodes answer",
            tried.len()
        )];
    }
    let mut lines = Vec::new();
    if tried.is_empty() {
        lines.push(
            "NOBODY IS KNOWN: no bootnode is configured, no worker is announced, and no peer was met before".to_owned(),
        );
        lines.push(
            "  name a bootnode with --bootnode or `bootnodes` in [network]; whoever runs a node reads its identity off \
             `assay-worker network status`, and its address is that of the machine"
                .to_owned(),
        );
    } else {
        lines.push(format!("NOBODY IS REACHED: {} nodes were tried", tried.len()));
        let silent = |tried: &&Tried| tried.outcome.as_ref().is_err_and(|reason| reason.contains("in time"));
        if tried.iter().filter(silent).count() == tried.len() {
            lines.push(
                "  none answers in time: is this machine online, and may it send UDP and TCP to port 30340 of others?"
                    .to_owned(),
            );
        } else {
            lines.push(
                "  some refuse: they are switched off, or listen elsewhere by now; ask whoever runs them for their \
                 addresses"
                    .to_owned(),
            );
        }
        lines.push("  name other nodes with --bootnode".to_owned());
    }
    if !chain_was_asked {
        lines.push("  a node of the chain says which workers are announced: name one with --node".to_owned());
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tried(outcome: Result<Duration, &str>) -> Tried {
        Tried {
            target: Target {
                what: "bootnode".into(),
                peer: PeerId::random(),
                addresses: vec!["/ip4/192.0.2.1/tcp/1".parse().expect("an address")],
            },
            outcome: outcome.map_err(ToOwned::to_owned),
        }
    }

    fn told(tried: &[Tried], chain_was_asked: bool) -> String {
        diagnosis(tried, chain_was_asked).join("\n")
    }

    #[test]
    fn whoever_reaches_nobody_is_told_why_and_what_to_do() {
        let told_of_nobody = told(&[], false);
        assert!(told_of_nobody.contains("NOBODY IS KNOWN"), "{told_of_nobody}");
        assert!(told_of_nobody.contains("--bootnode") && told_of_nobody.contains("--node"));
        let silent = told(&[tried(Err("it does not answer in time"))], true);
        assert!(
            silent.contains("1 nodes were tried") && silent.contains("online"),
            "{silent}"
        );
        assert!(!silent.contains("--node "), "{silent}");
        let refused = [
            tried(Err("it does not answer in time")),
            tried(Err("connection refused")),
        ];
        assert!(told(&refused, true).contains("switched off"));
    }

    #[test]
    fn one_node_is_enough() {
        let one = [tried(Err("connection refused")), tried(Ok(Duration::from_millis(3)))];
        assert_eq!(told(&one, false), "the network is reached: 1 of 2 nodes answer");
        assert!(shown(&one[0]).starts_with("FAILED    bootnode ") && shown(&one[0]).contains("/ip4/192.0.2.1/tcp/1"));
        assert!(shown(&one[1]).ends_with("in 3.0 ms"));
    }

    #[test]
    fn a_bootnode_is_named_by_the_identity_at_the_end_of_its_address() {
        let peer = PeerId::random();
        let address: Multiaddr = format!("/ip4/192.0.2.1/tcp/1/p2p/{peer}").parse().expect("an address");
        assert_eq!(bootnode(&address).map(|target| target.peer), Some(peer));
        let without: Multiaddr = "/ip4/192.0.2.1/tcp/1".parse().expect("an address");
        assert_eq!(bootnode(&without), None);
    }
}
