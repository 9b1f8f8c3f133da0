//! Recordings as inputs, for models whose package has a `sound.toml`.
//!
//! ```toml
//! input = "samples"       # float32 [batch, samples], with the batch or without
//! rate = 16000            # samples a second
//!
//! [carried]               # outputs that are inputs of the next step
//! output_1 = "context"
//! ```
//!
//! A recording is cut into steps of as many samples as the input has, and the last is filled up with silence.
//! Where that number is dynamic, a recording is one step. A model that carries nothing takes the steps as jobs of their
//! own. The other one takes them one after the other, and what is carried is zero at the first.

use crate::{MediaError, name, read, rule};
use assay_exact::{
    digest::tensor_size_bytes,
    graph::{CheckedGraph, Dimension, Input},
};
use assay_ops::tensor::{DataType, Tensor};
use assay_package::Package;
use assay_text::inputs::JobInput;
use hound::{SampleFormat, WavReader};
use serde::Deserialize;
use std::{collections::BTreeMap, io::Cursor, path::Path};

/// Name of the asset that says how recordings become inputs.
pub const SOUND_FILE: &str = "sound.toml";
const WHAT: &str = "WAV recording";

/// Content of the asset.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SoundRule {
    input: String,
    rate: u32,
    #[serde(default)]
    carried: BTreeMap<String, String>,
}

/// An output that is an input of the next step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Carried {
    /// Index of the output.
    pub output: usize,
    /// Index of the input.
    pub input: usize,
}

/// Steps of a recording.
#[derive(Clone, Debug)]
pub struct Steps {
    /// The inputs of each step, as if it were the first, in the order of time. There is at least one.
    pub inputs: Vec<JobInput>,
    /// Tensors that each step takes from the one before it; empty for a model whose steps are independent.
    pub carried: Vec<Carried>,
}

/// Cuts a WAV file into steps for the package's model. Channels are averaged.
pub fn from_recording(path: &Path, package: &Package) -> Result<Steps, MediaError> {
    let rule: SoundRule = rule(package, SOUND_FILE, "recordings")?;
    let graph = package.graph();
    let (index, input) = rule.input(graph)?;
    let carried = rule.carried(graph)?;
    let others = (0..graph.graph().inputs.len()).filter(|other| *other != index);
    if !others
        .clone()
        .all(|other| carried.iter().any(|carried| carried.input == other))
    {
        return Err(refusal("an input of the model is neither `input` nor `carried`"));
    }
    let samples = samples(path, rule.rate)?;
    let step = match input.dimensions.last() {
        Some(Dimension::Fixed(step)) if *step > 0 => *step as usize,
        _ => samples.len(),
    };
    let name = name(path);
    let several = samples.len() > step;
    let inputs = samples.chunks(step).enumerate().map(|(number, chunk)| {
        let mut bytes: Vec<u8> = chunk.iter().flat_map(|sample| sample.to_le_bytes()).collect();
        bytes.resize(step * 4, 0);
        let tensor = |(other, input): (usize, &Input)| match other == index {
            true => filled(input, std::mem::take(&mut bytes)),
            false => filled(input, vec![]),
        };
        let tensors = graph
            .graph()
            .inputs
            .iter()
            .enumerate()
            .map(tensor)
            .collect::<Option<Vec<_>>>();
        let tensors =
            tensors.ok_or_else(|| refusal("an input of the model has a shape that a recording does not give"))?;
        let shapes: Vec<_> = tensors.iter().map(|tensor| (tensor.dtype(), tensor.shape())).collect();
        let name = if several {
            format!("{name}#{number}")
        } else {
            name.clone()
        };
        match graph.bind(&shapes) {
            Ok(_) => Ok(JobInput {
                name,
                tensors,
                label: None,
            }),
            Err(error) => Err(MediaError::Unfit { name, error }),
        }
    });
    Ok(Steps {
        inputs: inputs.collect::<Result<_, _>>()?,
        carried,
    })
}

fn refusal(reason: impl Into<String>) -> MediaError {
    MediaError::Rule {
        asset: SOUND_FILE,
        reason: reason.into(),
    }
}

