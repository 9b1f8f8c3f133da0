//! The arithmetic of dimensions: encodings, sums, products, windows, bounds and quotients.

use super::*;
use crate::{
    graph::{Expression, MAX_DIMENSION_TERMS},
    testing::{affine, formula},
};

pub(super) fn below(random: &mut Random, end: u64) -> u64 {
    (random.next() >> 20) % end
}

/// A dimension of two symbols: a number, a symbol, a multiple, or a sum of up to four terms. It may be negative.
pub(super) fn random_dimension(random: &mut Random) -> Dimension {
    let symbol = below(random, 2) as u8;
    match below(random, 5) {
        0 => Dimension::Fixed(1 + below(random, 8) as u32),
        1 => Dimension::Symbol(symbol),
        2 => {
            let (factor, offset) = (1 + below(random, 6) as u32, below(random, 13) as i64 - 6);
            Dimension::of_symbol(symbol, factor, offset).expect("a multiple")
        }
        _ => loop {
            let mut sum = Expression::number(below(random, 13) as i64 - 4);
            for _ in 0..1 + below(random, 3) {
                let mut term = Expression::number(below(random, 9) as i64 - 2);
                for _ in 0..below(random, 3) {
                    let symbol = Expression::symbol(below(random, 2) as u8).expect("a symbol");
                    term = term.times(&symbol).expect("small");
                }
                sum = sum.plus(&term).expect("small");
            }
            if let Some(dimension) = sum.dimension() {
                return dimension;
            }
        },
    }
}

#[test]
fn kinds_have_encodings_that_do_not_change() {
    for (dimension, bytes) in [
        (Dimension::Fixed(5), &[0, 5, 0, 0, 0][..]),
        (Dimension::Symbol(3), &[1, 3]),
        (
            affine(3, 4, 1),
            &[
                2, 8, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0,
            ],
        ),
        (
            formula(&[(-2, &[0, 7, 7])]),
            &[2, 4, 254, 255, 255, 255, 1, 0, 0, 0, 0, 0, 0, 2],
        ),
    ] {
        assert_eq!(dimension.encode(), bytes);
        assert_eq!(Dimension::decode_all(&mut &*bytes), Ok(dimension));
    }
    let most = formula(&[(1, &[0][..]); MAX_DIMENSION_TERMS]).encode();
    assert!(Dimension::decode_all(&mut &*most).is_ok() && most.len() <= Dimension::max_encoded_len());
    let mut more = most.clone();
    more[1] += 4;
    more.extend([0; 12]);
    assert!(Dimension::decode_all(&mut &*more).is_err());
}

#[test]
fn arithmetic_is_that_of_the_numbers_for_all_values() {
    let mut random = Random(40);
    let (mut sums, mut products, mut windows) = (0, 0, 0);
    for _ in 0..20_000 {
        let (a, b) = (random_dimension(&mut random), random_dimension(&mut random));
        let (size, step, dilation) = (
            1 + below(&mut random, 4) as u32,
            1 + below(&mut random, 3) as u32,
            1 + below(&mut random, 2) as u32,
        );
        let by = below(&mut random, 9) as i64 - 4;
        let results = [a.plus(b), a.times(b), a.shifted(by), a.windows(size, step, dilation)];
        assert!(results.iter().flatten().all(|result| result.is_canonical()));
        assert_eq!((a.plus(b), a.times(b)), (b.plus(a), b.times(a)));
        sums += u32::from(a.plus(b).is_some_and(Dimension::is_computed));
        products += u32::from(a.times(b).is_some_and(Dimension::is_computed));
        for values in [[1, 1], [1, 2], [2, 1], [5, 3], [9, 16]] {
            let (Some(left), Some(right)) = (a.elements(&values), b.elements(&values)) else {
                continue;
            };
            let expected = [
                Some(left + right),
                Some(left * right),
                u32::try_from(i64::from(left) + by).ok(),
            ];
            for (result, expected) in results.iter().zip(expected) {
                if let Some(result) = result {
                    assert_eq!(result.elements(&values), expected, "{a:?} {b:?} {by}");
                }
            }
            // One that is negative for some value is none that a graph may have.
            if let Some(result) = results[3] {
                let counted = (left > dilation * (size - 1)).then(|| (left - 1 - dilation * (size - 1)) / step + 1);
                assert_eq!(
                    result.elements(&values).filter(|windows| *windows > 0),
                    counted,
                    "{a:?}"
                );
                windows += u32::from(a.is_computed() && counted.is_some());
            }
        }
    }
    assert!(
        sums > 5_000 && products > 5_000 && windows > 5_000,
        "{sums} sums, {products} products, and {windows} numbers of windows"
    );
}

