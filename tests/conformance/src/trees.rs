//! Trees opened: levels, paths and proofs of several leaves, right ones and such as are refused.

use crate::{
    Blake2b,
    family::{Family, Numbered},
    json::{Json, list},
    random::Random,
    render::{bytes, digest_or_null, digests},
};
use assay_exact::{
    bounded::Bounded,
    digest::Digest,
    tree::{Membership, Tree},
};

/// Leaves of the trees that are opened.
const COUNTS: [usize; 9] = [1, 2, 3, 4, 5, 6, 7, 8, 13];

pub fn family() -> Family {
    let mut trees = Trees {
        family: Family::new("trees"),
        names: Numbered::default(),
        random: Random(0x7472_6565),
    };
    for (name, tree) in [("chunks", Tree::Chunks), ("list", Tree::List)] {
        for count in COUNTS {
            // The two differ in their domain alone.
            if tree == Tree::List && ![1, 5, 8].contains(&count) {
                continue;
            }
            let leaves: Vec<Digest> = (0..count).map(|_| trees.random.digest()).collect();
            let opened = Opened { name, tree, leaves };
            trees.levels(&opened);
            trees.paths(&opened);
            trees.several(&opened);
        }
    }
    trees.wide_counts();
    trees.memberships();
    trees.family
}

/// A tree whose leaves are known.
struct Opened {
    name: &'static str,
    tree: Tree,
    leaves: Vec<Digest>,
}

struct Trees {
    family: Family,
    names: Numbered,
    random: Random,
}

