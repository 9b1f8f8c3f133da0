//! Digest trees of disputed claims: with them a worker defends many claims at once without executing each again for
//! every statement.
//!
//! ```text
//! <store>/trees/<job>.trees    the trees of the claim's execution
//! <store>/trees/<job>.new      trees that are being written; removed at the next start if they were not finished
//! ```

use super::{Store, StoreError, io_error};
use crate::dispute::{TreesAt, UNFINISHED};
use assay_types::JobId;
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Maximum bytes of all trees: of 1 TiB of traces and more.
pub(super) const MAX_BYTES: u64 = 32 << 30;
/// Suffix of a finished file.
const FINISHED: &str = "trees";

impl Store {
    /// Where the trees of a job's execution are, or may be written.
    pub fn trees_at(&self, job: JobId) -> TreesAt {
        TreesAt {
            path: self.trees_folder().join(format!("{job}.{FINISHED}")),
            most_bytes: MAX_BYTES,
        }
    }

    /// The jobs whose executions have trees.
    pub fn jobs_with_trees(&self) -> Result<Vec<JobId>, StoreError> {
        let folder = self.trees_folder();
        let files = files(&folder).map_err(io_error(&folder))?;
        let jobs = files.iter().filter_map(|path| {
            let is_finished = path.extension().is_some_and(|extension| extension == FINISHED);
            path.file_stem()?.to_str()?.parse().ok().filter(|_| is_finished)
        });
        Ok(jobs.collect())
    }

    /// Removes the trees of a closed job.
    pub fn drop_trees(&self, job: JobId) -> Result<(), StoreError> {
        let path = self.trees_at(job).path;
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(io_error(&path)(error)),
            _ => Ok(()),
        }
    }

    /// Removes trees whose writer did not finish them.
    pub(super) fn drop_unfinished_trees(&self) -> Result<(), StoreError> {
        let folder = self.trees_folder();
        for path in files(&folder).map_err(io_error(&folder))? {
            if path.extension().is_some_and(|extension| extension == UNFINISHED) {
                fs::remove_file(&path).map_err(io_error(&path))?;
            }
        }
        Ok(())
    }

    fn trees_folder(&self) -> PathBuf {
        self.folder().join("trees")
    }
}

/// The files in a folder, which need not be there.
fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    match fs::read_dir(folder) {
        Ok(entries) => entries.map(|entry| Ok(entry?.path())).collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}
