//! Archives: any bytes, and any program in an archive that is otherwise whole.

#![no_main]

#[path = "../body.rs"]
#[allow(dead_code, reason = "a target tries one kind of file")]
mod body;

use assay_exact::quantise::Precision;
use body::{Entries, archived, try_archive};
use libfuzzer_sys::fuzz_target;
use std::{
    io::{Cursor, Read},
    sync::LazyLock,
};
use zip::ZipArchive;

/// The entries of a committed archive.
static WHOLE: LazyLock<Entries> = LazyLock::new(|| {
    let bytes = include_bytes!("../../models/digits/digits.pt2");
    let mut archive = ZipArchive::new(Cursor::new(&bytes[..])).expect("an archive");
    let entries = (0..archive.len()).map(|index| {
        let mut entry = archive.by_index(index).expect("an entry");
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).expect("stored");
        (entry.name().expect("a name").into_owned(), bytes)
    });
    entries.collect()
});

fuzz_target!(|bytes: &[u8]| {
    let path = std::env::temp_dir().join(format!("assay-fuzz-{}.pt2", std::process::id()));
    // A file that begins as a zip does is an archive, and any other is a program of JSON.
    if bytes.starts_with(b"PK") {
        try_archive(&path, bytes, Precision::Int8);
        return;
    }
    let mut entries = WHOLE.clone();
    for (_, content) in entries
        .iter_mut()
        .filter(|(name, _)| name.ends_with("models/model.json"))
    {
        *content = bytes.to_vec();
    }
    try_archive(&path, &archived(&entries), Precision::Int16);
});
