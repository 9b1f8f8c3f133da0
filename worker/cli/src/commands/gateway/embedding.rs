//! Embeddings: tokens become inputs of the model, and its outputs become vectors and one report.

use super::catalogue::Known;
use assay_gateway::{
    backend::{BackendError, EmbedRequest, Embedded, Report, Token},
    money::Amount,
};
use assay_ops::tensor::Tensor;
use assay_text::{embedding::Embedder, inputs::JobInput};
use std::collections::BTreeSet;

/// One execution for an embedding.
pub(super) struct Made {
    /// The model's outputs.
    pub outputs: Vec<Tensor>,
    /// The worker's account.
    pub worker: String,
    /// Its price.
    pub price: Amount,
    /// Name of its receipt, or number of its job.
    pub receipt: String,
    /// Whether its receipt is drawn for an execution.
    pub is_drawn: bool,
}

/// The model's inputs for these tokens. `name` is what errors call them.
pub(super) fn input_of(
    known: &Known,
    embedder: &Embedder,
    name: &str,
    tokens: &[i64],
) -> Result<JobInput, BackendError> {
    let input = embedder.input(name, tokens, known.package.graph());
    input.map_err(|error| unfit(error.to_string()))
}

/// The model's inputs for each list of tokens.
pub(super) fn inputs(known: &Known, request: &EmbedRequest) -> Result<Vec<JobInput>, BackendError> {
    let embedder = embedder(known, &request.model)?;
    let input = |(index, tokens): (usize, &Vec<Token>)| {
        let tokens: Vec<i64> = tokens.iter().map(|token| i64::from(*token)).collect();
        input_of(known, embedder, &format!("input[{index}]"), &tokens)
    };
    request.inputs.iter().enumerate().map(input).collect()
}

/// The embedder of a model, which may be of another kind.
pub(super) fn embedder<'k>(known: &'k Known, name: &str) -> Result<&'k Embedder, BackendError> {
    let none = || unfit(format!("`{name}` makes no embeddings"));
    known.embedder.as_ref().ok_or_else(none)
}

fn unfit(reason: String) -> BackendError {
    BackendError::Unfit {
        field: Some("input".to_owned()),
        reason,
    }
}

/// The vectors of executions, and one report of all. `receipt` is the name of all receipts together, and `checked` says
/// how those were checked that are not drawn.
pub(super) fn embedded(
    embedder: &Embedder,
    request: &EmbedRequest,
    made: &[Made],
    (receipt, checked): (String, &str),
) -> Result<Embedded, BackendError> {
    let vector = |made: &Made| {
        let vector = embedder.vector(&made.outputs);
        vector.ok_or_else(|| BackendError::Failed("the worker's output is no embedding".to_owned()))
    };
    Ok(Embedded {
        vectors: made.iter().map(vector).collect::<Result<_, _>>()?,
        report: report(request, made, (receipt, checked)),
    })
}

fn report(request: &EmbedRequest, made: &[Made], (receipt, checked): (String, &str)) -> Report {
    let workers: BTreeSet<&str> = made.iter().map(|made| made.worker.as_str()).collect();
    let price = made.iter().fold(0u128, |sum, made| sum.saturating_add(made.price.0));
    // Fewer were made than were asked for where it was stopped.
    let tokens = request.inputs.iter().take(made.len()).map(Vec::len).sum::<usize>();
    Report {
        worker: workers.into_iter().collect::<Vec<_>>().join(", "),
        price: Amount(price),
        receipt,
        checked: match made.iter().any(|made| made.is_drawn) {
            true => "drawn-for-execution".to_owned(),
            false => checked.to_owned(),
        },
        prompt_tokens: u32::try_from(tokens).unwrap_or(u32::MAX),
        generated_tokens: 0,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use assay_ops::tensor::DataType;

    /// A tensor of this many tokens.
    pub fn tokens(length: usize) -> Tensor {
        Tensor::new(DataType::Int64, vec![1, length as u32], vec![0; length * 8]).expect("eight bytes each")
    }

    fn made(worker: &str, price: u128, is_drawn: bool) -> Made {
        Made {
            outputs: vec![tokens(1)],
            worker: worker.to_owned(),
            price: Amount(price),
            receipt: String::new(),
            is_drawn,
        }
    }

    fn request() -> EmbedRequest {
        EmbedRequest {
            model: "words".to_owned(),
            inputs: vec![vec![1, 2, 3], vec![4], vec![5, 6]],
            max_price: Amount(100),
        }
    }

    #[test]
    fn report_adds_prices_and_tokens_and_names_each_worker_once() {
        let all = [made("b", 3, false), made("a", 4, false), made("b", 5, false)];
        let report = report(&request(), &all, ("all".to_owned(), "signed-receipt"));
        assert_eq!(report.worker, "a, b");
        assert_eq!((report.price, report.prompt_tokens), (Amount(12), 6));
        assert_eq!(
            (report.receipt.as_str(), report.checked.as_str()),
            ("all", "signed-receipt")
        );
    }

    #[test]
    fn report_of_what_was_stopped_has_the_tokens_that_were_computed() {
        let part = [made("a", 3, true)];
        let report = report(&request(), &part, ("one".to_owned(), "signed-receipt"));
        assert_eq!((report.price, report.prompt_tokens), (Amount(3), 3));
        assert_eq!(report.checked, "drawn-for-execution");
    }
}
