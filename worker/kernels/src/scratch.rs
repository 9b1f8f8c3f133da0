//! Memory that kernels compute in, kept from one call to the next.

use crate::{aligned::Aligned, attention::PackedHead, instructions::Instructions, packed::Packed, rows::Rows};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Memory for each thread, and some that all share. It grows to what the largest call needs, and no further.
pub struct Scratch {
    threads: Vec<Mutex<ThreadScratch>>,
    whole: Mutex<WholeScratch>,
    /// A second operand that all threads multiply with.
    second: Mutex<(Rows, Packed)>,
    /// Memory between layers that all threads work on, one after the other.
    between: Mutex<(Aligned<f32>, Aligned<f32>)>,
}

/// Memory that one thread computes in.
pub(crate) struct ThreadScratch {
    pub rows: Rows,
    /// Rows on their way to be packed.
    pub second: Rows,
    pub packed: Packed,
    pub numbers: Aligned<f32>,
    /// Numbers that come after them.
    pub next: Aligned<f32>,
    /// A number for each row.
    pub totals: Vec<f32>,
}

/// Memory that a call computes in before, or after, the threads share it out.
pub(crate) struct WholeScratch {
    pub rows: Rows,
    pub heads: Vec<PackedHead>,
    pub numbers: Aligned<f32>,
}

impl ThreadScratch {
    /// Memory for one thread.
    pub fn new(instructions: Instructions) -> Self {
        let rows = Rows::new(instructions);
        Self {
            second: rows.clone(),
            packed: Packed::new(&rows),
            numbers: Aligned::default(),
            next: Aligned::default(),
            totals: Vec::new(),
            rows,
        }
    }
}

impl Scratch {
    /// Memory for this many threads, for these instructions.
    pub fn new(instructions: Instructions, threads: usize) -> Self {
        Self {
            threads: (0..threads)
                .map(|_| Mutex::new(ThreadScratch::new(instructions)))
                .collect(),
            whole: Mutex::new(WholeScratch {
                rows: Rows::new(instructions),
                heads: Vec::new(),
                numbers: Aligned::default(),
            }),
            second: Mutex::new((Rows::new(instructions), Packed::new(&Rows::new(instructions)))),
            between: Mutex::default(),
        }
    }

    /// Memory of one thread. Memory that another one panicked in is overwritten like everything else here.
    pub(crate) fn of(&self, thread: usize) -> MutexGuard<'_, ThreadScratch> {
        self.threads[thread].lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn whole_second(&self) -> MutexGuard<'_, (Rows, Packed)> {
        self.second.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn between(&self) -> MutexGuard<'_, (Aligned<f32>, Aligned<f32>)> {
        self.between.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn whole(&self) -> MutexGuard<'_, WholeScratch> {
        self.whole.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
