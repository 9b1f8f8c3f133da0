//! Exact arithmetic: the definition of what a model computes, the same bits on every machine.
//!
//! Binary32 is integer code here, and no float instruction is used at all, so a runtime and a validator's native build
//! agree. This crate knows nothing of FRAME, of files, of devices and of threads: the runtime calls it to judge, a
//! worker's reference engine calls it to compute whole tensors, and every faster engine is tested against it.
//!
//! `docs/numerics.md` says the same in words and formulas.

#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(
        clippy::expect_used,
        clippy::float_arithmetic,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::unreachable,
        clippy::unwrap_used
    )
)]

extern crate alloc;

pub mod binary32;
pub mod bounded;
pub mod delivery;
pub mod digest;
pub mod element;
pub mod evaluate;
pub mod functions;
pub mod graph;
pub mod judge;
pub mod model;
pub mod operators;
pub mod quantise;
pub mod reduce;
pub mod tensor;
pub mod trace;
pub mod tree;

/// Number of the arithmetic that this version computes by, to which every model root commits. A change of any result
/// that the conformance suite holds is the next number.
pub const DEFINITION_NUMBER: u32 = 1;

/// The digest of the conformance suite (`tests/conformance`), which this crate's results make, and which belongs to
/// [`DEFINITION_NUMBER`].
///
/// Two implementations with this digest passed the same vectors of every operator, digest, check and verdict. Any
/// change of a result that the suite holds is another digest, and so are more vectors of the same results. Nothing here
/// computes it; a test of the suite holds it to the committed vectors.
pub const DEFINITION: digest::Digest = [
    0xa6, 0xb1, 0x4d, 0xfc, 0x09, 0xc4, 0x06, 0x3e, 0xdc, 0x40, 0x32, 0x57, 0x33, 0x4a, 0xde, 0x7c, 0x42, 0x90, 0x2f,
    0x3e, 0xb5, 0x90, 0xf9, 0x57, 0x5c, 0x16, 0x00, 0x5e, 0xf8, 0xd8, 0xb1, 0x8f,
];

#[cfg(test)]
mod testing;
