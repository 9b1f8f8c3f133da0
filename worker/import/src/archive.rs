//! A `.pt2` archive as torch 2.9 to 2.11 write it: a zip of JSON and raw weights, read without trusting its sizes or
//! names.
//!
//! ```text
//! NAME/archive_format                            pt2
//! NAME/archive_version                           0
//! NAME/byteorder                                 little
//! NAME/models/model.json                         the program
//! NAME/data/weights/model_weights_config.json    parameter → file and layout
//! NAME/data/weights/weight_0 …                   little-endian elements
//! ```
//!
//! Nothing is written to disk and nothing is executed. Entries that the import does not need, such as the pickled
//! sample inputs, are never opened.

use super::{
    error::ImportError,
    program::{ExportedProgram, ProgramVersions, WeightsConfig},
    version,
};
use serde::de::DeserializeOwned;
use std::{
    fs::File,
    io::{BufReader, Read},
    path::Path,
};
use zip::{
    CompressionMethod, ZipArchive,
    read::{ArchiveOffset, Config},
};

/// Maximum size of the program and of each list of weights. JSON takes about ten times as much memory once it is read.
const MAX_JSON_BYTES: u64 = 64 << 20;
/// Most bytes of the small text entries.
const MAX_TEXT_BYTES: u64 = 64;
/// Most entries in an archive: every weight is one.
const MAX_ENTRIES: usize = 100_000;

/// Whether a name is that of one folder.
fn is_folder_name(name: &str) -> bool {
    !name.contains(['/', '\\']) && !matches!(name, "" | "." | "..")
}

fn parse<T: DeserializeOwned>(name: &str, bytes: &[u8]) -> Result<T, ImportError> {
    serde_json::from_slice(bytes).map_err(|error| ImportError::Json {
        entry: name.to_owned(),
        error,
    })
}

/// An open archive.
pub(super) struct Archive {
    zip: ZipArchive<BufReader<File>>,
    /// The folder that everything lies in, with the slash.
    root: String,
    /// Size of the archive.
    bytes: u64,
}

impl Archive {
    pub fn open(path: &Path) -> Result<Self, ImportError> {
        let unreadable = |error| ImportError::Read {
            path: path.to_owned(),
            error,
        };
        let file = File::open(path).map_err(unreadable)?;
        let bytes = file.metadata().map_err(unreadable)?.len();
        // Torch puts nothing before the archive. Without this, the place of the directory is guessed from its size, and
        // the zip64 record that torch writes after the directory makes a guess wrong that hits another entry.
        let config = Config {
            archive_offset: ArchiveOffset::Known(0),
        };
        let zip = ZipArchive::with_config(config, BufReader::new(file)).map_err(|error| ImportError::Zip { error })?;
        let invalid = |reason: &str| ImportError::Archive {
            reason: reason.to_owned(),
        };
        if zip.len() > MAX_ENTRIES {
            return Err(ImportError::TooMuch {
                what: "the number of the archive's entries".to_owned(),
                actual: zip.len() as u64,
                bound: MAX_ENTRIES as u64,
            });
        }
        if zip.has_duplicate_names() {
            return Err(invalid("two entries have the same name"));
        }
        let root = zip
            .file_names()
            .filter_map(Result::ok)
            .find_map(|name| name.strip_suffix("archive_format").map(str::to_owned))
            .filter(|root| root.strip_suffix('/').is_some_and(is_folder_name))
            .ok_or_else(|| invalid("it has no archive_format, so torch.export.save did not write it"))?;
        let mut archive = Self { zip, root, bytes };
        if archive.text("archive_format")? != "pt2" {
            return Err(invalid("its archive_format is not pt2"));
        }
        version::check_archive(&archive.text("archive_version")?)?;
        if archive.text("byteorder")? != "little" {
            return Err(invalid("its byte order is not little"));
        }
        Ok(archive)
    }

    /// Size of the archive.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The program, once its versions have been found to be supported.
    pub fn program(&mut self) -> Result<ExportedProgram, ImportError> {
        let name = "models/model.json";
        let bytes = self.json_bytes(name)?;
        version::check_program(&parse::<ProgramVersions>(name, &bytes)?)?;
        parse(name, &bytes)
    }

    pub fn weights_config(&mut self) -> Result<WeightsConfig, ImportError> {
        self.json("data/weights/model_weights_config.json")
    }

    pub fn constants_config(&mut self) -> Result<WeightsConfig, ImportError> {
        self.json("data/constants/model_constants_config.json")
    }

    /// The bytes of a weight or a constant, which must be exactly `size`.
    pub fn elements(&mut self, folder: &str, file: &str, size: u64) -> Result<Vec<u8>, ImportError> {
        let name = format!("data/{folder}/{file}");
        let bytes = self.read(&name, size)?;
        if bytes.len() as u64 == size {
            Ok(bytes)
        } else {
            Err(ImportError::EntrySize {
                entry: name,
                expected: size,
                actual: bytes.len() as u64,
            })
        }
    }

    fn text(&mut self, name: &str) -> Result<String, ImportError> {
        let bytes = self.read(name, MAX_TEXT_BYTES)?;
        Ok(String::from_utf8_lossy(&bytes).trim().to_owned())
    }

    fn json<T: DeserializeOwned>(&mut self, name: &str) -> Result<T, ImportError> {
        parse(name, &self.json_bytes(name)?)
    }

    fn json_bytes(&mut self, name: &str) -> Result<Vec<u8>, ImportError> {
        self.read(name, MAX_JSON_BYTES).map_err(|error| match error {
            ImportError::EntrySize { actual, expected, .. } => ImportError::TooMuch {
                what: format!("the size of {name} in bytes"),
                actual,
                bound: expected,
            },
            error => error,
        })
    }

    /// Reads an entry of at most `max` bytes, whatever size its header claims. A small archive cannot grow into a large
    /// entry, since torch compresses nothing and nothing compressed is read.
    fn read(&mut self, name: &str, max: u64) -> Result<Vec<u8>, ImportError> {
        let entry = self
            .zip
            .by_name(&format!("{}{name}", self.root))
            .map_err(|_| ImportError::MissingEntry { entry: name.to_owned() })?;
        if entry.compression() != CompressionMethod::Stored {
            return Err(ImportError::Archive {
                reason: format!("{name} is compressed, and torch stores it plain"),
            });
        }
        let mut bytes = Vec::new();
        entry
            .take(max.saturating_add(1))
            .read_to_end(&mut bytes)
            .map_err(|error| ImportError::Entry {
                entry: name.to_owned(),
                error,
            })?;
        if bytes.len() as u64 > max {
            return Err(ImportError::EntrySize {
                entry: name.to_owned(),
                expected: max,
                actual: bytes.len() as u64,
            });
        }
        Ok(bytes)
    }
}
