//! A language model's graph for one sequence: the batch is 1, and its length is the check graph's.

use super::{GenerationError, LENGTH, LanguageModel, SEQUENCE, framed};
use assay_exact::{
    digest::DataType,
    graph::{Dimension, Expression, Graph, Monomial, Node, Operator, Value},
};

/// The graph with the frame of a check graph and the model's nodes, the logits in it, and the size of the vocabulary.
pub(super) fn prepared(model: LanguageModel) -> Result<(Graph, Value, u32), GenerationError> {
    let LanguageModel {
        mut graph,
        tokens,
        logits,
    } = model;
    let logits = graph.outputs.get(logits).cloned().ok_or(GenerationError::Logits)?;
    graph.outputs = vec![logits];
    let checked = graph.without_unused().check()?;
    let graph = checked.graph();
    let Some((DataType::Int64, &[batch, Dimension::Symbol(length)])) = checked.value(Value::Input(tokens)) else {
        return Err(GenerationError::Tokens);
    };
    let batch = match batch {
        Dimension::Fixed(1) => None,
        Dimension::Symbol(batch) if batch != length => Some(batch),
        _ => return Err(GenerationError::Tokens),
    };
    let logits = graph.outputs.first().map(|output| output.value);
    let logits = logits.ok_or(GenerationError::Logits)?;
    let vocabulary = match checked.value(logits) {
        Some((DataType::Float32, &[own_batch, Dimension::Symbol(own), Dimension::Fixed(vocabulary)]))
            if own == length && own_batch == batch.map_or(Dimension::Fixed(1), Dimension::Symbol) =>
        {
            vocabulary
        }
        _ => return Err(GenerationError::Logits),
    };
    let range = graph.symbols.get(usize::from(length));
    let (min, max) = range.map_or((0, 0), |symbol| (symbol.min, symbol.max));
    let map = Map { tokens, batch, length };
    let nodes = graph.nodes.iter().map(|node| map.node(graph, node));
    let nodes = nodes.collect::<Result<Vec<_>, _>>()?;
    let frame = framed(vocabulary, min.max(2), max, graph.weights.clone())?;
    Ok((Graph { nodes, ..frame }, logits, vocabulary))
}

/// Which symbols become what.
struct Map {
    tokens: u16,
    batch: Option<u8>,
    length: u8,
}

impl Map {
    fn node(&self, graph: &Graph, node: &Node) -> Result<Node, GenerationError> {
        let mut node = node.clone();
        for value in &mut node.inputs {
            if let Value::Input(input) = *value {
                if input != self.tokens {
                    let other = graph.inputs.get(usize::from(input));
                    let name = other.map(|input| input.name.clone()).unwrap_or_default();
                    return Err(GenerationError::OtherInput(name));
                }
                *value = SEQUENCE;
            }
        }
        let dimensions: Vec<&mut Dimension> = match &mut node.operator {
            Operator::Reshape { dimensions } | Operator::Fill { dimensions, .. } | Operator::Expand { dimensions } => {
                dimensions.iter_mut().collect()
            }
            Operator::Arange { length, .. } | Operator::Slice { length, .. } => vec![length],
            _ => Vec::new(),
        };
        for dimension in dimensions {
            let own = self.dimension(*dimension);
            *dimension = own.ok_or_else(|| GenerationError::Dimension(node.name.clone()))?;
        }
        Ok(node)
    }

    /// A dimension in terms of the sequence's length alone.
    fn dimension(&self, dimension: Dimension) -> Option<Dimension> {
        let of = |symbol: u8| match symbol {
            symbol if symbol == self.length => Some(Dimension::Symbol(LENGTH)),
            symbol if Some(symbol) == self.batch => Some(Dimension::Fixed(1)),
            _ => None,
        };
        match dimension {
            Dimension::Fixed(_) => Some(dimension),
            Dimension::Symbol(symbol) => of(symbol),
            Dimension::Computed(formula) => {
                let terms = formula.terms().iter();
                let sum = terms
                    .map(|term| product(term, of))
                    .try_fold(Expression::number(0), |sum, term| sum.plus(&term?));
                sum?.dimension()
            }
        }
    }
}

/// A term with other dimensions in place of its symbols.
fn product(term: &Monomial, of: impl Fn(u8) -> Option<Dimension>) -> Option<Expression> {
    let mut product = Expression::number(i64::from(term.coefficient));
    for (symbol, power) in (0u8..).zip(term.powers).filter(|(_, power)| *power > 0) {
        let factor = Expression::of(of(symbol)?)?;
        for _ in 0..power {
            product = product.times(&factor)?;
        }
    }
    Some(product)
}
