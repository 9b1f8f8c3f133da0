//! The durable store: the secrets of sealed bids, written and synced before the bid is sent.
//!
//! Losing a salt means losing the bid's deposit, so a bid's price and salt are on disk before its commitment can be on
//! chain. Nothing else has to survive: what to run and what was claimed is read from the chain, and running a model
//! again gives the same bits.
//!
//! ```text
//! <data dir>/<first 8 bytes of the genesis hash>-<account>/bids.jsonl    one record per line, appended
//! <data dir>/<first 8 bytes of the genesis hash>-<account>/lock          held while the worker runs
//! ```
//!
//! A last line that a crash cut off is dropped: its bid was never sent.

use assay_client::chain::{AccountId, Balance, H256};
use assay_types::JobId;
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

/// The log is rewritten when it has this many records more than there are bids.
const SUPERFLUOUS_RECORDS: usize = 4096;

/// Why the store cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A file cannot be read or written.
    #[error("{path}: {source}; is data_dir on a disk with space that this user may write to?")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Another worker has it open.
    #[error("{path} is in use: another worker runs with the same key and data_dir")]
    InUse {
        /// The lock file.
        path: PathBuf,
    },
    /// A line in the middle is not a record.
    #[error("{path}, line {line}: not a record of a bid; restore the file from a backup, or remove that line")]
    Corrupt {
        /// The log.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
    },
    /// No random numbers.
    #[error("the system gives no random numbers: {0}")]
    Random(io::Error),
}

/// The secret of a sealed bid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedBid {
    /// The price.
    pub price: Balance,
    /// The salt.
    pub salt: [u8; 32],
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "record")]
enum Record {
    Bid { job: JobId, price: String, salt: String },
    Closed { job: JobId },
}

/// The open store.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    log: File,
    bids: BTreeMap<JobId, SealedBid>,
    records: usize,
    /// Keeps the lock.
    _lock: File,
}

impl Store {
    /// Opens the store of an account on a chain, and reads what is in it.
    pub fn open(data_dir: &Path, genesis: H256, account: &AccountId) -> Result<Self, StoreError> {
        let folder = data_dir.join(format!("{}-{account}", hex::encode(&genesis.as_bytes()[..8])));
        fs::create_dir_all(&folder).map_err(io_error(&folder))?;
        let lock_path = folder.join("lock");
        let lock = File::create(&lock_path).map_err(io_error(&lock_path))?;
        lock.try_lock().map_err(|_| StoreError::InUse { path: lock_path })?;
        let path = folder.join("bids.jsonl");
        let bids = read(&path)?;
        let log = rewrite(&path, &bids)?;
        Ok(Self {
            path,
            log,
            records: bids.len(),
            bids,
            _lock: lock,
        })
    }

    /// The bids whose secrets are kept.
    pub fn bids(&self) -> &BTreeMap<JobId, SealedBid> {
        &self.bids
    }

    /// Draws a salt for a bid and writes both down; they are on disk when this returns.
    pub fn seal(&mut self, job: JobId, price: Balance) -> Result<SealedBid, StoreError> {
        let mut salt = [0; 32];
        File::open("/dev/urandom")
            .and_then(|mut random| random.read_exact(&mut salt))
            .map_err(StoreError::Random)?;
        let bid = SealedBid { price, salt };
        self.append(&record(job, &bid))?;
        self.bids.insert(job, bid.clone());
        Ok(bid)
    }

    /// Forgets a bid that is over.
    pub fn forget(&mut self, job: JobId) -> Result<(), StoreError> {
        if self.bids.remove(&job).is_none() {
            return Ok(());
        }
        self.append(&Record::Closed { job })?;
        if self.records > self.bids.len() + SUPERFLUOUS_RECORDS {
            self.log = rewrite(&self.path, &self.bids)?;
            self.records = self.bids.len();
        }
        Ok(())
    }

    fn append(&mut self, record: &Record) -> Result<(), StoreError> {
        write_record(&mut self.log, record)
            .and_then(|()| self.log.sync_data())
            .map_err(io_error(&self.path))?;
        self.records += 1;
        Ok(())
    }
}

