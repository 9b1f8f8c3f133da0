//! Views of tensors, copied and combined, and their layouts.

use super::{Random, all_instructions, assert_same, exact};
use crate::{
    elementwise::combine,
    threads::Threads,
    view::{View, zip},
};
use assay_exact::binary32::Binary32;
use assay_ops::{
    layout::{Dims, Layout},
    words::Operation,
};

/// Where an element of a view is.
fn place(index: usize, layout: &Layout) -> usize {
    let (mut rest, mut place) = (index, layout.offset);
    for (n, stride) in layout.shape.iter().zip(layout.strides.iter()).rev() {
        place += rest % n * stride;
        rest /= n;
    }
    place
}

/// A layout of a few dimensions, and how many elements it is in.
fn random_layout(random: &mut Random) -> (Layout, usize) {
    let rank = random.below(5);
    let mut dims = |lengths: &mut dyn FnMut(&mut Random) -> usize| {
        let numbers: Vec<usize> = (0..rank).map(|_| lengths(random)).collect();
        Dims::new(&numbers)
    };
    let shape = dims(&mut |random| 1 + random.below(if rank < 3 { 150 } else { 6 }));
    let strides = dims(&mut |random| [0, 1, 1, 2, 7, 150][random.below(6)]);
    let offset = random.below(10);
    let last = shape
        .iter()
        .zip(strides.iter())
        .map(|(n, s)| (n - 1) * s)
        .sum::<usize>();
    let layout = Layout { offset, shape, strides };
    (layout, offset + last + 1)
}

#[test]
fn views_are_copied_element_by_element() {
    let mut random = Random(9);
    let threads = [1, 3].map(Threads::new);
    for case in 0..1000 {
        let (layout, end) = random_layout(&mut random);
        let from: Vec<usize> = (0..end).collect();
        let mut copied = vec![0; layout.elements()];
        View::new(&from, layout).copy(&threads[case % 2], &mut copied);
        for (index, x) in copied.into_iter().enumerate() {
            assert_eq!(x, place(index, &layout));
        }
    }
}

#[test]
fn reshaped_layouts_have_the_same_order() {
    let mut random = Random(12);
    let mut views = 0;
    for _ in 0..20_000 {
        let rank = random.below(5);
        let lengths: Vec<usize> = (0..rank).map(|_| 1 + random.below(4)).collect();
        let mut layout = Layout::contiguous(Dims::new(&lengths));
        for (axis, length) in lengths.iter().enumerate() {
            if random.below(3) == 0 {
                let step = 1 + random.below(2);
                let length = length.div_ceil(step);
                layout = layout.sliced(axis, 0, step, length).expect("it is inside");
            }
        }
        if rank > 1 && random.below(2) == 0 {
            let axes: Vec<u8> = (0..rank as u8).rev().collect();
            layout = layout.permuted(&axes).expect("these axes are there");
        }
        // Neighbours are put together or taken apart.
        let mut other = Vec::new();
        for length in layout.shape.iter() {
            match other.last_mut() {
                Some(last) if random.below(2) == 0 => *last *= length,
                _ if length % 2 == 0 && random.below(2) == 0 => other.extend([2, length / 2, 1]),
                _ => other.push(*length),
            }
        }
        let other = Dims::new(&other[..other.len().min(8)]);
        if other.elements() != layout.elements() {
            continue;
        }
        match layout.reshaped(other) {
            Some(reshaped) => {
                views += 1;
                assert!(reshaped.shape == other);
                for index in 0..layout.elements() {
                    assert_eq!(
                        place(index, &layout),
                        place(index, &reshaped),
                        "{layout:?} {reshaped:?}"
                    );
                }
            }
            None => assert!(!layout.is_contiguous()),
        }
    }
    assert!(views > 5_000);
}

#[test]
fn repeated_views_are_combined_element_by_element() {
    let mut random = Random(10);
    let threads = [1, 3].map(Threads::new);
    for case in 0..600 {
        let (layout, end) = random_layout(&mut random);
        let a = random.rows(1, end);
        // The other operand lacks outer dimensions, and has one element in some of the others.
        let own = random.below(layout.shape.len() + 1);
        let mut other = Dims::default();
        for n in &layout.shape[own..] {
            other.push(if random.below(3) == 0 { 1 } else { *n });
        }
        let b = random.rows(1, other.elements());
        let a = View::new(&a, layout);
        let b = View::new(&b, Layout::contiguous(other));
        let repeated = b.repeated(layout.shape).expect("it fits");
        let (exact_a, exact_b): (Vec<Binary32>, Vec<Binary32>) =
            (exact(a.elements).collect(), exact(b.elements).collect());
        let expected: Vec<Binary32> = (0..layout.elements())
            .map(|index| exact_a[place(index, &layout)] - exact_b[place(index, &repeated.layout)])
            .collect();
        for instructions in all_instructions() {
            let mut actual = vec![0.0; expected.len()];
            zip(&threads[case % 2], &a, &repeated, &mut actual, |a, b, to| {
                combine(instructions, Operation::Sub, a, b, to);
            });
            assert_same(&actual, &expected, instructions.name());
        }
    }
}
