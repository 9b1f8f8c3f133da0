//! Assay time, in which every deadline, window, clock, rest and delay counts.
//!
//! A *moment* of Assay time is a number of blocks that had room for more calls. A block that was full does not count,
//! so nobody loses a deadline because others filled the blocks before it. Where no block was full, the moment of a
//! block is its number. Records keep moments and durations in the type of block numbers.

/// The clock of the chain.
pub trait AssayTime<BlockNumber> {
    /// The moment of this block. It is the same throughout the block, and at most one more than that of the block
    /// before.
    fn now() -> BlockNumber;
}
