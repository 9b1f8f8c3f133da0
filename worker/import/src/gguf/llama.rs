//! The Llama family, as llama.cpp names its parameters and its tensors.

use super::{
    container::{Container, refused},
    decoder::{Block, Decoder, Matrix},
    metadata::Value,
    rotary::Rotary,
    weights::{RowOrder, Weights},
};
use crate::error::ImportError;
use assay_exact::quantise::Precision;
use std::collections::BTreeSet;

type Result<T> = std::result::Result<T, ImportError>;

/// Frequencies' divisors, which some models bring as a tensor.
const FACTORS: &str = "rope_freqs.weight";

/// Reads the model, and which tensors are its weights in what form.
pub fn read(container: &mut Container, precision: Precision, positions: u32) -> Result<(Decoder, Weights)> {
    let sizes = Sizes::read(container)?;
    let rotary = rotary(container, &sizes)?;
    let mut reader = Tensors {
        container,
        weights: Weights::new(rotary, positions),
        is_quantised: precision != Precision::Int16,
        taken: BTreeSet::from([FACTORS.to_owned()]),
    };
    let model = reader.model(&sizes)?;
    let Tensors { weights, taken, .. } = reader;
    if let Some(other) = container.tensors.keys().find(|name| !taken.contains(*name)) {
        return Err(refused(
            other,
            "no part of a Llama model takes this tensor, so what the model computes is not known",
        ));
    }
    Ok((model, weights))
}

struct Sizes {
    vocabulary: u32,
    width: u32,
    blocks: u32,
    inner: u32,
    heads: u32,
    key_heads: u32,
    head_width: u32,
    epsilon: f64,
}

impl Sizes {
    fn read(container: &Container) -> Result<Self> {
        let metadata = &container.metadata;
        let key = |name: &str| format!("llama.{name}");
        let some = |name: &str| {
            let size = metadata.u32(&key(name))?;
            (size > 0).then_some(size).ok_or_else(|| refused(&key(name), "it is 0"))
        };
        for experts in ["expert_count", "expert_used_count"] {
            if metadata.optional_u32(&key(experts))?.is_some_and(|count| count > 0) {
                return Err(refused(
                    &key(experts),
                    "models with experts are not imported; take one without",
                ));
            }
        }
        let (width, heads) = (some("embedding_length")?, some("attention.head_count")?);
        let key_heads = metadata.optional_u32(&key("attention.head_count_kv"))?.unwrap_or(heads);
        if key_heads == 0 || heads % key_heads != 0 {
            let reason = format!("{heads} heads of queries cannot share {key_heads} heads of keys evenly");
            return Err(refused(&key("attention.head_count_kv"), reason));
        }
        let head_width = metadata
            .optional_u32(&key("attention.key_length"))?
            .unwrap_or(width / heads);
        let value_width = metadata
            .optional_u32(&key("attention.value_length"))?
            .unwrap_or(head_width);
        let turned = metadata
            .optional_u32(&key("rope.dimension_count"))?
            .unwrap_or(head_width);
        if head_width < 2 || head_width % 2 != 0 || value_width != head_width || turned != head_width {
            let reason = format!(
                "keys of {head_width} elements, values of {value_width} and rotations of {turned} are not imported: they \
                 must be the same even number"
            );
            return Err(refused(&key("rope.dimension_count"), reason));
        }
        let embedding = container.tensor("token_embd.weight")?;
        let epsilon = key("attention.layer_norm_rms_epsilon");
        Ok(Self {
            vocabulary: embedding.shape[0],
            width,
            blocks: some("block_count")?,
            inner: some("feed_forward_length")?,
            heads,
            key_heads,
            head_width,
            epsilon: Some(metadata.number(&epsilon)?)
                .filter(|epsilon| (0.0..1.0).contains(epsilon))
                .ok_or_else(|| refused(&epsilon, "it is not from 0 to 1"))?,
        })
    }
}

/// Growth of the angles.
fn rotary(container: &mut Container, sizes: &Sizes) -> Result<Rotary> {
    let metadata = &container.metadata;
    let base = match metadata.get("llama.rope.freq_base") {
        None => 10_000.0,
        Some(_) => metadata.number("llama.rope.freq_base")?,
    };
    if !(1.0..=1e12).contains(&base) {
        return Err(refused("llama.rope.freq_base", "it is not from 1 to 10^12"));
    }
    let scaling = "llama.rope.scaling.type";
    let stretch = match metadata.get(scaling) {
        None => 1.0,
        Some(Value::Text(kind)) if kind == "none" => 1.0,
        Some(Value::Text(kind)) if kind == "linear" => metadata.number("llama.rope.scaling.factor")?,
        Some(_) => {
            return Err(refused(
                scaling,
                "`none` and `linear` are imported; take a model without long contexts",
            ));
        }
    };
    if !(1.0..=1e6).contains(&stretch) {
        return Err(refused("llama.rope.scaling.factor", "it is not from 1 to 10^6"));
    }
    let frequencies = sizes.head_width / 2;
    let mut factors = Vec::new();
    if let Some(tensor) = container.tensors.get(FACTORS).cloned() {
        if tensor.shape != [frequencies] {
            return Err(refused(
                FACTORS,
                format!("it has the shape {:?}, not [{frequencies}]", tensor.shape),
            ));
        }
        let mut numbers = Vec::new();
        tensor.kind.read(&container.bytes(FACTORS)?, &mut numbers);
        factors = numbers.into_iter().map(f64::from).collect();
        if !factors.iter().all(|factor| (1.0..=1e6).contains(factor)) {
            return Err(refused(FACTORS, "a factor is not from 1 to 10^6"));
        }
    }
    Ok(Rotary {
        base,
        stretch,
        factors,
        frequencies,
    })
}

