//! Whole models against the same networks elsewhere: all-MiniLM-L6-v2 from its packages, and the GPT of the repository.

use crate::{
    baselines::{Baselines, Job},
    gpt::Gpt,
    measure::{Timed, in_turns, timed, timed_in_turns},
    minilm::MiniLm,
    report::{Baseline, Report},
};
use anyhow::{Context, Result, ensure};
use assay_engine::{CpuEngine, CudaEngine, Engine, LoadedModel};
use assay_exact::quantise::Precision;
use assay_import::{ImportOptions, import};
use assay_ops::tensor::{DataType, Tensor};
use assay_package::{Details, Package};
use std::{cell::RefCell, collections::HashMap, num::NonZeroUsize, path::Path};
use tch::Kind;

/// Sentences at once, and tokens of each.
const SIZES: [[u32; 2]; 6] = [[1, 16], [1, 128], [8, 16], [8, 128], [32, 16], [32, 128]];
/// Stories that the GPT goes on with at once.
const STORIES: [u32; 2] = [1, 8];
/// Tokens that a cache of the GPT has room for.
const CONTEXT: u32 = 128;
/// Tokens in the cache when the GPT's next one is measured.
const BEFORE: u32 = 64;

/// Where models are measured: an engine, and libtorch's device.
pub struct Place {
    engine: Box<dyn Engine>,
    device: tch::Device,
    threads: NonZeroUsize,
}

impl Place {
    /// The processor, or a GPU.
    pub fn new(threads: NonZeroUsize, gpu: Option<usize>) -> Result<Self> {
        let engine: Box<dyn Engine> = match gpu {
            None => Box::new(CpuEngine::new(threads)?),
            Some(index) => Box::new(CudaEngine::new(index)?),
        };
        let device = gpu.map_or(tch::Device::Cpu, tch::Device::Cuda);
        ensure!(
            gpu.is_none() || tch::Cuda::is_available(),
            "this program is linked to a libtorch without CUDA; build it with LIBTORCH or LIBTORCH_USE_PYTORCH naming one that has it"
        );
        println!("{}", engine.description());
        Ok(Self {
            engine,
            device,
            threads,
        })
    }

    /// Number of threads with which everything is measured.
    pub fn threads(&self) -> NonZeroUsize {
        self.threads
    }

    /// Whether the device is the processor.
    pub fn is_processor(&self) -> bool {
        self.device == tch::Device::Cpu
    }

    /// The engine that is measured.
    pub fn engine(&self) -> &dyn Engine {
        self.engine.as_ref()
    }

    /// A tensor where libtorch computes.
    fn torch(&self, tensor: &Tensor) -> tch::Tensor {
        to_torch(tensor).to_device(self.device)
    }

    /// A network's weights where libtorch computes.
    fn weights(&self, package: &Package) -> HashMap<String, tch::Tensor> {
        let weights = weights(package).into_iter();
        weights
            .map(|(name, weight)| (name, weight.to_device(self.device)))
            .collect()
    }

    /// Waits until libtorch is done: a GPU is asked, and goes on by itself.
    fn finish(&self) {
        if let tch::Device::Cuda(index) = self.device {
            tch::Cuda::synchronize(index as i64);
        }
    }
}

/// Packages of MiniLM, in the order in which they are measured. The last one has the weights as they are.
const PRECISIONS: [(&str, &str); 3] = [
    ("int8", "package-int8"),
    ("int16int8", "package-int16int8"),
    ("int16", "package"),
];

/// All that executes MiniLM.
struct Compared<'a> {
    place: &'a Place,
    /// Those of [`PRECISIONS`].
    exact: Vec<LoadedModel>,
    fp32: MiniLm,
    bf16: MiniLm,
    /// ONNX Runtime and OpenVINO, if they are there.
    others: Option<RefCell<Baselines>>,
}

/// Measures MiniLM if `make models` has made its packages.
pub fn minilm(report: &mut Report, place: &Place, models: &Path) -> Result<()> {
    let folders = PRECISIONS.map(|(_, name)| models.join("all-minilm-l6-v2").join(name));
    if let Some(missing) = folders.iter().find(|folder| !folder.is_dir()) {
        println!("there is no {}; `make models` makes it", missing.display());
        return Ok(());
    }
    let packages = folders.iter().map(|folder| load(folder)).collect::<Result<Vec<_>>>()?;
    let (Some(folder), Some(plain)) = (folders.last(), packages.last()) else {
        return Ok(());
    };
    let weights = place.weights(plain);
    let others = match place.device {
        tch::Device::Cpu => Baselines::start(place.threads, &folder.join("weights.safetensors"))?,
        _ => None,
    };
    let exact = packages.iter().map(|package| place.engine.load(package));
    let compared = Compared {
        place,
        exact: exact.collect::<Result<_, _>>()?,
        fp32: MiniLm::new(&weights, Kind::Float)?,
        bf16: MiniLm::new(&weights, Kind::BFloat16)?,
        others: others.map(RefCell::new),
    };
    SIZES.iter().try_for_each(|size| compared.measure(report, *size))
}

