//! all-MiniLM-L6-v2 in libtorch's own operators, as PyTorch executes it: the baseline for the exact one.

use anyhow::{Result, ensure};
use std::collections::HashMap;
use tch::{Kind, Tensor};

const WIDTH: i64 = 384;
const HEADS: i64 = 12;
const LAYERS: usize = 6;
const EPSILON: f64 = 1e-12;

/// The network with its weights, of one kind of numbers.
pub struct MiniLm {
    weights: HashMap<String, Tensor>,
    kind: Kind,
}

impl MiniLm {
    /// A network with these weights, by their names in the module.
    pub fn new(weights: &HashMap<String, Tensor>, kind: Kind) -> Result<Self> {
        let name = "encoder.layer.5.output.LayerNorm.bias";
        ensure!(weights.contains_key(name), "the package has no weight {name}");
        let weights = weights
            .iter()
            .map(|(name, weight)| (name.clone(), weight.to_kind(kind)));
        Ok(Self {
            weights: weights.collect(),
            kind,
        })
    }

    fn linear(&self, name: &str, x: &Tensor) -> Tensor {
        let (weight, bias) = (
            &self.weights[&format!("{name}.weight")],
            &self.weights[&format!("{name}.bias")],
        );
        x.linear(weight, Some(bias))
    }

    fn norm(&self, name: &str, x: &Tensor) -> Tensor {
        let name = format!("{name}.LayerNorm");
        let (weight, bias) = (
            &self.weights[&format!("{name}.weight")],
            &self.weights[&format!("{name}.bias")],
        );
        x.layer_norm([WIDTH], Some(weight), Some(bias), EPSILON, true)
    }

    /// One embedding of length 1 for each row of tokens.
    pub fn embed(&self, tokens: &Tensor, mask: &Tensor) -> Tensor {
        let table = |name: &str| &self.weights[&format!("embeddings.{name}.weight")];
        let (batch, count) = (tokens.size()[0], tokens.size()[1]);
        let positions = Tensor::arange(count, (Kind::Int64, tokens.device()));
        let embed = |name: &str, indices: &Tensor| Tensor::embedding(table(name), indices, -1, false, false);
        let words = embed("word_embeddings", tokens) + table("token_type_embeddings").select(0, 0);
        let mut x = self.norm("embeddings", &(words + embed("position_embeddings", &positions)));
        let seen = mask.not_equal(0).unsqueeze(1).unsqueeze(1);
        let heads = |x: Tensor| x.view([batch, count, HEADS, WIDTH / HEADS]).transpose(1, 2);
        for layer in 0..LAYERS {
            let name = format!("encoder.layer.{layer}");
            let own = |part: &str| heads(self.linear(&format!("{name}.attention.self.{part}"), &x));
            let mixed = Tensor::scaled_dot_product_attention(
                &own("query"),
                &own("key"),
                &own("value"),
                Some(&seen),
                0.0,
                false,
                None::<f64>,
                false,
            );
            let mixed = mixed.transpose(1, 2).flatten(2, -1);
            let output = format!("{name}.attention.output");
            x = self.norm(&output, &(self.linear(&format!("{output}.dense"), &mixed) + &x));
            let inner = self.linear(&format!("{name}.intermediate.dense"), &x).gelu("none");
            let output = format!("{name}.output");
            x = self.norm(&output, &(self.linear(&format!("{output}.dense"), &inner) + &x));
        }
        let weight = mask.to_kind(self.kind).unsqueeze(-1);
        let total = (x * &weight).sum_dim_intlist([1i64].as_slice(), false, self.kind);
        let mean = total
            / weight
                .sum_dim_intlist([1i64].as_slice(), false, self.kind)
                .clamp_min(1e-9);
        let norm = mean.norm_scalaropt_dim(2.0, [1i64].as_slice(), true).clamp_min(1e-12);
        (mean / norm).to_kind(Kind::Float)
    }
}
