//! The file of keys and money, and the rules by which money is reserved and settled.
//!
//! Everything is in one redb database that several processes can write to, so that `keys add` works while a gateway
//! runs.
//! A rule reads, decides and writes within one transaction; a refusal writes nothing.

use super::key::{ApiKey, KeyLimits, KeyRecord};
use crate::money::Amount;
use redb::{
    Builder, ConcurrencyMode, Database, ReadableDatabase, ReadableTable, Table, TableDefinition, WriteTransaction,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{
    fs,
    path::{Path, PathBuf},
};

const KEYS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("keys");
const RESERVATIONS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("reservations");
/// The sum of each key's reservations.
const RESERVED: TableDefinition<'_, &str, u128> = TableDefinition::new("reserved");
/// Amount that each key has spent in a day.
const SPENT: TableDefinition<'_, (&str, u64), u128> = TableDefinition::new("spent");
/// The number of the next reservation.
const NEXT: TableDefinition<'_, (), u64> = TableDefinition::new("next");
/// Days for which it is kept what a key has spent.
const KEPT_DAYS: u64 = 400;
const CACHE_BYTES: usize = 8 << 20;

/// Number of a day since 1970, by UTC.
pub type Day = u64;

/// Why the file of keys and money cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LedgerError {
    /// The file cannot be opened, read or written.
    #[error("{path}: {reason}")]
    Storage {
        /// The file.
        path: PathBuf,
        /// The database's error.
        reason: String,
    },
    /// Another gateway has the folder.
    #[error("{0} belongs to another gateway that runs: give each gateway a folder of its own")]
    InUse(PathBuf),
    /// There is no such key.
    #[error("no API key `{0}`: `assay-worker gateway keys list` shows those that are there")]
    NoKey(String),
    /// The key has no balance of its own.
    #[error("the operator pays for API key `{0}`: only a key that was made with --balance has a balance to add to")]
    NotPrepaid(String),
    /// The system gives no randomness.
    #[error("the system gives no random numbers: {0}")]
    Random(#[from] getrandom::Error),
    /// The thread that writes is gone.
    #[error("the ledger is closed")]
    Closed,
}

/// Why money is not reserved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The key is unknown or revoked.
    Unknown,
    /// The key's balance is too small.
    Balance {
        /// Amount that was asked for.
        needed: Amount,
        /// Amount that is neither spent nor reserved.
        available: Amount,
    },
    /// The key's budget of the day is too small.
    Budget {
        /// Amount that was asked for.
        needed: Amount,
        /// Rest of today.
        available: Amount,
        /// Seconds until the next day.
        resets_in: u32,
    },
}

/// Money that is set aside for a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reservation {
    /// The key's number.
    pub key: String,
    /// The maximum that the request may cost.
    pub amount: Amount,
    /// The day in whose budget it is.
    pub day: Day,
    /// The job that it is for, where it outlives the request.
    pub job: Option<String>,
}

/// A key with what it has spent and set aside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KeyState {
    /// The key.
    #[serde(flatten)]
    pub record: KeyRecord,
    /// Amount that is set aside for requests that run.
    pub reserved: Amount,
    /// Amount that it has spent today.
    pub spent_today: Amount,
}

/// The file.
pub struct Store {
    database: Database,
    path: PathBuf,
}

/// The tables in a transaction that writes.
pub(super) struct Tables<'t> {
    keys: Table<'t, &'static str, &'static [u8]>,
    reservations: Table<'t, u64, &'static [u8]>,
    reserved: Table<'t, &'static str, u128>,
    spent: Table<'t, (&'static str, u64), u128>,
    next: Table<'t, (), u64>,
}

type Result<T, E = redb::Error> = std::result::Result<T, E>;

impl Store {
    /// Opens the file in this folder, and makes both if they are not there, for their owner's eyes only.
    pub fn open(folder: &Path) -> Result<Self, LedgerError> {
        let path = folder.join("ledger.redb");
        let failed = |reason: String| LedgerError::Storage {
            path: path.clone(),
            reason,
        };
        make_folder(folder).map_err(|error| failed(error.to_string()))?;
        let mut builder = Builder::new();
        builder
            .set_cache_size(CACHE_BYTES)
            .set_concurrency_mode(ConcurrencyMode::MultiWriter);
        let database = builder.create(&path).map_err(|error| failed(error.to_string()))?;
        let store = Self { database, path };
        // The tables are there from now on, for those who only read.
        store.write(|_| Ok(()))?;
        Ok(store)
    }

