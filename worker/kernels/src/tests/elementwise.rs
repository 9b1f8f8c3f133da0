//! Functions, operations, reductions and normalisations.

use super::{Random, all_instructions, assert_same, exact};
use crate::{
    elementwise::{self, Operand},
    normalise::{layer_norm, log_softmax, rms_norm, softmax},
    reduce::{NumberReduction, reduce},
};
use assay_exact::{binary32::Binary32, functions, reduce as definition};
use assay_ops::words::{Function, Operation};

type Defined = (Function, fn(Binary32) -> Binary32);
type Combination = fn(Binary32, Binary32) -> Binary32;

const FUNCTIONS: [Defined; 19] = [
    (Function::Neg, |x| -x),
    (Function::Abs, |x| x.abs()),
    (Function::Relu, |x| x.max(Binary32::ZERO)),
    (Function::Sqrt, |x| x.sqrt()),
    (Function::Rsqrt, functions::rsqrt),
    (Function::Exp, functions::exp),
    (Function::Log, functions::log),
    (Function::Sin, functions::sin),
    (Function::Cos, functions::cos),
    (Function::Tanh, functions::tanh),
    (Function::Sigmoid, functions::sigmoid),
    (Function::Erf, functions::erf),
    (Function::Silu, functions::silu),
    (Function::Gelu, functions::gelu),
    (Function::GeluTanh, functions::gelu_tanh),
    (Function::Floor, |x| x.floor()),
    (Function::Ceil, |x| x.ceil()),
    (Function::Round, |x| x.round_half_even()),
    (Function::Trunc, |x| x.trunc()),
];

/// Numbers of any bits, of usual sizes, and all special ones, canonical.
fn samples(random: &mut Random, count: usize) -> Vec<f32> {
    let special = [
        0,
        1,
        0x007f_ffff,
        0x0080_0000,
        0x3f80_0000,
        0x7f7f_ffff,
        0x7f80_0000,
        0x7fc0_0000u32,
    ];
    let special = special.into_iter().flat_map(|bits| [bits, bits | 1 << 31]);
    let mut any = || {
        let bits = random.next() as u32;
        match random.below(3) {
            0 => bits,
            1 => bits & 0x80ff_ffff | (100 + random.below(50) as u32) << 23,
            _ => ((bits as i32) as f32 / 1e8).to_bits(),
        }
    };
    let others: Vec<u32> = (0..count).map(|_| any()).collect();
    let bits = special.chain(others);
    bits.map(|bits| f32::from_bits(Binary32::from_bits(bits).to_bits()))
        .collect()
}

#[test]
fn functions_are_the_defined_sequences() {
    let mut random = Random(3);
    for (function, defined) in FUNCTIONS {
        for length in [0, 1, 15, 17, 40_000] {
            let numbers = samples(&mut random, length);
            let expected: Vec<Binary32> = exact(&numbers).map(defined).collect();
            for instructions in all_instructions() {
                let mut actual = numbers.clone();
                elementwise::apply(instructions, function, &mut actual);
                assert_same(&actual, &expected, &format!("{function:?} {}", instructions.name()));
            }
        }
    }
}

#[test]
fn operations_are_single_and_canonical() {
    let operations: [(Operation, Combination); 7] = [
        (Operation::Add, |a, b| a + b),
        (Operation::Sub, |a, b| a - b),
        (Operation::Mul, |a, b| a * b),
        (Operation::Div, |a, b| a / b),
        (Operation::Rem, |a, b| a % b),
        (Operation::Max, Binary32::max),
        (Operation::Min, Binary32::min),
    ];
    let mut random = Random(4);
    for (operation, defined) in operations {
        for length in [1, 33, 20_000] {
            let a = samples(&mut random, length);
            let mut b = samples(&mut random, length);
            for i in (1..b.len()).rev() {
                b.swap(i, random.below(i + 1));
            }
            let one = b[random.below(b.len())];
            for instructions in all_instructions() {
                let what = format!("{operation:?} {}", instructions.name());
                let mut y = vec![0.0; a.len()];
                elementwise::combine(instructions, operation, Operand::Each(&a), Operand::Each(&b), &mut y);
                let expected: Vec<_> = exact(&a).zip(exact(&b)).map(|(a, b)| defined(a, b)).collect();
                assert_same(&y, &expected, &what);
                elementwise::combine(instructions, operation, Operand::All(one), Operand::Each(&b), &mut y);
                let first = Binary32::from_bits(one.to_bits());
                assert_same(&y, &exact(&b).map(|b| defined(first, b)).collect::<Vec<_>>(), &what);
                let mut sum = a.clone();
                elementwise::add(instructions, &mut sum, &b);
                assert_same(
                    &sum,
                    &exact(&a).zip(exact(&b)).map(|(a, b)| a + b).collect::<Vec<_>>(),
                    &what,
                );
                let mut scaled = a.clone();
                elementwise::scale(instructions, &mut scaled, one);
                assert_same(&scaled, &exact(&a).map(|a| a * first).collect::<Vec<_>>(), &what);
            }
        }
    }
}

