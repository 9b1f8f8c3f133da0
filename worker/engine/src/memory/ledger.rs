//! Memory that an execution holds and keeps, without the memory itself.

use assay_exact::digest::DataType;
use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

/// Fewer bytes are not kept for later.
const FEWEST_BYTES_TO_KEEP: u64 = 128;

/// Memory that is held now, and its maximum so far. Memory that nobody uses is kept for later, as the kernels' buffers
/// are: by type, the smallest that is large enough, or else a new one in place of the largest.
#[derive(Default)]
pub(super) struct Ledger {
    used: Cell<u64>,
    unused: RefCell<Vec<(DataType, u64)>>,
    /// The most that was held and kept at one time.
    pub peak: Cell<u64>,
    /// The most that a kernel computes in beside its operands and its result: it keeps that for the next one.
    pub scratch: Cell<u64>,
}

impl Ledger {
    /// Takes memory of a size; the size of what there is.
    pub fn take(&self, dtype: DataType, bytes: u64) -> u64 {
        let mut unused = self.unused.borrow_mut();
        let of_type = || unused.iter().enumerate().filter(|(_, (other, _))| *other == dtype);
        let best = of_type()
            .filter(|(_, (_, size))| *size >= bytes)
            .min_by_key(|(_, (_, size))| *size);
        let largest = of_type().max_by_key(|(_, (_, size))| *size);
        let taken = best.or(largest).map(|(index, _)| index);
        let is_enough = best.is_some();
        let found = taken.map(|index| unused.swap_remove(index).1);
        let size = found.filter(|_| is_enough).unwrap_or(bytes);
        // Saturating: what overflows is above any limit.
        self.used.set(self.used.get().saturating_add(size));
        let kept = unused.iter().fold(0, |sum: u64, (_, size)| sum.saturating_add(*size));
        self.peak.set(self.peak.get().max(self.used.get().saturating_add(kept)));
        size
    }

    fn give(&self, dtype: DataType, bytes: u64) {
        self.used.set(self.used.get().saturating_sub(bytes));
        if bytes > FEWEST_BYTES_TO_KEEP {
            self.unused.borrow_mut().push((dtype, bytes));
        }
    }
}

/// Memory that is given back when nothing refers to it.
pub(super) struct Block {
    pub dtype: DataType,
    pub bytes: u64,
    /// Elements that it was taken for.
    pub length: usize,
    pub ledger: Rc<Ledger>,
}

impl Drop for Block {
    fn drop(&mut self) {
        self.ledger.give(self.dtype, self.bytes);
    }
}
