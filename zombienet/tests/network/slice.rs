//! The model whose proof is as large as a proof may be: one element depends on two rows of 64 KiB.

use anyhow::Context;
use assay_client::{
    chain::JobRequest,
    request::{find_model, terms::Terms},
};
use assay_client::{registration::register, request::prepare_all};
use assay_e2e::{Network as Assay, jobs::PACKAGE};
use assay_exact::{
    graph::{Dimension, Graph, Input, Node, Operator, Output, Value, Weight},
    quantise::Precision,
};
use assay_ops::tensor::{DataType, Tensor};
use assay_package::{Details, Package};
use assay_text::inputs::JobInput;
use std::path::PathBuf;

/// Elements of a row of 64 KiB, less one so that rows begin within chunks.
const ROW: u32 = 16_383;
/// Elements of the output.
const OUTPUTS: u32 = 5;
/// Bytes of the two rows.
pub const OPERAND_BYTES: usize = 2 * 4 * ROW as usize;

/// The model, registered and in a folder of its own, and a job on it.
pub struct Slice {
    /// The folder in which its package is.
    pub models_dir: PathBuf,
    /// The job.
    pub request: JobRequest,
}

impl Slice {
    /// Makes the package and registers it in Alice's name.
    pub async fn register(assay: &Assay, terms: &Terms) -> anyhow::Result<Self> {
        let models_dir = assay.folder().join("slice");
        let package = package()?;
        package.save(&models_dir.join(PACKAGE))?;
        let version = register(&assay.account("Alice")?, &package, None).await?;
        let model = find_model(&assay.client().finalized().await?, &version.to_string()).await?;
        let input = JobInput {
            name: "noise".into(),
            tensors: vec![noise(1, vec![1, ROW])?],
            label: None,
        };
        let mut jobs = prepare_all(&[input], &package, &model, terms)?;
        Ok(Self {
            models_dir,
            request: jobs.pop().context("one input makes one job")?.request,
        })
    }
}

fn package() -> anyhow::Result<Package> {
    let weights = vec![noise(2, vec![OUTPUTS, ROW])?, noise(3, vec![OUTPUTS])?];
    let dimensions = vec![Dimension::Fixed(1), Dimension::Fixed(ROW)];
    let graph = Graph {
        symbols: Vec::new(),
        inputs: vec![Input {
            name: "noise".into(),
            dtype: DataType::Float32,
            dimensions,
            range: None,
        }],
        weights: ["matrix", "bias"]
            .iter()
            .zip(&weights)
            .map(|(name, tensor)| Weight {
                name: (*name).into(),
                dtype: tensor.dtype(),
                shape: tensor.shape().to_vec(),
            })
            .collect(),
        nodes: vec![Node {
            name: "linear".into(),
            operator: Operator::Linear {
                precision: Precision::Int16,
            },
            inputs: vec![Value::Input(0), Value::Weight(0), Value::Weight(1)],
            source: String::new(),
        }],
        outputs: vec![Output {
            name: "output_0".into(),
            value: Value::Node(0),
        }],
    };
    let details = Details {
        name: "largest-slice".into(),
        version: "1.0.0".into(),
        licence: "Apache-2.0".into(),
        description: "One linear operator over rows of 64 KiB".into(),
    };
    Ok(Package::new(
        details,
        Precision::Int16,
        graph.check()?,
        weights,
        Vec::new(),
    )?)
}

/// Numbers in [-1, 1) that cannot be compressed.
fn noise(seed: u64, shape: Vec<u32>) -> anyhow::Result<Tensor> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut number = || {
        // Xorshift.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        ((state >> 40) as f32 / (1 << 23) as f32 - 1.0).to_le_bytes()
    };
    let bytes = (0..shape.iter().product()).flat_map(|_| number()).collect();
    Ok(Tensor::new(DataType::Float32, shape, bytes)?)
}
