//! Keys and values of sequences, kept for those that begin with the same tokens.
//!
//! A token's part of the caches depends on the token and on the tokens before it, and on nothing else: not on the
//! sequences beside it, nor on the parts in which a prompt is read. So a sequence that begins as another did has the
//! same bits with what is kept of that one.

use assay_ops::tensor::Tensor;

/// Fewer tokens are read faster than found.
const FEWEST_TOKENS: usize = 16;

/// The caches of some sequences, up to a number of bytes.
pub(super) struct Prefixes {
    most_bytes: u64,
    /// Room at present.
    allowed: u64,
    bytes: u64,
    /// The one that was used last stands last.
    entries: Vec<Entry>,
    tokens_reused: u64,
}

/// The caches of a sequence's first tokens, with as many slots.
struct Entry {
    tokens: Vec<i64>,
    caches: Vec<Tensor>,
    bytes: u64,
}

impl Prefixes {
    /// None yet, and never more than this many bytes.
    pub fn new(most_bytes: u64) -> Self {
        Self {
            most_bytes,
            allowed: most_bytes,
            bytes: 0,
            entries: Vec::new(),
            tokens_reused: 0,
        }
    }

    /// Tokens that were found so far.
    pub fn tokens_reused(&self) -> u64 {
        self.tokens_reused
    }

    /// Number of these tokens that an earlier sequence began with, and the caches of that one, whose first slots are
    /// theirs.
    pub fn find(&mut self, tokens: &[i64]) -> Option<(usize, &[Tensor])> {
        let known = self.entries.iter().enumerate();
        let known = known.map(|(index, entry)| (common(&entry.tokens, tokens), index));
        let (known, index) = known.max().filter(|(known, _)| *known >= FEWEST_TOKENS)?;
        let entry = self.entries.remove(index);
        self.entries.push(entry);
        self.tokens_reused += known as u64;
        self.entries.last().map(|entry| (known, entry.caches.as_slice()))
    }

    /// Whether the caches of these tokens, which have this many bytes, are worth keeping: they are not there, and there
    /// may be room for them.
    pub fn wants(&self, tokens: &[i64], bytes: u64) -> bool {
        let is_there = |entry: &Entry| common(&entry.tokens, tokens) == tokens.len();
        tokens.len() >= FEWEST_TOKENS && bytes <= self.allowed && !self.entries.iter().any(is_there)
    }

    /// Keeps the caches of these tokens, in place of those that were used the longest time ago.
    pub fn keep(&mut self, tokens: &[i64], caches: Vec<Tensor>) {
        // What is the beginning of it is found in it as well.
        self.entries
            .retain(|entry| common(&entry.tokens, tokens) < entry.tokens.len());
        let bytes = caches.iter().map(|cache| cache.bytes().len() as u64).sum();
        self.entries.push(Entry {
            tokens: tokens.to_vec(),
            caches,
            bytes,
        });
        self.drop_oldest();
    }

    /// Lets go of what there is no room for, now and until the next call.
    pub fn give_way(&mut self, room: u64) {
        self.allowed = self.most_bytes.min(room);
        self.drop_oldest();
    }

    fn drop_oldest(&mut self) {
        self.bytes = self.entries.iter().map(|entry| entry.bytes).sum();
        let mut surplus = self.bytes.saturating_sub(self.allowed);
        let mut gone = 0;
        for entry in &self.entries {
            if surplus == 0 {
                break;
            }
            surplus = surplus.saturating_sub(entry.bytes);
            self.bytes -= entry.bytes;
            gone += 1;
        }
        self.entries.drain(..gone);
    }
}

/// Number of tokens with which both begin.
fn common(a: &[i64], b: &[i64]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_ops::tensor::DataType;

    fn tokens(first: i64, count: i64) -> Vec<i64> {
        (0..count).map(|place| first + place).collect()
    }

    fn caches(bytes: u32) -> Vec<Tensor> {
        vec![Tensor::new(DataType::Uint8, vec![1, bytes], vec![0; bytes as usize]).expect("as many bytes")]
    }

    #[test]
    fn the_longest_beginning_is_found_and_short_ones_are_not() {
        let mut prefixes = Prefixes::new(1000);
        prefixes.keep(&tokens(5, 20), caches(20));
        prefixes.keep(&tokens(100, 30), caches(30));
        let longer = [tokens(5, 18), vec![7, 7]].concat();
        assert_eq!(prefixes.find(&longer).map(|(known, _)| known), Some(18));
        assert_eq!(prefixes.find(&tokens(5, 15)).map(|(known, _)| known), None);
        assert_eq!(prefixes.find(&tokens(6, 20)).map(|(known, _)| known), None);
        assert_eq!(prefixes.tokens_reused(), 18);
    }

    #[test]
    fn what_was_used_the_longest_time_ago_goes_first() {
        let mut prefixes = Prefixes::new(100);
        for first in [100, 200, 300] {
            prefixes.keep(&tokens(first, 20), caches(40));
            assert!(prefixes.bytes <= 100);
            prefixes.find(&tokens(100, 20));
        }
        let mut there = |first| prefixes.find(&tokens(first, 20)).is_some();
        assert_eq!([there(100), there(200), there(300)], [true, false, true]);
        prefixes.give_way(50);
        assert_eq!((prefixes.bytes, prefixes.entries.len()), (40, 1));
        assert!(!prefixes.wants(&tokens(400, 20), 51) && prefixes.wants(&tokens(400, 20), 50));
    }

    #[test]
    fn what_is_the_beginning_of_another_is_kept_once() {
        let mut prefixes = Prefixes::new(100);
        prefixes.keep(&tokens(1, 20), caches(20));
        assert!(!prefixes.wants(&tokens(1, 18), 1) && prefixes.wants(&tokens(1, 21), 1));
        prefixes.keep(&tokens(1, 30), caches(30));
        assert_eq!((prefixes.bytes, prefixes.entries.len()), (30, 1));
    }
}
