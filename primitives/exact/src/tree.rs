//! The trees of [`digest`](crate::digest), opened: whole levels, the path of one leaf, and one proof for several
//! leaves.
//!
//! Level 0 are the leaves; level `k` of `n` leaves has `⌈n / 2^k⌉` nodes. Node `j` of level `k` is the root over the
//! nodes of a lower level that [`span`] gives, so a dispute can walk down from level to level with a few digests at a
//! time.
//!
//! A **path** holds the partners of a leaf's ancestors from the leaves up, and nothing for a level where the ancestor
//! has no partner and rises. A **multiproof** holds what is missing to climb from several leaves to the root: level by
//! level from the leaves up, in each level from the left, the partner of every known node whose partner is neither
//! known nor absent. Both are thereby unique for a tree and its opened leaves; one digest more or less is refused.

use crate::{
    bounded::Bounded,
    digest::{
        CHUNK_BYTES, DOMAIN_BYTES, DataType, Digest, Hash256, LEAF_DOMAIN, LIST_DOMAIN, LIST_NODE_DOMAIN, NODE_DOMAIN,
        domain_hash, leaf, small_hash, tensor_size_bytes,
    },
};
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use core::ops::Range;
use scale_info::TypeInfo;

/// Digests that a path may hold: a list has fewer than 2^32 entries, and a tensor of 2^63 bytes has 2^53 chunks.
pub const MAX_PATH: u32 = 53;

/// Digests of a path.
pub type Path = Bounded<Digest, MAX_PATH>;

/// Which of the two kinds of tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tree {
    /// Over the chunks of a tensor.
    Chunks,
    /// Over a list of digests.
    List,
}

/// Proof that a digest is an entry of a list. The verifier supplies the index and the list.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub struct Membership {
    /// Entries of the list.
    pub count: u32,
    /// Path of the entry.
    pub path: Path,
}

