//! Checks the receipts of a client's sessions, and plays the disputes about those that are wrong.
//!
//! ```text
//!  sessions ── cases ──▶ inspector ── tasks ──▶ the engine's process
//!                         │  ▲ ◀── outputs ──────┘
//!                         ▼  │
//!               account (owns the nonce) ◀── games (the challenges that were made)
//! ```
//!
//! A receipt is challenged after two executions that agree with each other and not with it: one as a worker makes it
//! ([`Checker::check`]), and one with everything on the way, to which the challenge commits ([`Challenger::prepare`]).
//! The request is kept in the folder of inputs before the challenge is sent, so the games that follow can be played by
//! this process, by a later one, or by `watch` with the same folder.
//!
//! The engine is started when the first receipt is drawn, or when the account has disputes from an earlier run: most
//! clients never need it.

mod held;
mod packages;
#[cfg(test)]
mod tests;

pub use held::{HeldReceipt, ReceiptOutcome};

use crate::{
    config::Common,
    engine::{self, Engine, Reply, Task, Tasks},
    games::{Archive, GameSet, Honest, SharedExecution, Standing},
    job_input::{Sources, lists},
    models::Models,
    serve::memory::Output,
    skeleton::{Timing, best_state},
};
use assay_client::{
    chain::{Account, AccountId, ChainError, ChainView, H256, KeyError, Salts, StateView},
    sessions::Challenger,
};
use assay_ops::{program::EngineError, tensor::Tensor};
use assay_package::atomic;
use assay_player::{Hash, committed, trace_digest};
use assay_session::{Case, CheckError, Checker, Verdict, WrongReceipt};
use assay_types::{
    ClaimId, ClaimSource,
    dispute::{Committed, commitment},
    schema::ModelKind,
};
use futures::future::BoxFuture;
use std::{
    collections::BTreeSet,
    convert::Infallible,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    sync::{Mutex, OnceCell, mpsc, watch},
    task::spawn_blocking,
};

/// Longest time that a check may take, with its wait for the engine.
const PATIENCE: Duration = Duration::from_secs(600);
/// Pause before disputes are played on after a connection has broken.
const PAUSE: Duration = Duration::from_secs(2);
/// Number that checks have among tasks; nobody looks them up by it.
const NO_JOB: u64 = u64::MAX;

