//! Packages and programs that were damaged or made to harm are refused, with the place named.

#[path = "package/batch.rs"]
mod batch;
#[path = "package/dimensions.rs"]
mod dimensions;
#[path = "package/fourier.rs"]
mod fourier;
#[path = "package/layout.rs"]
mod layout;
#[path = "package/size.rs"]
mod size;
#[path = "package/states.rs"]
mod states;
#[path = "package/symbols.rs"]
mod symbols;

use assay_exact::quantise::Precision;
use assay_import::{ImportError, ImportOptions, import};
use assay_package::{Details, Package, PackageError, inspect};
use serde_json::Value;
use std::{
    fs,
    io::{Cursor, Read, Write},
    path::{Path, PathBuf},
};
use zip::{CompressionMethod, ZipArchive, ZipWriter, write::SimpleFileOptions};

fn digits(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../models/digits")
        .join(path)
}

fn options() -> ImportOptions {
    let details = Details {
        name: "digits".to_owned(),
        version: "1.0.0".to_owned(),
        licence: "Apache-2.0".to_owned(),
        description: String::new(),
    };
    ImportOptions {
        details,
        precision: Precision::Int8,
        weights: None,
        assets: vec![],
    }
}

/// The entries of digits.pt2, as names and contents.
fn entries() -> Vec<(String, Vec<u8>)> {
    let mut zip = ZipArchive::new(Cursor::new(fs::read(digits("digits.pt2")).expect("committed"))).expect("a zip");
    let entries = zip.len();
    let read = |index| {
        let mut entry = zip.by_index(index).expect("an entry");
        let mut content = Vec::new();
        entry.read_to_end(&mut content).expect("a whole entry");
        (entry.name().expect("a name").into_owned(), content)
    };
    (0..entries).map(read).collect()
}

/// Imports digits.pt2 after a change to its entries.
fn import_changed(change: impl FnOnce(&mut Vec<(String, Vec<u8>)>)) -> Result<Package, ImportError> {
    let mut entries = entries();
    change(&mut entries);
    import_entries(&entries, CompressionMethod::Stored)
}

fn import_entries(entries: &[(String, Vec<u8>)], method: CompressionMethod) -> Result<Package, ImportError> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in entries {
        zip.start_file(name.as_str(), SimpleFileOptions::default().compression_method(method))
            .expect("a new entry");
        zip.write_all(content).expect("memory");
    }
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    fs::write(file.path(), zip.finish().expect("a whole zip").into_inner()).expect("a temporary file");
    import(file.path(), options())
}

fn entry<'a>(entries: &'a mut [(String, Vec<u8>)], suffix: &str) -> &'a mut Vec<u8> {
    &mut entries
        .iter_mut()
        .find(|(name, _)| name.ends_with(suffix))
        .expect("the entry")
        .1
}

/// Imports digits.pt2 after a change to its program.
fn import_program(change: impl FnOnce(&mut Value)) -> Result<Package, ImportError> {
    import_changed(|entries| change_json(entry(entries, "models/model.json"), change))
}

fn change_json(content: &mut Vec<u8>, change: impl FnOnce(&mut Value)) {
    let mut json = serde_json::from_slice(content).expect("JSON");
    change(&mut json);
    *content = serde_json::to_vec(&json).expect("JSON");
}

fn node(program: &mut Value, index: usize) -> &mut Value {
    &mut program["graph_module"]["graph"]["nodes"][index]
}

#[test]
fn unchanged_program_is_imported() {
    import_changed(|_| ()).expect("rewriting the zip changes nothing");
}

#[test]
fn unknown_operators_are_all_named_with_their_source_lines() {
    let error = import_program(|program| {
        node(program, 2)["target"] = "torch.ops.aten.fft_fft.default".into();
        node(program, 4)["target"] = "torch.ops.evil.system.default".into();
    });
    let error = error.expect_err("unknown operators").to_string();
    assert_eq!(
        error,
        "exact arithmetic does not define aten.fft_fft.default (node relu, export.py:42), evil.system.default (node relu_1, \
         export.py:43)"
    );
}

