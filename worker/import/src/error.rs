//! Why a program is not imported.

use crate::{advice::advice, version::TORCH_RELEASES};
use assay_exact::graph::GraphError;
use assay_package::PackageError;
use std::{collections::BTreeMap, path::PathBuf};

/// Where an operator stands that the import refuses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The operator as the program names it.
    pub operator: String,
    /// The node's name.
    pub node: String,
    /// The author's line, `file.py:line`.
    pub source: String,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let source = if self.source.is_empty() {
            "unknown source"
        } else {
            &self.source
        };
        write!(f, "{} (node {}, {source})", self.operator, self.node)
    }
}

/// Why a `.pt2` archive was not imported.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// A file could not be read.
    #[error("cannot read {path}: {error}")]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's error.
        error: std::io::Error,
    },
    /// The file is not a zip archive.
    #[error("not a zip archive: {error}")]
    Zip {
        /// The fault.
        error: zip::result::ZipError,
    },
    /// A GGUF file is not valid, or is of a model that is not imported.
    #[error("{part}: {reason}")]
    Gguf {
        /// The key or the tensor, or what else of the file it is.
        part: String,
        /// The fault, and advice.
        reason: String,
    },
    /// The file of weights is not valid safetensors.
    #[error("{path} is not a safetensors file: {error}")]
    Safetensors {
        /// The file.
        path: PathBuf,
        /// The fault.
        error: safetensors::SafeTensorError,
    },
    /// The zip archive is not one that torch.export.save writes.
    #[error("not a torch.export archive: {reason}")]
    Archive {
        /// The fault.
        reason: String,
    },
    /// An entry of the archive is not there.
    #[error("the archive has no {entry}; export it with torch {TORCH_RELEASES}")]
    MissingEntry {
        /// Name of the entry, without the archive's folder.
        entry: String,
    },
    /// An entry of the archive cannot be unpacked.
    #[error("cannot unpack {entry}: {error}")]
    Entry {
        /// Name of the entry.
        entry: String,
        /// The fault.
        error: std::io::Error,
    },
    /// An entry has another size than it should have, or more than it may have.
    #[error("{entry} has at least {actual} bytes, not {expected}")]
    EntrySize {
        /// Name of the entry.
        entry: String,
        /// Bytes that it should have.
        expected: u64,
        /// Bytes found before reading stopped.
        actual: u64,
    },
    /// The archive has, or would become, more than the import takes.
    #[error("{what} is at least {actual}, and at most {bound} is imported")]
    TooMuch {
        /// The thing of which there is too much, and its unit.
        what: String,
        /// The amount, as far as it is known.
        actual: u64,
        /// The maximum.
        bound: u64,
    },
    /// An entry is not the JSON that torch.export writes.
    #[error("{entry} is not what torch.export writes: {error}")]
    Json {
        /// Name of the entry.
        entry: String,
        /// The fault.
        error: serde_json::Error,
    },
    /// The archive, its program or its operators have a version for which the import was not made.
    #[error("{what} is {found}, and supported is {supported}: export it with torch {TORCH_RELEASES}")]
    Version {
        /// The thing that has the version.
        what: &'static str,
        /// The version found.
        found: String,
        /// The versions supported.
        supported: String,
    },
    /// The program takes or gives something that is not a tensor, or changes its state.
    #[error("the program {what}, which a package cannot")]
    Signature {
        /// The unsupported effect.
        what: String,
    },
    /// A dynamic dimension is not a symbol or not computed from one, or its range is empty or too large.
    #[error("dimension {dimension} of {tensor}: {reason}")]
    Dimension {
        /// Name of the tensor.
        tensor: String,
        /// Position of the dimension.
        dimension: usize,
        /// The fault.
        reason: String,
    },
    /// A tensor's elements have a type that exact arithmetic does not have.
    #[error("{tensor} has elements of torch's type number {code}; export the model in float32")]
    DataType {
        /// Name of the tensor.
        tensor: String,
        /// Torch's code of the type.
        code: u32,
    },
    /// A weight is not stored as plain contiguous elements.
    #[error("weight {weight}: {reason}")]
    Weight {
        /// Name of the weight.
        weight: String,
        /// The fault.
        reason: String,
    },
    /// Operators that exact arithmetic does not define.
    #[error("exact arithmetic does not define {}", refused(.0))]
    Operators(Vec<Place>),
    /// An operator has an argument that exact arithmetic does not define, or lacks one that it needs.
    #[error("{place}: argument {argument} {reason}")]
    Argument {
        /// Where the operator stands.
        place: Place,
        /// Name of the argument.
        argument: String,
        /// The fault.
        reason: String,
    },
    /// The graph that came out cannot be evaluated.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// The package could not be put together.
    #[error(transparent)]
    Package(#[from] PackageError),
}

/// The places of operators, and once for each operator what to do instead.
fn refused(places: &[Place]) -> String {
    let list: Vec<String> = places.iter().map(Place::to_string).collect();
    let advised = places
        .iter()
        .filter_map(|place| Some((place.operator.as_str(), advice(&place.operator)?)));
    let advised: BTreeMap<&str, &str> = advised.collect();
    let advised = advised
        .iter()
        .map(|(operator, advice)| format!("; {operator}: {advice}"));
    list.join(", ") + &advised.collect::<String>()
}
