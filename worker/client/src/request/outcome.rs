//! Results: the output checked against its claim, as rows of a table, JSON, or files.

use super::{Model, Prepared, RequestError, tracker::Story};
use crate::{schema, units};
use assay_ops::tensor::{DataType, Tensor};
use assay_types::{JobId, JobInput};
use safetensors::tensor::{Dtype, TensorView};
use serde::Serialize;
use std::path::Path;

/// What came of one input.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// File and row.
    pub input: String,
    /// The job.
    pub job: JobId,
    /// Where it stands.
    pub state: String,
    /// How it found its worker.
    pub matched: &'static str,
    /// Who had it.
    pub worker: Option<String>,
    /// Its price, in ASY.
    pub price: Option<String>,
    /// Digest of the output.
    pub output_digest: Option<String>,
    /// Whether the output that came with the claim has that digest; `None` without an output.
    pub digest_matches: Option<bool>,
    /// Position of the greatest element of the first output, where that is floating-point.
    pub answer: Option<usize>,
    /// The right answer, if the file gives it.
    pub label: Option<i64>,
    /// Why it was closed.
    pub closed: Option<String>,
    /// The output tensors, if they came and are right.
    #[serde(skip)]
    pub outputs: Option<Vec<Tensor>>,
}

impl Outcome {
    /// Puts together what is known of a job.
    pub fn new(model: &Model, prepared: &Prepared, job: JobId, story: Option<&Story>) -> Self {
        let outputs = story.and_then(|story| {
            let bytes = story.output.as_deref()?;
            Some(check_output(model, prepared, story, bytes))
        });
        let digest_matches = outputs.as_ref().map(Option::is_some);
        let outputs = outputs.flatten();
        Self {
            input: prepared.name.clone(),
            job,
            state: story.map_or("submitted".into(), |story| format!("{:?}", story.phase).to_lowercase()),
            matched: story.map_or("", Story::matched),
            worker: story.and_then(|story| story.worker.as_ref()).map(ToString::to_string),
            price: story.and_then(|story| story.price).map(units::format),
            output_digest: story
                .and_then(|story| story.output_digest)
                .map(|digest| format!("{digest:?}")),
            digest_matches,
            answer: outputs.as_ref().and_then(|outputs| greatest(outputs.first()?)),
            label: prepared.label,
            closed: story
                .and_then(|story| story.closed.as_ref())
                .map(|(_, reason, _)| format!("{reason:?}")),
            outputs,
        }
    }

    /// Writes the output tensors to `<folder>/job-<number>.safetensors`.
    pub fn save(&self, folder: &Path, model: &Model) -> Result<(), RequestError> {
        let Some(outputs) = &self.outputs else { return Ok(()) };
        let path = folder.join(format!("job-{}.safetensors", self.job));
        let failed = |reason: String| RequestError::Write {
            path: path.clone(),
            reason,
        };
        let views = outputs
            .iter()
            .zip(&model.record.schema.outputs)
            .map(|(tensor, described)| {
                let name = String::from_utf8_lossy(&described.name).into_owned();
                let dtype = match tensor.dtype() {
                    DataType::Float32 => Dtype::F32,
                    DataType::Int64 => Dtype::I64,
                    DataType::Int32 => Dtype::I32,
                    DataType::Int8 => Dtype::I8,
                    DataType::Uint8 => Dtype::U8,
                    DataType::Bool => Dtype::BOOL,
                };
                let shape = tensor.shape().iter().map(|elements| *elements as usize).collect();
                let view = TensorView::new(dtype, shape, tensor.bytes()).map_err(|error| failed(error.to_string()))?;
                Ok::<_, RequestError>((name, view))
            });
        let views = views.collect::<Result<Vec<_>, RequestError>>()?;
        safetensors::serialize_to_file(views, None, &path).map_err(|error| failed(error.to_string()))
    }
}

/// The output's tensors, if they have the digest of the claim.
fn check_output(model: &Model, prepared: &Prepared, story: &Story, bytes: &[u8]) -> Option<Vec<Tensor>> {
    let symbols = match &prepared.request.input {
        JobInput::Inline(payload) => &payload.symbols,
        JobInput::Digest { symbols, .. } => symbols,
    };
    let layouts = model.record.schema.output_layouts(symbols).ok()?;
    let digest = schema::digest(&layouts, bytes).ok()?;
    (Some(digest) == story.output_digest)
        .then(|| schema::tensors(&layouts, bytes).ok())
        .flatten()
}

/// Position of the greatest element, the first of equals; `None` where the elements are not binary32.
pub fn greatest(tensor: &Tensor) -> Option<usize> {
    if tensor.dtype() != DataType::Float32 {
        return None;
    }
    let elements = tensor
        .bytes()
        .as_chunks::<4>()
        .0
        .iter()
        .map(|bytes| f32::from_le_bytes(*bytes));
    let mut best: Option<(usize, f32)> = None;
    for (index, element) in elements.enumerate() {
        if best.is_none_or(|(_, greatest)| element > greatest) {
            best = Some((index, element));
        }
    }
    best.map(|(index, _)| index)
}
