//! Salts of sealed claims.

use super::{Store, StoreError, guard, there};
use crate::random;
use assay_types::JobId;
use redb::{ReadableTable, TableDefinition};
use std::collections::BTreeMap;

/// Salt by job.
const SALTS: TableDefinition<'_, JobId, [u8; 32]> = TableDefinition::new("salts");

impl Store {
    /// Reads the salts that are on disk.
    pub(super) fn read_salts(&self) -> Result<BTreeMap<JobId, [u8; 32]>, StoreError> {
        self.read(|transaction| {
            let Some(table) = there(transaction.open_table(SALTS))? else {
                return Ok(BTreeMap::new());
            };
            let salts = table.iter()?.map(|entry| {
                let (job, salt) = entry?;
                Ok((job.value(), salt.value()))
            });
            salts.collect::<Result<_, redb::Error>>()
        })
    }

    /// The salt of a sealed claim, if it is kept.
    pub fn salt(&self, job: JobId) -> Option<[u8; 32]> {
        guard(&self.0.salts).get(&job).copied()
    }

    /// The jobs whose salts are kept.
    pub fn jobs_with_salts(&self) -> Vec<JobId> {
        guard(&self.0.salts).keys().copied().collect()
    }

    /// The salts of these jobs' claims, drawn where there are none yet, and whether all of them are on disk. Those that
    /// are not are in memory alone. A job for which the system gave no random numbers has none.
    pub fn salts(&self, jobs: &[JobId]) -> (BTreeMap<JobId, [u8; 32]>, Result<(), StoreError>) {
        let (mut salts, mut new) = (BTreeMap::new(), BTreeMap::new());
        let mut written = Ok(());
        for job in jobs {
            match self.salt(*job).map_or_else(random::bytes, Ok) {
                Ok(salt) => {
                    salts.insert(*job, salt);
                    if self.salt(*job).is_none() {
                        new.insert(*job, salt);
                    }
                }
                Err(error) => written = Err(StoreError::Random(error)),
            }
        }
        if !new.is_empty() {
            let stored = self.write(|transaction| {
                let mut table = transaction.open_table(SALTS)?;
                for (job, salt) in &new {
                    table.insert(job, salt)?;
                }
                Ok(())
            });
            guard(&self.0.salts).append(&mut new);
            written = written.and(stored);
        }
        (salts, written)
    }

    /// Forgets the salt of a job that is closed.
    pub fn drop_salt(&self, job: JobId) -> Result<(), StoreError> {
        if self.salt(job).is_none() {
            return Ok(());
        }
        self.write(|transaction| {
            transaction.open_table(SALTS)?.remove(job)?;
            Ok(())
        })?;
        guard(&self.0.salts).remove(&job);
        Ok(())
    }
}
