//! Operators that cannot take what they are given: for every operator and every reason that it can have.

mod long;

use super::{
    Cases,
    build::{self, Layout, N, affine, fixed, float, formula, single},
    check::add_graph,
};
use assay_exact::{
    digest::DataType,
    graph::{Binary, Dimension, Graph, Operator, Position, Reduction, Unary, Value},
    quantise::Precision,
};

use long::{contraction, given, long_weighted_sum, rows};

const FLOAT: DataType = DataType::Float32;
const INT: DataType = DataType::Int64;
const BOOL: DataType = DataType::Bool;

pub fn add(cases: &mut Cases) {
    for part in [
        contraction,
        given,
        rows,
        elementwise,
        made,
        lookup,
        shapes,
        windows,
        of_symbols,
    ] {
        for graph in part() {
            graph.clone().check().expect_err("it does not fit");
            add_graph(cases, "check misfit", &graph);
        }
    }
    for graph in greatest() {
        graph.clone().check().expect("it just fits");
        add_graph(cases, "check greatest", &graph);
    }
}

/// Fixed dimensions of a type.
fn of(dtype: DataType, shape: &[u32]) -> Layout {
    (dtype, fixed(shape))
}

fn f(shape: &[u32]) -> Layout {
    of(FLOAT, shape)
}

/// An operator for each of these lists of operands.
fn each(operator: &Operator, operands: &[Vec<Layout>]) -> Vec<Graph> {
    let graphs = operands.iter().map(|operands| {
        if operands.is_empty() {
            // A graph has an input, which the node does not take.
            let mut graph = single(operator.clone(), &[f(&[1])]);
            graph.nodes[0].inputs.clear();
            graph
        } else {
            single(operator.clone(), operands)
        }
    });
    graphs.collect()
}

fn elementwise() -> Vec<Graph> {
    let mut graphs = each(
        &Operator::Relu,
        &[
            vec![],
            vec![f(&[1]), f(&[1])],
            vec![of(INT, &[1])],
            vec![of(BOOL, &[1])],
        ],
    );
    for function in [Unary::Neg, Unary::Abs] {
        graphs.extend(each(&Operator::Unary(function), &[vec![], vec![of(BOOL, &[1])]]));
    }
    for function in [
        Unary::Sqrt,
        Unary::Rsqrt,
        Unary::Exp,
        Unary::Sin,
        Unary::Gelu,
        Unary::Floor,
        Unary::Trunc,
    ] {
        graphs.extend(each(
            &Operator::Unary(function),
            &[vec![of(INT, &[1])], vec![of(BOOL, &[1])]],
        ));
    }
    graphs.extend(each(&Operator::Unary(Unary::Not), &[vec![f(&[1])], vec![]]));
    for function in [Binary::Add, Binary::Div, Binary::Rem, Binary::Max, Binary::Less] {
        let operands = [vec![of(BOOL, &[1]), of(BOOL, &[1])], vec![f(&[1]), of(INT, &[1])]];
        graphs.extend(each(&Operator::Binary(function), &operands));
    }
    for function in [Binary::And, Binary::Or, Binary::Xor] {
        let operands = [
            vec![f(&[1]), f(&[1])],
            vec![of(INT, &[1]), of(DataType::Int32, &[1])],
            vec![of(BOOL, &[1]), of(INT, &[1])],
        ];
        graphs.extend(each(&Operator::Binary(function), &operands));
    }
    for function in [Binary::Shl, Binary::Shr] {
        let operands = [
            vec![f(&[1]), f(&[1])],
            vec![of(BOOL, &[1]), of(BOOL, &[1])],
            vec![of(DataType::Int8, &[1]), of(DataType::Uint8, &[1])],
        ];
        graphs.extend(each(&Operator::Binary(function), &operands));
    }
    let operands = [
        vec![f(&[1])],
        vec![f(&[1]), f(&[1]), f(&[1])],
        vec![f(&[2]), f(&[3])],
        vec![f(&[2, 3]), f(&[2])],
        vec![float(&[N]), f(&[2])],
        vec![float(&[N]), float(&[Dimension::Symbol(1)])],
        vec![of(BOOL, &[1]), of(DataType::Uint8, &[1])],
    ];
    graphs.extend(each(&Operator::Binary(Binary::Equal), &operands));
    graphs
}

