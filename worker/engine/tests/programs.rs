//! Small exported programs that use every operator of the importer: they are imported, and agree with torch.
//!
//! `programs/export.py` writes them with their fp32 outputs. `programs/exact.txt` holds the digest of the exact outputs
//! of each; after a change that is meant to alter them, `ASSAY_BLESS=1 cargo test --workspace --test programs` writes
//! it anew.

use assay_engine::{
    Engine, ReferenceEngine,
    check::{CheckReport, check},
};
use assay_exact::{
    graph::{Operator, Output, Value},
    quantise::Precision,
};
use assay_import::{ImportOptions, import};
use assay_ops::tensor::{Blake2b256, Tensor};
use assay_package::{Details, Package};
use safetensors::SafeTensors;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

const FAMILIES: [&str; 23] = [
    "activations",
    "arithmetic",
    "assignments",
    "attention",
    "bits",
    "convolutions",
    "dynamic",
    "einsums",
    "functions",
    "indexing",
    "logic",
    "masks",
    "normalisations",
    "padding",
    "products",
    "rankings",
    "recurrent",
    "reductions",
    "resampling",
    "scatters",
    "shapes",
    "transposed",
    "trigonometry",
];

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/programs").join(name)
}

fn imported(family: &str, precision: Precision) -> Package {
    let details = Details {
        name: family.to_owned(),
        version: "1.0.0".to_owned(),
        licence: "Apache-2.0".to_owned(),
        description: String::new(),
    };
    let options = ImportOptions {
        details,
        precision,
        weights: None,
        assets: vec![],
    };
    import(&file(&format!("{family}.pt2")), options).unwrap_or_else(|error| panic!("{family}: {error}"))
}

fn report(family: &str, precision: Precision) -> CheckReport {
    let package = imported(family, precision);
    check(&package, &ReferenceEngine, &file(&format!("{family}.safetensors")))
        .unwrap_or_else(|error| panic!("{family}: {error}"))
}

/// The inputs that are stored with a program.
fn inputs(family: &str, package: &Package) -> Vec<Tensor> {
    let bytes = fs::read(file(&format!("{family}.safetensors"))).expect("committed");
    let stored = SafeTensors::deserialize(&bytes).expect("committed");
    let inputs = package.graph().graph().inputs.iter().map(|input| {
        let view = stored.tensor(&input.name).expect("committed");
        let shape = view.shape().iter().map(|elements| *elements as u32).collect();
        Tensor::new(input.dtype, shape, view.data().to_vec()).expect("of the type that the program says")
    });
    inputs.collect()
}

#[test]
fn every_operator_agrees_with_torch() {
    for family in FAMILIES {
        for output in report(family, Precision::Int16).outputs {
            assert!(output.cosine > 0.999_999, "{family}: {output:?}");
            assert!(output.max_error < 2e-2, "{family}: {output:?}");
        }
    }
}

#[test]
fn eight_bits_agree_with_torch_less_closely() {
    for family in ["attention", "convolutions", "products", "recurrent"] {
        for output in report(family, Precision::Int8).outputs {
            assert!(output.cosine > 0.99, "{family}: {output:?}");
        }
    }
}

#[test]
fn weights_keys_and_values_of_eight_bits_agree_with_torch_almost_as_closely() {
    for family in ["attention", "convolutions", "products", "recurrent"] {
        for output in report(family, Precision::Int16Int8).outputs {
            assert!(output.cosine > 0.99, "{family}: {output:?}");
        }
    }
    let precisions: BTreeSet<&str> = imported("attention", Precision::Int16Int8)
        .graph()
        .graph()
        .nodes
        .iter()
        .filter_map(|node| match node.operator {
            // Its rows are short, so their weights have 16 bits.
            Operator::Linear { precision } => {
                assert!(matches!(precision, Precision::Int16 | Precision::Int16Int8));
                None
            }
            Operator::MatMul { precision } | Operator::WeightedSum { precision } => {
                assert_eq!(precision, Precision::Int16Int8);
                Some("contraction")
            }
            Operator::RowScale { precision } => {
                assert_eq!(precision, Precision::Int8);
                Some("scale")
            }
            _ => None,
        })
        .collect();
    assert_eq!(precisions, BTreeSet::from(["contraction", "scale"]));
}

#[test]
fn importing_again_gives_the_same_root() {
    for family in FAMILIES {
        let roots = [(); 2].map(|()| imported(family, Precision::Int8).root());
        assert_eq!(roots[0], roots[1], "{family}");
    }
}

#[test]
fn input_that_is_handed_through_comes_out_of_a_node() {
    // Its last output is dropout, which does nothing in an evaluated model.
    let package = imported("normalisations", Precision::Int16);
    let graph = package.graph().graph();
    let handed = |output: &Output| match output.value {
        Value::Node(node) => graph.nodes[node as usize].name == format!("{}.1", output.name),
        Value::Input(_) | Value::Weight(_) => false,
    };
    let output = graph.outputs.iter().position(handed).expect("one of them");
    let value = graph.outputs[output].value;
    assert_eq!(package.graph().value(value), package.graph().value(Value::Input(0)));

    let mut job = inputs("normalisations", &package);
    let mut bytes = job[0].bytes().to_vec();
    bytes[..4].copy_from_slice(&(-0f32).to_le_bytes());
    job[0] = Tensor::new(job[0].dtype(), job[0].shape().to_vec(), bytes).expect("as long as before");
    let model = ReferenceEngine.load(&package).expect("the package can be loaded");
    let outputs = model.run(&job).expect("the inputs fit");
    assert!(outputs[output] != job[0] && outputs[output] == job[0].clone().canonical());
}

#[test]
fn exact_outputs_are_the_golden_ones() {
    let mut digests = BTreeMap::new();
    for family in FAMILIES {
        let package = imported(family, Precision::Int16);
        let model = ReferenceEngine.load(&package).expect("the package can be loaded");
        let outputs = model.run(&inputs(family, &package)).expect("the inputs fit");
        for (index, output) in outputs.iter().map(Tensor::digest::<Blake2b256>).enumerate() {
            digests.insert(format!("{family} output_{index}"), hex::encode(output));
        }
    }
    let lines = digests.iter().map(|(name, digest)| format!("{name} {digest}\n"));
    let (lines, path) = (lines.collect::<String>(), file("exact.txt"));
    if std::env::var_os("ASSAY_BLESS").is_some() {
        fs::write(&path, &lines).expect("the folder can be written");
    }
    assert_eq!(fs::read_to_string(path).expect("committed"), lines);
}
