//! A tree of which only some nodes are known.
//!
//! In a dispute a challenger needs paths in the *other* side's tree. It knows that tree's leaves before the first one
//! that differs, since they are its own, and the nodes that were revealed on the way down to it: one whole level, and
//! below the node that was pointed at the nodes of lower levels, down to the leaves. That is enough for the path of
//! every leaf before the first difference: a partner on such a path lies before the difference, and follows from known
//! leaves, or is a child of a node over the difference, and follows from what was revealed.

use super::{Membership, Path, Tree, nodes_of_level};
use crate::{
    bounded::Bounded,
    digest::{Digest, Hash256},
};
use alloc::{collections::BTreeMap, vec::Vec};

/// What is known of a tree with a known number of leaves. It holds what was inserted and what follows from it; what is
/// inserted is believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartialTree {
    tree: Tree,
    count: u64,
    /// By level and position.
    nodes: BTreeMap<(u32, u64), Digest>,
}

impl PartialTree {
    /// A tree of `count` leaves of which nothing is known.
    pub fn new(tree: Tree, count: u64) -> Self {
        Self {
            tree,
            count,
            nodes: BTreeMap::new(),
        }
    }

    /// Leaves of the tree, known or not.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Takes the node at position `index` of a level. Whether the tree has such a node; if not, nothing changes.
    pub fn insert(&mut self, level: u32, index: u64, digest: Digest) -> bool {
        let exists = level <= self.height() && index < nodes_of_level(self.count, level);
        if exists {
            self.nodes.insert((level, index), digest);
        }
        exists
    }

    /// Takes neighbouring nodes of a level, the first of which is at position `start`. Whether the tree has them all;
    /// if not, nothing changes.
    pub fn insert_span(&mut self, level: u32, start: u64, digests: &[Digest]) -> bool {
        let end = start.checked_add(digests.len() as u64);
        let exist = level <= self.height() && end.is_some_and(|end| end <= nodes_of_level(self.count, level));
        if exist {
            let nodes = (start..).zip(digests);
            self.nodes
                .extend(nodes.map(|(index, digest)| ((level, index), *digest)));
        }
        exist
    }

    /// Derives every node whose children are known, from the leaves up. Nodes that were inserted stay what they are.
    pub fn complete<H: Hash256>(&mut self) {
        for level in 0..self.height() {
            let width = nodes_of_level(self.count, level);
            let above = level.saturating_add(1);
            let known = self.nodes.range((level, 0)..(above, 0));
            let parents = known
                .filter(|((_, index), _)| index & 1 == 0)
                .filter_map(|((_, index), left)| {
                    let parent = (above, index >> 1);
                    if self.nodes.contains_key(&parent) {
                        return None;
                    }
                    let digest = match index.checked_add(1).filter(|right| *right < width) {
                        Some(right) => self.tree.join::<H>(left, self.nodes.get(&(level, right))?),
                        None => *left,
                    };
                    Some((parent, digest))
                });
            let parents: Vec<_> = parents.collect();
            self.nodes.extend(parents);
        }
    }

    /// The node at position `index` of a level, if it is known.
    pub fn node(&self, level: u32, index: u64) -> Option<&Digest> {
        self.nodes.get(&(level, index))
    }

    /// The leaf at position `index`, if it is known.
    pub fn leaf(&self, index: u64) -> Option<&Digest> {
        self.node(0, index)
    }

    /// The root, if it is known.
    pub fn root(&self) -> Option<&Digest> {
        self.node(self.height(), 0)
    }

    /// The path of the leaf at position `index`, which itself need not be known; `None` if there is no such leaf, or a
    /// part of its path is not known.
    pub fn path(&self, index: u64) -> Option<Path> {
        if index >= self.count {
            return None;
        }
        let (mut index, mut path) = (index, Vec::new());
        for level in 0..self.height() {
            let partner = index ^ 1;
            if partner < nodes_of_level(self.count, level) {
                path.push(*self.node(level, partner)?);
            }
            index >>= 1;
        }
        Bounded::new(path)
    }

    /// The entry at position `index` of a list, and that it is one; `None` if either is not known.
    pub fn membership(&self, index: u32) -> Option<(Digest, Membership)> {
        let membership = Membership {
            count: u32::try_from(self.count).ok()?,
            path: self.path(u64::from(index))?,
        };
        Some((*self.leaf(u64::from(index))?, membership))
    }

    /// The level of the root.
    fn height(&self) -> u32 {
        super::level_for(self.count, 1)
    }
}