#[test]
fn bounds_hold_for_all_values_and_are_met_where_they_are_exact() {
    let mut random = Random(43);
    let (mut exact, mut others) = (0, 0);
    for _ in 0..5_000 {
        let dimension = random_dimension(&mut random);
        let ranges = [(); 2].map(|()| {
            let min = 1 + below(&mut random, 4) as u32;
            (min, min + below(&mut random, 5) as u32)
        });
        let range = |symbol: u8| ranges.get(usize::from(symbol)).copied();
        let bounds = dimension.bounds(range).expect("small");
        let expression = Expression::of(dimension).expect("known symbols");
        let values = (ranges[0].0..=ranges[0].1).flat_map(|a| (ranges[1].0..=ranges[1].1).map(move |b| [a, b]));
        let values = values.map(|values| {
            let terms = expression.terms().map(|(coefficient, powers)| {
                let powers = powers
                    .iter()
                    .zip(values)
                    .map(|(power, value)| value.pow(u32::from(*power)));
                i128::from(coefficient) * powers.map(i128::from).product::<i128>()
            });
            terms.sum::<i128>()
        });
        let values: Vec<i128> = values.collect();
        let (min, max) = (values.iter().min().copied(), values.iter().max().copied());
        if bounds.is_exact {
            assert_eq!(
                (Some(bounds.min), Some(bounds.max)),
                (min, max),
                "{dimension:?} {ranges:?}"
            );
            exact += 1;
        } else {
            assert!(
                Some(bounds.min) <= min && max <= Some(bounds.max),
                "{dimension:?} {ranges:?}"
            );
            others += 1;
        }
    }
    assert!(exact > 3_000 && others > 50, "{exact} exact ones, and {others} others");

    // Of four symbols that are added and taken away, the last one is bounded roughly.
    let terms: Vec<(i32, &[u8])> = vec![(1, &[0, 1, 2, 3]), (-1, &[0, 1, 2, 3, 4])];
    let bounds = formula(&terms).bounds(|_| Some((1, 3))).expect("small");
    assert_eq!((bounds.min, bounds.max, bounds.is_exact), (27 - 243, 81 - 27, false));
    let terms: Vec<(i32, &[u8])> = vec![(-1, &[0, 1, 2]), (1, &[0, 1, 2, 3])];
    let bounds = formula(&terms).bounds(|_| Some((1, 3))).expect("small");
    assert_eq!((bounds.min, bounds.max, bounds.is_exact), (0, 54, true));
}

#[test]
fn quotients_are_what_gives_the_product() {
    let mut random = Random(44);
    for _ in 0..2_000 {
        let [a, b] = [(); 2].map(|()| Expression::of(random_dimension(&mut random)).expect("known symbols"));
        if b.as_number() == Some(0) {
            continue;
        }
        let product = a.times(&b).expect("small");
        assert_eq!(product.quotient(&b), Some(a.clone()), "{a:?} {b:?}");
        let beside = product.plus(&Expression::number(1)).expect("small");
        assert_eq!(
            beside.quotient(&b).is_some(),
            b.as_number().is_some_and(|b| b.abs() == 1),
            "{a:?} {b:?}"
        );
        assert_eq!(product.minus(&product), Some(Expression::number(0)));
    }
    assert_eq!(Expression::number(1).quotient(&Expression::number(0)), None);
}

