//! Kernels by themselves: products at the shapes of MiniLM, functions and normalisations, against libtorch's.

use crate::{measure::in_turns, report::Report};
use assay_bench::numbers;
use assay_kernels::{
    elementwise::apply,
    instructions::Instructions,
    normalise::{layer_norm, softmax},
    packed::Packed,
    product::linear,
    rows::{self, Matrix, Rows, Scaling},
    scratch::Scratch,
    threads::Threads,
};
use assay_ops::words::Function;
use tch::{Kind, Tensor};

/// Elements that a thread takes at a time.
const ELEMENTS_AT_ONCE: usize = 32 * 1024;

fn tensor(numbers: &[f32], shape: &[i64]) -> Tensor {
    Tensor::from_slice(numbers).reshape(shape)
}

/// Measures products.
pub fn products(report: &mut Report, threads: &Threads) {
    let instructions = Instructions::detect();
    let scratch = Scratch::new(instructions, threads.count());
    for [m, k, n] in [
        [1024, 384, 384],
        [1024, 384, 1536],
        [1024, 1536, 384],
        [16, 384, 1536],
        [1, 384, 1536],
        [1, 4096, 4096],
    ] {
        let (input, weight, bias) = (numbers(m * k), numbers(n * k), numbers(n));
        let torch = [
            tensor(&input, &[m as i64, k as i64]),
            tensor(&weight, &[n as i64, k as i64]),
            tensor(&bias, &[n as i64]),
        ];
        let brain = torch.each_ref().map(|tensor| tensor.to_kind(Kind::BFloat16));
        let packed = [rows::Kind::Int8, rows::Kind::Int16].map(|kind| {
            let mut rows = Rows::new(instructions);
            rows.quantise(Matrix::new(&weight, k), kind, Scaling::ByRow);
            Packed::new(&rows)
        });
        let matrix = Matrix::new(&input, k);
        let mut outputs = [rows::Kind::Int8, rows::Kind::Int16, rows::Kind::Halves].map(|_| vec![0.0; m * n]);
        let [first, second, third] = &mut outputs;
        let exact = |kind: rows::Kind, packed: &Packed, output: &mut [f32]| {
            linear(threads, &scratch, (matrix, kind), packed, Some(&bias), output, |_| {});
        };
        let mut int8 = || exact(rows::Kind::Int8, &packed[0], first);
        let mut int16 = || exact(rows::Kind::Int16, &packed[1], second);
        let mut int16int8 = || exact(rows::Kind::Halves, &packed[0], third);
        let mut fp32 = || drop(torch[0].linear(&torch[1], Some(&torch[2])));
        let mut bf16 = || drop(brain[0].linear(&brain[1], Some(&brain[2])));
        let times = in_turns([&mut int8, &mut int16, &mut int16int8, &mut fp32, &mut bf16]);
        let [int8, int16, int16int8, fp32, bf16] = times.map(|milliseconds| 2e-6 * (m * k * n) as f64 / milliseconds);
        for (precision, speed) in [("int8", int8), ("int16", int16), ("int16int8", int16int8)] {
            let name = format!("linear {m} x {k} x {n}, exact {precision}");
            report.add_speed(&name, speed, ("libtorch fp32", fp32));
            report.add_speed(&name, speed, ("libtorch bf16", bf16));
        }
    }
}

/// A function of libtorch, applied to each element.
type TorchFunction = fn(&Tensor) -> Tensor;

/// Rows and their length.
const ROWS: (usize, usize) = (1024, 1536);

/// Measures functions of each element, softmax and layer normalisation.
pub fn rows(report: &mut Report, threads: &Threads) {
    let (rows, length) = ROWS;
    let from = numbers(rows * length);
    let torch = tensor(&from, &[rows as i64, length as i64]);
    functions(report, threads, &from, &torch);
    normalisations(report, threads, &from, &torch);
}

fn functions(report: &mut Report, threads: &Threads, from: &[f32], torch: &Tensor) {
    let instructions = Instructions::detect();
    let (rows, length) = ROWS;
    let functions: [(&str, Function, TorchFunction); 6] = [
        ("gelu", Function::Gelu, |x| x.gelu("none")),
        ("gelu, tanh", Function::GeluTanh, |x| x.gelu("tanh")),
        ("silu", Function::Silu, Tensor::silu),
        ("tanh", Function::Tanh, Tensor::tanh),
        ("sigmoid", Function::Sigmoid, Tensor::sigmoid),
        ("exp", Function::Exp, Tensor::exp),
    ];
    for (name, function, theirs) in functions {
        let mut numbers = from.to_vec();
        // Both read one tensor and write another.
        let mut exact = || {
            let parts = numbers.chunks_mut(ELEMENTS_AT_ONCE).zip(from.chunks(ELEMENTS_AT_ONCE));
            threads.share(parts, |_, (numbers, from)| {
                numbers.copy_from_slice(from);
                apply(instructions, function, numbers);
            });
        };
        let mut fp32 = || drop(theirs(torch));
        let [exact, fp32] = in_turns([&mut exact, &mut fp32]);
        report.add_times(
            &format!("{name} of {rows} x {length}"),
            exact,
            &[("libtorch fp32", fp32)],
        );
    }
}

fn normalisations(report: &mut Report, threads: &Threads, from: &[f32], torch: &Tensor) {
    let instructions = Instructions::detect();
    let (rows, length) = ROWS;
    let (weight, bias) = (numbers(length), numbers(length));
    let torch_weights = [&weight, &bias].map(|numbers| tensor(numbers, &[length as i64]));
    let at_once = ELEMENTS_AT_ONCE / length * length;
    let mut numbers = from.to_vec();
    let mut exact = || {
        threads.share(
            numbers.chunks_mut(at_once).zip(from.chunks(at_once)),
            |_, (numbers, from)| {
                numbers.copy_from_slice(from);
                layer_norm(instructions, numbers, length, 1e-12, Some(&weight), Some(&bias));
            },
        );
    };
    let [first, second] = &torch_weights;
    let mut fp32 = || drop(torch.layer_norm([length as i64], Some(first), Some(second), 1e-12, false));
    let [exact, fp32] = in_turns([&mut exact, &mut fp32]);
    report.add_times(
        &format!("layer_norm of {rows} x {length}"),
        exact,
        &[("libtorch fp32", fp32)],
    );

    let mut numbers = from.to_vec();
    let mut exact = || {
        threads.share(
            numbers.chunks_mut(at_once).zip(from.chunks(at_once)),
            |_, (numbers, from)| {
                numbers.copy_from_slice(from);
                softmax(instructions, numbers, length);
            },
        );
    };
    let mut fp32 = || drop(torch.softmax(-1, Kind::Float));
    let [exact, fp32] = in_turns([&mut exact, &mut fp32]);
    report.add_times(
        &format!("softmax of {rows} x {length}"),
        exact,
        &[("libtorch fp32", fp32)],
    );
}
