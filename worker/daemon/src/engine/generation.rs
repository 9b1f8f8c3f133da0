//! Generations in the engine's process: jobs of one model are made together, token by token, and each is answered when
//! its last token is there. Jobs that come meanwhile join them at the next token.

use super::{
    message::{self, FrameError, Response},
    wire::WireFault,
};
use crate::serve::executor::sequence_output;
use assay_engine::{
    EngineError, LoadedModel,
    generate::{GenerateError, Generator, Made, Sampling, SequenceId},
};
use assay_ops::tensor::Tensor;
use std::{
    collections::{BTreeMap, VecDeque, btree_map::Entry},
    os::unix::net::UnixStream,
    time::{Duration, Instant},
};

/// Time between two messages that say that a generation goes on, after which jobs may join it.
const SIGN_OF_LIFE: Duration = Duration::from_millis(50);

/// A job of a generation.
#[derive(Clone, Debug)]
pub(super) struct Job {
    /// Its number among those of the generation.
    pub position: u32,
    /// Inputs of a check graph, but for the sequence.
    pub inputs: Vec<Tensor>,
    /// Whether its tokens are told as they are made.
    pub streams: bool,
}

/// Jobs of a generation.
pub(super) type Jobs = Vec<Job>;

/// Asks for the jobs that have come since it was asked last.
pub(super) type More<'a> = dyn FnMut() -> Result<Option<Jobs>, FrameError> + 'a;

/// The generators of the models, each of which is made for its first job.
#[derive(Default)]
pub(super) struct Generators(BTreeMap<u32, Generator>);

/// A request for a sequence.
#[derive(Debug, PartialEq)]
struct Asked {
    prompt: Vec<i64>,
    sampling: Sampling,
}

/// A sequence that is being made: the position of its job, what is there, and whether its tokens are told.
struct Making {
    position: u32,
    tokens: Vec<i64>,
    streams: bool,
    /// Tokens that were made.
    made: u32,
}

impl Generators {
    /// Generates the sequences of jobs of the model at this position, and of those that come meanwhile, and says of
    /// each what came of it.
    pub fn run(
        &mut self,
        parent: &mut UnixStream,
        model: (u32, &LoadedModel),
        jobs: Jobs,
        more: &mut More<'_>,
    ) -> Result<(), FrameError> {
        let (position, model) = model;
        let generator = match self.0.entry(position) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => match Generator::new(model) {
                Ok(generator) => entry.insert(generator),
                Err(error) => {
                    let mut positions = jobs.iter().map(|job| job.position);
                    return positions.try_for_each(|position| fail(parent, position, error.clone()));
                }
            },
        };
        run_all(parent, generator, jobs.into(), more)
    }
}

fn run_all(
    parent: &mut UnixStream,
    generator: &mut Generator,
    mut waiting: VecDeque<Job>,
    more: &mut More<'_>,
) -> Result<(), FrameError> {
    let mut making: BTreeMap<SequenceId, Making> = BTreeMap::new();
    let mut said = Instant::now();
    loop {
        while let Some(jobs) = more()? {
            waiting.extend(jobs);
        }
        while let Some(job) = waiting.pop_front() {
            match begin(generator, &job.inputs) {
                Ok((id, tokens)) => {
                    let sequence = Making {
                        position: job.position,
                        tokens,
                        streams: job.streams,
                        made: 0,
                    };
                    making.insert(id, sequence);
                }
                Err(error) if has_no_room(&error) && !making.is_empty() => {
                    waiting.push_front(job);
                    break;
                }
                Err(error) => fail(parent, job.position, error)?,
            }
        }
        if making.is_empty() {
            return Ok(());
        }
        match generator.step() {
            Ok(made) => made.into_iter().try_for_each(|made| take(parent, &mut making, made))?,
            // No sequence is left after an error.
            Err(error) => {
                for Making { position, .. } in std::mem::take(&mut making).into_values() {
                    fail(parent, position, error.clone())?;
                }
            }
        }
        if said.elapsed() >= SIGN_OF_LIFE {
            said = Instant::now();
            message::write(parent, &Response::Alive)?;
        }
    }
}

/// Takes a token into its sequence, and answers the job of one that is finished.
fn take(parent: &mut UnixStream, making: &mut BTreeMap<SequenceId, Making>, made: Made) -> Result<(), FrameError> {
    let Some(sequence) = making.get_mut(&made.sequence) else {
        return Ok(());
    };
    sequence.tokens.push(made.token);
    if sequence.streams && made.is_finite {
        let response = Response::Made {
            position: sequence.position,
            before: sequence.made,
            tokens: vec![made.token],
        };
        message::write(parent, &response)?;
    }
    // A sequence has no more tokens than a dimension has elements.
    sequence.made = sequence.made.saturating_add(1);
    if made.is_last
        && let Some(Making { position, tokens, .. }) = making.remove(&made.sequence)
    {
        if !made.is_finite {
            return fail(parent, position, GenerateError::NotFinite);
        }
        let output = sequence_output(&tokens).into();
        message::write(parent, &Response::Ran(position, Ok(output)))?;
    }
    Ok(())
}

/// Begins the sequence of a job; its number and its prompt.
fn begin(generator: &mut Generator, inputs: &[Tensor]) -> Result<(SequenceId, Vec<i64>), GenerateError> {
    let Asked { prompt, sampling } = Asked::of(inputs).ok_or_else(|| EngineError::Failed {
        engine: "generation".to_owned(),
        reason: "the inputs are not those of a check graph".to_owned(),
    })?;
    Ok((generator.start(&prompt, sampling)?, prompt))
}

/// Whether the job may be begun when others have ended.
fn has_no_room(error: &GenerateError) -> bool {
    matches!(
        error,
        GenerateError::Full | GenerateError::Engine(EngineError::TooLarge { .. })
    )
}

fn fail(parent: &mut UnixStream, position: u32, error: GenerateError) -> Result<(), FrameError> {
    let fault = match error {
        GenerateError::Engine(error) => WireFault::from(error),
        error => WireFault::Failed(error.to_string()),
    };
    message::write(parent, &Response::Ran(position, Err(fault)))
}

impl Asked {
    /// The request that the inputs of a check graph make, without the sequence. Their integers are in the ranges of its
    /// schema.
    fn of(inputs: &[Tensor]) -> Option<Self> {
        let [prompt, temperature, top_p, top_k, seed, max_tokens] = inputs else {
            return None;
        };
        let number = |tensor: &Tensor| Some(f32::from_le_bytes(tensor.bytes().try_into().ok()?));
        let integer = |tensor: &Tensor| Some(i64::from_le_bytes(tensor.bytes().try_into().ok()?));
        let count = |tensor: &Tensor| u32::try_from(integer(tensor)?).ok();
        let tokens = prompt.bytes().as_chunks::<8>().0.iter();
        Some(Self {
            prompt: tokens.map(|token| i64::from_le_bytes(*token)).collect(),
            sampling: Sampling {
                temperature: number(temperature)?,
                top_p: number(top_p)?,
                top_k: count(top_k)?,
                seed: integer(seed)?,
                max_tokens: count(max_tokens)?,
            },
        })
    }
}

#[cfg(test)]
#[path = "generation_tests.rs"]
mod tests;
