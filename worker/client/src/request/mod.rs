//! Requests: inputs are submitted as jobs, followed, and come back as checked results.
//!
//! * [`plan::Plan`] reads inputs and checks all that can be known before anything is sent.
//! * [`generation::GenerationRequest`] makes the inputs of a language model, and [`generation::put_into_words`] its
//!   text.
//! * [`run::Request`] submits and follows, and tells its [`progress`].
//! * [`journal::Journal`] keeps what is known on disk, so that a request can be gone on with however it ended.
//! * [`demand`] has a worker give an output on the chain that does not come over the network.
//! * [`recover`] looks up results afterwards, and [`outcome::Outcome`] says what is known of one.

pub mod chain;
pub mod demand;
#[cfg(test)]
mod fake;
mod follow;
pub mod generation;
pub mod journal;
pub mod numbers;
pub mod outcome;
pub mod plan;
pub mod progress;
pub mod recover;
pub mod resume;
pub mod run;
#[cfg(test)]
mod stories;
mod submit;
pub mod supply;
pub mod terms;
pub mod tracker;

use crate::{
    chain::{BlockNumber, ChainError, H256, JobRequest, Snapshot, SubmitError, VersionRecord, VersionStatus},
    schema,
};
use assay_exact::graph::BindError;
use assay_media::MediaError;
use assay_ops::tensor::tensors_digest;
use assay_package::{Package, search};
use assay_text::inputs::{InputError, JobInput, text::TextError};
use assay_types::{
    DataType, Delivery, JobInput as ChainInput, ModelVersion, Payload, SchemaError, limits,
    offer::work_at,
    payload::{given_layouts, max_delivered_bytes},
    schema::ValueRange,
};
use generation::GenerationError;
use journal::JournalError;
use std::path::{Path, PathBuf};
use terms::Terms;

/// Why a request cannot be made, in words that say what to do.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// No such model.
    #[error("no model `{0}` on this chain: `assay-worker models list` shows those that are there")]
    UnknownModel(String),
    /// It takes no new jobs.
    #[error("model version {0} is deprecated and takes no new jobs: ask for a later one")]
    Deprecated(ModelVersion),
    /// The package that reads the inputs is not here.
    #[error(
        "no package in {folder} has the root {root:?} that model {model} is registered with: get the package and name \
         its folder's parent with --models-dir"
    )]
    NoPackage {
        /// Where it was looked for.
        folder: PathBuf,
        /// The root.
        root: H256,
        /// The model.
        model: ModelVersion,
    },
    /// The package that reads the inputs is not here, unless it is one of those that are damaged.
    #[error(
        "no package in {folder} that is whole has the root {root:?} that model {model} is registered with, and these are \
         damaged: {}; get the package again", damaged.join("; ")
    )]
    DamagedPackage {
        /// Where it was looked for.
        folder: PathBuf,
        /// The root.
        root: H256,
        /// The model.
        model: ModelVersion,
        /// The damaged packages, each with what is wrong with it.
        damaged: Vec<String>,
    },
    /// A file of inputs cannot be used.
    #[error(transparent)]
    Input(#[from] InputError),
    /// A text cannot be used.
    #[error(transparent)]
    Text(#[from] TextError),
    /// A picture or a recording cannot be used.
    #[error(transparent)]
    Media(#[from] MediaError),
    /// The steps of a recording follow from each other, and jobs do not.
    #[error("each step of {0} goes on from the answer to the one before it, so ask for it in a session: --session")]
    Carried(ModelVersion),
    /// No inputs are wanted.
    #[error("--limit is 0, so there is nothing to submit: leave it out, or make it 1 or more")]
    NoLimit,
    /// There is nothing to submit.
    #[error("{0} holds no inputs: it must have .safetensors or .json files, or lines of text")]
    NoInputs(PathBuf),
    /// The input's shapes do not fit the model.
    #[error("{name}: {error}")]
    Shapes {
        /// The input.
        name: String,
        /// The misfit.
        error: BindError,
    },
    /// The input does not fit the registered schema.
    #[error("{name} does not fit the model: {reason:?}")]
    Unfit {
        /// The input.
        name: String,
        /// The misfit.
        reason: SchemaError,
    },
    /// An element of an input has no meaning to the model.
    #[error(
        "{name}: element {index} of input `{input}` is {value}, and the model knows {} to {}",
        range.min, range.max
    )]
    OutOfRange {
        /// The input.
        name: String,
        /// The model's name of the tensor.
        input: String,
        /// Position of the element in row-major order.
        index: usize,
        /// Its value.
        value: i64,
        /// The values that the model knows.
        range: ValueRange,
    },
    /// The input is too large for the extrinsic.
    #[error(
        "{name} has {bytes} bytes, more than the {} that a job carries: submit it with --digest",
        limits::MAX_INLINE_INPUT_BYTES
    )]
    TooLargeForInline {
        /// The input.
        name: String,
        /// Its size.
        bytes: usize,
    },
    /// A generation cannot be requested.
    #[error(transparent)]
    Generation(#[from] GenerationError),
    /// The terms are not ones that the chain takes, or the money is not there.
    #[error(transparent)]
    Terms(#[from] terms::TermsError),
    /// The chain cannot be read.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The chain refused.
    #[error(transparent)]
    Submit(#[from] SubmitError),
    /// The journal cannot be written or read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// Jobs were submitted, and the node cannot tell their numbers any more.
    #[error(
        "{inputs} of the inputs were submitted in block {block}, and this node has pruned the numbers of their jobs: name \
         an archive node with --node (one that runs with --state-pruning archive). They are not submitted again"
    )]
    NumbersPruned {
        /// The block.
        block: BlockNumber,
        /// Number of inputs.
        inputs: usize,
    },
    /// The request was made on another chain.
    #[error(
        "request {id} was made on another chain, which begins with {genesis}, or on one that was started anew since (its \
         block {after} is another one here): name a node of that chain with --node"
    )]
    OtherChain {
        /// The request.
        id: u64,
        /// Hash of its chain's first block.
        genesis: String,
        /// The block that it was made after.
        after: BlockNumber,
    },
    /// The request was made by another account.
    #[error("request {id} was made by {made}, and the key is that of {here}: name the other key with --key")]
    OtherAccount {
        /// The request.
        id: u64,
        /// Its account.
        made: String,
        /// The key's.
        here: String,
    },
    /// A file cannot be written.
    #[error("{path}: {reason}")]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's error.
        reason: String,
    },
}

