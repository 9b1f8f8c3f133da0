//! What an operator computes with: threads, instructions and memory.

use crate::{buffers::Buffers, instructions::Instructions, scratch::Scratch, threads::Threads};

/// Threads, instructions and memory.
pub struct Context<'a> {
    /// What kernels are made of.
    pub instructions: Instructions,
    /// What they run on.
    pub threads: &'a Threads,
    /// What products compute in.
    pub scratch: &'a Scratch,
    /// What results are written to.
    pub buffers: &'a mut Buffers,
}
