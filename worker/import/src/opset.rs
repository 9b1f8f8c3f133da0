//! The table of core ATen operators in docs/importing.md: what the import does with each, and why it refuses the
//! others.
//!
//! `ASSAY_BLESS=1 cargo test --workspace opset` writes the table anew. `core_aten.py` writes the list of operators.

use super::{
    advice::{OUTSIDE_CORE, REFUSED},
    find, find_complex, is_silent_target,
};
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

const BEGIN: &str = "<!-- The table of core ATen operators is written by a test of assay-import. -->\n";
const END: &str = "<!-- End of the table. -->\n";

fn row(name: &str) -> String {
    let target = format!("torch.ops.aten.{name}");
    let (found, refused) = (
        find(&target).or_else(|| find_complex(&target)).is_some(),
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
    for (name, _) in OUTSIDE_CORE {
        assert!(find(&format!("torch.ops.{name}")).is_none(), "{name} is imported");
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
