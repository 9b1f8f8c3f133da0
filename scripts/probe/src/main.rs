//! Probe that links to libclang and uses it as the build script of `librocksdb-sys` does, by way of `bindgen`.
//!
//! Building this program also proves that rustc links with clang and mold, as `.cargo/config.toml` tells it to.

use clang_sys::support::Clang;
use std::ffi::{CStr, CString};
use std::process::exit;

/// The standard headers that RocksDB's C header includes.
const SOURCE: &CStr =
    c"#include <stdarg.h>\n#include <stdbool.h>\n#include <stddef.h>\n#include <stdint.h>\nsize_t probe(uint64_t);\n";

fn main() {
    let arguments = search_paths();
    let pointers: Vec<_> = arguments.iter().map(|argument| argument.as_ptr()).collect();
    let mut file = clang_sys::CXUnsavedFile {
        Filename: c"probe.h".as_ptr(),
        Contents: SOURCE.as_ptr(),
        Length: SOURCE.count_bytes() as _,
    };
    // SAFETY: every pointer is to a value that outlives the calls, and the counts are their lengths.
    let errors = unsafe {
        let index = clang_sys::clang_createIndex(0, 1);
        let unit = clang_sys::clang_parseTranslationUnit(
            index,
            c"probe.h".as_ptr(),
            pointers.as_ptr(),
            pointers.len() as i32,
            &mut file,
            1,
            clang_sys::CXTranslationUnit_None,
        );
        if unit.is_null() {
            fail("libclang parses no header")
        }
        let count = clang_sys::clang_getNumDiagnostics(unit);
        (0..count)
            .filter(|&number| {
                let diagnostic = clang_sys::clang_getDiagnostic(unit, number);
                clang_sys::clang_getDiagnosticSeverity(diagnostic) >= clang_sys::CXDiagnostic_Error
            })
            .count()
    };
    if errors > 0 {
        fail("libclang does not find the C headers");
    }
}

/// Where the C headers are, by the rules of `bindgen`: where the clang program says, if there is one.
fn search_paths() -> Vec<CString> {
    let clang: Option<Clang> = Clang::find(None::<&std::path::Path>, &[]);
    let mut arguments = Vec::new();
    for path in clang.and_then(|clang| clang.c_search_paths).unwrap_or_default() {
        arguments.push(c"-isystem".to_owned());
        arguments.extend(CString::new(path.to_string_lossy().as_bytes()));
    }
    arguments
}

fn fail(reason: &str) -> ! {
    eprintln!("{reason}");
    exit(1)
}
