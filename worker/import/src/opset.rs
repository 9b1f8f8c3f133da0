//! The table of core ATen operators in docs/importing.md: what the import does with each, and why it refuses the
//! others.
//!
//! `ASSAY_BLESS=1 cargo test --workspace opset` writes the table anew. `core_aten.py` writes the list of operators.

use super::{find, is_silent_target};
use std::{fs, path::Path};

/// Operators that are one operator of exact arithmetic, with casts at most.
const DIRECT: &[&str] = &[
    "_log_softmax.default",
    "_softmax.default",
    "_to_copy.default",
    "abs.default",
    "add.Scalar",
    "add.Tensor",
    "bitwise_and.Scalar",
    "bitwise_and.Tensor",
    "bitwise_not.default",
    "bitwise_or.Scalar",
    "bitwise_or.Tensor",
    "bitwise_xor.Scalar",
    "bitwise_xor.Tensor",
    "cat.default",
    "ceil.default",
    "constant_pad_nd.default",
    "cos.default",
    "cumsum.default",
    "div.Scalar",
    "div.Tensor",
    "embedding.default",
    "eq.Scalar",
    "eq.Tensor",
    "erf.default",
    "exp.default",
    "expand.default",
    "floor.default",
    "fmod.Scalar",
    "fmod.Tensor",
    "full.default",
    "gather.default",
    "ge.Scalar",
    "ge.Tensor",
    "gelu.default",
    "gt.Scalar",
    "gt.Tensor",
    "index_select.default",
    "le.Scalar",
    "le.Tensor",
    "log.default",
    "logical_and.default",
    "logical_not.default",
    "logical_or.default",
    "logical_xor.default",
    "lt.Scalar",
    "lt.Tensor",
    "maximum.default",
    "minimum.default",
    "mul.Scalar",
    "mul.Tensor",
    "ne.Scalar",
    "ne.Tensor",
    "neg.default",
    "permute.default",
    "relu.default",
    "round.default",
    "rsqrt.default",
    "sigmoid.default",
    "sin.default",
    "slice.Tensor",
    "sqrt.default",
    "squeeze.dim",
    "squeeze.dims",
    "sub.Scalar",
    "sub.Tensor",
    "tanh.default",
    "trunc.default",
    "unsqueeze.default",
    "view.default",
    "where.self",
];

/// Why an operator is refused, and what helps.
const REFUSED: &[(&str, &str)] = &[
    ("_adaptive_avg_pool2d_backward.default", TRAINING),
    ("_fft_c2r.default", COMPLEX),
    ("_fft_r2c.default", COMPLEX),
    ("_local_scalar_dense.default", UNKNOWN_SIZE),
    (
        "_native_batch_norm_legit.no_stats",
        "a job would depend on the others of its batch: export the model after `eval()`, with running statistics",
    ),
    ("_pdist_forward.default", "use `cdist` of the rows with themselves"),
    (
        "as_strided.default",
        "it depends on how a tensor lies in memory: use `view`, `unfold`, slices or indices",
    ),
    ("atan2.out", "it writes into an argument: use `atan2`"),
    ("avg_pool2d_backward.default", TRAINING),
    ("convolution_backward.default", TRAINING),
    ("embedding_dense_backward.default", TRAINING),
    ("max_pool2d_with_indices_backward.default", TRAINING),
    ("native_group_norm_backward.default", TRAINING),
    ("native_layer_norm_backward.default", TRAINING),
    ("nonzero.default", UNKNOWN_SIZE),
    ("rand.default", RANDOM),
    ("randn.default", RANDOM),
    ("randperm.default", RANDOM),
    ("sym_storage_offset.default", LAYOUT),
    ("sym_stride.int", LAYOUT),
];

const TRAINING: &str = "it belongs to training";
const COMPLEX: &str =
    "complex numbers are not defined: write the transform as products with matrices of cosines and sines";
const UNKNOWN_SIZE: &str =
    "its result is a size or a number that only the elements decide: compute with a fixed size and a mask";
const RANDOM: &str = "a model has one result for one input: take the random numbers as an input";
const LAYOUT: &str = "exact arithmetic has no layout in memory; the import passes over it where nothing uses it";

const BEGIN: &str = "<!-- The table of core ATen operators is written by a test of assay-import. -->\n";
const END: &str = "<!-- End of the table. -->\n";

fn row(name: &str) -> String {
    let (found, refused) = (
        find(&format!("torch.ops.aten.{name}")).is_some(),
        REFUSED.iter().find(|(refused, _)| *refused == name),
    );
    let what = match (found, refused) {
        (true, None) if DIRECT.contains(&name) => "one operator".to_owned(),
        (true, None) => "put together".to_owned(),
        (false, Some((_, reason))) => format!("refused: {reason}"),
        (false, None) if is_silent_target(&format!("torch.ops.aten.{name}")) => {
            "no operator: the program says the size".to_owned()
        }
        _ => panic!("{name} must either be imported or have one reason for which it is refused"),
    };
    format!("| `{name}` | {what} |\n")
}

#[test]
fn table_of_core_operators_is_what_the_import_does() {
    let names: Vec<&str> = include_str!("../core_aten.txt").lines().collect();
    for (name, _) in REFUSED {
        assert!(names.contains(name), "{name} is no core operator");
    }
    for name in DIRECT {
        assert!(names.contains(name), "{name} is no core operator");
    }
    let rows: String = names.iter().map(|name| row(name)).collect();
    let table = format!("{BEGIN}\n| core ATen | in the package |\n|---|---|\n{rows}\n{END}");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/importing.md");
    let text = fs::read_to_string(&path).expect("in the repository");
    let (before, rest) = text.split_once(BEGIN).expect("the table's beginning");
    let (_, after) = rest.split_once(END).expect("the table's end");
    let expected = format!("{before}{table}{after}");
    if std::env::var_os("ASSAY_BLESS").is_some() {
        fs::write(&path, &expected).expect("the folder can be written");
    }
    assert!(
        fs::read_to_string(path).expect("in the repository") == expected,
        "docs/importing.md has another table: write it anew with ASSAY_BLESS=1"
    );
}
