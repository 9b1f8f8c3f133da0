//! API keys and their money.
//!
//! A request reserves the maximum that it can cost before anything is bought, and settles what it did cost.
//! Both are on disk before anything goes on.
//! One thread writes, and puts what waits for it into one transaction.

mod key;
mod store;

pub use key::{ApiKey, KeyHash, KeyLimits, KeyRecord};
pub use store::{Day, KeyState, LedgerError, Refusal, Reservation, Store};

use crate::money::Amount;
use std::{
    fs::{File, TryLockError},
    path::Path,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};
use store::{SECONDS_OF_DAY, Tables};
use tokio::sync::{mpsc, oneshot};

/// Commands that one transaction takes.
const MAX_BATCH: usize = 256;
/// Commands that wait; those that come later wait in their requests.
const QUEUE: usize = 1024;

/// A gateway's keys and money. Clones are handles of the same one.
#[derive(Clone)]
pub struct Ledger {
    store: Arc<Store>,
    commands: mpsc::Sender<Command>,
    /// Held for as long as a gateway uses the folder.
    _lock: Arc<File>,
}

/// A job whose price is not known yet, found when a gateway starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenJob {
    /// The reservation.
    pub reservation: u64,
    /// The job.
    pub job: String,
}

enum Command {
    Reserve {
        key: String,
        amount: Amount,
        reply: oneshot::Sender<Result<Result<u64, Refusal>, LedgerError>>,
    },
    Attach {
        id: u64,
        job: String,
        reply: oneshot::Sender<Result<(), LedgerError>>,
    },
    Settle {
        id: u64,
        price: Amount,
        reply: oneshot::Sender<Result<(), LedgerError>>,
    },
}

/// Outcome of a command, to be told once it is on disk.
enum Outcome {
    Reserved(Result<u64, Refusal>),
    Done,
}

impl Ledger {
    /// Opens the ledger for a gateway, alone.
    ///
    /// Reservations of requests that ended with the gateway's last process are released: a customer pays for answers,
    /// and nobody got these.
    /// Those of jobs are returned, to be settled when the jobs are closed.
    pub fn open(folder: &Path) -> Result<(Self, Vec<OpenJob>), LedgerError> {
        let store = Store::open(folder)?;
        let lock = lock(folder)?;
        let mut open = Vec::new();
        let reservations = store.reservations()?;
        store.write(|tables| {
            tables.prune(today())?;
            for (id, reservation) in reservations {
                match reservation.job {
                    Some(job) => open.push(OpenJob { reservation: id, job }),
                    None => {
                        tables.settle(id, Amount::default())?;
                    }
                }
            }
            Ok(())
        })?;
        let store = Arc::new(store);
        let (commands, queue) = mpsc::channel(QUEUE);
        let writer = store.clone();
        let spawned = std::thread::Builder::new().name("ledger".to_owned());
        spawned
            .spawn(move || serve(&writer, queue))
            .map_err(|error| LedgerError::Storage {
                path: folder.to_owned(),
                reason: error.to_string(),
            })?;
        let ledger = Self {
            store,
            commands,
            _lock: Arc::new(lock),
        };
        Ok((ledger, open))
    }

    /// The file itself, for keys.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Sets money aside.
    pub async fn reserve(&self, key: &str, amount: Amount) -> Result<Result<u64, Refusal>, LedgerError> {
        let key = key.to_owned();
        self.ask(|reply| Command::Reserve { key, amount, reply }).await
    }

    /// Says which job a reservation is for.
    pub async fn attach(&self, id: u64, job: &str) -> Result<(), LedgerError> {
        let job = job.to_owned();
        self.ask(|reply| Command::Attach { id, job, reply }).await
    }

    /// Pays what was spent of a reservation, and releases the rest.
    pub async fn settle(&self, id: u64, price: Amount) -> Result<(), LedgerError> {
        self.ask(|reply| Command::Settle { id, price, reply }).await
    }

    async fn ask<T>(
        &self,
        command: impl FnOnce(oneshot::Sender<Result<T, LedgerError>>) -> Command,
    ) -> Result<T, LedgerError> {
        let (reply, answer) = oneshot::channel();
        self.commands
            .send(command(reply))
            .await
            .map_err(|_| LedgerError::Closed)?;
        answer.await.map_err(|_| LedgerError::Closed)?
    }
}

/// Seconds since 1970.
pub fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |time| time.as_secs())
}

/// Number of the day.
pub fn today() -> Day {
    now() / SECONDS_OF_DAY
}

/// Takes the folder for one gateway.
fn lock(folder: &Path) -> Result<File, LedgerError> {
    let path = folder.join("gateway.lock");
    let failed = |error: std::io::Error| LedgerError::Storage {
        path: path.clone(),
        reason: error.to_string(),
    };
    let file = File::create(&path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(LedgerError::InUse(folder.to_owned())),
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

/// Writes what comes until every handle is gone.
fn serve(store: &Store, mut queue: mpsc::Receiver<Command>) {
    while let Some(first) = queue.blocking_recv() {
        let mut batch = vec![first];
        while batch.len() < MAX_BATCH {
            let Ok(command) = queue.try_recv() else { break };
            batch.push(command);
        }
        let outcomes = store.write(|tables| {
            batch
                .iter()
                .map(|command| command.apply(tables))
                .collect::<Result<Vec<_>, _>>()
        });
        match outcomes {
            Ok(outcomes) => batch
                .into_iter()
                .zip(outcomes)
                .for_each(|(command, outcome)| command.answer(Ok(outcome))),
            // One command that fails must not fail the others: each gets a transaction of its own.
            Err(error) if batch.len() > 1 => {
                tracing::warn!(%error, "a batch of the ledger is written one by one");
                for command in batch {
                    let outcome = store.write(|tables| command.apply(tables));
                    command.answer(outcome);
                }
            }
            Err(error) => batch.into_iter().take(1).for_each(|command| command.fail(&error)),
        }
    }
}

impl Command {
    fn apply(&self, tables: &mut Tables<'_>) -> Result<Outcome, redb::Error> {
        match self {
            Self::Reserve { key, amount, .. } => tables.reserve(key, *amount, now()).map(Outcome::Reserved),
            Self::Attach { id, job, .. } => tables.attach(*id, job).map(|()| Outcome::Done),
            Self::Settle { id, price, .. } => {
                let lost = tables.settle(*id, *price)?;
                if lost > Amount::default() {
                    tracing::error!(
                        reservation = id,
                        lost = lost.0,
                        "a price above its reservation: the operator pays"
                    );
                }
                Ok(Outcome::Done)
            }
        }
    }

    /// The caller may be gone; the command is done all the same.
    fn answer(self, outcome: Result<Outcome, LedgerError>) {
        match (self, outcome) {
            (Self::Reserve { reply, .. }, Ok(Outcome::Reserved(reserved))) => {
                let _ = reply.send(Ok(reserved));
            }
            (Self::Attach { reply, .. } | Self::Settle { reply, .. }, Ok(_)) => {
                let _ = reply.send(Ok(()));
            }
            (command, Err(error)) => command.fail(&error),
            (Self::Reserve { .. }, Ok(Outcome::Done)) => {}
        }
    }

    fn fail(self, error: &LedgerError) {
        let reason = error.to_string();
        let error = LedgerError::Storage {
            path: "ledger".into(),
            reason,
        };
        match self {
            Self::Reserve { reply, .. } => {
                let _ = reply.send(Err(error));
            }
            Self::Attach { reply, .. } | Self::Settle { reply, .. } => {
                let _ = reply.send(Err(error));
            }
        }
    }
}

#[cfg(test)]
mod tests;
