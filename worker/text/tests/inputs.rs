//! Files of inputs become jobs, or errors that name the file and what is wrong.

use assay_package::Package;
use assay_text::inputs::{InputError, JobInput, from_json, read};
use std::{fs, path::Path};

fn digits() -> Package {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/digits/package");
    Package::load(&folder).expect("the committed package is whole")
}

fn read_text(name: &str, text: &str) -> Result<Vec<JobInput>, InputError> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join(name);
    fs::write(&path, text).expect("a temporary file");
    read(&path, digits().graph())
}

fn image(row: &str) -> String {
    format!("[{}]", [row; 8].join(","))
}

const ROW: &str = "[0, 1, 2.5, 3, 4, 5, 6, 16]";

#[test]
fn json_without_the_batch_dimension_is_one_job() {
    let jobs = read_text("one.json", &format!(r#"{{"image": {}, "label": 3}}"#, image(ROW))).expect("a job");
    assert_eq!(
        (jobs.len(), jobs[0].label, jobs[0].name.as_str()),
        (1, Some(3), "one.json")
    );
    assert_eq!(jobs[0].tensors[0].shape(), [1, 8, 8]);
    assert_eq!(jobs[0].tensors[0].bytes()[8..12], 2.5f32.to_le_bytes());
}

#[test]
fn json_that_stands_in_no_file_gives_the_same_jobs() {
    let text = format!(r#"{{"image": {}, "label": 3}}"#, image(ROW));
    let jobs = from_json("one.json", text.as_bytes(), digits().graph()).expect("a job");
    assert_eq!(jobs, read_text("one.json", &text).expect("a job"));
    let error = from_json("the input", b"{}", digits().graph()).expect_err("no image");
    assert!(error.to_string().starts_with("the input"), "{error}");
}

#[test]
fn json_with_the_batch_dimension_is_one_job_for_each_row() {
    let images = format!("[{0}, {0}]", image(ROW));
    let jobs = read_text("two.json", &format!(r#"{{"image": {images}, "label": [3, 4]}}"#)).expect("two jobs");
    assert_eq!(jobs.iter().map(|job| job.label).collect::<Vec<_>>(), [Some(3), Some(4)]);
    assert_eq!(jobs[1].name, "two.json#1");
    assert_eq!(jobs[0].tensors, jobs[1].tensors);
}

#[test]
fn json_list_of_objects_is_one_job_for_each() {
    let object = format!(r#"{{"image": {}}}"#, image(ROW));
    let jobs = read_text("list.json", &format!("[{object}, {object}, {object}]")).expect("three jobs");
    assert_eq!(jobs.len(), 3);
    assert!(jobs.iter().all(|job| job.label.is_none()));
}

#[test]
fn folder_is_read_in_the_order_of_names_and_other_files_are_left() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for name in ["b.json", "a.json"] {
        fs::write(folder.path().join(name), format!(r#"{{"image": {}}}"#, image(ROW))).expect("a temporary file");
    }
    fs::write(folder.path().join("README.md"), "not an input").expect("a temporary file");
    let jobs = read(folder.path(), digits().graph()).expect("two jobs");
    assert_eq!(
        jobs.iter().map(|job| job.name.as_str()).collect::<Vec<_>>(),
        ["a.json", "b.json"]
    );
}

#[test]
fn folder_without_inputs_is_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    assert!(matches!(
        read(folder.path(), digits().graph()),
        Err(InputError::Empty { .. })
    ));
}

#[test]
fn files_of_another_kind_are_refused() {
    assert!(matches!(read_text("x.png", ""), Err(InputError::Extension { .. })));
    assert!(matches!(
        read(Path::new("/nonexistent.json"), digits().graph()),
        Err(InputError::Read { .. })
    ));
    assert!(matches!(
        read_text("x.safetensors", "not safetensors"),
        Err(InputError::Invalid { .. })
    ));
    for text in ["", "3", "[3]", "{\"image\": ", "{\"image\": \"x\"}"] {
        assert!(
            matches!(read_text("x.json", text), Err(InputError::Invalid { .. })),
            "{text}"
        );
    }
}

#[test]
fn missing_inputs_are_named() {
    let error = read_text("x.json", r#"{"picture": 1}"#);
    assert!(matches!(error, Err(InputError::Missing { input, .. }) if input == "image"));
}

#[test]
fn inputs_of_another_shape_are_refused() {
    let seven_by_eight = format!("[{}]", [ROW; 7].join(","));
    assert!(matches!(
        read_text("x.json", &format!(r#"{{"image": {seven_by_eight}}}"#)),
        Err(InputError::Unfit { .. })
    ));
    let ragged = format!("[{}, [1, 2]]", [ROW; 7].join(","));
    assert!(matches!(
        read_text("x.json", &format!(r#"{{"image": {ragged}}}"#)),
        Err(InputError::Invalid { .. })
    ));
    // No binary32 number is that large.
    let vast = format!("[{}]", [ROW; 8].join(",")).replacen('0', "1e300", 1);
    assert!(matches!(
        read_text("x.json", &format!(r#"{{"image": {vast}}}"#)),
        Err(InputError::Invalid { .. })
    ));
    let deep = format!("{}1{}", "[".repeat(100), "]".repeat(100));
    assert!(matches!(
        read_text("x.json", &format!(r#"{{"image": {deep}}}"#)),
        Err(InputError::Invalid { .. })
    ));
    assert!(matches!(
        read_text("x.json", &format!(r#"{{"image": {}, "label": [1, 2]}}"#, image(ROW))),
        Err(InputError::Rows { .. })
    ));
}

/// The digits' graph for jobs of this many rows.
fn batched(least: u32, greatest: u32) -> assay_exact::graph::CheckedGraph {
    let mut graph = digits().graph().graph().clone();
    graph.symbols[0].min = least;
    graph.symbols[0].max = greatest;
    graph.check().expect("sound")
}

/// The names and the rows of the jobs that this many rows in one file make.
fn jobs_of(rows: usize, least: u32, greatest: u32) -> Result<Vec<(String, u32)>, InputError> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("x.json");
    let images = vec![image(ROW); rows].join(",");
    fs::write(&path, format!(r#"{{"image": [{images}]}}"#)).expect("a temporary file");
    let jobs = read(&path, &batched(least, greatest))?;
    Ok(jobs
        .into_iter()
        .map(|job| (job.name, job.tensors[0].shape()[0]))
        .collect())
}

#[test]
fn rows_are_cut_into_the_smallest_batches_that_the_model_takes() {
    let named = |names: &[(&str, u32)]| {
        names
            .iter()
            .map(|(name, rows)| (name.to_string(), *rows))
            .collect::<Vec<_>>()
    };
    let two_each = jobs_of(4, 2, 8).expect("two jobs");
    assert_eq!(two_each, named(&[("x.json#0-1", 2), ("x.json#2-3", 2)]));
    let one_left_over = jobs_of(5, 2, 8).expect("two jobs");
    assert_eq!(one_left_over, named(&[("x.json#0-2", 3), ("x.json#3-4", 2)]));
    assert_eq!(jobs_of(3, 2, 8).expect("a job"), named(&[("x.json", 3)]));
}

#[test]
fn rows_that_make_no_whole_batches_are_refused_with_the_way_out() {
    for (rows, least, greatest) in [(1, 2, 8), (5, 2, 2), (7, 4, 5)] {
        let error = jobs_of(rows, least, greatest).expect_err("no whole batches");
        let text = error.to_string();
        assert!(matches!(error, InputError::Batches { .. }), "{text}");
        assert!(text.contains(&format!("give at least {least} rows")), "{text}");
    }
}
