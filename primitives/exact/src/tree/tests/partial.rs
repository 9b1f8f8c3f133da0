//! What is revealed on the way down to the first difference opens everything before it.

use super::*;
use crate::testing::long;

/// Everything that is revealed of a tree on the way down to leaf `wrong`: level, position of the first node, nodes. A
/// step has at most `max`, and whoever points does so at what it computes differently from its own leaves.
fn descend(tree: Tree, own: &[Digest], theirs: &[Digest], max: u64) -> (u64, Vec<(u32, u64, Vec<Digest>)>) {
    let count = theirs.len() as u64;
    let mut level = level_for(count, max);
    let mut range = 0..nodes_of_level(count, level);
    let mut steps = Vec::new();
    loop {
        assert!(range.end - range.start <= max.max(2));
        let nodes = tree.nodes::<Blake2b>(theirs, level, range.clone()).expect("nodes");
        let pointed = tree.first_difference::<Blake2b>(own, level, range.start, &nodes);
        let pointed = pointed.expect("they differ");
        steps.push((level, range.start, nodes));
        if level == 0 {
            return (pointed, steps);
        }
        let lower = level_below(level, max);
        range = span(count, level, pointed, lower).expect("a node");
        assert_eq!(
            tree.nodes_of_span::<Blake2b>(theirs, level, pointed, lower),
            tree.nodes::<Blake2b>(theirs, lower, range.clone())
        );
        level = lower;
    }
}

fn check(random: &mut Random, count: u64, max: u64) {
    let tree = if random.next() & 1 == 0 {
        Tree::List
    } else {
        Tree::Chunks
    };
    let own = leaves(count);
    let wrong = random.next() % count;
    let mut theirs = own.clone();
    theirs[wrong as usize][5] ^= 1;
    for leaf in &mut theirs[wrong as usize + 1..] {
        leaf[0] ^= random.next() as u8;
    }
    let root = tree.fold::<Blake2b>(&theirs);

    let (found, steps) = descend(tree, &own, &theirs, max);
    assert_eq!(found, wrong);
    let mut partial = PartialTree::new(tree, count);
    assert!(partial.insert_span(0, 0, &own[..wrong as usize]));
    for (level, start, nodes) in &steps {
        assert!(partial.insert_span(*level, *start, nodes));
    }
    partial.complete::<Blake2b>();

    assert_eq!(partial.root(), Some(&root));
    let before = if count < 200 || long() {
        0
    } else {
        wrong.saturating_sub(64)
    };
    let sample = (before..=wrong).chain((0..16).map(|_| random.next() % (wrong + 1)));
    for leaf in sample {
        let path = partial
            .path(leaf)
            .unwrap_or_else(|| panic!("leaf {leaf} before {wrong} of {count}"));
        assert_eq!(Some(&path), tree.path::<Blake2b>(&theirs, leaf).as_ref());
        assert_eq!(partial.leaf(leaf), theirs.get(leaf as usize));
        let climbed = tree.climb::<Blake2b>(&theirs[leaf as usize], leaf, count, &path);
        assert_eq!(climbed, Some(root));
    }
}

#[test]
fn every_leaf_before_the_first_difference_opens_in_the_other_tree() {
    let mut random = Random(31);
    for count in 1..70 {
        for max in [1, 2, 3, 4, 7, 16, 1024] {
            check(&mut random, count, max);
        }
    }
    for _ in 0..if long() { 2000 } else { 60 } {
        let (count, max) = (1 + random.next() % 5000, 1 << (random.next() % 11));
        check(&mut random, count, max);
    }
}

#[test]
fn nodes_that_the_tree_does_not_have_are_not_taken() {
    let mut partial = PartialTree::new(Tree::List, 5);
    for (level, index) in [(0, 5), (1, 3), (2, 2), (3, 1), (4, 0), (u32::MAX, 0), (0, u64::MAX)] {
        assert!(!partial.insert(level, index, [1; 32]));
    }
    assert!(!partial.insert_span(0, 4, &[[1; 32]; 2]));
    assert!(!partial.insert_span(0, u64::MAX, &[[1; 32]; 2]));
    assert_eq!(partial, PartialTree::new(Tree::List, 5));
    assert!(partial.insert(3, 0, [1; 32]));
    assert_eq!(partial.root(), Some(&[1; 32]));
    assert!(!PartialTree::new(Tree::List, 0).insert(0, 0, [1; 32]));
}

#[test]
fn what_is_not_known_opens_nothing() {
    let list = leaves(6);
    let mut partial = PartialTree::new(Tree::List, 6);
    partial.insert_span(0, 0, &list[..3]);
    partial.complete::<Blake2b>();
    assert_eq!(
        partial.node(1, 0),
        Some(&Tree::List.join::<Blake2b>(&list[0], &list[1]))
    );
    assert_eq!((partial.node(1, 1), partial.root()), (None, None));
    assert_eq!(
        (partial.path(0), partial.path(6), partial.membership(0)),
        (None, None, None)
    );

    partial.insert_span(0, 3, &list[3..]);
    partial.complete::<Blake2b>();
    let (entry, membership) = partial.membership(4).expect("all is known");
    assert_eq!(
        membership.list_digest::<Blake2b>(&entry, 4),
        Some(list_digest::<Blake2b>(&list))
    );
}

#[test]
fn derived_nodes_do_not_replace_revealed_ones() {
    let list = leaves(4);
    let mut partial = PartialTree::new(Tree::Chunks, 4);
    partial.insert(1, 0, [8; 32]);
    partial.insert_span(0, 0, &list);
    partial.complete::<Blake2b>();
    assert_eq!(partial.node(1, 0), Some(&[8; 32]));
}

#[test]
fn differences_are_found_where_they_begin() {
    let (a, b, c) = ([1; 32], [2; 32], [3; 32]);
    assert_eq!(first_difference(&[a, b], &[a, b]), None);
    assert_eq!(first_difference(&[a, b, c], &[a, c, b]), Some(1));
    assert_eq!(first_difference(&[a, b], &[a]), Some(1));
    assert_eq!(first_difference(&[], &[a]), Some(0));
    assert_eq!(Tree::List.first_difference::<Blake2b>(&[a, b], 0, 1, &[b, c]), None);
    assert_eq!(Tree::List.nodes::<Blake2b>(&[a, b], 0, 1..1), None);
    assert_eq!(
        (level_below(13, 1024), level_below(3, 1024), level_below(3, 0)),
        (3, 0, 2)
    );
}
