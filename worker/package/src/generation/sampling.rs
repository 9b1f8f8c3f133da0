//! Sampling of a generation: how each token is chosen, and how many are made.

use super::MAX_CANDIDATES;
use assay_ops::tensor::{DataType, Tensor};

/// Maximum number of tokens where nothing is said.
const DEFAULT_MAX_TOKENS: u32 = 256;

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
    /// Maximum number of tokens that are made, at least 1, by which a request is priced.
    pub max_tokens: u32,
}

impl Default for Sampling {
    fn default() -> Self {
        Self::greedy(DEFAULT_MAX_TOKENS)
    }
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
        vec![
            row(prompt),
            number(self.temperature),
            number(self.top_p),
            integer(self.top_k.into()),
            integer(self.seed),
            integer(self.max_tokens.into()),
            row(sequence),
        ]
    }
}

/// Tokens `[1, length]`.
fn row(tokens: &[i64]) -> Tensor {
    let bytes = tokens.iter().copied().flat_map(i64::to_le_bytes).collect();
    let shape = vec![1, tokens.len() as u32];
    Tensor::new(DataType::Int64, shape, bytes).expect("as many integers as the shape says; qed")
}

/// An integer `[1]`.
fn integer(integer: i64) -> Tensor {
    let bytes = integer.to_le_bytes().to_vec();
    Tensor::new(DataType::Int64, vec![1], bytes).expect("one integer; qed")
}

/// A number `[1]`.
fn number(number: f32) -> Tensor {
    let bytes = number.to_le_bytes().to_vec();
    let tensor = Tensor::new(DataType::Float32, vec![1], bytes);
    tensor.expect("one number; qed").canonical()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_of_a_check_graph_have_the_order_of_its_inputs() {
        let sampling = Sampling {
            temperature: 0.5,
            seed: -3,
            ..Sampling::greedy(9)
        };
        let inputs = sampling.check_inputs(&[4, 1], &[4, 1, 7]);
        let shapes: Vec<&[u32]> = inputs.iter().map(Tensor::shape).collect();
        assert_eq!(shapes, [&[1u32, 2][..], &[1], &[1], &[1], &[1], &[1], &[1, 3]]);
        assert_eq!(inputs[1].bytes(), 0.5f32.to_le_bytes());
        assert_eq!(inputs[3].bytes(), i64::from(MAX_CANDIDATES).to_le_bytes());
        assert_eq!(inputs[4].bytes(), (-3i64).to_le_bytes());
        assert_eq!(inputs[5].bytes(), 9i64.to_le_bytes());
    }
}
