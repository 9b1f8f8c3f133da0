//! Dimensions that are computed from symbols: their arithmetic, what is refused, and what operators make of them.

use super::{
    expressions::{below, random_dimension},
    *,
};
use crate::{
    graph::{Expression, Position, Unary},
    testing::{affine, formula},
};

const X: Value = Value::Input(0);

/// `x [batch, 2, 3]` and `y [batch, length]`, and these nodes, the last of which is the output. The batch has 2 to 16
/// entries, the length is 1 to 9.
fn graph_of(nodes: &[(Operator, &[Value])]) -> Graph {
    let nodes = nodes.iter().enumerate().map(|(index, (operator, inputs))| Node {
        name: alloc::format!("node_{index}"),
        operator: operator.clone(),
        inputs: inputs.to_vec(),
        source: "model.py:7".to_owned(),
    });
    let mut graph = Graph {
        nodes: nodes.collect(),
        ..network()
    };
    graph.symbols[0].min = 2;
    graph.symbols.push(Symbol {
        name: "length".to_owned(),
        min: 1,
        max: 9,
    });
    graph.inputs.push(Input {
        name: "y".to_owned(),
        dtype: DataType::Float32,
        dimensions: vec![BATCH, Dimension::Symbol(1)],
        range: None,
    });
    graph.outputs[0].value = Value::Node(graph.nodes.len() as u32 - 1);
    graph
}

/// The dimensions of the output, or what the last node says against them.
fn dimensions_of(nodes: &[(Operator, &[Value])]) -> Result<Vec<Dimension>, ShapeError> {
    let last = Value::Node(nodes.len() as u32 - 1);
    match graph_of(nodes).check() {
        Ok(checked) => Ok(checked.value(last).expect("the last node").1.to_vec()),
        Err(GraphError::Shape { error, .. }) => Err(error),
        Err(error) => panic!("{error}"),
    }
}

fn reshape(dimensions: &[Dimension]) -> Operator {
    Operator::Reshape {
        dimensions: dimensions.to_vec(),
    }
}

fn fill(dimension: Dimension) -> Operator {
    Operator::Fill {
        dtype: DataType::Float32,
        bits: 0,
        dimensions: vec![dimension],
    }
}

/// Products at more values of each symbol than they have factors, so that they are the same if and only if the
/// polynomials are.
fn products(dimensions: &[Dimension]) -> Vec<i128> {
    let value = |dimension: &Dimension, symbols: [i128; 2]| {
        let expression = Expression::of(*dimension).expect("known symbols");
        let terms = expression.terms().map(|(coefficient, powers)| {
            let powers = powers
                .iter()
                .zip(symbols)
                .map(|(power, value)| value.pow(u32::from(*power)));
            i128::from(coefficient) * powers.product::<i128>()
        });
        terms.sum::<i128>()
    };
    let grid = (1..16).flat_map(|a| (1..16).map(move |b| [a, b]));
    grid.map(|symbols| dimensions.iter().map(|d| value(d, symbols)).product())
        .collect()
}

/// Dimensions, and numbers that some of them are multiplied with, in any order.
fn put_together(random: &mut Random, mut dimensions: Vec<Dimension>, numbers: &[u32]) -> Vec<Dimension> {
    for number in numbers {
        let place = below(random, 4) as usize;
        match dimensions
            .get(place)
            .and_then(|dimension| dimension.times(Dimension::Fixed(*number)))
        {
            Some(product) => dimensions[place] = product,
            None => dimensions.push(Dimension::Fixed(*number)),
        }
        let (last, place) = (dimensions.len() - 1, below(random, dimensions.len() as u64) as usize);
        dimensions.swap(last, place);
    }
    dimensions
}

#[test]
fn reshape_keeps_the_number_of_elements_for_all_values_and_only_then() {
    let mut random = Random(41);
    let (mut same, mut different) = (0, 0);
    while same < 400 || different < 400 {
        // The same factors, put together in two ways, and in one half of the cases not quite the same.
        let factors: Vec<Dimension> = (0..below(&mut random, 4))
            .map(|_| random_dimension(&mut random))
            .collect();
        let numbers = [(); 3].map(|()| 1 + below(&mut random, 3) as u32);
        let from = put_together(&mut random, factors.clone(), &numbers);
        let mut to = put_together(&mut random, factors, &numbers);
        if below(&mut random, 2) == 0 {
            let place = below(&mut random, to.len() as u64) as usize;
            to[place] = random_dimension(&mut random);
        }
        // At all values of their symbols, which is what they have to be; and so that it can be decided.
        let sound = |dimensions: &[Dimension]| {
            let ranges = [(2, 16), (1, 9)];
            let mut bounds = dimensions
                .iter()
                .map(|d| d.bounds(|symbol| ranges.get(usize::from(symbol)).copied()));
            bounds.all(|bounds| bounds.is_some_and(|bounds| bounds.min > 0))
        };
        if !sound(&from) || !sound(&to) || to.len() > MAX_RANK {
            continue;
        }
        let made = Operator::Fill {
            dtype: DataType::Bool,
            bits: 0,
            dimensions: from.clone(),
        };
        let given = dimensions_of(&[(made, &[]), (reshape(&to), &[Value::Node(0)])]);
        if products(&from) == products(&to) {
            same += 1;
            assert_eq!(given, Ok(to));
        } else {
            different += 1;
            assert_eq!(given, Err(ShapeError::ElementCount), "{from:?} {to:?}");
        }
    }
}

