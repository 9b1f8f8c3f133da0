//! Levels, paths and multiproofs agree with the digests that they open, and nothing else opens.

use super::*;
use crate::{
    digest::{list_digest, tensor_tree_root},
    testing::{Blake2b, Random},
};
use alloc::vec;

fn leaves(count: u64) -> Vec<Digest> {
    (0..count)
        .map(|i| domain_hash::<Blake2b>(&LIST_DOMAIN, &[&i.to_le_bytes()]))
        .collect()
}

#[test]
fn roots_are_those_of_the_digests() {
    for count in 0..70 {
        let list = leaves(count);
        let root = Tree::List.fold::<Blake2b>(&list);
        assert_eq!(
            list_digest_of_root::<Blake2b>(count as u32, &root),
            list_digest::<Blake2b>(&list)
        );
        let bytes = vec![7; (count as usize * CHUNK_BYTES).saturating_sub(5)];
        let chunks = chunk_leaves::<Blake2b>(&bytes);
        assert_eq!(
            Tree::Chunks.fold::<Blake2b>(&chunks),
            tensor_tree_root::<Blake2b>(&bytes)
        );
        assert_eq!(
            chunk_count(DataType::Int8, &[bytes.len() as u32]),
            Some(chunks.len() as u64)
        );
    }
}

#[test]
fn every_node_is_the_root_of_its_span() {
    for count in 1..40 {
        let all = leaves(count);
        for level in 0..8 {
            let nodes = Tree::List.level::<Blake2b>(all.clone(), level);
            assert_eq!(nodes.len() as u64, nodes_of_level(count, level));
            for lower in 0..=level {
                let below = Tree::List.level::<Blake2b>(all.clone(), lower);
                for (index, node) in nodes.iter().enumerate() {
                    let range = span(count, level, index as u64, lower).expect("a node of the level");
                    let range = range.start as usize..range.end as usize;
                    assert_eq!(Tree::List.fold::<Blake2b>(&below[range]), *node);
                }
                assert_eq!(span(count, level, nodes.len() as u64, lower), None);
            }
        }
    }
    assert_eq!(span(4, 0, 0, 1), None);
}

#[test]
fn level_for_is_the_least_that_fits() {
    for count in 0..5000 {
        let level = level_for(count, 1024);
        assert!(nodes_of_level(count, level) <= 1024);
        assert!(level == 0 || nodes_of_level(count, level - 1) > 1024);
    }
    assert_eq!(level_for(u64::MAX, 0), 64);
    assert_eq!(nodes_of_level(u64::MAX, 200), 1);
}

#[test]
fn path_opens_its_leaf_alone() {
    for count in 1..35u64 {
        let list = leaves(count);
        let root = Tree::List.fold::<Blake2b>(&list);
        for index in 0..count {
            let path = Tree::List.path::<Blake2b>(&list, index).expect("a leaf").into_inner();
            let climb = |leaf, index, count, path: &[Digest]| Tree::List.climb::<Blake2b>(leaf, index, count, path);
            let leaf = &list[index as usize];
            assert_eq!(climb(leaf, index, count, &path), Some(root));
            assert_eq!(climb(leaf, index, count, &[path.as_slice(), &[[0; 32]]].concat()), None);
            assert_eq!(climb(leaf, count, count, &path), None);
            assert_ne!(
                Tree::Chunks.climb::<Blake2b>(leaf, index, count, &path),
                Some(root).filter(|_| count > 1)
            );
            if let Some((_, shorter)) = path.split_last() {
                assert_eq!(climb(leaf, index, count, shorter), None);
            }
            for other in (0..count).filter(|other| *other != index) {
                assert_ne!(climb(leaf, other, count, &path), Some(root));
                assert_ne!(climb(&list[other as usize], index, count, &path), Some(root));
            }
        }
        assert_eq!(Tree::List.path::<Blake2b>(&list, count), None);
    }
}

