//! Pictures and recordings become jobs of models that say how, or errors that name the file and what is wrong.

use assay_exact::{
    graph::{Dimension, Graph, Input, Node, Operator, Output, Symbol, Value},
    quantise::Precision,
};
use assay_media::{
    MediaError,
    image::{IMAGE_FILE, from_pictures},
    sound::{Carried, SOUND_FILE, from_recording},
};
use assay_ops::tensor::{DataType, Tensor};
use assay_package::{Details, Package};
use assay_text::inputs::{JobInput, read};
use hound::{SampleFormat, WavSpec, WavWriter};
use std::{
    fs,
    path::{Path, PathBuf},
};

const BATCH: Dimension = Dimension::Symbol(0);
const WIDE: Dimension = Dimension::Symbol(1);

fn models(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models").join(path)
}

/// A package whose model takes these tensors and gives them back as `output_0`, `output_1`, ….
fn package(inputs: &[(&str, DataType, &[Dimension])], asset: &str, content: &str) -> Package {
    let count = inputs.len();
    let places = 0..u16::try_from(count).expect("few");
    let nodes = inputs.iter().zip(places).map(|((name, dtype, _), place)| Node {
        name: (*name).to_owned(),
        operator: Operator::Cast { dtype: *dtype },
        inputs: vec![Value::Input(place)],
        source: String::new(),
    });
    let symbol = |name: &str, max| Symbol {
        name: name.to_owned(),
        min: 1,
        max,
    };
    let uses = |dimension| inputs.iter().any(|(.., dimensions)| dimensions.contains(&dimension));
    let symbols = [(BATCH, symbol("batch", 4)), (WIDE, symbol("width", 12))];
    let graph = Graph {
        symbols: symbols
            .into_iter()
            .filter(|(dimension, _)| uses(*dimension))
            .map(|(_, symbol)| symbol)
            .collect(),
        inputs: inputs
            .iter()
            .map(|(name, dtype, dimensions)| Input {
                name: (*name).to_owned(),
                dtype: *dtype,
                dimensions: dimensions.to_vec(),
                range: None,
            })
            .collect(),
        weights: vec![],
        nodes: nodes.collect(),
        outputs: (0..count as u32)
            .map(|index| Output {
                name: format!("output_{index}"),
                value: Value::Node(index),
            })
            .collect(),
    };
    let details = Details {
        name: "echo".into(),
        version: "1.0.0".into(),
        licence: "Apache-2.0".into(),
        description: String::new(),
    };
    let assets = vec![(asset.to_owned(), content.as_bytes().to_vec())];
    Package::new(
        details,
        Precision::Int16,
        graph.check().expect("a sound graph"),
        vec![],
        assets,
    )
    .expect("a sound package")
}

fn fixed<const N: usize>(dimensions: [u32; N]) -> Vec<Dimension> {
    dimensions.into_iter().map(Dimension::Fixed).collect()
}

fn numbers(tensor: &Tensor) -> Vec<f32> {
    tensor
        .bytes()
        .as_chunks()
        .0
        .iter()
        .map(|bytes| f32::from_le_bytes(*bytes))
        .collect()
}

/// The model of models/efficientnet-lite0, as far as pictures are concerned.
fn classifier() -> Package {
    let pixels = [&[BATCH][..], &fixed([224, 224, 3])[..]].concat();
    let rule = fs::read_to_string(models("efficientnet-lite0/image.toml")).expect("it is there");
    package(&[("pixels", DataType::Uint8, &pixels[..])], IMAGE_FILE, &rule)
}

/// Mean difference of two tensors of bytes.
fn difference(one: &Tensor, other: &Tensor) -> f64 {
    assert_eq!(one.shape(), other.shape());
    let differences = one.bytes().iter().zip(other.bytes());
    let sum: f64 = differences.map(|(one, other)| f64::from(one.abs_diff(*other))).sum();
    sum / one.bytes().len() as f64
}