#[test]
fn operators_with_unknown_or_missing_arguments_are_refused() {
    let error = import_program(|program| node(program, 1)["inputs"][2]["name"] = "alpha".into());
    assert!(
        matches!(error, Err(ImportError::Argument { place, argument, .. }) if argument == "alpha" && place.node == "linear")
    );
    let error = import_program(|program| {
        node(program, 2)["inputs"].as_array_mut().expect("a list").clear();
    });
    assert!(matches!(error, Err(ImportError::Argument { argument, .. }) if argument == "self"));
    let error = import_program(|program| {
        node(program, 1)["inputs"][0]["arg"]["as_tensor"]["name"] = "linear_2".into();
    });
    assert!(matches!(error, Err(ImportError::Argument { argument, .. }) if argument == "input"));
}

/// Checks that an import was refused because of a version, and that the error names what was found and what is
/// supported.
fn assert_refused_version(imported: Result<Package, ImportError>, found: &str, supported: &str) {
    let error = imported.expect_err(found);
    assert!(matches!(error, ImportError::Version { .. }), "{error}");
    let expected = format!("is {found}, and supported is {supported}: export it with torch 2.9 to 2.11");
    assert!(error.to_string().ends_with(&expected), "{error}");
}

#[test]
fn programs_of_another_schema_are_refused() {
    for (major, minor) in [(7, 17), (8, 13), (8, 18), (8, 99), (9, 15)] {
        let imported = import_program(|program| {
            program["schema_version"]["major"] = major.into();
            program["schema_version"]["minor"] = minor.into();
        });
        assert_refused_version(imported, &format!("{major}.{minor}"), "8.14 to 8.17");
    }
}

#[test]
fn programs_of_other_operators_are_refused() {
    for opset in [9, 11, 99] {
        let imported = import_program(|program| program["opset_version"]["aten"] = opset.into());
        assert_refused_version(imported, &opset.to_string(), "10");
    }
    let imported = import_program(|program| program["opset_version"] = serde_json::json!({}));
    assert_refused_version(imported, "not given", "10");
}

#[test]
fn programs_by_another_torch_are_refused() {
    for torch in ["2.9.0", "2.10.0+cpu", "2.11.0a0+git0123"] {
        import_program(|program| program["torch_version"] = torch.into()).expect(torch);
    }
    for torch in ["1.0", "1.10.0", "2.8.0", "2.12.0", "2.15.0", "3.10.0", "<=2.4", "2", ""] {
        let imported = import_program(|program| program["torch_version"] = torch.into());
        assert_refused_version(imported, torch, "2.9 to 2.11");
    }
}

#[test]
fn archives_of_another_version_are_refused() {
    let imported = import_changed(|entries| *entry(entries, "archive_version") = b"1".to_vec());
    assert_refused_version(imported, "1", "0");
}

#[test]
fn outputs_that_change_state_are_refused() {
    let error = import_program(|program| {
        let arg = serde_json::json!({ "arg": { "name": "linear_2" }, "buffer_name": "b" });
        program["graph_module"]["signature"]["output_specs"][0] = serde_json::json!({ "buffer_mutation": arg });
    });
    assert!(matches!(error, Err(ImportError::Signature { .. })));
}

#[test]
fn dynamic_dimensions_must_be_symbols_with_a_range() {
    let error = import_program(|program| {
        let sizes = &mut program["graph_module"]["graph"]["tensor_values"]["image"]["sizes"];
        sizes[0]["as_expr"]["expr_str"] = "2*s40".into();
    });
    assert!(matches!(error, Err(ImportError::Dimension { tensor, dimension: 0, .. }) if tensor == "image"));
    let error = import_program(|program| program["range_constraints"]["s40"]["max_val"] = (1i64 << 40).into());
    assert!(matches!(error, Err(ImportError::Dimension { .. })));
}

#[test]
fn shapes_that_do_not_fit_are_refused() {
    let error = import_program(|program| {
        let sizes = &mut program["graph_module"]["graph"]["tensor_values"]["flatten"]["sizes"];
        sizes[1]["as_int"] = 65.into();
    });
    assert!(matches!(error, Err(ImportError::Graph(_))), "{error:?}");
}

#[test]
fn weights_of_another_size_are_refused() {
    for change in [-1, 1] {
        let error = import_changed(|entries| {
            let weight = entry(entries, "weight_0");
            weight.resize((weight.len() as i64 + change) as usize, 0);
        });
        assert!(
            matches!(error, Err(ImportError::EntrySize { expected: 16_384, .. })),
            "{error:?}"
        );
    }
}

