//! Generated sequences are those of the check graph, on every engine and in every company.

mod model;

use super::{GenerateError, Generator, Sampling, derive::derive};
use crate::{CpuEngine, CudaEngine, Engine, LoadedModel, ReferenceEngine};
use assay_cuda_emulator::Emulator;
use assay_ops::tensor::Tensor;
use model::{Masked, grouped_model, language_model, package, package_that_says};
use std::sync::Arc;

const PROMPTS: [&[i64]; 3] = [&[3], &[17, 4, 9, 30, 2], &[8, 8, 1, 20, 41, 0, 33, 7, 12]];

fn cpu() -> CpuEngine {
    CpuEngine::new(std::num::NonZeroUsize::MIN).expect("the processor is exact")
}

/// Ways to execute a model; the definition comes first.
fn engines() -> Vec<Box<dyn Engine>> {
    let emulated = CudaEngine::on(Arc::new(Emulator), "emulated".to_owned());
    vec![
        Box::new(ReferenceEngine),
        Box::new(cpu()),
        Box::new(cpu().portable()),
        Box::new(emulated.expect("the emulator is exact")),
    ]
}

fn loaded(engine: &dyn Engine, stops: &[i64]) -> LoadedModel {
    engine
        .load(&package(&language_model(50, 24, Masked::Causally), stops))
        .expect("a sound model")
}

fn samplings() -> Vec<Sampling> {
    let sampled = Sampling {
        temperature: 0.8,
        seed: 5,
        ..Sampling::greedy(7)
    };
    vec![
        Sampling::greedy(7),
        sampled,
        Sampling {
            seed: -6,
            top_k: 5,
            ..sampled
        },
        Sampling {
            top_p: 0.6,
            temperature: 1.5,
            ..sampled
        },
        Sampling { top_k: 1, ..sampled },
    ]
}

fn generated(model: &LoadedModel, prompt: &[i64], sampling: Sampling) -> Vec<i64> {
    let mut generator = Generator::new(model).expect("the model is followed");
    generator
        .generate(prompt, sampling, |_| {})
        .expect("the engine executes it")
}

/// The check graph's word on a sequence.
fn is_valid(model: &LoadedModel, prompt: &[i64], sampling: Sampling, sequence: &[i64]) -> bool {
    let inputs = sampling.check_inputs(prompt, sequence);
    let outputs = model.run(&inputs).expect("the check graph is executed");
    assert_eq!(outputs.first().map(Tensor::bytes), inputs.last().map(Tensor::bytes));
    outputs.get(1).map(Tensor::bytes) == Some(&[1])
}

#[test]
fn every_engine_generates_what_the_check_graph_says() {
    let checker = loaded(&cpu(), &[]);
    let mut seen = std::collections::BTreeSet::new();
    for (index, engine) in engines().into_iter().enumerate() {
        let model = loaded(engine.as_ref(), &[]);
        // The definition is slow.
        let prompts = if index == 0 { &PROMPTS[..2] } else { &PROMPTS[..] };
        for prompt in prompts {
            for sampling in samplings() {
                let sequence = generated(&model, prompt, sampling);
                assert_eq!(sequence.len(), prompt.len() + 7);
                let name = engine.description();
                assert!(
                    is_valid(&checker, prompt, sampling, &sequence),
                    "{name}: {sampling:?} {sequence:?}"
                );
                seen.insert(sequence);
            }
        }
    }
    // Greedy and with top_k = 1 they are the same, and otherwise other ones.
    assert!(seen.len() > 2 * PROMPTS.len(), "{}", seen.len());
}

#[test]
fn check_graph_refuses_every_other_sequence() {
    let model = loaded(&cpu(), &[]);
    let prompt = PROMPTS[1];
    for sampling in samplings() {
        let sequence = generated(&model, prompt, sampling);
        for place in 0..sequence.len() {
            let mut changed = sequence.clone();
            changed[place] = (changed[place] + 1) % 50;
            assert!(!is_valid(&model, prompt, sampling, &changed), "{place}");
        }
        for length in 2..sequence.len() {
            assert!(!is_valid(&model, prompt, sampling, &sequence[..length]), "{length}");
        }
        let longer = Sampling {
            max_tokens: 8,
            ..sampling
        };
        assert!(!is_valid(&model, prompt, longer, &sequence));
        let longer = generated(&model, prompt, longer);
        assert_eq!(longer[..sequence.len()], sequence);
        assert!(!is_valid(&model, prompt, sampling, &longer));
        let of_another = Sampling {
            seed: 77,
            temperature: 3.0,
            ..sampling
        };
        let another = generated(&model, prompt, of_another);
        assert_eq!(is_valid(&model, prompt, sampling, &another), another == sequence);
    }
}