/// The golden file has what Pillow makes of the pictures.
/// A PNG file has one meaning, and of a JPEG file Pillow's decoder rounds otherwise than ours.
#[test]
fn pictures_become_the_pixels_that_the_model_was_exported_with() {
    let package = classifier();
    let golden = read(&models("efficientnet-lite0/golden.safetensors"), package.graph()).expect("the same input");
    let names = ["astronaut.png", "cat.jpg", "coffee.jpg", "rocket.jpg"];
    let paths = names.map(|name| models("efficientnet-lite0/images").join(name));
    let jobs = from_pictures(paths.iter().map(PathBuf::as_path), &package).expect("all are pictures");
    assert_eq!(jobs.iter().map(|job| job.name.as_str()).collect::<Vec<_>>(), names);
    assert_eq!(jobs[0].tensors, golden[0].tensors);
    for (job, golden) in jobs.iter().zip(&golden).skip(1) {
        let mean = difference(&job.tensors[0], &golden.tensors[0]);
        assert!(mean < 3.0, "{}: {mean}", job.name);
    }
}

/// A picture of two rows and four columns, red from the left and green from the top.
fn small(folder: &Path) -> PathBuf {
    let path = folder.join("small.png");
    let file = fs::File::create(&path).expect("the folder is ours");
    let mut encoder = png::Encoder::new(file, 4, 2);
    encoder.set_color(png::ColorType::Rgb);
    let levels: Vec<u8> = (0..8)
        .flat_map(|pixel| [51 * (pixel % 4), 255 * (pixel / 4), 0])
        .collect();
    let mut writer = encoder.write_header().expect("a header");
    writer.write_image_data(&levels).expect("as many levels");
    path
}

fn job(path: &Path, package: &Package) -> Result<JobInput, MediaError> {
    Ok(from_pictures([path], package)?.remove(0))
}

#[test]
fn a_float_input_is_normalised_in_the_order_that_the_model_takes() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = small(folder.path());
    let rule = "input = \"x\"\norder = \"bgr\"\nmean = [0.0, 0.0, 0.5]\ndeviation = [1.0, 2.0, 0.5]";
    let package = package(&[("x", DataType::Float32, &fixed([3, 2, 2])[..])], IMAGE_FILE, rule);
    let tensor = job(&path, &package).expect("a picture").tensors.remove(0);
    assert_eq!(tensor.shape(), [3, 2, 2]);
    let (blue, green) = ([0.0; 4], [0.0, 0.0, 0.5, 0.5]);
    // The two columns in the middle.
    let red = [51.0, 102.0].map(|level: f32| (level / 255.0 - 0.5) / 0.5);
    assert_eq!(numbers(&tensor), [&blue[..], &green, &red, &red].concat());
}

#[test]
fn a_dynamic_width_follows_the_picture_up_to_what_the_model_takes() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = small(folder.path());
    for (height, width) in [(2, 4), (3, 6), (48, 12)] {
        let shape = [BATCH, Dimension::Fixed(height), WIDE, Dimension::Fixed(3)];
        let package = package(&[("x", DataType::Uint8, &shape[..])], IMAGE_FILE, "input = \"x\"");
        let job = job(&path, &package).expect("a picture");
        assert_eq!(job.tensors[0].shape(), [1, height, width, 3]);
    }
}

#[test]
fn what_is_no_picture_is_refused_by_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let package = classifier();
    let whole = fs::read(models("efficientnet-lite0/images/astronaut.png")).expect("it is there");
    let mut vast = whole.clone();
    // Width and height are behind the signature and the header's name; the checksum is that of another header then.
    vast[16..24].copy_from_slice(&[0x7f; 8]);
    let cut = whole[..whole.len() / 2].to_vec();
    for (name, bytes) in [
        ("empty", vec![]),
        ("text", b"a cat".to_vec()),
        ("vast", vast),
        ("cut", cut),
    ] {
        let path = folder.path().join(name);
        fs::write(&path, bytes).expect("the folder is ours");
        let error = job(&path, &package).expect_err(name);
        let is_named = error.to_string().contains(name);
        assert!(
            matches!(error, MediaError::Invalid { .. } | MediaError::TooLarge { .. }),
            "{error}"
        );
        assert!(is_named, "{error}");
    }
    let path = folder.path().join("absent.jpg");
    assert!(matches!(job(&path, &package), Err(MediaError::Read { .. })));
}

