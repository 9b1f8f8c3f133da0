//! Trees of chunks, cut at groups of 16, and the walk over a range by which both sides of an answer know what follows.
//!
//! A range is answered in the order of this walk, from the root down and from the left. At a node above the groups
//! that covers a chunk of the range stand its two children's digests, 64 bytes; at a group stand the group's bytes, all
//! of them, even if the range has only some. Nothing stands for a node that rises, or outside the range. The size of an
//! answer therefore follows from the tensor's size and the range, and a receiver that holds the root can check every
//! group before it uses a byte of it, with at most one digest for each level of the tree in memory.
//!
//! A group is checked by hashing each of its chunks and joining the leaves. A chunk is thus checked when its group has
//! arrived: 16 KiB, of which a processor's vectors hash several chunks at a time. The digests are 0.4 % of a large
//! range.

use assay_exact::{bounded::Bounded, digest::tensor_size_bytes};
use assay_exact::{
    digest::{CHUNK_BYTES, DataType, tensor_digest_of_root},
    graph::MAX_RANK,
    tree::{Tree, chunk_count, chunk_leaves, nodes_of_level},
};
use assay_ops::tensor::{Blake2b256, Digest};
use codec::{Decode, Encode};
use std::ops::Range;

/// Level of the tree whose nodes are the groups.
pub const GROUP_LEVEL: u32 = 4;
/// Chunks of a group.
pub const GROUP_CHUNKS: u64 = 1 << GROUP_LEVEL;
/// Bytes of a group.
pub const GROUP_BYTES: usize = CHUNK_BYTES << GROUP_LEVEL;

/// Facts that a tensor's digest commits to besides its bytes. A holder of the digest can check a header that a stranger
/// sends.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct TensorHeader {
    /// Type of the elements.
    pub dtype: DataType,
    /// Elements in each dimension, outermost first.
    pub shape: Bounded<u32, { MAX_RANK as u32 }>,
    /// Root of the tree over the chunks.
    pub root: Digest,
}

impl TensorHeader {
    /// The digest that commits to this header.
    pub fn digest(&self) -> Digest {
        tensor_digest_of_root::<Blake2b256>(self.dtype, &self.shape, &self.root)
    }

    /// Bytes of the tensor; `None` where they overflow 64 bits.
    pub fn bytes(&self) -> Option<u64> {
        tensor_size_bytes(self.dtype, &self.shape)
    }

    /// Chunks of the tensor; `None` where its bytes overflow 64 bits.
    pub fn chunks(&self) -> Option<u64> {
        chunk_count(self.dtype, &self.shape)
    }
}

/// The part of a tensor's tree from the groups up: 0.4 % of the tensor's bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupTree {
    /// Level [`GROUP_LEVEL`], and those above it up to the root.
    levels: Vec<Vec<Digest>>,
}

impl GroupTree {
    /// The tree over groups with these digests, of which there is at least one.
    pub fn new(groups: Vec<Digest>) -> Self {
        let mut levels = vec![groups];
        while let Some(top) = levels.last().filter(|top| top.len() > 1) {
            levels.push(Tree::Chunks.above::<Blake2b256>(top));
        }
        Self { levels }
    }

    /// The tree over a tensor's bytes.
    pub fn of(bytes: &[u8]) -> Self {
        match bytes.is_empty() {
            true => Self::new(vec![group_digest(bytes)]),
            false => Self::new(bytes.chunks(GROUP_BYTES).map(group_digest).collect()),
        }
    }

    /// The root over all chunks.
    pub fn root(&self) -> Digest {
        self.node(GROUP_LEVEL + self.levels.len() as u32 - 1, 0)
            .unwrap_or_default()
    }

    /// A node of the tree; `None` below the groups, and where the level has no such node.
    pub fn node(&self, level: u32, index: u64) -> Option<Digest> {
        let level = self.levels.get(level.checked_sub(GROUP_LEVEL)? as usize)?;
        level.get(usize::try_from(index).ok()?).copied()
    }
}