impl Tree {
    const fn domain(self) -> &'static [u8; DOMAIN_BYTES] {
        match self {
            Self::Chunks => &NODE_DOMAIN,
            Self::List => &LIST_NODE_DOMAIN,
        }
    }

    /// The node over two nodes.
    pub fn join<H: Hash256>(self, left: &Digest, right: &Digest) -> Digest {
        small_hash::<H, { DOMAIN_BYTES + 2 * size_of::<Digest>() }>(self.domain(), &[left, right])
    }

    /// The nodes one level above these, which are a whole level, or the span of one node.
    pub fn above<H: Hash256>(self, nodes: &[Digest]) -> Vec<Digest> {
        let (pairs, lone) = nodes.as_chunks::<2>();
        let bytes = pairs.as_flattened().as_flattened();
        let mut above = H::hash_pieces(self.domain(), bytes, 2 * size_of::<Digest>());
        above.extend_from_slice(lone);
        above
    }

    /// The nodes of level `level` over these leaves.
    pub fn level<H: Hash256>(self, mut leaves: Vec<Digest>, level: u32) -> Vec<Digest> {
        for _ in 0..level {
            if leaves.len() <= 1 {
                break;
            }
            leaves = self.above::<H>(&leaves);
        }
        leaves
    }

    /// The nodes at `range` of level `level` over these leaves, without building the rest of the tree. `None` if the
    /// level has no such nodes.
    pub fn nodes<H: Hash256>(self, leaves: &[Digest], level: u32, range: Range<u64>) -> Option<Vec<Digest>> {
        let count = leaves.len() as u64;
        if range.is_empty() || range.end > nodes_of_level(count, level) {
            return None;
        }
        let start = span(count, level, range.start, 0)?.start;
        let end = span(count, level, range.end.checked_sub(1)?, 0)?.end;
        let below = leaves.get(usize::try_from(start).ok()?..usize::try_from(end).ok()?)?;
        // Every node's leaves begin at a multiple of its width, so these pair up as they do in the whole tree.
        let mut nodes = below.to_vec();
        for _ in 0..level {
            nodes = self.above::<H>(&nodes);
        }
        Some(nodes)
    }

    /// The nodes of level `lower` that node `index` of level `level` is the root over, of the tree over these leaves.
    pub fn nodes_of_span<H: Hash256>(
        self,
        leaves: &[Digest],
        level: u32,
        index: u64,
        lower: u32,
    ) -> Option<Vec<Digest>> {
        self.nodes::<H>(leaves, lower, span(leaves.len() as u64, level, index, lower)?)
    }

    /// Where to point: the first of these revealed nodes, which stand at `start` and after it in level `level` of
    /// another tree of as many leaves, that is not what it is over the own `leaves`. It is counted from the level's
    /// beginning.
    ///
    /// `None` if all are the same, or if the level has no such nodes.
    pub fn first_difference<H: Hash256>(
        self,
        leaves: &[Digest],
        level: u32,
        start: u64,
        revealed: &[Digest],
    ) -> Option<u64> {
        let end = start.checked_add(revealed.len() as u64)?;
        let own = self.nodes::<H>(leaves, level, start..end)?;
        start.checked_add(first_difference(&own, revealed)?)
    }

    /// The root over nodes of one level: all of it, or the span of one node. Without nodes it is 32 zero bytes.
    pub fn fold<H: Hash256>(self, nodes: &[Digest]) -> Digest {
        let mut level = nodes.to_vec();
        while level.len() > 1 {
            level = self.above::<H>(&level);
        }
        level.first().copied().unwrap_or_default()
    }

    /// The path of leaf `index`; `None` if there is no such leaf.
    pub fn path<H: Hash256>(self, leaves: &[Digest], index: u64) -> Option<Path> {
        let mut position = usize::try_from(index)
            .ok()
            .filter(|position| *position < leaves.len())?;
        let (mut level, mut path) = (leaves.to_vec(), Vec::new());
        while level.len() > 1 {
            path.extend(level.get(position ^ 1).copied());
            level = self.above::<H>(&level);
            position >>= 1;
        }
        Bounded::new(path)
    }

    /// The root of a tree of `count` leaves in which leaf `index` is `leaf`, by its path. `None` if there is no such
    /// leaf, or the path is too long or too short.
    pub fn climb<H: Hash256>(self, leaf: &Digest, index: u64, count: u64, path: &[Digest]) -> Option<Digest> {
        if index >= count {
            return None;
        }
        let (mut index, mut count, mut node, mut partners) = (index, count, *leaf, path.iter());
        while count > 1 {
            if (index ^ 1) < count {
                let partner = partners.next()?;
                node = if index & 1 == 0 {
                    self.join::<H>(&node, partner)
                } else {
                    self.join::<H>(partner, &node)
                };
            }
            index >>= 1;
            count = count.div_ceil(2);
        }
        partners.next().is_none().then_some(node)
    }

    /// The multiproof of the leaves at `indices`, which ascend; `None` if they do not, or there is no such leaf, or
    /// there are no indices.
    pub fn prove<H: Hash256>(self, leaves: &[Digest], indices: &[u64]) -> Option<Vec<Digest>> {
        let opened = indices.iter().map(|index| {
            let position = usize::try_from(*index).ok()?;
            Some((*index, *leaves.get(position)?))
        });
        let opened = opened.collect::<Option<Vec<_>>>()?;
        let (mut level, mut built, mut proof) = (leaves.to_vec(), 0, Vec::new());
        self.climb_with::<H>(opened, leaves.len() as u64, |height, position| {
            while built < height {
                level = self.above::<H>(&level);
                built = built.saturating_add(1);
            }
            let partner = level.get(usize::try_from(position).ok()?).copied()?;
            proof.push(partner);
            Some(partner)
        })?;
        Some(proof)
    }

    /// The root of a tree of `count` leaves with these `(index, leaf)`, by their multiproof. `None` if the indices do
    /// not ascend or there are none, if there is no such leaf, or if the proof has more or fewer digests than are
    /// missing.
    pub fn climb_all<H: Hash256>(self, leaves: Vec<(u64, Digest)>, count: u64, proof: &[Digest]) -> Option<Digest> {
        let mut missing = proof.iter();
        let root = self.climb_with::<H>(leaves, count, |_, _| missing.next().copied())?;
        missing.next().is_none().then_some(root)
    }

    /// Climbs from several leaves; `missing(level, position)` gives a partner that is not known.
    fn climb_with<H: Hash256>(
        self,
        leaves: Vec<(u64, Digest)>,
        count: u64,
        mut missing: impl FnMut(u32, u64) -> Option<Digest>,
    ) -> Option<Digest> {
        let ascend = leaves.iter().zip(leaves.iter().skip(1)).all(|((a, _), (b, _))| a < b);
        if !ascend || leaves.last().is_none_or(|(index, _)| *index >= count) {
            return None;
        }
        let (mut known, mut count, mut height) = (leaves, count, 0);
        while count > 1 {
            let mut above = Vec::with_capacity(known.len());
            let mut nodes = known.into_iter().peekable();
            while let Some((index, node)) = nodes.next() {
                let partner = index ^ 1;
                let parent = if partner >= count {
                    node
                } else if index & 1 == 1 {
                    // Were the left one known, it would have taken this one.
                    self.join::<H>(&missing(height, partner)?, &node)
                } else {
                    let right = match nodes.next_if(|(next, _)| *next == partner) {
                        Some((_, right)) => right,
                        None => missing(height, partner)?,
                    };
                    self.join::<H>(&node, &right)
                };
                above.push((index >> 1, parent));
            }
            (known, count, height) = (above, count.div_ceil(2), height.saturating_add(1));
        }
        known.first().map(|(_, root)| *root)
    }
}