#[test]
fn arithmetic_beyond_its_bounds_gives_nothing() {
    const MOST: i32 = i32::MAX;
    let half = Dimension::Fixed(1 << 31);
    assert_eq!(Dimension::Fixed(u32::MAX).plus(Dimension::Fixed(1)), None);
    assert_eq!(half.times(Dimension::Fixed(2)), None);
    assert_eq!(Dimension::Fixed(1).shifted(-2), None);
    assert_eq!(Dimension::Fixed(1).shifted(i64::MAX), None);
    assert_eq!(BATCH.plus(half), None);
    assert_eq!(BATCH.times(half), None);
    assert_eq!(BATCH.times(Dimension::Fixed(0)), Some(Dimension::Fixed(0)));
    assert_eq!(affine(0, MOST, 0).times(Dimension::Fixed(2)), None);
    assert_eq!(affine(0, MOST, 0).plus(BATCH), None);
    assert_eq!(affine(0, 1, i32::MIN).shifted(-1), None);
    assert_eq!(affine(0, 1, MOST).shifted(i64::MAX), None);
    assert_eq!(affine(0, 1, MOST).times(Dimension::Fixed(u32::MAX)), None);
    assert_eq!(Dimension::Symbol(8).plus(BATCH), None);
    assert_eq!(
        Dimension::Symbol(8).bounds(|_| Some((1, 2))).map(|bounds| bounds.max),
        Some(2)
    );
    assert_eq!(BATCH.windows(0, 1, 1), None);
    assert_eq!(BATCH.windows(1, 0, 1), None);
    assert_eq!(Dimension::Fixed(1).windows(1, 0, 1), None);
    assert_eq!(BATCH.windows(u32::MAX, 1, u32::MAX), None);
    assert_eq!(affine(0, MOST, MOST).elements(&[u32::MAX]), None);
    assert_eq!(affine(0, MOST, i32::MIN).elements(&[0]), None);
    assert_eq!(affine(0, MOST, 0).elements(&[2]), Some(u32::MAX - 1));
    assert_eq!(affine(1, 1, 1).elements(&[1]), None);
    // What comes back to a symbol or a number is one.
    assert_eq!(affine(0, 1, -3).shifted(3), Some(BATCH));
    assert_eq!(Dimension::Fixed(0).plus(BATCH), Some(BATCH));

    // A term that does not fit is none, whatever it is added to; and nothing is one of nothing.
    let cubes = formula(&[(-1, &[0, 0, 0]), (1, &[0, 0, 0])]);
    assert_eq!(cubes.elements(&[1 << 21]), None);
    assert_eq!(formula(&[(1, &[]), (-1, &[0, 0, 0])]).elements(&[0]), Some(1));
    assert_eq!(
        formula(&[(1, &[]), (MOST, &[0, 1, 1, 1, 1])]).elements(&[0, u32::MAX]),
        Some(1)
    );
    // The least number of 64 bits is one, and the number behind the greatest is none.
    let least = formula(&[(-1, &[0; 63][..])]);
    assert_eq!(
        least.bounds(|_| Some((2, 2))).map(|bounds| bounds.min),
        Some(i64::MIN.into())
    );
    assert_eq!(formula(&[(1, &[0; 63][..])]).bounds(|_| Some((2, 2))), None);
    let power = formula(&[(1, &[0; 255][..])]);
    assert_eq!((power.elements(&[1]), power.elements(&[2])), (Some(1), None));
    assert_eq!(power.times(BATCH), None);

    // Five terms, and not six.
    let sum = (0..5).fold(Dimension::Fixed(0), |sum, symbol| {
        sum.plus(Dimension::Symbol(symbol)).expect("few")
    });
    assert_eq!((sum.shifted(1), sum.shifted(0)), (None, Some(sum)));
    let wide = (0..7).try_fold(Expression::number(1), |product, symbol| {
        product.times(&Expression::of(affine(symbol, 1, 1))?)
    });
    assert_eq!(wide, None);
}