    /// Makes a key. `balance` is what it has prepaid.
    pub fn add_key(
        &self,
        name: &str,
        balance: Option<Amount>,
        limits: KeyLimits,
        now: u64,
    ) -> Result<(KeyRecord, ApiKey), LedgerError> {
        let key = ApiKey::generate()?;
        let record = KeyRecord {
            id: key.id().to_owned(),
            name: name.to_owned(),
            hash: key.hash().to_hex(),
            created: now,
            revoked: None,
            balance,
            limits,
        };
        self.write(|tables| tables.put_key(&record))?;
        Ok((record, key))
    }

    /// Every key, by name.
    pub fn keys(&self, today: Day) -> Result<Vec<KeyState>, LedgerError> {
        let read = || -> Result<Vec<KeyState>> {
            let transaction = self.database.begin_read()?;
            let (keys, reserved) = (transaction.open_table(KEYS)?, transaction.open_table(RESERVED)?);
            let spent = transaction.open_table(SPENT)?;
            let mut states = Vec::new();
            for entry in keys.iter()? {
                let record: KeyRecord = decode(entry?.1.value())?;
                let sum = reserved.get(record.id.as_str())?.map_or(0, |sum| sum.value());
                let today = spent.get((record.id.as_str(), today))?.map_or(0, |sum| sum.value());
                states.push(KeyState {
                    record,
                    reserved: Amount(sum),
                    spent_today: Amount(today),
                });
            }
            states.sort_by(|a, b| (&a.record.name, &a.record.id).cmp(&(&b.record.name, &b.record.id)));
            Ok(states)
        };
        read().map_err(|error| self.storage(&error))
    }

    /// Revokes a key from now on. What it has prepaid stays on record.
    pub fn revoke(&self, id: &str, now: u64) -> Result<KeyRecord, LedgerError> {
        let record = self.write(|tables| {
            let Some(mut record) = tables.key(id)? else {
                return Ok(None);
            };
            record.revoked.get_or_insert(now);
            tables.put_key(&record)?;
            Ok(Some(record))
        })?;
        record.ok_or_else(|| LedgerError::NoKey(id.to_owned()))
    }

    /// Adds to what a key has prepaid, and gives the new balance.
    pub fn top_up(&self, id: &str, amount: Amount) -> Result<Amount, LedgerError> {
        self.write(|tables| {
            let Some(mut record) = tables.key(id)? else {
                return Ok(Err(LedgerError::NoKey(id.to_owned())));
            };
            let Some(balance) = record.balance else {
                return Ok(Err(LedgerError::NotPrepaid(id.to_owned())));
            };
            record.balance = Some(balance.plus(amount));
            tables.put_key(&record)?;
            Ok(Ok(balance.plus(amount)))
        })?
    }

    /// The record of a key that may be used, if this is one.
    pub fn authenticate(&self, key: &ApiKey) -> Result<Option<KeyRecord>, LedgerError> {
        let read = || -> Result<Option<KeyRecord>> {
            let keys = self.database.begin_read()?.open_table(KEYS)?;
            let record = keys.get(key.id())?;
            record.map(|record| decode(record.value())).transpose()
        };
        let record = read().map_err(|error| self.storage(&error))?;
        // The hash is computed for unknown numbers too, so that time tells nothing.
        let hash = key.hash();
        Ok(record.filter(|record| hash.is_of(record) && record.revoked.is_none()))
    }

    /// Every reservation.
    pub fn reservations(&self) -> Result<Vec<(u64, Reservation)>, LedgerError> {
        let read = || -> Result<Vec<(u64, Reservation)>> {
            let table = self.database.begin_read()?.open_table(RESERVATIONS)?;
            let mut all = Vec::new();
            for entry in table.iter()? {
                let (id, reservation) = entry?;
                all.push((id.value(), decode(reservation.value())?));
            }
            Ok(all)
        };
        read().map_err(|error| self.storage(&error))
    }

    /// Does something in one transaction, which is on disk when this returns.
    pub(super) fn write<T>(&self, act: impl FnOnce(&mut Tables<'_>) -> Result<T>) -> Result<T, LedgerError> {
        let commit = || -> Result<T> {
            let transaction = self.database.begin_write()?;
            let value = act(&mut Tables::open(&transaction)?)?;
            transaction.commit()?;
            Ok(value)
        };
        commit().map_err(|error| self.storage(&error))
    }

    fn storage(&self, error: &redb::Error) -> LedgerError {
        LedgerError::Storage {
            path: self.path.clone(),
            reason: error.to_string(),
        }
    }
}

impl<'t> Tables<'t> {
    fn open(transaction: &'t WriteTransaction) -> Result<Self> {
        Ok(Self {
            keys: transaction.open_table(KEYS)?,
            reservations: transaction.open_table(RESERVATIONS)?,
            reserved: transaction.open_table(RESERVED)?,
            spent: transaction.open_table(SPENT)?,
            next: transaction.open_table(NEXT)?,
        })
    }

