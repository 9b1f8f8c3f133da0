//! `assay-worker doctor`: everything that a worker needs, line by line.

use super::visitor::{Folder, Visitor, announced};
use crate::config::{self, ServeArgs};
use assay_client::{
    chain::{AccountId, Client, Nodes},
    sessions::announced_node,
};
use assay_daemon::{
    config::{NetworkPolicy, ServeConfig},
    doctor::{self, Finding, Level, Port},
};
use assay_network::{Reachability, peer_of_key};
use assay_types::Announcement;
use clap::Args;
use std::{process::ExitCode, time::Duration};

/// Time in which peers have to say whether they reach this machine.
const REACHED: Duration = Duration::from_secs(15);
/// Pause between two looks.
const LOOK: Duration = Duration::from_millis(250);

/// Options of `doctor`.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// The options of `serve`, whose place is looked at
    #[command(flatten)]
    options: ServeArgs,
    /// Do not start the engine: the models are neither loaded nor audited, which takes memory and time
    #[arg(long)]
    quick: bool,
    /// Print the findings as a list of JSON objects
    #[arg(long)]
    json: bool,
}

/// Findings, printed as they come or kept for the end.
struct Findings {
    json: bool,
    all: Vec<Finding>,
}

impl Findings {
    fn add(&mut self, finding: Finding) {
        if !self.json {
            println!("{}", shown(&finding));
        }
        self.all.push(finding);
    }

    /// Prints what was kept, and gives the exit status: a failure if something is broken.
    fn end(self) -> anyhow::Result<ExitCode> {
        let count = |level| self.all.iter().filter(|finding| finding.level == level).count();
        let (notes, broken) = (count(Level::Note), count(Level::Broken));
        match self.json {
            true => println!("{}", serde_json::to_string_pretty(&self.all)?),
            false => println!("{broken} broken, {notes} to know, {} fine", count(Level::Fine)),
        }
        Ok(match broken {
            0 => ExitCode::SUCCESS,
            _ => ExitCode::FAILURE,
        })
    }
}

pub(super) async fn run(args: DoctorArgs) -> anyhow::Result<ExitCode> {
    let mut findings = Findings {
        json: args.json,
        all: Vec::new(),
    };
    let config = match config::serve(&args.options) {
        Ok(config) => config,
        Err(error) => {
            let advice = "correct the field; nothing can be looked at before";
            findings.add(Finding::broken("configuration", error.to_string(), advice));
            return findings.end();
        }
    };
    let scratch = match args.quick {
        true => None,
        false => Some(Folder::make()?),
    };
    let packages = doctor::machine(&config, scratch.as_ref().map(Folder::path), &mut |finding| {
        findings.add(finding);
    });
    // Asked before this program listens itself.
    let ports = config.common.network.as_ref();
    let ports = ports.map_or_else(Vec::new, |policy| doctor::ports(&policy.node.listen));
    for port in &ports {
        findings.add(listening(port));
    }
    let chain = doctor::network(&config, &packages, &Nodes, &mut |finding| findings.add(finding)).await;
    match &config.common.network {
        Some(policy) => {
            let found = place(policy, &config, &ports, chain.as_ref()).await;
            found.into_iter().for_each(|finding| findings.add(finding));
        }
        None => findings.add(Finding::note(
            "network",
            "the workers' network is not joined",
            "sessions, and inputs that only the network has, do not come: join it with a section [network]",
        )),
    }
    findings.end()
}

/// A line of text: how it is meant, what, what was measured, and what to do.
fn shown(finding: &Finding) -> String {
    let level = match finding.level {
        Level::Fine => "fine  ",
        Level::Note => "note  ",
        Level::Broken => "BROKEN",
    };
    let advice = finding.advice.as_ref();
    let advice = advice.map_or_else(String::new, |advice| format!("\n         -> {advice}"));
    format!("{level}   {}: {}{advice}", finding.what, finding.measured)
}

fn listening(port: &Port) -> Finding {
    let protocol = if port.is_udp { "UDP" } else { "TCP" };
    let measured = format!("{protocol} {}", port.address);
    match port.is_free {
        true => Finding::fine("port", format!("{measured} is free: no worker runs here now")),
        false => Finding::fine("port", format!("{measured} is in use: by the worker, if it runs")),
    }
}

/// The worker's place in the workers' network, as a visitor with an identity of its own sees it.
async fn place(policy: &NetworkPolicy, config: &ServeConfig, ports: &[Port], chain: Option<&Client>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let others = match chain {
        Some(client) => announced(client).await.unwrap_or_default(),
        None => Vec::new(),
    };
    let (me, mut visiting) = (config.common.key.account(), policy.clone());
    let is_running = ports.iter().any(|port| !port.is_free);
    if is_running {
        visiting.node.listen.clear();
    }
    let visitor = match Visitor::with(visiting, false).await {
        Ok(visitor) => visitor,
        Err(error) => {
            let advice = "correct the section [network]; `serve` does not start for this reason";
            return vec![Finding::broken("network", format!("{error:#}"), advice)];
        }
    };
    let own = others
        .iter()
        .find(|(worker, _)| *worker == me)
        .map(|(_, place)| place.clone());
    let strangers: Vec<(AccountId, Announcement)> = others.into_iter().filter(|(worker, _)| *worker != me).collect();
    let known = strangers.len() + policy.node.bootnodes.len();
    let reached = match known {
        0 => 0,
        _ => visitor.meet(strangers).await.unwrap_or(0),
    };
    findings.push(peers(reached, known));
    if !is_running && reached > 0 && !ports.is_empty() {
        findings.push(reachability(judged(&visitor).await));
    }
    findings.push(match peer_of_key(&policy.node.key_path) {
        Ok(peer) => identity(own.as_ref(), peer.map(|peer| peer.to_string()), policy.announces),
        Err(error) => Finding::broken("announcement", error.to_string(), "mend the key file of the network"),
    });
    if let Some((peer, addresses)) = own.as_ref().and_then(announced_node).filter(|_| is_running) {
        let connected = visitor.network.node().connect(peer, addresses).await;
        findings.push(answers(connected.map_err(|error| error.to_string())));
    }
    findings
}

