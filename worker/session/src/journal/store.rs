//! A store of entries by session and number, which one thread writes.

use super::JournalError;
use codec::{DecodeAll, Encode};
use redb::{Builder, Database, ReadableDatabase, StorageBackend, TableDefinition};
use std::{collections::BTreeMap, path::Path, sync::Arc, thread::JoinHandle};
use tokio::sync::{mpsc, oneshot};

/// Changes that wait for the thread.
const MAX_WAITING: usize = 4096;
/// Groups of changes in one transaction.
const MAX_TOGETHER: usize = 1024;

/// A session and the number of a request, or 0 for what there is once in a session.
pub(crate) type Key = (u64, u32);
type Definition = TableDefinition<'static, Key, &'static [u8]>;
type OpenTable<'transaction> = redb::Table<'transaction, Key, &'static [u8]>;

/// Kind of the entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Table {
    /// The state of a side, once in a session.
    State,
    /// Receipts.
    Receipt,
    /// Inputs of requests.
    Input,
    /// The answer to the latest request, once in a session.
    Answer,
    /// Receipts that wait for being checked.
    Case,
}

impl Table {
    const ALL: [Self; 5] = [Self::State, Self::Receipt, Self::Input, Self::Answer, Self::Case];

    fn definition(self) -> Definition {
        TableDefinition::new(match self {
            Self::State => "state",
            Self::Receipt => "receipt",
            Self::Input => "input",
            Self::Answer => "answer",
            Self::Case => "case",
        })
    }
}

/// A change of the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// Writes an entry in the place of an older one.
    Put(Table, Key, Vec<u8>),
    /// Removes an entry.
    Remove(Table, Key),
    /// Removes everything about a session.
    Forget(u64),
}

/// The store. What was handed over is written when the last handle is dropped, unless the process dies.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    database: Arc<Database>,
    writer: Arc<Writer>,
}

/// The thread that writes. Dropping it waits until what was handed over is written.
#[derive(Debug)]
struct Writer {
    groups: Option<mpsc::Sender<Group>>,
    thread: Option<JoinHandle<()>>,
}

/// Changes that are kept together or not at all.
#[derive(Debug)]
struct Group {
    changes: Vec<Change>,
    done: Option<oneshot::Sender<Result<(), JournalError>>>,
}

/// Changes that were handed over, and are on disk once [`Written::wait`] returns.
#[derive(Debug)]
pub(crate) struct Written(oneshot::Receiver<Result<(), JournalError>>);

impl Written {
    /// Waits until the changes are on disk. Dropping it takes nothing back.
    pub async fn wait(self) -> Result<(), JournalError> {
        self.0.await.map_err(|_| stopped())?
    }
}

impl Store {
    /// The store in this file, which is made if it is not there.
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        let opened = Database::create(path).map_err(|error| JournalError::Open {
            path: path.to_owned(),
            reason: error.to_string(),
        })?;
        Self::on(opened)
    }

    /// The store in this backend.
    pub fn with_backend(backend: impl StorageBackend) -> Result<Self, JournalError> {
        let opened = Builder::new().create_with_backend(backend).map_err(failed)?;
        Self::on(opened)
    }

    fn on(database: Database) -> Result<Self, JournalError> {
        let database = Arc::new(database);
        // So that every table is there for whoever reads.
        write(&database, &[]).map_err(failed)?;
        let (groups, handed) = mpsc::channel(MAX_WAITING);
        let written = database.clone();
        let thread = std::thread::Builder::new().name("journal".to_owned());
        let thread = thread.spawn(move || write_all(&written, handed));
        let thread = thread.map_err(|error| JournalError::Store {
            reason: error.to_string(),
        })?;
        let writer = Arc::new(Writer {
            groups: Some(groups),
            thread: Some(thread),
        });
        Ok(Self { database, writer })
    }

    /// Writes changes, and returns when they are on disk.
    pub async fn write(&self, changes: Vec<Change>) -> Result<(), JournalError> {
        self.write_behind(changes).await?.wait().await
    }

    /// Hands changes over, to be written after those before them; what it returns waits for the disk.
    pub async fn write_behind(&self, changes: Vec<Change>) -> Result<Written, JournalError> {
        let (done, written) = oneshot::channel();
        let group = Group {
            changes,
            done: Some(done),
        };
        self.hand_over(group).await?;
        Ok(Written(written))
    }

    /// Waits until everything that was handed over before is on disk, so that it is read.
    pub async fn settle(&self) -> Result<(), JournalError> {
        self.write(Vec::new()).await
    }

    /// Hands changes over, to be written after those before them. A crash may lose them.
    pub async fn write_soon(&self, changes: Vec<Change>) -> Result<(), JournalError> {
        self.hand_over(Group { changes, done: None }).await
    }

    async fn hand_over(&self, group: Group) -> Result<(), JournalError> {
        let groups = self.writer.groups.as_ref().ok_or_else(stopped)?;
        groups.send(group).await.map_err(|_| stopped())
    }

    /// An entry.
    pub fn get<T: DecodeAll>(&self, table: Table, key: Key) -> Result<Option<T>, JournalError> {
        let read = || -> Result<Option<Vec<u8>>, redb::Error> {
            let table = self.database.begin_read()?.open_table(table.definition())?;
            Ok(table.get(key)?.map(|entry| entry.value().to_vec()))
        };
        match read().map_err(failed)? {
            Some(bytes) => decode(key.0, &bytes).map(Some),
            None => Ok(None),
        }
    }

    /// All entries of a table, by session and number.
    pub fn all<T: DecodeAll>(&self, table: Table) -> Result<Vec<(Key, T)>, JournalError> {
        let read = || -> Result<Vec<(Key, Vec<u8>)>, redb::Error> {
            let table = self.database.begin_read()?.open_table(table.definition())?;
            let mut entries = Vec::new();
            for entry in table.range::<Key>(..)? {
                let (key, value) = entry?;
                entries.push((key.value(), value.value().to_vec()));
            }
            Ok(entries)
        };
        let entries = read().map_err(failed)?.into_iter();
        entries.map(|(key, bytes)| Ok((key, decode(key.0, &bytes)?))).collect()
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.groups = None;
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has written nothing since.
            let _ = thread.join();
        }
    }
}

