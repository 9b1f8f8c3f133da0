//! Quantised rows and their products.

use super::{Random, all_instructions, assert_same, exact};
use crate::{
    packed::Packed,
    product::{batched, linear, weighted_sums},
    rows::{Kind, Matrix, Rows, Scaling},
    scratch::Scratch,
    threads::Threads,
};
use assay_exact::{
    binary32::Binary32,
    quantise::{Bits, GivenRow, Precision, QuantisedRow, quantise},
};

const PRECISIONS: [Precision; 3] = [Precision::Int8, Precision::Int16, Precision::Int16Int8];
const KINDS: [(Kind, Bits); 3] = [
    (Kind::Int8, Bits::Int8),
    (Kind::Int16, Bits::Int16),
    (Kind::Halves, Bits::Int16),
];

#[test]
fn rows_are_quantised_as_defined() {
    let mut random = Random(1);
    for instructions in all_instructions() {
        let mut rows = Rows::new(instructions);
        for case in 0..400 {
            let (count, length) = (
                1 + random.below(4),
                1 + random.below(if case % 20 == 0 { 3000 } else { 80 }),
            );
            let numbers = random.rows(count, length);
            let factors = random.rows(1, length);
            for (kind, bits) in KINDS {
                rows.quantise(Matrix::new(&numbers, length), kind, Scaling::ByRow);
                for (index, row) in numbers.chunks(length).enumerate() {
                    let expected = QuantisedRow::new(exact(row), bits);
                    assert!(rows.integers(index).eq(expected.integers().iter().copied()));
                    assert_same(&rows.scales()[index..=index], &[expected.scale()], "scale");
                }
                rows.quantise(Matrix::new(&numbers, length), kind, Scaling::ByRowAfter(&factors));
                for (index, row) in numbers.chunks(length).enumerate() {
                    let products: Vec<Binary32> = exact(row).zip(exact(&factors)).map(|(x, y)| x * y).collect();
                    let expected = QuantisedRow::new(products.into_iter(), bits);
                    assert!(rows.integers(index).eq(expected.integers().iter().copied()));
                    assert_same(&rows.scales()[index..=index], &[expected.scale()], "scale");
                }
                let totals: Vec<f32> = random.rows(1, count);
                let shares = Scaling::Shares {
                    totals: &totals,
                    factors: &factors,
                };
                rows.quantise(Matrix::new(&numbers, length), kind, shares);
                for ((index, row), total) in numbers.chunks(length).enumerate().zip(exact(&totals)) {
                    let products: Vec<Binary32> = exact(row).zip(exact(&factors)).map(|(x, y)| x / total * y).collect();
                    let expected = QuantisedRow::new(products.into_iter(), bits);
                    assert!(rows.integers(index).eq(expected.integers().iter().copied()));
                    assert_same(&rows.scales()[index..=index], &[expected.scale()], "scale");
                }
                rows.quantise(Matrix::new(&numbers, length), kind, Scaling::ByColumn(&factors));
                for (index, row) in numbers.chunks(length).enumerate() {
                    let expected = exact(row).zip(exact(&factors)).map(|(x, s)| quantise(x, s, bits));
                    assert!(rows.integers(index).eq(expected));
                }
            }
        }
    }
}

#[test]
fn quotients_next_to_halves_are_rounded_as_defined() {
    let mut random = Random(21);
    for instructions in all_instructions() {
        let mut rows = Rows::new(instructions);
        for case in 0..6_000 {
            let length = [40, 64, 200][case % 3];
            // The scale, times a number halfway between two integers, and the neighbours of that, far and near: next to
            // the greatest magnitude, which gives the scale again, also where it is neither a usual one nor normal.
            let exponent = match random.below(4) {
                0 => [1, 40, 66, 67, 68, 186, 187, 188, 240][random.below(9)],
                _ => 120 + random.below(16),
            };
            let greatest = f32::from_bits((random.next() as u32 & 0x7f_ffff) | (exponent as u32) << 23);
            let scale = greatest / 127.0;
            let near = |random: &mut Random| {
                let half = random.below(127) as f32 + 0.5;
                let bits =
                    (half * scale).to_bits() + 20 - [random.below(41), 19 + random.below(3)][random.below(2)] as u32;
                f32::from_bits(bits | (random.below(2) as u32) << 31)
            };
            let mut numbers: Vec<f32> = (0..length).map(|_| near(&mut random)).collect();
            // Most rows have only a few such numbers.
            if random.below(2) == 0 {
                let few = random.below(length);
                for (index, x) in numbers.iter_mut().enumerate() {
                    *x = if index % 16 == few % 16 { *x } else { *x * 0.3 };
                }
            }
            numbers[random.below(length)] = greatest;
            rows.quantise(Matrix::new(&numbers, length), Kind::Int8, Scaling::ByRow);
            let expected = QuantisedRow::new(exact(&numbers), Bits::Int8);
            assert!(rows.integers(0).eq(expected.integers().iter().copied()));
            assert_same(rows.scales(), &[expected.scale()], "scale");
        }
    }
}

