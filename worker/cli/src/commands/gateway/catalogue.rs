//! The models of the chain whose packages are on this machine, and who offers them.

use super::packages::{LookedUp, Packages};
use assay_client::{
    chain::{AccountId, Client, Offer, SessionOffer, VersionStatus},
    request::Model,
};
use assay_gateway::{
    backend::{Ability, BackendError, ModelInfo},
    money::Amount,
};
use assay_package::{Package, generation::MAX_CANDIDATES};
use assay_session::{Sampling, request::CheckedRequest};
use assay_text::{embedding::Embedder, language::Language};
use assay_types::{ModelVersion, payload::longest_sequence};
use std::{
    collections::BTreeSet,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::Mutex;

/// Time for which offers are as they were read.
const FRESH: Duration = Duration::from_secs(6);
/// The same while packages are being looked for.
const PENDING: Duration = Duration::from_secs(1);
/// Tokens of the prompt by which the price of a token is told: the price of a request is no straight line.
const TYPICAL: u32 = 128;
const MILLION: u128 = 1_000_000;

/// A model whose package is here.
pub(super) struct Known {
    /// The version on chain.
    pub model: Model,
    /// Its package.
    pub package: Package,
    /// Its tokenizer and template, if it has them.
    pub language: Option<Language>,
    /// Its tokenizer and shapes, if it makes embeddings.
    pub embedder: Option<Embedder>,
}

/// A model with who offers it now.
#[derive(Clone)]
pub(super) struct Listed {
    /// Its name.
    pub name: String,
    /// Account that registered it.
    pub owner: AccountId,
    /// The model.
    pub known: Arc<Known>,
    /// Offers of jobs.
    pub offers: Vec<Offer>,
    /// Offers of sessions.
    pub sessions: Vec<SessionOffer>,
}

/// Models as they were read last.
pub(super) struct Catalogue {
    packages: Packages,
    read: Arc<Mutex<Read>>,
}

/// One reading of the chain and of the folder of packages.
#[derive(Clone, Default)]
pub(super) struct Read {
    at: Option<Instant>,
    /// Every model that can be asked for.
    pub listed: Vec<Listed>,
    /// Names of the models whose packages are still being looked for.
    pub pending: Vec<String>,
    /// Number of models whose packages are not here.
    pub absent: usize,
}

impl Catalogue {
    pub fn new(folder: PathBuf) -> Self {
        Self {
            packages: Packages::new(folder),
            read: Arc::default(),
        }
    }

    /// Every model that can be asked for.
    pub async fn listed(&self, client: &Client) -> Result<Vec<Listed>, BackendError> {
        Ok(self.current(client).await?.listed)
    }

    /// The model of this name.
    pub async fn find(&self, client: &Client, name: &str) -> Result<Listed, BackendError> {
        let read = self.current(client).await?;
        if let Some(found) = read.listed.into_iter().find(|listed| listed.name == name) {
            return Ok(found);
        }
        Err(match read.pending.iter().any(|pending| pending == name) {
            true => BackendError::Unavailable {
                reason: format!("the package of `{name}` is being read"),
                retry_after: 5,
            },
            false => BackendError::UnknownModel(name.to_owned()),
        })
    }

    /// The reading that holds now. It goes on if the request that began it is given up, since others wait for it.
    pub async fn current(&self, client: &Client) -> Result<Read, BackendError> {
        let mut read = self.read.clone().lock_owned().await;
        if read.is_fresh() {
            return Ok(read.clone());
        }
        let (client, packages) = (client.clone(), self.packages.clone());
        let reading = tokio::spawn(async move {
            let now = Read::of(&client, &packages).await?;
            *read = now.clone();
            Ok(now)
        });
        let ended = reading.await;
        ended.map_err(|error| BackendError::Failed(error.to_string()))?
    }
}

impl Read {
    fn is_fresh(&self) -> bool {
        let fresh = if self.pending.is_empty() { FRESH } else { PENDING };
        self.at.is_some_and(|at| at.elapsed() < fresh)
    }

    async fn of(client: &Client, packages: &Packages) -> Result<Self, BackendError> {
        let snapshot = client.finalized().await.map_err(unreached)?;
        let stamp = packages.stamp().await;
        let (mut read, mut roots) = (Self::default(), BTreeSet::new());
        for number in 0..snapshot.next_model_id().await.map_err(unreached)? {
            let Some(head) = snapshot.model(number).await.map_err(unreached)? else {
                continue;
            };
            let version = ModelVersion {
                model: number,
                version: head.latest_version,
            };
            let record = snapshot.version(version).await.map_err(unreached)?;
            let Some(record) = record.filter(|record| record.status == VersionStatus::Active) else {
                continue;
            };
            roots.insert(record.root);
            let name = String::from_utf8_lossy(&head.name).into_owned();
            let known = match packages.look_up(&Model { version, record }, &stamp) {
                LookedUp::Here(known) => known,
                LookedUp::Pending => {
                    read.pending.push(name);
                    continue;
                }
                LookedUp::Absent => {
                    read.absent = read.absent.saturating_add(1);
                    continue;
                }
            };
            let sessions = snapshot.session_offers(version).await.map_err(unreached)?;
            read.listed.push(Listed {
                name,
                owner: head.owner,
                known,
                offers: snapshot.offers(version).await.map_err(unreached)?,
                sessions: sessions.into_iter().map(|(_, offer)| offer).collect(),
            });
        }
        packages.forget_others(&roots);
        read.at = Some(Instant::now());
        Ok(read)
    }
}

impl Known {
    /// Ability of the model.
    pub fn ability(&self) -> Ability {
        match (self.package.generation(), &self.language) {
            (None, _) if self.embedder.is_some() => Ability::Embed,
            (None, _) => Ability::Job,
            (Some(_), Some(language)) if language.converses() => Ability::Chat,
            (Some(_), _) => Ability::Complete,
        }
    }

    /// Work of a generation: tokens of the prompt, and tokens that are made. Of an embedding, which makes none.
    /// `None` where the model does not read as much.
    pub fn units(&self, prompt: u32, generated: u32) -> Option<u64> {
        let parts = &self.model.record.parts;
        // Before anything of this size is made.
        if prompt > self.reads().1 {
            return None;
        }
        if let Some(embedder) = &self.embedder {
            let input = embedder.input("work", &vec![0; prompt as usize], self.package.graph());
            let request = CheckedRequest::plain(parts, &input.ok()?.tensors);
            return request.ok().map(|request| request.units);
        }
        let sampling = Sampling {
            temperature: 0.0,
            top_p: 1.0,
            top_k: MAX_CANDIDATES,
            seed: 0,
            max_tokens: generated,
        };
        let prompt = vec![0; prompt as usize];
        let request = CheckedRequest::generation(parts, &prompt, &sampling);
        request.ok().map(|request| request.units)
    }

    /// Tokens of the vocabulary, and the maximum number of tokens of a prompt and its answer, or of an input. Of a
    /// model that takes no tokens both are 0.
    fn reads(&self) -> (u32, u32) {
        let parts = &self.model.record.parts;
        match (&self.embedder, self.package.generation()) {
            (Some(embedder), _) => (embedder.vocabulary().unwrap_or(u32::MAX), embedder.context_length()),
            (None, None) => (0, 0),
            (None, Some(_)) => {
                let range = parts.schema.inputs.first().and_then(|input| input.range);
                let vocabulary = range.and_then(|range| u32::try_from(range.max.saturating_add(1)).ok());
                (
                    vocabulary.unwrap_or(u32::MAX),
                    longest_sequence(parts, 1, i64::MAX).unwrap_or(0),
                )
            }
        }
    }
}

impl Listed {
    /// The model as applications see it.
    pub fn info(&self, in_sessions: bool) -> ModelInfo {
        let known = &self.known;
        let (vocabulary, context_length) = known.reads();
        let price = |units: Option<u64>| units.map_or(0, |units| self.price(units, in_sessions));
        let typical = price(known.units(TYPICAL, 1));
        // What one token more costs, a million times.
        let more = |units| Amount(price(units).saturating_sub(typical).saturating_mul(MILLION));
        ModelInfo {
            id: self.name.clone(),
            created: 0,
            owner: self.owner.to_string(),
            ability: known.ability(),
            context_length,
            vocabulary,
            dimensions: known.embedder.as_ref().map_or(0, Embedder::dimensions),
            price_base: Amount(self.price(0, in_sessions)),
            price_prompt: more(known.units(TYPICAL + 1, 1)),
            price_generated: more(known.units(TYPICAL, 2)),
            root: format!("0x{}", hex::encode(known.model.record.root.0)),
            workers: (if in_sessions {
                self.sessions.len()
            } else {
                self.offers.len()
            }) as u32,
        }
    }

    /// Price of this work by the cheapest offer; 0 where there is none.
    fn price(&self, units: u64, in_sessions: bool) -> u128 {
        let prices: Vec<u128> = match in_sessions {
            true => self.sessions.iter().map(|offer| offer.terms.price(units)).collect(),
            false => self.offers.iter().map(|offer| offer.terms.price(units)).collect(),
        };
        prices.into_iter().min().unwrap_or(0)
    }
}

/// A node that is not reached may be soon.
pub(super) fn unreached(error: assay_client::chain::ChainError) -> BackendError {
    BackendError::Unavailable {
        reason: error.to_string(),
        retry_after: 10,
    }
}
