//! The order of work: a graph's nodes as steps, some of which do what several nodes say.
//!
//! A step stands where the last of its nodes stood, so all that it takes is there. Nodes are put together only if
//! nothing else takes what is computed between them; for a trace, which shows what every node gives, none are.

use assay_exact::{
    digest::DataType,
    graph::{Binary, CheckedGraph, Graph, MAX_OPERANDS, Node, Operator, Value},
    quantise::Precision,
};
use assay_ops::words::{Form, Function, Layer, Masking, Normalisation, WholeAttention};
use std::ops::Range;

/// The bits of −∞.
const NEVER: u64 = 0xff80_0000;

/// Dimensions that an attention may have: batch and heads before the last two, or not.
const RANKS: std::ops::RangeInclusive<usize> = 2..=4;

/// The steps of a graph.
pub(super) struct Plan {
    pub steps: Vec<Step>,
}

/// One step.
pub(super) struct Step {
    /// The node that it gives the value of.
    pub output: u32,
    /// Its operands.
    pub operands: Vec<Value>,
    /// Which inputs and nodes nothing after it takes: its own node, if nothing takes that at all.
    pub finished: Vec<Value>,
    /// Whether nothing takes what it gives.
    pub unused: bool,
    pub kind: Kind,
}

/// Kind of a step.
#[derive(Clone)]
pub(super) enum Kind {
    /// The operator of its node.
    Node,
    /// A linear layer, and others that each row passes by itself after it. It takes the rows, and then what each layer
    /// takes.
    Layers(Vec<Layer>),
    /// Elements that indices say, where a condition holds, and others elsewhere: how a cache is written. It takes the
    /// condition, the data, the indices, and the others.
    GatherWhere(usize),
    /// Scores, softmax and weighted sum. It takes queries, keys, values and what the mask names.
    Attention(WholeAttention),
}

/// A graph, and who takes which value.
struct Users<'a> {
    checked: &'a CheckedGraph,
    graph: &'a Graph,
    /// For each node, how often its value is taken, outputs included.
    counts: Vec<u32>,
}

impl Plan {
    pub fn new(checked: &CheckedGraph) -> Self {
        let users = Users::new(checked);
        let graph = checked.graph();
        let mut steps: Vec<Option<Step>> = Vec::with_capacity(graph.nodes.len());
        for (index, node) in graph.nodes.iter().enumerate() {
            let mut step = Step {
                output: index as u32,
                operands: node.inputs.clone(),
                finished: Vec::new(),
                unused: false,
                kind: Kind::Node,
            };
            if let Some((before, layer, taken)) = users.layer(&steps, index as u32, node)
                && let Some(Step {
                    operands,
                    kind: Kind::Layers(layers),
                    ..
                }) = steps.get_mut(before).and_then(Option::take)
            {
                step.operands = operands.into_iter().chain(taken).collect();
                step.kind = Kind::Layers(layers.into_iter().chain([layer]).collect());
            } else if let Some(linear) = linear(node) {
                step.kind = Kind::Layers(vec![linear]);
            } else if let Some((axis, operands)) = users.gather_where(index as u32, node) {
                (step.operands, step.kind) = (operands, Kind::GatherWhere(axis));
            } else if let Operator::Concat { axis } = node.operator {
                step.operands = users.concatenated(&steps, node, usize::from(axis));
            } else if let Some((attention, operands)) = users.attention(node)
                && are_there(&steps, &operands)
            {
                (step.operands, step.kind) = (operands, Kind::Attention(attention));
            }
            steps.push(Some(step));
        }
        // What is unused now, only nodes took that are part of others.
        Self::finish(graph, steps.into_iter().flatten(), false)
    }

    /// One step for every node, also for those that nothing takes.
    pub fn of_single_nodes(graph: &Graph) -> Self {
        let steps = graph.nodes.iter().enumerate().map(|(index, node)| Step {
            output: index as u32,
            operands: node.inputs.clone(),
            finished: Vec::new(),
            unused: false,
            kind: linear(node).map_or(Kind::Node, |linear| Kind::Layers(vec![linear])),
        });
        Self::finish(graph, steps, true)
    }