/// Nodes of a level over `count` leaves.
pub fn nodes_of_level(count: u64, level: u32) -> u64 {
    match 1u64.checked_shl(level) {
        Some(leaves) => count.div_ceil(leaves),
        None => count.min(1),
    }
}

/// The least level that has at most `max` nodes; `max` counts as at least 1.
pub fn level_for(count: u64, max: u64) -> u32 {
    let mut level = 0;
    while nodes_of_level(count, level) > max.max(1) {
        level = level.saturating_add(1);
    }
    level
}

/// The least level whose nodes below one node of level `level` are at most `max`, in a tree of any size; `max` counts
/// as at least 2, since anything less would not descend. It is 0 for level 0.
pub fn level_below(level: u32, max: u64) -> u32 {
    level.saturating_sub(max.max(2).ilog2())
}

/// The first position at which two lists differ. Where one goes on after the other ends, that is a difference.
pub fn first_difference(own: &[Digest], other: &[Digest]) -> Option<u64> {
    let common = own.len().min(other.len());
    let differs = own.iter().zip(other).position(|(a, b)| a != b);
    let differs = differs.or_else(|| (own.len() != other.len()).then_some(common));
    differs.map(|position| position as u64)
}

/// The nodes of level `lower` that node `index` of level `level` is the root over, in a tree of `count` leaves.
pub fn span(count: u64, level: u32, index: u64, lower: u32) -> Option<Range<u64>> {
    let width = 1u64.checked_shl(level.checked_sub(lower)?)?;
    let start = index.checked_mul(width)?;
    let end = start.saturating_add(width).min(nodes_of_level(count, lower));
    (start < end).then_some(start..end)
}

/// The digest of a list of `count` entries whose tree has this root.
pub fn list_digest_of_root<H: Hash256>(count: u32, root: &Digest) -> Digest {
    domain_hash::<H>(&LIST_DOMAIN, &[&count.to_le_bytes(), root])
}

impl Membership {
    /// The digest of the list whose entry `index` is `entry`; `None` if there is no such entry, or the path is too long
    /// or too short.
    pub fn list_digest<H: Hash256>(&self, entry: &Digest, index: u32) -> Option<Digest> {
        let root = Tree::List.climb::<H>(entry, u64::from(index), u64::from(self.count), &self.path)?;
        Some(list_digest_of_root::<H>(self.count, &root))
    }

    /// Membership proof for entry `index` of the list; `None` if there is no such entry.
    pub fn of<H: Hash256>(list: &[Digest], index: u32) -> Option<Self> {
        Some(Self {
            count: u32::try_from(list.len()).ok()?,
            path: Tree::List.path::<H>(list, u64::from(index))?,
        })
    }
}

/// The digests of a tensor's chunks, the leaves of its tree.
pub fn chunk_leaves<H: Hash256>(bytes: &[u8]) -> Vec<Digest> {
    if bytes.is_empty() {
        return [leaf::<H>(&[])].to_vec();
    }
    H::hash_pieces(&LEAF_DOMAIN, bytes, CHUNK_BYTES)
}

/// Chunk `chunk` of a tensor's bytes; `None` if there is no such chunk. Of no bytes there is one chunk, which is empty.
pub fn chunk_bytes(bytes: &[u8], chunk: u64) -> Option<&[u8]> {
    let start = usize::try_from(chunk).ok()?.checked_mul(CHUNK_BYTES)?;
    if start > 0 && start >= bytes.len() {
        return None;
    }
    bytes.get(start..start.saturating_add(CHUNK_BYTES).min(bytes.len()))
}

/// Chunks of a tensor; `None` where its bytes overflow 64 bits.
pub fn chunk_count(dtype: DataType, shape: &[u32]) -> Option<u64> {
    Some(tensor_size_bytes(dtype, shape)?.div_ceil(CHUNK_BYTES as u64).max(1))
}

/// Bytes of chunk `chunk` of a tensor; `None` if there is no such chunk.
pub fn chunk_size(dtype: DataType, shape: &[u32], chunk: u64) -> Option<usize> {
    if chunk >= chunk_count(dtype, shape)? {
        return None;
    }
    let before = chunk.checked_mul(CHUNK_BYTES as u64)?;
    let rest = tensor_size_bytes(dtype, shape)?.checked_sub(before)?;
    usize::try_from(rest.min(CHUNK_BYTES as u64)).ok()
}

/// The chunk that an element lies in, and the bytes of the chunk that it takes. No element lies in two chunks.
pub fn place_of(dtype: DataType, index: u64) -> Option<(u64, Range<usize>)> {
    let size = dtype.size_bytes();
    let start = index.checked_mul(size as u64)?;
    let offset = usize::try_from(start % CHUNK_BYTES as u64).ok()?;
    Some((start / CHUNK_BYTES as u64, offset..offset.checked_add(size)?))
}

#[cfg(test)]
mod tests;
