//! Tensors that are kept for a while, up to a number of bytes.

use assay_ops::tensor::Tensor;
use std::{collections::BTreeMap, sync::Arc};

/// The outputs that were asked for last, under keys that name the operator, and the execution if there are several.
#[derive(Debug)]
pub struct Kept<K> {
    most_bytes: usize,
    bytes: usize,
    /// Counts uses.
    now: u64,
    /// By key, with the last use.
    tensors: BTreeMap<K, (u64, Arc<Tensor>)>,
    /// Keys by the last use.
    uses: BTreeMap<u64, K>,
}

impl<K: Copy + Ord> Kept<K> {
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

    /// An output, if it is kept.
    pub fn get(&mut self, key: K) -> Option<Arc<Tensor>> {
        self.now += 1;
        let (last_use, tensor) = self.tensors.get_mut(&key)?;
        self.uses.remove(last_use);
        self.uses.insert(self.now, key);
        *last_use = self.now;
        Some(tensor.clone())
    }

    /// Whether an output is kept, which is no use of it.
    pub fn contains(&self, key: K) -> bool {
        self.tensors.contains_key(&key)
    }

    /// Keeps a tensor in place of those that were used the longest time ago. One that is larger than everything that
    /// may be kept is not.
    pub fn insert(&mut self, key: K, tensor: Arc<Tensor>) {
        self.remove(key);
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
        self.uses.insert(self.now, key);
        self.tensors.insert(key, (self.now, tensor));
    }

    /// Drops what is kept under these keys.
    pub fn forget(&mut self, is_over: impl Fn(&K) -> bool) {
        let over: Vec<K> = self.tensors.keys().copied().filter(|key| is_over(key)).collect();
        over.into_iter().for_each(|key| self.remove(key));
    }

    /// All that is kept, by key.
    pub fn into_tensors(self) -> BTreeMap<K, Arc<Tensor>> {
        let tensors = self.tensors.into_iter();
        tensors.map(|(key, (_, tensor))| (key, tensor)).collect()
    }

    fn remove(&mut self, key: K) {
        if let Some((last_use, tensor)) = self.tensors.remove(&key) {
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

    #[test]
    fn what_is_forgotten_makes_room() {
        let mut kept = Kept::new(10);
        kept.insert((1, 0), tensor(5));
        kept.insert((2, 0), tensor(5));
        kept.forget(|(execution, _)| *execution == 1);
        kept.insert((3, 0), tensor(5));
        assert_eq!(
            [1, 2, 3].map(|execution| kept.contains((execution, 0))),
            [false, true, true]
        );
    }
}
