//! Exact arithmetic on processors, fast: the bits of `assay-exact` from vector instructions and several threads.
//!
//! Kernels work on plain slices of numbers, which are canonical (one zero, one NaN) when they come and when they go.
//! Each of them has a form for AVX-512 VNNI, one for AVX2 and one in plain code, and products have one for the tiles of
//! AMX; [`instructions::Instructions::detect`] picks at run time. The result depends neither on that nor on the number
//! of threads. [`operators`] do the same for whole tensors of every type, which are [`array::Array`]s: shared memory,
//! seen through shapes and strides. [`backend`] offers them to engines. Nothing here knows graphs.
//!
//! There is `unsafe` code here: calls of functions that need instructions the processor was asked for, reads and writes
//! of whole vectors, tiles and the system call that permits them, and the lifetime of what [`threads::Threads`]
//! executes.

pub mod array;
pub mod attention;
pub mod backend;
pub mod buffers;
pub mod context;
pub mod elementwise;
pub mod environment;
pub mod instructions;
pub mod layers;
pub mod normalise;
pub mod operators;
pub mod packed;
pub mod product;
pub mod reduce;
pub mod rows;
pub mod scratch;
pub mod threads;
pub mod view;

mod aligned;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod functions;
#[cfg(target_arch = "x86_64")]
mod several;
#[cfg(test)]
mod tests;
mod vector;
