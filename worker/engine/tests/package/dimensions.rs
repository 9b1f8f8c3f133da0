//! Sizes that the program computes from symbols, as `nn.MultiheadAttention` and caches have them.

use super::*;
use assay_engine::{CpuEngine, Engine, ReferenceEngine};
use assay_ops::tensor::Tensor;
use serde_json::json;
use std::num::NonZeroUsize;

/// As sympy writes it: `factor × batch + offset`.
fn size(factor: i64, offset: i64) -> Value {
    let symbol = "Symbol('s40', positive=True, integer=True)";
    let text = match (factor, offset) {
        (1, 0) => symbol.to_owned(),
        (1, offset) => format!("Add({symbol}, Integer({offset}))"),
        (factor, 0) => format!("Mul(Integer({factor}), {symbol})"),
        (factor, offset) => format!("Add(Mul(Integer({factor}), {symbol}), Integer({offset}))"),
    };
    written(&text)
}

fn written(text: &str) -> Value {
    json!({ "as_expr": { "expr_str": text, "hint": { "as_int": 2 } } })
}

pub fn fixed(elements: i64) -> Value {
    json!({ "as_int": elements })
}

/// A node of the program, and the sizes of the tensor of its name: it takes the arguments in the order of `inputs`.
pub fn add(program: &mut Value, name: &str, target: &str, inputs: &[(&str, Value)], dtype: u32, sizes: &[Value]) {
    let inputs = inputs
        .iter()
        .map(|(name, arg)| json!({ "name": name, "arg": arg, "kind": 1 }));
    let node = json!({
        "target": target,
        "inputs": inputs.collect::<Vec<_>>(),
        "outputs": [{ "as_tensor": { "name": name } }],
        "metadata": { "stack_trace": "File \"heads.py\", line 9, in forward" },
        "name": name,
    });
    let graph = &mut program["graph_module"]["graph"];
    graph["nodes"].as_array_mut().expect("a list").push(node);
    graph["tensor_values"][name] = json!({
        "dtype": dtype,
        "sizes": sizes,
        "strides": [],
        "storage_offset": { "as_int": 0 },
    });
}

/// A node that computes a size.
fn add_size(program: &mut Value, name: &str, target: &str, inputs: &[(&str, Value)], value: Value) {
    let inputs = inputs
        .iter()
        .map(|(name, arg)| json!({ "name": name, "arg": arg, "kind": 1 }));
    let node = json!({
        "target": target,
        "inputs": inputs.collect::<Vec<_>>(),
        "outputs": [{ "as_sym_int": { "as_name": name } }],
        "metadata": {},
        "name": name,
    });
    let graph = &mut program["graph_module"]["graph"];
    graph["nodes"].as_array_mut().expect("a list").push(node);
    graph["sym_int_values"][name] = value;
}

pub fn tensor(name: &str) -> Value {
    json!({ "as_tensor": { "name": name } })
}

fn named(size: &str) -> Value {
    json!({ "as_sym_int": { "as_name": size } })
}

/// Imports a program that takes `image [batch, 8, 8]` and whose nodes `build` adds.
fn import_nodes(outputs: &[&str], build: impl FnOnce(&mut Value)) -> Result<Package, ImportError> {
    import_program(|program| {
        program["graph_module"]["graph"]["nodes"] = json!([]);
        build(program);
        let outputs = outputs
            .iter()
            .map(|name| json!({ "user_output": { "arg": tensor(name) } }));
        program["graph_module"]["signature"]["output_specs"] = outputs.collect();
    })
}

/// `view [4 batch, 16]` of the image.
fn add_view(program: &mut Value) {
    let image = tensor("image");
    let first = [("self", image.clone()), ("dim", fixed(0))];
    add_size(program, "batch", "torch.ops.aten.sym_size.int", &first, size(1, 0));
    let four = [("a", named("batch")), ("b", fixed(4))];
    add_size(program, "heads", "_operator.mul", &four, size(4, 0));
    let sizes = json!({ "as_sym_ints": [{ "as_name": "heads" }, { "as_int": 16 }] });
    let inputs = [("self", image), ("size", sizes)];
    add(
        program,
        "view",
        "torch.ops.aten.view.default",
        &inputs,
        7,
        &[size(4, 0), fixed(16)],
    );
}

