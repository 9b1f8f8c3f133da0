//! Whole models: all-MiniLM-L6-v2 from its packages, against the same network in libtorch.

use crate::{measure::in_turns, minilm::MiniLm, report::Report};
use anyhow::{Context, Result};
use assay_worker::{
    engine::{CpuEngine, Engine, LoadedModel},
    package::Package,
    tensor::{DataType, Tensor},
};
use std::{collections::HashMap, num::NonZeroUsize, path::Path};
use tch::Kind;

/// Sentences at once, and tokens of each.
const SIZES: [[u32; 2]; 6] = [[1, 16], [1, 128], [8, 16], [8, 128], [32, 16], [32, 128]];

/// Measures the model if `make models` has made its packages.
pub fn minilm(report: &mut Report, threads: NonZeroUsize, models: &Path) -> Result<()> {
    let folders = ["package-int8", "package"].map(|name| models.join("all-minilm-l6-v2").join(name));
    if let Some(missing) = folders.iter().find(|folder| !folder.is_dir()) {
        println!("there is no {}; `make models` makes it", missing.display());
        return Ok(());
    }
    let engine = CpuEngine::new(threads)?;
    let packages = [load(&folders[0])?, load(&folders[1])?];
    let [int8, int16] = [engine.load(&packages[0])?, engine.load(&packages[1])?];
    let weights = weights(&packages[1]);
    let (fp32, bf16) = (
        MiniLm::new(&weights, Kind::Float)?,
        MiniLm::new(&weights, Kind::BFloat16)?,
    );
    for [batch, count] in SIZES {
        let job = job(batch, count)?;
        let [tokens, mask] = [to_torch(&job[0]), to_torch(&job[1])];
        let reference = fp32.embed(&tokens, &mask);
        let run = |model: &LoadedModel| model.run(&job).map(|outputs| to_torch(&outputs[0]));
        let cosines = [run(&int8)?, run(&int16)?, bf16.embed(&tokens, &mask)].map(|output| cosine(&output, &reference));
        let mut ways: [&mut dyn FnMut(); 4] = [
            &mut || drop(run(&int8)),
            &mut || drop(run(&int16)),
            &mut || drop(fp32.embed(&tokens, &mask)),
            &mut || drop(bf16.embed(&tokens, &mask)),
        ];
        let [int8_ms, int16_ms, fp32_ms, bf16_ms] = in_turns(ways.each_mut().map(|way| &mut **way));
        for (name, milliseconds, cosine) in [("int8", int8_ms, cosines[0]), ("int16", int16_ms, cosines[1])] {
            let name = format!("MiniLM {batch} x {count}, exact {name}, cosine {cosine:.7}");
            let bf16 = format!("libtorch bf16, cosine {:.5}", cosines[2]);
            report.add_times(&name, milliseconds, &[("libtorch fp32", fp32_ms), (&bf16, bf16_ms)]);
        }
    }
    Ok(())
}

fn load(folder: &Path) -> Result<Package> {
    Package::load(folder).with_context(|| format!("cannot load {}", folder.display()))
}

/// The package's weights by their names in the module.
fn weights(package: &Package) -> HashMap<String, tch::Tensor> {
    let names = package.graph().graph().weights.iter().map(|weight| weight.name.clone());
    names.zip(package.weights().iter().map(to_torch)).collect()
}

/// Random words, all of them seen.
fn job(batch: u32, count: u32) -> Result<Vec<Tensor>> {
    // A multiplicative hash of the position (Knuth), among the words that are no marks.
    let tokens = (0..batch * count).map(|i| 1_000 + (i.wrapping_mul(2_654_435_761) >> 8) % 28_000);
    let tokens = tokens.flat_map(|token| i64::from(token).to_le_bytes()).collect();
    let mask = (0..batch * count).flat_map(|_| 1i64.to_le_bytes()).collect();
    let tensor = |bytes| Tensor::new(DataType::Int64, vec![batch, count], bytes);
    Ok(vec![tensor(tokens)?, tensor(mask)?])
}

fn to_torch(tensor: &Tensor) -> tch::Tensor {
    let kind = match tensor.dtype() {
        DataType::Float32 => Kind::Float,
        DataType::Int64 => Kind::Int64,
        DataType::Int32 => Kind::Int,
        DataType::Int8 => Kind::Int8,
        DataType::Uint8 => Kind::Uint8,
        DataType::Bool => Kind::Bool,
    };
    let shape: Vec<i64> = tensor.shape().iter().map(|n| i64::from(*n)).collect();
    tch::Tensor::from_data_size(tensor.bytes(), &shape, kind)
}

/// The least cosine of two rows.
fn cosine(a: &tch::Tensor, b: &tch::Tensor) -> f64 {
    tch::Tensor::cosine_similarity(&a.to_kind(Kind::Double), &b.to_kind(Kind::Double), 1, 1e-12)
        .min()
        .double_value(&[])
}
