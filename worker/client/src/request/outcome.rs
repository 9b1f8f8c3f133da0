//! Results: the output held against its claim, and what is known of the claim, as rows of a table, JSON, or files.

use super::{
    Model, Prepared, RequestError,
    tracker::{Story, Tracker},
};
use crate::{
    chain::{BlockNumber, H256},
    schema, units,
};
use assay_media::labels::Ranked;
use assay_ops::tensor::{DataType, Tensor, tensors_digest};
use assay_package::atomic;
use assay_types::{
    CloseReason, JobId, ModelParts, Phase, Schema,
    payload::{delivered, lengths},
};
use safetensors::tensor::{Dtype, TensorView};
use serde::Serialize;
use std::{io, path::Path};

/// Outcome of one input.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// File and row.
    pub input: String,
    /// The job.
    pub job: JobId,
    /// Where it stands.
    pub state: String,
    /// Way in which it found its worker.
    pub matched: &'static str,
    /// Worker that had it.
    pub worker: Option<String>,
    /// Its price, in ASY.
    pub price: Option<String>,
    /// Digest of the output.
    pub output_digest: Option<String>,
    /// Whether the output that came with the claim has that digest and, of a generation, begins with the prompt; this
    /// says nothing of the claim itself. `None` without an output.
    pub digest_matches: Option<bool>,
    /// Position of the greatest element of the first output, where that is floating-point and of one row.
    pub answer: Option<usize>,
    /// The best classes by name, where they were asked for: see [`put_into_words`](super::generation::put_into_words).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub best: Option<Vec<Ranked>>,
    /// The tokens that were generated after the prompt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<Vec<i64>>,
    /// The same as text, where the model's package is at hand: see
    /// [`put_into_words`](super::generation::put_into_words).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The right answer, if the file gives it.
    pub label: Option<i64>,
    /// Why it was closed.
    pub closed: Option<String>,
    /// Whether the claim is settled, and can be challenged no more.
    #[serde(rename = "final")]
    pub is_final: bool,
    /// The last block in which the claim can be challenged, while it can.
    pub window_until: Option<BlockNumber>,
    /// Knowledge of the result, in words.
    pub result: String,
    /// The output tensors, if they came and have the digest claimed.
    #[serde(skip)]
    pub outputs: Option<Vec<Tensor>>,
    /// The same in a word or two.
    #[serde(skip)]
    pub brief: String,
}

/// Identity of an input in an outcome.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// File and row.
    pub name: &'a str,
    /// The right answer, if the file gives it.
    pub label: Option<i64>,
    /// Values of the schema's symbols.
    pub symbols: &'a [u32],
    /// The bytes of the inputs, where they are known: a generation has to begin with the prompt, which is the first.
    pub given: Option<&'a [u8]>,
}

impl<'a> Subject<'a> {
    /// Of a job that is ready to be submitted, or was.
    pub fn of(prepared: &'a Prepared) -> Self {
        Self {
            name: &prepared.name,
            label: prepared.label,
            symbols: prepared.symbols(),
            // One that was submitted by its digest and resumed has none.
            given: Some(&*prepared.bytes).filter(|bytes| !bytes.is_empty()),
        }
    }
}

impl Outcome {
    /// Puts together what is known of a job.
    pub fn new(model: &Model, prepared: &Prepared, job: JobId, story: Option<&Story>) -> Self {
        Self::of(&model.record.parts, Subject::of(prepared), job, story)
    }

    /// Puts together what is known of a job on a model with these parts.
    pub fn of(parts: &ModelParts, subject: Subject<'_>, job: JobId, story: Option<&Story>) -> Self {
        let outputs = story.and_then(|story| checked(parts, subject, story));
        let known = Self::with(subject, job, story, outputs);
        Self {
            tokens: generated(parts, subject, known.outputs.as_deref()),
            ..known
        }
    }

    /// The same with outputs that were held against the claim.
    fn with(subject: Subject<'_>, job: JobId, story: Option<&Story>, outputs: Option<Option<Vec<Tensor>>>) -> Self {
        let digest_matches = outputs.as_ref().map(Option::is_some);
        let outputs = outputs.flatten();
        let (brief, result) = match story {
            Some(story) => in_words(story, digest_matches),
            None => ("-".into(), "the job is submitted, and nothing more is known".into()),
        };
        let closed = story.and_then(|story| story.closed.as_ref());
        Self {
            input: subject.name.to_owned(),
            job,
            state: story.map_or("submitted".into(), state),
            matched: story.map_or("", Story::matched),
            worker: story.and_then(|story| story.worker.as_ref()).map(ToString::to_string),
            price: story.and_then(|story| story.price).map(units::format),
            output_digest: story
                .and_then(|story| story.output_digest)
                .map(|digest| format!("{digest:?}")),
            digest_matches,
            answer: outputs.as_ref().and_then(|outputs| answer(outputs.first()?)),
            best: None,
            tokens: None,
            text: None,
            label: subject.label,
            closed: closed.map(|(_, reason, _)| format!("{reason:?}")),
            is_final: closed.is_some_and(|(_, reason, _)| reason.phase() == Phase::Settled),
            window_until: story
                .filter(|story| story.is_claimed())
                .and_then(|story| story.window_until),
            result,
            outputs,
            brief,
        }
    }

