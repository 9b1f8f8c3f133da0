//! Why a package is not loaded, put together or written.

use crate::generation::GenerationError;
use assay_exact::graph::GraphError;
use std::path::PathBuf;

/// Why a package was not loaded, put together or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PackageError {
    /// A file of the package could not be read or written.
    #[error("cannot read or write {path}: {error}")]
    File {
        /// The file.
        path: PathBuf,
        /// The system's error.
        error: std::io::Error,
    },
    /// The manifest is not TOML of the known form.
    #[error("the manifest is not valid: {error}")]
    Manifest {
        /// The fault.
        error: Box<toml::de::Error>,
    },
    /// A field of the manifest has a value that it may not have.
    #[error("{field} in the manifest {reason}")]
    Field {
        /// The field.
        field: &'static str,
        /// The fault.
        reason: String,
    },
    /// A file of the package is not the one that the manifest lists.
    #[error("{file} is not the file that the manifest lists: {what} differs; get the package again")]
    Mismatch {
        /// The file's name.
        file: String,
        /// Its size or its hash.
        what: &'static str,
    },
    /// The graph is not valid SCALE.
    #[error("the graph cannot be decoded: {error}")]
    Decode {
        /// The fault.
        error: codec::Error,
    },
    /// The graph cannot be evaluated.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// The model says that it is a check graph and is none.
    #[error(transparent)]
    Generation(#[from] GenerationError),
    /// The weights are not valid safetensors.
    #[error("the weights cannot be read: {error}")]
    Safetensors {
        /// The fault.
        error: safetensors::SafeTensorError,
    },
    /// A weight is missing, superfluous, or not as the graph describes it.
    #[error("weight {name} is missing, superfluous, or not as the graph describes it")]
    Weight {
        /// Its name.
        name: String,
    },
}
