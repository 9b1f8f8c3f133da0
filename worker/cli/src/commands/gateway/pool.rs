//! Sessions that are open, and generations in them, whose tokens come as they are made.

use super::catalogue::Known;
use crate::commands::visitor::Visitor;
use anyhow::Context;
use assay_client::{
    chain::{Account, Balance, Client, Key},
    sessions::ChainSessions,
};
use assay_gateway::{
    backend::{BackendError, Event, Finish, GenerateRequest, Generation, Report, Stop},
    money::Amount,
};
use assay_package::generation::MAX_CANDIDATES;
use assay_session::{
    Answer, ClientConfig, ClientJournal, Piece, Sampling, Session, SessionError, SessionPair, Sessions,
};
use assay_text::language::Language;
use assay_types::ModelVersion;
use futures::{StreamExt, stream::unfold};
use std::{collections::BTreeMap, fs, path::Path, sync::Arc};
use tokio::sync::{Mutex, mpsc};

/// Events that wait for the gateway.
const QUEUE: usize = 16;

/// Sessions by model; each answers one request at a time.
#[derive(Clone)]
pub(super) struct Pool {
    sessions: Sessions,
    budget: Balance,
    idle: Arc<Mutex<BTreeMap<ModelVersion, Vec<Session>>>>,
    /// The place in the workers' network, for as long as sessions are asked.
    _visitor: Arc<Visitor>,
}

impl Pool {
    /// A pool of this account, which closes what an earlier run has left open when it is closed itself.
    pub fn open(
        client: &Client,
        account: &Account,
        key: &Key,
        visitor: Visitor,
        folder: &Path,
        budget: Balance,
    ) -> anyhow::Result<Self> {
        let genesis = client.genesis();
        let chain = ChainSessions::new(client.clone(), account.clone(), None);
        let seed = key.voucher_seed(genesis);
        let folder = folder.join("sessions");
        fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
        let name = format!("{}-{}.redb", hex::encode(&genesis.0[..8]), key.account());
        let journal = ClientJournal::open(&folder.join(name))?;
        let sessions = Sessions::new(
            ClientConfig::default(),
            visitor.network.node().clone(),
            Arc::new(chain),
            (SessionPair::ed25519(&seed), seed),
            journal,
            None,
        );
        Ok(Self {
            sessions,
            budget,
            idle: Arc::default(),
            _visitor: Arc::new(visitor),
        })
    }

    /// Begins a generation. A worker that was asked is paid for the whole answer, so that a stop comes too late to save
    /// anything: the answer is waited for, and is what is owed.
    pub async fn generate(
        &self,
        known: Arc<Known>,
        request: GenerateRequest,
        stop: Stop,
    ) -> Result<Generation, BackendError> {
        let version = known.model.version;
        let session = self.take(version).await?;
        let sampling = Sampling {
            temperature: request.sampling.temperature,
            top_p: request.sampling.top_p,
            top_k: request.sampling.top_k.unwrap_or(MAX_CANDIDATES),
            seed: request.sampling.seed,
            max_tokens: request.max_tokens,
        };
        let prompt: Vec<i64> = request.prompt.iter().map(|token| i64::from(*token)).collect();
        let generation = session.generate(&prompt, &sampling).map_err(refused)?;
        let (sender, events) = mpsc::channel(QUEUE);
        let pool = self.clone();
        tokio::spawn(async move {
            let outcome = pass_on(&known, generation, &request, &stop, &sender).await;
            match &outcome {
                Ok(_) => pool.idle.lock().await.entry(version).or_default().push(session),
                Err(_) => pool.put_away(session).await,
            }
            // Whoever asked may be gone.
            let _ = sender.send(outcome).await;
        });
        let stream = unfold(events, |mut events| async move { Some((events.recv().await?, events)) });
        Ok(stream.boxed())
    }

    /// Closes what is open: the workers bring their vouchers, and the rest of the budgets comes back.
    pub async fn close(&self) {
        let idle = std::mem::take(&mut *self.idle.lock().await);
        for session in idle.into_values().flatten() {
            self.put_away(session).await;
        }
    }

    async fn take(&self, version: ModelVersion) -> Result<Session, BackendError> {
        let idle = self.idle.lock().await.get_mut(&version).and_then(Vec::pop);
        match idle {
            Some(session) => Ok(session),
            None => Session::open(&self.sessions, version, self.budget)
                .await
                .map_err(refused),
        }
    }

    async fn put_away(&self, session: Session) {
        if let Err(error) = session.close().await {
            tracing::warn!(%error, "a session is not closed; its time closes it");
        }
    }
}

/// Gives pieces on as they come, and the last event in the end.
async fn pass_on(
    known: &Known,
    mut generation: assay_session::Generation,
    request: &GenerateRequest,
    stop: &Stop,
    sender: &mpsc::Sender<Result<Event, BackendError>>,
) -> Result<Event, BackendError> {
    let mut words = known.language.as_ref().map(Language::detokeniser);
    let mut is_void = false;
    while let Some(piece) = generation.next().await {
        let Piece::Tokens(tokens) = piece else {
            is_void = true;
            continue;
        };
        let mut text = String::new();
        if let Some(words) = &mut words {
            for token in &tokens {
                text += &words
                    .push(*token)
                    .map_err(|error| BackendError::Failed(error.to_string()))?;
            }
        }
        let tokens = tokens.iter().filter_map(|token| u32::try_from(*token).ok()).collect();
        // One that is gone hears nothing; the answer goes on and is paid.
        let _ = sender.send(Ok(Event::Piece { text, tokens })).await;
    }
    let answer = generation.answer().await.map_err(refused)?;
    if is_void {
        let reason = "a worker broke off, and another one answered differently: one of the two is wrong. Ask again";
        return Err(BackendError::Failed(reason.to_owned()));
    }
    if let Some(rest) = words
        .and_then(|words| words.finish().ok())
        .filter(|rest| !rest.is_empty())
    {
        let tokens = Vec::new();
        let _ = sender.send(Ok(Event::Piece { text: rest, tokens })).await;
    }
    Ok(Event::Done {
        finish: finish(known, request, &answer.tokens, stop),
        report: report(request, &answer),
    })
}

/// Why a generation ended.
pub(super) fn finish(known: &Known, request: &GenerateRequest, tokens: &[i64], stop: &Stop) -> Finish {
    let ends = known.language.as_ref().map(Language::ends).unwrap_or_default();
    let has_ended = tokens.last().is_some_and(|last| ends.contains(last));
    match (stop.is_stopped(), has_ended) {
        (true, _) => Finish::Stopped,
        (false, false) if tokens.len() >= request.max_tokens as usize => Finish::Length,
        (false, _) => Finish::Stop,
    }
}

fn report(request: &GenerateRequest, answer: &Answer) -> Report {
    let receipt = &answer.receipt.message;
    Report {
        worker: answer.worker.to_string(),
        price: Amount(answer.price),
        receipt: format!("session-{}-{}", receipt.session, receipt.sequence),
        // The signature and the digests are verified before anything is paid.
        checked: "signed-receipt".to_owned(),
        prompt_tokens: request.prompt.len() as u32,
        generated_tokens: answer.tokens.len() as u32,
    }
}

fn refused(error: SessionError) -> BackendError {
    let reason = error.to_string();
    match error {
        SessionError::Request(_) => BackendError::Unfit { field: None, reason },
        SessionError::Budget { .. } | SessionError::NoWorker { .. } | SessionError::Chain(_) => {
            BackendError::Unavailable {
                reason,
                retry_after: 10,
            }
        }
        _ => BackendError::Failed(reason),
    }
}
