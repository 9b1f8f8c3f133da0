//! Resources with which an operator computes: threads, instructions and memory.

use crate::{buffers::Buffers, instructions::Instructions, scratch::Scratch, threads::Threads};

/// Threads, instructions and memory.
pub struct Context<'a> {
    /// Instructions of the kernels.
    pub instructions: Instructions,
    /// Threads that they run on.
    pub threads: &'a Threads,
    /// Memory that products compute in.
    pub scratch: &'a Scratch,
    /// Memory that results are written to.
    pub buffers: &'a mut Buffers,
}