fn rows_of(numbers: &[f32], length: usize) -> impl Iterator<Item = Vec<Binary32>> {
    numbers.chunks(length).map(|row| exact(row).collect())
}

#[test]
fn reductions_are_those_defined() {
    let mut random = Random(5);
    for case in 0..600 {
        let (count, length) = (
            1 + random.below(6),
            1 + random.below(if case % 20 == 0 { 3000 } else { 70 }),
        );
        let numbers = random.rows(count, length);
        for reduction in [
            NumberReduction::Sum,
            NumberReduction::Mean,
            NumberReduction::Max,
            NumberReduction::Min,
        ] {
            let reduced = |row: Vec<Binary32>| match reduction {
                NumberReduction::Sum => definition::sum(row.into_iter()),
                NumberReduction::Mean => definition::mean(row.into_iter()),
                NumberReduction::Max => definition::max(row.into_iter()).expect("no row is empty"),
                NumberReduction::Min => definition::min(row.into_iter()).expect("no row is empty"),
            };
            let expected: Vec<_> = rows_of(&numbers, length).map(reduced).collect();
            for instructions in all_instructions() {
                let mut actual = vec![0.0; count];
                reduce(instructions, reduction, &numbers, length, &mut actual);
                assert_same(&actual, &expected, &format!("{reduction:?} {}", instructions.name()));
            }
        }
    }
}

fn exponentials(row: &[Binary32]) -> (Binary32, Vec<Binary32>) {
    let max = definition::max(row.iter().copied()).expect("no row is empty");
    (max, row.iter().map(|x| functions::exp(*x - max)).collect())
}

#[test]
fn softmax_is_that_defined() {
    let mut random = Random(6);
    for _ in 0..600 {
        let (count, length) = (1 + random.below(6), 1 + random.below(70));
        let mut numbers = random.rows(count, length);
        if random.below(3) == 0 {
            // As a mask leaves them.
            numbers.iter_mut().step_by(2).for_each(|x| *x = f32::NEG_INFINITY);
        } else if random.below(8) == 0 {
            numbers[..length].fill(f32::NEG_INFINITY);
        }
        let mut expected = Vec::new();
        let mut logarithms = Vec::new();
        for row in rows_of(&numbers, length) {
            let (max, e) = exponentials(&row);
            let total = definition::sum(e.iter().copied());
            let sees_nothing = max == -Binary32::INFINITY;
            expected.extend(e.iter().map(|e| if sees_nothing { Binary32::ZERO } else { *e / total }));
            logarithms.extend(row.iter().map(|x| (*x - max) - functions::log(total)));
        }
        for instructions in all_instructions() {
            let mut actual = numbers.clone();
            softmax(instructions, &mut actual, length);
            assert_same(&actual, &expected, instructions.name());
            let mut actual = numbers.clone();
            log_softmax(instructions, &mut actual, length);
            assert_same(&actual, &logarithms, instructions.name());
        }
    }
}

#[test]
fn normalisations_are_those_defined() {
    let mut random = Random(7);
    for case in 0..600 {
        let (count, length) = (
            1 + random.below(6),
            1 + random.below(if case % 20 == 0 { 2000 } else { 70 }),
        );
        let numbers = random.rows(count, length);
        let (weight, bias) = (random.rows(1, length), random.rows(1, length));
        let eps = [0.0f32, 1e-12, 1e-5][random.below(3)];
        let exact_eps = Binary32::from_bits(eps.to_bits());
        let (weighted, biased) = (random.below(2) == 0, random.below(2) == 0);
        let finish = |y: Vec<Binary32>, biased: bool| -> Vec<Binary32> {
            let with_weight = |(y, w)| if weighted { y * w } else { y };
            let with_bias = |(y, b)| if biased { y + b } else { y };
            let y = y.into_iter().zip(exact(&weight)).map(with_weight);
            y.zip(exact(&bias)).map(with_bias).collect()
        };
        let root = |row: &[Binary32]| {
            let squares: Vec<_> = row.iter().map(|x| *x * *x).collect();
            (definition::mean(squares.into_iter()) + exact_eps).sqrt()
        };
        let (mut layer, mut rms) = (Vec::new(), Vec::new());
        for row in rows_of(&numbers, length) {
            let mean = definition::mean(row.iter().copied());
            let centred: Vec<_> = row.iter().map(|x| *x - mean).collect();
            let d = root(&centred);
            layer.extend(finish(centred.iter().map(|c| *c / d).collect(), biased));
            let d = root(&row);
            rms.extend(finish(row.iter().map(|x| *x / d).collect(), false));
        }
        let (weight, bias) = (weighted.then_some(&weight[..]), biased.then_some(&bias[..]));
        for instructions in all_instructions() {
            let mut actual = numbers.clone();
            layer_norm(instructions, &mut actual, length, eps, weight, bias);
            assert_same(&actual, &layer, instructions.name());
            let mut actual = numbers.clone();
            rms_norm(instructions, &mut actual, length, eps, weight);
            assert_same(&actual, &rms, instructions.name());
        }
    }
}