#[test]
fn weights_stored_in_another_way_are_refused() {
    let flaws: [fn(&mut Value); 6] = [
        |weight| weight["tensor_meta"]["sizes"][1]["as_int"] = 65.into(),
        |weight| weight["tensor_meta"]["dtype"] = 5.into(),
        |weight| weight["use_pickle"] = true.into(),
        |weight| weight["path_name"] = "../../../etc/passwd".into(),
        |weight| weight["tensor_meta"]["strides"][1]["as_int"] = 64.into(),
        |weight| weight["tensor_meta"]["storage_offset"]["as_int"] = 1.into(),
    ];
    for flaw in flaws {
        let error = import_changed(|entries| {
            change_json(entry(entries, "model_weights_config.json"), |json| {
                flaw(&mut json["config"]["hidden.weight"])
            });
        });
        assert!(matches!(error, Err(ImportError::Weight { weight, .. }) if weight == "hidden.weight"));
    }
}

#[test]
fn archives_that_torch_does_not_write_are_refused() {
    let error = import(&digits("export.py"), options());
    assert!(matches!(error, Err(ImportError::Zip { .. })));
    let error = import_changed(|entries| entries.clear());
    assert!(matches!(error, Err(ImportError::Archive { .. })));
    let error = import_changed(|entries| *entry(entries, "byteorder") = b"big".to_vec());
    assert!(matches!(error, Err(ImportError::Archive { .. })));
    let error = import_changed(|entries| *entry(entries, "archive_format") = vec![b'p'; 1 << 20]);
    assert!(matches!(error, Err(ImportError::EntrySize { .. })));
    let error = import_changed(|entries| *entry(entries, "models/model.json") = b"[]".to_vec());
    assert!(matches!(error, Err(ImportError::Json { .. })));
    let error = import_changed(|entries| entries.retain(|(name, _)| !name.ends_with("weight_3")));
    assert!(matches!(error, Err(ImportError::MissingEntry { .. })));
}

#[test]
fn compressed_entries_are_refused_before_they_can_grow() {
    let error = import_entries(&entries(), CompressionMethod::Deflated);
    assert!(matches!(error, Err(ImportError::Archive { reason }) if reason.contains("compressed")));
}

#[test]
fn archives_that_lie_about_sizes_are_refused() {
    let sound = fs::read(digits("digits.pt2")).expect("committed");
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    let entries: Vec<usize> = (0..sound.len() - 4)
        .filter(|at| sound[*at..].starts_with(b"PK\x01\x02"))
        .collect();
    assert!(entries.len() > 10);
    for entry in entries {
        // The sizes of an entry packed and unpacked, in the zip's directory.
        for field in [20, 24] {
            let mut bytes = sound.clone();
            bytes[entry + field..entry + field + 4].copy_from_slice(&0x7fff_fff0u32.to_le_bytes());
            fs::write(file.path(), &bytes).expect("a temporary file");
            // Entries that the import does not read may say what they like.
            if let Ok(package) = import(file.path(), options()) {
                assert_eq!(
                    package.root(),
                    import(&digits("digits.pt2"), options())
                        .expect("a sound program")
                        .root()
                );
            }
        }
    }
}

#[test]
fn entries_with_paths_out_of_the_archive_are_refused() {
    for root in ["/digits/", "../digits/", "../", "a/digits/", "/"] {
        let error = import_changed(|entries| {
            for (name, _) in entries {
                *name = name.replacen("digits/", root, 1);
            }
        });
        assert!(matches!(error, Err(ImportError::Archive { .. })), "{root}");
    }
}

#[test]
fn operators_in_place_are_those_that_nothing_else_sees() {
    let changed = import_program(|program| node(program, 2)["target"] = "torch.ops.aten.relu_.default".into());
    let plain = import(&digits("digits.pt2"), options()).expect("a sound program");
    assert_eq!(changed.expect("only the next layer reads it").root(), plain.root());
    let error = import_program(|program| {
        let sizes = program["graph_module"]["graph"]["tensor_values"]["image"]["sizes"].clone();
        program["graph_module"]["graph"]["tensor_values"]["flatten"]["sizes"] = sizes;
        node(program, 0)["target"] = "torch.ops.aten.relu_.default".into();
        node(program, 0)["inputs"].as_array_mut().expect("a list").truncate(1);
    });
    assert!(
        matches!(&error, Err(ImportError::Argument { reason, .. }) if reason.contains("in place")),
        "the caller's tensor: {error:?}"
    );
}

