//! Digests of tensors and lists of tensors: what a claim commits to.
//!
//! # Layouts
//!
//! `‖` is concatenation, integers are little-endian, every domain is 16 bytes of ASCII padded with zero bytes.
//!
//! ```text
//! chunk i          bytes[1024·i .. 1024·(i+1)], the last one shorter; an empty tensor has one chunk of no bytes
//! leaf(chunk)      H( LEAF_DOMAIN ‖ chunk )
//! node(l, r)       H( NODE_DOMAIN ‖ l ‖ r )
//! tensor_digest    H( TENSOR_DOMAIN ‖ data type u8 ‖ rank u32 ‖ dimension u32 × rank ‖ root )
//! list_node(l, r)  H( LIST_NODE_DOMAIN ‖ l ‖ r )
//! list_digest      H( LIST_DOMAIN ‖ count u32 ‖ list_root )
//! ```
//!
//! A tree is built level by level: neighbours are paired from the left, and a node without a partner rises unchanged.
//! Level `k` therefore has `⌈n / 2^k⌉` nodes, and node `j` of it covers the leaves `j·2^k` up to `(j+1)·2^k`. The
//! number of leaves is committed (by the shape, or by the count), so a node that rises cannot be mistaken for another.
//!
//! The leaves of a list are the digests themselves; the root of an empty list is 32 zero bytes. Shape and data type
//! fix the number of bytes; hashing bytes of another length gives a digest that no valid tensor has.

use crate::tree::{Tree, chunk_leaves, list_digest_of_root};
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// A BLAKE2b-256 hash.
pub type Digest = [u8; 32];

/// Length of a domain constant in bytes.
pub const DOMAIN_BYTES: usize = 16;

/// Bytes of a tensor that share one leaf.
pub const CHUNK_BYTES: usize = 1024;

/// Domain of a chunk of a tensor.
pub const LEAF_DOMAIN: [u8; DOMAIN_BYTES] = *b"assay/leaf/1\0\0\0\0";
/// Domain of an inner node of a tensor's tree.
pub const NODE_DOMAIN: [u8; DOMAIN_BYTES] = *b"assay/node/1\0\0\0\0";
/// Domain of a whole tensor.
pub const TENSOR_DOMAIN: [u8; DOMAIN_BYTES] = *b"assay/tensor/1\0\0";
/// Domain of an inner node of a list's tree.
pub const LIST_NODE_DOMAIN: [u8; DOMAIN_BYTES] = *b"assay/listnode/1";
/// Domain of a list of digests.
pub const LIST_DOMAIN: [u8; DOMAIN_BYTES] = *b"assay/list/1\0\0\0\0";
/// Domain of a manifest's bytes; see [`manifest_hash`].
pub const MANIFEST_DOMAIN: [u8; DOMAIN_BYTES] = *b"assay/manifest/1";

/// BLAKE2b with a 32-byte output and no key, as the host function of a runtime or as a library elsewhere.
pub trait Hash256 {
    /// Hashes `bytes` in one go. Nothing in this crate passes a tensor whole: at most about one chunk at a time.
    fn hash(bytes: &[u8]) -> Digest;

    /// The hashes of the pieces of `size` bytes that `bytes` are cut into, the last one shorter, each behind the
    /// domain. An implementation may hash several at a time.
    fn hash_pieces(domain: &[u8; DOMAIN_BYTES], bytes: &[u8], size: usize) -> Vec<Digest>
    where
        Self: Sized,
    {
        let mut staged = Vec::with_capacity(DOMAIN_BYTES.saturating_add(size));
        let pieces = bytes.chunks(size.max(1)).map(|piece| {
            staged.clear();
            staged.extend_from_slice(domain);
            staged.extend_from_slice(piece);
            Self::hash(&staged)
        });
        pieces.collect()
    }
}

/// The type of a tensor's elements, stored little-endian.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[scale_info(capture_docs = "always")]
pub enum DataType {
    /// IEEE 754 binary32.
    #[codec(index = 0)]
    Float32,
    /// Two's complement, 64 bits.
    #[codec(index = 1)]
    Int64,
    /// Two's complement, 32 bits.
    #[codec(index = 2)]
    Int32,
    /// Two's complement, 8 bits.
    #[codec(index = 3)]
    Int8,
    /// Unsigned, 8 bits.
    #[codec(index = 4)]
    Uint8,
    /// One byte, 0 or 1.
    #[codec(index = 5)]
    Bool,
}

