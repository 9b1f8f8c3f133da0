//! SmolLM2-135M-Instruct, if `make models` has made its package: what generating costs, and checking what was
//! generated.

use crate::{
    measure::in_turns,
    models::{Place, load},
    peers::{Measured, Peers},
    report::{Baseline, Report},
};
use anyhow::{Context, Result, ensure};
use assay_engine::{
    LoadedModel,
    generate::{Generator, Sampling},
};
use assay_exact::graph::{Operator, Value};
use assay_kernels::threads::Threads;
use assay_package::{
    Details, Package,
    generation::{LanguageModel, check_graph},
};
use std::{collections::BTreeSet, hint::black_box, path::Path, time::Instant};

/// Tokens of the prompt before the tokens whose making is measured.
const BEFORE: usize = 64;
/// Steps that one time is the mean of. The caches grow after the first of them and then not any more.
const STEPS: u32 = 24;
/// Tokens of a long prompt.
const PREFILL: usize = 512;
/// Tokens that are made and then checked.
const CHECKED: u32 = 256;
/// Numbers that one thread reads at a time.
const READ_AT_ONCE: usize = 1 << 16;

/// Measures decoding, reading a prompt, and checking.
pub fn smollm2(report: &mut Report, place: &Place, models: &Path) -> Result<()> {
    let folder = models.join("smollm2-135m-instruct/package");
    if !folder.is_dir() {
        println!("there is no {}; `make models` makes it", folder.display());
        return Ok(());
    }
    let mut peers = match place.is_processor() {
        true => Peers::start(place.threads())?,
        false => Peers::none(),
    };
    // Without stop tokens, so that a sequence has the length that is measured.
    let package = checking(&load(&folder)?)?;
    let model = place.engine().load(&package)?;
    let step = |sequences| Measured::Step {
        sequences,
        before: BEFORE,
        steps: STEPS,
    };
    let (one, others) = peers.beside(step(1), || decode(&model, 1))?;
    let mut baselines = named(others);
    if place.is_processor() {
        baselines.push(Baseline {
            name: "reading its weights from memory once".to_owned(),
            milliseconds: reading(&package, &Threads::new(place.threads().get())),
            cosine: None,
        });
    }
    report.add_compared("smollm2 decode x1", (one, None), &baselines);
    let (eight, others) = peers.beside(step(8), || decode(&model, 8))?;
    let mut baselines = named(others);
    baselines.push(Baseline {
        name: "eight times decode x1".to_owned(),
        milliseconds: 8.0 * one,
        cosine: None,
    });
    report.add_compared("smollm2 decode x8", (eight, None), &baselines);
    let prompt = Measured::Prompt { prompt: PREFILL };
    let (prefill, others) = peers.beside(prompt, || prefill(&model))?;
    let mut baselines = named(others);
    baselines.push(Baseline {
        name: "as many tokens of decode x1".to_owned(),
        milliseconds: PREFILL as f64 * one,
        cosine: None,
    });
    report.add_compared(&format!("smollm2 prefill {PREFILL}"), (prefill, None), &baselines);
    drop(peers);
    let [making, checking] = make_and_check(&model)?;
    report.add_times(
        &format!("smollm2 check {CHECKED}"),
        checking,
        &[("making them", making)],
    );
    Ok(())
}

/// Times of peers as what ours is compared with.
fn named(times: Vec<(String, f64)>) -> Vec<Baseline> {
    let baselines = times.into_iter().map(|(name, milliseconds)| Baseline {
        name,
        milliseconds,
        cosine: None,
    });
    baselines.collect()
}