#[test]
fn sums_and_common_divisors_are_seen() {
    let axis = 0;
    let fixed = Dimension::Fixed;
    let one = || (fill(BATCH), &[][..]);
    for (lengths, sum) in [
        ([BATCH, BATCH], affine(0, 2, 0)),
        ([BATCH, fixed(3)], affine(0, 1, 3)),
        ([fixed(3), affine(0, 2, -3)], affine(0, 2, 0)),
        ([affine(0, 1, -1), fixed(1)], BATCH),
    ] {
        let nodes = [
            (fill(lengths[0]), &[][..]),
            (fill(lengths[1]), &[]),
            (Operator::Concat { axis }, &[Value::Node(0), Value::Node(1)]),
        ];
        assert_eq!(dimensions_of(&nodes), Ok(vec![sum]));
    }
    let other = (fill(affine(1, 1, 1)), &[][..]);
    let both = [
        one(),
        other,
        (Operator::Concat { axis }, &[Value::Node(0), Value::Node(1)]),
    ];
    let sum = formula(&[(1, &[]), (1, &[1]), (1, &[0])]);
    assert_eq!(dimensions_of(&both), Ok(vec![sum]));

    // 6·batch + 4 is 2·(3·batch + 2).
    let split = reshape(&[fixed(2), affine(0, 3, 2)]);
    let whole = [(fill(affine(0, 6, 4)), &[][..]), (split, &[Value::Node(0)])];
    assert_eq!(dimensions_of(&whole), Ok(vec![fixed(2), affine(0, 3, 2)]));
    let heads = reshape(&[affine(0, 2, 0), fixed(3)]);
    assert_eq!(dimensions_of(&[(heads, &[X])]), Ok(vec![affine(0, 2, 0), fixed(3)]));
    // (batch + 1)·(length + 2), multiplied out.
    let rows = [affine(0, 1, 1), affine(1, 1, 2)];
    let area = formula(&[(2, &[]), (1, &[1]), (2, &[0]), (1, &[0, 1])]);
    let made = |dimensions: &[Dimension]| Operator::Fill {
        dtype: DataType::Float32,
        bits: 0,
        dimensions: dimensions.to_vec(),
    };
    for (from, to) in [(&rows[..], &[area][..]), (&[area], &rows)] {
        let nodes = [(made(from), &[][..]), (reshape(to), &[Value::Node(0)])];
        assert_eq!(dimensions_of(&nodes), Ok(to.to_vec()));
    }
    let flat = formula(&[(1, &[0, 1])]);
    let y = Value::Input(1);
    assert_eq!(dimensions_of(&[(reshape(&[flat]), &[y])]), Ok(vec![flat]));
    let back = [
        (reshape(&[flat]), &[y][..]),
        (reshape(&[Dimension::Symbol(1), BATCH]), &[Value::Node(0)]),
    ];
    assert_eq!(dimensions_of(&back), Ok(vec![Dimension::Symbol(1), BATCH]));
    // As many for a batch of 2, and not else.
    let alike = reshape(&[affine(0, 1, 2), fixed(3)]);
    assert_eq!(dimensions_of(&[(alike, &[X])]), Err(ShapeError::ElementCount));
}

