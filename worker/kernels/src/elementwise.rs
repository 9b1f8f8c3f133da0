//! Functions of one number, and operations on two, element by element.

use crate::{
    functions,
    instructions::{Instructions, with_vectors},
    vector::{Lanes, Vector, canonical},
};
use assay_ops::words::{Function, Operation};

/// One side of an operation.
#[derive(Clone, Copy, Debug)]
pub enum Operand<'a, T = f32> {
    /// One number for each element.
    Each(&'a [T]),
    /// The same number for every element.
    All(T),
}

impl Operand<'_> {
    fn number(self, index: usize) -> f32 {
        match self {
            Self::Each(numbers) => numbers[index],
            Self::All(number) => number,
        }
    }

    #[inline(always)]
    fn read<V: Vector>(self, start: usize) -> V {
        match self {
            Self::Each(numbers) => V::read(&numbers[start..], 0.0),
            Self::All(number) => V::splat(number),
        }
    }

    fn fits(self, length: usize) -> bool {
        match self {
            Self::Each(numbers) => numbers.len() == length,
            Self::All(_) => true,
        }
    }
}

/// Replaces each number by a function of it.
pub fn apply(instructions: Instructions, function: Function, numbers: &mut [f32]) {
    macro_rules! apply {
        ($($name:ident => |$x:ident: $lanes:ident| $value:expr),* $(,)?) => {
            match function {
                Function::Floor | Function::Ceil | Function::Round | Function::Trunc => {
                    round(instructions, function, numbers);
                }
                $(Function::$name => {
                    #[inline(always)]
                    fn replace<$lanes: Lanes>(numbers: &mut [f32]) {
                        let $x = $lanes::read(numbers, 0.0);
                        $value.canonical().write(numbers);
                    }
                    #[inline(always)]
                    fn all<V: Vector>(numbers: &mut [f32]) {
                        let mut several = numbers.chunks_exact_mut(V::Several::LANES);
                        for numbers in several.by_ref() {
                            replace::<V::Several>(numbers);
                        }
                        for numbers in several.into_remainder().chunks_mut(V::LANES) {
                            replace::<V>(numbers);
                        }
                    }
                    with_vectors!(instructions, all(numbers: &mut [f32]))
                })*
            }
        };
    }
    apply! {
        Neg => |x: L| (-x),
        Abs => |x: L| L::select(x.less(L::splat(0.0)), -x, x),
        Relu => |x: L| L::select(x.less(L::splat(0.0)), L::splat(0.0), x),
        Sqrt => |x: L| x.sqrt(),
        Rsqrt => |x: L| functions::rsqrt(x),
        Exp => |x: L| functions::exp(x),
        Log => |x: L| functions::log(x),
        Sin => |x: L| functions::sin(x),
        Cos => |x: L| functions::cos(x),
        Tanh => |x: L| functions::tanh(x),
        Sigmoid => |x: L| functions::sigmoid(x),
        Erf => |x: L| functions::erf(x),
        Silu => |x: L| functions::silu(x),
        Gelu => |x: L| functions::gelu(x),
        GeluTanh => |x: L| functions::gelu_tanh(x),
    }
}

/// Replaces each number by an integral one next to it.
fn round(instructions: Instructions, function: Function, numbers: &mut [f32]) {
    #[inline(always)]
    fn all<V: Vector>(function: Function, numbers: &mut [f32]) {
        #[inline(always)]
        fn each(numbers: &mut [f32], f: impl Fn(f32) -> f32) {
            for x in numbers {
                *x = canonical(f(*x));
            }
        }
        match function {
            Function::Floor => each(numbers, f32::floor),
            Function::Ceil => each(numbers, f32::ceil),
            Function::Round => each(numbers, f32::round_ties_even),
            _ => each(numbers, f32::trunc),
        }
    }
    with_vectors!(instructions, all(function: Function, numbers: &mut [f32]));
}

/// Writes `a` and `b`, combined, to `to`.
///
/// # Panics
///
/// If an operand has another number of elements than `to`.
pub fn combine(instructions: Instructions, operation: Operation, a: Operand<'_>, b: Operand<'_>, to: &mut [f32]) {
    assert!(a.fits(to.len()) && b.fits(to.len()), "operands do not fit");
    macro_rules! combine {
        ($($name:ident => |$a:ident: $vector:ident, $b:ident| $value:expr),* $(,)?) => {
            match operation {
                Operation::Rem => {
                    for (index, to) in to.iter_mut().enumerate() {
                        *to = canonical(a.number(index) % b.number(index));
                    }
                }
                $(Operation::$name => {
                    #[inline(always)]
                    fn all<$vector: Vector>(a: Operand<'_>, b: Operand<'_>, to: &mut [f32]) {
                        for (index, to) in to.chunks_mut($vector::LANES).enumerate() {
                            let start = index * $vector::LANES;
                            let ($a, $b): ($vector, $vector) = (a.read(start), b.read(start));
                            $value.canonical().write(to);
                        }
                    }
                    with_vectors!(instructions, all(a: Operand<'_>, b: Operand<'_>, to: &mut [f32]))
                })*
            }
        };
    }
    combine! {
        Add => |a: V, b| (a + b),
        Sub => |a: V, b| (a - b),
        Mul => |a: V, b| (a * b),
        Div => |a: V, b| (a / b),
        Max => |a: V, b| numbers_or_nan(a, b, a.maximum(b)),
        Min => |a: V, b| numbers_or_nan(a, b, a.minimum(b)),
    }
}

/// Adds to each number another one.
///
/// # Panics
///
/// If there are not as many others.
pub fn add(instructions: Instructions, numbers: &mut [f32], others: &[f32]) {
    assert_eq!(numbers.len(), others.len(), "operands do not fit");
    #[inline(always)]
    fn all<V: Vector>(numbers: &mut [f32], others: &[f32]) {
        for (numbers, others) in numbers.chunks_mut(V::LANES).zip(others.chunks(V::LANES)) {
            (V::read(numbers, 0.0) + V::read(others, 0.0))
                .canonical()
                .write(numbers);
        }
    }
    with_vectors!(instructions, all(numbers: &mut [f32], others: &[f32]));
}

/// Multiplies each number with the same one.
pub fn scale(instructions: Instructions, numbers: &mut [f32], factor: f32) {
    #[inline(always)]
    fn all<V: Vector>(numbers: &mut [f32], factor: f32) {
        for numbers in numbers.chunks_mut(V::LANES) {
            (V::read(numbers, 0.0) * V::splat(factor)).canonical().write(numbers);
        }
    }
    with_vectors!(instructions, all(numbers: &mut [f32], factor: f32));
}

/// `y`, or NaN where `a` or `b` is.
#[inline(always)]
fn numbers_or_nan<V: Vector>(a: V, b: V, y: V) -> V {
    V::select(a.equal(a), V::select(b.equal(b), y, b), a)
}