/// Choices, casts and what is made from nothing.
fn made() -> Vec<Graph> {
    let operands = [
        vec![of(BOOL, &[1]), f(&[1])],
        vec![f(&[1]), f(&[1]), f(&[1])],
        vec![of(BOOL, &[1]), f(&[1]), of(INT, &[1])],
        vec![of(BOOL, &[2]), f(&[3]), f(&[1])],
        vec![of(BOOL, &[2]), f(&[1]), f(&[3])],
        vec![of(BOOL, &[1]), f(&[2]), f(&[3])],
    ];
    let mut graphs = each(&Operator::Where, &operands);
    let operands = [
        vec![of(INT, &[1]), of(INT, &[1])],
        vec![of(INT, &[1]), of(INT, &[1]), of(DataType::Int32, &[1])],
        vec![f(&[1]), f(&[1]), f(&[1])],
        vec![of(INT, &[2]), of(INT, &[3]), of(INT, &[])],
        vec![of(INT, &[2]), of(INT, &[]), of(INT, &[3])],
    ];
    graphs.extend(each(&Operator::Random, &operands));
    graphs.extend(each(&Operator::Cast { dtype: INT }, &[vec![], vec![f(&[1]), f(&[1])]]));
    let fill = |dimensions: &[u32]| build::fill(INT, 0, &fixed(dimensions));
    graphs.extend(each(&fill(&[1]), &[vec![f(&[1])]]));
    graphs.extend(each(&fill(&[1; 9]), &[vec![]]));
    graphs.extend(each(&fill(&[2, 0]), &[vec![]]));
    let arange = |length| build::arange(0, 1, Dimension::Fixed(length));
    graphs.extend(each(&arange(1), &[vec![f(&[1])]]));
    graphs.extend(each(&arange(0), &[vec![]]));
    graphs
}

fn lookup() -> Vec<Graph> {
    let gather = each(
        &Operator::Gather { axis: 1 },
        &[
            vec![f(&[2, 3])],
            vec![f(&[2, 3]), f(&[2, 3])],
            vec![f(&[2, 3]), of(DataType::Int8, &[2, 3])],
            vec![f(&[2, 3]), of(BOOL, &[2, 3])],
            vec![f(&[2, 3]), of(INT, &[3, 3])],
            vec![f(&[2, 3]), of(INT, &[2])],
            vec![f(&[2, 3]), of(INT, &[2, 3, 1])],
            vec![f(&[2]), of(INT, &[2])],
        ],
    );
    let select = each(
        &Operator::IndexSelect { axis: 1 },
        &[
            vec![f(&[2, 3])],
            vec![f(&[2, 3]), of(DataType::Uint8, &[1])],
            vec![f(&[2]), of(INT, &[1])],
            vec![f(&[1, 1, 1, 1, 1]), of(INT, &[1, 1, 1, 1, 1])],
        ],
    );
    [gather, select].concat()
}

fn shapes() -> Vec<Graph> {
    let mut graphs = Vec::new();
    let reshape = |to: &[u32]| build::reshape(&fixed(to));
    graphs.extend(each(
        &reshape(&[6]),
        &[vec![], vec![f(&[6]), f(&[6])], vec![f(&[5])], vec![float(&[N])]],
    ));
    graphs.extend(each(&reshape(&[0]), &[vec![f(&[1])]]));
    graphs.extend(each(&reshape(&[1; 9]), &[vec![f(&[1])]]));
    graphs.extend(each(&reshape(&[u32::MAX; 3]), &[vec![f(&[1])]]));
    let permute = |axes: &[u8]| Operator::Permute { axes: axes.to_vec() };
    graphs.extend(each(
        &permute(&[0, 1]),
        &[vec![], vec![f(&[2, 2]), f(&[2, 2])], vec![f(&[2])], vec![f(&[1, 2, 3])]],
    ));
    for axes in [&[0, 0][..], &[0, 2], &[255, 0]] {
        graphs.extend(each(&permute(axes), &[vec![f(&[2, 3])]]));
    }
    let expand = |to: &[u32]| Operator::Expand { dimensions: fixed(to) };
    graphs.extend(each(
        &expand(&[2, 3]),
        &[vec![], vec![f(&[2, 2])], vec![f(&[1, 2, 3])], vec![f(&[2, 1]), f(&[1])]],
    ));
    graphs.extend(each(&expand(&[0]), &[vec![f(&[1])]]));
    graphs.extend(each(&expand(&[1; 9]), &[vec![f(&[1])]]));
    let slice = |axis, step, length| Operator::Slice {
        axis,
        start: Position::FromStart(0),
        step,
        length: Dimension::Fixed(length),
    };
    graphs.extend(each(&slice(0, 1, 1), &[vec![], vec![f(&[2]), f(&[2])], vec![f(&[])]]));
    for operator in [slice(1, 1, 1), slice(0, 0, 1), slice(0, 1, 0), slice(255, 1, 1)] {
        graphs.extend(each(&operator, &[vec![f(&[2])]]));
    }
    graphs.extend(each(
        &Operator::Concat { axis: 0 },
        &[
            vec![],
            vec![f(&[])],
            vec![f(&[2]), of(INT, &[2])],
            vec![f(&[2]), f(&[2, 1])],
            vec![f(&[2, 2]), f(&[2, 3])],
            // A sum of six symbols has more terms than a dimension may have.
            (0..6).map(|symbol| float(&[Dimension::Symbol(symbol)])).collect(),
            vec![f(&[u32::MAX]), f(&[1])],
        ],
    ));
    // More operands than a node may have.
    let mut many = single(Operator::Concat { axis: 0 }, &[f(&[1])]);
    many.nodes[0].inputs = vec![Value::Input(0); 65];
    graphs.push(many);
    let pad = |axis, before, after| Operator::Pad {
        axis,
        before,
        after,
        bits: 0,
    };
    graphs.extend(each(&pad(0, 1, 1), &[vec![], vec![f(&[2]), f(&[2])], vec![f(&[])]]));
    graphs.extend(each(&pad(1, 1, 1), &[vec![f(&[2])]]));
    graphs.extend(each(&pad(0, u32::MAX, 0), &[vec![f(&[1])]]));
    graphs.extend(each(&pad(0, u32::MAX, 0), &[vec![float(&[N])]]));
    graphs
}

