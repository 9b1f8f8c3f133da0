//! Errors of pictures and sounds.

use crate::{MAX_FILE_BYTES, picture::MAX_PIXELS};
use assay_exact::graph::BindError;
use std::path::PathBuf;

/// Why a picture or a sound was not made a job.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MediaError {
    /// The package does not say how it takes such a file.
    #[error("the package of {model} has no {asset}, so it takes no {what}: give its inputs as tensors with --input")]
    NoRule {
        /// The model's name.
        model: String,
        /// The asset that would say it.
        asset: &'static str,
        /// The kind of input that was given.
        what: &'static str,
    },
    /// The package's rule does not fit the model.
    #[error("{asset} of the package: {reason}")]
    Rule {
        /// The asset.
        asset: &'static str,
        /// The fault.
        reason: String,
    },
    /// The file cannot be read.
    #[error("cannot read {path}: {error}")]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's error.
        error: std::io::Error,
    },
    /// The file is too large.
    #[error("{path} has more than {MAX_FILE_BYTES} bytes, or more than {MAX_PIXELS} pixels: make it smaller")]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// The file is no picture or no recording that is read here.
    #[error("{path} is not a valid {what}: {reason}")]
    Invalid {
        /// The file.
        path: PathBuf,
        /// The formats that are read.
        what: &'static str,
        /// The fault.
        reason: String,
    },
    /// The recording has another rate than the model.
    #[error(
        "{path} has {actual} samples a second, and the model takes {expected}: convert it, for example with \
         `ffmpeg -i FILE -ar {expected} -ac 1 NEW.wav`"
    )]
    Rate {
        /// The file.
        path: PathBuf,
        /// Samples a second that the model takes.
        expected: u32,
        /// Samples a second of the file.
        actual: u32,
    },
    /// The tensors do not fit the model.
    #[error("{name}: {error}")]
    Unfit {
        /// The file.
        name: String,
        /// The mismatch.
        error: BindError,
    },
}
