//! The program as it is called: exit codes, what it prints where, and that nobody has to read it.

use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

fn digits(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../models/digits")
        .join(path)
}

fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_assay-worker"));
    command.args(arguments).stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("ASSAY_") {
            command.env_remove(name);
        }
    }
    command
}

fn run(arguments: &[&str]) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = program(arguments).output().expect("the program starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    (status.code(), text(stdout), text(stderr))
}

/// The end of a pipe that nobody reads.
fn unread() -> Stdio {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    writer.into()
}

#[test]
fn output_that_nobody_reads_ends_the_program_quietly() {
    let package = digits("package");
    let inspect = ["models", "inspect", package.to_str().expect("text")];
    let output = program(&inspect).stdout(unread()).output().expect("the program starts");
    assert_eq!((output.status.code(), output.stderr), (Some(141), vec![]));
    let failing = ["models", "inspect", "/no/such/package"];
    let output = program(&failing).stderr(unread()).output().expect("the program starts");
    assert_eq!((output.status.code(), output.stdout), (Some(1), vec![]));
}

#[test]
fn errors_are_printed_once() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::create_dir(folder.path().join("damaged")).expect("a new folder");
    fs::write(folder.path().join("damaged/manifest.toml"), "format = 1").expect("the folder can be written");
    let models_dir = folder.path().to_str().expect("text");
    let serve = [
        "serve",
        "--check",
        "--key=//Alice",
        "--model=damaged,price=1",
        "--models-dir",
        models_dir,
    ];
    let (code, stdout, stderr) = run(&serve);
    assert_eq!((code, stdout.as_str()), (Some(1), ""));
    assert_eq!(stderr.matches("the manifest is not valid").count(), 1, "{stderr}");
}

#[test]
fn an_empty_key_is_refused() {
    let (models, package) = (digits(""), digits("package"));
    let (models, package) = (models.to_str().expect("text"), package.to_str().expect("text"));
    for command in [
        &[
            "serve",
            "--check",
            "--model=package,price=1",
            "--models-dir",
            models,
            "--key=",
        ][..],
        &["watch", "--check", "--models-dir", models, "--key="],
        &["models", "register", package, "--key="],
        &["models", "publish", package, "--key="],
        &["request", "digits", "--text=1", "--key="],
        &["stake", "leave", "--key="],
    ] {
        let (code, _, stderr) = run(command);
        assert!(
            code == Some(1) && stderr.contains("key: is empty"),
            "{command:?}: {stderr}"
        );
    }
}

#[test]
fn a_check_of_nan_fails_and_names_the_rows() {
    let golden = fs::read(digits("golden.safetensors")).expect("committed");
    let file = SafeTensors::deserialize(&golden).expect("safetensors");
    let mut outputs = file.tensor("output_0").expect("outputs").data().to_vec();
    for row in [3, 8] {
        outputs[row * 40..row * 40 + 4].copy_from_slice(&f32::NAN.to_le_bytes());
    }
    let image = file.tensor("image").expect("images");
    let images = outputs.len() / 40;
    let views = [
        ("image", image),
        (
            "output_0",
            TensorView::new(Dtype::F32, vec![images, 10], &outputs).expect("as many"),
        ),
    ];
    let changed = tempfile::NamedTempFile::new().expect("a temporary file");
    fs::write(
        changed.path(),
        safetensors::serialize(views, None).expect("two tensors"),
    )
    .expect("a temporary file");
    let package = digits("package");
    let check = |golden: &Path| {
        run(&[
            "models",
            "check",
            package.to_str().expect("text"),
            golden.to_str().expect("text"),
        ])
    };
    let (code, stdout, _) = check(changed.path());
    assert_eq!(code, Some(1), "{stdout}");
    assert!(stdout.contains(&format!("in 2 of {images} rows: 3, 8")), "{stdout}");
    let (code, stdout, _) = check(&digits("golden.safetensors"));
    assert_eq!(code, Some(0), "{stdout}");
}

#[test]
fn a_configuration_is_not_fine_without_its_packages() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for name in ["one", "two"] {
        std::os::unix::fs::symlink(digits("package"), folder.path().join(name)).expect("a new link");
    }
    let models_dir = folder.path().to_str().expect("text");
    let check = |models: &str| {
        let model = format!("--model={models}");
        run(&["serve", "--check", "--key=//Alice", "--models-dir", models_dir, &model])
    };
    assert_eq!(check("one,price=1").0, Some(0));
    for (models, expected) in [
        ("one,price=1;gone,price=1", "gone: the folder holds no package"),
        ("one,price=1;one,price=2", "model one: is given twice"),
        ("one,price=1;two,price=1", "are the same package"),
    ] {
        let (code, _, stderr) = check(models);
        assert!(code == Some(1) && stderr.contains(expected), "{stderr}");
    }
    let watch = [
        "watch",
        "--check",
        "--key=//Alice",
        "--models-dir",
        models_dir,
        "--model=one,gone",
    ];
    let (code, _, stderr) = run(&watch);
    assert!(
        code == Some(1) && stderr.contains("gone: the folder holds no package"),
        "{stderr}"
    );
}

#[test]
fn the_doctor_looks_at_the_machine_first_and_fails_without_a_node() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (models, data) = (digits(""), folder.path().to_str().expect("text"));
    let doctor = [
        "doctor",
        "--json",
        "--key=//Alice",
        "--model=package,price=1",
        "--models-dir",
        models.to_str().expect("text"),
        "--data-dir",
        data,
        "--node=ws://127.0.0.1:9",
    ];
    let (code, stdout, stderr) = run(&doctor);
    assert_eq!(code, Some(1), "{stderr}");
    let findings: Vec<serde_json::Value> = serde_json::from_str(&stdout).expect("JSON");
    let find = |what: &str| findings.iter().position(|finding| finding["what"] == what).expect(what);
    assert_eq!(findings[find("exactness")]["level"], "fine", "{stdout}");
    assert_eq!(findings[find("nodes")]["level"], "broken", "{stdout}");
    assert!(find("exactness") < find("node"), "{stdout}");
    assert_eq!(
        fs::read_dir(folder.path()).expect("there").count(),
        0,
        "it leaves something behind"
    );
    let (code, stdout, _) = run(&["doctor", "--key=", "--model=package,price=1"]);
    assert!(
        code == Some(1) && stdout.starts_with("BROKEN   configuration: key: is empty"),
        "{stdout}"
    );
}

#[test]
fn receipt_that_cannot_be_checked_is_neither_right_nor_wrong() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("receipt.json");
    fs::write(&path, r#"{"receipts": ["session-1-2"]}"#).expect("the folder can be written");
    let (code, out, error) = run(&["verify", path.to_str().expect("text")]);
    assert_eq!((code, out.as_str()), (Some(2), ""));
    assert!(error.contains("assay_receipt"), "{error}");
    let (code, _, error) = run(&["verify", "/no/such/receipt.json"]);
    assert_eq!(code, Some(2));
    assert!(error.contains("/no/such/receipt.json"), "{error}");
    let (code, out, error) = run(&["dispute", path.to_str().expect("text"), "--key=//Eve"]);
    assert_eq!((code, out.as_str()), (Some(2), ""));
    assert!(error.contains("assay_receipt"), "{error}");
}
