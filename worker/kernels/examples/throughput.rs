//! Prints how fast the kernels are: products in billions of operations a second, a layer of a transformer in milliseconds,
//! functions in nanoseconds an element.

use assay_exact::quantise::Precision;
use assay_kernels::{
    attention::{Attention, Stack, attend},
    elementwise::{Function, add, apply},
    instructions::Instructions,
    normalise::{layer_norm, softmax},
    packed::Packed,
    product::linear,
    rows::{Matrix, Rows, Scaling},
    scratch::Scratch,
    threads::Threads,
};
use std::time::Instant;

const PRECISIONS: [Precision; 2] = [Precision::Int8, Precision::Int16];

/// The least of some times, in seconds.
fn time(mut work: impl FnMut()) -> f64 {
    let mut once = || {
        let start = Instant::now();
        work();
        start.elapsed().as_secs_f64()
    };
    let first = once();
    let times = (0.2 / first).clamp(3.0, 2000.0) as usize;
    (0..times).map(|_| once()).fold(first, f64::min)
}

/// About normally distributed: sums of eight numbers from a multiplicative hash of the position (Knuth).
fn numbers(count: usize) -> Vec<f32> {
    let number = |i: u32| -> f32 {
        let parts = (0..8u32).map(|part| (i * 8 + part).wrapping_mul(2_654_435_761) >> 8);
        parts.map(|part| part as f32 / 16_777_216.0 - 0.5).sum()
    };
    (0..count as u32).map(number).collect()
}

fn packed(instructions: Instructions, n: usize, k: usize, precision: Precision) -> Packed {
    let mut rows = Rows::new(instructions);
    rows.quantise(Matrix::new(&numbers(n * k), k), precision, Scaling::ByRow);
    Packed::new(&rows)
}

fn products(threads: &Threads, instructions: Instructions) {
    let scratch = Scratch::new(instructions, threads.count());
    for [m, k, n] in [
        [1024, 384, 384],
        [1024, 384, 1536],
        [1024, 1536, 384],
        [16, 384, 1536],
        [8, 1536, 384],
        [1, 384, 1536],
        [1, 4096, 4096],
    ] {
        for precision in PRECISIONS {
            let (input, bias) = (numbers(m * k), numbers(n));
            let weight = packed(instructions, n, k, precision);
            let mut output = vec![0.0; m * n];
            let input = Matrix::new(&input, k);
            let seconds = time(|| linear(threads, &scratch, input, &weight, Some(&bias), &mut output, |_| {}));
            let speed = 2e-9 * (m * k * n) as f64 / seconds;
            println!(
                "{precision:?} {m} x {k} x {n}: {speed:.0} GOP/s, {:.3} ms",
                seconds * 1e3
            );
        }
    }
}

/// Attention of 8 sequences of 128 tokens in 12 heads of 32, and the rows' operators that surround it in MiniLM.
fn layer(threads: &Threads, instructions: Instructions) {
    let (batch, tokens, heads, width) = (8, 128, 12, 32);
    let features = heads * width;
    let scratch = Scratch::new(instructions, threads.count());
    let [q, k, v] = [1, 2, 3].map(|_| numbers(batch * tokens * features));
    let mut output = vec![0.0; batch * tokens * features];
    for precision in PRECISIONS {
        let stack = |data| Stack {
            data,
            offset: 0,
            batch_stride: tokens * features,
            head_stride: width,
            row_stride: features,
            rows: tokens,
            length: width,
        };
        let attention = Attention {
            batch,
            heads,
            query: stack(&q[..]),
            key: stack(&k[..]),
            value: stack(&v[..]),
            scale: Some(0.176_776_7),
            mask: None,
            score_precision: precision,
            value_precision: precision,
        };
        let seconds = time(|| attend(threads, instructions, &scratch, &attention, &mut output));
        println!("{precision:?} attention of a layer: {:.3} ms", seconds * 1e3);
    }
    let (weight, bias) = (numbers(features), numbers(features));
    let rows = 96 * features;
    let seconds = time(|| {
        threads.share(output.chunks_mut(rows).zip(q.chunks(rows)), |_, (output, q)| {
            add(instructions, output, q);
            layer_norm(instructions, output, features, 1e-12, Some(&weight), Some(&bias));
        });
    });
    println!("sum and layer normalisation: {:.3} ms", seconds * 1e3);
    let mut scores = numbers(batch * heads * tokens * tokens);
    let seconds = time(|| {
        threads.share(scores.chunks_mut(rows), |_, scores| {
            softmax(instructions, scores, tokens)
        });
    });
    println!("softmax of all scores: {:.3} ms", seconds * 1e3);
}

fn functions() {
    let from: Vec<f32> = numbers(1 << 12).into_iter().map(|x| x * 4.0).collect();
    for function in [
        Function::Exp,
        Function::Log,
        Function::Sin,
        Function::Tanh,
        Function::Gelu,
        Function::Silu,
    ] {
        for instructions in [Instructions::detect(), Instructions::portable()] {
            let mut numbers = from.clone();
            let seconds = time(|| {
                numbers.copy_from_slice(&from);
                apply(instructions, function, &mut numbers);
            });
            let each = seconds * 1e9 / from.len() as f64;
            println!("{function:?}, {}: {each:.3} ns/element", instructions.name());
        }
    }
}

fn main() {
    for count in [1, 2] {
        println!("{count} threads, {}", Instructions::detect().name());
        let threads = Threads::new(count);
        products(&threads, Instructions::detect());
        layer(&threads, Instructions::detect());
    }
    functions();
}