    fn key(&self, id: &str) -> Result<Option<KeyRecord>> {
        let record = self.keys.get(id)?;
        record.map(|record| decode(record.value())).transpose()
    }

    fn put_key(&mut self, record: &KeyRecord) -> Result<()> {
        self.keys.insert(record.id.as_str(), encode(record)?.as_slice())?;
        Ok(())
    }

    fn reserved(&self, key: &str) -> Result<Amount> {
        Ok(Amount(self.reserved.get(key)?.map_or(0, |sum| sum.value())))
    }

    fn spent(&self, key: &str, day: Day) -> Result<Amount> {
        Ok(Amount(self.spent.get((key, day))?.map_or(0, |sum| sum.value())))
    }

    /// Sets money aside, or says why not. Reservations of other days count against today's budget: they may be
    /// settled today.
    pub fn reserve(&mut self, key: &str, amount: Amount, now: u64) -> Result<Result<u64, Refusal>> {
        let day = now / SECONDS_OF_DAY;
        let Some(record) = self.key(key)?.filter(|record| record.revoked.is_none()) else {
            return Ok(Err(Refusal::Unknown));
        };
        let reserved = self.reserved(key)?;
        if let Some(balance) = record.balance {
            let available = balance.minus(reserved);
            if amount > available {
                return Ok(Err(Refusal::Balance {
                    needed: amount,
                    available,
                }));
            }
        }
        if let Some(budget) = record.limits.daily_budget {
            let available = budget.minus(self.spent(key, day)?).minus(reserved);
            if amount > available {
                let resets_in = SECONDS_OF_DAY - now % SECONDS_OF_DAY;
                return Ok(Err(Refusal::Budget {
                    needed: amount,
                    available,
                    resets_in: u32::try_from(resets_in).unwrap_or(u32::MAX),
                }));
            }
        }
        let id = self.next.get(())?.map_or(0, |next| next.value());
        self.next.insert((), id.wrapping_add(1))?;
        let reservation = Reservation {
            key: key.to_owned(),
            amount,
            day,
            job: None,
        };
        self.reservations.insert(id, encode(&reservation)?.as_slice())?;
        self.reserved.insert(key, reserved.plus(amount).0)?;
        Ok(Ok(id))
    }

    /// Says which job a reservation is for, so that it outlives the gateway's process.
    pub fn attach(&mut self, id: u64, job: &str) -> Result<()> {
        let Some(mut reservation) = self.reservation(id)? else {
            return Ok(());
        };
        reservation.job = Some(job.to_owned());
        self.reservations.insert(id, encode(&reservation)?.as_slice())?;
        Ok(())
    }

    /// Pays what was spent of a reservation and releases the rest. A reservation is settled once; a price above it is
    /// the operator's loss, and is returned.
    pub fn settle(&mut self, id: u64, price: Amount) -> Result<Amount> {
        let Some(reservation) = self.reservation(id)? else {
            return Ok(Amount::default());
        };
        self.reservations.remove(id)?;
        let key = reservation.key.as_str();
        let rest = self.reserved(key)?.minus(reservation.amount);
        if rest == Amount::default() {
            self.reserved.remove(key)?;
        } else {
            self.reserved.insert(key, rest.0)?;
        }
        let paid = price.min(reservation.amount);
        if paid > Amount::default() {
            if let Some(mut record) = self.key(key)? {
                record.balance = record.balance.map(|balance| balance.minus(paid));
                self.put_key(&record)?;
            }
            let spent = self.spent(key, reservation.day)?.plus(paid);
            self.spent.insert((key, reservation.day), spent.0)?;
        }
        Ok(price.minus(paid))
    }

    /// Forgets what was spent long ago.
    pub fn prune(&mut self, today: Day) -> Result<()> {
        let first = today.saturating_sub(KEPT_DAYS);
        self.spent.retain(|(_, day), _| day >= first)?;
        Ok(())
    }

    fn reservation(&self, id: u64) -> Result<Option<Reservation>> {
        let reservation = self.reservations.get(id)?;
        reservation.map(|reservation| decode(reservation.value())).transpose()
    }
}

/// Seconds of a day.
pub(super) const SECONDS_OF_DAY: u64 = 86_400;

fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>> {
    serde_json::to_vec(value).map_err(|error| redb::Error::Corrupted(error.to_string()))
}

fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    serde_json::from_slice(bytes).map_err(|error| redb::Error::Corrupted(error.to_string()))
}

fn make_folder(folder: &Path) -> std::io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(folder)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