fn check(random: &mut Random, [m, k, n]: [usize; 3], threads: &Threads) {
    let (input, weight, bias) = (random.rows(m, k), random.rows(n, k), random.rows(1, n));
    for precision in PRECISIONS {
        let quantised = |numbers: &[f32], bits| -> Vec<QuantisedRow> {
            numbers
                .chunks(k)
                .map(|row| QuantisedRow::new(exact(row), bits))
                .collect()
        };
        let (rows, columns) = (
            quantised(&input, precision.left()),
            quantised(&weight, precision.right()),
        );
        let products: Vec<Binary32> = rows
            .iter()
            .flat_map(|row| columns.iter().map(|column| row.product(column)))
            .collect();
        let biased: Vec<Binary32> = products
            .chunks(n)
            .flat_map(|row| row.iter().zip(exact(&bias)).map(|(product, bias)| *product + bias))
            .collect();
        for instructions in all_instructions() {
            let scratch = Scratch::new(instructions, threads.count());
            let mut second = Rows::new(instructions);
            second.quantise(
                Matrix::new(&weight, k),
                Kind::of_second(precision.right()),
                Scaling::ByRow,
            );
            let packed = Packed::new(&second);
            for (bias, expected) in [(None, &products), (Some(&bias[..]), &biased)] {
                let mut output = vec![f32::NAN; m * n];
                linear(
                    threads,
                    &scratch,
                    (Matrix::new(&input, k), Kind::of_first(precision)),
                    &packed,
                    bias,
                    &mut output,
                    |_| {},
                );
                let what = format!(
                    "{precision:?} {m}×{k}×{n} {} {} threads",
                    instructions.name(),
                    threads.count()
                );
                assert_same(&output, expected, &what);
            }
        }
    }
}

#[test]
fn products_are_exact_for_all_shapes_and_threads() {
    let mut random = Random(2);
    for count in 1..=4 {
        let threads = Threads::new(count);
        for _ in 0..120 {
            let shape = [1 + random.below(40), 1 + random.below(70), 1 + random.below(150)];
            check(&mut random, shape, &threads);
        }
        for shape in [
            [1, 1, 1],
            [7, 1, 65],
            [130, 3, 16],
            [3, 1023, 33],
            [9, 1024, 20],
            [9, 1025, 20],
            [30, 2060, 17],
        ] {
            check(&mut random, shape, &threads);
        }
    }
}

#[test]
fn products_are_exact_at_the_edges_of_tiles_and_strips() {
    let mut random = Random(31);
    let threads = Threads::new(2);
    for m in [1, 2, 3, 4, 5, 6, 7, 15, 16, 17, 31, 32, 33] {
        for k in [1, 2, 63, 64, 65, 192] {
            for n in [1, 16, 17, 48] {
                check(&mut random, [m, k, n], &threads);
            }
        }
    }
}

#[test]
fn longest_rows_of_greatest_integers_do_not_overflow() {
    let threads = Threads::new(2);
    let length = 16_384;
    for rows in [1, 4, 8] {
        for sign in [1.0f32, -1.0] {
            for low in [1.0f32, -64.0 / 16319.0] {
                // Integers that are all 16319, and such as have the greatest low half, next to one that sets the scale.
                let row: Vec<f32> = (0..length).map(|k| if k == 0 { 1.0 } else { low }).collect();
                let input: Vec<f32> = (0..rows).flat_map(|_| row.iter().copied()).collect();
                let weight: Vec<f32> = row.iter().map(|x| x * sign).collect();
                for precision in PRECISIONS {
                    let expected = QuantisedRow::new(exact(&row), precision.left())
                        .product(&QuantisedRow::new(exact(&weight), precision.right()));
                    for instructions in all_instructions() {
                        let scratch = Scratch::new(instructions, 2);
                        let mut second = Rows::new(instructions);
                        second.quantise(
                            Matrix::new(&weight, length),
                            Kind::of_second(precision.right()),
                            Scaling::ByRow,
                        );
                        let packed = Packed::new(&second);
                        let mut output = vec![0.0; rows];
                        linear(
                            &threads,
                            &scratch,
                            (Matrix::new(&input, length), Kind::of_first(precision)),
                            &packed,
                            None,
                            &mut output,
                            |_| {},
                        );
                        assert_same(&output, &vec![expected; rows], instructions.name());
                    }
                }
            }
        }
    }
}