#[test]
fn dimensions_that_are_no_number_for_some_value_are_refused() {
    let batch = |factor, offset| affine(0, factor, offset);
    // 2 to 16.
    for sound in [
        batch(1, -1),
        batch(3, -5),
        batch((1 << 28) - 1, 15),
        batch(1, i32::MAX),
        batch(-1, 17),
        formula(&[(-1, &[]), (2, &[1]), (2, &[0])]),
        // (batch − 1)·(10 − length)
        formula(&[(-10, &[]), (1, &[1]), (10, &[0]), (-1, &[0, 1])]),
    ] {
        assert_eq!(dimensions_of(&[(fill(sound), &[])]), Ok(vec![sound]));
    }
    for flawed in [
        batch(1, 0),
        batch(0, 5),
        batch(0, 0),
        batch(1, -2),
        batch(1, -3),
        batch(3, -6),
        batch(-1, 16),
        batch(1 << 28, 0),
        batch(i32::MAX, 0),
        batch(i32::MAX, i32::MIN),
        formula(&[]),
        formula(&[(1, &[0]), (1, &[1])]),
        formula(&[(1, &[1]), (1, &[1])]),
        formula(&[(0, &[1]), (2, &[0])]),
        formula(&[(-1, &[1]), (1, &[0])]),
        formula(&[(1, &[0; 16])]),
    ] {
        let refused = Err(ShapeError::ComputedDimension(flawed));
        assert_eq!(dimensions_of(&[(fill(flawed), &[])]), refused);
        let arange = Operator::Arange {
            start: 0,
            step: 1,
            length: flawed,
        };
        assert_eq!(dimensions_of(&[(arange, &[])]), refused);
        let slice = Operator::Slice {
            axis: 1,
            start: Position::FromEnd(1),
            step: 1,
            length: flawed,
        };
        assert_eq!(dimensions_of(&[(slice, &[X])]), refused);
        let expand = Operator::Expand {
            dimensions: vec![flawed, BATCH, Dimension::Fixed(2), Dimension::Fixed(3)],
        };
        assert_eq!(dimensions_of(&[(expand, &[X])]), refused);
        assert!(dimensions_of(&[(reshape(&[flawed, Dimension::Fixed(6)]), &[X])]).is_err());
    }
    // What an operator makes of sound ones, too.
    let nothing = Operator::Unfold {
        axis: 0,
        size: 3,
        step: 1,
        dilation: 1,
    };
    let refused = Err(ShapeError::ComputedDimension(batch(1, -2)));
    assert_eq!(dimensions_of(&[(nothing, &[X])]), refused);
    let unknown = affine(2, 2, 0);
    for operator in [fill(unknown), reshape(&[unknown])] {
        let inputs = if matches!(operator, Operator::Fill { .. }) {
            &[][..]
        } else {
            &[X]
        };
        assert_eq!(dimensions_of(&[(operator, inputs)]), Err(ShapeError::UnknownSymbol(2)));
    }
    let error = GraphError::Shape {
        node: "view".to_owned(),
        operator: "reshape",
        source: "model.py:7".to_owned(),
        error: ShapeError::ComputedDimension(batch(3, -6)),
    };
    let text = alloc::format!("{error}");
    assert!(
        text.starts_with("reshape (view, model.py:7) would give a dimension of 3·#0 - 6 elements"),
        "{text}"
    );
    // It is at least 2, and the bounds of its terms do not show it.
    let square = formula(&[(-1, &[0]), (1, &[0, 0])]);
    let refused = Err(ShapeError::UndecidedDimension(square));
    assert_eq!(dimensions_of(&[(fill(square), &[])]), refused);
    let decided = formula(&[(15, &[]), (-1, &[0]), (1, &[0, 0])]);
    assert_eq!(dimensions_of(&[(fill(decided), &[])]), Ok(vec![decided]));
}

#[test]
fn inputs_give_symbols_their_values_and_compute_none() {
    let mut graph = graph_of(&[(Operator::Relu, &[X])]);
    graph.inputs[1].dimensions.push(affine(0, 2, 0));
    let name = "y".to_owned();
    assert_eq!(graph.clone().check(), Err(GraphError::ComputedInput { name }));
    let layouts: [(DataType, &[u32]); 2] = [(DataType::Float32, &[2, 2, 3]), (DataType::Float32, &[2, 1, 4])];
    let (input, dimension) = ("y".to_owned(), 2);
    let error = BindError::Computed { input, dimension };
    assert_eq!(Graph::bind_to(&graph.symbols, &graph.inputs, &layouts), Err(error));

    // One that only a computed dimension names is bound by nothing.
    let mut graph = graph_of(&[(fill(affine(1, 2, 0)), &[])]);
    graph.inputs.pop();
    let symbol = "length".to_owned();
    assert_eq!(graph.check(), Err(GraphError::UnboundSymbol { symbol }));
}

