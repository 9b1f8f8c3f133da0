//! Packages that a daemon is to serve and does not have: looked up on chain by the model's name, fetched by the model's
//! root, and put where the package would have been.

use super::Network;
use crate::{config::Common, shutdown::Shutdown};
use assay_client::{
    chain::{ChainError, Client, H256},
    request::{Model, RequestError, find_model},
};
use assay_network::{NetworkError, Sources};
use assay_package::MANIFEST_FILE;
use std::{path::PathBuf, time::Duration};
use tokio::time::Instant;

/// Pause between two attempts to fetch a package.
const PAUSE: Duration = Duration::from_secs(10);
/// Time for which packages are fetched where others are here.
const PATIENCE: Duration = Duration::from_secs(60);

/// Why a package is not fetched.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The chain cannot be read.
    #[error("model {name}: its package is not in models_dir, and the chain cannot be asked for its root: {source}")]
    Chain {
        /// The model.
        name: String,
        /// The chain's error.
        source: ChainError,
    },
    /// The chain has no such model.
    #[error(
        "model {name}: the folder of this name in models_dir holds no package, and the chain has no model of this name \
         ({reason}): correct the name, or put the package there"
    )]
    Unknown {
        /// The model.
        name: String,
        /// The chain's reason.
        reason: String,
    },
    /// The package that was fetched cannot be used.
    #[error("model {name}: {source}")]
    Unusable {
        /// The model.
        name: String,
        /// The network's error.
        source: NetworkError,
    },
}

/// Fetches the packages of these models that are not in `models_dir`, into folders of these names. Where none is there,
/// it does not give up while nobody provides them. Where some are, there may be disputes about their models, which do
/// not wait: then it goes on without the others after a minute. Returns false if shutdown is requested.
pub async fn fetch_missing(
    common: &Common,
    names: &[String],
    network: &Network,
    shutdown: &mut Shutdown,
) -> Result<bool, FetchError> {
    let folder = |name: &String| common.models_dir.join(name);
    let missing: Vec<&String> = names
        .iter()
        .filter(|name| !folder(name).join(MANIFEST_FILE).is_file())
        .collect();
    let until = (missing.len() < names.len()).then(|| Instant::now() + PATIENCE);
    for name in missing {
        let model = look_up(common, name, network).await?;
        let fetching = fetch(name, model.record.root, folder(name), network);
        let given_up = async {
            match until {
                Some(until) => tokio::time::sleep_until(until).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            fetched = fetching => fetched?,
            () = given_up => tracing::error!(name, "THE PACKAGE IS NOT FETCHED: going on without it"),
            () = shutdown.requested() => return Ok(false),
        }
    }
    Ok(true)
}

/// Finds the model on chain, and meets the workers that are announced there.
async fn look_up(common: &Common, name: &str, network: &Network) -> Result<Model, FetchError> {
    let failed = |source| FetchError::Chain {
        name: name.to_owned(),
        source,
    };
    let client = Client::connect(&common.nodes).await.map_err(failed)?;
    let snapshot = client.finalized().await.map_err(failed)?;
    let model = find_model(&snapshot, name).await.map_err(|error| match error {
        RequestError::Chain(source) => failed(source),
        error => FetchError::Unknown {
            name: name.to_owned(),
            reason: error.to_string(),
        },
    })?;
    let announced = snapshot.announcements().await.map_err(failed)?;
    let reached = network.meet_now(announced).await;
    tracing::info!(
        name,
        version = %model.version,
        root = ?model.record.root,
        reached,
        "the package is not here; fetching it from the network"
    );
    Ok(model)
}

/// Fetches a package by its root, again and again until it is there.
async fn fetch(name: &str, root: H256, folder: PathBuf, network: &Network) -> Result<(), FetchError> {
    loop {
        let sources = Sources {
            peers: network.connected().await,
            search: Some(root.0),
        };
        let error = match network.node().package(root.0, &folder, &sources).await {
            Ok(package) => {
                tracing::info!(name, folder = %folder.display(), model = package.manifest().name, "the package is here");
                return Ok(());
            }
            Err(error @ (NetworkError::Unavailable { .. } | NetworkError::Fault { .. })) => error,
            Err(error @ (NetworkError::Unreachable { .. } | NetworkError::Refused { .. })) => error,
            Err(source) => {
                return Err(FetchError::Unusable {
                    name: name.to_owned(),
                    source,
                });
            }
        };
        tracing::warn!(
            name, %error,
            "nobody gives the package; trying again: `assay-worker network status` says who is reached, and bootnodes and \
             announced workers are asked"
        );
        tokio::time::sleep(PAUSE).await;
    }
}