#[test]
fn sequence_ends_with_a_stop_token_and_not_after_it() {
    let open = loaded(&cpu(), &[]);
    let (prompt, sampling) = (
        PROMPTS[2],
        Sampling {
            temperature: 1.0,
            seed: 3,
            ..Sampling::greedy(9)
        },
    );
    let whole = generated(&open, prompt, sampling);
    let stop = whole[prompt.len() + 4];
    let first = prompt.len()
        + whole[prompt.len()..]
            .iter()
            .position(|token| *token == stop)
            .expect("it is there");
    let model = loaded(&cpu(), &[stop, 49]);
    let stopped = generated(&model, prompt, sampling);
    assert_eq!(stopped, whole[..=first]);
    assert!(is_valid(&model, prompt, sampling, &stopped));
    assert!(!is_valid(&model, prompt, sampling, &whole));
    for length in prompt.len()..whole.len() {
        assert_eq!(
            is_valid(&model, prompt, sampling, &whole[..length]),
            length == first + 1,
            "{length}"
        );
    }
    // A stop token of the prompt ends nothing.
    let prompt = [prompt, &[stop]].concat();
    let after = generated(&model, &prompt, sampling);
    assert!(after.len() > prompt.len() && is_valid(&model, &prompt, sampling, &after));
}

#[test]
fn sequence_ends_where_the_model_has_no_more_room() {
    let model = loaded(&cpu(), &[]);
    let prompt = [5; 20];
    let sampling = Sampling::greedy(20);
    let sequence = generated(&model, &prompt, sampling);
    assert_eq!(sequence.len(), 24);
    assert!(is_valid(&model, &prompt, sampling, &sequence));
}

#[test]
fn caches_grow_with_their_sequences_and_long_prompts_come_in_parts() {
    let package = package(&language_model(50, 640, Masked::Causally), &[]);
    let model = cpu().load(&package).expect("a sound model");
    for (prompt, max_tokens) in [(60, 75), (600, 3)] {
        let prompt: Vec<i64> = (0..prompt).map(|place| place * 7 % 50).collect();
        let sampling = Sampling {
            temperature: 1.0,
            ..Sampling::greedy(max_tokens)
        };
        let sequence = generated(&model, &prompt, sampling);
        assert_eq!(sequence.len(), prompt.len() + max_tokens as usize);
        assert!(is_valid(&model, &prompt, sampling, &sequence));
    }
}

#[test]
fn sequences_together_are_those_of_each_alone() {
    let of_sampling = samplings();
    for engine in &engines()[1..] {
        let model = loaded(engine.as_ref(), &[]);
        let mut generator = Generator::new(&model).expect("the model is followed");
        let mut sequences = std::collections::BTreeMap::new();
        // They begin at different times, and the shorter ones end before the others.
        for (index, prompt) in PROMPTS.iter().enumerate() {
            let sampling = Sampling {
                max_tokens: 12 - 4 * index as u32,
                ..of_sampling[index]
            };
            let id = generator.start(prompt, sampling).expect("there is room");
            sequences.insert(id, (*prompt, sampling, prompt.to_vec()));
            for made in generator.step().expect("the engine executes it") {
                sequences
                    .get_mut(&made.sequence)
                    .expect("it was begun")
                    .2
                    .push(made.token);
            }
        }
        assert_eq!(generator.len(), 3);
        while !generator.is_empty() {
            for made in generator.step().expect("the engine executes it") {
                sequences
                    .get_mut(&made.sequence)
                    .expect("it was begun")
                    .2
                    .push(made.token);
            }
        }
        for (prompt, sampling, together) in sequences.values() {
            assert_eq!(
                *together,
                generated(&model, prompt, *sampling),
                "{}",
                engine.description()
            );
            assert!(is_valid(&model, prompt, *sampling, together));
        }
    }
}