#[test]
fn multiproof_opens_any_set_of_leaves_and_has_nothing_to_spare() {
    let mut random = Random(11);
    for case in 0..3000 {
        let count = 1 + random.next() % 40;
        let list = leaves(count);
        let root = Tree::Chunks.fold::<Blake2b>(&list);
        let mut indices: Vec<u64> = (0..count).filter(|_| random.next().is_multiple_of(3)).collect();
        if indices.is_empty() {
            indices.push(random.next() % count);
        }
        let proof = Tree::Chunks
            .prove::<Blake2b>(&list, &indices)
            .expect("leaves that ascend");
        let opened: Vec<_> = indices.iter().map(|index| (*index, list[*index as usize])).collect();
        let climb = |opened: &[(u64, Digest)], proof: &[Digest]| {
            Tree::Chunks.climb_all::<Blake2b>(opened.to_vec(), count, proof)
        };
        assert_eq!(climb(&opened, &proof), Some(root), "case {case}");
        if let [index] = indices.as_slice() {
            let path = Tree::Chunks.path::<Blake2b>(&list, *index).expect("a leaf");
            assert_eq!(path.into_inner(), proof);
        }
        assert_eq!(climb(&opened, &[proof.as_slice(), &[[1; 32]]].concat()), None);
        if let Some((_, shorter)) = proof.split_last() {
            assert_eq!(climb(&opened, shorter), None);
        }
        for position in 0..proof.len() {
            let mut changed = proof.clone();
            changed[position][9] ^= 1;
            assert_ne!(climb(&opened, &changed), Some(root));
        }
        for position in 0..opened.len() {
            let mut changed = opened.clone();
            changed[position].1[0] ^= 1;
            assert_ne!(climb(&changed, &proof), Some(root));
        }
        let twice = [opened.as_slice(), &opened[opened.len() - 1..]].concat();
        assert_eq!(climb(&twice, &proof), None);
        assert_eq!(climb(&[], &proof), None);
    }
    assert_eq!(Tree::List.prove::<Blake2b>(&leaves(3), &[1, 0]), None);
    assert_eq!(Tree::List.prove::<Blake2b>(&leaves(3), &[3]), None);
}

#[test]
fn run_of_leaves_needs_at_most_two_digests_a_level() {
    let list = leaves(300);
    for start in (0..235).step_by(7) {
        let indices: Vec<u64> = (start..start + 65).collect();
        let proof = Tree::Chunks
            .prove::<Blake2b>(&list, &indices)
            .expect("leaves that ascend");
        assert!(proof.len() <= 2 * 9);
    }
}

#[test]
fn membership_opens_the_digest_of_the_list() {
    let list = leaves(6);
    for (index, entry) in list.iter().enumerate() {
        let membership = Membership::of::<Blake2b>(&list, index as u32).expect("an entry");
        let digest = list_digest::<Blake2b>(&list);
        assert_eq!(membership.list_digest::<Blake2b>(entry, index as u32), Some(digest));
        let wrong = Membership { count: 5, ..membership };
        assert_ne!(wrong.list_digest::<Blake2b>(entry, index as u32), Some(digest));
    }
}

#[test]
fn places_and_sizes_of_chunks() {
    assert_eq!(place_of(DataType::Float32, 255), Some((0, 1020..1024)));
    assert_eq!(place_of(DataType::Float32, 256), Some((1, 0..4)));
    assert_eq!(place_of(DataType::Int64, u64::MAX), None);
    assert_eq!(chunk_size(DataType::Int64, &[129], 0), Some(1024));
    assert_eq!(chunk_size(DataType::Int64, &[129], 1), Some(8));
    assert_eq!(chunk_size(DataType::Int64, &[129], 2), None);
    assert_eq!(chunk_size(DataType::Int64, &[0, 129], 0), Some(0));
    for size in [0, 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES] {
        let bytes: Vec<u8> = (0..size).map(|i| (i % 251) as u8).collect();
        let count = chunk_count(DataType::Uint8, &[size as u32]).expect("a small tensor");
        let leaves = (0..count).map(|chunk| leaf::<Blake2b>(chunk_bytes(&bytes, chunk).expect("a chunk")));
        assert_eq!(leaves.collect::<Vec<_>>(), chunk_leaves::<Blake2b>(&bytes));
        assert_eq!(
            (chunk_bytes(&bytes, count), chunk_bytes(&bytes, u64::MAX)),
            (None, None)
        );
    }
}
