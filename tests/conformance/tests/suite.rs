//! The committed vectors are what the definition gives, the digest is theirs, and the second implementation passes.

use assay_conformance::{Family, MAX_FILE_BYTES, MAX_SUITE_BYTES, VECTORS, digest, suite};
use std::{collections::BTreeSet, fs, path::Path, process::Command};

const AGAIN: &str = "if that was meant to change, write the vectors again with ASSAY_GOLDEN=write, as README.md says";

/// Names and bytes of the committed files.
fn committed() -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(VECTORS).expect("the vectors are in the repository");
    let mut files: Vec<(String, Vec<u8>)> = entries
        .map(|entry| {
            let entry = entry.expect("a file of the repository");
            let name = entry.file_name().into_string().expect("names are ASCII");
            (name, fs::read(entry.path()).expect("a file of the repository"))
        })
        .collect();
    files.sort();
    files
}

/// Puts the files of a fresh suite in the place of the committed ones.
fn write(families: &[Family]) {
    for (name, _) in committed() {
        fs::remove_file(Path::new(VECTORS).join(name)).expect("the directory is in the repository");
    }
    for family in families {
        fs::write(Path::new(VECTORS).join(family.file_name()), family.text())
            .expect("the directory is in the repository");
    }
}

/// With `ASSAY_GOLDEN=write` it writes them anew instead.
#[test]
fn committed_vectors_are_what_the_definition_gives() {
    let families = suite();
    if std::env::var_os("ASSAY_GOLDEN").is_some_and(|value| value == "write") {
        write(&families);
    }
    let committed = committed();
    let fresh: Vec<(String, String)> = families
        .iter()
        .map(|family| (family.file_name(), family.text()))
        .collect();
    let names: Vec<&String> = committed.iter().map(|(name, _)| name).collect();
    assert_eq!(names, fresh.iter().map(|(name, _)| name).collect::<Vec<_>>(), "{AGAIN}");
    for ((name, committed), (_, fresh)) in committed.iter().zip(&fresh) {
        let committed = String::from_utf8_lossy(committed);
        for (number, (old, new)) in (1..).zip(committed.lines().zip(fresh.lines())) {
            let at = old.bytes().zip(new.bytes()).take_while(|(old, new)| old == new).count();
            let near = |line: &str| line.chars().skip(at.saturating_sub(120)).take(240).collect::<String>();
            assert!(
                old == new,
                "{name}:{number}, column {at}:\nin the file {}\nafresh {}\n{AGAIN}",
                near(old),
                near(new)
            );
        }
        assert!(
            committed == fresh.as_str(),
            "{name} has another number of lines; {AGAIN}"
        );
    }
}

#[test]
fn definition_is_the_digest_of_the_committed_vectors() {
    let digest = digest(&committed());
    let source: Vec<String> = digest.iter().map(|byte| format!("0x{byte:02x}")).collect();
    assert!(
        digest == assay_exact::DEFINITION,
        "if the arithmetic was meant to change, assay_exact::DEFINITION ought to be\n[{}]",
        source.join(", ")
    );
}

#[test]
fn files_are_small_and_ascii() {
    let committed = committed();
    for (name, bytes) in &committed {
        assert!(bytes.len() <= MAX_FILE_BYTES, "{name} has {} bytes", bytes.len());
        assert!(bytes.is_ascii(), "{name} has bytes that are not ASCII");
    }
    let all: usize = committed.iter().map(|(_, bytes)| bytes.len()).sum();
    assert!(all <= MAX_SUITE_BYTES, "the suite has {all} bytes");
}

/// The README's tables of errors name every word that the vectors hold, and the vectors hold every word of the tables.
#[test]
fn every_reason_of_the_readme_occurs() {
    let readme = fs::read_to_string(Path::new(VECTORS).with_file_name("README.md")).expect("it is in the repository");
    let (_, errors) = readme
        .split_once("\n## Errors\n")
        .expect("the README has a section about errors");
    let (errors, _) = errors.split_once("\n## ").expect("a section follows");
    let words = errors.split('`').skip(1).step_by(2);
    let listed: BTreeSet<&str> = words.filter(|word| is_reason(word)).collect();
    let text = committed()
        .into_iter()
        .flat_map(|(_, bytes)| bytes)
        .collect::<Vec<u8>>();
    let text = String::from_utf8(text).expect("ASCII");
    let held = text
        .split("{\"reason\":\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next());
    let held: BTreeSet<&str> = held.filter(|reason| *reason != "shape").collect();
    assert_eq!(held, listed);
}

/// Whether it is a word in lower case, and not one that the section names for another purpose.
fn is_reason(word: &str) -> bool {
    let purposes = ["operand", "open_symbols", "open_outputs", "shape"];
    let letters = |word: &str| word.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'_' | b'/'));
    letters(word) && !purposes.contains(&word)
}

#[test]
fn every_operator_and_every_function_occurs() {
    let names: Vec<String> = suite()
        .iter()
        .filter(|family| family.file_name().starts_with("operators_"))
        .map(|family| family.text())
        .collect();
    let text = names.concat();
    let held = text
        .split("{\"operator\":\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next());
    let held: BTreeSet<&str> = held.collect();
    let readme = fs::read_to_string(Path::new(VECTORS).with_file_name("README.md")).expect("it is in the repository");
    for name in &held {
        assert!(readme.contains(name) || is_function(name), "{name}");
    }
    // 19 unary functions, 18 binary ones and 8 reductions among them.
    assert_eq!(held.len(), 71, "{held:?}");
}

fn is_function(name: &str) -> bool {
    include_str!("../../../docs/numerics.md").contains(&format!("`{name}`"))
}

/// Runs `python/run.py`, which prints each file's name and the number of its checks.
#[test]
fn second_implementation_passes() {
    let script = Path::new(VECTORS).with_file_name("python").join("run.py");
    let output = Command::new("python3")
        .arg(&script)
        .arg(VECTORS)
        .output()
        .expect("python3 is installed");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {errors}", output.status);
    let expected = suite().into_iter().map(|family| {
        let name = family.file_name();
        format!("{} {}\n", name.trim_end_matches(".json"), family.checks())
    });
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        expected.collect::<String>(),
        "{errors}"
    );
}
