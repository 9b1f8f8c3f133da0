//! Recurrent cells: one step each, put together from products, gates and sums.

use super::{
    Handler,
    arguments::{Call, Result},
    builder::{Builder, Tensor},
    core::{Binary, Unary},
};
use assay_exact::graph::Dimension;

/// Most steps times layers that a sequence is unrolled to.
const MAX_UNROLLED: u32 = 1024;

pub(super) const OPERATORS: &[(&str, Handler)] = &[
    ("lstm_cell.default", |call| {
        let state = call.tensors("hx")?;
        let [hidden, cell] = <[Tensor; 2]>::try_from(state).map_err(|_| call.refuse("hx", "must be two tensors"))?;
        let (input, weights) = (call.tensor("input")?, Weights::of_cell(call)?);
        let (hidden, cell) = lstm_cell(call.graph, &input, &hidden, &cell, &weights)?;
        Ok(vec![hidden, cell])
    }),
    ("gru_cell.default", |call| one_state(call, gru_cell)),
    ("rnn_tanh_cell.default", |call| {
        one_state(call, |g, x, h, w| rnn_cell(g, x, h, w, tanh))
    }),
    ("rnn_relu_cell.default", |call| {
        one_state(call, |g, x, h, w| rnn_cell(g, x, h, w, |g, x| g.relu(x)))
    }),
    ("lstm.input", lstm),
    ("gru.input", |call| sequence(call, gru_cell)),
    ("rnn_tanh.input", |call| {
        sequence(call, |g, x, h, w| rnn_cell(g, x, h, w, tanh))
    }),
    ("rnn_relu.input", |call| {
        sequence(call, |g, x, h, w| rnn_cell(g, x, h, w, |g, x| g.relu(x)))
    }),
];

