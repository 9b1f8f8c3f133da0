//! Contractions and operators of whole rows that cannot take what they are given.

use super::{BOOL, FLOAT, INT, each, f, of};
use crate::graphs::build::{N, float, single, top_k};
use assay_exact::{
    digest::DataType,
    graph::{Dimension, Graph, Operator, Reduction},
    quantise::{GroupedBits, Precision, WeightFormat},
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

/// Layers whose integers are given, and precisions that rows have none of.
pub fn given() -> Vec<Graph> {
    let layer = |precision, format| Operator::QuantisedLinear { precision, format };
    let grouped = |bits, group| WeightFormat::Grouped { bits, group };
    let plain = WeightFormat::Int8;
    let bytes = |shape: &[u32]| of(DataType::Int8, shape);
    let halves = |shape: &[u32]| of(DataType::Uint8, shape);
    let (rows, scales) = (f(&[2, 8]), f(&[3]));
    let whole = vec![rows.clone(), bytes(&[3, 8]), scales.clone()];
    let of_bytes = each(
        &layer(Precision::Int8, plain),
        &[
            whole[..2].to_vec(),
            [whole.clone(), vec![scales.clone(); 2]].concat(),
            vec![bytes(&[2, 8]), bytes(&[3, 8]), scales.clone()],
            vec![rows.clone(), halves(&[3, 8]), scales.clone()],
            vec![rows.clone(), bytes(&[3, 8]), of(INT, &[3])],
            vec![rows.clone(), bytes(&[3, 4]), scales.clone()],
            vec![rows.clone(), bytes(&[8]), scales.clone()],
            vec![rows.clone(), bytes(&[]), scales.clone()],
            vec![rows.clone(), bytes(&[3, 8]), f(&[4])],
            vec![rows.clone(), bytes(&[3, 8]), scales.clone(), f(&[3, 1])],
            vec![f(&[]), bytes(&[3, 8]), scales.clone()],
            vec![f(&[16_385]), bytes(&[3, 16_385]), scales.clone()],
            vec![float(&[N]), bytes(&[3, 8]), scales.clone()],
        ],
    );
    let words = |shape: &[u32]| of(DataType::Int32, shape);
    let groups = |integers, words| vec![f(&[2, 48]), integers, words, scales.clone()];
    let sound = groups(halves(&[3, 24]), words(&[3, 3]));
    let of_four = each(
        &layer(Precision::Int16, grouped(GroupedBits::Four, 16)),
        &[
            sound[..3].to_vec(),
            [sound.clone(), vec![scales.clone(); 2]].concat(),
            groups(bytes(&[3, 24]), words(&[3, 3])),
            groups(halves(&[3, 48]), words(&[3, 3])),
            groups(halves(&[3, 24]), bytes(&[3, 3])),
            groups(halves(&[3, 24]), of(INT, &[3, 3])),
            groups(halves(&[3, 24]), words(&[3, 6])),
            groups(halves(&[3, 24]), words(&[2, 3])),
            groups(halves(&[24]), words(&[3, 3])),
        ],
    );
    let of_eight = each(
        &layer(Precision::Int16, grouped(GroupedBits::Eight, 16)),
        &[
            groups(halves(&[3, 48]), words(&[3, 3])),
            groups(bytes(&[3, 24]), words(&[3, 3])),
            groups(bytes(&[3, 48]), words(&[3, 1])),
        ],
    );
    let mut graphs = [of_bytes, of_four, of_eight].concat();
    for group in [0, 1, 2, 8, 15, 17, 24, 32, 96, 255] {
        let layer = layer(Precision::Int8, grouped(GroupedBits::Four, group));
        graphs.extend(each(&layer, std::slice::from_ref(&sound)));
    }
    let precision = Precision::Int16Int8;
    graphs.extend(each(&layer(precision, plain), &[whole]));
    graphs.extend(each(&layer(precision, grouped(GroupedBits::Four, 16)), &[sound]));
    graphs.extend(each(&Operator::RowScale { precision }, &[vec![rows]]));
    graphs
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
