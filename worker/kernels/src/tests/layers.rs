//! Layers that each row passes by itself: together what they are one after the other.

use super::{Random, all_instructions, assert_same, exact};
use crate::{
    elementwise::{add, apply},
    instructions::Instructions,
    layers::{Layer, layers},
    normalise::{layer_norm, rms_norm},
    packed::Packed,
    product::{FEWEST_PRODUCTS_TO_SHARE, FEWEST_ROWS_TO_SHARE, linear},
    rows::{Kind, Matrix, Rows, Scaling},
    scratch::Scratch,
    threads::Threads,
};
use assay_exact::quantise::Precision;
use assay_ops::words::Function;

/// Rows, and widths before and after the first linear layer: few rows that all threads take together, and parts that
/// are no whole tiles.
const SHAPES: [[usize; 3]; 6] = [
    [1, 5, 3],
    [3, 40, 70],
    [7, 64, 900],
    [FEWEST_ROWS_TO_SHARE - 1, 130, 300],
    [125, 33, 90],
    [200, 48, 64],
];

/// The layers on all rows, one after the other, on one thread.
fn one_after_the_other(instructions: Instructions, input: &[f32], width: usize, layers: &[Layer<'_>]) -> Vec<f32> {
    let (threads, scratch) = (Threads::new(1), Scratch::new(instructions, 1));
    let (mut rows, mut width) = (input.to_vec(), width);
    for layer in layers {
        match *layer {
            Layer::Linear(kind, weight, bias) => {
                let input = Matrix::new(&rows, width);
                let mut output = vec![0.0; input.rows() * weight.columns()];
                linear(&threads, &scratch, (input, kind), weight, bias, &mut output, |_| {});
                (rows, width) = (output, weight.columns());
            }
            Layer::Apply(function) => apply(instructions, function, &mut rows),
            Layer::Add(others) => add(instructions, &mut rows, others),
            Layer::LayerNorm(epsilon, weight, bias) => {
                layer_norm(instructions, &mut rows, width, epsilon, weight, bias);
            }
            Layer::RmsNorm(epsilon, weight) => rms_norm(instructions, &mut rows, width, epsilon, weight),
        }
    }
    rows
}

#[test]
fn layers_together_are_the_layers_one_after_the_other() {
    let mut random = Random(11);
    let mut were_few = false;
    for (case, [count, width, wide]) in SHAPES.into_iter().cycle().take(36).enumerate() {
        let precision = [Precision::Int8, Precision::Int16, Precision::Int16Int8][case / SHAPES.len() % 3];
        let kind = Kind::of_first(precision);
        were_few |= count < FEWEST_ROWS_TO_SHARE && count * width * wide * 2 >= FEWEST_PRODUCTS_TO_SHARE;
        for instructions in all_instructions() {
            let mut pack = |columns: usize, length: usize| {
                let mut rows = Rows::new(instructions);
                let numbers = random.rows(columns, length);
                let kind = Kind::of_second(precision.right());
                rows.quantise(Matrix::new(&numbers, length), kind, Scaling::ByRow);
                Packed::new(&rows)
            };
            let (widen, narrow) = (pack(wide, width), pack(width, wide));
            let (bias, input) = (random.rows(1, wide), random.rows(count, width));
            let (others, scale) = (random.rows(count, width), random.rows(1, width));
            let all = [
                Layer::Linear(kind, &widen, Some(&bias)),
                Layer::Apply(Function::Gelu),
                Layer::RmsNorm(1e-5, None),
                Layer::Apply(Function::Tanh),
                Layer::Linear(kind, &narrow, None),
                Layer::Add(&others),
                Layer::LayerNorm(1e-12, Some(&scale), Some(&scale)),
                Layer::Linear(kind, &widen, None),
                Layer::Apply(Function::Relu),
            ];
            // Up to each of them, so that each is the last one.
            let taken = &all[..1 + case % all.len()];
            let expected = one_after_the_other(instructions, &input, width, taken);
            for threads in [1, 2, 3] {
                let scratch = Scratch::new(instructions, threads);
                let mut output = vec![0.0; expected.len()];
                let input = Matrix::new(&input, width);
                layers(
                    &Threads::new(threads),
                    instructions,
                    &scratch,
                    input,
                    taken,
                    &mut output,
                );
                let what = format!("{count} rows of {width}, {} layers, {threads} threads", taken.len());
                assert_same(&output, &exact(&expected).collect::<Vec<_>>(), &what);
            }
        }
    }
    assert!(were_few, "there are few rows and much to do");
}
