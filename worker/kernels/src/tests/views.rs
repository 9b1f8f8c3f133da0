//! Views of tensors, copied and combined.

use super::{Random, all_instructions, assert_same, exact};
use crate::{
    elementwise::Operation,
    layout::{gather, read_bytes, to_bytes},
    threads::Threads,
    view::{View, combine_views},
};
use assay_exact::binary32::Binary32;

/// Where an element of a view is.
fn place(index: usize, offset: usize, shape: &[usize], strides: &[usize]) -> usize {
    let (mut rest, mut place) = (index, offset);
    for (n, stride) in shape.iter().zip(strides).rev() {
        place += rest % n * stride;
        rest /= n;
    }
    place
}

/// A shape of a few dimensions, and strides for it.
fn random_view(random: &mut Random) -> (Vec<usize>, Vec<usize>, usize, usize) {
    let rank = random.below(5);
    let shape: Vec<usize> = (0..rank)
        .map(|_| 1 + random.below(if rank < 3 { 150 } else { 6 }))
        .collect();
    let strides: Vec<usize> = (0..rank).map(|_| [0, 1, 1, 2, 7, 150][random.below(6)]).collect();
    let offset = random.below(10);
    let end = offset + shape.iter().zip(&strides).map(|(n, s)| (n - 1) * s).sum::<usize>() + 1;
    (shape, strides, offset, end)
}

#[test]
fn views_are_copied_element_by_element() {
    let mut random = Random(9);
    let threads = [1, 3].map(Threads::new);
    for case in 0..1000 {
        let (shape, strides, offset, end) = random_view(&mut random);
        let from: Vec<f32> = (0..end).map(|index| index as f32).collect();
        let mut gathered = vec![0.0; shape.iter().product()];
        gather(&from, offset, &shape, &strides, &mut gathered);
        let mut copied = vec![0.0; gathered.len()];
        View::new(&from, offset, &shape, &strides).copy(&threads[case % 2], &mut copied);
        assert_eq!(gathered, copied);
        for (index, x) in gathered.into_iter().enumerate() {
            assert_eq!(x as usize, place(index, offset, &shape, &strides));
        }
    }
}

#[test]
fn repeated_views_are_combined_element_by_element() {
    let mut random = Random(10);
    let threads = [1, 3].map(Threads::new);
    for case in 0..600 {
        let (shape, strides, offset, end) = random_view(&mut random);
        let a = random.rows(1, end);
        // The other operand lacks outer dimensions, and has one element in some of the others.
        let own = random.below(shape.len() + 1);
        let other: Vec<usize> = shape[own..]
            .iter()
            .map(|n| if random.below(3) == 0 { 1 } else { *n })
            .collect();
        let other_strides = crate::layout::contiguous_strides(&other);
        let b = random.rows(1, other.iter().product());
        let elements = shape.iter().product();
        let (exact_a, exact_b): (Vec<Binary32>, Vec<Binary32>) = (exact(&a).collect(), exact(&b).collect());
        let expected: Vec<Binary32> = (0..elements)
            .map(|index| {
                let missing = vec![0; own];
                let repeated = other
                    .iter()
                    .zip(&other_strides)
                    .map(|(n, s)| if *n == 1 { 0 } else { *s });
                let repeated: Vec<usize> = missing.into_iter().chain(repeated).collect();
                exact_a[place(index, offset, &shape, &strides)] - exact_b[place(index, 0, &shape, &repeated)]
            })
            .collect();
        let a = View::new(&a, offset, &shape, &strides);
        let b = View::new(&b, 0, &other, &other_strides)
            .repeated(&shape)
            .expect("it fits");
        for instructions in all_instructions() {
            let mut actual = vec![0.0; elements];
            combine_views(
                &threads[case % 2],
                instructions,
                Operation::Subtract,
                &a,
                &b,
                &mut actual,
            );
            assert_same(&actual, &expected, instructions.name());
        }
    }
}

#[test]
fn bytes_are_little_endian() {
    let numbers = Random(11).rows(3, 50);
    let bytes = to_bytes(&numbers);
    assert_eq!(bytes[..4], numbers[0].to_le_bytes());
    let mut read = vec![0.0; numbers.len()];
    read_bytes(&bytes, &mut read);
    assert_same(&read, &exact(&numbers).collect::<Vec<_>>(), "read");
}