impl SoundRule {
    /// The input that takes the samples.
    fn input<'g>(&self, graph: &'g CheckedGraph) -> Result<(usize, &'g Input), MediaError> {
        let mut inputs = graph.graph().inputs.iter().enumerate();
        let input = inputs.find(|(_, input)| input.name == self.input);
        let input = input.ok_or_else(|| refusal(format!("the model has no input `{}`", self.input)))?;
        match input.1.dtype == DataType::Float32 && (1..=2).contains(&input.1.dimensions.len()) {
            true => Ok(input),
            false => Err(refusal(format!("`{}` must be float32 [batch, samples]", self.input))),
        }
    }

    fn carried(&self, graph: &CheckedGraph) -> Result<Vec<Carried>, MediaError> {
        let graph = graph.graph();
        let carried = self.carried.iter().map(|(output, input)| {
            let none = |what: &str, name: &str| refusal(format!("the model has no {what} `{name}`"));
            let from = graph.outputs.iter().position(|other| other.name == *output);
            let to = graph.inputs.iter().position(|other| other.name == *input);
            Ok(Carried {
                output: from.ok_or_else(|| none("output", output))?,
                input: to.ok_or_else(|| none("input", input))?,
            })
        });
        let carried = carried.collect::<Result<Vec<_>, _>>()?;
        let is_samples = |carried: &Carried| graph.inputs.get(carried.input).is_some_and(|i| i.name == self.input);
        match carried.iter().any(is_samples) {
            true => Err(refusal(format!(
                "`{}` takes the samples, and nothing that is carried",
                self.input
            ))),
            false => Ok(carried),
        }
    }
}

/// The tensor of one row for an input: of these bytes, or of zeros where there are none.
fn filled(input: &Input, bytes: Vec<u8>) -> Option<Tensor> {
    let last = input.dimensions.len().checked_sub(1)?;
    let elements = (bytes.len() / 4) as u32;
    let dimension = |(place, dimension): (usize, &Dimension)| match dimension {
        Dimension::Fixed(elements) => Some(*elements),
        Dimension::Symbol(_) if place == 0 && last > 0 => Some(1),
        Dimension::Symbol(_) if place == last && elements > 0 => Some(elements),
        Dimension::Symbol(_) | Dimension::Computed(_) => None,
    };
    let shape = input
        .dimensions
        .iter()
        .enumerate()
        .map(dimension)
        .collect::<Option<Vec<_>>>()?;
    let bytes = match bytes.is_empty() {
        true => vec![0; usize::try_from(tensor_size_bytes(input.dtype, &shape)?).ok()?],
        false => bytes,
    };
    Tensor::new(input.dtype, shape, bytes).ok()
}

/// The samples of a file from -1 to 1; there is at least one.
fn samples(path: &Path, rate: u32) -> Result<Vec<f32>, MediaError> {
    let invalid = |reason: String| MediaError::Invalid {
        path: path.to_owned(),
        what: WHAT,
        reason,
    };
    let mut reader = WavReader::new(Cursor::new(read(path)?)).map_err(|error| invalid(error.to_string()))?;
    let spec = reader.spec();
    if spec.sample_rate != rate {
        return Err(MediaError::Rate {
            path: path.to_owned(),
            expected: rate,
            actual: spec.sample_rate,
        });
    }
    let samples: Result<Vec<f32>, hound::Error> = match spec.sample_format {
        SampleFormat::Float => reader.samples::<f32>().collect(),
        SampleFormat::Int => {
            // From 8 to 32 bits, so a power of two that is exact in binary32.
            let greatest = (2.0_f32).powi(i32::from(spec.bits_per_sample.clamp(1, 32)) - 1);
            reader
                .samples::<i32>()
                .map(|sample| Ok(sample? as f32 / greatest))
                .collect()
        }
    };
    let samples = samples.map_err(|error| invalid(error.to_string()))?;
    let channels = usize::from(spec.channels).max(1);
    let mean = |frame: &[f32]| frame.iter().sum::<f32>() / channels as f32;
    let samples: Vec<f32> = samples.chunks_exact(channels).map(mean).collect();
    match samples.iter().all(|sample| sample.is_finite()) {
        _ if samples.is_empty() => Err(invalid("it has no samples".to_owned())),
        true => Ok(samples),
        false => Err(invalid("a sample is no number".to_owned())),
    }
}
