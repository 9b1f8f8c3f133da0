//! Findings about a worker's place: its machine, its node, its money, and why no work comes.
//!
//! Each check is a function of what it looks at, and gives [`Finding`]s: the thing, what was measured, and what to do.
//! The checks that need no node come first. Nothing here changes anything on chain or in `data_dir`.

mod chain;
mod machine;
mod money;
#[cfg(test)]
mod tests;
mod work;

pub use machine::{Port, ports};

use crate::config::{Common, ServeConfig};
use assay_client::chain::{ChainError, ChainView, Connect};
use assay_package::Package;
use serde::Serialize;
use std::{
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// Longest wait for an answer of a node to one question.
const PATIENCE: Duration = Duration::from_secs(30);

/// Meaning of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Nothing is to be done.
    Fine,
    /// The worker works, and the operator should know this.
    Note,
    /// The worker does not work, or will not for long.
    Broken,
}

/// Result of one check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Thing that was looked at, in one or two words.
    pub what: String,
    /// Its meaning.
    pub level: Level,
    /// Measurement, with its unit.
    pub measured: String,
    /// Advice for the operator; `None` if nothing is to be done.
    pub advice: Option<String>,
}

impl Finding {
    /// A finding after which nothing is to be done.
    pub fn fine(what: impl Into<String>, measured: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            level: Level::Fine,
            measured: measured.into(),
            advice: None,
        }
    }

    /// A finding that the operator should know.
    pub fn note(what: impl Into<String>, measured: impl Into<String>, advice: impl Into<String>) -> Self {
        Self {
            level: Level::Note,
            advice: Some(advice.into()),
            ..Self::fine(what, measured)
        }
    }

    /// A finding that keeps the worker from working.
    pub fn broken(what: impl Into<String>, measured: impl Into<String>, advice: impl Into<String>) -> Self {
        Self {
            level: Level::Broken,
            ..Self::note(what, measured, advice)
        }
    }
}

/// Receiver of findings, each as soon as it is there.
pub type Tell<'a> = &'a mut (dyn FnMut(Finding) + Send);

/// Looks at everything that needs no node; the packages that can be used, in the order of the configuration. An empty
/// list if one cannot.
///
/// `scratch` is a folder of our own for what the engine's audit writes. Without it the engine is not started.
pub fn machine(config: &ServeConfig, scratch: Option<&Path>, tell: Tell<'_>) -> Vec<Arc<Package>> {
    let common = &config.common;
    tell(Finding::fine(
        "configuration",
        format!("{} serves {} models", common.key.account(), config.models.len()),
    ));
    if let Some(network) = &common.network {
        tell(machine::private(&network.node.key_path));
    }
    tell(machine::folder(&common.data_dir));
    tell(machine::disk(&common.data_dir, machine::free_bytes(&common.data_dir)));
    let packages = match crate::serve::packages(config) {
        Ok(packages) => packages,
        Err(error) => {
            tell(Finding::broken(
                "packages",
                error.to_string(),
                "correct the name in the configuration, or get the package again",
            ));
            return Vec::new();
        }
    };
    tell(machine::memory(
        common.max_memory,
        crate::engine::available(),
        &machine::needs(&packages),
    ));
    if let Some(scratch) = scratch {
        let common = Common {
            data_dir: scratch.to_owned(),
            ..common.clone()
        };
        machine::engine(&common, &packages).into_iter().for_each(tell);
    }
    packages.into_iter().map(|(_, package)| package).collect()
}

/// Looks at the nodes, the account and the offers; a connection, if there is one.
pub async fn network<N: Connect>(
    config: &ServeConfig,
    packages: &[Arc<Package>],
    connect: &N,
    tell: Tell<'_>,
) -> Option<N::Chain> {
    let chain = chain::nodes(connect, &config.common.nodes, tell).await?;
    let looked = tokio::time::timeout(PATIENCE, look(config, packages, &chain, tell)).await;
    let asked = "ask another node, or start this one again";
    match looked {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tell(Finding::broken("node", error.to_string(), asked)),
        Err(_) => tell(Finding::broken(
            "node",
            format!("no answer in {} s", PATIENCE.as_secs()),
            asked,
        )),
    }
    Some(chain)
}

async fn look<C: ChainView>(
    config: &ServeConfig,
    packages: &[Arc<Package>],
    chain: &C,
    tell: Tell<'_>,
) -> Result<(), ChainError> {
    chain::synced(chain).await?.into_iter().for_each(&mut *tell);
    let state = crate::skeleton::best_state(chain).await?;
    tell(chain::clock(&state, chain.is_development(), now_ms()).await?);
    tell(chain::key(chain, &config.common));
    let me = config.common.key.account();
    money::funds(&state, config, &me)
        .await?
        .into_iter()
        .for_each(&mut *tell);
    if packages.len() == config.models.len() {
        work::models(&state, config, packages, &me)
            .await?
            .into_iter()
            .for_each(&mut *tell);
    }
    Ok(())
}

/// Milliseconds since 1970 by this machine's clock.
fn now_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}
