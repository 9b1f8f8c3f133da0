//! Tensors that are kept for a while, up to a number of bytes.

use assay_ops::tensor::Tensor;
use std::{collections::BTreeMap, sync::Arc};

/// The outputs of operators that were asked for last.
#[derive(Debug)]
pub struct Kept {
    most_bytes: usize,
    bytes: usize,
    /// Counts uses.
    now: u64,
    /// By operator, with the last use.
    tensors: BTreeMap<u32, (u64, Arc<Tensor>)>,
    /// Operators by the last use.
    uses: BTreeMap<u64, u32>,
}

impl Kept {
    /// Nothing yet, and never more than `most_bytes`.
    pub fn new(most_bytes: usize) -> Self {
        Self {
            most_bytes,
            bytes: 0,
            now: 0,
            tensors: BTreeMap::new(),
            uses: BTreeMap::new(),
        }
    }

    /// Bytes that it holds at most.
    pub fn most_bytes(&self) -> usize {
        self.most_bytes
    }

    /// The output of an operator, if it is kept.
    pub fn get(&mut self, operator: u32) -> Option<Arc<Tensor>> {
        self.now += 1;
        let (last_use, tensor) = self.tensors.get_mut(&operator)?;
        self.uses.remove(last_use);
        self.uses.insert(self.now, operator);
        *last_use = self.now;
        Some(tensor.clone())
    }

    /// Whether the output of an operator is kept, which is no use of it.
    pub fn contains(&self, operator: u32) -> bool {
        self.tensors.contains_key(&operator)
    }

    /// Keeps a tensor in place of those that were used the longest time ago. One that is larger than everything that
    /// may be kept is not.
    pub fn insert(&mut self, operator: u32, tensor: Arc<Tensor>) {
        self.remove(operator);
        let size = tensor.bytes().len();
        if size > self.most_bytes {
            return;
        }
        while self.bytes + size > self.most_bytes
            && let Some((_, oldest)) = self.uses.first_key_value()
        {
            self.remove(*oldest);
        }
        self.now += 1;
        self.bytes += size;
        self.uses.insert(self.now, operator);
        self.tensors.insert(operator, (self.now, tensor));
    }

    /// All that is kept, by operator.
    pub fn into_tensors(self) -> BTreeMap<u32, Arc<Tensor>> {
        let tensors = self.tensors.into_iter();
        tensors.map(|(operator, (_, tensor))| (operator, tensor)).collect()
    }

    fn remove(&mut self, operator: u32) {
        if let Some((last_use, tensor)) = self.tensors.remove(&operator) {
            self.uses.remove(&last_use);
            self.bytes -= tensor.bytes().len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_ops::tensor::DataType;

    fn tensor(bytes: u32) -> Arc<Tensor> {
        Arc::new(Tensor::new(DataType::Uint8, vec![bytes], vec![0; bytes as usize]).expect("as many bytes"))
    }

    #[test]
    fn what_was_used_the_longest_time_ago_goes_first() {
        let mut kept = Kept::new(10);
        kept.insert(1, tensor(4));
        kept.insert(2, tensor(4));
        assert!(kept.get(1).is_some());
        kept.insert(3, tensor(4));
        assert_eq!([1, 2, 3].map(|operator| kept.contains(operator)), [true, false, true]);
        kept.insert(4, tensor(10));
        assert_eq!([1, 3, 4].map(|operator| kept.contains(operator)), [false, false, true]);
    }

    #[test]
    fn what_is_too_large_is_not_kept_and_drives_nothing_out() {
        let mut kept = Kept::new(10);
        kept.insert(1, tensor(4));
        kept.insert(2, tensor(11));
        assert_eq!([1, 2].map(|operator| kept.contains(operator)), [true, false]);
        kept.insert(1, tensor(9));
        kept.insert(2, tensor(1));
        assert_eq!([1, 2].map(|operator| kept.contains(operator)), [true, true]);
    }
}