/// Why nothing can be checked here.
#[derive(Debug, thiserror::Error)]
pub enum InspectorError {
    /// There is no package of a model that is to be checked.
    #[error("models_dir {path} holds no package that receipts can be checked with: put the models' packages there")]
    NoPackage {
        /// The folder.
        path: PathBuf,
    },
    /// The engine cannot be used.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The chain cannot be read.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The key may not sign on this chain.
    #[error("key: {0}")]
    Key(#[from] KeyError),
    /// The thread that starts the engine has ended.
    #[error("the engine was not started; start the program again, and report what it logged before")]
    BrokenOff,
}

/// Checks receipts, and plays the disputes that come of it. Clones are handles of the same one.
#[derive(Clone)]
pub struct Inspector {
    shared: Arc<Shared>,
}

struct Shared {
    common: Common,
    /// Roots of the models that are checked; `None` for those of all packages in the folder.
    roots: Option<BTreeSet<H256>>,
    me: AccountId,
    /// The salts of this account's commitments.
    salts: Salts,
    ready: OnceCell<Ready>,
    /// Whether the engine was started.
    started: watch::Sender<bool>,
}

/// An engine that is started, and the disputes that are played with it.
struct Ready {
    tasks: Tasks,
    /// Models that this machine gives as they are defined.
    models: Models,
    archive: Archive,
    standing: watch::Receiver<Standing>,
    games: Mutex<GameSet>,
}

impl Inspector {
    /// Of the account of the configuration's key, on the chain whose first block has this hash. With roots the engine
    /// loads the models of these alone.
    pub fn new(common: Common, genesis: H256, roots: Option<BTreeSet<H256>>) -> Self {
        let shared = Shared {
            me: common.key.account(),
            salts: common.key.salts(genesis),
            common,
            roots,
            ready: OnceCell::new(),
            started: watch::Sender::new(false),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Starts the engine now, so that the first check does not wait for it.
    pub async fn warm(&self) -> Result<(), InspectorError> {
        self.shared.ready().await.map(drop)
    }

    /// Plays the disputes of the account for as long as it is polled: those that the chain has at the start, and those
    /// that challenges begin.
    pub async fn play<C: ChainView>(&self, chain: &C, account: &Account) -> Infallible {
        loop {
            let reason = match self.play_once(chain, account).await {
                Ok(broken) => broken.to_string(),
                Err(error) => error.to_string(),
            };
            tracing::warn!(reason, "the disputes of this account are not played; trying again");
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn play_once<C: ChainView>(&self, chain: &C, account: &Account) -> Result<ChainError, InspectorError> {
        if !self.has_challenges(chain).await? {
            let mut started = self.shared.started.subscribe();
            // The sender lives in `self`, so that the wait ends only when it is told.
            let _ = started.wait_for(|started| *started).await;
        }
        let ready = self.shared.ready().await?;
        let mut games = ready.games.lock().await;
        Ok(games.play(chain, account.clone(), self.shared.timing()).await)
    }

    /// Plays the disputes of the account until none is left. Not beside [`Self::play`], which has them all.
    pub async fn play_out<C: ChainView>(&self, chain: &C, account: &Account) -> Result<(), InspectorError> {
        if !self.has_challenges(chain).await? {
            return Ok(());
        }
        let ready = self.shared.ready().await?;
        let mut games = ready.games.lock().await;
        Ok(games.play_out(chain, account.clone(), self.shared.timing()).await?)
    }

    /// Whether challenges of the account are open after the best block.
    pub async fn has_challenges(&self, chain: &impl ChainView) -> Result<bool, ChainError> {
        let best = best_state(chain).await?;
        let disputes = best.disputes_of(&self.shared.me).await?;
        let mut games = disputes.iter().flat_map(|(_, dispute)| dispute.games.iter());
        Ok(games.any(|game| game.challenger == self.shared.me))
    }

    /// Number of challenges that are being played, as far as this process has read the chain.
    pub fn open_challenges(&self) -> usize {
        let ready = self.shared.ready.get();
        ready.map_or(0, |ready| ready.standing.borrow().playing.len())
    }
}

impl Shared {
    fn timing(&self) -> Timing {
        Timing::with_stall(self.common.stall)
    }

    /// The engine, which is started if it is not there yet.
    async fn ready(&self) -> Result<&Ready, InspectorError> {
        self.ready.get_or_try_init(|| self.start()).await
    }

    async fn start(&self) -> Result<Ready, InspectorError> {
        let (common, roots) = (self.common.clone(), self.roots.clone());
        let starting = spawn_blocking(move || {
            let found = packages::find(&common.models_dir, roots.as_ref());
            if found.is_empty() {
                let path = common.models_dir.clone();
                return Err(InspectorError::NoPackage { path });
            }
            Ok(engine::start_for(&common, &found)?)
        });
        let engine = starting.await.map_err(|_| InspectorError::BrokenOff)??;
        let ready = self.ready_on(engine);
        self.started.send_replace(true);
        Ok(ready)
    }

    fn ready_on(&self, engine: Engine) -> Ready {
        let Engine {
            models, tasks, faults, ..
        } = engine;
        for (root, reason) in &faults {
            tracing::error!(
                ?root,
                reason,
                "RECEIPTS OF A MODEL ARE NOT CHECKED: what is executed here is not relied on"
            );
        }
        let sources = Sources {
            folder: self.common.inputs_dir.clone(),
            store: None,
            copy: false,
            network: None,
            requests: None,
        };
        let (games, _) = GameSet::new(
            models.clone(),
            sources,
            Arc::new(Honest),
            self.me.clone(),
            self.salts.clone(),
        );
        Ready {
            tasks,
            models: models.without(&faults),
            archive: games.archive(),
            standing: games.standing(),
            games: Mutex::new(games),
        }
    }

    async fn verdict(&self, case: Case) -> Result<Verdict, String> {
        let ready = self.ready().await.map_err(|error| error.to_string())?;
        let said = &case.receipt.message;
        let inputs = ready.inputs(said.model_root, case.inputs, &case.outputs)?;
        let output = ready.run(said.model_root, inputs).await?;
        Ok(match output.digest == said.output_digest {
            true => Verdict::Right,
            false => Verdict::Wrong,
        })
    }

    /// The commitment to a trace of our own, once the request is kept and an execution differs from the receipt.
    async fn commitment(&self, wrong: WrongReceipt) -> Result<H256, String> {
        let ready = self.ready().await.map_err(|error| error.to_string())?;
        let said = &wrong.receipt.message;
        let claim = claim_of(&wrong)?;
        let claimed = Committed {
            model_root: said.model_root,
            input_digest: said.input_digest,
            output_digest: said.output_digest,
        };
        self.keep(&claimed, wrong.inputs.clone(), wrong.outputs.clone()).await?;
        let inputs = ready.inputs(claimed.model_root, wrong.inputs, &wrong.outputs)?;
        let execution = ready.trace(&claimed, inputs).await?;
        if committed(&*execution).output_digest == claimed.output_digest {
            return Err(
                "a second execution gives what the receipt says, so this machine is not to be relied on".into(),
            );
        }
        let trace = trace_digest(&*execution);
        Ok(commitment::<Hash, _>(claim, &self.me, &trace, &self.salts.of(claim)))
    }

    /// Keeps a request and its answer where games look for them.
    async fn keep(&self, claimed: &Committed, inputs: Vec<Tensor>, outputs: Vec<Tensor>) -> Result<(), String> {
        let folder = self.common.inputs_dir.clone();
        let digests = [claimed.input_digest, claimed.output_digest];
        let keeping = spawn_blocking(move || {
            for (digest, list) in digests.into_iter().zip([inputs, outputs]) {
                let path = folder.join(lists::file_name(digest));
                let written = atomic::replace(&path, &lists::encode(&list), 0o600);
                written.map_err(|error| format!("{}: {error}", path.display()))?;
            }
            Ok(())
        });
        keeping.await.map_err(|error| error.to_string())?
    }
}

impl Ready {
    /// Operands of an execution: the inputs that the client gave and, of a generation, the sequence.
    fn inputs(&self, root: H256, mut inputs: Vec<Tensor>, outputs: &[Tensor]) -> Result<Vec<Tensor>, String> {
        let model = self.models.get(&root);
        let model =
            model.ok_or_else(|| format!("no package with the root {root:?} is among those that are loaded here"))?;
        if model.package.parts().kind == ModelKind::Generation {
            inputs.extend(outputs.first().cloned());
        }
        Ok(inputs)
    }

    /// Executes a request as a worker does.
    async fn run(&self, model: H256, inputs: Vec<Tensor>) -> Result<Output, String> {
        let (outcome, mut ended) = mpsc::channel(1);
        let (tokens, _nobody) = mpsc::unbounded_channel();
        let task = Task {
            job: NO_JOB,
            model,
            inputs,
            until: Instant::now() + PATIENCE,
            reply: Some(Reply { outcome, tokens }),
        };
        self.tasks.try_run(task).map_err(|error| error.to_string())?;
        let result = ended.recv().await;
        let result = result.ok_or_else(|| "the engine's supervisor has ended".to_owned())?;
        result.map_err(|error| error.to_string())
    }

    /// Executes a request with everything on the way, for its games too.
    async fn trace(&self, claimed: &Committed, inputs: Vec<Tensor>) -> Result<SharedExecution, String> {
        // After a challenge that had no effect.
        if let Some(execution) = self.archive.get(claimed) {
            return Ok(execution);
        }
        let model = self.models.get(&claimed.model_root).cloned();
        let model = model.ok_or_else(|| "its model is not among those that are loaded here".to_owned())?;
        let archive = self.archive.clone();
        let executing = spawn_blocking(move || archive.execute(&model, inputs).map_err(|error| error.to_string()));
        let execution = executing.await.map_err(|error| error.to_string())??;
        self.archive.keep(claimed, execution.clone());
        Ok(execution)
    }
}

fn claim_of(wrong: &WrongReceipt) -> Result<ClaimId, String> {
    let said = &wrong.receipt.message;
    let source = ClaimSource::Receipt {
        session: said.session,
        sequence: said.sequence,
    };
    source
        .id()
        .ok_or_else(|| "no session has a request of this number".to_owned())
}

impl Checker for Inspector {
    fn check(&self, case: Case) -> BoxFuture<'static, Result<Verdict, CheckError>> {
        let shared = self.shared.clone();
        Box::pin(async move { shared.verdict(case).await.map_err(|reason| CheckError { reason }) })
    }
}

impl Challenger for Inspector {
    fn prepare(&self, wrong: &WrongReceipt) -> BoxFuture<'_, Result<H256, String>> {
        Box::pin(self.shared.commitment(wrong.clone()))
    }
}
