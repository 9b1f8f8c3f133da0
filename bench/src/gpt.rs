//! The repository's GPT in libtorch's own operators, as PyTorch executes it: the baseline for the exact one.

use anyhow::{Result, ensure};
use std::collections::HashMap;
use tch::{Kind, Tensor};

const WIDTH: i64 = 64;
const HEADS: i64 = 4;
const HEAD: i64 = WIDTH / HEADS;
const LAYERS: i64 = 3;
const CONTEXT: i64 = 128;
const EPSILON: f64 = 1e-5;

/// Puts the new keys (0) or values (1) of a layer among those before them, and gives what attention sees.
type Store<'a> = dyn FnMut(i64, i64, Tensor) -> Tensor + 'a;

/// The network with its weights, in fp32.
pub struct Gpt {
    weights: HashMap<String, Tensor>,
}

impl Gpt {
    /// A network with these weights, by their names in the module.
    pub fn new(weights: HashMap<String, Tensor>) -> Result<Self> {
        let name = "blocks.2.narrow.weight";
        ensure!(weights.contains_key(name), "the package has no weight {name}");
        Ok(Self { weights })
    }

    /// Logits and cache of the network as it was exported: a whole cache comes in, and a whole cache goes out.
    pub fn exported(&self, tokens: &Tensor, position: &Tensor, cache: &Tensor) -> (Tensor, Tensor) {
        let count = tokens.size()[1];
        let range = |count: i64| Tensor::arange(count, (Kind::Int64, tokens.device()));
        let (place, slot) = (position + range(count), range(CONTEXT));
        let rotation = ["cosine", "sine"].map(|table| self.embed(table, &place).unsqueeze(1));
        let seen = slot.le_tensor(&place.unsqueeze(-1)).unsqueeze(1);
        let source = slot - position;
        let fresh = source.ge(0).logical_and(&source.lt(count));
        let index = source
            .where_self(&fresh, &Tensor::from(0i64))
            .unsqueeze(1)
            .unsqueeze(-1);
        let index = index.expand([-1, HEADS, -1, HEAD], false);
        let fresh = fresh.unsqueeze(1).unsqueeze(-1);
        let mut stored = Vec::new();
        let mut store = |layer: i64, part: i64, new: Tensor| {
            let old = cache.select(1, layer).select(1, part);
            stored.push(new.gather(2, &index, false).where_self(&fresh, &old));
            stored[stored.len() - 1].shallow_clone()
        };
        let logits = self.forward(tokens, &rotation, Some(&seen), false, &mut store);
        let layers: Vec<Tensor> = stored.chunks(2).map(|layer| Tensor::stack(layer, 1)).collect();
        (logits, Tensor::stack(&layers, 1))
    }

    /// Logits, for a cache that is written in place: what a program for this one purpose would do. All rows are at one
    /// position, which is 0, or there is a single new token.
    pub fn in_place(&self, tokens: &Tensor, position: i64, cache: &Tensor) -> Tensor {
        let count = tokens.size()[1];
        let rotation = ["cosine", "sine"].map(|table| self.weights[table].narrow(0, position, count));
        let mut store = |layer: i64, part: i64, new: Tensor| {
            let slots = cache.select(1, layer).select(1, part);
            slots.narrow(2, position, count).copy_(&new);
            slots.narrow(2, 0, position + count)
        };
        self.forward(tokens, &rotation, None, count > 1, &mut store)
    }

    fn forward(
        &self,
        tokens: &Tensor,
        rotation: &[Tensor; 2],
        seen: Option<&Tensor>,
        causal: bool,
        store: &mut Store<'_>,
    ) -> Tensor {
        let heads = |part: &Tensor| part.unflatten(-1, [HEADS, HEAD]).transpose(1, 2);
        let mut x = self.embed("bytes.weight", tokens);
        for layer in 0..LAYERS {
            let name = |part: &str| format!("blocks.{layer}.{part}.weight");
            let parts = self.linear(&name("projections"), &self.norm(&name("before_attention"), &x));
            let parts = parts.split(WIDTH, -1);
            let key = store(layer, 0, rotated(&heads(&parts[1]), rotation));
            let value = store(layer, 1, heads(&parts[2]));
            let query = rotated(&heads(&parts[0]), rotation);
            let mixed =
                Tensor::scaled_dot_product_attention(&query, &key, &value, seen, 0.0, causal, None::<f64>, false);
            x = &x + self.linear(&name("mixed"), &mixed.transpose(1, 2).flatten(2, -1));
            let inner = self.linear(&name("widen"), &self.norm(&name("before_inner"), &x));
            x = &x + self.linear(&name("narrow"), &inner.gelu("tanh"));
        }
        self.linear("bytes.weight", &self.norm("last.weight", &x))
    }

    fn embed(&self, table: &str, indices: &Tensor) -> Tensor {
        Tensor::embedding(&self.weights[table], indices, -1, false, false)
    }

    fn linear(&self, weight: &str, x: &Tensor) -> Tensor {
        x.linear(&self.weights[weight], None::<Tensor>)
    }

    fn norm(&self, weight: &str, x: &Tensor) -> Tensor {
        x.rms_norm([WIDTH], Some(&self.weights[weight]), EPSILON)
    }
}

/// Rotary position embedding: the two halves of each head are the two coordinates that are turned.
fn rotated(x: &Tensor, [cosine, sine]: &[Tensor; 2]) -> Tensor {
    let halves = x.chunk(2, -1);
    let (left, right) = (&halves[0], &halves[1]);
    Tensor::cat(&[left * cosine - right * sine, right * cosine + left * sine], -1)
}
