//! The models of the repository beside digits: what they take and give, their exact outputs, and that a GPT gives the
//! same bits whether its tokens come at once or one by one.

use assay_engine::{Device, Engine, ReferenceEngine, TorchEngine, TorchOptions, check::check};
use assay_exact::quantise::Precision;
use assay_import::{ImportError, ImportOptions, import, import_graph};
use assay_ops::tensor::{DataType, Tensor};
use assay_package::{Details, Package};
use std::path::{Path, PathBuf};

fn models(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models").join(path)
}

fn options(name: &str, precision: Precision) -> ImportOptions {
    let details = Details {
        name: name.to_owned(),
        version: "1.0.0".to_owned(),
        licence: "Apache-2.0".to_owned(),
        description: String::new(),
    };
    ImportOptions {
        details,
        precision,
        weights: None,
        assets: vec![],
    }
}

fn torch() -> TorchEngine {
    let options = TorchOptions {
        device: Device::Cpu,
        threads: 2.try_into().expect("not zero"),
    };
    TorchEngine::new(options).expect("a processor follows IEEE 754")
}

fn gpt(precision: Precision) -> Package {
    import(&models("gpt/gpt.pt2"), options("gpt", precision)).expect("gpt.pt2 is a program that can be imported")
}

/// Inputs and outputs of a graph, in words.
fn schema(name: &str) -> String {
    let graph = import_graph(&models(name), Precision::Int16).unwrap_or_else(|error| panic!("{name}: {error}"));
    let inputs = graph
        .graph()
        .inputs
        .iter()
        .map(|input| format!("{} {:?}", input.name, input.dtype));
    let symbols = graph
        .graph()
        .symbols
        .iter()
        .map(|s| format!("{} {}..={}", s.name, s.min, s.max));
    format!(
        "{}; {}; {} outputs",
        inputs.collect::<Vec<_>>().join(", "),
        symbols.collect::<Vec<_>>().join(", "),
        graph.graph().outputs.len()
    )
}

#[test]
fn graphs_are_imported_without_their_weights() {
    assert_eq!(
        schema("all-minilm-l6-v2/all-minilm-l6-v2.pt2"),
        "tokens Int64, mask Int64; batch 1..=1024, s1 1..=512; 1 outputs"
    );
    assert_eq!(
        schema("efficientnet-lite0/efficientnet-lite0.pt2"),
        "pixels Uint8; batch 1..=256; 1 outputs"
    );
    assert_eq!(
        schema("silero-vad/silero-vad.pt2"),
        "samples Float32, context Float32, hidden Float32, cell Float32; batch 1..=4096; 4 outputs"
    );
    assert_eq!(
        schema("gpt/gpt.pt2"),
        "tokens Int64, position Int64, cache Float32; batch 1..=1024, s1 1..=128; 2 outputs"
    );
}

#[test]
fn weights_that_the_archive_leaves_out_are_asked_for() {
    let path = models("silero-vad/silero-vad.pt2");
    let error = import(&path, options("silero-vad", Precision::Int16)).expect_err("there are no weights");
    assert!(matches!(error, ImportError::MissingEntry { .. }), "{error}");
    let mut options = options("silero-vad", Precision::Int16);
    options.weights = Some(models("digits/golden.safetensors"));
    let error = import(&path, options).expect_err("they are not in this file");
    assert!(matches!(error, ImportError::Weight { .. }), "{error}");
}

/// After a change that is meant to alter it, `ASSAY_BLESS=1 cargo test --workspace --test models` writes the package
/// anew, and the root is changed by hand.
const GPT_ROOT: &str = "6cd504dbe37fdb89739fb4a5358f35bfa985386db219c422551ae07977ddfe70";

#[test]
fn gpt_package_is_what_the_program_is_imported_as() {
    let mut options = options("gpt", Precision::Int16);
    options.details.description = "Logits of the next byte, for new bytes and a cache of those before them".to_owned();
    let package = import(&models("gpt/gpt.pt2"), options).expect("gpt.pt2 is a program that can be imported");
    if std::env::var_os("ASSAY_BLESS").is_some() {
        package.save(&models("gpt/package")).expect("the folder can be written");
    }
    let committed = Package::load(&models("gpt/package")).expect("the committed package is whole");
    assert_eq!(hex::encode(committed.root()), GPT_ROOT);
    assert_eq!(package.root(), committed.root());
}

#[test]
fn tied_weights_are_in_the_package_once() {
    let package = gpt(Precision::Int16);
    let names: Vec<_> = package
        .graph()
        .graph()
        .weights
        .iter()
        .map(|weight| weight.name.as_str())
        .collect();
    assert!(names.contains(&"bytes.weight"));
    assert!(!names.contains(&"logits.weight"));
}

#[test]
fn gpt_agrees_with_fp32() {
    for (precision, least_cosine, same) in [(Precision::Int16, 0.999_999, 64), (Precision::Int8, 0.999, 61)] {
        let report = check(&gpt(precision), &torch(), &models("gpt/golden.safetensors")).expect("the golden file fits");
        let logits = &report.outputs[0];
        assert_eq!(logits.rows, 64);
        assert!(logits.cosine > least_cosine, "{precision:?}: {report}");
        assert_eq!(logits.top1, same, "{precision:?}: {report}");
    }
}