/// An entry that is written.
pub(crate) fn put(table: Table, key: Key, entry: &impl Encode) -> Change {
    Change::Put(table, key, entry.encode())
}

fn decode<T: DecodeAll>(session: u64, mut bytes: &[u8]) -> Result<T, JournalError> {
    T::decode_all(&mut bytes).map_err(|_| JournalError::Entry { session })
}

/// Writes groups of changes, as many at a time as there are, until there are no more.
fn write_all(database: &Database, mut groups: mpsc::Receiver<Group>) {
    while let Some(first) = groups.blocking_recv() {
        let mut together = vec![first];
        while let Ok(next) = groups.try_recv() {
            together.push(next);
            if together.len() == MAX_TOGETHER {
                break;
            }
        }
        let written = write(database, &together).map_err(failed);
        if let Err(error) = &written {
            tracing::error!(%error, "the journal does not keep what it was given");
        }
        for done in together.into_iter().filter_map(|group| group.done) {
            // Who has stopped waiting does not go on, which is what an answer that is lost means too.
            let _ = done.send(written.clone());
        }
    }
}

/// Writes groups in one transaction, which is synced once: all of them are on disk then, or none of them.
fn write(database: &Database, groups: &[Group]) -> Result<(), redb::Error> {
    let transaction = database.begin_write()?;
    for table in Table::ALL {
        // A table is opened once in a transaction: that takes longer than to write an entry.
        let mut open = transaction.open_table(table.definition())?;
        write_table(&mut open, table, groups)?;
    }
    transaction.commit()?;
    Ok(())
}

/// Makes the changes of one table. Of several changes of one entry, the last one is made alone.
fn write_table(open: &mut OpenTable<'_>, table: Table, groups: &[Group]) -> Result<(), redb::Error> {
    let mut last: BTreeMap<Key, Option<&[u8]>> = BTreeMap::new();
    for change in groups.iter().flat_map(|group| &group.changes) {
        match change {
            Change::Put(of, key, entry) if *of == table => {
                last.insert(*key, Some(entry));
            }
            Change::Remove(of, key) if *of == table => {
                last.insert(*key, None);
            }
            Change::Put(..) | Change::Remove(..) => {}
            Change::Forget(session) => {
                let all = (*session, 0)..=(*session, u32::MAX);
                open.retain_in(all.clone(), |_, _| false)?;
                last.retain(|key, _| !all.contains(key));
            }
        }
    }
    for (key, entry) in last {
        match entry {
            Some(entry) => {
                open.insert(key, entry)?;
            }
            None => {
                open.remove(key)?;
            }
        }
    }
    Ok(())
}

fn failed(error: impl Into<redb::Error>) -> JournalError {
    JournalError::Store {
        reason: error.into().to_string(),
    }
}

fn stopped() -> JournalError {
    JournalError::Store {
        reason: "its thread has stopped".to_owned(),
    }
}

#[cfg(test)]
mod tests;
