//! Speed of a model on this machine, by a short run on made-up inputs.

use crate::{
    EngineError, LoadedModel,
    generate::{GenerateError, Generator, Sampling},
};
use assay_exact::graph::{CheckedGraph, Value};
use assay_ops::tensor::{DataType, Tensor};
use assay_package::costs::shown_sizes;
use std::time::{Duration, Instant};

/// Work of a measured run, unless the smallest sizes have more: some seconds of one core.
const MAX_WORK: u64 = 1 << 35;
/// Bytes that a measured run may take.
const MAX_BYTES: u64 = 1 << 30;
/// Tokens of the prompt of a measured generation, and tokens that it makes.
const PROMPT: u32 = 64;
const MADE: u32 = 32;

/// Speed of a model.
#[derive(Clone, Debug, PartialEq)]
pub struct Speed {
    /// Values of the graph's symbols in the measured run; empty for a generation.
    pub symbols: Vec<u32>,
    /// Work of the run, in the unit of [`CheckedGraph::work`]: of a generation, that of its check graph on what was
    /// made.
    pub work: u64,
    /// Time of the run: the mean of all but the first, if there was time for more than one.
    pub time: Duration,
    /// Speeds of a generation.
    pub tokens: Option<TokenSpeed>,
}

/// Speeds of a generation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TokenSpeed {
    /// Tokens of the prompt, and the time from the beginning to the first token.
    pub read: (u32, Duration),
    /// Tokens after the first one, and the time that they took.
    pub made: (u32, Duration),
}

impl Speed {
    /// Units of work in a second.
    pub fn work_per_second(&self) -> f64 {
        self.work as f64 / self.time.as_secs_f64().max(f64::MIN_POSITIVE)
    }
}

/// Runs a model again and again for about this long, and twice at least unless one run takes longer. Sizes are those at
/// which costs are shown, or smaller ones where those are too much for a short run.
pub fn measure(model: &LoadedModel, patience: Duration) -> Result<Speed, EngineError> {
    if model.generation().is_some() {
        return generation(model).map_err(|error| match error {
            GenerateError::Engine(error) => error,
            error => EngineError::Failed {
                engine: "the measured run".to_owned(),
                reason: error.to_string(),
            },
        });
    }
    let symbols = sizes(model);
    let inputs = inputs(model.graph(), &symbols).ok_or_else(|| EngineError::Failed {
        engine: "the measured run".to_owned(),
        reason: "inputs of these sizes cannot be made".to_owned(),
    })?;
    let begun = Instant::now();
    model.run(&inputs)?;
    let mut time = begun.elapsed();
    let (again, mut runs) = (Instant::now(), 0);
    while begun.elapsed() < patience {
        model.run(&inputs)?;
        runs += 1;
        time = again.elapsed() / runs;
    }
    Ok(Speed {
        work: model.graph().work().at(&symbols).unwrap_or(u64::MAX),
        symbols,
        time,
        tokens: None,
    })
}

/// Sizes of the measured run.
fn sizes(model: &LoadedModel) -> Vec<u32> {
    let graph = model.graph();
    let mut symbols = shown_sizes(graph);
    let is_small = |symbols: &[u32]| {
        graph.work().at(symbols).is_some_and(|work| work <= MAX_WORK) && model.peak_bytes(symbols) <= MAX_BYTES
    };
    while !is_small(&symbols) {
        let least = graph.graph().symbols.iter().map(|symbol| symbol.min);
        let larger = symbols.iter_mut().zip(least).filter(|(size, least)| **size > *least);
        let Some((size, least)) = larger.max_by_key(|(size, _)| **size) else {
            break;
        };
        *size = (*size / 2).max(least);
    }
    symbols
}