fn record(job: JobId, bid: &SealedBid) -> Record {
    Record::Bid {
        job,
        price: bid.price.to_string(),
        salt: hex::encode(bid.salt),
    }
}

fn write_record(log: &mut File, record: &Record) -> io::Result<()> {
    let mut line = serde_json::to_vec(record)?;
    line.push(b'\n');
    log.write_all(&line)
}

fn read(path: &Path) -> Result<BTreeMap<JobId, SealedBid>, StoreError> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(source) => {
            return Err(StoreError::Io {
                path: path.into(),
                source,
            });
        }
    };
    let mut bids = BTreeMap::new();
    // What follows the last line feed was cut off.
    let complete = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    for (index, line) in text[..complete].split(|byte| *byte == b'\n').enumerate() {
        if line.is_empty() {
            continue;
        }
        let corrupt = || StoreError::Corrupt {
            path: path.into(),
            line: index + 1,
        };
        match serde_json::from_slice(line).map_err(|_| corrupt())? {
            Record::Bid { job, price, salt } => {
                let price = price.parse().map_err(|_| corrupt())?;
                let salt = hex::decode(salt)
                    .ok()
                    .and_then(|salt| salt.try_into().ok())
                    .ok_or_else(corrupt)?;
                bids.insert(job, SealedBid { price, salt });
            }
            Record::Closed { job } => {
                bids.remove(&job);
            }
        }
    }
    Ok(bids)
}

/// Writes a log of these bids alone beside the old one, then puts it in its place.
fn rewrite(path: &Path, bids: &BTreeMap<JobId, SealedBid>) -> Result<File, StoreError> {
    let fresh = path.with_extension("new");
    let write = || {
        let mut log = File::create(&fresh)?;
        for (job, bid) in bids {
            write_record(&mut log, &record(*job, bid))?;
        }
        log.sync_all()?;
        fs::rename(&fresh, path)?;
        if let Some(folder) = path.parent() {
            File::open(folder)?.sync_all()?;
        }
        OpenOptions::new().append(true).open(path)
    };
    write().map_err(io_error(path))
}

fn io_error(path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    let path = path.to_owned();
    move |source| StoreError::Io { path, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(folder: &Path) -> Result<Store, StoreError> {
        Store::open(folder, H256::repeat_byte(7), &AccountId::new([1; 32]))
    }

    fn log_of(folder: &Path) -> PathBuf {
        let store = fs::read_dir(folder)
            .expect("readable")
            .next()
            .expect("one store")
            .expect("readable")
            .path();
        store.join("bids.jsonl")
    }

    #[test]
    fn a_bid_survives_a_crash_and_a_closed_one_does_not() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let mut store = open(folder.path()).expect("new");
        let kept = store.seal(1, 50).expect("written");
        store.seal(2, 60).expect("written");
        store.forget(2).expect("written");
        drop(store);
        let store = open(folder.path()).expect("reopened");
        assert_eq!(store.bids(), &BTreeMap::from([(1, kept)]));
    }

    #[test]
    fn a_line_that_a_crash_cut_off_is_dropped() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let kept = open(folder.path()).expect("new").seal(1, 50).expect("written");
        let log = log_of(folder.path());
        let mut text = fs::read(&log).expect("readable");
        text.extend(br#"{"record":"bid","job":2,"pri"#);
        fs::write(&log, text).expect("written");
        let mut store = open(folder.path()).expect("reopened");
        assert_eq!(store.bids(), &BTreeMap::from([(1, kept)]));
        store.seal(3, 70).expect("written");
        drop(store);
        assert_eq!(open(folder.path()).expect("reopened").bids().len(), 2);
    }

    #[test]
    fn a_spoilt_line_is_named_and_not_skipped() {
        let folder = tempfile::tempdir().expect("temporary folder");
        open(folder.path()).expect("new").seal(1, 50).expect("written");
        fs::write(log_of(folder.path()), "nonsense\n{\"record\":\"closed\",\"job\":1}\n").expect("written");
        assert!(matches!(open(folder.path()), Err(StoreError::Corrupt { line: 1, .. })));
    }

    #[test]
    fn two_workers_cannot_share_a_store() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let _first = open(folder.path()).expect("new");
        assert!(matches!(open(folder.path()), Err(StoreError::InUse { .. })));
    }
}