/// The tensors of a file, and those that the model has taken.
struct Tensors<'c> {
    container: &'c Container,
    weights: Weights,
    is_quantised: bool,
    taken: BTreeSet<String>,
}

impl Tensors<'_> {
    fn model(&mut self, sizes: &Sizes) -> Result<Decoder> {
        let embedding = "token_embd.weight";
        let embedding = self.matrix(embedding, [sizes.vocabulary, sizes.width], RowOrder::AsStored)?;
        let blocks = (0..sizes.blocks).map(|index| self.block(sizes, &format!("blk.{index}")));
        let blocks = blocks.collect::<Result<Vec<_>>>()?;
        let last_norm = self.vector("output_norm.weight", sizes.width, RowOrder::AsStored)?;
        let head = match self.container.tensors.contains_key("output.weight") {
            true => self.linear("output", [sizes.vocabulary, sizes.width], RowOrder::AsStored)?,
            false => embedding.clone(),
        };
        Ok(Decoder {
            vocabulary: sizes.vocabulary,
            width: sizes.width,
            heads: sizes.heads,
            key_heads: sizes.key_heads,
            head_width: sizes.head_width,
            epsilon: sizes.epsilon,
            embedding,
            blocks,
            last_norm,
            head,
        })
    }

    fn block(&mut self, sizes: &Sizes, name: &str) -> Result<Block> {
        let of = |part: &str| format!("{name}.{part}");
        let rows = |heads: u32| {
            let rows = heads.checked_mul(sizes.head_width);
            rows.ok_or_else(|| refused(name, "its heads have more elements than can be counted"))
        };
        let (queries, keys) = (rows(sizes.heads)?, rows(sizes.key_heads)?);
        let (plain, paired) = (
            RowOrder::AsStored,
            RowOrder::Paired {
                width: sizes.head_width,
            },
        );
        Ok(Block {
            norms: [
                self.vector(&of("attn_norm.weight"), sizes.width, plain)?,
                self.vector(&of("ffn_norm.weight"), sizes.width, plain)?,
            ],
            projections: [
                self.linear(&of("attn_q"), [queries, sizes.width], paired)?,
                self.linear(&of("attn_k"), [keys, sizes.width], paired)?,
                self.linear(&of("attn_v"), [keys, sizes.width], plain)?,
            ],
            mixed: self.linear(&of("attn_output"), [sizes.width, queries], plain)?,
            gate: self.linear(&of("ffn_gate"), [sizes.inner, sizes.width], plain)?,
            up: self.linear(&of("ffn_up"), [sizes.inner, sizes.width], plain)?,
            down: self.linear(&of("ffn_down"), [sizes.width, sizes.inner], plain)?,
            name: name.to_owned(),
        })
    }

    fn check(&mut self, name: &str, shape: &[u32]) -> Result<()> {
        let tensor = self.container.tensor(name)?;
        if tensor.shape != shape {
            let reason = format!(
                "it has the shape {:?}, and the metadata asks for {shape:?}",
                tensor.shape
            );
            return Err(refused(name, reason));
        }
        self.taken.insert(name.to_owned());
        Ok(())
    }

    fn vector(&mut self, name: &str, length: u32, order: RowOrder) -> Result<String> {
        self.check(name, &[length])?;
        self.weights.add_numbers(name, &[length], order);
        Ok(name.to_owned())
    }

    fn matrix(&mut self, name: &str, shape: [u32; 2], order: RowOrder) -> Result<Matrix> {
        self.check(name, &shape)?;
        let mut format = None;
        if self.is_quantised {
            let kind = self.container.tensor(name)?.kind;
            format = Some(self.weights.add_integers(name, shape, order, kind));
        } else {
            self.weights.add_numbers(name, &shape, order);
        }
        Ok(Matrix {
            weight: name.to_owned(),
            format,
            bias: None,
        })
    }

    fn linear(&mut self, part: &str, shape: [u32; 2], order: RowOrder) -> Result<Matrix> {
        let (weight, bias) = (format!("{part}.weight"), format!("{part}.bias"));
        let mut matrix = self.matrix(&weight, shape, order)?;
        if self.container.tensors.contains_key(&bias) {
            matrix.bias = Some(self.vector(&bias, shape[0], order)?);
        }
        Ok(matrix)
    }
}