/// The digest of a group: the root over its chunks.
pub fn group_digest(bytes: &[u8]) -> Digest {
    Tree::Chunks.fold::<Blake2b256>(&chunk_leaves::<Blake2b256>(bytes))
}

/// The bytes of a tensor that a group covers.
pub fn group_range(tensor_bytes: u64, group: u64) -> Range<u64> {
    let start = group.saturating_mul(GROUP_BYTES as u64).min(tensor_bytes);
    start..start.saturating_add(GROUP_BYTES as u64).min(tensor_bytes)
}

/// A place in the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Level, 0 for the leaves.
    pub level: u32,
    /// Index in the level.
    pub index: u64,
}

/// Next part of an answer. `T` is the knowledge of the node there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<T> {
    /// The digests of a node's two children. The walk goes on when it is told what is known of them.
    Join(Place, T),
    /// The bytes of the group of this index.
    Group(u64, T),
}

/// The order of an answer.
#[derive(Clone, Debug)]
pub struct Walk<T> {
    chunks: u64,
    groups: Range<u64>,
    ahead: Vec<(Place, T)>,
}

impl<T> Walk<T> {
    /// A walk over chunks `range` of a tensor with this many; `None` if the range is empty or the tensor has no such
    /// chunks. `root` is what is known of the root.
    pub fn new(chunks: u64, range: Range<u64>, root: T) -> Option<Self> {
        if range.is_empty() || range.end > chunks {
            return None;
        }
        let mut level = GROUP_LEVEL;
        while nodes_of_level(chunks, level) > 1 {
            level = level.saturating_add(1);
        }
        Some(Self {
            chunks,
            groups: range.start / GROUP_CHUNKS..range.end.div_ceil(GROUP_CHUNKS),
            ahead: vec![(Place { level, index: 0 }, root)],
        })
    }

    /// Gives what is known of the children of a node that [`Walk::next`] has named.
    pub fn descend(&mut self, place: Place, left: T, right: T) {
        let child = |index| Place {
            level: place.level.saturating_sub(1),
            index,
        };
        let first = place.index.saturating_mul(2);
        self.ahead.push((child(first.saturating_add(1)), right));
        self.ahead.push((child(first), left));
    }

    fn is_outside(&self, place: Place) -> bool {
        let width = place.level.saturating_sub(GROUP_LEVEL);
        let first = place.index << width;
        let after = place.index.saturating_add(1) << width;
        after <= self.groups.start || first >= self.groups.end
    }
}

impl<T> Iterator for Walk<T> {
    type Item = Step<T>;

    fn next(&mut self) -> Option<Step<T>> {
        loop {
            let (mut place, known) = self.ahead.pop()?;
            if self.is_outside(place) {
                continue;
            }
            // A node without a partner rises unchanged, so its child below has the same digest.
            while place.level > GROUP_LEVEL {
                let right = place.index.saturating_mul(2).saturating_add(1);
                if right < nodes_of_level(self.chunks, place.level - 1) {
                    return Some(Step::Join(place, known));
                }
                place = Place {
                    level: place.level - 1,
                    index: place.index.saturating_mul(2),
                };
            }
            return Some(Step::Group(place.index, known));
        }
    }
}

/// A piece of an answer is not what the digest commits to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the bytes are not those that the digest commits to")]
pub struct Mismatch;

/// Checks that these are the digests of a node's children.
pub fn check_join(expected: &Digest, left: &Digest, right: &Digest) -> Result<(), Mismatch> {
    match Tree::Chunks.join::<Blake2b256>(left, right) == *expected {
        true => Ok(()),
        false => Err(Mismatch),
    }
}