type Outputs = Result<Vec<Tensor>>;
/// Input, state and weights to the next state.
type Cell = fn(&mut Builder<'_>, &Tensor, &Tensor, &Weights) -> Result<Tensor>;

/// The weights of a cell, as torch names them.
#[derive(Clone)]
struct Weights {
    input: Tensor,
    hidden: Tensor,
    input_bias: Option<Tensor>,
    hidden_bias: Option<Tensor>,
}

impl Weights {
    fn of_cell(call: &mut Call<'_, '_>) -> Result<Self> {
        Ok(Self {
            input: call.tensor("w_ih")?,
            hidden: call.tensor("w_hh")?,
            input_bias: call.optional_tensor("b_ih")?,
            hidden_bias: call.optional_tensor("b_hh")?,
        })
    }

    /// Contributions of input and state to the gates.
    fn gates(&self, graph: &mut Builder<'_>, input: &Tensor, hidden: &Tensor) -> Result<(Tensor, Tensor)> {
        let from_input = graph.linear(input, &self.input, self.input_bias.as_ref())?;
        let from_hidden = graph.linear(hidden, &self.hidden, self.hidden_bias.as_ref())?;
        Ok((from_input, from_hidden))
    }
}

fn one_state(call: &mut Call<'_, '_>, cell: Cell) -> Outputs {
    let (input, hidden) = (call.tensor("input")?, call.tensor("hx")?);
    let weights = Weights::of_cell(call)?;
    Ok(vec![cell(call.graph, &input, &hidden, &weights)?])
}

/// The last dimension in equal parts.
fn parts<const N: usize>(graph: &mut Builder<'_>, gates: &Tensor) -> Result<[Tensor; N]> {
    let axis = gates.dims.len() - 1;
    let width = graph.fixed(gates, axis)? / N as u32;
    let parts = (0..N as u32).map(|part| graph.slice(gates, axis, part * width, width, 1));
    let parts = parts.collect::<Result<Vec<_>>>()?;
    <[Tensor; N]>::try_from(parts).map_err(|_| graph.misfit("has gates of another number"))
}

/// `c' = σ(f) c + σ(i) tanh(g)`, `h' = σ(o) tanh(c')`, with the gates in the order i, f, g, o.
fn lstm_cell(
    graph: &mut Builder<'_>,
    input: &Tensor,
    hidden: &Tensor,
    cell: &Tensor,
    weights: &Weights,
) -> Result<(Tensor, Tensor)> {
    let (from_input, from_hidden) = weights.gates(graph, input, hidden)?;
    let gates = graph.binary(Binary::Add, &from_input, &from_hidden)?;
    let [write, keep, new, show] = parts(graph, &gates)?;
    let write = graph.unary(Unary::Sigmoid, &write)?;
    let keep = graph.unary(Unary::Sigmoid, &keep)?;
    let new = graph.unary(Unary::Tanh, &new)?;
    let show = graph.unary(Unary::Sigmoid, &show)?;
    let kept = graph.binary(Binary::Mul, &keep, cell)?;
    let written = graph.binary(Binary::Mul, &write, &new)?;
    let cell = graph.binary(Binary::Add, &kept, &written)?;
    let shown = graph.unary(Unary::Tanh, &cell)?;
    Ok((graph.binary(Binary::Mul, &show, &shown)?, cell))
}

/// `h' = n + z (h − n)`, `n = tanh(n_x + r n_h)`, with the gates in the order r, z, n.
fn gru_cell(graph: &mut Builder<'_>, input: &Tensor, hidden: &Tensor, weights: &Weights) -> Result<Tensor> {
    let (from_input, from_hidden) = weights.gates(graph, input, hidden)?;
    let [reset, update, new] = parts(graph, &from_input)?;
    let [reset_hidden, update_hidden, new_hidden] = parts(graph, &from_hidden)?;
    let reset = graph.binary(Binary::Add, &reset, &reset_hidden)?;
    let reset = graph.unary(Unary::Sigmoid, &reset)?;
    let update = graph.binary(Binary::Add, &update, &update_hidden)?;
    let update = graph.unary(Unary::Sigmoid, &update)?;
    let remembered = graph.binary(Binary::Mul, &reset, &new_hidden)?;
    let new = graph.binary(Binary::Add, &new, &remembered)?;
    let new = graph.unary(Unary::Tanh, &new)?;
    let change = graph.binary(Binary::Sub, hidden, &new)?;
    let change = graph.binary(Binary::Mul, &update, &change)?;
    graph.binary(Binary::Add, &new, &change)
}

fn rnn_cell(
    graph: &mut Builder<'_>,
    input: &Tensor,
    hidden: &Tensor,
    weights: &Weights,
    function: fn(&mut Builder<'_>, &Tensor) -> Result<Tensor>,
) -> Result<Tensor> {
    let (from_input, from_hidden) = weights.gates(graph, input, hidden)?;
    let sum = graph.binary(Binary::Add, &from_input, &from_hidden)?;
    function(graph, &sum)
}

fn tanh(graph: &mut Builder<'_>, x: &Tensor) -> Result<Tensor> {
    graph.unary(Unary::Tanh, x)
}

/// A whole sequence: its input with time outermost, and for each layer and direction the weights and first states.
struct Sequence {
    input: Tensor,
    layers: Vec<Weights>,
    directions: usize,
    batch_first: bool,
}

impl Sequence {
    fn of(call: &mut Call<'_, '_>) -> Result<Self> {
        let (mut input, params) = (call.tensor("input")?, call.tensors("params")?);
        let has_biases = call.bool("has_biases", true)?;
        let layers = call.int("num_layers", 1)?;
        call.ignore(&["dropout"]);
        call.only("train", false)?;
        let directions = if call.bool("bidirectional", false)? { 2 } else { 1 };
        let batch_first = call.bool("batch_first", false)?;
        if batch_first {
            input = call.graph.transpose(&input, 0, 1)?;
        }
        let each = if has_biases { 4 } else { 2 };
        let cells = usize::try_from(layers).unwrap_or(0) * directions;
        if params.len() != cells * each || cells == 0 {
            return Err(call.refuse("params", "has another number of weights than these layers have"));
        }
        let steps = call.graph.fixed(&input, 0)?;
        if steps.saturating_mul(cells as u32) > MAX_UNROLLED {
            return Err(call.refuse("input", "is a sequence too long to be unrolled; export one step of it"));
        }
        let layers = params.chunks(each).map(|weights| Weights {
            input: weights[0].clone(),
            hidden: weights[1].clone(),
            input_bias: weights.get(2).cloned(),
            hidden_bias: weights.get(3).cloned(),
        });
        Ok(Self {
            input,
            layers: layers.collect(),
            directions,
            batch_first,
        })
    }

    /// Runs `cell(graph, layer, input, state)` over time, layer by layer. Returns the outputs and the last states.
    fn unroll<S: Clone>(
        &self,
        graph: &mut Builder<'_>,
        first: &[S],
        cell: impl Fn(&mut Builder<'_>, &Weights, &Tensor, &S) -> Result<S>,
        output: impl Fn(&S) -> Tensor,
    ) -> Result<(Tensor, Vec<S>)> {
        let steps = graph.fixed(&self.input, 0)?;
        let mut rows = (0..steps)
            .map(|step| graph.select_at(&self.input, 0, step))
            .collect::<Result<Vec<_>>>()?;
        let mut last = Vec::new();
        for layer in self.layers.chunks(self.directions).enumerate() {
            let (index, directions) = layer;
            let mut outputs: Vec<Vec<Tensor>> = vec![Vec::new(); rows.len()];
            for (direction, weights) in directions.iter().enumerate() {
                let mut state = first[index * self.directions + direction].clone();
                let order: Vec<usize> = if direction == 0 {
                    (0..rows.len()).collect()
                } else {
                    (0..rows.len()).rev().collect()
                };
                for step in order {
                    state = cell(graph, weights, &rows[step], &state)?;
                    outputs[step].push(output(&state));
                }
                last.push(state);
            }
            let joined = outputs.iter().map(|parts| match parts.as_slice() {
                [part] => Ok(part.clone()),
                parts => graph.concat(parts, parts[0].dims.len() - 1),
            });
            rows = joined.collect::<Result<Vec<_>>>()?;
        }
        let mut sequence = graph.stack(&rows, 0)?;
        if self.batch_first {
            sequence = graph.transpose(&sequence, 0, 1)?;
        }
        Ok((sequence, last))
    }
}

/// The first state of each layer and direction.
fn states(call: &mut Call<'_, '_>, stacked: &Tensor, cells: usize) -> Result<Vec<Tensor>> {
    if stacked.dims.first() != Some(&Dimension::Fixed(cells as u32)) {
        return Err(call.refuse("hx", "has another number of states than these layers have"));
    }
    (0..cells as u32)
        .map(|cell| call.graph.select_at(stacked, 0, cell))
        .collect()
}

fn sequence(call: &mut Call<'_, '_>, cell: Cell) -> Outputs {
    let sequence = Sequence::of(call)?;
    let hidden = call.tensor("hx")?;
    let first = states(call, &hidden, sequence.layers.len())?;
    let graph = &mut *call.graph;
    let (output, last) = sequence.unroll(
        graph,
        &first,
        |graph, w, x, h| cell(graph, x, h, w),
        |hidden| hidden.clone(),
    )?;
    Ok(vec![output, graph.stack(&last, 0)?])
}

fn lstm(call: &mut Call<'_, '_>) -> Outputs {
    let sequence = Sequence::of(call)?;
    let state = call.tensors("hx")?;
    let [hidden, cell] = <[Tensor; 2]>::try_from(state).map_err(|_| call.refuse("hx", "must be two tensors"))?;
    let cells = sequence.layers.len();
    let first: Vec<(Tensor, Tensor)> = states(call, &hidden, cells)?
        .into_iter()
        .zip(states(call, &cell, cells)?)
        .collect();
    let graph = &mut *call.graph;
    let step =
        |graph: &mut Builder<'_>, w: &Weights, x: &Tensor, (h, c): &(Tensor, Tensor)| lstm_cell(graph, x, h, c, w);
    let (output, last) = sequence.unroll(graph, &first, step, |(hidden, _)| hidden.clone())?;
    let (hidden, cell): (Vec<_>, Vec<_>) = last.into_iter().unzip();
    Ok(vec![output, graph.stack(&hidden, 0)?, graph.stack(&cell, 0)?])
}
