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
pub mod digest;
pub mod element;
pub mod evaluate;
pub mod functions;
pub mod graph;
pub mod judge;
pub mod operators;
pub mod quantise;
pub mod reduce;
pub mod tensor;
pub mod trace;
pub mod tree;

/// Version of the arithmetic: the digest of the conformance suite (`tests/conformance`), which this crate's results make.
///
/// Two implementations with this digest passed the same vectors of every operator, digest, check and verdict. Any change of a
/// result that the suite holds is another digest. Nothing here computes it, and no root commits to it; a test of the suite holds
/// it to the committed vectors.
pub const DEFINITION: digest::Digest = [
    0xe9, 0x73, 0x3a, 0x00, 0x20, 0xe7, 0x51, 0xc8, 0xfb, 0x18, 0xef, 0x9c, 0x84, 0x38, 0x24, 0x1a, 0x28, 0xb3, 0xbe,
    0x8d, 0x07, 0x38, 0x67, 0x50, 0x87, 0xda, 0x4f, 0xcc, 0x29, 0xb9, 0xcb, 0xa9,
];

#[cfg(test)]
mod testing;
