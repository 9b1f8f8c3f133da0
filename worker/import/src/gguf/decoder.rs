//! The graph of a causal language model with rotary positions, grouped-query attention and a gated feed-forward layer.
//!
//! ```text
//! tokens [batch, length] Int64 → logits [batch, length, vocabulary] Float32
//! ```
//!
//! A family of models says in a [`Decoder`] which tensors are its weights. Attention is written so that an engine can
//! compute it at once: the query heads that share a key head are the rows of one matrix, `[batch, key heads, length ×
//! group, width]`, so no key is repeated.

use super::weights::{TABLES, scales_name, words_name};
use crate::{
    arguments::{Number, Result},
    builder::{Builder, Tensor},
    core::{Binary, Unary},
    error::Place,
    views::Sharing,
};
use assay_exact::{
    digest::DataType,
    graph::{Dimension, Operator},
    quantise::{GroupedBits, Precision, WeightFormat},
};

/// A model, by the names of its tensors in the file.
#[derive(Clone, Debug, PartialEq)]
pub struct Decoder {
    /// Tokens of the vocabulary.
    pub vocabulary: u32,
    /// Elements of a token's vector.
    pub width: u32,
    /// Heads of the queries.
    pub heads: u32,
    /// Heads of the keys and values.
    pub key_heads: u32,
    /// Elements of a head.
    pub head_width: u32,
    /// Summand of the mean square of a norm.
    pub epsilon: f64,
    /// The matrix of the tokens' vectors.
    pub embedding: Matrix,
    /// The blocks, from the first to the last.
    pub blocks: Vec<Block>,
    /// The weight of the norm after the blocks.
    pub last_norm: String,
    /// The matrix that gives the logits; the embedding's where the two are tied.
    pub head: Matrix,
}

/// A block: attention, then a gated feed-forward layer, each behind a norm and added to what it was given.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    /// Prefix of its nodes' names.
    pub name: String,
    /// Weights of the norms before attention and before the feed-forward layer.
    pub norms: [String; 2],
    /// Queries, keys, values.
    pub projections: [Matrix; 3],
    /// Matrix that mixes the heads.
    pub mixed: Matrix,
    /// Matrix whose product the gate's function is applied to.
    pub gate: Matrix,
    /// Matrix whose product the gate is multiplied with.
    pub up: Matrix,
    /// Back to the width of a token.
    pub down: Matrix,
}

/// A linear layer.
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix {
    /// Name of the weight.
    pub weight: String,
    /// Format of the weight's integers; `None` if it is given as numbers.
    pub format: Option<WeightFormat>,
    /// Name of the bias, if it has one.
    pub bias: Option<String>,
}

/// A graph in the making, and what every block takes.
struct Assembly<'g, 'p> {
    graph: &'g mut Builder<'p>,
    model: &'g Decoder,
    batch: Dimension,
    length: Dimension,
    cosines: Tensor,
    sines: Tensor,
    mask: Tensor,
}

/// Writes the model into a graph whose first input is the tokens, and gives the logits.
pub fn assemble(graph: &mut Builder<'_>, model: &Decoder, tokens: &Tensor) -> Result<Tensor> {
    let &[batch, length] = tokens.dims.as_slice() else {
        return Err(graph.misfit("needs two dimensions"));
    };
    begin(graph, "positions");
    let [cosines, sines] = TABLES;
    let (cosines, sines) = (table(graph, cosines, length)?, table(graph, sines, length)?);
    let mask = causal_mask(graph, length, model.heads / model.key_heads)?;
    graph.end(Vec::new(), Sharing::Fresh)?;
    let mut assembly = Assembly {
        graph,
        model,
        batch,
        length,
        cosines,
        sines,
        mask,
    };
    let mut x = assembly.embedding(tokens)?;
    for block in &model.blocks {
        x = assembly.attention(block, &x)?;
        x = assembly.feed_forward(block, &x)?;
    }
    begin(assembly.graph, "output");
    let x = assembly.norm(&x, &model.last_norm)?;
    let logits = assembly.linear(&x, &model.head)?;
    assembly.graph.end(Vec::new(), Sharing::Fresh)?;
    Ok(logits)
}