    /// Marks what is taken last, and leaves out steps whose values nobody takes unless they are asked for.
    fn finish(graph: &Graph, steps: impl DoubleEndedIterator<Item = Step>, with_unused: bool) -> Self {
        let mut needed = (vec![false; graph.inputs.len()], vec![false; graph.nodes.len()]);
        let mut is_new = |value: Value| {
            let place = match value {
                Value::Input(index) => needed.0.get_mut(usize::from(index)),
                Value::Node(index) => needed.1.get_mut(index as usize),
                Value::Weight(_) => None,
            };
            place.is_some_and(|needed| !std::mem::replace(needed, true))
        };
        for output in &graph.outputs {
            is_new(output.value);
        }
        let mut kept = Vec::new();
        for mut step in steps.rev() {
            // From here on backwards, nobody has asked for it.
            let own = Some(Value::Node(step.output)).filter(|own| is_new(*own));
            if own.is_some() && !with_unused {
                continue;
            }
            let taken = step.operands.iter().copied().filter(|value| is_new(*value));
            step.finished = taken.chain(own).collect();
            step.unused = own.is_some();
            kept.push(step);
        }
        kept.reverse();
        Self { steps: kept }
    }
}

impl Step {
    /// Where the weights of linear layers stand among the operands, and how they are packed.
    pub fn positions_of_weights(&self) -> Vec<(Range<usize>, Form)> {
        match &self.kind {
            Kind::Layers(layers) => Layer::positions_of_weights(layers),
            _ => Vec::new(),
        }
    }

    /// Which values these are.
    pub fn weights(&self) -> Vec<(Vec<Value>, Form)> {
        let places = self.positions_of_weights().into_iter();
        places.map(|(at, form)| (self.operands[at].to_vec(), form)).collect()
    }
}

/// Whether these values come out of steps of their own. A mask may not: where it is the sum of a layer and the scores,
/// the layer's step has become that of the sum.
fn are_there(steps: &[Option<Step>], values: &[Value]) -> bool {
    let nodes = values.iter().filter_map(|value| value.node());
    nodes
        .map(|node| steps.get(node))
        .all(|step| matches!(step, Some(Some(_))))
}

/// The linear layer that a node is, if it is one.
fn linear(node: &Node) -> Option<Layer> {
    match node.operator {
        Operator::Linear { precision } => Some(Layer::Linear {
            precision,
            biased: node.inputs.len() > 2,
        }),
        Operator::QuantisedLinear { precision, format } => Some(Layer::QuantisedLinear {
            precision,
            format,
            biased: node.inputs.len() > 2 + format.operands(),
        }),
        _ => None,
    }
}

impl<'a> Users<'a> {
    fn new(checked: &'a CheckedGraph) -> Self {
        let graph = checked.graph();
        let mut counts = vec![0; graph.nodes.len()];
        let taken = graph.nodes.iter().flat_map(|node| &node.inputs);
        for value in taken.chain(graph.outputs.iter().map(|output| &output.value)) {
            if let Value::Node(node) = value
                && let Some(count) = counts.get_mut(*node as usize)
            {
                *count += 1;
            }
        }
        Self { checked, graph, counts }
    }

