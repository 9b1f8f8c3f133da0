//! Several layers that each row passes by itself, on some rows at a time: what is between two layers does not leave the
//! caches.

use crate::{
    elementwise::{self, apply},
    instructions::Instructions,
    normalise::{layer_norm, rms_norm},
    packed::Packed,
    product::{FEWEST_PRODUCTS_TO_SHARE, FEWEST_ROWS_TO_SHARE, linear, multiply, rows_at_once},
    rows::{Kind, Matrix},
    scratch::{Scratch, ThreadScratch},
    threads::Threads,
};
use assay_ops::words::Function;

/// A layer, and what it takes besides the rows.
#[derive(Clone, Copy)]
pub enum Layer<'a> {
    /// Products of rows of a kind with the rows of a weight, and a number that is added for each of these.
    Linear(Kind, &'a Packed, Option<&'a [f32]>),
    /// A function of each number.
    Apply(Function),
    /// As many numbers as all rows have, which are added.
    Add(&'a [f32]),
    /// Layer normalisation with its epsilon, and a weight and a bias for each number of a row.
    LayerNorm(f32, Option<&'a [f32]>, Option<&'a [f32]>),
    /// The same by the root of the mean square.
    RmsNorm(f32, Option<&'a [f32]>),
}

/// Executes the layers, the first of which is linear, on several threads.
///
/// # Panics
///
/// If the first layer is not linear, or what layers take does not fit the rows or the output.
pub fn layers(
    threads: &Threads,
    instructions: Instructions,
    scratch: &Scratch,
    input: Matrix<'_>,
    layers: &[Layer<'_>],
    output: &mut [f32],
) {
    let rows = input.rows();
    if rows == 0 || output.is_empty() {
        return;
    }
    let width = output.len() / rows;
    assert_eq!(output.len(), rows * width, "no place for the result");
    let mut length = input.length();
    let mut products = 0;
    for layer in layers {
        if let Layer::Linear(_, weight, _) = layer {
            products += rows * length * weight.columns();
            length = weight.columns();
        }
    }
    assert_eq!(length, width, "no place for the result");
    let worth = products >= FEWEST_PRODUCTS_TO_SHARE;
    if rows < FEWEST_ROWS_TO_SHARE && threads.count() > 1 && worth {
        one_after_the_other(threads, instructions, scratch, input, layers, output);
        return;
    }
    let at_once = rows_at_once(rows, threads.count());
    let parts = output.chunks_mut(at_once * width).enumerate();
    threads.share_if(worth, parts, |thread, (part, output)| {
        let start = part * at_once;
        let input = input.part(start, start + output.len() / width);
        some_rows(instructions, &mut scratch.of(thread), input, start, layers, output);
    });
}

/// The result for some rows, the first of which has this position among all.
fn some_rows(
    instructions: Instructions,
    scratch: &mut ThreadScratch,
    input: Matrix<'_>,
    start: usize,
    layers: &[Layer<'_>],
    output: &mut [f32],
) {
    let rows = input.rows();
    let ThreadScratch {
        rows: quantised,
        numbers,
        next,
        ..
    } = scratch;
    let last = layers.iter().rposition(|layer| matches!(layer, Layer::Linear(..)));
    let mut width = input.length();
    for (index, layer) in layers.iter().enumerate() {
        let at_last = last.is_none_or(|last| index >= last);
        if let Layer::Linear(kind, weight, bias) = layer {
            let from = if index == 0 { input } else { Matrix::new(numbers, width) };
            quantised.quantise_for(weight, from, *kind);
            width = weight.columns();
            if at_last {
                multiply(quantised, weight, *bias, output, width);
            } else {
                next.set_length(rows * width);
                multiply(quantised, weight, *bias, next, width);
                std::mem::swap(numbers, next);
            }
        } else {
            assert!(index > 0, "the first layer is not linear");
            let numbers = if at_last { &mut *output } else { &mut *numbers };
            in_place(instructions, layer, numbers, width, start);
        }
    }
}

/// Executes a layer that changes rows in place.
fn in_place(instructions: Instructions, layer: &Layer<'_>, rows: &mut [f32], width: usize, start: usize) {
    match *layer {
        // Not in place.
        Layer::Linear(..) => {}
        Layer::Apply(function) => apply(instructions, function, rows),
        Layer::Add(others) => elementwise::add(instructions, rows, &others[start * width..][..rows.len()]),
        Layer::LayerNorm(epsilon, weight, bias) => layer_norm(instructions, rows, width, epsilon, weight, bias),
        Layer::RmsNorm(epsilon, weight) => rms_norm(instructions, rows, width, epsilon, weight),
    }
}

/// For few rows, where to read the weights is what takes time: each layer on all threads.
fn one_after_the_other(
    threads: &Threads,
    instructions: Instructions,
    scratch: &Scratch,
    input: Matrix<'_>,
    layers: &[Layer<'_>],
    output: &mut [f32],
) {
    let mut numbers = scratch.between();
    let (numbers, next) = &mut *numbers;
    let mut width = input.length();
    let mut rest = layers;
    let mut is_first = true;
    while let Some((layer, after)) = rest.split_first() {
        let is_linear = |layer: &Layer<'_>| matches!(layer, Layer::Linear(..));
        let is_last = !after.iter().any(is_linear);
        let Layer::Linear(kind, weight, bias) = layer else {
            assert!(!is_first, "the first layer is not linear");
            let place = if is_last { &mut *output } else { &mut **numbers };
            in_place(instructions, layer, place, width, 0);
            rest = after;
            continue;
        };
        // Functions that follow are applied by the threads that make the products.
        let functions = after
            .iter()
            .take_while(|layer| matches!(layer, Layer::Apply(_)))
            .count();
        let (functions, after) = after.split_at(functions);
        let from = if is_first { input } else { Matrix::new(numbers, width) };
        width = weight.columns();
        next.set_length(input.rows() * width);
        let place = if is_last { &mut *output } else { &mut **next };
        linear(threads, scratch, (from, *kind), weight, *bias, place, |products| {
            for function in functions {
                in_place(instructions, function, products, width, 0);
            }
        });
        if !is_last {
            std::mem::swap(numbers, next);
        }
        is_first = false;
        rest = after;
    }
}