#[test]
fn a_rule_that_does_not_fit_the_model_is_refused() {
    let picture = models("efficientnet-lite0/images/cat.jpg");
    let uint8 = |rule: &str| package(&[("x", DataType::Uint8, &fixed([8, 8, 3])[..])], IMAGE_FILE, rule);
    for rule in [
        "input = \"y\"",
        "input = \"x\"\nkeep = 0.0",
        "input = \"x\"\nkeep = nan",
        "input = \"x\"\nmean = [0.0, 0.0, 0.0]",
        "input = \"x\"\nunknown = 1",
    ] {
        let error = job(&picture, &uint8(rule)).expect_err(rule);
        assert!(matches!(error, MediaError::Rule { .. }), "{rule}: {error}");
    }
    let other = package(
        &[("x", DataType::Uint8, &fixed([8, 8])[..])],
        IMAGE_FILE,
        "input = \"x\"",
    );
    assert!(matches!(job(&picture, &other), Err(MediaError::Rule { .. })));
    let none = package(&[("x", DataType::Uint8, &fixed([8, 8, 3])[..])], "other.toml", "");
    let error = job(&picture, &none).expect_err("nothing says how");
    assert!(matches!(error, MediaError::NoRule { .. }), "{error}");
}

/// A recording of these samples in two channels, the second of which is silent.
fn recording(folder: &Path, rate: u32, samples: &[i16]) -> PathBuf {
    let path = folder.join("voice.wav");
    let spec = WavSpec {
        channels: 2,
        sample_rate: rate,
        bits_per_sample: 16,
        sample_format: SampleFormat::Int,
    };
    let mut writer = WavWriter::create(&path, spec).expect("the folder is ours");
    for sample in samples {
        writer.write_sample(*sample).expect("it has room");
        writer.write_sample(0_i16).expect("it has room");
    }
    writer.finalize().expect("it has room");
    path
}

fn streaming(rule: &str) -> Package {
    let step = [BATCH, Dimension::Fixed(4)];
    let state = [BATCH, Dimension::Fixed(2)];
    let inputs: [(&str, DataType, &[Dimension]); 2] = [
        ("samples", DataType::Float32, &step[..]),
        ("state", DataType::Float32, &state[..]),
    ];
    package(&inputs, SOUND_FILE, rule)
}

#[test]
fn a_recording_is_cut_into_steps_and_the_last_is_filled_with_silence() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = recording(folder.path(), 8000, &[16_384, -32_768, 0, 1, 8_192]);
    let package = streaming("input = \"samples\"\nrate = 8000\n[carried]\noutput_1 = \"state\"");
    let steps = from_recording(&path, &package).expect("a recording");
    assert_eq!(steps.carried, [Carried { output: 1, input: 1 }]);
    let names: Vec<&str> = steps.inputs.iter().map(|job| job.name.as_str()).collect();
    assert_eq!(names, ["voice.wav#0", "voice.wav#1"]);
    let samples: Vec<Vec<f32>> = steps.inputs.iter().map(|job| numbers(&job.tensors[0])).collect();
    assert_eq!(samples, [[0.25, -0.5, 0.0, 0.5 / 32_768.0], [0.125, 0.0, 0.0, 0.0]]);
    assert_eq!(numbers(&steps.inputs[1].tensors[1]), [0.0, 0.0]);
}

#[test]
fn a_recording_that_the_model_does_not_take_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let right = "input = \"samples\"\nrate = 8000\n[carried]\noutput_1 = \"state\"";
    let path = recording(folder.path(), 44_100, &[1]);
    let error = from_recording(&path, &streaming(right)).expect_err("another rate");
    assert!(error.to_string().contains("-ar 8000"), "{error}");
    let path = recording(folder.path(), 8000, &[]);
    assert!(matches!(
        from_recording(&path, &streaming(right)),
        Err(MediaError::Invalid { .. })
    ));
    fs::write(&path, b"RIFF\xff\xff\xff\xffWAVEfmt ").expect("the folder is ours");
    assert!(matches!(
        from_recording(&path, &streaming(right)),
        Err(MediaError::Invalid { .. })
    ));
    let path = recording(folder.path(), 8000, &[1]);
    for rule in [
        "input = \"samples\"\nrate = 8000",
        "input = \"other\"\nrate = 8000\n[carried]\noutput_1 = \"state\"",
        "input = \"samples\"\nrate = 8000\n[carried]\noutput_2 = \"state\"",
        "input = \"samples\"\nrate = 8000\n[carried]\noutput_0 = \"samples\"\noutput_1 = \"state\"",
    ] {
        let error = from_recording(&path, &streaming(rule)).expect_err(rule);
        assert!(matches!(error, MediaError::Rule { .. }), "{rule}: {error}");
    }
}