/// From here on, nodes have names that begin with this one.
fn begin(graph: &mut Builder<'_>, node: &str) {
    graph.begin(Place {
        operator: "gguf".to_owned(),
        node: node.to_owned(),
        source: String::new(),
    });
}

fn weight(graph: &mut Builder<'_>, name: &str) -> Result<Tensor> {
    let tensor = graph.tensor(name)?;
    tensor.ok_or_else(|| graph.misfit(&format!("needs the weight {name}, which is not described")))
}

/// The rows of a table for the positions that there are, twice as wide, for any number of heads.
fn table(graph: &mut Builder<'_>, name: &str, length: Dimension) -> Result<Tensor> {
    let table = weight(graph, name)?;
    let table = graph.cut(&table, 0, assay_exact::graph::Position::FromStart(0), length, 1)?;
    let table = graph.concat(&[table.clone(), table], 1)?;
    let dims = [table.dims[0], Dimension::Fixed(1), table.dims[1]];
    graph.reshape(&table, &dims)
}

/// `[length × group, length]`: a query sees the keys up to its own position. `group` queries have one position.
fn causal_mask(graph: &mut Builder<'_>, length: Dimension, group: u32) -> Result<Tensor> {
    let rows = length
        .times(Dimension::Fixed(group))
        .ok_or_else(|| graph.misfit("has too many heads"))?;
    let mut row = graph.indices(rows)?;
    if group > 1 {
        let group = graph.fill(Number::Int(i64::from(group)), DataType::Int64)?;
        row = graph.binary(Binary::Div, &row, &group)?;
    }
    let row = graph.reshape(&row, &[rows, Dimension::Fixed(1)])?;
    let column = graph.indices(length)?;
    graph.binary(Binary::GreaterOrEqual, &row, &column)
}

impl Assembly<'_, '_> {
    fn embedding(&mut self, tokens: &Tensor) -> Result<Tensor> {
        begin(self.graph, "embedding");
        let matrix = self.model.embedding.clone();
        let integers = self.looked_up(&matrix.weight, tokens)?;
        let x = match matrix.format {
            None => integers,
            Some(format) => {
                let x = match format {
                    WeightFormat::Int8 => self.graph.cast(&integers, DataType::Float32)?,
                    WeightFormat::Grouped { bits, group } => {
                        let words = self.looked_up(&words_name(&matrix.weight), tokens)?;
                        self.in_groups(&integers, bits, &words, group.into())?
                    }
                };
                let scales = self.looked_up(&scales_name(&matrix.weight), tokens)?;
                let scales = self
                    .graph
                    .reshape(&scales, &[self.batch, self.length, Dimension::Fixed(1)])?;
                self.graph.binary(Binary::Mul, &x, &scales)?
            }
        };
        self.graph.end(Vec::new(), Sharing::Fresh)?;
        Ok(x)
    }

    /// The rows of a weight that belong to the tokens.
    fn looked_up(&mut self, name: &str, tokens: &Tensor) -> Result<Tensor> {
        let rows = weight(self.graph, name)?;
        self.graph.index_select(&rows, 0, tokens)
    }

