//! The functions of `assay-exact` as straight code; `build.rs` says how and why.

#![expect(clippy::let_and_return, reason = "the code is written by a program")]

use assay_exact::functions::Arithmetic;

include!(concat!(env!("OUT_DIR"), "/functions.rs"));
