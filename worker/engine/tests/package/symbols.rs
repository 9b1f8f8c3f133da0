//! Sizes that the program computes from several symbols: a cache that grows, and rows of sequences side by side.

use super::{
    dimensions::{add, fixed, tensor},
    *,
};
use assay_engine::{CpuEngine, Engine, ReferenceEngine};
use assay_ops::tensor::{DataType, Tensor};
use serde_json::json;
use std::num::NonZeroUsize;

/// As sympy writes a symbol: the batch `s40`, the past `s41` and the length `s42`.
pub fn symbol(name: &str) -> String {
    format!("Symbol('{name}', positive=True, integer=True)")
}

pub fn size(text: &str) -> Value {
    json!({ "as_expr": { "expr_str": text, "hint": { "as_int": 2 } } })
}

/// Imports a program that takes tensors of these names and sizes, of numbers, and whose nodes `build` adds.
pub fn import_nodes(
    inputs: &[(&str, &[Value])],
    outputs: &[&str],
    build: impl FnOnce(&mut Value),
) -> Result<Package, ImportError> {
    import_program(|program| {
        program["graph_module"]["graph"]["nodes"] = json!([]);
        for (name, sizes) in inputs {
            program["graph_module"]["graph"]["tensor_values"][*name] = json!({
                "dtype": 7,
                "sizes": sizes,
                "strides": [],
                "storage_offset": { "as_int": 0 },
            });
        }
        for name in ["s41", "s42"] {
            program["range_constraints"][name] = json!({ "min_val": 1, "max_val": 32 });
        }
        build(program);
        let specs = inputs
            .iter()
            .map(|(name, _)| json!({ "user_input": { "arg": tensor(name) } }));
        program["graph_module"]["signature"]["input_specs"] = specs.collect();
        let outputs = outputs
            .iter()
            .map(|name| json!({ "user_output": { "arg": tensor(name) } }));
        program["graph_module"]["signature"]["output_specs"] = outputs.collect();
    })
}

/// A tensor of different small numbers, beginning with `first`.
pub fn numbers(shape: &[u32], first: u32) -> Tensor {
    let values = (0..shape.iter().product::<u32>()).map(|value| ((first + value) % 61) as f32 / 16.0);
    let bytes = values.flat_map(f32::to_le_bytes).collect();
    Tensor::new(DataType::Float32, shape.to_vec(), bytes).expect("as many values as the shape says")
}

/// Results of the reference engine, which are those of the processor's engine as well.
pub fn run(package: &Package, inputs: &[Tensor]) -> Vec<Tensor> {
    let cpu = CpuEngine::new(NonZeroUsize::MIN).expect("a processor");
    let expected = ReferenceEngine.load(package).expect("the package can be loaded");
    let expected = expected.run(inputs).expect("the inputs fit");
    let given = cpu.load(package).expect("the package can be loaded");
    let given = given.run(inputs).expect("the inputs fit");
    for (given, expected) in given.iter().zip(&expected) {
        assert_eq!((given.shape(), given.bytes()), (expected.shape(), expected.bytes()));
    }
    assert_eq!(given.len(), expected.len());
    expected
}