/// Inputs whose numbers are between −1 and 1, whose truth values are all true, and whose integers are within their
/// ranges; `None` if a size cannot be made.
fn inputs(graph: &CheckedGraph, symbols: &[u32]) -> Option<Vec<Tensor>> {
    let inputs = graph.graph().inputs.iter().enumerate().map(|(index, input)| {
        let shape = graph.shape(Value::Input(u16::try_from(index).ok()?), symbols)?;
        let elements = shape
            .iter()
            .try_fold(1usize, |all, size| all.checked_mul(*size as usize))?;
        let mut bytes = Vec::with_capacity(elements.checked_mul(input.dtype.size_bytes())?);
        // A multiplicative hash (Knuth) gives numbers that are spread and the same in every run.
        let hashed = |element: usize| (element as u32).wrapping_mul(2_654_435_761) >> 8;
        for element in 0..elements {
            let hash = hashed(element);
            let number = match input.range {
                Some(range) => {
                    let values = range.max.checked_sub(range.min)?.saturating_add(1);
                    range.min + i64::from(hash) % values
                }
                None => 1,
            };
            match input.dtype {
                DataType::Float32 => bytes.extend((hash as f32 / (1 << 23) as f32 - 1.0).to_le_bytes()),
                DataType::Int64 => bytes.extend(number.to_le_bytes()),
                DataType::Int32 => bytes.extend((number as i32).to_le_bytes()),
                DataType::Int8 | DataType::Uint8 | DataType::Bool => bytes.push(number as u8),
            }
        }
        Tensor::new(input.dtype, shape, bytes).ok()
    });
    inputs.collect()
}

fn generation(model: &LoadedModel) -> Result<Speed, GenerateError> {
    let mut generator = Generator::new(model)?.keeping(0);
    let generation = model.generation().ok_or(GenerateError::NotGeneration)?;
    let prompt = PROMPT.min(generation.max_length / 2).max(1);
    let made = MADE.min(generation.max_length.saturating_sub(prompt)).max(1);
    let vocabulary = u64::from(generation.vocabulary.max(1));
    let tokens: Vec<i64> = (0..u64::from(prompt))
        .map(|place| (place * 7_919 % vocabulary) as i64)
        .collect();
    let begun = Instant::now();
    let (mut first, mut count) = (Duration::ZERO, 0u32);
    let sequence = generator.generate(&tokens, Sampling::greedy(made), |_| {
        if count == 0 {
            first = begun.elapsed();
        }
        count += 1;
    })?;
    let time = begun.elapsed();
    let inputs = Sampling::greedy(made).check_inputs(&tokens, &sequence);
    let layouts: Vec<_> = inputs.iter().map(|input| (input.dtype(), input.shape())).collect();
    let symbols = model.graph().bind(&layouts).map_err(EngineError::from)?;
    Ok(Speed {
        work: model.graph().work().at(&symbols).unwrap_or(u64::MAX),
        symbols: Vec::new(),
        time,
        tokens: Some(TokenSpeed {
            read: (prompt, first),
            made: (count.saturating_sub(1), time.saturating_sub(first)),
        }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CpuEngine, Engine};
    use assay_exact::quantise::Precision;
    use assay_import::{ImportOptions, import};
    use std::{num::NonZeroUsize, path::Path};

    fn digits() -> LoadedModel {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/digits/digits.pt2");
        let package = import(&path, ImportOptions::new("digits", Precision::Int8)).expect("a sound program");
        let engine = CpuEngine::new(NonZeroUsize::MIN).expect("a processor");
        engine.load(&package).expect("a sound package")
    }

    #[test]
    fn a_measured_run_says_its_sizes_work_and_time() {
        let model = digits();
        let speed = measure(&model, Duration::from_millis(20)).expect("it runs");
        assert_eq!(speed.symbols, [1]);
        assert_eq!(Some(speed.work), model.graph().work().at(&[1]));
        assert!(speed.time > Duration::ZERO && speed.work_per_second() > 0.0);
        assert_eq!(speed.tokens, None);
    }

    #[test]
    fn made_up_inputs_fit_the_model_and_are_the_same_again() {
        let model = digits();
        let made = inputs(model.graph(), &[3]).expect("small");
        assert_eq!(made[0].shape(), [3, 8, 8]);
        assert_eq!(Some(made.clone()), inputs(model.graph(), &[3]));
        assert!(model.run(&made).is_ok());
        let numbers: Vec<f32> = made[0]
            .bytes()
            .as_chunks()
            .0
            .iter()
            .map(|bytes| f32::from_le_bytes(*bytes))
            .collect();
        assert!(numbers.iter().all(|number| (-1.0..1.0).contains(number)));
        assert!(numbers.windows(2).any(|pair| pair[0] != pair[1]));
    }
}