impl Trees {
    fn case(&mut self, kind: &'static str, fields: Vec<(&'static str, Json)>) {
        let name = self.names.name(kind);
        self.family.case(kind, name, fields);
    }

    fn levels(&mut self, opened: &Opened) {
        if ![1, 5, 8, 13].contains(&opened.leaves.len()) {
            return;
        }
        for level in [0, 1, 2, 3, 4, 7] {
            let nodes = opened.tree.level::<Blake2b>(opened.leaves.clone(), level);
            let fields = vec![
                ("tree", opened.name.into()),
                ("leaves", digests(&opened.leaves)),
                ("level", level.into()),
                ("nodes", digests(&nodes)),
            ];
            self.case("level", fields);
        }
    }

    fn paths(&mut self, opened: &Opened) {
        let count = opened.leaves.len();
        for index in [0, count / 2, count - 1, count] {
            let path = opened.tree.path::<Blake2b>(&opened.leaves, index as u64);
            let fields = vec![
                ("tree", opened.name.into()),
                ("leaves", digests(&opened.leaves)),
                ("index", index.into()),
                ("path", path.as_ref().map_or(Json::Null, |path| digests(path))),
            ];
            self.case("path", fields);
            let Some(path) = path else { continue };
            let (leaf, path) = (opened.leaves[index], path.into_inner());
            self.climb(opened, index, count, &leaf, &path);
            if index == count / 2 {
                self.bad_climbs(opened, index, &leaf, &path);
            }
        }
    }

    /// Places and paths that are wrong: refused, or ending in another root.
    fn bad_climbs(&mut self, opened: &Opened, index: usize, leaf: &Digest, path: &[Digest]) {
        let count = opened.leaves.len();
        self.climb(opened, count, count, leaf, path);
        self.climb(opened, index ^ 1, count, leaf, path);
        self.climb(opened, index, count + 1, leaf, path);
        self.climb(opened, index, count * 2, leaf, path);
        self.climb(opened, 0, 0, leaf, &[]);
        let longer = [path, &[self.random.digest()]].concat();
        self.climb(opened, index, count, leaf, &longer);
        if let Some((_, shorter)) = path.split_last() {
            self.climb(opened, index, count, leaf, shorter);
            let mut other = path.to_vec();
            other[0][31] ^= 1;
            self.climb(opened, index, count, leaf, &other);
        }
    }

    fn climb(&mut self, opened: &Opened, index: usize, count: usize, leaf: &Digest, path: &[Digest]) {
        let root = opened.tree.climb::<Blake2b>(leaf, index as u64, count as u64, path);
        let fields = vec![
            ("tree", opened.name.into()),
            ("count", count.into()),
            ("index", index.into()),
            ("leaf", bytes(leaf)),
            ("path", digests(path)),
            ("root", digest_or_null(root)),
        ];
        self.case("climb", fields);
    }

    fn several(&mut self, opened: &Opened) {
        let count = opened.leaves.len() as u64;
        let mut sets: Vec<Vec<u64>> = vec![vec![], (0..count).collect(), vec![count - 1], vec![count], vec![0, 0]];
        if count > 2 {
            sets.extend([vec![0, count - 1], vec![1, 2], vec![1, 0], vec![0, count]]);
            sets.push((0..count).filter(|_| self.random.once_in(2)).collect());
        }
        for indices in sets {
            let proof = opened.tree.prove::<Blake2b>(&opened.leaves, &indices);
            let fields = vec![
                ("tree", opened.name.into()),
                ("leaves", digests(&opened.leaves)),
                ("indices", list(&indices, |index| (*index as usize).into())),
                ("proof", proof.as_ref().map_or(Json::Null, |proof| digests(proof))),
            ];
            self.case("multiproof", fields);
            let Some(proof) = proof else { continue };
            let leaves: Vec<(u64, Digest)> = indices
                .iter()
                .map(|index| (*index, opened.leaves[*index as usize]))
                .collect();
            self.climb_all(opened, leaves.clone(), count, &proof);
            if indices.len() == 2 {
                self.bad_climbs_all(opened, &leaves, &proof);
            }
        }
    }

    fn bad_climbs_all(&mut self, opened: &Opened, leaves: &[(u64, Digest)], proof: &[Digest]) {
        let count = opened.leaves.len() as u64;
        let longer = [proof, &[self.random.digest()]].concat();
        self.climb_all(opened, leaves.to_vec(), count, &longer);
        self.climb_all(opened, vec![], count, &[]);
        self.climb_all(opened, vec![leaves[1], leaves[0]], count, proof);
        self.climb_all(opened, vec![leaves[0], leaves[0]], count, proof);
        self.climb_all(opened, vec![leaves[0], (count, leaves[1].1)], count, proof);
        self.climb_all(opened, leaves[..1].to_vec(), count, proof);
        if let Some((_, shorter)) = proof.split_last() {
            self.climb_all(opened, leaves.to_vec(), count, shorter);
        }
        if let [first, second, rest @ ..] = proof {
            let swapped = [&[*second, *first], rest].concat();
            self.climb_all(opened, leaves.to_vec(), count, &swapped);
        }
    }

    fn climb_all(&mut self, opened: &Opened, leaves: Vec<(u64, Digest)>, count: u64, proof: &[Digest]) {
        let given = list(&leaves, |(index, leaf)| {
            Json::List(vec![(*index as usize).into(), bytes(leaf)])
        });
        let root = opened.tree.climb_all::<Blake2b>(leaves, count, proof);
        let fields = vec![
            ("tree", opened.name.into()),
            ("count", (count as usize).into()),
            ("leaves", given),
            ("proof", digests(proof)),
            ("root", digest_or_null(root)),
        ];
        self.case("climb_all", fields);
    }

    /// Trees that nobody could build, climbed.
    fn wide_counts(&mut self) {
        let opened = Opened {
            name: "chunks",
            tree: Tree::Chunks,
            leaves: vec![],
        };
        let leaf = self.random.digest();
        let path: Vec<Digest> = (0..32).map(|_| self.random.digest()).collect();
        let count = (1usize << 32) - 1;
        // The last leaf rises from level to level wherever a level has an odd number of nodes.
        for (index, length) in [
            (0, 32),
            (0, 31),
            (count - 1, 32),
            (count - 1, 31),
            (1 << 31, 31),
            (1 << 31, 32),
        ] {
            self.climb(&opened, index, count, &leaf, &path[..length]);
        }
        for (index, count, length) in [
            ((1 << 20) + 1, (1 << 20) + 2, 2),
            (1 << 20, (1 << 20) + 1, 1),
            (1 << 20, (1 << 20) + 1, 2),
        ] {
            self.climb(&opened, index, count, &leaf, &path[..length]);
        }
    }

    fn memberships(&mut self) {
        for count in [1, 2, 5, 8] {
            let entries: Vec<Digest> = (0..count).map(|_| self.random.digest()).collect();
            let index = count / 2;
            let membership = Membership::of::<Blake2b>(&entries, index).expect("it is an entry");
            let (entry, path) = (entries[index as usize], membership.path.into_inner());
            self.membership(&entry, index, count, &path);
            self.membership(&entry, count, count, &path);
            self.membership(&entry, index, count + 1, &path);
            self.membership(&entry, 0, 0, &[]);
            let longer = [path.as_slice(), &[self.random.digest()]].concat();
            self.membership(&entry, index, count, &longer);
            if let Some((_, shorter)) = path.split_last() {
                self.membership(&entry, index, count, shorter);
            }
        }
    }

    fn membership(&mut self, entry: &Digest, index: u32, count: u32, path: &[Digest]) {
        let membership = Membership {
            count,
            path: Bounded::new(path.to_vec()).expect("a short path"),
        };
        let fields = vec![
            ("entry", bytes(entry)),
            ("index", index.into()),
            ("count", count.into()),
            ("path", digests(path)),
            (
                "list_digest",
                digest_or_null(membership.list_digest::<Blake2b>(entry, index)),
            ),
        ];
        self.case("membership", fields);
    }
}
