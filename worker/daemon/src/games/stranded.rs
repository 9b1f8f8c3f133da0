//! Disputes of an account whose packages cannot be used: they are named, and played as far as that goes.
//!
//! Nothing can be said in a dispute about a model that cannot be executed. But whoever lets a clock run out loses to
//! anybody who says so, after a time in which it may answer late, and this needs no execution.

use super::{Conduct, GameSet};
use crate::{
    config::Common,
    engine::{self, Tasks},
    job_input::{KeptRequests, Sources},
    models::{Models, PackageAt},
    serve::{
        sessions::Requests,
        store::{Store, StoreError},
    },
    shutdown::Shutdown,
    skeleton::{Connections, Timing, best_state},
};
use assay_client::chain::{Account, ChainError, ChainView, Connect, KeyError, StateView};
use assay_session::JournalError;
use assay_types::JobId;
use std::sync::Arc;

/// A daemon that cannot do its duty.
pub(crate) struct Stranded<'a> {
    pub(crate) common: &'a Common,
    pub(crate) conduct: Arc<dyn Conduct>,
    /// The packages that are left.
    pub(crate) packages: Vec<PackageAt>,
    /// Whether the daemon has a store.
    pub(crate) has_store: bool,
    /// Why it cannot do its duty.
    pub(crate) reason: String,
}