const LAYERS: u32 = 3;
const HEADS: u32 = 4;
const CONTEXT: u32 = 128;
const HEAD: u32 = 16;

fn integers(shape: Vec<u32>, values: &[i64]) -> Tensor {
    let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    Tensor::new(DataType::Int64, shape, bytes).expect("as many as the shape says")
}

fn empty_cache() -> Tensor {
    let shape = vec![1, LAYERS, 2, HEADS, CONTEXT, HEAD];
    let size = shape.iter().product::<u32>() as usize * 4;
    Tensor::new(DataType::Float32, shape, vec![0; size]).expect("as many as the shape says")
}

/// Runs the text in steps of these lengths, and returns the logits of all bytes and the last cache.
fn in_steps(engine: &dyn Engine, package: &Package, text: &[u8], steps: &[usize]) -> (Vec<u8>, Tensor) {
    let model = engine.load(package).expect("the package can be loaded");
    let (mut logits, mut cache, mut position) = (Vec::new(), empty_cache(), 0);
    for step in steps {
        let tokens: Vec<i64> = text[position..position + step].iter().copied().map(i64::from).collect();
        let inputs = [
            integers(vec![1, *step as u32], &tokens),
            integers(vec![1, 1], &[position as i64]),
            cache,
        ];
        let mut outputs = model.run(&inputs).expect("the step fits the model");
        cache = outputs.pop().expect("the cache");
        logits.extend_from_slice(outputs[0].bytes());
        position += step;
    }
    (logits, cache)
}

#[test]
fn gpt_gives_the_same_bits_in_one_step_and_in_many() {
    let text = b"Ada has six drums and gets eight more. Now Ada";
    let steps: [Vec<usize>; 4] = [
        vec![text.len()],
        vec![1; text.len()],
        vec![20, text.len() - 20],
        [vec![7; 5], vec![1; text.len() - 35]].concat(),
    ];
    for precision in [Precision::Int8, Precision::Int16, Precision::Int16Int8] {
        let package = gpt(precision);
        let once = in_steps(&torch(), &package, text, &steps[0]);
        for steps in &steps[1..] {
            assert!(
                in_steps(&torch(), &package, text, steps) == once,
                "{precision:?} {steps:?}"
            );
        }
        let short = &text[..12];
        let (logits, _) = in_steps(&ReferenceEngine, &package, short, &[5, 1, 6]);
        assert!(logits == once.0[..logits.len()], "{precision:?}: the reference engine");
    }
}

#[test]
fn gpt_finishes_the_story_with_the_right_number() {
    let (engine, package) = (torch(), gpt(Precision::Int8));
    let mut text = b"Ada has six drums and gets eight more. Now Ada has".to_vec();
    while text.last() != Some(&b'\n') && text.len() < CONTEXT as usize {
        let (logits, _) = in_steps(&engine, &package, &text, &[text.len()]);
        let last = &logits[logits.len() - 256 * 4..];
        let numbers = last.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes));
        let (best, _) = numbers
            .enumerate()
            .fold((0, f32::NEG_INFINITY), |best, (index, number)| {
                if number > best.1 { (index, number) } else { best }
            });
        text.push(best as u8);
    }
    assert_eq!(
        String::from_utf8_lossy(&text),
        "Ada has six drums and gets eight more. Now Ada has fourteen drums.\n"
    );
}

/// The packages that `make models` has made.
fn fetched(name: &str) -> [Package; 2] {
    let load = |folder| Package::load(&models(name).join(folder)).expect("`make models` makes it");
    ["package", "package-int8"].map(load)
}

#[test]
#[ignore = "needs what `make models` fetches"]
fn fetched_models_agree_with_fp32() {
    for name in ["all-minilm-l6-v2", "efficientnet-lite0", "silero-vad"] {
        for package in fetched(name) {
            let precision = package.manifest().precision().expect("checked when it was loaded");
            let golden = models(name).join("golden.safetensors");
            let report = check(&package, &torch(), &golden).expect("the golden file fits");
            for output in &report.outputs {
                let least = if precision == Precision::Int16 { 0.999_99 } else { 0.98 };
                assert!(output.cosine > least, "{name} {precision:?}: {report}");
            }
        }
    }
}

#[test]
#[ignore = "needs what `make models` fetches"]
fn fetched_embeddings_of_single_words_agree_with_fp32() {
    for (folder, least) in [
        ("package", 0.999_99),
        ("package-int16int8", 0.998),
        ("package-int8", 0.985),
    ] {
        let folder = models("all-minilm-l6-v2").join(folder);
        let package = Package::load(&folder).expect("`make models` makes it");
        let golden = models("all-minilm-l6-v2/words.safetensors");
        let report = check(&package, &torch(), &golden).expect("the golden file fits");
        let embeddings = &report.outputs[0];
        assert_eq!(embeddings.rows, 35);
        assert!(embeddings.cosine >= least, "{}: {report}", folder.display());
    }
}