#[test]
fn a_cache_is_as_long_as_past_and_length_together() {
    let [batch, past, length] = ["s40", "s41", "s42"].map(|name| size(&symbol(name)));
    let total = size(&format!("Add({}, {})", symbol("s41"), symbol("s42")));
    let rows = |middle: &Value| [batch.clone(), fixed(2), middle.clone(), fixed(4)];
    let (old, new) = (rows(&past), rows(&length));
    let inputs = [("past_keys", &old[..]), ("keys", &new[..])];
    let package = import_nodes(&inputs, &["cat", "attended"], |program| {
        let both = json!({ "as_tensors": [{ "name": "past_keys" }, { "name": "keys" }] });
        let given = [("tensors", both), ("dim", fixed(2))];
        add(program, "cat", "torch.ops.aten.cat.default", &given, 7, &rows(&total));
        let given = [("self", tensor("cat")), ("dim0", fixed(2)), ("dim1", fixed(3))];
        let sizes = [batch.clone(), fixed(2), fixed(4), total.clone()];
        add(program, "turned", "torch.ops.aten.transpose.int", &given, 7, &sizes);
        let given = [("self", tensor("keys")), ("other", tensor("turned"))];
        let sizes = [batch.clone(), fixed(2), length.clone(), total.clone()];
        add(program, "scores", "torch.ops.aten.matmul.default", &given, 7, &sizes);
        let given = [("self", tensor("scores")), ("dim", fixed(-1))];
        add(program, "weights", "torch.ops.aten.softmax.int", &given, 7, &sizes);
        let given = [("self", tensor("weights")), ("other", tensor("cat"))];
        add(program, "attended", "torch.ops.aten.matmul.default", &given, 7, &new);
    });
    let package = package.expect("a sound program");
    assert_eq!(package.graph().batch_symbol(), Some(0));
    let text = inspect(&package);
    for line in [
        "takes      past_keys: float32 [batch, 2, s1, 4]",
        "gives      output_0: float32 [batch, 2, s1 + s2, 4]",
        "float32 [batch, 2, s2, s1 + s2]",
    ] {
        assert!(text.contains(line), "{line} in\n{text}");
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    package.save(folder.path()).expect("the folder can be written");
    let loaded = Package::load(folder.path()).expect("just written");
    assert_eq!(loaded.root(), package.root());

    for (batch, past, length) in [(1, 1, 1), (2, 5, 1), (3, 2, 4)] {
        let (old, new) = (numbers(&[batch, 2, past, 4], 3), numbers(&[batch, 2, length, 4], 40));
        let heads = old.bytes().chunks(16 * past as usize);
        let expected = heads.zip(new.bytes().chunks(16 * length as usize));
        let expected: Vec<u8> = expected.flat_map(|(old, new)| [old, new].concat()).collect();
        let given = run(&loaded, &[old.clone(), new.clone()]);
        assert_eq!(given[0].shape(), [batch, 2, past + length, 4]);
        assert_eq!(given[0].bytes(), expected);
        assert_eq!(given[1].shape(), [batch, 2, length, 4]);
    }
}

#[test]
fn batch_and_length_become_one_dimension_and_two_again() {
    let [batch, length] = ["s40", "s42"].map(|name| size(&symbol(name)));
    let product = size(&format!("Mul({}, {})", symbol("s40"), symbol("s42")));
    let sizes = [batch.clone(), length.clone(), fixed(6)];
    let package = import_nodes(&[("x", &sizes)], &["flat", "more", "back"], |program| {
        let view = "torch.ops.aten.view.default";
        add(program, "flat", view, &[("self", tensor("x"))], 7, &[product, fixed(6)]);
        let pads = json!({ "as_ints": [0, 0, 1, 0] });
        let given = [
            ("self", tensor("flat")),
            ("pad", pads),
            ("value", json!({ "as_float": 0.0 })),
        ];
        let rows = [size("s42*s40 + 1"), fixed(6)];
        add(
            program,
            "more",
            "torch.ops.aten.constant_pad_nd.default",
            &given,
            7,
            &rows,
        );
        let given = [("self", tensor("flat"))];
        let sizes = [length.clone(), batch.clone(), fixed(3), fixed(2)];
        add(program, "back", view, &given, 7, &sizes);
    });
    let package = package.expect("a sound program");
    assert_eq!(package.graph().batch_symbol(), None);
    let text = inspect(&package);
    for line in ["output_0: float32 [batch·s1, 6]", "output_1: float32 [batch·s1 + 1, 6]"] {
        assert!(text.contains(line), "{line} in\n{text}");
    }
    for (batch, length) in [(1, 1), (2, 5), (4, 3)] {
        let x = numbers(&[batch, length, 6], 1);
        let given = run(&package, std::slice::from_ref(&x));
        assert_eq!(
            (given[0].shape(), given[0].bytes()),
            (&[batch * length, 6][..], x.bytes())
        );
        assert_eq!(given[1].shape(), [batch * length + 1, 6]);
        assert_eq!(given[1].bytes(), [&[0; 24][..], x.bytes()].concat());
        assert_eq!(
            (given[2].shape(), given[2].bytes()),
            (&[length, batch, 3, 2][..], x.bytes())
        );
    }
}

#[test]
fn a_view_that_is_not_as_large_for_all_values_is_refused_with_its_place() {
    let [batch, length] = ["s40", "s42"].map(|name| size(&symbol(name)));
    let sizes = [batch, length, fixed(6)];
    for text in ["s40 + s42", "s40*s42 + 1", "s40*s40"] {
        let error = import_nodes(&[("x", &sizes)], &["flat"], |program| {
            let view = "torch.ops.aten.view.default";
            add(
                program,
                "flat",
                view,
                &[("self", tensor("x"))],
                7,
                &[size(text), fixed(6)],
            );
        });
        let error = error.expect_err("another number of elements").to_string();
        let place = "reshape (flat, heads.py:9) would change the number of elements";
        assert!(error.starts_with(place), "{error}");
    }
}
