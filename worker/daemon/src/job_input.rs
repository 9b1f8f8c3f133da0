//! Finds a job's input, on chain or in the folder of inputs, and makes sure that it is the one asked for.

use assay_client::chain::{ChainError, Job, StateView};
use assay_ops::tensor::Tensor;
use assay_types::{JobId, Schema};
use std::{io, path::Path};

/// What came of the search.
pub enum Found {
    /// The input tensors.
    Input(Vec<Tensor>),
    /// The job cannot be done, for this reason.
    Impossible(String),
}

/// Gets a job's input tensors. The folder may be slow, or hang, so no task that has anything else to do waits for
/// this.
pub async fn find(
    state: &impl StateView,
    id: JobId,
    job: &Job,
    schema: &Schema,
    folder: &Path,
) -> Result<Found, ChainError> {
    let digest = hex::encode(job.input_digest);
    let bytes = match state.input(id).await? {
        Some(bytes) => bytes,
        None => {
            let path = folder.join(format!("{digest}.bin"));
            match tokio::fs::read(&path).await {
                Ok(bytes) => bytes,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    return Ok(Found::Impossible(format!(
                        "its input 0x{digest} is not in {}",
                        folder.display()
                    )));
                }
                Err(error) => return Ok(Found::Impossible(format!("{} cannot be read: {error}", path.display()))),
            }
        }
    };
    Ok(match fit(job, schema, &bytes) {
        Ok(tensors) => Found::Input(tensors),
        Err(reason) => Found::Impossible(reason),
    })
}

fn fit(job: &Job, schema: &Schema, bytes: &[u8]) -> Result<Vec<Tensor>, String> {
    let unfit = |error| format!("its input does not fit the model: {error:?}");
    let layouts = schema.input_layouts(&job.symbols).map_err(unfit)?;
    let digest = assay_client::schema::digest(&layouts, bytes).map_err(unfit)?;
    if digest != job.input_digest {
        return Err(format!(
            "its input has the digest {digest:?}, not {:?}",
            job.input_digest
        ));
    }
    assay_client::schema::tensors(&layouts, bytes).map_err(unfit)
}
