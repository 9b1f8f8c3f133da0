//! Contractions and operators of whole rows that cannot take what they are given.

use super::{BOOL, FLOAT, INT, each, f, of};
use crate::graphs::build::{N, float, single, top_k};
use assay_exact::{
    digest::DataType,
    graph::{Dimension, Graph, Operator, Reduction},
    quantise::Precision,
};

pub fn contraction() -> Vec<Graph> {
    let precision = Precision::Int8;
    let linear = each(
        &Operator::Linear { precision },
        &[
            vec![f(&[2, 3])],
            vec![f(&[2, 3]), f(&[4, 3]), f(&[4]), f(&[4])],
            vec![of(INT, &[2, 3]), f(&[4, 3])],
            vec![f(&[2, 3]), of(DataType::Int8, &[4, 3])],
            vec![f(&[2, 3]), f(&[4, 3]), of(INT, &[4])],
            vec![f(&[]), f(&[4, 3])],
            vec![f(&[2, 3]), f(&[4, 2])],
            vec![f(&[2, 3]), f(&[3])],
            vec![f(&[2, 3]), f(&[1, 4, 3])],
            vec![f(&[2, 3]), f(&[4, 3]), f(&[3])],
            vec![f(&[2, 3]), f(&[4, 3]), f(&[1, 4])],
            vec![f(&[2, 16_385]), f(&[4, 16_385])],
            vec![float(&[N]), float(&[Dimension::Fixed(4), N])],
        ],
    );
    let matmul = each(
        &Operator::MatMul { precision },
        &[
            vec![f(&[2, 3])],
            vec![f(&[2, 3]), f(&[4, 3]), f(&[4])],
            vec![of(BOOL, &[2, 3]), f(&[4, 3])],
            vec![f(&[2, 3]), f(&[4, 2])],
            vec![f(&[3]), f(&[4, 3])],
            vec![f(&[2, 3]), f(&[3])],
            vec![f(&[2, 2, 3]), f(&[1, 4, 3])],
            vec![f(&[2, 3]), f(&[1, 4, 3])],
            vec![f(&[2, 16_385]), f(&[4, 16_385])],
            vec![float(&[Dimension::Fixed(2), N]), float(&[Dimension::Fixed(4), N])],
        ],
    );
    let row_scale = each(
        &Operator::RowScale { precision },
        &[
            vec![],
            vec![f(&[3]), f(&[3])],
            vec![of(INT, &[3])],
            vec![f(&[])],
            vec![f(&[16_385])],
            vec![float(&[N])],
        ],
    );
    let weighted_sum = each(
        &Operator::WeightedSum { precision },
        &[
            vec![f(&[2, 5]), f(&[3, 5])],
            vec![f(&[2, 5]), f(&[3, 5]), of(INT, &[5])],
            vec![f(&[5]), f(&[3, 5]), f(&[5])],
            vec![f(&[2, 5]), f(&[5]), f(&[5])],
            vec![f(&[2, 5]), f(&[3, 4]), f(&[5])],
            vec![f(&[2, 5]), f(&[3, 5]), f(&[4])],
            vec![f(&[2, 2, 5]), f(&[1, 3, 5]), f(&[2, 5])],
            vec![f(&[2, 2, 5]), f(&[2, 3, 5]), f(&[5])],
            vec![f(&[2, 16_385]), f(&[3, 16_385]), f(&[16_385])],
        ],
    );
    [linear, matmul, row_scale, weighted_sum, vec![long_weighted_sum(16_385)]].concat()
}

/// A weighted sum of up to `max` vectors.
pub fn long_weighted_sum(max: u32) -> Graph {
    let precision = Precision::Int16;
    let operands = [
        float(&[Dimension::Fixed(2), N]),
        float(&[Dimension::Fixed(3), N]),
        float(&[N]),
    ];
    let mut graph = single(Operator::WeightedSum { precision }, &operands);
    graph.symbols[0].max = max;
    graph
}

pub fn rows() -> Vec<Graph> {
    let mut graphs = Vec::new();
    for operator in [Operator::Softmax, Operator::LogSoftmax] {
        let operands = [
            vec![],
            vec![f(&[3]), f(&[3])],
            vec![of(INT, &[3])],
            vec![f(&[])],
            vec![f(&[2, 16_385])],
        ];
        graphs.extend(each(&operator, &operands));
    }
    let norm = [
        vec![],
        vec![of(INT, &[3])],
        vec![f(&[])],
        vec![f(&[16_385])],
        vec![f(&[2, 3]), of(INT, &[3])],
        vec![f(&[2, 3]), f(&[2])],
        vec![f(&[2, 3]), f(&[1, 3])],
        vec![f(&[2, 3]), f(&[3]), f(&[3]), f(&[3])],
    ];
    graphs.extend(each(&Operator::LayerNorm { epsilon: 0 }, &norm));
    graphs.extend(each(&Operator::RmsNorm { epsilon: 0 }, &norm[..7]));
    graphs.extend(each(
        &Operator::RmsNorm { epsilon: 0 },
        &[vec![f(&[2, 3]), f(&[3]), f(&[3])]],
    ));
    graphs.extend(each(
        &Operator::LayerNorm { epsilon: 0 },
        &[vec![f(&[2, 3]), f(&[3]), f(&[2])]],
    ));
    use Reduction::{All, Any, ArgMax, ArgMin, Max, Mean, Min, Sum};
    for reduction in [Sum, Mean, Max, Min, ArgMax, ArgMin, Any, All] {
        let dtype = if matches!(reduction, Any | All) { BOOL } else { FLOAT };
        let operands = [
            vec![],
            vec![of(dtype, &[3]), of(dtype, &[3])],
            vec![of(dtype, &[])],
            vec![of(dtype, &[65_537])],
        ];
        graphs.extend(each(&Operator::Reduce(reduction), &operands));
    }
    for reduction in [Any, All] {
        graphs.extend(each(
            &Operator::Reduce(reduction),
            &[vec![f(&[3])], vec![of(DataType::Uint8, &[3])]],
        ));
    }
    graphs.extend(each(
        &Operator::Reduce(Mean),
        &[vec![of(INT, &[3])], vec![of(BOOL, &[3])]],
    ));
    graphs.extend(each(
        &Operator::CumSum,
        &[vec![], vec![f(&[])], vec![f(&[16_385])], vec![of(INT, &[8_193])]],
    ));
    for count in [0, 4, u32::MAX] {
        graphs.extend(each(&top_k(count, true), &[vec![f(&[3])]]));
    }
    let top = top_k(2, false);
    graphs.extend(each(
        &top,
        &[vec![], vec![f(&[])], vec![f(&[16_385])], vec![float(&[N])]],
    ));
    graphs
}