#[test]
fn rows_are_bounded_by_their_greatest_length() {
    let row = |factor, offset| {
        [
            (fill(affine(0, factor, offset)), &[][..]),
            (Operator::Softmax, &[Value::Node(0)][..]),
        ]
    };
    // 16 entries of 1024 numbers of 4 bytes are 64 KiB.
    assert!(dimensions_of(&row(1024, 0)).is_ok() && dimensions_of(&row(1025, -16)).is_ok());
    for (factor, offset) in [(1024, 1), (1025, 0), (1025, -15)] {
        let error = ShapeError::RowTooLong(affine(0, factor, offset));
        assert_eq!(dimensions_of(&row(factor, offset)), Err(error));
    }
    let precision = Precision::Int8;
    let sum = |length| {
        let made = |dimensions: &[Dimension]| Operator::Fill {
            dtype: DataType::Float32,
            bits: 0,
            dimensions: dimensions.to_vec(),
        };
        let two = Dimension::Fixed(2);
        let terms = [Value::Node(0), Value::Node(0), Value::Node(1)];
        let nodes = [
            (made(&[two, length]), &[][..]),
            (made(&[length]), &[]),
            (Operator::WeightedSum { precision }, &terms),
        ];
        dimensions_of(&nodes)
    };
    assert_eq!(sum(affine(0, 1024, 0)), Ok(vec![Dimension::Fixed(2); 2]));
    let long = affine(0, 1024, 1);
    assert_eq!(sum(long), Err(ShapeError::ContractionLength(long)));
    let dynamic = [
        (fill(affine(0, 2, 0)), &[][..]),
        (Operator::RowScale { precision }, &[Value::Node(0)]),
    ];
    assert_eq!(
        dimensions_of(&dynamic),
        Err(ShapeError::ContractionLength(affine(0, 2, 0)))
    );
    // At least 2·2 − 1 elements.
    let best = |count| {
        dimensions_of(&[
            (fill(affine(0, 2, -1)), &[]),
            (Operator::TopK { count, largest: true }, &[Value::Node(0)]),
        ])
    };
    assert_eq!(best(3), Ok(vec![Dimension::Fixed(3)]));
    assert_eq!(best(4), Err(ShapeError::Parameter("count")));
}

#[test]
fn computed_dimensions_have_a_value_for_each_job() {
    // Batch and heads together, a row more, one before and two after, all but the first, and pairs of neighbours.
    let node = |index| Value::Node(index);
    let graph = graph_of(&[
        (reshape(&[affine(0, 2, 0), Dimension::Fixed(3)]), &[X]),
        (
            Operator::Fill {
                dtype: DataType::Float32,
                bits: u64::from(7f32.to_bits()),
                dimensions: vec![Dimension::Fixed(1), Dimension::Fixed(3)],
            },
            &[],
        ),
        (Operator::Concat { axis: 0 }, &[node(0), node(1)]),
        (
            Operator::Pad {
                axis: 0,
                before: 1,
                after: 2,
                bits: 0,
            },
            &[node(2)],
        ),
        (
            Operator::Slice {
                axis: 0,
                start: Position::FromStart(1),
                step: 1,
                length: affine(0, 2, 3),
            },
            &[node(3)],
        ),
        (
            Operator::Unfold {
                axis: 0,
                size: 2,
                step: 2,
                dilation: 1,
            },
            &[node(4)],
        ),
        (Operator::Unary(Unary::Neg), &[node(5)]),
    ]);
    let graph = graph.check().expect("a sound graph");
    assert_eq!(graph.batch_symbol(), None);
    let weights = network_weights(&mut Random(42));
    for batch in [2, 3, 16] {
        let x: Vec<f32> = (0..6 * batch).map(|value| value as f32).collect();
        let inputs = [
            tensor(&[batch, 2, 3], &x),
            tensor(&[batch, 1], &vec![0.0; batch as usize]),
        ];
        let shape = |index| graph.shape(node(index), &[batch, 1]);
        assert_eq!(shape(2), Some(vec![2 * batch + 1, 3]));
        assert_eq!(shape(3), Some(vec![2 * batch + 4, 3]));
        assert_eq!(shape(5), Some(vec![batch + 1, 3, 2]));
        assert_eq!(graph.shape(node(2), &[]), None);

        let rows: Vec<&[f32]> = x.chunks(3).chain([&[7.0; 3][..], &[0.0; 3], &[0.0; 3]]).collect();
        let pairs = rows.chunks_exact(2);
        let expected: Vec<f32> = pairs
            .flat_map(|pair| (0..3).flat_map(|column| [-pair[0][column], -pair[1][column]]))
            .map(|value| value + 0.0)
            .collect();
        let outputs = evaluate(&graph, &weights, &inputs).expect("inputs that fit");
        assert_eq!(outputs, [tensor(&[batch + 1, 3, 2], &expected)]);
    }
}