#[test]
fn sequence_that_begins_as_another_did_has_the_tokens_of_it_alone() {
    let package = package(&grouped_model(50, 640, Masked::Causally), &[]);
    let system: Vec<i64> = (0..70).map(|place| place * 7 % 50).collect();
    for engine in &engines()[1..] {
        let model = engine.load(&package).expect("a sound model");
        let mut generator = Generator::new(&model).expect("the model is followed");
        let mut generate = |prompt: &[i64], sampling| {
            let sequence = generator.generate(prompt, sampling, |_| {});
            let sequence = sequence.expect("the engine executes it");
            assert_eq!(
                sequence,
                generated(&model, prompt, sampling),
                "{}",
                engine.description()
            );
            sequence
        };
        for (turn, sampling) in (0..).zip(samplings().into_iter().take(3)) {
            let sequence = generate(&[system.as_slice(), &[turn, 3]].concat(), sampling);
            // What comes next begins with the question and its answer.
            generate(&[sequence.as_slice(), &[9]].concat(), sampling);
        }
        // The second and the third begin with the system's words, and each next one with all 79 tokens before it.
        assert_eq!(generator.tokens_reused(), 2 * 70 + 3 * 79);
        let [first, second] = [0, 0].map(|_| generator.start(&system, samplings()[1]).expect("there is room"));
        let mut sequences = std::collections::BTreeMap::from([(first, system.clone()), (second, system.clone())]);
        while !generator.is_empty() {
            for made in generator.step().expect("the engine executes it") {
                sequences
                    .get_mut(&made.sequence)
                    .expect("it was begun")
                    .push(made.token);
            }
        }
        let alone = generated(&model, &system, samplings()[1]);
        assert!(sequences.values().all(|sequence| *sequence == alone));
        assert_eq!(generator.tokens_reused(), 2 * 70 + 3 * 79 + 2 * 69);
        let mut generator = generator.keeping(0);
        assert_eq!(generator.generate(&system, samplings()[1], |_| {}), Ok(alone));
        assert_eq!(generator.tokens_reused(), 0);
    }
}

#[test]
fn heads_that_share_a_key_are_rows_of_their_token() {
    let package = package(&grouped_model(50, 24, Masked::Causally), &[]);
    let checker = cpu().load(&package).expect("a sound model");
    let generation = package.generation().expect("a check graph");
    let derived = derive(package.graph(), generation).expect("the model is followed");
    assert_eq!(derived.caches.len(), 4, "keys and values of two layers");
    for cache in &derived.caches {
        let heads = assay_exact::graph::Dimension::Fixed(2);
        assert!(cache.dimensions.contains(&heads), "once for each key head: {cache:?}");
    }
    for engine in &engines() {
        let model = engine.load(&package).expect("a sound model");
        let mut generator = Generator::new(&model).expect("the model is followed");
        let requests = [0, 1, 2].map(|index| (PROMPTS[index], samplings()[index]));
        let ids = requests.map(|(prompt, sampling)| generator.start(prompt, sampling).expect("there is room"));
        let mut sequences = requests.map(|(prompt, _)| prompt.to_vec());
        while !generator.is_empty() {
            for made in generator.step().expect("the engine executes it") {
                let index = ids.iter().position(|id| *id == made.sequence).expect("it was begun");
                sequences[index].push(made.token);
            }
        }
        for ((prompt, sampling), sequence) in requests.iter().zip(&sequences) {
            let name = engine.description();
            assert!(is_valid(&checker, prompt, *sampling, sequence), "{name}: {sequence:?}");
            assert_eq!(*sequence, generated(&model, prompt, *sampling), "{name}");
            for place in 0..sequence.len() {
                let mut changed = sequence.clone();
                changed[place] = (changed[place] + 1) % 50;
                assert!(!is_valid(&checker, prompt, *sampling, &changed), "{place}");
            }
        }
    }
}

#[test]
fn sequence_that_is_not_finite_is_not_given_out() {
    // The token's vector is infinite, so its keys and values are NaN. No other token needs them, but the check graph
    // adds them to what earlier tokens sum, with the weight 0.
    let (prompt, sampling) = (PROMPTS[1], Sampling::greedy(6));
    let sound = grouped_model(50, 24, Masked::Causally);
    let sound = cpu().load(&package(&sound, &[])).expect("a sound model");
    let sequence = generated(&sound, prompt, sampling);
    let (last, before) = sequence.split_last().expect("it has tokens");
    assert!(
        !before.contains(last),
        "the token has to be the last one alone: {sequence:?}"
    );
    let model = grouped_model(50, 24, Masked::Causally).with_infinite_token(*last as usize);
    let model = cpu().load(&package(&model, &[])).expect("a sound package");
    let mut generator = Generator::new(&model).expect("the model is followed");
    let mut shown = Vec::new();
    let refused = generator.generate(prompt, sampling, |token| shown.push(token));
    assert_eq!(refused, Err(GenerateError::NotFinite));
    assert_eq!([prompt, &shown].concat(), sequence);
    assert!(!is_valid(&model, prompt, sampling, &sequence));
    // What ends before it is sound, alone and beside it, and so is a single token after a prompt.
    for max_tokens in [5, 1] {
        let shorter = Sampling::greedy(max_tokens);
        let length = prompt.len() + max_tokens as usize;
        assert_eq!(generated(&model, prompt, shorter), sequence[..length]);
        assert!(is_valid(&model, prompt, shorter, &sequence[..length]));
    }
    let beside = generator.start(prompt, Sampling::greedy(5)).expect("there is room");
    let infinite = generator.start(prompt, sampling).expect("there is room");
    let mut ends = Vec::new();
    while !generator.is_empty() {
        let made = generator.step().expect("the engine executes it");
        ends.extend(
            made.iter()
                .filter(|made| made.is_last)
                .map(|made| (made.sequence, made.is_finite)),
        );
    }
    assert_eq!(ends, [(beside, true), (infinite, false)]);
}