/// A model on chain.
#[derive(Clone, Debug)]
pub struct Model {
    /// Which version.
    pub version: ModelVersion,
    /// The chain's record of it.
    pub record: VersionRecord,
}

/// Finds a model by `id`, `id@version`, `name` or `name@version`; without a version, the latest.
pub async fn find_model(snapshot: &Snapshot, text: &str) -> Result<Model, RequestError> {
    let unknown = || RequestError::UnknownModel(text.to_owned());
    let (line, number) = match text.split_once('@') {
        Some((line, number)) => (line, Some(number.parse::<u32>().map_err(|_| unknown())?)),
        None => (text, None),
    };
    let model = match line.parse::<u32>() {
        Ok(id) => id,
        Err(_) => snapshot.model_by_name(line).await?.ok_or_else(unknown)?,
    };
    let number = match number {
        Some(number) => number,
        None => snapshot.model(model).await?.ok_or_else(unknown)?.latest_version,
    };
    let version = ModelVersion { model, version: number };
    let record = snapshot.version(version).await?.ok_or_else(unknown)?;
    if record.status != VersionStatus::Active {
        return Err(RequestError::Deprecated(version));
    }
    Ok(Model { version, record })
}

/// Finds the package of a registered model in this folder or below it, where [`search::folders`] finds packages. Only
/// those whose manifest is the model's are loaded.
pub fn find_package(folder: &Path, model: &Model) -> Result<Package, RequestError> {
    let (root, manifest) = (model.record.root, model.record.parts.manifest_hash);
    let mut damaged = Vec::new();
    for package in search::folders(folder) {
        let loaded = match search::manifest_hash_in(&package) {
            Ok(hash) if hash != manifest => continue,
            Ok(_) => Package::load(&package),
            Err(error) => Err(error),
        };
        match loaded {
            Ok(package) if H256(package.root()) == root => return Ok(package),
            Ok(_) => {}
            Err(error) => damaged.push(format!("{}: {error}", package.display())),
        }
    }
    let (folder, model) = (folder.to_owned(), model.version);
    Err(match damaged.is_empty() {
        true => RequestError::NoPackage { folder, root, model },
        false => RequestError::DamagedPackage {
            folder,
            root,
            model,
            damaged,
        },
    })
}

/// A job that is ready to be submitted.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// File and row.
    pub name: String,
    /// The right answer, if the file gives it.
    pub label: Option<i64>,
    /// The request that is submitted.
    pub request: JobRequest,
    /// List digest of the input tensors.
    pub digest: H256,
    /// The input's bytes, for submission by digest.
    pub bytes: Vec<u8>,
}

impl Prepared {
    /// Values of the schema's symbols.
    pub fn symbols(&self) -> &[u32] {
        match &self.request.input {
            ChainInput::Inline(payload) => &payload.symbols,
            ChainInput::Digest { symbols, .. } => symbols,
        }
    }
}