#[test]
fn batches_and_weighted_sums_are_products_of_rows() {
    let mut random = Random(12);
    for case in 0..200 {
        let batch = 1 + random.below(4);
        let [m, k, n] = [1 + random.below(120), 1 + random.below(70), 1 + random.below(70)];
        let (a, b) = (random.rows(batch * m, k), random.rows(batch * n, k));
        let scales: Vec<f32> = random
            .rows(batch, k)
            .iter()
            .map(|x| if *x == 0.0 { 0.5 } else { x.abs() })
            .collect();
        let precision = PRECISIONS[random.below(3)];
        let row = |numbers: &[f32], bits| QuantisedRow::new(exact(numbers), bits);
        let (mut products, mut sums) = (Vec::new(), Vec::new());
        for index in 0..batch {
            let scales: Vec<Binary32> = exact(&scales[index * k..][..k]).collect();
            for a in a[index * m * k..][..m * k].chunks(k) {
                let weights = QuantisedRow::new(
                    exact(a)
                        .zip(&scales)
                        .map(|(x, s)| x * *s)
                        .collect::<Vec<_>>()
                        .into_iter(),
                    precision.left(),
                );
                for b in b[index * n * k..][..n * k].chunks(k) {
                    products.push(row(a, precision.left()).product(&row(b, precision.right())));
                    let values = exact(b)
                        .zip(&scales)
                        .map(|(x, s)| i64::from(quantise(x, *s, precision.right())));
                    let sum = weights
                        .integers()
                        .iter()
                        .zip(values)
                        .map(|(w, v)| i64::from(*w) * v)
                        .sum();
                    sums.push(Binary32::from_i64(sum) * weights.scale());
                }
            }
        }
        for instructions in all_instructions() {
            let threads = Threads::new(1 + case % 3);
            let scratch = Scratch::new(instructions, threads.count());
            let mut output = vec![7.0; products.len()];
            let matrix = |index: usize| Matrix::new(&a[index * m * k..][..m * k], k);
            let other = |index: usize| Matrix::new(&b[index * n * k..][..n * k], k);
            batched(&threads, &scratch, precision, matrix, other, &mut output);
            assert_same(&output, &products, instructions.name());
            let scales = |index: usize| &scales[index * k..][..k];
            weighted_sums(&threads, &scratch, precision, matrix, other, scales, &mut output);
            assert_same(&output, &sums, instructions.name());
        }
    }
}

/// Integers at their ends, −128 among them, with scales of all kinds.
#[test]
fn products_with_given_integers_are_exact() {
    let mut random = Random(22);
    for case in 0..300 {
        let [m, n] = [1 + random.below(40), 1 + random.below(90)];
        let k = 1 + random.below(if case % 20 == 0 { 3000 } else { 70 });
        let (input, scales, bias) = (random.rows(m, k), random.rows(1, n), random.rows(1, n));
        let integers: Vec<i8> = (0..n * k)
            .map(|_| match random.below(3) {
                0 => -128,
                1 => 127,
                _ => random.next() as i8,
            })
            .collect();
        for (kind, bits) in [(Kind::Int8, Bits::Int8), (Kind::Halves, Bits::Int16)] {
            let rows = input.chunks(k).map(|row| QuantisedRow::new(exact(row), bits));
            let columns: Vec<GivenRow> = integers
                .chunks(k)
                .zip(exact(&scales))
                .map(|(row, scale)| GivenRow::new(row.iter().copied().map(i32::from), scale))
                .collect();
            let products = rows.flat_map(|row| {
                let sums = columns
                    .iter()
                    .zip(exact(&bias))
                    .map(|(column, bias)| row.given_product(column) + bias);
                sums.collect::<Vec<_>>()
            });
            let expected: Vec<Binary32> = products.collect();
            for instructions in all_instructions() {
                let threads = Threads::new(1 + case % 3);
                let scratch = Scratch::new(instructions, threads.count());
                let mut second = Rows::new(instructions);
                second.take_integers(&integers, k, &scales);
                assert!(second.integers(0).eq(integers[..k].iter().map(|q| i16::from(*q))));
                let packed = Packed::new(&second);
                let mut output = vec![f32::NAN; m * n];
                let rows = (Matrix::new(&input, k), kind);
                linear(&threads, &scratch, rows, &packed, Some(&bias), &mut output, |_| {});
                assert_same(
                    &output,
                    &expected,
                    &format!("case {case}, {kind:?}, {}", instructions.name()),
                );
            }
        }
    }
}

#[test]
fn longest_rows_of_least_integers_do_not_overflow() {
    let (threads, length) = (Threads::new(1), 16_384);
    for low in [1.0f32, -1.0, 63.0 / 16_319.0, -64.0 / 16_319.0] {
        let input: Vec<f32> = (0..length).map(|k| if k == 0 { low.signum() } else { low }).collect();
        for (kind, bits) in [(Kind::Int8, Bits::Int8), (Kind::Halves, Bits::Int16)] {
            let integers = vec![-128i8; length];
            let scale = Binary32::from_bits((-0.5f32).to_bits());
            let column = GivenRow::new(integers.iter().copied().map(i32::from), scale);
            let expected = QuantisedRow::new(exact(&input), bits).given_product(&column);
            for instructions in all_instructions() {
                let scratch = Scratch::new(instructions, 1);
                let mut second = Rows::new(instructions);
                second.take_integers(&integers, length, &[-0.5]);
                let mut output = [0.0];
                let rows = (Matrix::new(&input, length), kind);
                linear(
                    &threads,
                    &scratch,
                    rows,
                    &Packed::new(&second),
                    None,
                    &mut output,
                    |_| {},
                );
                assert_same(&output, &[expected], instructions.name());
            }
        }
    }
}
