//! Operators on arrays that are large enough to be shared out, against the definition; small ones of every kind are
//! tried by the engine that is made of them.

use super::{Random, all_instructions};
use crate::{
    array::Array, buffers::Buffers, context::Context, instructions::Instructions, operators, scratch::Scratch,
    threads::Threads,
};
use assay_exact::{
    digest::DataType,
    graph::{self, Binary, Dimension, Operator, Position},
    quantise::{GroupedBits, Precision, WeightFormat},
    tensor::Tensor,
};
use assay_ops::{
    layout::Dims,
    words::{Bitwise, Comparison, Form, Layer, Operation, Reduction},
};

/// Call of an array operator.
type Kernel<'a> = &'a dyn Fn(&mut Context<'_>, &[Array], Dims) -> Option<Array>;

/// Result of a kernel on some threads, read back.
fn computed(
    kernel: Kernel<'_>,
    inputs: &[&Tensor],
    shape: &[u32],
    threads: usize,
    instructions: Instructions,
) -> Tensor {
    let threads = Threads::new(threads);
    let scratch = Scratch::new(instructions, threads.count());
    let mut buffers = Buffers::default();
    let arrays: Vec<Array> = inputs
        .iter()
        .map(|tensor| Array::from_bytes(&mut buffers, tensor.dtype(), tensor.shape(), tensor.bytes()))
        .map(|array| array.expect("as many bytes as the shape says"))
        .collect();
    let mut context = Context {
        instructions,
        threads: &threads,
        scratch: &scratch,
        buffers: &mut buffers,
    };
    let dims: Vec<usize> = shape.iter().map(|length| *length as usize).collect();
    let result = kernel(&mut context, &arrays, Dims::new(&dims)).expect("the operands fit");
    let bytes = result.to_bytes(&threads);
    Tensor::new(result.dtype(), shape.to_vec(), bytes).expect("as many bytes as the shape says")
}

/// Compares a kernel with the operator that it is one of.
fn check(operator: &Operator, kernel: Kernel<'_>, inputs: &[&Tensor], dtype: DataType, shape: &[u32]) {
    let expected = operator.apply(inputs, dtype, shape.to_vec()).expect("the operands fit");
    for instructions in all_instructions() {
        for threads in [1, 3] {
            let actual = computed(kernel, inputs, shape, threads, instructions);
            assert!(actual == expected, "{operator:?} of {dtype:?}, {threads} threads");
        }
    }
}

/// A tensor of this type, with integers below `end`.
fn tensor(random: &mut Random, dtype: DataType, shape: &[u32], end: usize) -> Tensor {
    let count = shape.iter().map(|length| *length as usize).product();
    let bytes = match dtype {
        DataType::Float32 => random.rows(1, count).iter().flat_map(|x| x.to_le_bytes()).collect(),
        _ => (0..count)
            .flat_map(|_| (random.below(end) as u64).to_le_bytes()[..dtype.size_bytes()].to_vec())
            .collect(),
    };
    Tensor::new(dtype, shape.to_vec(), bytes).expect("as many bytes as the shape says")
}

const TYPES: [DataType; 3] = [DataType::Float32, DataType::Int64, DataType::Uint8];

#[test]
fn elements_are_shared_out_as_defined() {
    let mut random = Random(40);
    for dtype in TYPES {
        for (shape, other) in [
            ([3, 50, 300], [3, 50, 300]),
            ([3, 50, 300], [3, 1, 300]),
            ([2, 1, 33_000], [2, 1, 1]),
        ] {
            let (a, b) = (
                tensor(&mut random, dtype, &shape, 200),
                tensor(&mut random, dtype, &other, 200),
            );
            let condition = tensor(&mut random, DataType::Bool, &[shape[1], 1], 2);
            check(
                &Operator::Binary(Binary::Rem),
                &|context, x, shape| operators::combine(context, Operation::Rem, &x[0], &x[1], shape),
                &[&a, &b],
                dtype,
                &shape,
            );
            check(
                &Operator::Binary(Binary::LessOrEqual),
                &|context, x, shape| operators::compare(context, Comparison::LessOrEqual, &x[0], &x[1], shape),
                &[&a, &b],
                DataType::Bool,
                &shape,
            );
            check(
                &Operator::Where,
                &|context, x, shape| operators::select(context, [&x[0], &x[1], &x[2]], shape),
                &[&condition, &a, &b],
                dtype,
                &shape,
            );
            for to in [DataType::Float32, DataType::Int32, DataType::Bool] {
                check(
                    &Operator::Cast { dtype: to },
                    &|context, x, _| operators::cast(context, &x[0], to),
                    &[&a],
                    to,
                    &shape,
                );
            }
        }
    }
}

#[test]
fn rows_are_shared_out_as_defined() {
    let mut random = Random(41);
    for dtype in TYPES {
        for [count, length] in [[400, 120], [3, 7_000]] {
            let x = tensor(&mut random, dtype, &[count, length], 200);
            let summed = if dtype == DataType::Float32 {
                dtype
            } else {
                DataType::Int64
            };
            for (defined, reduction, result) in [
                (graph::Reduction::Sum, Reduction::Sum, summed),
                (graph::Reduction::Max, Reduction::Max, dtype),
                (graph::Reduction::ArgMin, Reduction::ArgMin, DataType::Int64),
            ] {
                check(
                    &Operator::Reduce(defined),
                    &|context, x, shape| operators::reduce(context, reduction, &x[0], shape),
                    &[&x],
                    result,
                    &[count],
                );
            }
        }
        let x = tensor(&mut random, dtype, &[400, 60], 50);
        let summed = if dtype == DataType::Float32 {
            dtype
        } else {
            DataType::Int64
        };
        check(
            &Operator::CumSum,
            &|context, x, _| operators::cum_sum(context, &x[0]),
            &[&x],
            summed,
            &[400, 60],
        );
        // The best alone, some out of many more, and all in order.
        for (largest, count) in [(false, 1), (true, 1), (false, 5), (true, 5), (false, 60), (true, 60)] {
            check(
                &Operator::TopK { count, largest },
                &|context, x, shape| operators::top_k(context, largest, &x[0], shape),
                &[&x],
                DataType::Int64,
                &[400, count],
            );
        }
    }
    let x = tensor(&mut random, DataType::Float32, &[400, 120], 0);
    let keys = tensor(&mut random, DataType::Int64, &[400, 1], 200);
    let lanes = tensor(&mut random, DataType::Int64, &[120], 200);
    check(
        &Operator::Random,
        &|context, x, shape| operators::random(context, [&x[0], &x[1], &x[0]], shape),
        &[&keys, &lanes, &keys],
        DataType::Float32,
        &[400, 120],
    );
    for precision in [Precision::Int8, Precision::Int16] {
        check(
            &Operator::RowScale { precision },
            &|context, x, shape| operators::row_scale(context, precision, &x[0], shape),
            &[&x],
            DataType::Float32,
            &[400],
        );
    }
}

#[test]
fn integers_are_combined_bit_by_bit_as_defined() {
    let mut random = Random(43);
    for dtype in [DataType::Int64, DataType::Int32, DataType::Int8, DataType::Uint8] {
        let bytes = |random: &mut Random, shape: &[u32]| {
            let count = shape.iter().product::<u32>() as usize * dtype.size_bytes();
            let bytes = (0..count).map(|_| random.next() as u8).collect();
            Tensor::new(dtype, shape.to_vec(), bytes).expect("as many bytes as the shape says")
        };
        let a = bytes(&mut random, &[20, 300]);
        let counts = tensor(&mut random, dtype, &[300], 9);
        let odd = bytes(&mut random, &[300]);
        for (defined, operation) in [
            (Binary::And, Bitwise::And),
            (Binary::Or, Bitwise::Or),
            (Binary::Xor, Bitwise::Xor),
            (Binary::Shl, Bitwise::Shl),
            (Binary::Shr, Bitwise::Shr),
        ] {
            for b in [&counts, &odd] {
                check(
                    &Operator::Binary(defined),
                    &|context, x, shape| operators::bitwise(context, operation, &x[0], &x[1], shape),
                    &[&a, b],
                    dtype,
                    &[20, 300],
                );
            }
        }
        check(
            &Operator::Unary(graph::Unary::Not),
            &|context, x, _| operators::bitwise_not(context, &x[0]),
            &[&a],
            dtype,
            &[20, 300],
        );
    }
}

#[test]
fn layers_with_given_integers_are_as_defined() {
    let mut random = Random(44);
    let mut bytes = |dtype: DataType, shape: &[u32]| {
        let count = shape.iter().product::<u32>() as usize * dtype.size_bytes();
        let bytes = (0..count).map(|_| random.next() as u8).collect();
        Tensor::new(dtype, shape.to_vec(), bytes).expect("as many bytes as the shape says")
    };
    let (integers, packed) = (bytes(DataType::Int8, &[70, 96]), bytes(DataType::Uint8, &[70, 48]));
    let [narrow, wide] = [6, 2].map(|groups| bytes(DataType::Int32, &[70, groups]));
    let mut random = Random(45);
    let x = tensor(&mut random, DataType::Float32, &[30, 96], 0);
    let scales = tensor(&mut random, DataType::Float32, &[70], 0);
    let grouped = |bits, group| WeightFormat::Grouped { bits, group };
    for precision in [Precision::Int8, Precision::Int16] {
        for (format, weight) in [
            (WeightFormat::Int8, vec![&integers]),
            (grouped(GroupedBits::Four, 16), vec![&packed, &narrow]),
            (grouped(GroupedBits::Four, 48), vec![&packed, &wide]),
            (grouped(GroupedBits::Eight, 16), vec![&integers, &narrow]),
            (grouped(GroupedBits::Eight, 48), vec![&integers, &wide]),
        ] {
            for biased in [false, true] {
                let layer = Layer::QuantisedLinear {
                    precision,
                    format,
                    biased,
                };
                assert_eq!(layer.form(), Some(Form::Given(format)));
                let vectors = vec![&scales; 1 + usize::from(biased)];
                check(
                    &Operator::QuantisedLinear { precision, format },
                    &|context, x, shape| operators::layers(context, &[None], &[layer], x, shape),
                    &[&[&x][..], &weight, &vectors].concat(),
                    DataType::Float32,
                    &[30, 70],
                );
            }
        }
    }
}

#[test]
fn elements_are_moved_as_defined() {
    let mut random = Random(42);
    for dtype in TYPES {
        let x = tensor(&mut random, dtype, &[20, 30, 40], 200);
        let index = tensor(&mut random, DataType::Int64, &[20, 50, 40], 35);
        check(
            &Operator::Gather { axis: 1 },
            &|context, x, _| operators::gather(context, &x[0], &x[1], 1),
            &[&x, &index],
            dtype,
            &[20, 50, 40],
        );
        let index = tensor(&mut random, DataType::Int32, &[7, 9], 35);
        for (axis, shape) in [
            (0, vec![7, 9, 30, 40]),
            (1, vec![20, 7, 9, 40]),
            (2, vec![20, 30, 7, 9]),
        ] {
            check(
                &Operator::IndexSelect { axis: axis as u8 },
                &|context, x, shape| operators::index_select(context, &x[0], &x[1], axis, shape),
                &[&x, &index],
                dtype,
                &shape,
            );
        }
        let slice = Operator::Slice {
            axis: 1,
            start: Position::FromStart(20),
            step: 2,
            length: Dimension::Fixed(25),
        };
        check(
            &slice,
            &|context, x, _| operators::slice(context, &x[0], 1, [20, 2, 25]),
            &[&x],
            dtype,
            &[20, 25, 40],
        );
        let y = tensor(&mut random, dtype, &[20, 30, 8], 200);
        check(
            &Operator::Concat { axis: 2 },
            &|context, x, shape| operators::concat(context, x, 2, shape),
            &[&x, &y, &x],
            dtype,
            &[20, 30, 88],
        );
        let (axis, bits, before) = (1, 0, 3);
        check(
            &Operator::Pad {
                axis,
                before,
                after: 2,
                bits,
            },
            &|context, x, shape| operators::pad(context, &x[0], 1, 3, bits, shape),
            &[&x],
            dtype,
            &[20, 35, 40],
        );
    }
}
