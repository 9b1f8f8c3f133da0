//! The models of the chain whose packages are on this machine, and who offers them.

use assay_client::{
    chain::{AccountId, Client, H256, Offer, SessionOffer, VersionStatus},
    request::{Model, RequestError, find_package},
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
    collections::{HashMap, hash_map::Entry},
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{sync::Mutex, task::spawn_blocking};

/// Time for which offers are as they were read.
const FRESH: Duration = Duration::from_secs(6);
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
    folder: PathBuf,
    read: Mutex<Read>,
}

#[derive(Default)]
struct Read {
    at: Option<Instant>,
    listed: Vec<Listed>,
    /// Packages by root; nothing where none is here.
    packages: HashMap<[u8; 32], Option<Arc<Known>>>,
}

impl Catalogue {
    pub fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            read: Mutex::default(),
        }
    }

    /// Every model that can be asked for.
    pub async fn listed(&self, client: &Client) -> Result<Vec<Listed>, BackendError> {
        let mut read = self.read.lock().await;
        if read.at.is_none_or(|at| at.elapsed() > FRESH) {
            read.listed = self.read(client, &mut read.packages).await?;
            read.at = Some(Instant::now());
        }
        Ok(read.listed.clone())
    }

    /// The model of this name.
    pub async fn find(&self, client: &Client, name: &str) -> Result<Listed, BackendError> {
        let listed = self.listed(client).await?;
        let found = listed.into_iter().find(|listed| listed.name == name);
        found.ok_or_else(|| BackendError::UnknownModel(name.to_owned()))
    }

    async fn read(
        &self,
        client: &Client,
        packages: &mut HashMap<[u8; 32], Option<Arc<Known>>>,
    ) -> Result<Vec<Listed>, BackendError> {
        let snapshot = client.finalized().await.map_err(unreached)?;
        let mut all = Vec::new();
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
            let root: H256 = record.root;
            let known = match packages.entry(root.0) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(place) => place.insert(self.load(Model { version, record }).await?),
            };
            let Some(known) = known else { continue };
            let sessions = snapshot.session_offers(version).await.map_err(unreached)?;
            all.push(Listed {
                name: String::from_utf8_lossy(&head.name).into_owned(),
                owner: head.owner,
                known: known.clone(),
                offers: snapshot.offers(version).await.map_err(unreached)?,
                sessions: sessions.into_iter().map(|(_, offer)| offer).collect(),
            });
        }
        Ok(all)
    }

    /// Loads a package, which may be large.
    async fn load(&self, model: Model) -> Result<Option<Arc<Known>>, BackendError> {
        let folder = self.folder.clone();
        let load = move || match find_package(&folder, &model) {
            Ok(package) => {
                let language = Language::of(&package).ok();
                let embedder = Embedder::of(&package);
                Some(Arc::new(Known {
                    model,
                    package,
                    language,
                    embedder,
                }))
            }
            Err(error @ RequestError::NoPackage { .. }) => {
                tracing::info!(%error, "a model is not offered to applications");
                None
            }
            Err(error) => {
                tracing::warn!(%error, "a model is not offered to applications");
                None
            }
        };
        spawn_blocking(load)
            .await
            .map_err(|error| BackendError::Failed(error.to_string()))
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
