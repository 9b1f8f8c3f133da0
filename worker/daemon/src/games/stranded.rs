//! Disputes of an account whose packages cannot be used: they are named, and played as far as that goes.
//!
//! Nothing can be said in a dispute about a model that cannot be executed. But whoever lets a clock run out loses to
//! anybody who says so, after a time in which it may answer late, and this needs no execution.

use super::{Conduct, GameSet, report::at_stake};
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
use assay_client::{
    chain::{Account, AccountId, Balance, ChainError, ChainView, Connect, Dispute, KeyError, StateView},
    units,
};
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

/// Disputes in which nothing can be said, and the money of this account that they are about.
#[derive(Debug, Default, PartialEq, Eq)]
struct Lost {
    /// Those about claims of this account.
    claims: Vec<JobId>,
    /// Amount that the claims have locked. The chain takes a share of the whole stake instead, where that is more.
    locked: Balance,
    /// Those that this account has begun.
    challenges: Vec<JobId>,
    /// Their bonds.
    bonds: Balance,
}

impl Lost {
    fn of(me: &AccountId, disputes: &[(JobId, Dispute)], models: &Models) -> Self {
        let mut lost = Self::default();
        let is_lost = |dispute: &Dispute| models.get(&dispute.committed.model_root).is_none();
        for (job, dispute) in disputes.iter().filter(|(_, dispute)| is_lost(dispute)) {
            let (jobs, sum) = match dispute.worker == *me {
                true => (&mut lost.claims, &mut lost.locked),
                false => (&mut lost.challenges, &mut lost.bonds),
            };
            jobs.push(*job);
            // Saturates only above the total issuance.
            *sum = sum.saturating_add(at_stake(me, dispute));
        }
        lost
    }
}

/// Says in which disputes nothing can be said, and how much money cannot be defended.
async fn name_the_lost(
    chain: &impl ChainView,
    account: &Account,
    models: &Models,
    reason: &str,
) -> Result<(), ChainError> {
    let best = best_state(chain).await?;
    let lost = Lost::of(account.id(), &best.disputes_of(account.id()).await?, models);
    if lost != Lost::default() {
        tracing::error!(
            claims = ?lost.claims,
            locked = units::format(lost.locked),
            challenges = ?lost.challenges,
            bonds = units::format(lost.bonds),
            reason,
            "DISPUTES CANNOT BE PLAYED: without the model's package nothing can be said in them. What the claims have \
             locked, or half of the whole stake where that is more, and the bonds of the challenges are lost when the \
             clocks run out; put the package back and start again before that"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        games::Honest,
        skeleton::tests::{TIMING, Tested, author_until, common, key},
    };
    use assay_client::chain::{BlockNumber, Call, DisputesCall, Game, H256, fake::FakeChain};
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

    #[test]
    fn the_money_that_cannot_be_defended_is_what_claims_lock_and_the_bonds_of_challenges() {
        let (me, tested) = (key().account(), Tested::new());
        let challenge = |bond| {
            let mut dispute = dispute();
            dispute.worker = CHALLENGER;
            dispute.games.iter_mut().for_each(|game| {
                game.challenger = me.clone();
                game.bond = bond;
            });
            dispute
        };
        let mut playable = dispute();
        playable.committed.model_root = H256(tested.package.root());
        let disputes = [
            (1, dispute()),
            (2, dispute()),
            (3, challenge(7)),
            (4, challenge(8)),
            (5, playable),
        ];
        let lost = Lost {
            claims: vec![1, 2],
            locked: 20,
            challenges: vec![3, 4],
            bonds: 15,
        };
        assert_eq!(Lost::of(&me, &disputes, &tested.models), lost);
        assert_eq!(Lost::of(&me, &disputes[4..], &tested.models), Lost::default());
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
