//! Graphs put together by hand.

use assay_exact::{
    bounded::Bounded,
    digest::DataType,
    graph::{
        Dimension, Formula, Graph, Input, MAX_SYMBOLS, Monomial, Node, Operator, Output, Position, Symbol, Value,
        Weight,
    },
    model::{Schema, SymbolRange, TensorSchema},
};

/// The first symbol.
pub const N: Dimension = Dimension::Symbol(0);

/// A dimension of these terms as they are, each a coefficient and the symbols that it is multiplied with.
pub fn formula(terms: &[(i32, &[u8])]) -> Dimension {
    let terms = terms.iter().map(|(coefficient, symbols)| {
        let mut powers = [0; MAX_SYMBOLS];
        symbols.iter().for_each(|symbol| powers[usize::from(*symbol)] += 1);
        Monomial {
            coefficient: *coefficient,
            powers,
        }
    });
    let terms: Vec<Monomial> = terms.collect();
    Dimension::Computed(Formula::new(&terms).expect("few terms"))
}

/// `factor` times the first symbol, and `offset` more, as it is.
pub fn affine(factor: i32, offset: i32) -> Dimension {
    match offset {
        0 => formula(&[(factor, &[0])]),
        _ => formula(&[(offset, &[]), (factor, &[0])]),
    }
}

/// Fixed dimensions.
pub fn fixed(shape: &[u32]) -> Vec<Dimension> {
    shape.iter().map(|elements| Dimension::Fixed(*elements)).collect()
}

/// Type and dimensions.
pub type Layout = (DataType, Vec<Dimension>);

/// A layout of Float32.
pub fn float(dimensions: &[Dimension]) -> Layout {
    (DataType::Float32, dimensions.to_vec())
}

/// A graph of these inputs, weights and nodes, which gives its last node. Its symbols are as many as the inputs name,
/// each of 1 to 5.
pub fn graph(inputs: &[Layout], weights: &[(DataType, &[u32])], nodes: Vec<(Operator, Vec<Value>)>) -> Graph {
    let named = inputs.iter().flat_map(|(_, dimensions)| dimensions);
    let symbols = named
        .flat_map(|dimension| dimension.symbols())
        .max()
        .map_or(0, |most| most + 1);
    let symbols = (0..symbols).map(|index| Symbol {
        name: format!("s{index}"),
        min: 1,
        max: 5,
    });
    let inputs = inputs.iter().enumerate().map(|(index, (dtype, dimensions))| Input {
        name: format!("input_{index}"),
        dtype: *dtype,
        dimensions: dimensions.clone(),
        range: None,
    });
    let weights = weights.iter().enumerate().map(|(index, (dtype, shape))| Weight {
        name: format!("weight_{index}"),
        dtype: *dtype,
        shape: shape.to_vec(),
    });
    let last = nodes.len().saturating_sub(1) as u32;
    let nodes = nodes.into_iter().enumerate().map(|(index, (operator, inputs))| Node {
        name: format!("node_{index}"),
        operator,
        inputs,
        source: "model.py:1".into(),
    });
    Graph {
        symbols: symbols.collect(),
        inputs: inputs.collect(),
        weights: weights.collect(),
        nodes: nodes.collect(),
        outputs: vec![Output {
            name: "output_0".into(),
            value: Value::Node(last),
        }],
    }
}

/// A graph whose only node takes all of the inputs.
pub fn single(operator: Operator, inputs: &[Layout]) -> Graph {
    let values = (0..inputs.len() as u16).map(Value::Input).collect();
    graph(inputs, &[], vec![(operator, values)])
}

/// The schema of a graph, which need not pass its check, without outputs.
pub fn schema(graph: &Graph) -> Schema {
    let name = |name: &str| Bounded::new(name.as_bytes().to_vec()).expect("a short name");
    let symbols = graph.symbols.iter().map(|symbol| SymbolRange {
        name: name(&symbol.name),
        min: symbol.min,
        max: symbol.max,
    });
    let inputs = graph.inputs.iter().map(|input| TensorSchema {
        name: name(&input.name),
        data_type: input.dtype,
        dimensions: Bounded::new(input.dimensions.clone()).expect("few dimensions"),
        range: input.range,
    });
    Schema {
        symbols: Bounded::new(symbols.collect()).expect("few symbols"),
        inputs: Bounded::new(inputs.collect()).expect("few inputs"),
        outputs: Bounded::default(),
    }
}

/// A reshape to these dimensions.
pub fn reshape(dimensions: &[Dimension]) -> Operator {
    let dimensions = dimensions.to_vec();
    Operator::Reshape { dimensions }
}

/// A part of a dimension.
pub fn slice(axis: u8, start: Position, step: u32, length: Dimension) -> Operator {
    Operator::Slice {
        axis,
        start,
        step,
        length,
    }
}

/// Positions along a dimension.
pub fn arange(start: i64, step: i64, length: Dimension) -> Operator {
    Operator::Arange { start, step, length }
}

/// One value everywhere.
pub fn fill(dtype: DataType, bits: u64, dimensions: &[Dimension]) -> Operator {
    Operator::Fill {
        dtype,
        bits,
        dimensions: dimensions.to_vec(),
    }
}

/// Windows along a dimension.
pub fn unfold(axis: u8, size: u32, step: u32, dilation: u32) -> Operator {
    Operator::Unfold {
        axis,
        size,
        step,
        dilation,
    }
}

/// Zeros before and after a dimension.
pub fn pad(axis: u8, before: u32, after: u32) -> Operator {
    Operator::Pad {
        axis,
        before,
        after,
        bits: 0,
    }
}

/// Where the greatest stand.
pub fn top_k(count: u32, largest: bool) -> Operator {
    Operator::TopK { count, largest }
}
