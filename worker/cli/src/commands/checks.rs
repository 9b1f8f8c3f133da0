//! The sessions of this account as a client, and the checks of their receipts: by an execution here, or by asking a
//! second worker.

use anyhow::{Context, ensure};
use assay_client::{
    chain::{Account, Balance, Client, H256, Key},
    sessions::{ChainSessions, Challenger},
};
use assay_daemon::{
    config::Common,
    engine::{EngineProgram, default_limit},
    inspector::Inspector,
};
use assay_engine::EngineChoice;
use assay_network::Node;
use assay_session::{
    Checker, ClientConfig, ClientJournal, SecondOpinion, Session, SessionPair, Sessions, client::WHOLE_SHARE,
};
use clap::Args;
use polkadot_sdk::sp_runtime::Perbill;
use std::{collections::BTreeSet, convert::Infallible, fs, path::Path, sync::Arc, time::Duration};

/// Maximum tip for a call of a dispute, in percent of what is at stake.
const MAX_TIP_PERCENT: u32 = 1;
/// Longest wait for a block while a dispute is played.
const STALL: Duration = Duration::from_secs(120);
/// Folder of what checks and challenges keep, in that of the journal.
const FOLDER: &str = "checks";

/// Checks of the receipts of sessions.
#[derive(Clone, Debug, Args)]
pub struct ReceiptCheckArgs {
    /// Percent of the receipts of sessions that are checked by an execution on this machine, and challenged where they
    /// are wrong; expensive ones are drawn more often, and 0 is none [default: 2]
    #[arg(long, env = "ASSAY_CHECK_PERCENT", value_name = "PERCENT")]
    check_percent: Option<f64>,
    /// Ask a second worker for what is checked, and execute it here only where the two differ
    #[arg(long)]
    second_opinion: bool,
}

/// Configuration that the sessions of an account stand on.
pub(super) struct Place<'a> {
    pub(super) client: &'a Client,
    pub(super) account: &'a Account,
    pub(super) key: &'a Key,
    /// The node of the workers' network.
    pub(super) node: &'a Node,
    /// Folder of the journal.
    pub(super) folder: &'a Path,
    pub(super) models_dir: &'a Path,
    /// Roots of the models that are asked; `None` for all whose packages are here.
    pub(super) roots: Option<BTreeSet<H256>>,
    /// Budget of a session with a second worker.
    pub(super) budget: Balance,
}

/// The sessions of an account.
pub(super) struct OwnSessions {
    /// Those that requests are asked in.
    pub(super) sessions: Sessions,
    /// The chain as they see it.
    pub(super) chain: ChainSessions<Client>,
    /// Those with second workers.
    second: Option<Sessions>,
    /// Share of the receipts that are checked, in hundredths of a percent.
    share: u32,
    inspector: Option<Inspector>,
    client: Client,
    account: Account,
}

/// Opens the account of a client, which may have to play disputes.
pub(super) fn account(client: &Client, key: &Key) -> anyhow::Result<Account> {
    let max_tip = Perbill::from_percent(MAX_TIP_PERCENT);
    Ok(Account::tipping(client.clone(), key.clone(), max_tip)?)
}

impl ReceiptCheckArgs {
    /// Share of the receipts, in hundredths of a percent.
    fn share(&self) -> anyhow::Result<u32> {
        let Some(percent) = self.check_percent else {
            return Ok(ClientConfig::default().share);
        };
        ensure!(
            (0.0..=100.0).contains(&percent),
            "--check-percent: must be between 0 and 100"
        );
        // Within bounds; a share above 0 is never rounded to none.
        Ok((percent * 100.0).ceil() as u32)
    }

    /// The sessions of this account, with the journal of those that an earlier run has left open.
    pub(super) fn sessions(&self, place: Place<'_>) -> anyhow::Result<OwnSessions> {
        let share = self.share()?;
        let genesis = place.client.genesis();
        let inspector = (share > 0).then(|| Inspector::new(place.common(), genesis, place.roots.clone()));
        let challenger = inspector
            .clone()
            .map(|inspector| Arc::new(inspector) as Arc<dyn Challenger>);
        let chain = ChainSessions::new(place.client.clone(), place.account.clone(), challenger);
        let arbiter = inspector
            .clone()
            .map(|inspector| Arc::new(inspector) as Arc<dyn Checker>);
        let mut second = None;
        let checker = match arbiter {
            Some(arbiter) if self.second_opinion => {
                let sessions = place.open(&chain, "-second", 0, None)?;
                second = Some(sessions.clone());
                let opinion = SecondOpinion::new(sessions, place.budget, arbiter);
                Some(Arc::new(opinion) as Arc<dyn Checker>)
            }
            arbiter => arbiter,
        };
        Ok(OwnSessions {
            sessions: place.open(&chain, "", share, checker)?,
            chain,
            second,
            share,
            inspector,
            client: place.client.clone(),
            account: place.account.clone(),
        })
    }
}

