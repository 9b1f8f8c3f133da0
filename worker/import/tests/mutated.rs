//! Archives and GGUF files that somebody has tampered with: the import gives a package or an error, in bounded time and
//! memory.
//!
//! `ASSAY_LONG=1` makes it long. The fuzz targets in `fuzz/` try files in the same way.

#[path = "../../../fuzz/body.rs"]
mod body;

use assay_exact::quantise::Precision;
use body::{Entries, archived, try_archive, try_gguf};
use std::{
    fs,
    io::{Cursor, Read},
    path::{Path, PathBuf},
};
use zip::ZipArchive;

/// Numbers that sizes, dimensions and places of an attacker have.
const NUMBERS: [&str; 12] = [
    "0",
    "1",
    "-1",
    "2",
    "3",
    "7",
    "65536",
    "4294967295",
    "4294967296",
    "-9223372036854775808",
    "9223372036854775807",
    "1e308",
];

/// Numbers that look random and are the same in every run: xorshift64*.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }
}

fn rounds() -> usize {
    match std::env::var_os("ASSAY_LONG") {
        Some(_) => 20_000,
        None => 150,
    }
}

fn programs() -> Vec<Entries> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../engine/tests/programs");
    let files = fs::read_dir(folder).expect("in the repository");
    let mut paths: Vec<PathBuf> = files
        .map(|entry| entry.expect("a folder that can be read").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "pt2"))
        .collect();
    paths.sort();
    assert!(!paths.is_empty());
    paths.iter().map(|path| entries(path)).collect()
}

fn entries(path: &Path) -> Entries {
    let bytes = fs::read(path).expect("committed");
    let mut archive = ZipArchive::new(Cursor::new(bytes)).expect("an archive");
    let entries = (0..archive.len()).map(|index| {
        let mut entry = archive.by_index(index).expect("an entry");
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).expect("stored");
        (entry.name().expect("a name").into_owned(), bytes)
    });
    entries.collect()
}

/// Where words and numbers stand in a text.
fn words(text: &str) -> Vec<(usize, usize)> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    let (mut words, mut start) = (Vec::new(), None);
    for (at, c) in text.char_indices() {
        match (start, is_word(c)) {
            (None, true) => start = Some(at),
            (Some(from), false) => {
                words.push((from, at));
                start = None;
            }
            _ => {}
        }
    }
    words
}

/// The program with numbers and words in place of others.
fn tampered(json: &str, numbers: &mut Numbers) -> String {
    let mut json = json.to_owned();
    for _ in 0..1 + numbers.below(3) {
        let words = words(&json);
        let (from, to) = words[numbers.below(words.len())];
        let instead = match json[from..to].parse::<f64>() {
            Ok(_) => NUMBERS[numbers.below(NUMBERS.len())].to_owned(),
            Err(_) => {
                let (from, to) = words[numbers.below(words.len())];
                json[from..to].to_owned()
            }
        };
        json.replace_range(from..to, &instead);
    }
    json
}

#[test]
fn tampered_programs_are_imported_or_refused_in_bounded_time_and_memory() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("model.pt2");
    let (programs, mut numbers, mut refused) = (programs(), Numbers(7), 0);
    for round in 0..rounds() {
        let mut entries = programs[round % programs.len()].clone();
        let is_tampered = |name: &str| match round % 4 {
            0 => name.ends_with("config.json"),
            _ => name.ends_with("models/model.json"),
        };
        for (_, bytes) in entries.iter_mut().filter(|(name, _)| is_tampered(name)) {
            let json = String::from_utf8(bytes.clone()).expect("text");
            *bytes = tampered(&json, &mut numbers).into_bytes();
        }
        refused += usize::from(!try_archive(&path, &archived(&entries), Precision::Int16));
    }
    // Names and traces may be changed without harm, and most else may not.
    assert!(refused > rounds() / 10, "{refused}");
}

#[test]
fn archives_with_changed_bytes_are_imported_or_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("model.pt2");
    let (programs, mut numbers) = (programs(), Numbers(11));
    for round in 0..rounds() {
        let mut bytes = archived(&programs[round % programs.len()]);
        for _ in 0..1 + numbers.below(8) {
            let place = match numbers.below(2) {
                0 => numbers.below(bytes.len()),
                // The directory is at the end.
                _ => bytes.len() - 1 - numbers.below(bytes.len().min(2000)),
            };
            bytes[place] = numbers.next() as u8;
        }
        if numbers.below(8) == 0 {
            bytes.truncate(numbers.below(bytes.len()));
        }
        try_archive(&path, &bytes, Precision::Int8);
    }
}

/// A GGUF file with a few keys and tensors of every kind of size.
fn gguf(numbers: &mut Numbers) -> Vec<u8> {
    let text = |bytes: &mut Vec<u8>, text: &str| {
        bytes.extend((text.len() as u64).to_le_bytes());
        bytes.extend(text.as_bytes());
    };
    let mut bytes = b"GGUF".to_vec();
    bytes.extend(3u32.to_le_bytes());
    bytes.extend([3u64, 3].iter().flat_map(|count| count.to_le_bytes()));
    text(&mut bytes, "general.architecture");
    bytes.extend(8u32.to_le_bytes());
    text(&mut bytes, "llama");
    for key in ["llama.block_count", "llama.embedding_length"] {
        text(&mut bytes, key);
        bytes.extend(4u32.to_le_bytes());
        bytes.extend((numbers.next() as u32 >> numbers.below(32)).to_le_bytes());
    }
    for name in ["token_embd.weight", "output_norm.weight", "blk.0.attn_q.weight"] {
        text(&mut bytes, name);
        bytes.extend(2u32.to_le_bytes());
        for _ in 0..2 {
            bytes.extend((numbers.next() >> numbers.below(64)).to_le_bytes());
        }
        bytes.extend((numbers.below(16) as u32).to_le_bytes());
        bytes.extend((numbers.next() >> numbers.below(64)).to_le_bytes());
    }
    bytes.resize(bytes.len() + numbers.below(4096), 0);
    bytes
}

#[test]
fn gguf_files_with_changed_bytes_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("model.gguf");
    let mut numbers = Numbers(13);
    for round in 0..rounds() * 20 {
        let mut bytes = gguf(&mut numbers);
        for _ in 0..numbers.below(4) {
            let place = numbers.below(bytes.len().min(400));
            bytes[place] = numbers.next() as u8;
        }
        assert!(!try_gguf(&path, &bytes), "round {round}");
    }
}