#[test]
fn results_are_laid_out_as_the_program_says() {
    let error = import_program(|program| {
        program["graph_module"]["graph"]["tensor_values"]["relu"]["sizes"][1]["as_int"] = 63.into();
    });
    assert!(matches!(error, Err(ImportError::Argument { argument, .. }) if argument == "output"));
}

#[test]
fn truncated_archives_are_refused() {
    let bytes = fs::read(digits("digits.pt2")).expect("committed");
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    for length in (0..bytes.len()).step_by(997) {
        fs::write(file.path(), &bytes[..length]).expect("a temporary file");
        assert!(import(file.path(), options()).is_err(), "{length} bytes");
    }
}

#[test]
fn package_with_a_damaged_file_is_not_loaded() {
    let package = import(&digits("digits.pt2"), options()).expect("a sound program");
    for file in ["graph.scale", "weights.safetensors", "manifest.toml"] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        package.save(folder.path()).expect("the folder can be written");
        let path = folder.path().join(file);
        let sound = fs::read(&path).expect("just written");
        let mut bytes = sound.clone();
        let last = bytes.len() - 3;
        bytes[last] ^= 1;
        fs::write(&path, &bytes).expect("the folder can be written");
        let damaged = Package::load(folder.path());
        assert!(damaged.is_err(), "{file}");
        fs::write(&path, &sound[..last]).expect("the folder can be written");
        assert!(Package::load(folder.path()).is_err(), "{file}");
        fs::remove_file(&path).expect("just written");
        assert!(
            matches!(Package::load(folder.path()), Err(PackageError::File { .. })),
            "{file}"
        );
    }
}

#[test]
fn manifest_that_says_another_schema_or_path_is_refused() {
    let package = import(&digits("digits.pt2"), options()).expect("a sound program");
    let changes = [
        ("max = 4096", "max = 8192", "symbols"),
        (
            "dimensions = [\"batch\", 8, 8]",
            "dimensions = [\"batch\", 64]",
            "inputs",
        ),
        ("file = \"graph.scale\"", "file = \"../graph.scale\"", "file"),
        ("precision = \"int8\"", "precision = \"int4\"", "precision"),
        ("format = 2", "format = 1", "format"),
        ("name = \"digits\"", "name = \"Di gits\"", "name"),
    ];
    for (from, to, expected) in changes {
        let folder = tempfile::tempdir().expect("a temporary folder");
        package.save(folder.path()).expect("the folder can be written");
        let path = folder.path().join("manifest.toml");
        let manifest = fs::read_to_string(&path).expect("just written");
        assert!(manifest.contains(from), "{from} in {manifest}");
        fs::write(&path, manifest.replacen(from, to, 1)).expect("the folder can be written");
        let error = Package::load(folder.path());
        assert!(
            matches!(error, Err(PackageError::Field { field, .. }) if field == expected),
            "{to}: {error:?}"
        );
    }
}

#[test]
fn root_binds_the_manifest_the_precision_and_the_assets() {
    let root = |change: fn(&mut ImportOptions)| {
        let mut options = options();
        change(&mut options);
        import(&digits("digits.pt2"), options).expect("a sound program").root()
    };
    let roots = [
        root(|_| ()),
        root(|options| options.details.version = "1.0.1".to_owned()),
        root(|options| options.precision = Precision::Int16),
        root(|options| options.assets = vec![digits("export.py")]),
    ];
    for (index, left) in roots.iter().enumerate() {
        assert!(roots[index + 1..].iter().all(|right| left != right));
    }
    assert_eq!(roots[0], root(|_| ()));
}

#[test]
fn assets_travel_with_the_package() {
    let mut options = options();
    options.assets = vec![digits("export.py")];
    let folder = tempfile::tempdir().expect("a temporary folder");
    import(&digits("digits.pt2"), options)
        .expect("a sound program")
        .save(folder.path())
        .expect("a folder");
    let package = Package::load(folder.path()).expect("just written");
    assert_eq!(
        package.asset("export.py"),
        fs::read(digits("export.py")).ok().as_deref()
    );
    assert_eq!(package.asset("other"), None);
}

#[test]
fn inspection_names_every_operator_and_its_source_line() {
    let text = inspect(&import(&digits("digits.pt2"), options()).expect("a sound program"));
    for line in [
        "takes      image: float32 [batch, 8, 8]",
        "dimension  batch: 1 to 4096",
        "·batch bytes\n",
        "export.py:44",
        "relu",
    ] {
        assert!(text.contains(line), "{line} in\n{text}");
    }
}