impl Compared<'_> {
    fn measure(&self, report: &mut Report, [batch, count]: [u32; 2]) -> Result<()> {
        let job = sentences(batch, count)?;
        let [tokens, mask] = [self.place.torch(&job[0]), self.place.torch(&job[1])];
        let embed = |network: &MiniLm| {
            let embeddings = network.embed(&tokens, &mask);
            self.place.finish();
            embeddings
        };
        let on_processor = |embeddings: tch::Tensor| embeddings.to_device(tch::Device::Cpu);
        let reference = on_processor(embed(&self.fp32));
        let run = |model: &LoadedModel| model.run(&job).map(|outputs| to_torch(&outputs[0]));
        let run = &run;
        let cosines = self.exact.iter().map(|model| Ok(cosine(&run(model)?, &reference)));
        let cosines = cosines.collect::<Result<Vec<f64>>>()?;
        let plain = self.exact.last().context("no package is measured")?;
        let mut ways: Vec<Timed<'_>> = Vec::new();
        for model in &self.exact {
            ways.push(timed(move || drop(run(model))));
        }
        ways.push(timed(|| drop(plain.trace_digests(&job))));
        ways.push(timed(|| drop(embed(&self.fp32))));
        ways.push(timed(|| drop(embed(&self.bf16))));
        let bf16 = cosine(&on_processor(embed(&self.bf16)), &reference);
        let mut baselines = vec![("libtorch fp32".to_owned(), 1.0), ("libtorch bf16".to_owned(), bf16)];
        if let Some(others) = &self.others {
            let [tokens, mask] = [&tokens, &mask].map(Vec::<Vec<i64>>::try_from);
            let job = Job {
                tokens: tokens?,
                mask: mask?,
            };
            let outputs = others.borrow_mut().embed(&job)?;
            for (way, (name, output)) in others.borrow().names.iter().zip(&outputs).enumerate() {
                let cosine = cosine(&tch::Tensor::from_slice2(output), &reference);
                baselines.push((name.clone(), cosine));
                ways.push(Box::new(move || others.borrow_mut().run(way).unwrap_or(f64::NAN)));
            }
        }
        let times = timed_in_turns(ways);
        ensure!(times.iter().all(|time| time.is_finite()), "a baseline has ended");
        let (exact_times, others) = times.split_at(self.exact.len());
        let (traced, baseline_times) = others.split_first().context("nothing was measured")?;
        let baselines = baselines.into_iter().zip(baseline_times);
        let baselines = baselines.map(|((name, cosine), milliseconds)| Baseline {
            name,
            milliseconds: *milliseconds,
            cosine: Some(cosine),
        });
        let baselines: Vec<Baseline> = baselines.collect();
        for (((name, _), milliseconds), cosine) in PRECISIONS.iter().zip(exact_times).zip(cosines) {
            let name = format!("minilm {batch}x{count} {name}");
            report.add_compared(&name, (*milliseconds, Some(cosine)), &baselines);
        }
        let run = exact_times.last().copied().unwrap_or(f64::NAN);
        let name = format!("minilm {batch}x{count} int16, trace with its digests");
        report.add_times(&name, *traced, &[("a run without", run)]);
        Ok(())
    }
}

/// Measures the GPT: a prefill of the whole context, and one further token after half of it.
pub fn gpt(report: &mut Report, place: &Place, models: &Path) -> Result<()> {
    let [int8, int16] = [Precision::Int8, Precision::Int16].map(|precision| import_gpt(models, precision));
    let (int8, int16) = (int8?, int16?);
    let fp32 = Gpt::new(place.weights(&int16))?;
    let [int8, int16] = [place.engine.load(&int8)?, place.engine.load(&int16)?];
    for batch in STORIES {
        let empty = step(batch, 0..CONTEXT, None)?;
        compare_steps(
            report,
            place,
            &format!("prefill of {batch} x {CONTEXT}"),
            [&int8, &int16],
            &fp32,
            &empty,
        )?;
        let cache = int16.run(&step(batch, 0..BEFORE, None)?)?.pop();
        let next = step(batch, BEFORE..BEFORE + 1, cache)?;
        compare_steps(
            report,
            place,
            &format!("decode of {batch} x 1 after {BEFORE}"),
            [&int8, &int16],
            &fp32,
            &next,
        )?;
    }
    Ok(())
}