    /// Takes the output tensors, which came by another way than with the claim of this story, and have its digest.
    pub fn take_output(&mut self, story: &Story, outputs: Vec<Tensor>) {
        let matches = story.output_digest == Some(H256(tensors_digest(&outputs)));
        self.digest_matches = Some(matches);
        (self.brief, self.result) = in_words(story, self.digest_matches);
        if matches {
            self.answer = outputs.first().and_then(answer);
            self.outputs = Some(outputs);
        }
    }

    /// Puts together what is known of a job where its model's schema or its shapes are not.
    pub fn unchecked(job: JobId, story: Option<&Story>) -> Self {
        let subject = Subject {
            name: "",
            label: None,
            symbols: &[],
            given: None,
        };
        let mut bare = story.cloned();
        let output = bare.as_mut().and_then(|story| story.output.take());
        let mut outcome = Self::with(subject, job, bare.as_ref(), None);
        // Nothing says how it was matched.
        outcome.matched = "";
        if story.is_none() {
            outcome.state = "unknown".into();
            outcome.brief = "unknown".into();
            outcome.result = "no such job was found".into();
        }
        if output.is_some() {
            outcome.brief = "not checked".into();
            outcome.result = format!("{}; its output came and was not held against it", outcome.result);
        }
        outcome
    }

    /// The outcomes of all jobs of a summary.
    pub fn all(parts: &ModelParts, jobs: &[Prepared], submitted: &[(usize, JobId)], tracker: &Tracker) -> Vec<Self> {
        let outcome = |(input, job): &(usize, JobId)| {
            let prepared = jobs.get(*input)?;
            Some(Self::of(parts, Subject::of(prepared), *job, tracker.story(*job)))
        };
        submitted.iter().filter_map(outcome).collect()
    }

