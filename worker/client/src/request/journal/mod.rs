//! The journal of a request: a file of JSON lines from which the request can be gone on with, however it ended.
//!
//! Each line is on disk before what follows from it is done. A line that was cut off by the end of the machine or by a
//! full disk is ignored when the file is read, and overwritten when it is gone on with.
//!
//! A request `7` is `7.jsonl`, with the bytes of its inputs one after the other in `7.inputs`.

pub mod entry;
mod record;
#[cfg(test)]
mod tests;

pub use entry::{Entry, Header, JobEvent, Origin};
pub use record::Record;

use crate::request::Prepared;
use assay_types::JobInput;
use std::{
    fs::{self, File, OpenOptions},
    io::{Read, Seek, SeekFrom, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

/// Suffix of a journal's file.
const EXTENSION: &str = "jsonl";
/// Suffix of the file with the inputs.
const INPUTS_EXTENSION: &str = "inputs";

/// Why a journal cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The system refuses.
    #[error("the journal {path}: {error}; --journal names another folder")]
    File {
        /// The file or folder.
        path: PathBuf,
        /// The system's error.
        error: std::io::Error,
    },
    /// There is none.
    #[error("there is no request in {folder}: --journal names the folder that it was made with")]
    Empty {
        /// The folder.
        folder: PathBuf,
    },
    /// There is none of this number.
    #[error("there is no request {id} in {folder}; there are: {known}")]
    Unknown {
        /// The number.
        id: u64,
        /// The folder.
        folder: PathBuf,
        /// The numbers of those that are there.
        known: String,
    },
    /// Another program goes on with it.
    #[error("another program is at work on request {id}: wait for its end, or stop it")]
    Locked {
        /// The request.
        id: u64,
    },
    /// A line in the middle, or the first, is not one of a journal.
    #[error("the journal {path} is damaged in line {line}: {reason}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The line.
        line: usize,
        /// The fault.
        reason: String,
    },
}

/// An open journal, which nobody else writes to.
#[derive(Debug)]
pub struct Journal {
    id: u64,
    path: PathBuf,
    file: File,
}

