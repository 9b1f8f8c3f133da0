//! Buffers that a program changes: they are inputs and outputs of the package.

use super::{
    dimensions::{add, fixed, tensor},
    symbols::{numbers, run},
    *,
};
use assay_ops::tensor::Tensor;
use serde_json::json;

const SIZES: [i64; 2] = [2, 3];

/// Imports a program with the input `x [2, 3]` and buffers of the same size, whose nodes `build` adds.
fn import_with_buffers(
    buffers: &[&str],
    outputs: Value,
    build: impl FnOnce(&mut Value),
) -> Result<Package, ImportError> {
    import_program(|program| {
        program["graph_module"]["graph"]["nodes"] = json!([]);
        for name in buffers.iter().chain(&["x"]) {
            program["graph_module"]["graph"]["tensor_values"][*name] = json!({
                "dtype": 7,
                "sizes": SIZES.map(fixed),
                "strides": [],
                "storage_offset": { "as_int": 0 },
            });
        }
        build(program);
        let specs = buffers
            .iter()
            .map(|name| json!({ "buffer": { "arg": { "name": name }, "buffer_name": name, "persistent": true } }));
        let input = json!({ "user_input": { "arg": tensor("x") } });
        program["graph_module"]["signature"]["input_specs"] = specs.chain([input]).collect();
        program["graph_module"]["signature"]["output_specs"] = outputs;
    })
}

fn user_output(name: &str) -> Value {
    json!({ "user_output": { "arg": tensor(name) } })
}

fn binary(program: &mut Value, name: &str, target: &str, a: &str, b: (&str, &str)) {
    let given = [("self", tensor(a)), (b.0, tensor(b.1))];
    add(program, name, target, &given, 7, &SIZES.map(fixed));
}

fn names(package: &Package) -> (Vec<&str>, Vec<&str>) {
    let graph = package.graph().graph();
    (
        graph.inputs.iter().map(|input| input.name.as_str()).collect(),
        graph.outputs.iter().map(|output| output.name.as_str()).collect(),
    )
}

fn values(tensor: &Tensor) -> Vec<f32> {
    let numbers = tensor.bytes().as_chunks().0.iter();
    numbers.map(|bytes| f32::from_le_bytes(*bytes)).collect()
}

#[test]
fn a_buffer_that_is_changed_is_an_input_and_an_output() {
    let package = import_with_buffers(&["total"], json!([user_output("mul")]), |program| {
        binary(program, "add_", "torch.ops.aten.add_.Tensor", "total", ("other", "x"));
        binary(program, "mul", "torch.ops.aten.mul.Tensor", "add_", ("other", "x"));
    });
    let package = package.expect("a sound program");
    assert_eq!(names(&package), (vec!["x", "total"], vec!["output_0", "next_total"]));
    let (x, total) = (numbers(&[2, 3], 1), numbers(&[2, 3], 20));
    let given = run(&package, &[x.clone(), total.clone()]);
    let sums: Vec<f32> = values(&x)
        .iter()
        .zip(values(&total))
        .map(|(x, total)| x + total)
        .collect();
    let products: Vec<f32> = sums.iter().zip(values(&x)).map(|(sum, x)| sum * x).collect();
    assert_eq!((values(&given[0]), values(&given[1])), (products, sums));
}

#[test]
fn a_buffer_that_the_signature_gives_another_value_is_one_too() {
    let mutation = json!({ "buffer_mutation": { "arg": { "name": "add" }, "buffer_name": "total" } });
    let package = import_with_buffers(&["total"], json!([mutation, user_output("mul")]), |program| {
        binary(program, "add", "torch.ops.aten.add.Tensor", "total", ("other", "x"));
        binary(program, "mul", "torch.ops.aten.mul.Tensor", "total", ("other", "x"));
    });
    let package = package.expect("a sound program");
    assert_eq!(names(&package), (vec!["x", "total"], vec!["output_0", "next_total"]));
    let (x, total) = (numbers(&[2, 3], 1), numbers(&[2, 3], 20));
    let given = run(&package, &[x.clone(), total.clone()]);
    let products: Vec<f32> = values(&x)
        .iter()
        .zip(values(&total))
        .map(|(x, total)| x * total)
        .collect();
    assert_eq!(values(&given[0]), products);
}

#[test]
fn a_change_of_a_part_of_a_buffer_is_a_change_of_it() {
    let package = import_with_buffers(&["cache"], json!([user_output("mul")]), |program| {
        let given = [("self", tensor("cache")), ("dim", fixed(0)), ("index", fixed(1))];
        add(program, "select", "torch.ops.aten.select.int", &given, 7, &[fixed(3)]);
        let given = [("self", tensor("x")), ("dim", fixed(0)), ("index", fixed(0))];
        add(program, "first", "torch.ops.aten.select.int", &given, 7, &[fixed(3)]);
        let given = [("self", tensor("select")), ("src", tensor("first"))];
        add(program, "copy_", "torch.ops.aten.copy_.default", &given, 7, &[fixed(3)]);
        binary(program, "mul", "torch.ops.aten.mul.Tensor", "cache", ("other", "x"));
    });
    let package = package.expect("a sound program");
    assert_eq!(names(&package), (vec!["x", "cache"], vec!["output_0", "next_cache"]));
    let (x, cache) = (numbers(&[2, 3], 1), numbers(&[2, 3], 20));
    let given = run(&package, &[x.clone(), cache.clone()]);
    let next = [&values(&cache)[..3], &values(&x)[..3]].concat();
    let products: Vec<f32> = next.iter().zip(values(&x)).map(|(cache, x)| cache * x).collect();
    assert_eq!((values(&given[0]), values(&given[1])), (products, next));
}

#[test]
fn a_buffer_that_is_filled_before_it_is_read_is_no_state() {
    let package = import_with_buffers(&["room"], json!([user_output("mul")]), |program| {
        binary(program, "copy_", "torch.ops.aten.copy_.default", "room", ("src", "x"));
        binary(program, "mul", "torch.ops.aten.mul.Tensor", "room", ("other", "x"));
    });
    let package = package.expect("a sound program");
    assert_eq!(names(&package), (vec!["x"], vec!["output_0"]));
    let x = numbers(&[2, 3], 1);
    let squares: Vec<f32> = values(&x).iter().map(|x| x * x).collect();
    assert_eq!(values(&run(&package, &[x])[0]), squares);
}

#[test]
fn an_input_that_is_changed_is_refused() {
    let error = import_with_buffers(&[], json!([user_output("mul")]), |program| {
        binary(program, "add_", "torch.ops.aten.add_.Tensor", "x", ("other", "x"));
        binary(program, "mul", "torch.ops.aten.mul.Tensor", "add_", ("other", "x"));
    });
    let error = error.expect_err("the caller's tensor is changed").to_string();
    assert!(error.contains("changes an input or a parameter in place"), "{error}");
}