    /// The weights that small integers in groups stand for, as numbers: a layer multiplies with the same ones. They are
    /// below `2^23`, so each operation is exact.
    fn in_groups(&mut self, integers: &Tensor, bits: GroupedBits, words: &Tensor, group: u32) -> Result<Tensor> {
        let (batch, length) = (self.batch, self.length);
        let graph = &mut *self.graph;
        let integer = |graph: &mut Builder<'_>, number: i64, dtype: DataType| graph.fill(Number::Int(number), dtype);
        let half = integer(graph, 16, DataType::Int32)?;
        let low = graph.binary(Binary::Shl, words, &half)?;
        let multipliers = graph.binary(Binary::Shr, &low, &half)?;
        let offsets = graph.binary(Binary::Shr, words, &half)?;
        let integers = match bits {
            GroupedBits::Eight => graph.cast(integers, DataType::Float32)?,
            GroupedBits::Four => {
                let (mask, four) = (
                    integer(graph, 15, DataType::Uint8)?,
                    integer(graph, 4, DataType::Uint8)?,
                );
                let low = graph.binary(Binary::And, integers, &mask)?;
                let high = graph.binary(Binary::Shr, integers, &four)?;
                let each = [integers.dims.as_slice(), &[Dimension::Fixed(1)]].concat();
                let halves = [graph.reshape(&low, &each)?, graph.reshape(&high, &each)?];
                let halves = graph.concat(&halves, 3)?;
                let halves = graph.cast(&halves, DataType::Float32)?;
                let centre = graph.fill(Number::Float(8.0), DataType::Float32)?;
                graph.binary(Binary::Sub, &halves, &centre)?
            }
        };
        let Some(&Dimension::Fixed(groups)) = words.dims.last() else {
            return Err(graph.misfit("needs a fixed number of groups"));
        };
        let [groups, one, elements] = [groups, 1, group].map(Dimension::Fixed);
        let mut x = graph.reshape(&integers, &[batch, length, groups, elements])?;
        for (function, part) in [(Binary::Mul, multipliers), (Binary::Add, offsets)] {
            let part = graph.cast(&part, DataType::Float32)?;
            let part = graph.reshape(&part, &[batch, length, groups, one])?;
            x = graph.binary(function, &x, &part)?;
        }
        graph.reshape(&x, &[batch, length, Dimension::Fixed(self.model.width)])
    }

    fn norm(&mut self, x: &Tensor, name: &str) -> Result<Tensor> {
        let weight = weight(self.graph, name)?;
        self.graph.rms_norm(x, Some(&weight), self.model.epsilon)
    }

    fn linear(&mut self, x: &Tensor, matrix: &Matrix) -> Result<Tensor> {
        let weights = weight(self.graph, &matrix.weight)?;
        let bias = matrix
            .bias
            .as_deref()
            .map(|bias| weight(self.graph, bias))
            .transpose()?;
        let Some(format) = matrix.format else {
            return self.graph.linear(x, &weights, bias.as_ref());
        };
        let words = match format {
            WeightFormat::Int8 => None,
            WeightFormat::Grouped { .. } => Some(weight(self.graph, &words_name(&matrix.weight))?),
        };
        let scales = weight(self.graph, &scales_name(&matrix.weight))?;
        let (Some((_, outer)), [features, _]) = (x.dims.split_last(), weights.dims.as_slice()) else {
            return Err(self.graph.misfit("and the weight are not rows and a matrix"));
        };
        let dims = [outer, &[*features]].concat();
        let precision = self.graph.precision.left().into();
        let operator = Operator::QuantisedLinear { precision, format };
        let given = [x, &weights].into_iter().chain(&words).chain([&scales]);
        let inputs: Vec<&Tensor> = given.chain(bias.as_ref()).collect();
        Ok(self.graph.node(operator, &inputs, DataType::Float32, dims))
    }

    /// The precision of the products of queries with keys and of weights with values.
    ///
    /// Keys and values of 8 bits would change the choice of one token in 40.
    fn attention_precision(&self) -> Precision {
        self.graph.precision.left().into()
    }

    fn attention(&mut self, block: &Block, x: &Tensor) -> Result<Tensor> {
        begin(self.graph, &format!("{}.attn", block.name));
        let (heads, key_heads) = (self.model.heads, self.model.key_heads);
        let rows = self.norm(x, &block.norms[0])?;
        let [query, key, value] = &block.projections;
        let query = self.linear(&rows, query)?;
        let query = self.rotated(&query, heads)?;
        let query = self.grouped(&query)?;
        let key = self.linear(&rows, key)?;
        let key = self.rotated(&key, key_heads)?;
        let key = self.graph.permute(&key, &[0, 2, 1, 3])?;
        let value = self.linear(&rows, value)?;
        let value = self.in_heads(&value, key_heads)?;
        let value = self.graph.permute(&value, &[0, 2, 1, 3])?;

        let precision = self.attention_precision();
        let graph = &mut *self.graph;
        let scores = graph.matmul_in(precision, &query, &key)?;
        let scale = 1.0 / f64::from(self.model.head_width).sqrt();
        let scale = graph.fill(Number::Float(scale), DataType::Float32)?;
        let scores = graph.binary(Binary::Mul, &scores, &scale)?;
        let never = graph.fill(Number::Float(f64::NEG_INFINITY), DataType::Float32)?;
        let scores = graph.select(&self.mask, &scores, &never)?;
        let weights = graph.softmax(&scores)?;
        let mixed = graph.weighted_sum_in(precision, &weights, &value)?;

        let mixed = self.ungrouped(&mixed)?;
        let mixed = self.linear(&mixed, &block.mixed)?;
        let sum = self.graph.binary(Binary::Add, x, &mixed)?;
        self.graph.end(Vec::new(), Sharing::Fresh)?;
        Ok(sum)
    }