impl Journal {
    /// Begins the journal of a new request, with everything that is about to be submitted.
    pub fn create(folder: &Path, header: Header, jobs: &[Prepared]) -> Result<Self, JournalError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |error| JournalError::File { path, error }
        };
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(failed(folder))?;
        let (id, path, file) = loop {
            let id = numbers(folder)?.last().map_or(1, |last| last + 1);
            let path = path(folder, id);
            match options().create_new(true).open(&path) {
                Ok(file) => break (id, path, file),
                // Another program has just taken the number.
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(failed(&path)(error)),
            }
        };
        let mut journal = Self { id, path, file };
        journal.lock()?;
        let inputs = journal.path.with_extension(INPUTS_EXTENSION);
        let write = || {
            let mut file = options().create(true).truncate(true).open(&inputs)?;
            for job in jobs
                .iter()
                .filter(|job| matches!(job.request.input, JobInput::Inline(_)))
            {
                file.write_all(&job.bytes)?;
            }
            file.sync_all()
        };
        write().map_err(failed(&inputs))?;
        journal.write(&Entry::Request(header))?;
        // The files' names are to survive as well.
        let sync = File::open(folder).and_then(|folder| folder.sync_all());
        sync.map_err(failed(folder))?;
        Ok(journal)
    }

    /// Opens the journal of a request, or of the latest one, to go on with it.
    pub fn open(folder: &Path, id: Option<u64>) -> Result<(Self, Record), JournalError> {
        let id = find(folder, id)?;
        let path = path(folder, id);
        let failed = |error| JournalError::File {
            path: path.clone(),
            error,
        };
        let file = options().open(&path).map_err(failed)?;
        let journal = Self {
            id,
            path: path.clone(),
            file,
        };
        journal.lock()?;
        let mut bytes = Vec::new();
        (&journal.file).read_to_end(&mut bytes).map_err(failed)?;
        let (record, whole) = Record::read(&path, &bytes)?;
        // A line that was cut off is written over.
        journal.file.set_len(whole as u64).map_err(failed)?;
        (&journal.file).seek(SeekFrom::End(0)).map_err(failed)?;
        Ok((journal, record))
    }

    /// Reads the journal of a request, or of the latest one, while another program may write to it.
    pub fn read(folder: &Path, id: Option<u64>) -> Result<(u64, Record), JournalError> {
        let id = find(folder, id)?;
        let path = path(folder, id);
        let bytes = fs::read(&path).map_err(|error| JournalError::File {
            path: path.clone(),
            error,
        })?;
        let (record, _) = Record::read(&path, &bytes)?;
        Ok((id, record))
    }

    /// The requests of a folder, the latest first. Those that cannot be read are left out.
    pub fn all(folder: &Path) -> Vec<(u64, Record)> {
        let known = numbers(folder).unwrap_or_default().into_iter().rev();
        known.filter_map(|id| Self::read(folder, Some(id)).ok()).collect()
    }

    /// The other requests of this folder.
    pub fn others(&self) -> Vec<Record> {
        let Some(folder) = self.path.parent() else {
            return Vec::new();
        };
        let others = Self::all(folder).into_iter().filter(|(id, _)| *id != self.id);
        others.map(|(_, record)| record).collect()
    }

    /// Appends a line and waits until it is on disk.
    pub fn write(&mut self, entry: &Entry) -> Result<(), JournalError> {
        let mut line = serde_json::to_vec(entry).map_err(|error| self.failed(error.into()))?;
        line.push(b'\n');
        let written = self.file.write_all(&line).and_then(|()| self.file.sync_data());
        written.map_err(|error| self.failed(error))
    }

    /// The bytes of the inputs that were written when the request began, in the order of the header.
    pub fn inputs(&self, header: &Header) -> Result<Vec<Vec<u8>>, JournalError> {
        let path = self.path.with_extension(INPUTS_EXTENSION);
        let failed = |error| JournalError::File {
            path: path.clone(),
            error,
        };
        let mut file = File::open(&path).map_err(failed)?;
        let read = header.inputs.iter().map(|input| {
            let mut bytes = vec![0; input.bytes];
            file.read_exact(&mut bytes).map_err(failed)?;
            Ok(bytes)
        });
        read.collect()
    }

    /// The number of the request.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn lock(&self) -> Result<(), JournalError> {
        // The lock goes with the file's handle, however the program ends.
        match self.file.try_lock() {
            Ok(()) => Ok(()),
            Err(fs::TryLockError::WouldBlock) => Err(JournalError::Locked { id: self.id }),
            Err(fs::TryLockError::Error(error)) => Err(self.failed(error)),
        }
    }

    fn failed(&self, error: std::io::Error) -> JournalError {
        JournalError::File {
            path: self.path.clone(),
            error,
        }
    }
}

/// For files that only their owner reads: inputs may be private.
fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(0o600);
    options
}

fn path(folder: &Path, id: u64) -> PathBuf {
    folder.join(format!("{id}.{EXTENSION}"))
}

/// The numbers of the requests in a folder, in order.
pub fn numbers(folder: &Path) -> Result<Vec<u64>, JournalError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => {
            return Err(JournalError::File {
                path: folder.to_owned(),
                error,
            });
        }
    };
    let names = entries.flatten().map(|entry| entry.path());
    let names = names.filter(|path| path.extension().is_some_and(|extension| extension == EXTENSION));
    let mut numbers: Vec<u64> = names
        .filter_map(|path| path.file_stem()?.to_str()?.parse().ok())
        .collect();
    numbers.sort_unstable();
    Ok(numbers)
}

fn find(folder: &Path, id: Option<u64>) -> Result<u64, JournalError> {
    let known = numbers(folder)?;
    let Some(last) = known.last() else {
        return Err(JournalError::Empty {
            folder: folder.to_owned(),
        });
    };
    match id {
        None => Ok(*last),
        Some(id) if known.contains(&id) => Ok(id),
        Some(id) => Err(JournalError::Unknown {
            id,
            folder: folder.to_owned(),
            known: known.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
        }),
    }
}
