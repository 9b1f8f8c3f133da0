//! Operators that move elements: of every type, at every axis, beyond every end.

use super::{Cases, edges, integers, numbers, shaped, whole};
use crate::{
    drawn::{TYPES, tensor},
    random::Random,
};
use assay_exact::{
    digest::DataType,
    graph::{Dimension, MAX_OPERANDS, Operator, Position},
    tensor::Tensor,
};

const FLOAT: DataType = DataType::Float32;

pub fn add(cases: &mut Cases) {
    let mut random = Random(0x6d6f_7665);
    shapes(cases, &mut random);
    slices(cases, &mut random);
    joins(cases, &mut random);
    lookups(cases, &mut random);
    windows(cases, &mut random);
}

fn fixed(shape: &[u32]) -> Vec<Dimension> {
    shape.iter().map(|elements| Dimension::Fixed(*elements)).collect()
}

/// A tensor whose elements are their positions.
fn positions(shape: &[u32]) -> Tensor {
    let count: u32 = shape.iter().product();
    whole(shape, &(0..i64::from(count)).collect::<Vec<_>>())
}

fn shapes(cases: &mut Cases, random: &mut Random) {
    for (from, to) in [
        (&[2, 3][..], &[3, 2][..]),
        (&[6], &[1, 2, 1, 3]),
        (&[1], &[]),
        (&[], &[1, 1]),
        (&[2, 1, 2, 1, 2, 1, 2, 1], &[16]),
    ] {
        cases.add(Operator::Reshape { dimensions: fixed(to) }, vec![positions(from)]);
    }
    for axes in [
        vec![],
        vec![0],
        vec![1, 0],
        vec![0, 2, 1],
        vec![2, 0, 1],
        vec![1, 2, 0],
        vec![3, 1, 0, 2],
    ] {
        let shape = &[2, 3, 4, 2][..axes.len()];
        cases.add(Operator::Permute { axes }, vec![positions(shape)]);
    }
    let axes = vec![7, 6, 5, 4, 3, 2, 1, 0];
    cases.add(Operator::Permute { axes }, vec![positions(&[1, 2, 1, 2, 1, 1, 3, 1])]);
    for (from, to) in [
        (&[][..], &[2, 2][..]),
        (&[1], &[4]),
        (&[2, 1], &[3, 2, 2]),
        (&[1, 3], &[2, 3]),
        (&[2, 3], &[2, 3]),
        (&[], &[]),
    ] {
        cases.add(Operator::Expand { dimensions: fixed(to) }, vec![positions(from)]);
    }
    // Every type; what is given is read as canonical.
    for dtype in TYPES {
        let edges = edges(dtype);
        let count = edges.shape()[0];
        let square = tensor(random, dtype, &[2, 3]);
        cases.add(
            Operator::Reshape {
                dimensions: fixed(&[1, count]),
            },
            vec![edges.clone()],
        );
        cases.add(Operator::Permute { axes: vec![1, 0] }, vec![square]);
        cases.add(
            Operator::Expand {
                dimensions: fixed(&[2, count]),
            },
            vec![edges],
        );
    }
}

fn slices(cases: &mut Cases, random: &mut Random) {
    use Position::{FromEnd, FromStart};
    for (axis, start, step, length) in [
        (0, FromStart(0), 1, 5),
        (0, FromStart(2), 1, 2),
        (0, FromStart(1), 2, 2),
        // Past the end: the last element again and again.
        (0, FromStart(3), 1, 4),
        (0, FromStart(0), 3, 4),
        (0, FromStart(9), 1, 2),
        (0, FromStart(u32::MAX), u32::MAX, 2),
        (0, FromEnd(1), 1, 1),
        (0, FromEnd(2), 1, 3),
        // Nothing from the end is past it; before the beginning is the beginning.
        (0, FromEnd(0), 1, 2),
        (0, FromEnd(5), 1, 2),
        (0, FromEnd(6), 1, 2),
        (0, FromEnd(u32::MAX), 2, 3),
        (1, FromStart(1), 1, 2),
        (1, FromEnd(2), 1, 2),
    ] {
        let length = Dimension::Fixed(length);
        let operator = Operator::Slice {
            axis,
            start,
            step,
            length,
        };
        cases.add(operator, vec![positions(&[5, 3])]);
    }
    for dtype in TYPES {
        let (start, length) = (FromEnd(3), Dimension::Fixed(2));
        let operator = Operator::Slice {
            axis: 1,
            start,
            step: 2,
            length,
        };
        cases.add(operator, vec![tensor(random, dtype, &[2, 4, 2])]);
    }
}

