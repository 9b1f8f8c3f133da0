//! The durable store: secrets of sealed bids and claims, copies of inputs, digests of traces, in one database that
//! survives a crash, and digest trees in files beside it.
//!
//! Losing a salt means losing the bid's deposit, so a bid's price and salt are on disk before its commitment can be on
//! chain. So is the salt of a claim before its seal, since a claim that cannot be made is a missed deadline. Losing an
//! input means losing a dispute, so the input of a job by digest is copied when the job is taken. A trace can be made
//! again and is kept to save time. Everything else is read from the chain.
//!
//! ```text
//! <data dir>/<first 8 bytes of the genesis hash>-<account>/store.redb    the database
//! <data dir>/<first 8 bytes of the genesis hash>-<account>/trees/        digest trees of disputed claims
//! <data dir>/<first 8 bytes of the genesis hash>-<account>/lock          held while the worker runs
//! ```
//!
//! A method's writes are on disk when it returns. An error, such as a full disk, names the folder and leaves the
//! store usable: the next call opens the database anew.

mod bids_file;
mod copies;
mod salts;
#[cfg(test)]
mod tests;
mod traces;
mod trees;

pub use copies::Copied;

use crate::random;
use assay_client::chain::{AccountId, Balance, H256};
use assay_types::JobId;
use redb::{
    Database, DatabaseError, ReadTransaction, ReadableDatabase, ReadableTable, TableDefinition, WriteTransaction,
};
use std::{
    collections::BTreeMap,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Price and salt by job.
const BIDS: TableDefinition<'_, JobId, (Balance, [u8; 32])> = TableDefinition::new("bids");
/// Bytes of memory that the database uses to remember pages.
const CACHE_BYTES: usize = 8 << 20;

/// Why the store cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A file cannot be read or written.
    #[error("{path}: {source}; is data_dir on a disk with space that this user may write to?")]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// Another worker has it open.
    #[error("{path} is in use: another worker runs with the same key and data_dir")]
    InUse {
        /// The lock file.
        path: PathBuf,
    },
    /// A line of the file of bids of an earlier version is not a record.
    #[error("{path}, line {line}: not a record of a bid; restore the file from a backup, or remove that line")]
    Corrupt {
        /// The log.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
    },
    /// The database is damaged, or of another version.
    #[error(
        "{path}: {reason}; restore the file from a backup, or move it away if no bid of this account is unrevealed"
    )]
    Database {
        /// The database.
        path: PathBuf,
        /// The database's error.
        reason: String,
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

/// The open store. Clones share it.
#[derive(Clone, Debug)]
pub struct Store(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    path: PathBuf,
    /// Nothing after an error, until it is opened anew.
    database: Mutex<Option<Arc<Database>>>,
    /// The database's content, at hand even if the disk fails.
    bids: Mutex<BTreeMap<JobId, SealedBid>>,
    /// The same of the salts of sealed claims.
    salts: Mutex<BTreeMap<JobId, [u8; 32]>>,
    /// Keeps the lock.
    _lock: File,
}

impl Store {
    /// Opens the store of an account on a chain, and reads the bids that are in it.
    pub fn open(data_dir: &Path, genesis: H256, account: &AccountId) -> Result<Self, StoreError> {
        let folder = data_dir.join(format!("{}-{account}", hex::encode(&genesis.as_bytes()[..8])));
        fs::create_dir_all(&folder).map_err(io_error(&folder))?;
        let lock_path = folder.join("lock");
        let lock = File::create(&lock_path).map_err(io_error(&lock_path))?;
        lock.try_lock().map_err(|_| StoreError::InUse { path: lock_path })?;
        let store = Self(Arc::new(Shared {
            path: folder.join("store.redb"),
            database: Mutex::new(None),
            bids: Mutex::default(),
            salts: Mutex::default(),
            _lock: lock,
        }));
        store.take_over(&folder.join("bids.jsonl"))?;
        store.drop_unfinished_trees()?;
        let bids = store.read(|transaction| {
            let Some(table) = there(transaction.open_table(BIDS))? else {
                return Ok(BTreeMap::new());
            };
            let bids = table.iter()?.map(|entry| {
                let (job, bid) = entry?;
                let (price, salt) = bid.value();
                Ok((job.value(), SealedBid { price, salt }))
            });
            bids.collect::<Result<_, redb::Error>>()
        })?;
        *guard(&store.0.bids) = bids;
        let salts = store.read_salts()?;
        *guard(&store.0.salts) = salts;
        Ok(store)
    }

    /// The folder that the store is in.
    pub fn folder(&self) -> &Path {
        self.0.path.parent().unwrap_or(&self.0.path)
    }

    /// The bids whose secrets are kept.
    pub fn bids(&self) -> BTreeMap<JobId, SealedBid> {
        guard(&self.0.bids).clone()
    }

    /// The secret of a bid, if it is kept.
    pub fn bid(&self, job: JobId) -> Option<SealedBid> {
        guard(&self.0.bids).get(&job).cloned()
    }

    /// Draws a salt for a bid and writes both down; they are on disk when this returns.
    pub fn seal(&self, job: JobId, price: Balance) -> Result<SealedBid, StoreError> {
        let salt = random::bytes().map_err(StoreError::Random)?;
        let bid = SealedBid { price, salt };
        self.write(|transaction| {
            transaction.open_table(BIDS)?.insert(job, (price, salt))?;
            Ok(())
        })?;
        guard(&self.0.bids).insert(job, bid.clone());
        Ok(bid)
    }

    /// Forgets a bid that is over. A bid that cannot be removed from the disk is still known afterwards.
    pub fn forget(&self, job: JobId) -> Result<(), StoreError> {
        if self.bid(job).is_none() {
            return Ok(());
        }
        self.write(|transaction| {
            transaction.open_table(BIDS)?.remove(job)?;
            Ok(())
        })?;
        guard(&self.0.bids).remove(&job);
        Ok(())
    }

    /// Takes over the bids of the file in which an earlier version kept them, and puts the file aside.
    fn take_over(&self, path: &Path) -> Result<(), StoreError> {
        let Some(bids) = bids_file::read(path)? else {
            return Ok(());
        };
        self.write(|transaction| {
            let mut table = transaction.open_table(BIDS)?;
            for (job, bid) in &bids {
                table.insert(job, (bid.price, bid.salt))?;
            }
            Ok(())
        })?;
        fs::rename(path, path.with_extension("jsonl.taken-over")).map_err(io_error(path))
    }

    /// Reads what was committed last.
    fn read<T>(&self, look: impl FnOnce(&ReadTransaction) -> Result<T, redb::Error>) -> Result<T, StoreError> {
        let database = self.database()?;
        let looked = database.begin_read().map_err(redb::Error::from);
        looked
            .and_then(|transaction| look(&transaction))
            .map_err(|error| self.failed(error))
    }

    /// Commits a change; it is on disk when this returns, or has not happened.
    fn write<T>(&self, change: impl FnOnce(&WriteTransaction) -> Result<T, redb::Error>) -> Result<T, StoreError> {
        let database = self.database()?;
        let changed = (|| {
            let transaction = database.begin_write()?;
            let value = change(&transaction)?;
            transaction.commit()?;
            Ok(value)
        })();
        changed.map_err(|error| self.failed(error))
    }

    /// The database, opened if it is not.
    fn database(&self) -> Result<Arc<Database>, StoreError> {
        let mut open = guard(&self.0.database);
        if let Some(database) = &*open {
            return Ok(database.clone());
        }
        let mut builder = Database::builder();
        let database = builder.set_cache_size(CACHE_BYTES).create(&self.0.path);
        let database = Arc::new(database.map_err(|error| match error {
            DatabaseError::DatabaseAlreadyOpen => StoreError::InUse {
                path: self.0.path.clone(),
            },
            error => self.error(error.into()),
        })?);
        *open = Some(database.clone());
        Ok(database)
    }

    /// Puts the database aside after an error: one that has failed to write refuses everything until it is opened anew.
    fn failed(&self, error: redb::Error) -> StoreError {
        *guard(&self.0.database) = None;
        self.error(error)
    }

    fn error(&self, error: redb::Error) -> StoreError {
        let path = self.0.path.clone();
        match error {
            redb::Error::Io(source) => StoreError::Io { path, source },
            error => StoreError::Database {
                path,
                reason: error.to_string(),
            },
        }
    }
}

/// A table, if anything was ever written into it.
fn there<T>(table: Result<T, redb::TableError>) -> Result<Option<T>, redb::Error> {
    match table {
        Ok(table) => Ok(Some(table)),
        Err(redb::TableError::TableDoesNotExist(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// A lock's content; what a panic left in it is whole.
fn guard<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn io_error(path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    let path = path.to_owned();
    move |source| StoreError::Io { path, source }
}
