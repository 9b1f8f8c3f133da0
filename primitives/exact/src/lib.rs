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

#[cfg(test)]
mod testing;