/// Checks that these are a group's bytes.
pub fn check_group(expected: &Digest, bytes: &[u8]) -> Result<(), Mismatch> {
    match group_digest(bytes) == *expected {
        true => Ok(()),
        false => Err(Mismatch),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_exact::digest::tensor_tree_root;

    fn bytes(count: usize) -> Vec<u8> {
        (0..count).map(|i| (i * 31 % 251) as u8).collect()
    }

    /// Sends a range and receives it, both by the walk.
    fn transfer(tensor: &[u8], range: Range<u64>, root: Digest) -> Result<Vec<(u64, usize)>, Mismatch> {
        let tree = GroupTree::of(tensor);
        let chunks = (tensor.len() as u64).div_ceil(CHUNK_BYTES as u64).max(1);
        let (mut sender, mut receiver) = (
            Walk::new(chunks, range.clone(), ()).expect("a range"),
            Walk::new(chunks, range, root).expect("a range"),
        );
        let mut groups = Vec::new();
        while let Some(step) = receiver.next() {
            match (sender.next().expect("as long"), step) {
                (Step::Join(sent, ()), Step::Join(place, expected)) => {
                    assert_eq!(sent, place);
                    let child = |index| tree.node(place.level - 1, index).expect("a child");
                    let (left, right) = (child(2 * place.index), child(2 * place.index + 1));
                    check_join(&expected, &left, &right)?;
                    sender.descend(place, (), ());
                    receiver.descend(place, left, right);
                }
                (Step::Group(sent, ()), Step::Group(group, expected)) => {
                    assert_eq!(sent, group);
                    let at = group_range(tensor.len() as u64, group);
                    check_group(&expected, &tensor[at.start as usize..at.end as usize])?;
                    groups.push((group, (at.end - at.start) as usize));
                }
                (sent, expected) => panic!("{sent:?} is not {expected:?}"),
            }
        }
        assert_eq!(sender.next(), None);
        Ok(groups)
    }

    #[test]
    fn every_range_of_every_small_tensor_arrives() {
        for chunks in [1, 2, 15, 16, 17, 31, 33, 48, 49, 64, 65, 80, 81, 113, 200] {
            let tensor = bytes(chunks * CHUNK_BYTES - 5);
            let root = tensor_tree_root::<Blake2b256>(&tensor);
            assert_eq!(GroupTree::of(&tensor).root(), root, "{chunks} chunks");
            for start in (0..chunks as u64).step_by(7) {
                for end in (start + 1..=chunks as u64).step_by(5) {
                    let groups = transfer(&tensor, start..end, root).expect("verifies");
                    let expected = start / GROUP_CHUNKS..end.div_ceil(GROUP_CHUNKS);
                    assert_eq!(
                        groups.iter().map(|(group, _)| *group).collect::<Vec<_>>(),
                        expected.collect::<Vec<_>>()
                    );
                }
            }
        }
    }

    #[test]
    fn empty_tensor_has_one_group_of_no_bytes() {
        let root = tensor_tree_root::<Blake2b256>(&[]);
        assert_eq!(transfer(&[], 0..1, root), Ok(vec![(0, 0)]));
    }

    #[test]
    fn another_root_is_refused() {
        for length in [10, 40 * CHUNK_BYTES] {
            assert_eq!(transfer(&bytes(length), 0..1, [7; 32]), Err(Mismatch));
        }
    }

    #[test]
    fn range_outside_of_the_tensor_is_refused() {
        assert!(Walk::new(10, 3..3, ()).is_none());
        assert!(Walk::new(10, 3..11, ()).is_none());
        assert!(Walk::new(u64::MAX >> 10, 0..u64::MAX, ()).is_none());
    }

    #[test]
    fn header_fits_its_frame() {
        let header = TensorHeader {
            dtype: DataType::Int64,
            shape: Bounded::new(vec![u32::MAX; MAX_RANK]).expect("a rank"),
            root: [1; 32],
        };
        assert!(header.encode().len() < 80);
        assert_eq!(header.bytes(), None);
    }
}
