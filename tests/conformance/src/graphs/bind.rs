//! The values of a schema's symbols for the shapes of its inputs.

use super::{
    Cases,
    build::{N, affine, float, graph, schema},
    reason,
};
use crate::{
    json::list,
    parts,
    render::{self, layout},
};
use assay_exact::{
    digest::DataType,
    graph::{Dimension, Graph},
};

pub fn add(cases: &mut Cases) {
    let plain = graph(
        &[
            float(&[N, Dimension::Fixed(4)]),
            (DataType::Int64, vec![Dimension::Symbol(1), N]),
            float(&[]),
        ],
        &[],
        vec![],
    );
    let float = DataType::Float32;
    let scalar: (DataType, &[u32]) = (float, &[]);
    for (first, second) in [
        ((float, &[3, 4][..]), (DataType::Int64, &[2, 3][..])),
        ((float, &[1, 4]), (DataType::Int64, &[5, 1])),
        ((float, &[5, 4]), (DataType::Int64, &[1, 5])),
        // Another type, another rank, another fixed size, another value than the symbol has, out of range below and
        // above.
        ((DataType::Int32, &[3, 4]), (DataType::Int64, &[2, 3])),
        ((float, &[3]), (DataType::Int64, &[2, 3])),
        ((float, &[3, 4, 1]), (DataType::Int64, &[2, 3])),
        ((float, &[3, 5]), (DataType::Int64, &[2, 3])),
        ((float, &[3, 4]), (DataType::Int64, &[2, 4])),
        ((float, &[0, 4]), (DataType::Int64, &[2, 0])),
        ((float, &[6, 4]), (DataType::Int64, &[2, 6])),
        ((float, &[3, 4]), (DataType::Int64, &[0, 3])),
        // The shapes of all inputs come before the ranges.
        ((float, &[6, 4]), (DataType::Int64, &[2, 3])),
    ] {
        add_case(cases, &plain, &[first, second, scalar]);
    }
    let good: (DataType, &[u32]) = (float, &[3, 4]);
    let other: (DataType, &[u32]) = (DataType::Int64, &[2, 3]);
    add_case(cases, &plain, &[good, other]);
    add_case(cases, &plain, &[]);
    add_case(cases, &plain, &[good, other, scalar, scalar]);
    add_case(cases, &plain, &[good, other, (float, &[1])]);

    let mut ranges = graph(&[super::build::float(&[Dimension::Symbol(1), N])], &[], vec![]);
    (ranges.symbols[0].min, ranges.symbols[0].max) = (3, 3);
    (ranges.symbols[1].min, ranges.symbols[1].max) = (1, u32::MAX);
    for shape in [[1, 3], [u32::MAX, 3], [7, 2], [7, 4], [0, 3]] {
        add_case(cases, &ranges, &[(float, &shape)]);
    }
    // A symbol that no input has is bound to its minimum.
    let mut unbound = graph(&[super::build::float(&[Dimension::Symbol(1)])], &[], vec![]);
    unbound.symbols[0].min = 3;
    add_case(cases, &unbound, &[(float, &[2])]);
    add_case(cases, &unbound, &[(float, &[6])]);
    // No graph that was checked has such an input.
    let computed = graph(
        &[super::build::float(&[N]), super::build::float(&[affine(2, 0)])],
        &[],
        vec![],
    );
    add_case(cases, &computed, &[(float, &[2]), (float, &[4])]);
}

fn add_case(cases: &mut Cases, graph: &Graph, inputs: &[(DataType, &[u32])]) {
    let schema = schema(graph);
    let expected = match schema.bind(inputs) {
        Ok(symbols) => ("symbols", render::shape(&symbols)),
        Err(error) => ("error", reason::error(reason::of_bind(&error))),
    };
    let fields = vec![
        ("schema", parts::schema(&schema)),
        ("inputs", list(inputs, |(dtype, shape)| layout(*dtype, shape))),
        expected,
    ];
    cases.add("bind", "bind", fields);
}