impl Place<'_> {
    /// Sessions with a journal of their own.
    fn open(
        &self,
        chain: &ChainSessions<Client>,
        suffix: &str,
        share: u32,
        checker: Option<Arc<dyn Checker>>,
    ) -> anyhow::Result<Sessions> {
        let genesis = self.client.genesis();
        let seed = self.key.voucher_seed(genesis);
        let name = format!("{}-{}{suffix}", hex::encode(&genesis.0[..8]), self.key.account());
        let folder = self.folder.join("sessions");
        fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
        let journal = ClientJournal::open(&folder.join(format!("{name}.redb")))?;
        let config = ClientConfig {
            share,
            ..ClientConfig::default()
        };
        Ok(Sessions::new(
            config,
            self.node.clone(),
            Arc::new(chain.clone()),
            (SessionPair::ed25519(&seed), seed),
            journal,
            checker,
        ))
    }

    /// Configuration of executions here; the connection is there already.
    fn common(&self) -> Common {
        execution_config(self.key, self.models_dir, &self.folder.join(FOLDER))
    }
}

/// Configuration of executions by the packages in this folder, and of the disputes that come of them, which keep
/// requests in that one. No node is named.
pub(super) fn execution_config(key: &Key, models_dir: &Path, folder: &Path) -> Common {
    Common {
        nodes: Vec::new(),
        key: key.clone(),
        models_dir: models_dir.to_owned(),
        inputs_dir: folder.to_owned(),
        data_dir: folder.to_owned(),
        engine: EngineChoice::Cpu,
        gpu: None,
        threads: std::thread::available_parallelism().map_or(1, Into::into),
        max_memory: default_limit(),
        engine_program: EngineProgram::this_one(&["engine"]),
        stall: STALL,
        max_tip: Perbill::from_percent(MAX_TIP_PERCENT),
        audit_share: Perbill::zero(),
        network: None,
    }
}

impl OwnSessions {
    /// Starts what executes, if a check of one of this many requests is to be expected: a liar would be paid while the
    /// first check waits.
    pub(super) async fn warm(&self, requests: usize) {
        let is_expected = requests.saturating_mul(self.share as usize) >= WHOLE_SHARE as usize;
        if let Some(inspector) = self.inspector.as_ref().filter(|_| is_expected)
            && let Err(error) = inspector.warm().await
        {
            tracing::warn!(%error, "receipts are not checked here");
        }
    }

    /// Checks receipts and plays the disputes about wrong ones, for as long as it is polled.
    pub(super) async fn look_after(&self) -> Infallible {
        let asking_twice = async {
            match &self.second {
                Some(second) => check_on(second).await,
                None => std::future::pending().await,
            }
        };
        let playing = async {
            match &self.inspector {
                Some(inspector) => inspector.play(&self.client, &self.account).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            never = check_on(&self.sessions) => never,
            never = asking_twice => never,
            never = playing => never,
        }
    }

    /// Checks what was drawn, and challenges what is wrong.
    pub(super) async fn check(&self) -> anyhow::Result<()> {
        let left = self.sessions.check().await?;
        if left > 0 {
            eprintln!(
                "{left} receipts that were drawn are not checked; the next request in a session tries again, within the \
                 window of theirs"
            );
        }
        Ok(())
    }

    /// Plays the disputes about what was challenged to their end.
    pub(super) async fn settle(&self) -> anyhow::Result<()> {
        let Some(inspector) = &self.inspector else {
            return Ok(());
        };
        if inspector.has_challenges(&self.client).await? {
            eprintln!("a receipt is wrong and challenged: playing the dispute to its end");
            inspector.play_out(&self.client, &self.account).await?;
            eprintln!("no dispute of this account is left; `assay-worker status` shows what it brought");
        }
        self.close_second().await;
        Ok(())
    }

    /// Says what a dispute needs that is not over when the program ends.
    pub(super) fn warn_of_challenges(&self) {
        let open = self.inspector.as_ref().map_or(0, Inspector::open_challenges);
        if open > 0 {
            tracing::warn!(
                open,
                "CHALLENGES OF THIS ACCOUNT GO ON, and their bonds are lost if nobody plays them: start this again soon"
            );
        }
    }

    /// Closes what is open with second workers.
    pub(super) async fn close_second(&self) {
        if let Some(second) = &self.second {
            close_those_left(second).await;
        }
    }
}

async fn check_on(sessions: &Sessions) -> Infallible {
    loop {
        sessions.run().await;
    }
}

/// Closes the sessions that an earlier run has left open, such as one that was killed.
pub(super) async fn close_those_left(sessions: &Sessions) {
    let kept = match sessions.kept() {
        Ok(kept) => kept,
        Err(error) => return tracing::warn!(%error, "which sessions were left open is not known"),
    };
    for (number, _) in kept.into_iter().filter(|(_, state)| !state.is_over) {
        let closed = match Session::resume(sessions, number).await {
            Ok(session) => session.close().await,
            Err(error) => Err(error),
        };
        match closed {
            Ok(()) => eprintln!("session {number}, which was left open, is closed"),
            Err(error) => tracing::warn!(session = number, %error, "a session that was left open is not closed"),
        }
    }
    if let Err(error) = sessions.clear().await {
        tracing::warn!(%error, "sessions that are over are not forgotten");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(percent: Option<f64>) -> Option<u32> {
        let args = ReceiptCheckArgs {
            check_percent: percent,
            second_opinion: false,
        };
        args.share().ok()
    }

    #[test]
    fn a_share_is_given_in_percent_and_is_not_rounded_to_none() {
        assert_eq!(share(None), Some(200));
        assert_eq!(share(Some(0.0)), Some(0));
        assert_eq!(share(Some(100.0)), Some(10_000));
        assert_eq!(share(Some(0.0001)), Some(1));
        for wrong in [-1.0, 100.1, f64::NAN] {
            assert_eq!(share(Some(wrong)), None, "{wrong}");
        }
    }
}