    /// `[batch, length, heads × width] → [batch, length, heads, width]`.
    fn in_heads(&mut self, x: &Tensor, heads: u32) -> Result<Tensor> {
        let (heads, width) = (Dimension::Fixed(heads), Dimension::Fixed(self.model.head_width));
        self.graph.reshape(x, &[self.batch, self.length, heads, width])
    }

    /// The same, turned by its position. The two halves of a head are the two coordinates.
    fn rotated(&mut self, x: &Tensor, heads: u32) -> Result<Tensor> {
        let x = self.in_heads(x, heads)?;
        let (graph, half) = (&mut *self.graph, self.model.head_width / 2);
        let left = graph.slice(&x, 3, 0, half, 1)?;
        let right = graph.slice(&x, 3, half, half, 1)?;
        let right = graph.unary(Unary::Neg, &right)?;
        let turned = graph.concat(&[right, left], 3)?;
        let along = graph.binary(Binary::Mul, &x, &self.cosines)?;
        let across = graph.binary(Binary::Mul, &turned, &self.sines)?;
        graph.binary(Binary::Add, &along, &across)
    }

    /// Sizes of queries: batch, key heads, length, group, width.
    fn sizes(&self) -> [Dimension; 5] {
        let (heads, key_heads) = (self.model.heads, self.model.key_heads);
        let [key_heads, group, width] = [key_heads, heads / key_heads, self.model.head_width].map(Dimension::Fixed);
        [self.batch, key_heads, self.length, group, width]
    }

    /// `[batch, length, heads, width] → [batch, key heads, length × group, width]`.
    fn grouped(&mut self, query: &Tensor) -> Result<Tensor> {
        let [batch, key_heads, length, group, width] = self.sizes();
        if group == Dimension::Fixed(1) {
            return self.graph.permute(query, &[0, 2, 1, 3]);
        }
        let query = self.graph.reshape(query, &[batch, length, key_heads, group, width])?;
        let query = self.graph.permute(&query, &[0, 2, 1, 3, 4])?;
        let rows = self.mask.dims[0];
        self.graph.reshape(&query, &[batch, key_heads, rows, width])
    }

    /// `[batch, key heads, length × group, width] → [batch, length, heads × width]`.
    fn ungrouped(&mut self, mixed: &Tensor) -> Result<Tensor> {
        let [batch, key_heads, length, group, width] = self.sizes();
        let mixed = self.graph.reshape(mixed, &[batch, key_heads, length, group, width])?;
        let mixed = self.graph.permute(&mixed, &[0, 2, 1, 3, 4])?;
        let all = Dimension::Fixed(self.model.heads * self.model.head_width);
        self.graph.reshape(&mixed, &[batch, length, all])
    }

    fn feed_forward(&mut self, block: &Block, x: &Tensor) -> Result<Tensor> {
        begin(self.graph, &format!("{}.ffn", block.name));
        let rows = self.norm(x, &block.norms[1])?;
        let gate = self.linear(&rows, &block.gate)?;
        let gate = self.graph.unary(Unary::Silu, &gate)?;
        let up = self.linear(&rows, &block.up)?;
        let inner = self.graph.binary(Binary::Mul, &gate, &up)?;
        let inner = self.linear(&inner, &block.down)?;
        let sum = self.graph.binary(Binary::Add, x, &inner)?;
        self.graph.end(Vec::new(), Sharing::Fresh)?;
        Ok(sum)
    }
}