    /// Writes the output tensors to `<folder>/job-<number>.safetensors`.
    pub fn save(&self, folder: &Path, schema: &Schema) -> Result<(), RequestError> {
        let Some(outputs) = &self.outputs else { return Ok(()) };
        let path = folder.join(format!("job-{}.safetensors", self.job));
        let failed = |reason: String| RequestError::Write {
            path: path.clone(),
            reason,
        };
        let views = outputs.iter().zip(&schema.outputs).map(|(tensor, described)| {
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
        // A full disk must not leave half of a file under the name of a whole one.
        let written = atomic::replace_by(&path, |new| {
            safetensors::serialize_to_file(views, None, new).map_err(io::Error::other)
        });
        written.map_err(|error| failed(error.to_string()))
    }
}

/// Whether the output that came with a claim has the digest claimed and begins with the prompt, if there is one; `None`
/// without an output.
pub fn fits(parts: &ModelParts, subject: Subject<'_>, story: &Story) -> Option<bool> {
    checked(parts, subject, story).map(|outputs| outputs.is_some())
}

/// The output's tensors, if they fit the claim and what was asked for; `None` without an output.
fn checked(parts: &ModelParts, subject: Subject<'_>, story: &Story) -> Option<Option<Vec<Tensor>>> {
    let bytes = story.output.as_deref()?;
    let tensors = || {
        let outputs = delivered(parts, subject.symbols, bytes).ok()?;
        let digest = schema::digest(&outputs.layouts, &outputs.bytes).ok()?;
        (Some(digest) == story.output_digest && begins_with_prompt(parts, subject, bytes))
            .then(|| schema::tensors(&outputs.layouts, &outputs.bytes).ok())
            .flatten()
    };
    Some(tensors())
}

/// Whether the bytes of a sequence begin with those of its prompt. True where there is no prompt, or none is known.
fn begins_with_prompt(parts: &ModelParts, subject: Subject<'_>, sequence: &[u8]) -> bool {
    let (Some(given), Some(length)) = (subject.given, prompt_length(parts, subject)) else {
        return true;
    };
    let prompt = given.get(..length.saturating_mul(size_of::<i64>()));
    prompt.is_some_and(|prompt| sequence.starts_with(prompt))
}

/// The tokens of a generation after its prompt.
fn generated(parts: &ModelParts, subject: Subject<'_>, outputs: Option<&[Tensor]>) -> Option<Vec<i64>> {
    let (length, sequence) = (prompt_length(parts, subject)?, outputs?.first()?);
    let tokens = sequence.bytes().as_chunks::<8>().0.iter().skip(length);
    Some(tokens.map(|token| i64::from_le_bytes(*token)).collect())
}

/// Tokens of the prompt; `None` for a plain model.
fn prompt_length(parts: &ModelParts, subject: Subject<'_>) -> Option<usize> {
    let length = subject.symbols.get(lengths(parts)?.prompt)?;
    usize::try_from(*length).ok()
}

fn state(story: &Story) -> String {
    if story.is_gone {
        return "closed".into();
    }
    format!("{:?}", story.phase).to_lowercase()
}

/// Knowledge of a result: in a word or two, and in a sentence.
fn in_words(story: &Story, fits: Option<bool>) -> (String, String) {
    let held = match fits {
        Some(true) => "the output fits the claimed digest",
        Some(false) => "the output does NOT fit the claimed digest, or not the prompt",
        None => "there is a digest, and no output",
    };
    let word = match fits {
        Some(true) => "fits",
        Some(false) => "WRONG",
        None => "digest",
    };
    if story.is_gone {
        return match story.claimed {
            Some(_) => (
                format!("{word}, pruned"),
                format!(
                    "{held}; the job is closed, and this node has pruned whether the claim was paid for or convicted"
                ),
            ),
            None => (
                "pruned".into(),
                "the job is closed, and this node has pruned its claim: ask an archive node, or one that was there"
                    .into(),
            ),
        };
    }
    let until = story.window_until.unwrap_or(story.changed_at);
    match (&story.closed, story.phase) {
        (Some((_, CloseReason::Fraud, _)), _) => (
            "convicted".into(),
            "convicted: the result was proved wrong, or not defended; do not use it, nothing was paid".into(),
        ),
        (Some((_, CloseReason::Late, _)), _) => (
            format!("{word}, refunded"),
            format!("{held}; it was challenged and stands, and nothing was paid, because the worker answered late"),
        ),
        (Some((_, CloseReason::NotDelivered, _)), _) => (
            "refunded".into(),
            "refunded: the output was demanded, and the worker did not deliver it".into(),
        ),
        (Some((_, reason, _)), _) if reason.phase() == Phase::Settled => {
            (format!("{word}, final"), format!("{held}; final"))
        }
        (Some((_, reason, _)), _) => (
            "refunded".into(),
            format!("no result: the job was refunded ({reason:?})"),
        ),
        (None, Phase::Claimed) => (
            format!("{word}, to {until}"),
            format!("{held}; not final until moment {until}"),
        ),
        (None, Phase::Disputed) => (
            "disputed".into(),
            format!("{held}; the claim is disputed: do not rely on it before the verdict"),
        ),
        (None, _) => ("-".into(), "no result yet".into()),
    }
}

/// The answer of an output of one row.
fn answer(tensor: &Tensor) -> Option<usize> {
    match tensor.shape() {
        // Positions in several rows at once answer nothing.
        [rows, _, ..] if *rows > 1 => None,
        _ => greatest(tensor),
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        chain::{AccountId, H256, MarketEvent},
        request::tracker::Moment,
    };
    use std::time::Instant;

    fn at(block: BlockNumber) -> Moment {
        Moment {
            block,
            seen: Instant::now(),
        }
    }

    /// The story of a job that was claimed with a window up to block 40, and then these events.
    fn words(events: &[MarketEvent], fits: Option<bool>) -> (String, String) {
        let client = AccountId::new([1; 32]);
        let mut tracker = Tracker::new(client);
        tracker.begin(1, at(3));
        let claimed = MarketEvent::JobClaimed {
            job: 1,
            worker: AccountId::new([2; 32]),
            output_digest: H256::zero(),
            window_until: 40,
            output: None,
        };
        tracker.take(&claimed, at(10));
        for event in events {
            tracker.take(event, at(20));
        }
        in_words(tracker.story(1).expect("begun"), fits)
    }

    fn closed(reason: CloseReason) -> MarketEvent {
        MarketEvent::JobClosed {
            job: 1,
            client: AccountId::new([1; 32]),
            reason,
            worker: None,
            paid: 0,
        }
    }

    #[test]
    fn a_result_in_its_window_is_not_said_to_be_right() {
        let (brief, text) = words(&[], Some(true));
        assert_eq!(brief, "fits, to 40");
        assert_eq!(text, "the output fits the claimed digest; not final until moment 40");
        let (brief, text) = words(&[], Some(false));
        assert!(brief.starts_with("WRONG") && text.contains("NOT fit"), "{brief} {text}");
    }

    #[test]
    fn a_convicted_result_is_called_so_whatever_its_digest() {
        let (brief, text) = words(&[closed(CloseReason::Fraud)], Some(true));
        assert_eq!(brief, "convicted");
        assert!(text.contains("do not use it") && !text.contains("fits"), "{text}");
    }

    #[test]
    fn a_disputed_result_is_not_to_be_relied_on_and_an_upheld_one_is_open_again() {
        let worker = AccountId::new([2; 32]);
        let disputed = MarketEvent::ClaimDisputed {
            job: 1,
            worker: worker.clone(),
        };
        assert_eq!(words(std::slice::from_ref(&disputed), Some(true)).0, "disputed");
        let upheld = MarketEvent::ClaimUpheld {
            job: 1,
            worker,
            window_until: 60,
        };
        assert_eq!(words(&[disputed, upheld], Some(true)).0, "fits, to 60");
    }

    #[test]
    fn only_a_settled_result_is_final() {
        assert_eq!(words(&[closed(CloseReason::WindowPassed)], Some(true)).0, "fits, final");
        assert_eq!(words(&[closed(CloseReason::NoWorkerLeft)], None).0, "refunded");
    }
}
