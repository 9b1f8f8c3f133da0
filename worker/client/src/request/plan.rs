//! Plans: inputs become jobs on terms that the chain takes and the account can pay, before anything is sent.

use super::{
    Model, Prepared, RequestError, find_model, find_package,
    generation::{self, GenerationError, Wish},
    journal::{Header, Journal, Origin},
    largest, prepare_all,
    resume::Kept,
    run::Start,
    submit,
    supply::{Supply, supply},
    terms::{Cost, Terms, Wishes},
};
use crate::chain::{AccountId, Balance, Call, Client, Constants, JobTerms, Key, MarketCall, Snapshot};
use assay_media::{
    image::from_pictures,
    sound::{Carried, from_recording},
};
use assay_package::Package;
use assay_text::inputs::{self, JobInput, text};
use assay_types::{JobInput as ChainInput, limits, offer::work_at};
use polkadot_sdk::sp_runtime::BoundedVec;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// The caller's request.
#[derive(Clone, Debug, Default)]
pub struct Ask {
    /// The model: `name`, `number`, or one of them and `@version`.
    pub model: String,
    /// A file or folder of inputs.
    pub input: Option<PathBuf>,
    /// Inputs as text.
    pub texts: Vec<String>,
    /// Pictures, each of which is a job.
    pub pictures: Vec<PathBuf>,
    /// A recording, of which each step is a job.
    pub recording: Option<PathBuf>,
    /// The caller's choices for a generation.
    pub generation: Wish,
    /// Number of jobs, from the first on, that are submitted alone.
    pub limit: Option<usize>,
    /// The folder in which the model's package is.
    pub models_dir: PathBuf,
    /// On what terms.
    pub wishes: Wishes,
    /// Whether results are to be accepted, which costs fees.
    pub accept: bool,
}

/// Jobs that can be submitted.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The model.
    pub model: Model,
    /// The terms of all jobs.
    pub terms: Terms,
    /// The jobs.
    pub jobs: Vec<Prepared>,
    /// Their costs.
    pub cost: Cost,
    /// The price of the largest job by standing offers now, if a worker takes it.
    pub quote: Option<Balance>,
    /// Where it begins.
    pub origin: Origin,
}

impl Plan {
    /// Reads the inputs and checks all that can be known before a transaction.
    pub async fn make(client: &Client, key: &Key, ask: &Ask) -> Result<Self, RequestError> {
        let snapshot = client.finalized().await?;
        let model = find_model(&snapshot, &ask.model).await?;
        let package = find_package(&ask.models_dir, &model)?;
        let Inputs { jobs: read, carried } = read(ask, &model, &package)?;
        if !carried.is_empty() {
            return Err(RequestError::Carried(model.version));
        }
        let constants = snapshot.constants()?;
        let symbols = largest(&read, &package, &model)?;
        let (terms, supply) = agree(&snapshot, &constants, &model, &symbols, &ask.wishes).await?;
        let jobs = prepare_all(&read, &package, &model, &terms)?;
        let mut cost = Cost {
            ceiling: terms.ceiling,
            fees: 0,
        };
        let money = snapshot.account(&key.account()).await?;
        // What the ceilings alone exceed needs no question for the fees.
        cost.ensure_affordable(jobs.len(), &money, constants.existential_deposit)?;
        cost.fees = fees(&snapshot, key, &jobs, ask.accept).await?;
        cost.ensure_affordable(jobs.len(), &money, constants.existential_deposit)?;
        let quote = match supply {
            Supply::Free { price } if terms.is_by_offer() => Some(price),
            _ => None,
        };
        Ok(Self {
            model,
            terms,
            jobs,
            cost,
            quote,
            origin: Origin {
                genesis: client.genesis(),
                after: snapshot.number(),
                after_hash: snapshot.hash(),
            },
        })
    }

    /// Writes down in a journal of this folder what is about to be submitted, and gives the request's start.
    pub fn keep(self, folder: &Path, client: &AccountId) -> Result<Kept, RequestError> {
        let root = self.model.record.root;
        let header = Header::new(&self.origin, client, root, &self.terms, &self.jobs);
        let journal = Journal::create(folder, header, &self.jobs)?;
        let (id, parts) = (journal.id(), self.model.record.parts);
        let start = Start::fresh(client, self.jobs, parts, Some(journal), self.origin.after);
        Ok(Kept { id, start })
    }

    /// Writes the inputs of jobs by digest to a folder, for workers.
    pub fn write_inputs(&self, folder: &Path) -> Result<(), RequestError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |error: std::io::Error| RequestError::Write {
                path,
                reason: error.to_string(),
            }
        };
        fs::create_dir_all(folder).map_err(failed(folder))?;
        for job in &self.jobs {
            if let ChainInput::Digest { digest, .. } = &job.request.input {
                let path = folder.join(format!("{}.bin", hex::encode(digest)));
                fs::write(&path, &job.bytes).map_err(failed(&path))?;
            }
        }
        Ok(())
    }
}

