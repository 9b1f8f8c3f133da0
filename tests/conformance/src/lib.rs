//! The conformance suite: vectors that say what Assay computes, made from `assay-exact`.
//!
//! `README.md` describes the files for whoever writes an implementation. Every module here makes one family of them,
//! from fixed seeds, so the same definition gives the same bytes. [`digest`] of all files is
//! [`assay_exact::DEFINITION`], and belongs to the number of the arithmetic, [`assay_exact::DEFINITION_NUMBER`].

#![forbid(unsafe_code)]

extern crate alloc;

mod digests;
mod drawn;
mod family;
mod functions;
mod graphs;
mod json;
mod judge;
mod models;
mod numbers;
mod operators;
mod parts;
mod quantised;
// The random numbers of the tests of disputes, by their path, as the generator of graphs is.
#[path = "../../adversary/src/random.rs"]
pub mod random;
mod reductions;
mod render;
mod roots;
mod trees;

pub use family::Family;

use assay_exact::digest::{DOMAIN_BYTES, Digest, Hash256};

/// Where the committed files lie.
pub const VECTORS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/vectors");

/// Domain of the digest of the suite.
pub const SUITE_DOMAIN: [u8; DOMAIN_BYTES] = *b"assay/suite/1\0\0\0";

/// Bytes that a file may have.
pub const MAX_FILE_BYTES: usize = 1 << 20;

/// Bytes that all files together may have.
pub const MAX_SUITE_BYTES: usize = 5 << 20;

/// BLAKE2b-256 in plain code.
pub struct Blake2b;

impl Hash256 for Blake2b {
    fn hash(bytes: &[u8]) -> Digest {
        let hash = blake2b_simd::Params::new().hash_length(32).hash(bytes);
        hash.as_bytes().try_into().expect("asked for 32 bytes; qed")
    }
}

/// Every family, in order of the files' names.
pub fn suite() -> Vec<Family> {
    let mut families = vec![
        numbers::family(),
        functions::family(),
        quantised::family(),
        reductions::family(),
        digests::family(),
        trees::family(),
        graphs::family(),
        judge::family(),
        models::family(),
    ];
    families.extend(operators::families());
    families.sort_by_key(Family::file_name);
    families
}

/// The digest of a suite: of its files' names and bytes, in order of the names. The README draws the layout.
pub fn digest(files: &[(String, Vec<u8>)]) -> Digest {
    let mut files: Vec<_> = files.iter().collect();
    files.sort();
    let mut bytes = SUITE_DOMAIN.to_vec();
    bytes.extend((files.len() as u32).to_le_bytes());
    for (name, content) in files {
        bytes.extend((name.len() as u32).to_le_bytes());
        bytes.extend(name.as_bytes());
        bytes.extend((content.len() as u64).to_le_bytes());
        bytes.extend(content);
    }
    Blake2b::hash(&bytes)
}
