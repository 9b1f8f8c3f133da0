//! The digits model as it is committed: its root, its outputs bit for bit, and how many digits it gets right.
//!
//! After a change that is meant to alter them, `ASSAY_BLESS=1 cargo test --workspace --test digits` imports
//! `digits.pt2` again and writes the package and the exact outputs; the root below is then changed by hand.

use assay_engine::{Device, Engine, ReferenceEngine, TorchEngine, TorchOptions, check::check};
use assay_exact::quantise::Precision;
use assay_import::{ImportOptions, import};
use assay_ops::tensor::Tensor;
use assay_package::{Details, Package};
use assay_text::inputs::{self, JobInput};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use std::{
    fs,
    path::{Path, PathBuf},
};

const ROOT: &str = "08d4f2980f5010c044caaade12b5d9fc923839e3a5961c522c88bae01f15608c";
const HELD_OUT: usize = 360;

fn digits(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../models/digits")
        .join(path)
}

fn engines() -> [Box<dyn Engine>; 2] {
    let options = TorchOptions {
        device: Device::Cpu,
        threads: 2.try_into().expect("not zero"),
    };
    [
        Box::new(ReferenceEngine),
        Box::new(TorchEngine::new(options).expect("a processor follows IEEE 754")),
    ]
}

fn imported(precision: Precision) -> Package {
    let details = Details {
        name: "digits".to_owned(),
        version: "1.0.0".to_owned(),
        licence: "Apache-2.0".to_owned(),
        description: "Ten logits for an 8 x 8 handwritten digit with pixels from 0 to 16".to_owned(),
    };
    let options = ImportOptions {
        details,
        precision,
        weights: None,
        assets: vec![],
    };
    import(&digits("digits.pt2"), options).expect("digits.pt2 is a program that can be imported")
}

fn committed() -> Package {
    if std::env::var_os("ASSAY_BLESS").is_some() {
        imported(Precision::Int16)
            .save(&digits("package"))
            .expect("the folder can be written");
    }
    Package::load(&digits("package")).expect("the committed package is whole")
}

fn held_out(package: &Package) -> Vec<JobInput> {
    let jobs = inputs::read(&digits("golden.safetensors"), package.graph()).expect("the golden file has the inputs");
    assert_eq!(jobs.len(), HELD_OUT);
    jobs
}

fn greatest(logits: &Tensor) -> i64 {
    let logits: Vec<f32> = logits
        .numbers()
        .map(|number| f32::from_bits(number.to_bits()))
        .collect();
    (0..logits.len())
        .reduce(|best, i| if logits[i] > logits[best] { i } else { best })
        .expect("ten logits") as i64
}

#[test]
fn package_has_the_root_that_is_registered() {
    assert_eq!(hex::encode(committed().root()), ROOT);
}

#[test]
fn importing_again_gives_the_same_bytes() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    imported(Precision::Int16)
        .save(folder.path())
        .expect("the folder can be written");
    for file in ["manifest.toml", "graph.scale", "weights.safetensors"] {
        let (again, committed) = (
            fs::read(folder.path().join(file)),
            fs::read(digits("package").join(file)),
        );
        assert!(again.expect("just written") == committed.expect("committed"), "{file}");
    }
}

/// The exact outputs of all held-out digits, one after the other.
fn outputs(package: &Package, engine: &dyn Engine) -> Vec<u8> {
    let jobs: Vec<Vec<Tensor>> = held_out(package).into_iter().map(|job| job.tensors).collect();
    let model = engine.load(package).expect("the package can be loaded");
    let outputs = model
        .run_jobs(&jobs)
        .into_iter()
        .map(|result| result.expect("a digit fits the model"));
    outputs.flat_map(|outputs| outputs[0].bytes().to_vec()).collect()
}

#[test]
fn exact_outputs_are_the_golden_ones_on_every_engine() {
    let path = digits("exact.safetensors");
    let packages = [("int16", committed()), ("int8", imported(Precision::Int8))];
    if std::env::var_os("ASSAY_BLESS").is_some() {
        let outputs = packages
            .each_ref()
            .map(|(name, package)| (*name, outputs(package, &ReferenceEngine)));
        let views = outputs.each_ref().map(|(name, bytes)| {
            (
                *name,
                TensorView::new(Dtype::F32, vec![HELD_OUT, 10], bytes).expect("ten logits for each digit"),
            )
        });
        safetensors::serialize_to_file(views, None, &path).expect("the folder can be written");
    }
    let file = fs::read(path).expect("committed");
    let golden = SafeTensors::deserialize(&file).expect("committed");
    for (name, package) in &packages {
        for engine in engines() {
            let golden = golden.tensor(name).expect("committed");
            assert!(
                golden.data() == outputs(package, engine.as_ref()),
                "{name} on {}",
                engine.description()
            );
        }
    }
}

#[test]
fn exact_outputs_are_as_right_as_fp32() {
    for (precision, least_cosine) in [(Precision::Int16, 0.999_999_9), (Precision::Int8, 0.999)] {
        let package = imported(precision);
        for engine in engines() {
            let report = check(&package, engine.as_ref(), &digits("golden.safetensors")).expect("the golden file fits");
            let [output] = report.outputs.as_slice() else {
                panic!("one output")
            };
            assert_eq!((output.rows, output.top1), (HELD_OUT, HELD_OUT), "{precision:?}");
            assert!(output.cosine >= least_cosine, "{precision:?}: {}", output.cosine);
            assert_eq!(report.right, Some((358, HELD_OUT)), "{precision:?}");
        }
    }
}

#[test]
fn demo_inputs_are_fifty_labelled_digits() {
    let package = committed();
    let jobs = inputs::read(&digits("inputs"), package.graph()).expect("the folder holds inputs");
    assert_eq!(jobs.len(), 50);
    let model = ReferenceEngine.load(&package).expect("the package can be loaded");
    let right = jobs.iter().filter(|job| {
        let outputs = model.run(&job.tensors).expect("a digit fits the model");
        Some(greatest(&outputs[0])) == job.label
    });
    assert!(right.count() >= 49);
    assert_eq!(jobs[7].name, "digits.safetensors#7");
}
