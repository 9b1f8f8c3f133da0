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

/// Version of the arithmetic: the digest of the conformance suite (`tests/conformance`), which this crate's results
/// make.
///
/// Two implementations with this digest passed the same vectors of every operator, digest, check and verdict. Any
/// change of a result that the suite holds is another digest. Nothing here computes it, and no root commits to it; a
/// test of the suite holds it to the committed vectors.
pub const DEFINITION: digest::Digest = [
    0x8e, 0x9e, 0x76, 0x43, 0xb0, 0xd6, 0x0a, 0x4c, 0x8e, 0x6a, 0xfd, 0x53, 0x64, 0x20, 0x52, 0x18, 0x97, 0x51, 0x5f,
    0xac, 0xe4, 0x94, 0x1d, 0x5e, 0x83, 0x2b, 0xf1, 0x02, 0xb2, 0x6f, 0x1f, 0xbc,
];

#[cfg(test)]
mod testing;
