//! GGUF files: any bytes.

#![no_main]

#[path = "../body.rs"]
#[allow(dead_code, reason = "a target tries one kind of file")]
mod body;

use body::try_gguf;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let path = std::env::temp_dir().join(format!("assay-fuzz-{}.gguf", std::process::id()));
    try_gguf(&path, bytes);
});