fn joins(cases: &mut Cases, random: &mut Random) {
    for (axis, shapes) in [
        (0, &[&[2, 2][..]][..]),
        (0, &[&[1, 2], &[3, 2]]),
        (1, &[&[2, 1], &[2, 2], &[2, 3]]),
        (2, &[&[2, 2, 1], &[2, 2, 2]]),
        (1, &[&[2, 1, 2], &[2, 3, 2]]),
    ] {
        let inputs = shapes.iter().map(|shape| positions(shape)).collect();
        cases.add(Operator::Concat { axis }, inputs);
    }
    let many = (0..i64::from(MAX_OPERANDS))
        .map(|value| whole(&[1], &[value]))
        .collect();
    cases.add(Operator::Concat { axis: 0 }, many);
    for dtype in TYPES {
        let inputs = vec![tensor(random, dtype, &[2, 2]), tensor(random, dtype, &[2, 1])];
        cases.add(Operator::Concat { axis: 1 }, inputs);
        for bits in [0x3f80_0000, 0xffff_ffff_8000_0000, 0x0000_0100_7fc0_0001] {
            let operator = Operator::Pad {
                axis: 0,
                before: 1,
                after: 2,
                bits,
            };
            cases.add(operator, vec![tensor(random, dtype, &[2])]);
        }
    }
    for (axis, before, after) in [(0, 0, 0), (0, 2, 0), (1, 0, 1), (1, 1, 1), (2, 3, 2)] {
        let operator = Operator::Pad {
            axis,
            before,
            after,
            bits: 0xbf80_0000,
        };
        cases.add(operator, vec![positions(&[2, 2, 2])]);
    }
}

fn lookups(cases: &mut Cases, random: &mut Random) {
    let odd = [0, 2, -1, -3, 3, -4, i64::MAX, i64::MIN];
    for dtype in [DataType::Int64, DataType::Int32] {
        cases.add(
            Operator::Gather { axis: 0 },
            vec![positions(&[3]), integers(dtype, &[8], &odd)],
        );
        cases.add(
            Operator::IndexSelect { axis: 0 },
            vec![positions(&[3, 2]), integers(dtype, &[8], &odd)],
        );
        let indices = integers(dtype, &[2, 2], &[1, 0, -1, 5]);
        cases.add(Operator::Gather { axis: 1 }, vec![positions(&[2, 4]), indices.clone()]);
        cases.add(Operator::Gather { axis: 0 }, vec![positions(&[4, 2]), indices.clone()]);
        for axis in 0..3 {
            cases.add(
                Operator::IndexSelect { axis },
                vec![positions(&[2, 3, 2]), indices.clone()],
            );
        }
        // One index, of no dimension: the axis is gone.
        let one = shaped(&integers(dtype, &[1], &[-2]), &[]);
        cases.add(Operator::IndexSelect { axis: 1 }, vec![positions(&[2, 3]), one.clone()]);
        cases.add(Operator::IndexSelect { axis: 0 }, vec![positions(&[3]), one]);
    }
    let indices = integers(DataType::Int64, &[2, 1, 3], &[0, 1, 2, -1, -2, -3]);
    cases.add(Operator::Gather { axis: 1 }, vec![positions(&[2, 3, 3]), indices]);
    for dtype in TYPES {
        let data = tensor(random, dtype, &[3, 2]);
        let indices = integers(DataType::Int64, &[2], &[2, 0]);
        cases.add(Operator::IndexSelect { axis: 0 }, vec![data.clone(), indices]);
        let indices = integers(DataType::Int32, &[1, 2], &[2, -2]);
        cases.add(Operator::Gather { axis: 0 }, vec![data, indices]);
    }
    let data = numbers(&[2], &[0xffc0_0001, 0x8000_0000]);
    cases.add(
        Operator::Gather { axis: 0 },
        vec![data, integers(DataType::Int64, &[2], &[1, 0])],
    );
}

fn windows(cases: &mut Cases, random: &mut Random) {
    for (shape, axis, size, step, dilation) in [
        (&[5][..], 0, 1, 1, 1),
        (&[5], 0, 3, 1, 1),
        (&[5], 0, 5, 1, 1),
        (&[5], 0, 2, 2, 1),
        (&[7], 0, 3, 2, 2),
        (&[5], 0, 2, 9, 4),
        (&[2, 5], 1, 2, 1, 3),
        (&[4, 3], 0, 2, 1, 2),
        (&[2, 4, 3], 1, 3, 1, 1),
        (&[1, 1], 0, 1, 1, 7),
    ] {
        let operator = Operator::Unfold {
            axis,
            size,
            step,
            dilation,
        };
        cases.add(operator, vec![positions(shape)]);
    }
    for dtype in TYPES {
        let operator = Operator::Unfold {
            axis: 0,
            size: 2,
            step: 1,
            dilation: 1,
        };
        cases.add(operator, vec![tensor(random, dtype, &[3, 2])]);
    }
    cases.add(
        Operator::Unfold {
            axis: 0,
            size: 2,
            step: 1,
            dilation: 2,
        },
        vec![tensor(random, FLOAT, &[3, 1, 1, 1, 2, 1, 1])],
    );
}
