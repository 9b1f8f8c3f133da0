//! The blob that nodes run and relay chain validators execute.

use assay_runtime::{
    WASM_BINARY,
    units::{TOKEN_DECIMALS, TOKEN_SYMBOL},
};

/// Far enough below a relay chain's limit of 5 MiB (`max_code_size`) that the pallets to come fit in.
const MAX_BLOB_BYTES: usize = 3 * 1024 * 1024;
/// First bytes of a compressed blob (`sp_maybe_compressed_blob`).
const COMPRESSED: [u8; 8] = [82, 188, 83, 118, 70, 219, 142, 5];

#[test]
fn the_blob_is_compressed_and_small_enough_for_a_relay_chain() {
    let blob = WASM_BINARY.expect("the tests are built with the blob");
    assert!(blob.starts_with(&COMPRESSED), "the blob is not compressed");
    assert!(blob.len() <= MAX_BLOB_BYTES, "the blob has {} bytes", blob.len());
}

#[test]
fn the_metadata_hash_is_built_for_our_token() {
    let build_script = include_str!("../../build.rs");
    let expected = format!("enable_metadata_hash(\"{TOKEN_SYMBOL}\", {TOKEN_DECIMALS})");
    assert!(build_script.contains(&expected), "build.rs must say {expected}");
}
