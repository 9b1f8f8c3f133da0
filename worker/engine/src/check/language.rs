//! Quality of a language model's predictions of a text, against those of fp32.

use super::{CheckError, top1};
use crate::LoadedModel;
use assay_ops::tensor::{DataType, Tensor};

/// Names of the tensors of a text: its tokens `[rows, length]`, and for all but the last of each row the likeliest next
/// token and the negative log-likelihood of the one that came.
pub(super) const NAMES: [&str; 3] = ["tokens", "likeliest", "losses"];

/// Comparison of a language model with fp32 over a text.
#[derive(Clone, Debug, PartialEq)]
pub struct LanguageReport {
    /// Tokens that were predicted.
    pub tokens: usize,
    /// Those for which the likeliest token is the same as in fp32.
    pub agreeing: usize,
    /// The perplexity in exact arithmetic; NaN if a logit is NaN.
    pub perplexity: f64,
    /// The perplexity in fp32.
    pub stored_perplexity: f64,
}

impl LanguageReport {
    /// Whether the perplexities are numbers.
    pub fn is_comparable(&self) -> bool {
        self.tokens > 0 && self.perplexity.is_finite() && self.stored_perplexity.is_finite()
    }
}

impl std::fmt::Display for LanguageReport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            tokens,
            agreeing,
            perplexity,
            stored_perplexity,
        } = self;
        writeln!(
            f,
            "perplexity {perplexity:.4}, in fp32 {stored_perplexity:.4}, ratio {:.5}",
            perplexity / stored_perplexity
        )?;
        writeln!(
            f,
            "greedy agreement {agreeing} of {tokens} tokens ({:.2} %)",
            100.0 * *agreeing as f64 / *tokens as f64
        )
    }
}

/// Runs each row of a text and compares the logits with what is stored. `None` if the tensors do not fit one another or
/// the model.
pub(super) fn compare(
    model: &LoadedModel,
    [tokens, likeliest, losses]: [&Tensor; 3],
) -> Result<Option<LanguageReport>, CheckError> {
    let &[rows, length] = tokens.shape() else {
        return Ok(None);
    };
    let predicted = length.saturating_sub(1);
    let fits = predicted > 0
        && [tokens, likeliest]
            .iter()
            .all(|tensor| tensor.dtype() == DataType::Int64)
        && losses.dtype() == DataType::Float32
        && [likeliest, losses]
            .iter()
            .all(|tensor| tensor.shape() == [rows, predicted]);
    if !fits {
        return Ok(None);
    }
    let (tokens, likeliest) = (integers(tokens), integers(likeliest));
    let mut sums = Sums::default();
    for (row, likeliest) in tokens.chunks(length as usize).zip(likeliest.chunks(predicted as usize)) {
        let bytes = row.iter().flat_map(|token| token.to_le_bytes()).collect();
        let Ok(input) = Tensor::new(DataType::Int64, vec![1, length], bytes) else {
            return Ok(None);
        };
        let outputs = model.run(&[input])?;
        let Some(logits) = outputs.first().filter(|logits| logits.shape().len() == 3) else {
            return Ok(None);
        };
        if !sums.add(logits, &row[1..], likeliest) {
            return Ok(None);
        }
    }
    let stored: f64 = losses
        .numbers()
        .map(|loss| f64::from(f32::from_bits(loss.to_bits())))
        .sum();
    let mean = |sum: f64| (sum / sums.tokens as f64).exp();
    Ok(Some(LanguageReport {
        tokens: sums.tokens,
        agreeing: sums.agreeing,
        perplexity: mean(sums.loss),
        stored_perplexity: mean(stored),
    }))
}

/// Sums over the rows so far.
#[derive(Default)]
struct Sums {
    tokens: usize,
    agreeing: usize,
    loss: f64,
}

impl Sums {
    /// Adds the predictions of one row; false if a token is none of the vocabulary.
    fn add(&mut self, logits: &Tensor, next: &[i64], likeliest: &[i64]) -> bool {
        let Some(vocabulary) = logits.shape().last().map(|width| *width as usize) else {
            return false;
        };
        let mut numbers = logits
            .numbers()
            .map(|number| f64::from(f32::from_bits(number.to_bits())));
        for (next, likeliest) in next.iter().zip(likeliest) {
            let row: Vec<f64> = numbers.by_ref().take(vocabulary).collect();
            let Some(own) = usize::try_from(*next).ok().and_then(|next| row.get(next)) else {
                return false;
            };
            let best = top1(&row);
            let total: f64 = row.iter().map(|logit| (logit - row[best]).exp()).sum();
            self.loss += total.ln() + row[best] - own;
            self.agreeing += usize::from(best as i64 == *likeliest);
            self.tokens += 1;
        }
        true
    }
}

fn integers(tensor: &Tensor) -> Vec<i64> {
    tensor
        .bytes()
        .as_chunks()
        .0
        .iter()
        .map(|bytes| i64::from_le_bytes(*bytes))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logits(rows: &[[f32; 3]]) -> Tensor {
        let bytes = rows.iter().flatten().flat_map(|number| number.to_le_bytes()).collect();
        Tensor::new(DataType::Float32, vec![1, rows.len() as u32, 3], bytes).expect("as many as the shape says")
    }

    #[test]
    fn losses_are_those_of_a_softmax() {
        let mut sums = Sums::default();
        // Equal logits give each of three tokens a third.
        assert!(sums.add(&logits(&[[5.0; 3], [0.0, 100.0, 0.0], [0.0; 3]]), &[2, 1], &[0, 2]));
        assert_eq!((sums.tokens, sums.agreeing), (2, 1));
        assert!((sums.loss - 3f64.ln()).abs() < 1e-12);
    }

    #[test]
    fn a_logit_that_is_no_number_makes_no_perplexity() {
        let mut sums = Sums::default();
        assert!(sums.add(&logits(&[[f32::NAN, 0.0, 0.0]; 2]), &[1], &[0]));
        assert!(sums.loss.is_nan());
        assert!(!Sums::default().add(&logits(&[[0.0; 3]; 2]), &[3], &[0]));
    }
}