fn windows() -> Vec<Graph> {
    let unfold = |axis, size, step, dilation| Operator::Unfold {
        axis,
        size,
        step,
        dilation,
    };
    let mut graphs = each(
        &unfold(0, 2, 1, 1),
        &[
            vec![],
            vec![f(&[3]), f(&[3])],
            vec![f(&[])],
            vec![f(&[1])],
            vec![f(&[2; 8])],
        ],
    );
    for (operator, shape) in [
        (unfold(1, 2, 1, 1), &[3][..]),
        (unfold(0, 0, 1, 1), &[3]),
        (unfold(0, 2, 0, 1), &[3]),
        (unfold(0, 2, 1, 0), &[3]),
        (unfold(0, 4, 1, 1), &[3]),
        (unfold(0, 2, 1, 3), &[3]),
        (unfold(0, u32::MAX, 1, u32::MAX), &[3]),
    ] {
        graphs.extend(each(&operator, &[vec![f(shape)]]));
    }
    // The step does not divide the factor.
    graphs.extend(each(&unfold(0, 2, 2, 1), &[vec![float(&[N])]]));
    graphs
}

/// Dimensions that are no dimension for some value of their symbol, or are not written as they have to be.
fn of_symbols() -> Vec<Graph> {
    let reshape = |to: &[Dimension]| Operator::Reshape {
        dimensions: to.to_vec(),
    };
    let fill = |dimension| build::fill(FLOAT, 0, &[dimension, N]);
    let arange = |length| Operator::Arange {
        start: 0,
        step: 1,
        length,
    };
    let slice = |length| Operator::Slice {
        axis: 0,
        start: Position::FromStart(0),
        step: 1,
        length,
    };
    let other = formula(&[(2, &[3])]);
    let mut graphs = Vec::new();
    for operator in [
        reshape(&[affine(1, 0)]),
        reshape(&[affine(0, 0)]),
        reshape(&[affine(2, 0)]),
        reshape(&[Dimension::Symbol(1)]),
        reshape(&[other]),
        reshape(&[N, N]),
        slice(affine(1, 0)),
        slice(affine(0, 3)),
        slice(affine(1, -1)),
        slice(affine(1, -3)),
        slice(affine(i32::MAX, 1)),
        slice(other),
        build::unfold(0, 2, 1, 1),
        Operator::Expand {
            dimensions: vec![affine(2, 0)],
        },
    ] {
        graphs.extend(each(&operator, &[vec![float(&[N])]]));
    }
    for operator in [
        fill(affine(-1, 5)),
        fill(formula(&[])),
        fill(formula(&[(7, &[])])),
        fill(formula(&[(2, &[0]), (3, &[])])),
        fill(formula(&[(1, &[0]), (1, &[0])])),
        fill(formula(&[(0, &[0]), (1, &[0, 0])])),
        // It may be 0, it cannot be decided, and it is more than a term may be.
        fill(formula(&[(-1, &[0]), (1, &[0, 0])])),
        fill(formula(&[(1, &[]), (-2, &[0]), (1, &[0, 0, 0])])),
        fill(formula(&[(1, &[]), (-1, &[0; 32]), (1, &[0; 33])])),
        fill(affine(2, -2)),
        fill(other),
        arange(affine(1, -1)),
        arange(affine(0, 1)),
        arange(other),
    ] {
        let mut graph = single(operator, &[float(&[N])]);
        graph.nodes[0].inputs.clear();
        graphs.push(graph);
    }
    // Rows of a symbol that can be too long, and a count above the least of them.
    for (operator, max) in [
        (Operator::Softmax, 16_385),
        (build::top_k(1, true), 16_385),
        (Operator::CumSum, u32::MAX),
    ] {
        let mut graph = single(operator, &[float(&[N])]);
        graph.symbols[0].max = max;
        graphs.push(graph);
    }
    graphs
}

/// Graphs at the greatest lengths that their operators take.
fn greatest() -> Vec<Graph> {
    let precision = Precision::Int8;
    let mut softmax = single(Operator::Softmax, &[float(&[N])]);
    softmax.symbols[0].max = 16_384;
    let mut top = single(build::top_k(3, true), &[float(&[N])]);
    (top.symbols[0].min, top.symbols[0].max) = (3, 16_384);
    vec![
        softmax,
        top,
        long_weighted_sum(16_384),
        single(Operator::Linear { precision }, &[f(&[16_384]), f(&[1, 16_384])]),
        single(Operator::Reduce(Reduction::Any), &[of(BOOL, &[65_536])]),
        single(Operator::CumSum, &[of(INT, &[8_192])]),
        single(Operator::Concat { axis: 0 }, &[f(&[u32::MAX - 1]), f(&[1])]),
        single(build::reshape(&fixed(&[1; 8])), &[f(&[])]),
    ]
}
