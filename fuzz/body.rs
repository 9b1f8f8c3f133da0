//! Attempts to import one file that somebody has tampered with: the import gives a package or an error, in bounded time
//! and memory.
//!
//! The tests of `assay-import` and the fuzz targets beside this file share it.

use assay_exact::quantise::Precision;
use assay_import::{GgufOptions, ImportOptions, import, import_gguf};
use std::{
    fs,
    io::{Cursor, Write},
    path::Path,
    time::{Duration, Instant},
};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

/// Maximum time of one import.
const PATIENCE: Duration = Duration::from_secs(30);
/// Maximum memory that the process may ever have had.
const MEMORY_KIB: u64 = 2 << 20;

/// Names and bytes of an archive's entries.
pub type Entries = Vec<(String, Vec<u8>)>;

/// The bytes of an archive of these entries, as torch lays it out.
pub fn archived(entries: &Entries) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let plain = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for (name, bytes) in entries {
        writer.start_file(name.as_str(), plain).expect("in memory");
        writer.write_all(bytes).expect("in memory");
    }
    writer.finish().expect("in memory").into_inner()
}

/// Tries an archive, which is written to `path`; says whether it is imported.
pub fn try_archive(path: &Path, bytes: &[u8], precision: Precision) -> bool {
    fs::write(path, bytes).expect("a file");
    bounded(|| import(path, ImportOptions::new("tampered", precision)).is_ok())
}

/// Tries a GGUF file in the same way.
pub fn try_gguf(path: &Path, bytes: &[u8]) -> bool {
    fs::write(path, bytes).expect("a file");
    let options = GgufOptions {
        details: ImportOptions::new("tampered", Precision::Int16Int8).details,
        precision: Precision::Int16Int8,
        max_length: None,
        generation: None,
        assets: Vec::new(),
    };
    bounded(|| import_gguf(path, options).is_ok())
}

fn bounded(import: impl FnOnce() -> bool) -> bool {
    let start = Instant::now();
    let imported = import();
    assert!(start.elapsed() < PATIENCE, "it took {:?}", start.elapsed());
    let kib = peak_kib().unwrap_or(0);
    assert!(kib < MEMORY_KIB, "{kib} KiB");
    imported
}

/// The most memory that this process has had, where the system says it.
fn peak_kib() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    peak.trim().strip_suffix("kB")?.trim().parse().ok()
}
