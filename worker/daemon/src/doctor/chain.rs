//! Checks of the node: reachable, of the right types, synced, and its time; and whether the key may sign there.

use super::{Finding, Tell};
use crate::config::Common;
use assay_client::chain::{BlockNumber, ChainError, ChainView, Connect, StateView};

/// Blocks between the final block and the best one from which on finality counts as late.
const LATE_FINALITY: BlockNumber = 100;
/// Milliseconds by which the chain's time may be ahead of this machine's: authors' clocks differ.
const AHEAD_MS: u64 = 5_000;
/// Milliseconds after which a best block is old.
const OLD_MS: u64 = 60_000;

/// Asks each node by itself; the first connection that works.
pub(super) async fn nodes<N: Connect>(connect: &N, nodes: &[String], tell: Tell<'_>) -> Option<N::Chain> {
    let mut first = None;
    for node in nodes {
        match connect.connect(std::slice::from_ref(node)).await {
            Ok(chain) => {
                let measured = format!("{node}: answers, and its types are those of this program");
                tell(Finding::fine("node", measured));
                first = first.or(Some(chain));
            }
            Err(error) => tell(unreachable(node, &error)),
        }
    }
    if first.is_none() {
        let measured = format!("none of {} can be used, so nothing more is looked at", nodes.len());
        tell(Finding::broken(
            "nodes",
            measured,
            "start a node, or name another one in `node`",
        ));
    }
    first
}

/// A node that cannot be used: another runtime needs another program, and everything else another address or patience.
pub(super) fn unreachable(node: &str, error: &ChainError) -> Finding {
    match error {
        ChainError::OtherRuntime { differences, .. } => Finding::broken(
            "node",
            format!(
                "{node}: its types differ from those of this program: {}",
                differences.join("; ")
            ),
            "use the assay-worker of the same release as the chain's runtime",
        ),
        error => Finding::broken(
            "node",
            format!("{node}: {error}"),
            "start the node, and check that its address and port are right and that a firewall lets them through",
        ),
    }
}

/// The node must have peers and be at the head of the chain.
pub(super) async fn synced<C: ChainView>(chain: &C) -> Result<Vec<Finding>, ChainError> {
    let (what, health) = ("synced", chain.health().await?);
    let (best, last) = (chain.best_number().await?, chain.finalized().await?.number());
    let mut findings = Vec::new();
    let measured = format!("best block {best}, final block {last}, {} peers", health.peers);
    findings.push(if health.is_syncing {
        Finding::broken(
            what,
            measured,
            "wait until the node has caught up, or name another node",
        )
    } else if health.peers == 0 && health.should_have_peers {
        let advice = "the node is alone: give it bootnodes, and let its peer-to-peer port through";
        Finding::broken(what, measured, advice)
    } else if best.saturating_sub(last) >= LATE_FINALITY {
        Finding::note(what, measured, "finality lags; the worker goes on with the best blocks")
    } else {
        Finding::fine(what, measured)
    });
    Ok(findings)
}

/// The best block must be recent, and not of the future.
pub(super) async fn clock(state: &impl StateView, is_development: bool, now_ms: u64) -> Result<Finding, ChainError> {
    let (what, block_ms) = ("clock", state.timestamp_ms().await?);
    if is_development {
        let measured = "the chain is one for development, whose time is not that of clocks";
        return Ok(Finding::fine(what, measured));
    }
    let (ahead, age) = (block_ms.saturating_sub(now_ms), now_ms.saturating_sub(block_ms));
    Ok(if ahead > AHEAD_MS {
        let measured = format!("the best block is {} s ahead of this machine's clock", ahead / 1_000);
        Finding::broken(what, measured, "set the clock: start chrony or systemd-timesyncd")
    } else if age > OLD_MS {
        let measured = format!("the best block is {} s old by this machine's clock", age / 1_000);
        let advice = "the chain stands still, the node is behind, or the clock is ahead: compare with `timedatectl`";
        Finding::broken(what, measured, advice)
    } else {
        Finding::fine(what, format!("the best block is {} s old", age / 1_000))
    })
}

/// A key that others know may not sign where money is worth something.
pub(super) fn key(chain: &impl ChainView, common: &Common) -> Finding {
    let account = common.key.account();
    match chain.account(&common.key, common.max_tip, None) {
        Ok(_) => Finding::fine("key", format!("{account} may sign on this chain")),
        Err(error) => Finding::broken(
            "key",
            error.to_string(),
            "write a secret of your own into a file of mode 600",
        ),
    }
}
