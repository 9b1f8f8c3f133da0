//! Inputs of models from pictures and sounds, as files of the package say, and answers by their labels.
//!
//! * **`image.toml`** says how a picture becomes the model's input: [`image`].
//! * **`sound.toml`** says how a recording becomes the model's inputs, step by step: [`sound`].
//! * **`labels.txt`** has the name of each class, one a line: [`labels`].
//!
//! These are assets of the package, so the model's root covers them. The same file becomes the same tensor on every
//! machine: nothing here depends on vector instructions.

mod error;
pub mod image;
pub mod labels;
mod picture;
mod resize;
pub mod sound;

pub use error::MediaError;

use assay_package::Package;
use serde::de::DeserializeOwned;
use std::{fs, path::Path};

/// Most bytes of a file.
const MAX_FILE_BYTES: u64 = 1 << 28;

/// Reads an asset that says how something becomes an input.
fn rule<T: DeserializeOwned>(package: &Package, asset: &'static str, what: &'static str) -> Result<T, MediaError> {
    let model = || package.manifest().name.clone();
    let content = package.asset(asset).ok_or_else(|| MediaError::NoRule {
        model: model(),
        asset,
        what,
    })?;
    let invalid = |reason: String| MediaError::Rule { asset, reason };
    let text = std::str::from_utf8(content).map_err(|_| invalid("is not UTF-8".to_owned()))?;
    toml::from_str(text).map_err(|error| invalid(error.to_string()))
}

fn read(path: &Path) -> Result<Vec<u8>, MediaError> {
    let failed = |error| MediaError::Read {
        path: path.to_owned(),
        error,
    };
    if fs::metadata(path).map_err(failed)?.len() > MAX_FILE_BYTES {
        return Err(MediaError::TooLarge { path: path.to_owned() });
    }
    fs::read(path).map_err(failed)
}

/// The name of a file in messages and results.
fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
