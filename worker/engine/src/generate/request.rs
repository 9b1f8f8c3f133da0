//! Inputs of an execution for some of the sequences that are made.

use super::Sequence;
use assay_ops::tensor::{DataType, Tensor};
use std::ops::Range;

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
