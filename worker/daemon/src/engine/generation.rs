//! Generations in the engine's process: jobs of one model are made together, token by token, and each is answered when
//! its last token is there.

use super::{
    message::{self, FrameError, Response},
    wire::WireFault,
};
use crate::serve::executor::sequence_output;
use assay_engine::{
    EngineError, LoadedModel,
    generate::{GenerateError, Generator, Sampling, SequenceId},
};
use assay_ops::tensor::Tensor;
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque, btree_map::Entry},
    os::unix::net::UnixStream,
};

/// The generators of the models, each of which is made for its first job.
#[derive(Default)]
pub(super) struct Generators(BTreeMap<u32, Generator>);

/// A request for a sequence.
#[derive(Debug, PartialEq)]
struct Asked {
    prompt: Vec<i64>,
    sampling: Sampling,
}

/// A sequence that is being made: the position of its job, and what is there.
struct Making {
    position: u32,
    tokens: Vec<i64>,
    /// Tokens that were made.
    made: u32,
}

impl Generators {
    /// Generates the sequences of jobs of the model at this position, and says of each what came of it. The tokens of
    /// the jobs at the positions `told` are told as they are made.
    pub fn run(
        &mut self,
        parent: &mut UnixStream,
        model: (u32, &LoadedModel),
        jobs: Vec<Vec<Tensor>>,
        told: &BTreeSet<u32>,
    ) -> Result<(), FrameError> {
        let (position, model) = model;
        let generator = match self.0.entry(position) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => match Generator::new(model) {
                Ok(generator) => entry.insert(generator),
                Err(error) => {
                    let count = u32::try_from(jobs.len()).unwrap_or(u32::MAX);
                    return (0..count).try_for_each(|position| fail(parent, position, error.clone()));
                }
            },
        };
        let waiting = (0u32..).zip(jobs);
        run_all(parent, generator, waiting.collect(), told)
    }
}

fn run_all(
    parent: &mut UnixStream,
    generator: &mut Generator,
    mut waiting: VecDeque<(u32, Vec<Tensor>)>,
    told: &BTreeSet<u32>,
) -> Result<(), FrameError> {
    let mut making: BTreeMap<SequenceId, Making> = BTreeMap::new();
    loop {
        while let Some((position, inputs)) = waiting.pop_front() {
            match begin(generator, &inputs) {
                Ok((id, tokens)) => {
                    let sequence = Making {
                        position,
                        tokens,
                        made: 0,
                    };
                    making.insert(id, sequence);
                }
                Err(error) if has_no_room(&error) && !making.is_empty() => {
                    waiting.push_front((position, inputs));
                    break;
                }
                Err(error) => fail(parent, position, error)?,
            }
        }
        if making.is_empty() {
            return Ok(());
        }
        match generator.step() {
            Ok(made) => {
                for made in made {
                    let Some(sequence) = making.get_mut(&made.sequence) else {
                        continue;
                    };
                    sequence.tokens.push(made.token);
                    if told.contains(&sequence.position) {
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
                        let output = sequence_output(&tokens).into();
                        message::write(parent, &Response::Ran(position, Ok(output)))?;
                    }
                }
            }
            // No sequence is left after an error.
            Err(error) => {
                for Making { position, .. } in std::mem::take(&mut making).into_values() {
                    fail(parent, position, error.clone())?;
                }
            }
        }
    }
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
mod tests {
    use super::*;

    #[test]
    fn the_inputs_of_a_check_graph_are_a_request() {
        let sampling = Sampling {
            temperature: 0.5,
            top_p: 0.9,
            top_k: 7,
            seed: -3,
            max_tokens: 12,
        };
        let mut inputs = sampling.check_inputs(&[4, 1], &[4, 1, 9]);
        assert_eq!(Asked::of(&inputs), None, "the sequence is not asked for");
        inputs.pop();
        let prompt = vec![4, 1];
        assert_eq!(Asked::of(&inputs), Some(Asked { prompt, sampling }));
    }
}
