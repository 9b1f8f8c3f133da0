//! Attention.

use super::{Random, all_instructions, assert_same, exact};
use crate::{
    attention::{Attention, Mask, Stack, attend},
    scratch::Scratch,
    threads::Threads,
};
use assay_exact::{
    binary32::Binary32,
    functions,
    quantise::{Bits, Precision, QuantisedRow, quantise, scale},
    reduce,
};

/// The rows of one head.
fn rows(stack: &Stack<'_, f32>, batch: usize, head: usize) -> Vec<Vec<Binary32>> {
    let start = stack.offset + batch * stack.batch_stride + head * stack.head_stride;
    let row = |row: usize| exact(&stack.data[start + row * stack.row_stride..][..stack.length]).collect();
    (0..stack.rows).map(row).collect()
}

fn quantised(rows: &[Vec<Binary32>], bits: Bits) -> Vec<QuantisedRow> {
    rows.iter()
        .map(|row| QuantisedRow::new(row.iter().copied(), bits))
        .collect()
}

/// `[M, D]` of one head, as its parts are defined.
fn one_head(attention: &Attention<'_>, batch: usize, head: usize) -> Vec<Vec<Binary32>> {
    let queries = quantised(&rows(&attention.query, batch, head), attention.score_precision.left());
    let keys = quantised(&rows(&attention.key, batch, head), attention.score_precision.right());
    let values = rows(&attention.value, batch, head);
    let precision = attention.value_precision;
    let scales: Vec<_> = values
        .iter()
        .map(|row| scale(row.iter().copied(), precision.right()))
        .collect();
    let attend = |(i, query): (usize, &QuantisedRow)| {
        let scores = keys.iter().enumerate().map(|(t, key)| {
            let score = query.product(key);
            let score = attention
                .scale
                .map_or(score, |x| score * Binary32::from_bits(x.to_bits()));
            let place = |offset, batch_stride, head_stride, row_stride| {
                offset + batch * batch_stride + head * head_stride + i * row_stride + t
            };
            match attention.mask {
                None => score,
                Some(Mask::Add(m)) => {
                    let x = m.data[place(m.offset, m.batch_stride, m.head_stride, m.row_stride)];
                    score + Binary32::from_bits(x.to_bits())
                }
                Some(Mask::Keep(m)) => match m.data[place(m.offset, m.batch_stride, m.head_stride, m.row_stride)] {
                    false => -Binary32::INFINITY,
                    true => score,
                },
            }
        });
        let scores: Vec<Binary32> = scores.collect();
        let max = reduce::max(scores.iter().copied()).expect("there are keys");
        let e: Vec<_> = scores.iter().map(|x| functions::exp(*x - max)).collect();
        let total = reduce::sum(e.iter().copied());
        let sees_nothing = max == -Binary32::INFINITY;
        let share = |e: Binary32| if sees_nothing { Binary32::ZERO } else { e / total };
        let weights: Vec<_> = e.iter().zip(&scales).map(|(e, scale)| share(*e) * *scale).collect();
        let weights = QuantisedRow::new(weights.into_iter(), precision.left());
        let column = |d: usize| {
            let column = values
                .iter()
                .zip(&scales)
                .map(|(row, s)| quantise(row[d], *s, precision.right()));
            let products = weights
                .integers()
                .iter()
                .zip(column)
                .map(|(a, v)| i64::from(*a) * i64::from(v));
            Binary32::from_i64(products.sum()) * weights.scale()
        };
        (0..attention.value.length).map(column).collect()
    };
    queries.iter().enumerate().map(attend).collect()
}

#[test]
fn attention_is_the_composition_of_its_parts() {
    let mut random = Random(8);
    let precisions = [Precision::Int8, Precision::Int16, Precision::Int16Int8];
    for case in 0..120 {
        let (batch, heads) = (1 + random.below(3), 1 + random.below(4));
        let (m, t) = (
            1 + random.below(60),
            1 + random.below(if case % 15 == 0 { 1100 } else { 60 }),
        );
        let (e, d) = (1 + random.below(40), 1 + random.below(40));
        let data: [Vec<f32>; 3] =
            [(m, e), (t, e), (t, d)].map(|(rows, length)| random.rows(batch * heads * rows, length));
        // As linear layers leave them, heads within rows, or heads apart.
        let within = random.below(2) == 0;
        let stack = |index: usize, rows: usize, length: usize| Stack {
            data: &data[index][..],
            offset: 0,
            batch_stride: heads * rows * length,
            head_stride: if within { length } else { rows * length },
            row_stride: if within { heads * length } else { length },
            rows,
            length,
        };
        let numbers: Vec<f32> = random
            .rows(batch, t)
            .iter()
            .map(|x| if *x < 0.0 { f32::NEG_INFINITY } else { *x })
            .collect();
        // No query sees the last keys, as in a cache that is not full.
        let seen = if random.below(2) == 0 { t } else { random.below(t + 1) };
        // As in a language model, or as it happens.
        let causal = random.below(2) == 0;
        let flags: Vec<bool> = (0..m * t)
            .map(|place| {
                let (query, key) = (place / t, place % t);
                let sees = if causal {
                    key <= query * t / m
                } else {
                    random.below(2) == 0
                };
                // Now and then a query sees nothing at all.
                sees && key < seen && query % 7 != 3
            })
            .collect();
        let mask = match random.below(3) {
            0 => None,
            1 => Some(Mask::Add(Stack {
                data: &numbers[..],
                offset: 0,
                batch_stride: t,
                head_stride: 0,
                row_stride: 0,
                rows: m,
                length: t,
            })),
            _ => Some(Mask::Keep(Stack {
                data: &flags[..],
                offset: 0,
                batch_stride: 0,
                head_stride: 0,
                row_stride: t,
                rows: m,
                length: t,
            })),
        };
        let attention = Attention {
            batch,
            heads,
            query: stack(0, m, e),
            key: stack(1, t, e),
            value: stack(2, t, d),
            scale: (random.below(2) == 0).then_some(0.176_776_7),
            mask,
            score_precision: precisions[random.below(3)],
            value_precision: precisions[random.below(3)],
        };
        let mut expected = Vec::new();
        for batch in 0..batch {
            let heads: Vec<_> = (0..heads).map(|head| one_head(&attention, batch, head)).collect();
            expected.extend((0..m).flat_map(|i| heads.iter().flat_map(move |head| head[i].clone())));
        }
        for instructions in all_instructions() {
            let threads = Threads::new(1 + case % 3);
            let scratch = Scratch::new(instructions, threads.count());
            let mut actual = vec![7.0; expected.len()];
            attend(&threads, instructions, &scratch, &attention, &mut actual);
            assert_same(&actual, &expected, &format!("case {case}, {}", instructions.name()));
        }
    }
}