/// Milliseconds in which all threads read as many bytes from memory as the weights of the linear layers have, which a
/// step takes at least.
fn reading(package: &Package, threads: &Threads) -> f64 {
    let layers = package.graph().graph().nodes.iter().filter(|node| {
        matches!(
            node.operator,
            Operator::Linear { .. } | Operator::QuantisedLinear { .. }
        )
    });
    let weights: BTreeSet<u16> = layers
        .flat_map(|node| &node.inputs)
        .filter_map(|value| match value {
            Value::Weight(index) => Some(*index),
            Value::Input(_) | Value::Node(_) => None,
        })
        .collect();
    let weights = weights
        .into_iter()
        .filter_map(|index| package.weights().get(usize::from(index)));
    let bytes: usize = weights.map(|weight| weight.bytes().len()).sum();
    let numbers = vec![1u64; bytes / size_of::<u64>()];
    let [milliseconds] = in_turns([&mut || {
        threads.share(numbers.chunks(READ_AT_ONCE), |_, numbers| {
            let sum = numbers.iter().fold(0u64, |sum, number| sum.wrapping_add(*number));
            black_box(sum);
        });
    }]);
    milliseconds
}

/// The package of the check graph of a language model's package.
fn checking(package: &Package) -> Result<Package> {
    let model = LanguageModel {
        graph: package.graph().graph().clone(),
        tokens: 0,
        logits: 0,
    };
    let graph = check_graph(model, &[])?;
    let details = Details {
        name: "smollm2".to_owned(),
        version: "1.0.0".to_owned(),
        licence: "Apache-2.0".to_owned(),
        description: String::new(),
    };
    let (precision, weights) = (package.manifest().precision()?, package.weights().to_vec());
    Ok(Package::new_generation(
        details,
        precision,
        graph,
        weights,
        Vec::new(),
        Vec::new(),
    )?)
}

/// As many tokens of a text without a meaning.
fn prompt(count: usize) -> Vec<i64> {
    // A multiplicative hash of the position (Knuth), among the tokens that are words.
    let token = |place: u32| 1_000 + (place.wrapping_mul(2_654_435_761) >> 8) % 48_000;
    (0..count as u32).map(|place| i64::from(token(place))).collect()
}

/// Milliseconds of a step that makes one token of each sequence.
fn decode(model: &LoadedModel, sequences: usize) -> Result<f64> {
    let mut generator = Generator::new(model)?;
    for _ in 0..sequences {
        generator.start(&prompt(BEFORE), Sampling::greedy(STEPS + 3))?;
    }
    // The first step reads the prompts, and the second one makes room.
    generator.step()?;
    generator.step()?;
    let start = Instant::now();
    for _ in 0..STEPS {
        let made = generator.step()?.len();
        ensure!(made == sequences, "{made} tokens of {sequences} sequences");
    }
    Ok(start.elapsed().as_secs_f64() * 1e3 / f64::from(STEPS))
}

/// Milliseconds until the first token after a long prompt.
fn prefill(model: &LoadedModel) -> Result<f64> {
    // Every time it is read whole.
    let mut generator = Generator::new(model)?.keeping(0);
    let prompt = prompt(PREFILL);
    let mut read = Ok(());
    let [milliseconds] = in_turns([&mut || {
        let step = generator.start(&prompt, Sampling::greedy(2)).and_then(|id| {
            generator.step()?;
            generator.stop(id)
        });
        if let Err(error) = step {
            read = Err(error);
        }
    }]);
    read?;
    Ok(milliseconds)
}

/// Milliseconds of making tokens, and of checking all of them at once.
fn make_and_check(model: &LoadedModel) -> Result<[f64; 2]> {
    let prompt = prompt(8);
    let sampling = Sampling::greedy(CHECKED);
    let start = Instant::now();
    let sequence = Generator::new(model)?.generate(&prompt, sampling, |_| {})?;
    let making = start.elapsed().as_secs_f64() * 1e3;
    let inputs = sampling.check_inputs(&prompt, &sequence);
    let valid = model.run(&inputs)?.pop().context("the check graph gives nothing")?;
    ensure!(valid.bytes() == [1], "the check graph refuses what was generated");
    let [checking] = in_turns([&mut || drop(model.run(&inputs))]);
    Ok([making, checking])
}
