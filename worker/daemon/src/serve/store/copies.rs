//! Copies of the inputs that jobs name by digest: a dispute needs them even if the folder of inputs has lost them.

use super::{Store, StoreError, there};
use assay_client::chain::H256;
use assay_types::JobId;
use redb::{ReadableTable, ReadableTableMetadata, TableDefinition, WriteTransaction};

/// Digest of the input by job.
const JOBS: TableDefinition<'_, JobId, [u8; 32]> = TableDefinition::new("jobs-of-inputs");
/// Bytes by digest.
const INPUTS: TableDefinition<'_, [u8; 32], &[u8]> = TableDefinition::new("inputs");
/// Maximum bytes of all copies.
pub(super) const MAX_BYTES: u64 = 16 << 30;

/// Outcome of copying an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Copied {
    /// The input is on disk.
    Kept,
    /// The copies of other jobs leave no room for it.
    NoRoom,
}

impl Store {
    /// Copies the input of a job that is taken; the copy is on disk when this returns. Jobs with one input share the
    /// copy.
    pub fn keep_input(&self, job: JobId, digest: H256, bytes: &[u8]) -> Result<Copied, StoreError> {
        self.keep_input_within(job, digest, bytes, MAX_BYTES)
    }

    pub(super) fn keep_input_within(
        &self,
        job: JobId,
        digest: H256,
        bytes: &[u8],
        most: u64,
    ) -> Result<Copied, StoreError> {
        if self.input_of(job)? == Some(digest) {
            return Ok(Copied::Kept);
        }
        self.write(|transaction| {
            let mut inputs = transaction.open_table(INPUTS)?;
            if inputs.get(digest.0)?.is_none() {
                if inputs.stats()?.stored_bytes().saturating_add(bytes.len() as u64) > most {
                    return Ok(Copied::NoRoom);
                }
                inputs.insert(digest.0, bytes)?;
            }
            transaction.open_table(JOBS)?.insert(job, digest.0)?;
            Ok(Copied::Kept)
        })
    }

    /// The copy of an input, if there is one.
    pub fn input(&self, digest: H256) -> Result<Option<Vec<u8>>, StoreError> {
        self.read(|transaction| {
            let Some(inputs) = there(transaction.open_table(INPUTS))? else {
                return Ok(None);
            };
            Ok(inputs.get(digest.0)?.map(|bytes| bytes.value().to_vec()))
        })
    }

    /// The jobs whose inputs were copied.
    pub fn jobs_with_inputs(&self) -> Result<Vec<JobId>, StoreError> {
        self.read(|transaction| {
            let Some(jobs) = there(transaction.open_table(JOBS))? else {
                return Ok(Vec::new());
            };
            let jobs = jobs.iter()?.map(|entry| Ok(entry?.0.value()));
            jobs.collect::<Result<_, redb::Error>>()
        })
    }

    /// Drops the copy of a closed job's input, unless another job shares it.
    pub fn drop_input(&self, job: JobId) -> Result<(), StoreError> {
        if self.input_of(job)?.is_none() {
            return Ok(());
        }
        self.write(|transaction| forget(transaction, job))
    }

    fn input_of(&self, job: JobId) -> Result<Option<H256>, StoreError> {
        self.read(|transaction| {
            let Some(jobs) = there(transaction.open_table(JOBS))? else {
                return Ok(None);
            };
            Ok(jobs.get(job)?.map(|digest| H256(digest.value())))
        })
    }
}

fn forget(transaction: &WriteTransaction, job: JobId) -> Result<(), redb::Error> {
    let mut jobs = transaction.open_table(JOBS)?;
    let Some(digest) = jobs.remove(job)?.map(|digest| digest.value()) else {
        return Ok(());
    };
    let mut shared = false;
    for entry in jobs.iter()? {
        shared |= entry?.1.value() == digest;
    }
    if !shared {
        transaction.open_table(INPUTS)?.remove(digest)?;
    }
    Ok(())
}