/// Turns an input into a request.
pub fn prepare(input: &JobInput, symbols: Vec<u32>, model: &Model, terms: &Terms) -> Result<Prepared, RequestError> {
    let unfit = |reason| RequestError::Unfit {
        name: input.name.clone(),
        reason,
    };
    for (tensor, described) in input.tensors.iter().zip(&model.record.parts.schema.inputs) {
        if let Some((index, value, range)) = schema::first_out_of_range(tensor, described) {
            return Err(RequestError::OutOfRange {
                name: input.name.clone(),
                input: String::from_utf8_lossy(&described.name).into_owned(),
                index,
                value,
                range,
            });
        }
    }
    let bytes = schema::payload(&input.tensors);
    let layouts = given_layouts(&model.record.parts, &symbols).map_err(unfit)?;
    let digest = schema::digest(&layouts, &bytes).map_err(unfit)?;
    debug_assert_eq!(digest, H256(tensors_digest(&input.tensors)));
    let outputs = max_delivered_bytes(&model.record.parts, &symbols).map_err(unfit)?;
    if terms.delivery == Delivery::Inline && outputs > u64::from(limits::MAX_INLINE_OUTPUT_BYTES) {
        return Err(terms::TermsError::OutputTooLarge { bytes: outputs }.into());
    }
    let too_many = SchemaError::WrongNumberOfSymbols {
        expected: model.record.parts.schema.symbols.len() as u32,
    };
    if symbols.len() > limits::MAX_SYMBOLS as usize {
        return Err(unfit(too_many));
    }
    let chain_input = if terms.by_digest {
        ChainInput::Digest { digest, symbols }
    } else {
        if bytes.len() > limits::MAX_INLINE_INPUT_BYTES as usize {
            return Err(RequestError::TooLargeForInline {
                name: input.name.clone(),
                bytes: bytes.len(),
            });
        }
        ChainInput::Inline(Payload {
            symbols,
            bytes: bytes.clone(),
        })
    };
    Ok(Prepared {
        name: input.name.clone(),
        label: input.label,
        request: JobRequest {
            model: model.version,
            input: chain_input,
            ceiling: terms.ceiling,
            matching: terms.matching,
            deadline_blocks: terms.deadline_blocks,
            window_blocks: terms.window_blocks,
            delivery: terms.delivery,
        },
        digest,
        bytes,
    })
}

/// Values of the symbols for an input.
fn bind(input: &JobInput, package: &Package) -> Result<Vec<u32>, RequestError> {
    let sequence = generation::declared_length(package.parts(), &input.tensors).map(|length| [1, length]);
    let shapes = input.tensors.iter().map(|tensor| (tensor.dtype(), tensor.shape()));
    // A generation's sequence is not among the inputs, and is as long as it may become.
    let sequence = sequence.iter().map(|shape| (DataType::Int64, shape.as_slice()));
    let symbols = package.graph().bind(&shapes.chain(sequence).collect::<Vec<_>>());
    symbols.map_err(|error| RequestError::Shapes {
        name: input.name.clone(),
        error,
    })
}

/// Values of the symbols for the input that is the most work; of none there are none.
pub fn largest(read: &[JobInput], package: &Package, model: &Model) -> Result<Vec<u32>, RequestError> {
    let bound = read.iter().map(|input| bind(input, package));
    let bound = bound.collect::<Result<Vec<_>, _>>()?;
    let most = bound
        .into_iter()
        .max_by_key(|symbols| work_at(&model.record.parts, symbols));
    Ok(most.unwrap_or_default())
}

/// Turns inputs into requests on these terms.
pub fn prepare_all(
    read: &[JobInput],
    package: &Package,
    model: &Model,
    terms: &Terms,
) -> Result<Vec<Prepared>, RequestError> {
    let prepared = read
        .iter()
        .map(|input| prepare(input, bind(input, package)?, model, terms));
    prepared.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_damaged_package_is_not_called_absent() {
        let digits = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/digits/package");
        let package = Package::load(&digits).expect("committed");
        let model = Model {
            version: ModelVersion { model: 3, version: 1 },
            record: VersionRecord {
                root: H256(package.root()),
                parts: package.parts().clone(),
                status: VersionStatus::Active,
            },
        };
        let folder = tempfile::tempdir().expect("a temporary folder");
        assert!(matches!(
            find_package(folder.path(), &model),
            Err(RequestError::NoPackage { .. })
        ));
        let copy = folder.path().join("digits/package-int16");
        package.save(&copy).expect("the folder can be written");
        assert!(find_package(folder.path(), &model).is_ok());
        fs::write(copy.join("graph.scale"), "damaged").expect("the folder can be written");
        let error = find_package(folder.path(), &model).expect_err("damaged");
        assert!(matches!(error, RequestError::DamagedPackage { .. }), "{error}");
        assert!(
            error.to_string().contains("package-int16: graph.scale is not the file"),
            "{error}"
        );
    }
}