impl DataType {
    /// Bytes that one element takes.
    pub const fn size_bytes(self) -> usize {
        match self {
            Self::Int64 => 8,
            Self::Float32 | Self::Int32 => 4,
            Self::Int8 | Self::Uint8 | Self::Bool => 1,
        }
    }

    /// The byte that stands for this type in a tensor digest; equal to its SCALE index.
    pub const fn tag(self) -> u8 {
        match self {
            Self::Float32 => 0,
            Self::Int64 => 1,
            Self::Int32 => 2,
            Self::Int8 => 3,
            Self::Uint8 => 4,
            Self::Bool => 5,
        }
    }
}

/// The number of bytes of a tensor, or `None` where it overflows 64 bits.
pub fn tensor_size_bytes(dtype: DataType, shape: &[u32]) -> Option<u64> {
    // A zero dimension empties the tensor however large the others are.
    if shape.contains(&0) {
        return Some(0);
    }
    shape.iter().try_fold(dtype.size_bytes() as u64, |size, &dimension| {
        size.checked_mul(u64::from(dimension))
    })
}

/// The digest of a tensor with the little-endian `bytes`, as drawn in the [module's documentation](self).
pub fn tensor_digest<H: Hash256>(dtype: DataType, shape: &[u32], bytes: &[u8]) -> Digest {
    tensor_digest_of_root::<H>(dtype, shape, &tensor_tree_root::<H>(bytes))
}

/// The digest of a tensor whose chunks hash to `root`.
pub fn tensor_digest_of_root<H: Hash256>(dtype: DataType, shape: &[u32], root: &Digest) -> Digest {
    let mut header = Vec::with_capacity(DOMAIN_BYTES + 5 + 4 * shape.len() + 32);
    header.extend_from_slice(&TENSOR_DOMAIN);
    header.push(dtype.tag());
    header.extend_from_slice(&(shape.len() as u32).to_le_bytes());
    for dimension in shape {
        header.extend_from_slice(&dimension.to_le_bytes());
    }
    header.extend_from_slice(root);
    H::hash(&header)
}

/// The root of the tree over a tensor's chunks.
pub fn tensor_tree_root<H: Hash256>(bytes: &[u8]) -> Digest {
    Tree::Chunks.fold::<H>(&chunk_leaves::<H>(bytes))
}

/// The digest of one chunk, of at most [`CHUNK_BYTES`].
pub fn leaf<H: Hash256>(chunk: &[u8]) -> Digest {
    small_hash::<H, { DOMAIN_BYTES + CHUNK_BYTES }>(&LEAF_DOMAIN, &[chunk])
}

/// The digest of a list of tensors, such as the inputs or the outputs of a job, in order.
pub fn list_digest<H: Hash256>(digests: &[Digest]) -> Digest {
    list_digest_of_root::<H>(digests.len() as u32, &Tree::List.fold::<H>(digests))
}

/// The hash of a manifest's bytes as they lie in the package.
pub fn manifest_hash<H: Hash256>(manifest: &[u8]) -> Digest {
    domain_hash::<H>(&MANIFEST_DOMAIN, &[manifest])
}

/// `H(domain ‖ parts…)` of at most `SIZE` bytes. A runtime's allocations are calls of its node, so there is none.
pub(crate) fn small_hash<H: Hash256, const SIZE: usize>(domain: &[u8; DOMAIN_BYTES], parts: &[&[u8]]) -> Digest {
    let (mut bytes, mut length) = ([0; SIZE], 0usize);
    for part in core::iter::once(&domain.as_slice()).chain(parts) {
        let end = length.saturating_add(part.len());
        match bytes.get_mut(length..end) {
            Some(place) => place.copy_from_slice(part),
            None => return domain_hash::<H>(domain, parts),
        }
        length = end;
    }
    H::hash(bytes.get(..length).unwrap_or_default())
}