    fn node(&self, value: Value) -> Option<&'a Node> {
        match value {
            Value::Node(index) => self.graph.nodes.get(index as usize),
            _ => None,
        }
    }

    /// The node that a value comes from, if the value is taken once.
    fn only_used_here(&self, value: Option<&Value>) -> Option<u32> {
        match value {
            Some(Value::Node(index)) if self.counts.get(*index as usize) == Some(&1) => Some(*index),
            _ => None,
        }
    }

    /// The same, as the node.
    fn inner(&self, value: Option<&Value>) -> Option<&'a Node> {
        self.node(Value::Node(self.only_used_here(value)?))
    }

    /// The number that a value is everywhere.
    fn constant(&self, value: Value) -> Option<u64> {
        match self.node(value)?.operator {
            Operator::Fill {
                dtype: DataType::Float32,
                bits,
                ..
            } => Some(bits),
            _ => None,
        }
    }

    /// The layer that this node is to rows that come out of other layers and that nothing else takes: the position of
    /// their step, the layer, and what it takes besides the rows.
    fn layer(&self, steps: &[Option<Step>], index: u32, node: &Node) -> Option<(usize, Layer, Vec<Value>)> {
        let (first, others) = node.inputs.split_first()?;
        let after_layers = |value: &Value| {
            let before = self.only_used_here(Some(value))? as usize;
            let step = steps.get(before)?.as_ref()?;
            matches!(step.kind, Kind::Layers(_)).then_some(before)
        };
        let layer = match (
            &node.operator,
            Function::of(&node.operator),
            Normalisation::of(&node.operator),
        ) {
            (Operator::Binary(Binary::Add), ..) => {
                let (_, whole) = self.checked.value(Value::Node(index))?;
                let [second] = others else { return None };
                // Neither of the two is repeated.
                if [first, second]
                    .iter()
                    .any(|side| self.checked.value(**side).is_none_or(|(_, own)| own != whole))
                {
                    return None;
                }
                let sides = [(first, second), (second, first)].into_iter();
                let mut sums = sides.filter_map(|(rows, other)| Some((after_layers(rows)?, Layer::Add, vec![*other])));
                return sums.next();
            }
            (Operator::Linear { .. } | Operator::QuantisedLinear { .. }, ..) => linear(node)?,
            (_, Some(function), _) => Layer::Apply(function),
            (_, _, Some(normalisation @ (Normalisation::LayerNorm { .. } | Normalisation::RmsNorm { .. }))) => {
                Layer::Normalise(normalisation, others.len())
            }
            _ => return None,
        };
        Some((after_layers(first)?, layer, others.to_vec()))
    }

    /// The axis along which this node looks up what it takes where its condition holds, and what it takes then.
    fn gather_where(&self, index: u32, node: &Node) -> Option<(usize, Vec<Value>)> {
        let (Operator::Where, [condition, yes, no]) = (&node.operator, node.inputs.as_slice()) else {
            return None;
        };
        let gather = self.inner(Some(yes))?;
        let (Operator::Gather { axis }, [data, indices]) = (&gather.operator, gather.inputs.as_slice()) else {
            return None;
        };
        // What is looked up is not repeated.
        let (_, shape) = self.checked.value(*yes)?;
        let (_, whole) = self.checked.value(Value::Node(index))?;
        (shape == whole).then(|| (usize::from(*axis), vec![*condition, *data, *indices, *no]))
    }

    /// The values that this node puts together along its axis: in place of a value that is put together alone for it,
    /// the parts of that, if these are not too many. The dimensions from the axis on need not be the same, since only
    /// the order of the elements in them matters.
    fn concatenated(&self, steps: &[Option<Step>], node: &Node, axis: usize) -> Vec<Value> {
        let outer = |value: Value| {
            self.checked
                .value(value)
                .and_then(|(_, dimensions)| dimensions.get(..axis))
        };
        let parts_of = |part: Value| {
            let mut inner = self.only_used_here(Some(&part))?;
            let reshape = self.node(Value::Node(inner))?;
            if let Operator::Reshape { .. } = reshape.operator {
                inner = self.only_used_here(reshape.inputs.first())?;
            }
            let concat = self.node(Value::Node(inner))?;
            let parts = &steps.get(inner as usize)?.as_ref()?.operands;
            let fits = concat.operator == node.operator && outer(*parts.first()?) == outer(part);
            fits.then_some(parts.as_slice())
        };
        let mut parts = Vec::new();
        for (position, part) in node.inputs.iter().enumerate() {
            let rest = node.inputs.len() - position - 1;
            match parts_of(*part) {
                Some(own) if parts.len() + own.len() + rest <= MAX_OPERANDS as usize => parts.extend_from_slice(own),
                _ => parts.push(*part),
            }
        }
        parts
    }

    /// The attention that ends with this node, and what it takes.
    fn attention(&self, node: &Node) -> Option<(WholeAttention, Vec<Value>)> {
        let Operator::WeightedSum {
            precision: value_precision,
        } = node.operator
        else {
            return None;
        };
        let [weights, values, scales] = *node.inputs.as_slice() else {
            return None;
        };
        let value = self.transposed_with_scales(values, scales, value_precision)?;
        let softmax = self
            .inner(Some(&weights))
            .filter(|node| node.operator == Operator::Softmax)?;
        let masked = *softmax.inputs.first()?;
        let (scores, masking, masked_by) = self.masked(masked);
        let (scores, scale) = self.scaled(scores);
        // Neither the mask nor the scale adds a dimension or repeats one.
        let dimensions = self.checked.value(scores)?;
        if self.checked.value(masked)? != dimensions || !RANKS.contains(&dimensions.1.len()) {
            return None;
        }
        let product = self.inner(Some(&scores))?;
        let Operator::MatMul {
            precision: score_precision,
        } = product.operator
        else {
            return None;
        };
        let attention = WholeAttention {
            score_precision,
            value_precision,
            scale,
            masking,
        };
        let operands = product.inputs.iter().copied().chain([value]).chain(masked_by);
        Some((attention, operands.collect()))
    }

    /// The values whose rows have these scales, if the others are the same ones with the last two dimensions exchanged.
    fn transposed_with_scales(&self, transposed: Value, scales: Value, precision: Precision) -> Option<Value> {
        let scales = self.node(scales).filter(|node| match node.operator {
            Operator::RowScale { precision: of } => of.left() == precision.right(),
            _ => false,
        })?;
        let value = *scales.inputs.first()?;
        let ((of, mut axes), (transposed_of, transposed_axes)) = (self.permuted(value)?, self.permuted(transposed)?);
        let rank = axes.len();
        axes.swap(rank.checked_sub(2)?, rank - 1);
        (of == transposed_of && axes == transposed_axes).then_some(value)
    }

    /// Value that a value is a permutation of, and the permutation: the import makes one of several.
    fn permuted(&self, mut value: Value) -> Option<(Value, Vec<u8>)> {
        let (_, dimensions) = self.checked.value(value)?;
        let mut axes: Vec<u8> = (0..dimensions.len() as u8).collect();
        while let Some(node) = self.node(value)
            && let Operator::Permute { axes: own } = &node.operator
        {
            let before = axes.iter().map(|axis| own.get(usize::from(*axis)).copied());
            axes = before.collect::<Option<_>>()?;
            value = *node.inputs.first()?;
        }
        Some((value, axes))
    }

    /// Scores before they are masked, and with what they are.
    fn masked(&self, scores: Value) -> (Value, Masking, Option<Value>) {
        if let Some(node) = self.inner(Some(&scores)) {
            match (&node.operator, node.inputs.as_slice()) {
                (Operator::Where, [condition, yes, no]) if self.constant(*no) == Some(NEVER) => {
                    return (*yes, Masking::Keep, Some(*condition));
                }
                // A sum with a constant is no mask, but just as good.
                (Operator::Binary(Binary::Add), [a, b]) if self.is_scores(*a) => return (*a, Masking::Add, Some(*b)),
                (Operator::Binary(Binary::Add), [a, b]) if self.is_scores(*b) => return (*b, Masking::Add, Some(*a)),
                _ => {}
            }
        }
        (scores, Masking::None, None)
    }

    /// Whether a value is a product, scaled or not.
    fn is_scores(&self, value: Value) -> bool {
        let (value, _) = self.scaled(value);
        self.node(value)
            .is_some_and(|node| matches!(node.operator, Operator::MatMul { .. }))
    }

    /// A value before it is multiplied with a number, and the number.
    fn scaled(&self, value: Value) -> (Value, Option<f32>) {
        if let Some(node) = self.inner(Some(&value))
            && node.operator == Operator::Binary(Binary::Mul)
            && let [a, b] = *node.inputs.as_slice()
        {
            for (value, factor) in [(a, b), (b, a)] {
                if let Some(bits) = self.constant(factor) {
                    return (value, Some(f32::from_bits(bits as u32)));
                }
            }
        }
        (value, None)
    }
}