/// Why the disputes are not played.
#[derive(Debug, thiserror::Error)]
enum NotPlayed {
    #[error(transparent)]
    Chain(#[from] ChainError),
    #[error("key: {0}")]
    Key(#[from] KeyError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Sessions(#[from] JournalError),
}

impl Stranded<'_> {
    /// Plays until no dispute is left, or shutdown is requested. A node that cannot be reached at first is not waited
    /// for, since most accounts have no disputes.
    pub(crate) async fn play<N: Connect>(self, connect: N, timing: Timing, shutdown: &mut Shutdown) {
        tracing::error!(
            reason = self.reason,
            "the daemon cannot work; looking for disputes that are open"
        );
        let mut stop = shutdown.clone();
        let played = tokio::select! {
            played = self.play_out(connect, timing, shutdown) => played,
            () = stop.requested() => Ok(()),
        };
        if let Err(error) = played {
            tracing::error!(%error, "THE DISPUTES OF THIS ACCOUNT, IF IT HAS ANY, ARE NOT PLAYED HERE");
        }
    }

    async fn play_out<N: Connect>(self, connect: N, timing: Timing, shutdown: &mut Shutdown) -> Result<(), NotPlayed> {
        let common = self.common;
        let mut chain = connect.connect(&common.nodes).await?;
        let mut account = chain.account(&common.key, common.max_tip, None)?;
        if !has_disputes(&chain, &account).await? {
            return Ok(());
        }
        let (models, tasks) = self.models();
        let store = match self.has_store {
            true => Some(Store::open(&common.data_dir, chain.genesis(), account.id())?),
            false => None,
        };
        let requests = store.as_ref().map(|store| Requests::there(store.folder(), tasks));
        let requests = requests.transpose()?.flatten();
        let sources = Sources {
            folder: common.inputs_dir.clone(),
            store,
            copy: false,
            network: None,
            requests: requests.map(|requests| Arc::new(requests) as Arc<dyn KeptRequests>),
        };
        name_the_lost(&chain, &account, &models, &self.reason).await?;
        let salts = common.key.salts(chain.genesis());
        let me = account.id().clone();
        let (mut games, _) = GameSet::new(models, sources, self.conduct.clone(), me, salts);
        let mut connections = Connections::new(connect, &common.nodes);
        while let Err(error) = games.play_out(&chain, account.clone(), timing).await {
            connections.note_open(true);
            if !connections.lost(&error, shutdown).await {
                break;
            }
            let Some(next) = connections.open(shutdown).await? else {
                break;
            };
            account = next.account(&common.key, common.max_tip, Some(account))?;
            chain = next;
        }
        Ok(())
    }

    /// The models that can still be executed, and the engine that does.
    fn models(&self) -> (Models, Option<Tasks>) {
        if self.packages.is_empty() {
            return (Models::default(), None);
        }
        match engine::start_for(self.common, &self.packages) {
            Ok(engine) => (engine.models, Some(engine.tasks)),
            Err(error) => {
                tracing::error!(%error, "the engine cannot execute the models that are left");
                (Models::default(), None)
            }
        }
    }
}

async fn has_disputes(chain: &impl ChainView, account: &Account) -> Result<bool, ChainError> {
    let best = best_state(chain).await?;
    Ok(!best.disputes_of(account.id()).await?.is_empty())
}

/// Says in which disputes nothing can be said.
async fn name_the_lost(
    chain: &impl ChainView,
    account: &Account,
    models: &Models,
    reason: &str,
) -> Result<(), ChainError> {
    let best = best_state(chain).await?;
    let disputes = best.disputes_of(account.id()).await?.into_iter();
    let lost = disputes.filter(|(_, dispute)| models.get(&dispute.committed.model_root).is_none());
    let (claims, challenges): (Vec<_>, Vec<_>) = lost.partition(|(_, dispute)| dispute.worker == *account.id());
    let jobs = |disputes: Vec<(JobId, _)>| disputes.into_iter().map(|(job, _)| job).collect::<Vec<_>>();
    let (claims, challenges) = (jobs(claims), jobs(challenges));
    if !claims.is_empty() || !challenges.is_empty() {
        tracing::error!(
            ?claims,
            ?challenges,
            reason,
            "DISPUTES CANNOT BE PLAYED: without the model's package nothing can be said in them, and a claim's stake or a \
             challenge's bond is lost when the clock runs out; put the package back and start again before that"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        games::Honest,
        skeleton::tests::{TIMING, author_until, common, key},
    };
    use assay_client::chain::{AccountId, BlockNumber, Call, Dispute, DisputesCall, Game, H256, fake::FakeChain};
    use assay_types::{
        ModelVersion,
        dispute::{Clock, ClockTerms, Committed, Place, Side},
    };
    use polkadot_sdk::sp_runtime::BoundedVec;

    const CHALLENGER: AccountId = AccountId::new([2; 32]);

    fn dispute() -> Dispute {
        let terms = ClockTerms::<BlockNumber> {
            worker_blocks: 6,
            challenger_blocks: 6,
            least_turn_blocks: 2,
        };
        let game = Game {
            challenger: CHALLENGER,
            commitment: H256::zero(),
            bond: 5,
            place: Place::Trace,
            digest: H256::zero(),
            tensor: None,
            turn: Side::Challenger,
            clock: Clock::start(1, Side::Challenger, &terms),
        };
        Dispute {
            id: 1,
            worker: key().account(),
            client: AccountId::new([9; 32]),
            version: ModelVersion { model: 0, version: 1 },
            definition: assay_exact::DEFINITION_NUMBER,
            locked: 10,
            committed: Committed {
                model_root: H256::zero(),
                input_digest: H256::zero(),
                output_digest: H256::zero(),
            },
            trace: None,
            waits: false,
            late_until: None,
            games: BoundedVec::truncate_from(vec![game]),
        }
    }

    async fn play(chain: &FakeChain) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let stranded = Stranded {
            common: &common(folder.path()),
            conduct: Arc::new(Honest),
            packages: Vec::new(),
            has_store: true,
            reason: "the folder holds no package".into(),
        };
        let (_running, mut shutdown) = Shutdown::channel();
        stranded.play(chain.clone(), TIMING, &mut shutdown).await;
    }

    #[tokio::test]
    async fn a_timeout_is_claimed_without_any_package_and_then_the_daemon_ends() {
        let chain = FakeChain::new();
        chain.author_with(|ledger, _| drop(ledger.disputes.insert(1, dispute())));
        let played = tokio::spawn({
            let chain = chain.clone();
            async move { play(&chain).await }
        });
        author_until(&chain, "the dispute is over", || played.is_finished()).await;
        let timeout = Call::Disputes(DisputesCall::ClaimTimeout {
            job: 1,
            challenger: CHALLENGER,
        });
        assert_eq!(chain.included(), [timeout]);
    }

    #[tokio::test]
    async fn a_daemon_without_disputes_or_a_node_ends_at_once() {
        let chain = FakeChain::new();
        chain.author();
        play(&chain).await;
        chain.break_off();
        play(&chain).await;
        assert_eq!(chain.sent(), []);
    }
}