#[test]
fn sequence_that_is_stopped_leaves_the_others_alone() {
    let model = loaded(&cpu(), &[]);
    let mut generator = Generator::new(&model).expect("the model is followed");
    let first = generator.start(PROMPTS[0], Sampling::greedy(6)).expect("there is room");
    let second = generator.start(PROMPTS[1], Sampling::greedy(6)).expect("there is room");
    let mut tokens = Vec::new();
    for round in 0..6 {
        let made = generator.step().expect("the engine executes it");
        tokens.extend(
            made.iter()
                .filter(|made| made.sequence == second)
                .map(|made| made.token),
        );
        if round == 2 {
            generator.stop(first).expect("the engine lets go of it");
        }
    }
    assert!(generator.is_empty());
    assert_eq!(
        [PROMPTS[1], &tokens].concat(),
        generated(&model, PROMPTS[1], Sampling::greedy(6))
    );
}

#[test]
fn vocabulary_longer_than_a_row_is_selected_from_in_pieces() {
    let model = cpu().load(&package(&language_model(16_500, 10, Masked::Causally), &[]));
    let model = model.expect("a sound model");
    for sampling in samplings() {
        let sampling = Sampling {
            max_tokens: 4,
            ..sampling
        };
        let sequence = generated(&model, &[16_499, 2], sampling);
        assert!(is_valid(&model, &[16_499, 2], sampling, &sequence));
        let mut changed = sequence.clone();
        changed[3] ^= 1;
        assert!(!is_valid(&model, &[16_499, 2], sampling, &changed));
    }
}

#[test]
fn models_whose_tokens_see_later_ones_are_refused_by_the_node() {
    let models = [Masked::Not, Masked::Backwards].map(|masked| {
        let shared = [language_model, grouped_model];
        shared.map(|model| model(50, 24, masked))
    });
    for model in models.iter().flatten() {
        let package = package(model, &[]);
        let model = cpu().load(&package).expect("a sound model");
        let refused = Generator::new(&model).err();
        let Some(GenerateError::NotIncremental(reason)) = refused else {
            panic!("it was not refused");
        };
        assert!(
            reason.contains("softmax (weights_0") && reason.contains("after its own"),
            "{reason}"
        );
    }
}

#[test]
fn logits_are_computed_for_the_last_row_alone_and_caches_for_keys_and_values() {
    let package = package(&language_model(50, 24, Masked::Causally), &[]);
    let generation = package.generation().expect("a check graph");
    let derived = derive(package.graph(), generation).expect("the model is followed");
    assert_eq!(derived.caches.len(), 4, "keys and values of two layers");
    let graph = derived.graph.graph();
    let wide = graph.nodes.iter().enumerate().filter(|(index, _)| {
        let dimensions = derived.graph.value(assay_exact::graph::Value::Node(*index as u32));
        dimensions.is_some_and(|(_, dimensions)| {
            let of = |symbol| dimensions.contains(&assay_exact::graph::Dimension::Symbol(symbol));
            dimensions.contains(&assay_exact::graph::Dimension::Fixed(50)) && of(1)
        })
    });
    assert_eq!(wide.count(), 0);
}

#[test]
fn package_of_another_check_graph_than_it_says_is_refused() {
    let model = language_model(50, 24, Masked::Causally);
    assert!(package_that_says(&model, &[3, 4], &[3, 4]).is_ok());
    for said in [&[][..], &[3], &[4, 3], &[3, 5], &[3, 4, 4], &[3, 50]] {
        assert!(package_that_says(&model, &[3, 4], said).is_err(), "{said:?}");
    }
}

#[test]
fn requests_out_of_range_are_refused() {
    let model = loaded(&cpu(), &[]);
    let mut generator = Generator::new(&model).expect("the model is followed");
    let greedy = Sampling::greedy(3);
    let mut refused = |prompt: &[i64], sampling| generator.start(prompt, sampling).err();
    let prompt = GenerateError::Prompt {
        max: 23,
        vocabulary: 50,
    };
    for wrong in [&[][..], &[50], &[-1], &[1; 24]] {
        assert_eq!(refused(wrong, greedy), Some(prompt.clone()));
    }
    for top_k in [0, 65] {
        let field = GenerateError::Field {
            field: "top_k",
            max: 64,
        };
        assert_eq!(refused(&[1], Sampling { top_k, ..greedy }), Some(field));
    }
    let field = GenerateError::Field {
        field: "max_tokens",
        max: 23,
    };
    assert_eq!(refused(&[1], Sampling::greedy(0)), Some(field));
    assert_eq!(refused(&[1], greedy), None);
}
