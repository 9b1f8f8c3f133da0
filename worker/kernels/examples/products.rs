//! Measures linear layers with every set of instructions that this processor has, in one run: a line for each shape
//! and precision, with billions of operations a second, and with bytes of the weight a second for one row.
//!
//! `cargo run --release -p assay-kernels --example products`

use assay_exact::quantise::Bits;
use assay_kernels::{
    instructions::Instructions,
    packed::Packed,
    product::linear,
    rows::{Kind, Matrix, Rows, Scaling},
    scratch::Scratch,
    threads::Threads,
};
use std::time::{Duration, Instant};

/// Kinds of the first operand, their names, and bytes of an element of the second.
const KINDS: [(Kind, &str, usize); 3] = [
    (Kind::Int8, "Int8", 1),
    (Kind::Halves, "Int16Int8", 1),
    (Kind::Int16, "Int16", 2),
];
/// `K` and `N`.
const WEIGHTS: [[usize; 2]; 6] = [
    [384, 384],
    [384, 1536],
    [1536, 384],
    [576, 1536],
    [1536, 576],
    [576, 49_152],
];
const ROWS: [usize; 4] = [1, 8, 128, 1024];
/// Minimum time for which everything is repeated.
const LONG_ENOUGH: Duration = Duration::from_millis(200);
/// More products than this are not measured in plain code.
const TOO_MANY: usize = 1 << 32;

/// Numbers of both signs.
fn numbers(count: usize) -> Vec<f32> {
    let mut state = 1u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / 8_388_608.0 - 1.0
    };
    // Sums of several, so that few are near the greatest.
    (0..count).map(|_| next() + next() + next()).collect()
}

/// The shortest of several times, in seconds.
fn shortest(mut f: impl FnMut()) -> f64 {
    f();
    let start = Instant::now();
    let mut shortest = f64::INFINITY;
    while start.elapsed() < LONG_ENOUGH {
        let start = Instant::now();
        f();
        shortest = shortest.min(start.elapsed().as_secs_f64());
    }
    shortest
}

/// Bytes a second that all threads read of memory that no cache holds.
fn bandwidth(threads: &Threads) -> f64 {
    const BYTES: usize = 256 << 20;
    let memory = vec![1u64; BYTES / 8];
    let seconds = shortest(|| {
        let parts = memory.chunks(memory.len() / 64);
        threads.share(parts, |_, part| {
            std::hint::black_box(part.iter().fold(0u64, |sum, x| sum.wrapping_add(*x)));
        });
    });
    BYTES as f64 / seconds
}

fn main() {
    let threads = Threads::new(std::thread::available_parallelism().map_or(1, |count| count.get()));
    let all = Instructions::available();
    println!(
        "{} threads, memory {:.1} GB/s",
        threads.count(),
        bandwidth(&threads) / 1e9
    );
    for [k, n] in WEIGHTS {
        let weight = numbers(k * n);
        for m in ROWS {
            let input = numbers(m * k);
            for (kind, name, bytes) in KINDS {
                let mut line = format!("{m:>5} x {k:>4} x {n:>5} {name:>9}:");
                for instructions in &all {
                    if *instructions == Instructions::portable() && m * k * n > TOO_MANY {
                        continue;
                    }
                    let mut rows = Rows::new(*instructions);
                    let second = if kind == Kind::Int16 { Bits::Int16 } else { Bits::Int8 };
                    rows.quantise(Matrix::new(&weight, k), Kind::of_second(second), Scaling::ByRow);
                    let packed = Packed::new(&rows);
                    let scratch = Scratch::new(*instructions, threads.count());
                    let mut output = vec![0.0; m * n];
                    let seconds = shortest(|| {
                        let input = (Matrix::new(&input, k), kind);
                        linear(&threads, &scratch, input, &packed, None, &mut output, |_| {});
                    });
                    let speed = 2e-9 * (m * k * n) as f64 / seconds;
                    line += &format!("  {} {speed:.1} GOP/s", instructions.name());
                    if m == 1 {
                        line += &format!(" ({:.1} GB/s)", 1e-9 * (k * n * bytes) as f64 / seconds);
                    }
                }
                println!("{line}");
            }
        }
    }
}
