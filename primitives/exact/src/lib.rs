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
    0x0d, 0xd7, 0x71, 0x5d, 0x0c, 0x3c, 0x55, 0x67, 0x91, 0xbe, 0x30, 0x88, 0x4b, 0x6f, 0xc5, 0x9d, 0xa0, 0x0c, 0x2d,
    0xe7, 0xd0, 0xc5, 0x76, 0x93, 0xa3, 0x14, 0x5e, 0x28, 0x1e, 0x75, 0x67, 0xd7,
];

#[cfg(test)]
mod testing;
