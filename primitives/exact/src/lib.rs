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
    0x36, 0x52, 0x0e, 0xc0, 0x16, 0x76, 0x05, 0xed, 0x50, 0x9b, 0x55, 0x11, 0x29, 0x18, 0xcb, 0xbc, 0x54, 0x66, 0x31,
    0x7a, 0x34, 0x1c, 0xf1, 0x9a, 0x3f, 0xa1, 0xc0, 0x0c, 0x8c, 0xc7, 0x81, 0x32,
];

#[cfg(test)]
mod testing;