/// `H(domain ‖ parts…)`.
pub(crate) fn domain_hash<H: Hash256>(domain: &[u8; DOMAIN_BYTES], parts: &[&[u8]]) -> Digest {
    let mut bytes = Vec::with_capacity(DOMAIN_BYTES + parts.iter().map(|part| part.len()).sum::<usize>());
    bytes.extend_from_slice(domain);
    for part in parts {
        bytes.extend_from_slice(part);
    }
    H::hash(&bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Blake2b;
    use alloc::{vec, vec::Vec};

    /// The tree as the documentation words it: whole levels, a lone node rises.
    fn root_by_levels(mut level: Vec<Digest>, domain: [u8; DOMAIN_BYTES]) -> Digest {
        while level.len() > 1 {
            level = level
                .chunks(2)
                .map(|pair| match pair {
                    [left, right] => domain_hash::<Blake2b>(&domain, &[left, right]),
                    [lone] => *lone,
                    _ => unreachable!("chunks of two"),
                })
                .collect();
        }
        level[0]
    }

    #[test]
    fn tree_grown_leaf_by_leaf_equals_tree_built_level_by_level() {
        for count in 1..70_usize {
            let bytes: Vec<u8> = (0..count * CHUNK_BYTES - 7).map(|i| (i * 31 % 251) as u8).collect();
            let leaves = bytes.chunks(CHUNK_BYTES).map(leaf::<Blake2b>).collect::<Vec<_>>();
            assert_eq!(leaves.len(), count);
            assert_eq!(
                tensor_tree_root::<Blake2b>(&bytes),
                root_by_levels(leaves, NODE_DOMAIN),
                "{count} chunks"
            );
        }
    }

    #[test]
    fn tensor_digest_follows_the_documented_layout() {
        let bytes = [1u8, 2, 3, 4, 5, 6, 7, 8];
        let root = Blake2b::hash(&[b"assay/leaf/1\0\0\0\0".as_slice(), &bytes].concat());
        let header = [
            b"assay/tensor/1\0\0".as_slice(),
            &[0],
            &[2, 0, 0, 0],
            &[2, 0, 0, 0],
            &[1, 0, 0, 0],
            &root,
        ];
        assert_eq!(
            tensor_digest::<Blake2b>(DataType::Float32, &[2, 1], &bytes),
            Blake2b::hash(&header.concat())
        );
    }

    #[test]
    fn tensor_digest_binds_type_shape_and_bytes() {
        let bytes = [0u8; 8];
        let digests = [
            tensor_digest::<Blake2b>(DataType::Float32, &[2], &bytes),
            tensor_digest::<Blake2b>(DataType::Int32, &[2], &bytes),
            tensor_digest::<Blake2b>(DataType::Float32, &[2, 1], &bytes),
            tensor_digest::<Blake2b>(DataType::Float32, &[1, 2], &bytes),
            tensor_digest::<Blake2b>(DataType::Float32, &[2], &[0, 0, 0, 0, 0, 0, 0, 1]),
        ];
        for (i, left) in digests.iter().enumerate() {
            assert!(digests[i + 1..].iter().all(|right| left != right));
        }
    }

    #[test]
    fn empty_tensor_has_one_empty_chunk() {
        assert_eq!(tensor_tree_root::<Blake2b>(&[]), Blake2b::hash(&LEAF_DOMAIN));
        assert_eq!(
            tensor_size_bytes(DataType::Int64, &[u32::MAX, u32::MAX, u32::MAX, 0]),
            Some(0)
        );
    }

    #[test]
    fn list_digest_binds_count_and_order() {
        let (a, b) = ([1; 32], [2; 32]);
        let digests =
            [vec![], vec![a], vec![b], vec![a, b], vec![b, a], vec![a, b, b]].map(|l| list_digest::<Blake2b>(&l));
        for (i, left) in digests.iter().enumerate() {
            assert!(digests[i + 1..].iter().all(|right| left != right));
        }
        let root = domain_hash::<Blake2b>(&LIST_NODE_DOMAIN, &[&a, &b]);
        assert_eq!(
            digests[3],
            Blake2b::hash(&[LIST_DOMAIN.as_slice(), &[2, 0, 0, 0], &root].concat())
        );
    }

    #[test]
    fn size_that_overflows_is_none() {
        assert_eq!(tensor_size_bytes(DataType::Float32, &[u32::MAX, u32::MAX]), None);
        assert_eq!(tensor_size_bytes(DataType::Float32, &[]), Some(4));
        assert_eq!(tensor_size_bytes(DataType::Int64, &[3, 5]), Some(120));
    }

    #[test]
    fn tag_is_the_codec_index() {
        for dtype in [
            DataType::Float32,
            DataType::Int64,
            DataType::Int32,
            DataType::Int8,
            DataType::Uint8,
            DataType::Bool,
        ] {
            assert_eq!(dtype.encode(), [dtype.tag()]);
        }
    }
}
