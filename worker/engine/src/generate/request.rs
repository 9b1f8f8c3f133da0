//! Requests for sequences, and the inputs of an execution for some of them.

use super::Sequence;
use assay_ops::tensor::{DataType, Tensor};
use assay_package::generation::MAX_CANDIDATES;
use std::ops::Range;

/// Sampling of tokens, and their maximum number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampling {
    /// Divisor of the logits; the best token is taken where it is 0, below, or NaN.
    pub temperature: f32,
    /// The best tokens that together have this probability are chosen from; all of them from 1 on.
    pub top_p: f32,
    /// Number of best tokens that are chosen from, 1 to [`MAX_CANDIDATES`].
    pub top_k: u32,
    /// Seed of the choice: the same seed gives the same tokens.
    pub seed: i64,
    /// Maximum number of tokens that are made, at least 1.
    pub max_tokens: u32,
}

impl Sampling {
    /// The best token every time.
    pub fn greedy(max_tokens: u32) -> Self {
        Self {
            temperature: 0.0,
            top_p: 1.0,
            top_k: MAX_CANDIDATES,
            seed: 0,
            max_tokens,
        }
    }

    /// Inputs of a check graph for this request and this sequence, which begins with the prompt.
    pub fn check_inputs(&self, prompt: &[i64], sequence: &[i64]) -> Vec<Tensor> {
        let one = |number: f32| numbers(vec![1], [number].into_iter());
        let integer = |integer: i64| integers(vec![1], [integer].into_iter());
        let row = |tokens: &[i64]| integers(vec![1, tokens.len() as u32], tokens.iter().copied());
        vec![
            row(prompt),
            one(self.temperature),
            one(self.top_p),
            integer(self.top_k.into()),
            integer(self.seed),
            integer(self.max_tokens.into()),
            row(sequence),
        ]
    }
}

/// One new token of each sequence, at this position.
pub(super) fn inputs(rows: &[(&Sequence, usize)]) -> Vec<Tensor> {
    let sequences: Vec<&Sequence> = rows.iter().map(|(sequence, _)| *sequence).collect();
    inputs_of(&sequences, |index| rows[index].1..rows[index].1 + 1)
}

/// Inputs of the derived graph besides caches: as many tokens of each sequence, from these positions.
pub(super) fn inputs_of(sequences: &[&Sequence], positions: impl Fn(usize) -> Range<usize>) -> Vec<Tensor> {
    let count = sequences.len() as u32;
    let rows = if sequences.is_empty() {
        0
    } else {
        positions(0).len() as u32
    };
    let each = || sequences.iter().enumerate();
    let places = || each().flat_map(|(index, sequence)| positions(index).map(move |place| (sequence, place)));
    let sampling = || sequences.iter().map(|sequence| sequence.sampling);
    vec![
        integers(
            vec![count, rows],
            places().map(|(sequence, place)| sequence.tokens[place]),
        ),
        integers(vec![count, rows], places().map(|(_, place)| place as i64)),
        numbers(vec![count], sampling().map(|sampling| sampling.temperature)),
        numbers(vec![count], sampling().map(|sampling| sampling.top_p)),
        integers(vec![count], sampling().map(|sampling| sampling.top_k.into())),
        integers(vec![count], sampling().map(|sampling| sampling.seed)),
    ]
}

fn integers(shape: Vec<u32>, integers: impl Iterator<Item = i64>) -> Tensor {
    let bytes = integers.flat_map(i64::to_le_bytes).collect();
    Tensor::new(DataType::Int64, shape, bytes).expect("as many integers as the shape says; qed")
}

fn numbers(shape: Vec<u32>, numbers: impl Iterator<Item = f32>) -> Tensor {
    let bytes = numbers.flat_map(f32::to_le_bytes).collect();
    let tensor = Tensor::new(DataType::Float32, shape, bytes);
    tensor.expect("as many numbers as the shape says; qed").canonical()
}
