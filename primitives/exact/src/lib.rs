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
    0xfe, 0x65, 0xfa, 0x8c, 0x34, 0xa1, 0x8f, 0xe5, 0xeb, 0x3d, 0x6b, 0x2c, 0x83, 0xb6, 0xe4, 0x0e, 0x56, 0xcb, 0xb5,
    0x63, 0xd3, 0x6b, 0x97, 0x42, 0xf3, 0x91, 0xf0, 0x85, 0x82, 0x5d, 0x56, 0xfa,
];

#[cfg(test)]
mod testing;
