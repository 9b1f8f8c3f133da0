//! Keeps a daemon at work over one connection after the other.

use super::Connections;
use crate::{config::Common, games::GameSet, shutdown::Shutdown};
use assay_client::chain::{Account, ChainError, ChainView, Connect, H256, KeyError};

/// State of a daemon on one chain, over all connections to it.
pub(crate) struct OnChain<K> {
    pub(crate) genesis: H256,
    pub(crate) account: Account,
    pub(crate) games: GameSet,
    /// State that only this kind of daemon has.
    pub(crate) kept: K,
}

/// A daemon that outlives its connections.
pub(crate) trait Daemon<N: Connect> {
    /// State that the daemon keeps of one chain, beside its account and its games.
    type Kept;
    /// Reasons for which the daemon ends.
    type Error: From<ChainError> + From<KeyError>;

    /// The configuration that all daemons have.
    fn common(&self) -> &Common;

    /// Begins on a chain of which the daemon keeps no state.
    async fn begin(&self, chain: &N::Chain) -> Result<OnChain<Self::Kept>, Self::Error>;

    /// Takes note of another connection to the same chain.
    fn moved(_kept: &Self::Kept, _chain: &N::Chain) {}

    /// Works over one connection, until it breaks or shutdown is requested.
    async fn session(
        &mut self,
        chain: &N::Chain,
        now: &mut OnChain<Self::Kept>,
        connections: &mut Connections<N>,
        shutdown: &mut Shutdown,
    ) -> Result<(), Self::Error>;

    /// Whether something is open that has a deadline, besides games.
    fn is_open(kept: &Self::Kept) -> bool;

    /// The failure of a connection that an error names. The error itself, if another connection cannot help.
    fn broken(error: Self::Error) -> Result<ChainError, Self::Error>;
}

/// Keeps a daemon at work until shutdown is requested; returns what it keeps of the last chain.
pub(crate) async fn stay<N: Connect, D: Daemon<N>>(
    daemon: &mut D,
    connect: N,
    shutdown: &mut Shutdown,
) -> Result<Option<OnChain<D::Kept>>, D::Error> {
    let mut connections = Connections::new(connect, &daemon.common().nodes);
    let mut on_chain: Option<OnChain<D::Kept>> = None;
    while let Some(chain) = connections.open(shutdown).await? {
        // Jobs of another chain have the same numbers, and its files are closed first: they may be opened again.
        let before = on_chain.take().filter(|before| before.genesis == chain.genesis());
        let mut now = match before {
            Some(mut now) => {
                let common = daemon.common();
                now.account = chain.account(&common.key, common.max_tip, Some(now.account))?;
                D::moved(&now.kept, &chain);
                now
            }
            None => daemon.begin(&chain).await?,
        };
        tracing::info!(node = chain.address(), account = %now.account.id(), "connected");
        let ended = daemon.session(&chain, &mut now, &mut connections, shutdown).await;
        connections.note_open(D::is_open(&now.kept) || now.games.is_open());
        on_chain = Some(now);
        let Err(error) = ended else {
            break;
        };
        if !connections.lost(&D::broken(error)?, shutdown).await {
            break;
        }
    }
    Ok(on_chain)
}