/// Peers that were reached, of as many as are known.
fn peers(reached: usize, known: usize) -> Finding {
    let (what, measured) = (
        "peers",
        format!("{reached} reached, {known} bootnodes and announced workers known"),
    );
    match (reached, known) {
        (0, 0) => Finding::note(what, measured, "nobody else is known: name a bootnode in [network]"),
        (0, _) => Finding::broken(
            what,
            measured,
            "`assay-worker network status` says who was tried and why it failed; UDP and TCP must go out",
        ),
        _ => Finding::fine(what, measured),
    }
}

/// Waits until peers have tried to reach this machine.
async fn judged(visitor: &Visitor) -> Reachability {
    let until = tokio::time::Instant::now() + REACHED;
    loop {
        let status = visitor.network.status().await;
        let found = status.map_or(Reachability::Unknown, |status| status.reachability);
        if found != Reachability::Unknown || tokio::time::Instant::now() >= until {
            return found;
        }
        tokio::time::sleep(LOOK).await;
    }
}

fn reachability(found: Reachability) -> Finding {
    let what = "NAT";
    let forward = "forward the ports to this machine in the router, or name `relays` in [network]";
    match found {
        Reachability::Public => Finding::fine(what, "peers reach this machine directly"),
        Reachability::Private => Finding::note(what, "peers tried and do not reach this machine", forward),
        Reachability::Unknown => Finding::note(
            what,
            format!("no peer has tried to reach this machine within {} s", REACHED.as_secs()),
            format!("try again with the worker running; if sessions do not come, {forward}"),
        ),
    }
}

/// The place that the chain shows must be that of this worker's key.
fn identity(own: Option<&Announcement>, peer: Option<String>, announces: bool) -> Finding {
    let what = "announcement";
    let Some(place) = own.and_then(announced_node) else {
        return match announces {
            true => Finding::note(
                what,
                "none on chain",
                "start `serve`, which announces once it knows its addresses",
            ),
            false => Finding::fine(what, "none on chain, as configured"),
        };
    };
    let (announced, addresses) = (place.0.to_string(), place.1.len());
    match peer {
        Some(peer) if peer == announced => Finding::fine(what, format!("{announced} at {addresses} addresses")),
        peer => Finding::note(
            what,
            format!(
                "{announced} on chain, {} here",
                peer.as_deref().unwrap_or("no identity")
            ),
            "the key of the network is another one than before: `serve` announces the new one",
        ),
    }
}

/// Whether the worker that runs here answers at the addresses that it has announced.
fn answers(connected: Result<(), String>) -> Finding {
    let what = "address";
    match connected {
        Ok(()) => Finding::fine(what, "the worker answers at an address that it has announced"),
        Err(reason) => Finding::note(
            what,
            format!("the worker does not answer at its announced addresses: {reason}"),
            "a router may not pass its own address back: try `assay-worker network ping ACCOUNT` on another machine",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_how_it_is_meant_and_what_to_do() {
        assert_eq!(shown(&Finding::fine("disk", "9 GiB free")), "fine     disk: 9 GiB free");
        let broken = shown(&Finding::broken("disk", "9 KiB free", "free 1 GiB"));
        assert_eq!(broken, "BROKEN   disk: 9 KiB free\n         -> free 1 GiB");
    }

    #[test]
    fn a_worker_that_nobody_reaches_is_told_so() {
        assert_eq!(peers(0, 0).level, Level::Note);
        assert_eq!(peers(0, 2).level, Level::Broken);
        assert_eq!(peers(1, 2).level, Level::Fine);
        assert_eq!(reachability(Reachability::Public).level, Level::Fine);
        let behind = reachability(Reachability::Private);
        assert!(
            behind
                .advice
                .is_some_and(|advice| advice.contains("forward") && advice.contains("relays"))
        );
        assert_eq!(answers(Err("refused".into())).level, Level::Note);
        assert_eq!(answers(Ok(())).level, Level::Fine);
    }

    #[test]
    fn another_identity_than_the_announced_one_is_seen() {
        let peer = assay_network::PeerId::random();
        let place = Announcement {
            peer: peer.to_bytes().try_into().expect("short"),
            addresses: Default::default(),
        };
        assert_eq!(identity(Some(&place), Some(peer.to_string()), true).level, Level::Fine);
        assert_eq!(identity(Some(&place), None, true).level, Level::Note);
        let other = assay_network::PeerId::random().to_string();
        assert_eq!(identity(Some(&place), Some(other), true).level, Level::Note);
        assert_eq!(identity(None, None, true).level, Level::Note);
        assert_eq!(identity(None, None, false).level, Level::Fine);
    }
}
