//! Maximum size of an import: no more bytes come out than an archive brings.

use super::{
    dimensions::{add, fixed, tensor},
    layout::{as_torch, import_bytes},
    *,
};
use assay_engine::{Engine, ReferenceEngine};
use assay_ops::tensor::{DataType, Tensor};
use serde_json::json;

/// Elements of each weight.
const ELEMENTS: u64 = 4096;

/// Shapes of as many elements as a weight has.
fn shapes(count: usize) -> Vec<[u64; 3]> {
    let powers = (0..=12u32).flat_map(|first| (0..=12 - first).map(move |second| [first, second, 12 - first - second]));
    powers
        .map(|powers| powers.map(|power| 1 << power))
        .take(count)
        .collect()
}

/// A program that sums each of `count` weights of different shapes, all of 32-bit numbers, and adds the sums up. Weight
/// `k` is in the file that `file` names, of `content`.
fn sums(count: usize, file: impl Fn(usize) -> String, content: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut entries = entries();
    entries.retain(|(name, _)| !name.contains("/weights/weight_"));
    let mut config = json!({});
    change_json(entry(&mut entries, "models/model.json"), |program| {
        program["graph_module"]["graph"]["nodes"] = json!([]);
        let image = json!({ "user_input": { "arg": tensor("image") } });
        let mut inputs = vec![image];
        for (index, shape) in shapes(count).into_iter().enumerate() {
            let (name, sum, total) = (format!("w{index}"), format!("sum_{index}"), format!("total_{index}"));
            let sizes: Vec<Value> = shape.iter().map(|size| fixed(*size as i64)).collect();
            let strides: Vec<Value> = [shape[1] * shape[2], shape[2], 1]
                .iter()
                .map(|s| fixed(*s as i64))
                .collect();
            let meta = json!({ "dtype": 7, "sizes": sizes, "strides": strides, "storage_offset": { "as_int": 0 } });
            program["graph_module"]["graph"]["tensor_values"][&name] = meta.clone();
            config[&name] = json!({ "path_name": file(index), "use_pickle": false, "tensor_meta": meta });
            inputs.push(json!({ "parameter": { "arg": { "name": name }, "parameter_name": name } }));
            let last = format!("total_{}", index.wrapping_sub(1));
            add(
                program,
                &sum,
                "torch.ops.aten.sum.default",
                &[("self", tensor(&name))],
                7,
                &[],
            );
            let before = if index == 0 { &sum } else { &last };
            let both = [("self", tensor(before)), ("other", tensor(&sum))];
            add(program, &total, "torch.ops.aten.add.Tensor", &both, 7, &[]);
        }
        let last = format!("total_{}", count - 1);
        let outputs = ["image", last.as_str()].map(|name| json!({ "user_output": { "arg": tensor(name) } }));
        program["graph_module"]["signature"] = json!({ "input_specs": inputs, "output_specs": outputs });
    });
    change_json(entry(&mut entries, "model_weights_config.json"), |json| {
        json["config"] = config
    });
    let mut files: Vec<String> = (0..count).map(file).collect();
    files.sort();
    files.dedup();
    entries.extend(
        files
            .into_iter()
            .map(|file| (format!("digits/data/weights/{file}"), content.to_vec())),
    );
    entries
}

fn ones() -> Vec<u8> {
    (0..ELEMENTS).flat_map(|_| 1f32.to_le_bytes()).collect()
}

fn weights_bytes(package: &Package) -> usize {
    package.weights().iter().map(|weight| weight.bytes().len()).sum()
}

#[test]
fn weights_that_share_a_file_are_in_the_package_once() {
    let archive = as_torch(&sums(40, |_| "weight_0".to_owned(), &ones()));
    let package = import_bytes(&archive).expect("a sound program");
    assert_eq!(weights_bytes(&package), ones().len());
    let model = ReferenceEngine.load(&package).expect("the package can be loaded");
    let image = Tensor::new(DataType::Float32, vec![1, 8, 8], vec![0; 256]).expect("an image");
    let given = model.run(&[image]).expect("the input fits");
    // The first sum is counted twice.
    assert_eq!(given[1].bytes(), (41.0 * ELEMENTS as f32).to_le_bytes());
}

#[test]
fn weights_of_their_own_are_in_the_package_each() {
    let archive = as_torch(&sums(40, |index| format!("weight_{index}"), &ones()));
    let package = import_bytes(&archive).expect("a sound program");
    assert_eq!(weights_bytes(&package), 40 * ones().len());
}

#[test]
fn entries_that_lie_on_one_another_are_refused() {
    let entries = sums(40, |index| format!("weight_{index}"), &ones());
    let first = entries
        .iter()
        .position(|(name, _)| name.contains("weight_"))
        .expect("weights");
    let mut archive = as_torch(&entries);
    // Every weight is made the first one, in the directory alone, and the others' bytes stay as a sign of no use.
    let directory: Vec<usize> = (0..archive.len() - 4)
        .filter(|at| archive[*at..].starts_with(b"PK\x01\x02"))
        .collect();
    let start = archive[directory[first] + 42..][..4].to_vec();
    for entry in &directory[first..] {
        archive[entry + 42..][..4].copy_from_slice(&start);
    }
    let used = u32::from_le_bytes(start.try_into().expect("four bytes")) as usize + 2 * ones().len();
    let moved = directory[0] - used;
    archive.drain(used..directory[0]);
    move_directory(&mut archive, moved as u32);
    let error = import_bytes(&archive)
        .expect_err("40 weights on one another")
        .to_string();
    assert!(error.contains(&format!("at most {}", archive.len())), "{error}");
}

/// Makes the end of an archive say that its directory begins this much earlier.
fn move_directory(archive: &mut [u8], by: u32) {
    let end = archive.len() - 22;
    let start = u32::from_le_bytes(archive[end + 16..end + 20].try_into().expect("four bytes")) - by;
    archive[end + 16..end + 20].copy_from_slice(&start.to_le_bytes());
}

#[test]
fn archives_with_too_many_entries_are_refused() {
    let mut entries = entries();
    entries.extend((0..100_000).map(|index| (format!("digits/extra_{index}"), Vec::new())));
    let error = import_bytes(&as_torch(&entries))
        .expect_err("100,014 entries")
        .to_string();
    assert!(error.contains("100014") && error.contains("at most 100000"), "{error}");
}

#[test]
fn programs_of_too_many_bytes_are_refused() {
    let error = import_changed(|entries| {
        let program = entry(entries, "models/model.json");
        program.resize((64 << 20) + 1, b' ');
    });
    let error = error.expect_err("64 MiB and more").to_string();
    assert!(
        error.contains("models/model.json") && error.contains("at most 67108864"),
        "{error}"
    );
}