fn images(batch: u32) -> (Tensor, Vec<f32>) {
    let values: Vec<f32> = (0..batch * 64).map(|value| value as f32).collect();
    let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    let dtype = assay_ops::tensor::DataType::Float32;
    let tensor = Tensor::new(dtype, vec![batch, 8, 8], bytes).expect("as many values as the shape says");
    (tensor, values)
}

#[test]
fn sizes_that_are_computed_from_a_symbol_are_dimensions() {
    let outputs = ["slice", "unfold", "full"];
    let package = import_nodes(&outputs, |program| {
        add_view(program);
        let twice = json!({ "as_tensors": [{ "name": "view" }, { "name": "view" }] });
        let inputs = [("tensors", twice), ("dim", fixed(0))];
        let sizes = [size(8, 0), fixed(16)];
        add(program, "cat", "torch.ops.aten.cat.default", &inputs, 7, &sizes);
        let pads = json!({ "as_ints": [0, 0, 1, 2] });
        let inputs = [
            ("self", tensor("cat")),
            ("pad", pads),
            ("value", json!({ "as_float": 7.0 })),
        ];
        let (target, sizes) = ("torch.ops.aten.constant_pad_nd.default", [size(8, 3), fixed(16)]);
        add(program, "pad", target, &inputs, 7, &sizes);
        // All but the last row, and pairs of rows.
        let inputs = [
            ("self", tensor("pad")),
            ("dim", fixed(0)),
            ("start", fixed(0)),
            ("end", fixed(-1)),
        ];
        let sizes = [size(8, 2), fixed(16)];
        add(program, "slice", "torch.ops.aten.slice.Tensor", &inputs, 7, &sizes);
        let inputs = [
            ("self", tensor("slice")),
            ("dimension", fixed(0)),
            ("size", fixed(2)),
            ("step", fixed(2)),
        ];
        let sizes = [size(4, 1), fixed(16), fixed(2)];
        add(program, "unfold", "torch.ops.aten.unfold.default", &inputs, 7, &sizes);
        // As many numbers as heads less five, which would be no size, in a tensor of three more than heads.
        let more = [("a", fixed(3)), ("b", named("heads"))];
        add_size(program, "more", "_operator.add", &more, written("4*s40 + 3"));
        let less = [("a", named("heads")), ("b", fixed(5))];
        add_size(program, "less", "_operator.sub", &less, written("-5 + s40*4"));
        let inputs = [
            ("size", json!({ "as_sym_ints": [{ "as_name": "more" }] })),
            ("fill_value", named("less")),
        ];
        let (target, sizes) = ("torch.ops.aten.full.default", [written("3 + 4*s40")]);
        add(program, "full", target, &inputs, 7, &sizes);
    });
    let package = package.expect("a sound program");
    assert_eq!(package.graph().batch_symbol(), None);
    let text = inspect(&package);
    for line in [
        "gives      output_0: float32 [8·batch + 2, 16]",
        "gives      output_1: float32 [4·batch + 1, 16, 2]",
        "float32 [4·batch, 16]",
    ] {
        assert!(text.contains(line), "{line} in\n{text}");
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    package.save(folder.path()).expect("the folder can be written");
    let loaded = Package::load(folder.path()).expect("just written");
    assert_eq!(loaded.root(), package.root());

    for batch in [1, 3] {
        let (image, values) = images(batch);
        let ends = [[7f32; 16]; 2];
        let rows: Vec<f32> = [&ends[0][..], &values, &values, &ends[1]].concat();
        let pairs = rows
            .chunks(32)
            .flat_map(|pair| (0..16).flat_map(|column| [pair[column], pair[16 + column]]));
        let expected = [
            (vec![8 * batch + 2, 16], rows.clone()),
            (vec![4 * batch + 1, 16, 2], pairs.collect()),
            (
                vec![4 * batch + 3],
                vec![4.0 * batch as f32 - 5.0; 4 * batch as usize + 3],
            ),
        ];
        let cpu = CpuEngine::new(NonZeroUsize::MIN).expect("a processor");
        let engines: [&dyn Engine; 2] = [&ReferenceEngine, &cpu];
        for engine in engines {
            let model = engine.load(&loaded).expect("the package can be loaded");
            let given = model.run(std::slice::from_ref(&image)).expect("the input fits");
            for (tensor, (shape, values)) in given.iter().zip(&expected) {
                let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
                assert_eq!((tensor.shape(), tensor.bytes()), (&**shape, &*bytes));
            }
        }
    }
}

#[test]
fn sizes_that_are_no_dimension_are_refused_with_their_place() {
    for (text, reason) in [
        ("s40*s41", "s40*s41 is no dimension: s41 is the size of no input"),
        (
            "FloorDiv(s40, 2)",
            "FloorDiv(s40, 2) is no dimension: the quotient by 2 does not come out even",
        ),
        ("Max(3, s40)", "Max(3, s40) is no dimension: it depends on the symbols"),
        ("Mod(s40, 3)", "Mod(s40, 3) is no dimension: Mod is not read"),
        (
            "4294967296*s40",
            "4294967296*s40 is no dimension: it has more than 5 terms or a number beyond 32 bits",
        ),
        ("-4*s40", "-4·s40 is a size that no tensor has"),
    ] {
        let error = import_nodes(&["view"], |program| {
            add_view(program);
            program["graph_module"]["graph"]["tensor_values"]["view"]["sizes"][0] = written(text);
        });
        let error = error.expect_err("no dimension").to_string();
        let place =
            "aten.view.default (node view, heads.py:9): argument output has a dimension 0 that is not imported: ";
        assert!(error.starts_with(&format!("{place}{reason}")), "{error}");
    }
}

#[test]
fn sizes_that_may_be_zero_are_refused_until_the_range_says_otherwise() {
    let all_but_the_first = |least: i64| {
        import_nodes(&["slice"], |program| {
            program["range_constraints"]["s40"]["min_val"] = least.into();
            let inputs = [
                ("self", tensor("image")),
                ("dim", fixed(0)),
                ("start", fixed(1)),
                ("end", fixed(i64::MAX)),
            ];
            let sizes = [size(1, -1), fixed(8), fixed(8)];
            add(program, "slice", "torch.ops.aten.slice.Tensor", &inputs, 7, &sizes);
        })
    };
    let error = all_but_the_first(1).expect_err("nothing is left of one").to_string();
    assert!(
        error.contains("slice (slice, heads.py:9)") && error.contains("narrow their ranges"),
        "{error}"
    );
    let package = all_but_the_first(2).expect("one is left of two");
    let model = ReferenceEngine.load(&package).expect("the package can be loaded");
    let (image, values) = images(3);
    let given = model.run(&[image]).expect("the input fits");
    let expected: Vec<u8> = values[64..].iter().flat_map(|value| value.to_le_bytes()).collect();
    assert_eq!((given[0].shape(), given[0].bytes()), (&[2, 8, 8][..], &*expected));
}

#[test]
fn parts_of_a_dynamic_dimension_lie_one_after_the_other() {
    let package = import_nodes(&["left", "right"], |program| {
        add_view(program);
        let sizes = json!({ "as_sym_ints": [{ "as_name": "batch" }, { "as_name": "rest" }] });
        let three = [("a", named("batch")), ("b", fixed(3))];
        add_size(program, "rest", "_operator.mul", &three, size(3, 0));
        let inputs = [("self", tensor("view")), ("split_sizes", sizes), ("dim", fixed(0))];
        let target = "torch.ops.aten.split_with_sizes.default";
        add(program, "left", target, &inputs, 7, &[size(1, 0), fixed(16)]);
        let graph = &mut program["graph_module"]["graph"];
        let mut right = graph["tensor_values"]["left"].clone();
        right["sizes"][0] = size(3, 0);
        graph["tensor_values"]["right"] = right;
        let node = graph["nodes"].as_array_mut().expect("a list").last_mut();
        node.expect("just added")["outputs"] = json!([{ "as_tensors": [{ "name": "left" }, { "name": "right" }] }]);
    });
    let package = package.expect("a sound program");
    let model = ReferenceEngine.load(&package).expect("the package can be loaded");
    let (image, values) = images(2);
    let given = model.run(&[image]).expect("the input fits");
    let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    let (left, right) = bytes.split_at(2 * 16 * 4);
    assert_eq!((given[0].shape(), given[0].bytes()), (&[2, 16][..], left));
    assert_eq!((given[1].shape(), given[1].bytes()), (&[6, 16][..], right));
}

#[test]
fn heads_beside_the_batch_are_attended_to_each_for_itself() {
    // As in nn.MultiheadAttention: [batch, 8, 8] to [8, 4 batch, 2], attention, and back by way of [8 batch, 8].
    let package = import_nodes(&["output"], |program| {
        let (transpose, view) = ("torch.ops.aten.transpose.int", "torch.ops.aten.view.default");
        let product = "torch.ops.aten.bmm.default";
        let mut step = |name: &str, target: &str, of: &str, inputs: &[(&str, Value)], sizes: [Value; 3]| {
            let inputs = [&[("self", tensor(of))], inputs].concat();
            add(program, name, target, &inputs, 7, &sizes);
        };
        let swapped = |left, right| [("dim0", fixed(left)), ("dim1", fixed(right))];
        let eight = || fixed(8);
        step(
            "turned",
            transpose,
            "image",
            &swapped(0, 1),
            [eight(), size(1, 0), eight()],
        );
        step("heads", view, "turned", &[], [eight(), size(4, 0), fixed(2)]);
        step(
            "query",
            transpose,
            "heads",
            &swapped(0, 1),
            [size(4, 0), eight(), fixed(2)],
        );
        step(
            "key",
            transpose,
            "query",
            &swapped(1, 2),
            [size(4, 0), fixed(2), eight()],
        );
        let key = [("mat2", tensor("key"))];
        step("scores", product, "query", &key, [size(4, 0), eight(), eight()]);
        let last = [("dim", fixed(-1))];
        let softmax = "torch.ops.aten.softmax.int";
        step("weights", softmax, "scores", &last, [size(4, 0), eight(), eight()]);
        let value = [("mat2", tensor("query"))];
        step("attended", product, "weights", &value, [size(4, 0), eight(), fixed(2)]);
        step(
            "back",
            transpose,
            "attended",
            &swapped(0, 1),
            [eight(), size(4, 0), fixed(2)],
        );
        let rows = [size(8, 0), eight()];
        add(program, "rows", view, &[("self", tensor("back"))], 7, &rows);
        let sizes = [eight(), size(1, 0), eight()];
        add(program, "output", view, &[("self", tensor("rows"))], 7, &sizes);
    });
    let package = package.expect("a sound program");
    assert_eq!(package.graph().batch_symbol(), None);
    let cpu = CpuEngine::new(NonZeroUsize::MIN).expect("a processor");
    let engines: [&dyn Engine; 2] = [&ReferenceEngine, &cpu];
    for engine in engines {
        let model = engine.load(&package).expect("the package can be loaded");
        let (image, _) = images(3);
        let together = model.run(std::slice::from_ref(&image)).expect("the input fits");
        assert_eq!(together[0].shape(), [8, 3, 8]);
        for (entry, bytes) in image.bytes().chunks(64 * 4).enumerate() {
            let alone = Tensor::new(image.dtype(), vec![1, 8, 8], bytes.to_vec()).expect("one image");
            let alone = model.run(&[alone]).expect("the input fits");
            let rows = together[0].bytes().chunks(8 * 4).skip(entry).step_by(3);
            assert_eq!(alone[0].bytes(), rows.collect::<Vec<_>>().concat());
        }
    }
}

#[test]
fn windows_along_a_dynamic_dimension_are_as_many_as_it_has_places() {
    let pooled = |stride: i64, sizes: Value| {
        import_nodes(&["pool"], |program| {
            program["range_constraints"]["s40"]["min_val"] = 2.into();
            let order = json!({ "as_ints": [1, 2, 0] });
            let inputs = [("self", tensor("image")), ("dims", order)];
            let turned = [fixed(8), fixed(8), size(1, 0)];
            add(program, "turned", "torch.ops.aten.permute.default", &inputs, 7, &turned);
            let inputs = [
                ("self", tensor("turned")),
                ("kernel_size", json!({ "as_ints": [2] })),
                ("stride", json!({ "as_ints": [stride] })),
            ];
            let (target, sizes) = ("torch.ops.aten.max_pool1d.default", [fixed(8), fixed(8), sizes]);
            add(program, "pool", target, &inputs, 7, &sizes);
        })
    };
    let package = pooled(1, size(1, -1)).expect("a window begins at each place but the last");
    let model = ReferenceEngine.load(&package).expect("the package can be loaded");
    let (image, values) = images(3);
    let given = model.run(&[image]).expect("the input fits");
    // The values rise from image to image.
    let greatest = (0..64).flat_map(|place| [values[64 + place], values[128 + place]]);
    let expected: Vec<u8> = greatest.flat_map(f32::to_le_bytes).collect();
    assert_eq!((given[0].shape(), given[0].bytes()), (&[8, 8, 2][..], &*expected));
    let error = pooled(2, size(1, -1)).expect_err("half as many").to_string();
    assert!(error.contains("(node pool, heads.py:9)"), "{error}");
}