/// Measures one step of the GPT.
fn compare_steps(
    report: &mut Report,
    on: &Place,
    what: &str,
    [int8, int16]: [&LoadedModel; 2],
    fp32: &Gpt,
    step: &[Tensor],
) -> Result<()> {
    let [tokens, position, cache] = [0, 1, 2].map(|input| on.torch(&step[input]));
    let own_cache = cache.copy();
    let place = position.int64_value(&[0, 0]);
    let rows = |logits: &tch::Tensor| logits.flatten(0, 1).to_device(tch::Device::Cpu);
    let reference = rows(&fp32.exported(&tokens, &position, &cache).0);
    let agreement = cosine(&rows(&fp32.in_place(&tokens, place, &own_cache)), &reference);
    ensure!(
        agreement > 0.99999,
        "the two ways through libtorch agree only to {agreement}"
    );
    let run = |model: &LoadedModel| model.run(step).map(|outputs| to_torch(&outputs[0]));
    let exact = [run(int8)?, run(int16)?].map(|logits| cosine(&rows(&logits), &reference));
    // Without the copy for libtorch, whose threads look for more to copy for a while, on the processors that are
    // measured.
    let times = in_turns([
        &mut || drop(int8.run(step)),
        &mut || drop(int16.run(step)),
        &mut || {
            drop(fp32.exported(&tokens, &position, &cache));
            on.finish();
        },
        &mut || {
            drop(fp32.in_place(&tokens, place, &own_cache));
            on.finish();
        },
    ]);
    let baselines = [("libtorch fp32", times[2]), ("libtorch fp32, cache in place", times[3])];
    for (name, milliseconds, cosine) in [("int8", times[0], exact[0]), ("int16", times[1], exact[1])] {
        let name = format!("GPT, {what}, exact {name}, cosine {cosine:.7}");
        report.add_times(&name, milliseconds, &baselines);
    }
    Ok(())
}

/// The package in a folder.
pub fn load(folder: &Path) -> Result<Package> {
    Package::load(folder).with_context(|| format!("cannot load {}", folder.display()))
}

/// The GPT as its committed package has it, and in the other precision.
fn import_gpt(models: &Path, precision: Precision) -> Result<Package> {
    let details = Details {
        name: "gpt".to_owned(),
        version: "1.0.0".to_owned(),
        licence: "Apache-2.0".to_owned(),
        description: String::new(),
    };
    let options = ImportOptions {
        details,
        precision,
        weights: None,
        assets: Vec::new(),
    };
    let path = models.join("gpt/gpt.pt2");
    import(&path, options).with_context(|| format!("cannot import {}", path.display()))
}

/// The package's weights by their names in the module.
fn weights(package: &Package) -> HashMap<String, tch::Tensor> {
    let names = package.graph().graph().weights.iter().map(|weight| weight.name.clone());
    names.zip(package.weights().iter().map(to_torch)).collect()
}

/// Random words, all of them seen.
fn sentences(batch: u32, count: u32) -> Result<Vec<Tensor>> {
    // A multiplicative hash of the position (Knuth), among the words that are no marks.
    let tokens = (0..batch * count).map(|i| 1_000 + (i.wrapping_mul(2_654_435_761) >> 8) % 28_000);
    let mask = integers(vec![batch, count], (0..batch * count).map(|_| 1))?;
    Ok(vec![integers(vec![batch, count], tokens.map(i64::from))?, mask])
}

/// Inputs that the GPT takes for these places of a story, the same in each row, with the cache of those before.
fn step(batch: u32, places: std::ops::Range<u32>, cache: Option<Tensor>) -> Result<Vec<Tensor>> {
    let story = b"Ada has six drums and gets eight more. Now Ada has fourteen drums.\n";
    let bytes = |place: u32| i64::from(story[place as usize % story.len()]);
    let tokens = (0..batch).flat_map(|_| places.clone().map(bytes));
    let tokens = integers(vec![batch, places.len() as u32], tokens)?;
    let position = integers(vec![batch, 1], (0..batch).map(|_| i64::from(places.start)))?;
    let cache = match cache {
        Some(cache) => cache,
        None => {
            let shape = vec![batch, 3, 2, 4, CONTEXT, 16];
            let bytes = shape.iter().product::<u32>() as usize * 4;
            Tensor::new(DataType::Float32, shape, vec![0; bytes])?
        }
    };
    Ok(vec![tokens, position, cache])
}

fn integers(shape: Vec<u32>, values: impl Iterator<Item = i64>) -> Result<Tensor> {
    let bytes = values.flat_map(i64::to_le_bytes).collect();
    Ok(Tensor::new(DataType::Int64, shape, bytes)?)
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