/// Inputs that were read.
#[derive(Clone, Debug)]
pub struct Inputs {
    /// One for each job; there is at least one.
    pub jobs: Vec<JobInput>,
    /// Tensors that each job of a recording takes from the one before it; empty where jobs are independent.
    pub carried: Vec<Carried>,
}

/// Reads the inputs of what is asked for.
pub fn read(ask: &Ask, model: &Model, package: &Package) -> Result<Inputs, RequestError> {
    let (mut jobs, carried) = match package.generation() {
        Some(_) => (generations(ask, model, package)?, vec![]),
        None if ask.generation.is_nothing() => read_inputs(ask, package)?,
        None => return Err(GenerationError::NotGeneration(model.version).into()),
    };
    jobs.truncate(ask.limit.unwrap_or(usize::MAX));
    if jobs.is_empty() {
        return Err(RequestError::NoLimit);
    }
    Ok(Inputs { jobs, carried })
}

/// The terms of jobs that are no more work than one with these values of the symbols, and who would take that one now.
pub async fn agree(
    snapshot: &Snapshot,
    constants: &Constants,
    model: &Model,
    symbols: &[u32],
    wishes: &Wishes,
) -> Result<(Terms, Supply), RequestError> {
    let work = work_at(&model.record.parts, symbols);
    let offers = snapshot.offers(model.version).await?;
    let blocks = wishes.blocks(constants, &offers, work)?;
    let job = JobTerms {
        work,
        deadline_blocks: blocks.deadline,
        window_blocks: blocks.window,
        submitted_at: snapshot.now(),
    };
    let supply = supply(snapshot, model.version, symbols, &job, offers).await?;
    Ok((wishes.settle(constants, blocks, &supply)?, supply))
}

/// Fees of all transactions at this block's price, in batches that are as large as they can be.
async fn fees(snapshot: &Snapshot, key: &Key, jobs: &[Prepared], accept: bool) -> Result<Balance, RequestError> {
    let mut fees: Balance = 0;
    let mut rest = jobs;
    while !rest.is_empty() {
        let (batch, after) = rest.split_at(submit::batch_length(rest.iter(), limits::MAX_BATCH as usize));
        rest = after;
        let requests = BoundedVec::truncate_from(batch.iter().map(|job| job.request.clone()).collect());
        let submission = Call::Market(MarketCall::SubmitBatch { requests });
        // Saturates far above the total issuance.
        fees = fees.saturating_add(snapshot.fee(&submission, key).await?);
        if accept {
            let jobs = BoundedVec::truncate_from(vec![0; batch.len()]);
            let acceptance = Call::Market(MarketCall::AcceptBatch { jobs });
            fees = fees.saturating_add(snapshot.fee(&acceptance, key).await?);
        }
    }
    Ok(fees)
}

/// The prompts of a generation: the texts that were given, those of the file, and then tokens.
fn generations(ask: &Ask, model: &Model, package: &Package) -> Result<Vec<JobInput>, RequestError> {
    if !ask.wishes.inline_output {
        return Err(GenerationError::NoOutput.into());
    }
    if !ask.pictures.is_empty() || ask.recording.is_some() {
        return Err(GenerationError::Tensors(model.version).into());
    }
    let mut texts = generation::texts(&ask.texts);
    match ask.input.as_deref() {
        Some(path) if is_text(path) => texts.extend(text::read_texts(path)?),
        Some(_) => return Err(GenerationError::Tensors(model.version).into()),
        None => {}
    }
    let requests = ask.generation.requests(&texts, package)?;
    let inputs = requests.iter().map(|request| request.input(&model.record.parts));
    let inputs = inputs.collect::<Result<Vec<_>, GenerationError>>()?;
    match &ask.input {
        Some(path) if inputs.is_empty() => Err(RequestError::NoInputs(path.to_owned())),
        _ => Ok(inputs),
    }
}

fn is_text(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "txt")
}

/// The texts that were given, those of the file, or its tensors, then pictures, and then the steps of a recording, with
/// what these carry.
fn read_inputs(ask: &Ask, package: &Package) -> Result<(Vec<JobInput>, Vec<Carried>), RequestError> {
    let input = ask.input.as_deref();
    let mut texts = generation::texts(&ask.texts);
    if let Some(path) = input.filter(|path| is_text(path)) {
        texts.extend(text::read_texts(path)?);
    }
    let mut read = if texts.is_empty() {
        Vec::new()
    } else {
        text::from_texts(&texts, &text::tokenizer(package)?, package.graph())?
    };
    if let Some(path) = input.filter(|path| !is_text(path)) {
        read.extend(inputs::read(path, package.graph())?);
    }
    if let Some(path) = input.filter(|_| read.is_empty()) {
        return Err(RequestError::NoInputs(path.to_owned()));
    }
    if !ask.pictures.is_empty() {
        read.extend(from_pictures(ask.pictures.iter().map(PathBuf::as_path), package)?);
    }
    let steps = ask
        .recording
        .as_deref()
        .map(|path| from_recording(path, package))
        .transpose()?;
    let carried = match steps {
        None => vec![],
        Some(steps) => {
            read.extend(steps.inputs);
            steps.carried
        }
    };
    Ok((read, carried))
}
