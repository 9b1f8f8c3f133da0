//! Pictures as inputs, for models whose package has an `image.toml`: each picture is a job.
//!
//! ```toml
//! input = "pixels"               # the model's only input
//! keep = 0.875                   # part of the sides that is kept, in the middle; all of it without this
//! pad = 127                      # instead of `keep`: the whole picture, and this level right of it
//! order = "rgb"                  # or "bgr"
//! mean = [0.485, 0.456, 0.406]   # for a float32 input, of levels from 0 to 1: (level - mean) / deviation
//! deviation = [0.229, 0.224, 0.225]
//! ```
//!
//! Size and layout are the input's: `[batch, height, width, 3]` or `[batch, 3, height, width]`, with the batch or
//! without. A `uint8` input takes levels as they are. The largest part of the picture that has the form of the input is
//! resized. Where the width is dynamic, the whole picture is, at the input's height and as wide as it is then.

use crate::{
    MediaError, name,
    picture::{CHANNELS, Picture},
    resize::{Part, resize},
    rule,
};
use assay_exact::graph::{CheckedGraph, Dimension, Input};
use assay_ops::tensor::{DataType, Tensor};
use assay_package::Package;
use assay_text::inputs::JobInput;
use serde::Deserialize;
use std::path::Path;

/// Name of the asset that says how pictures become inputs.
pub const IMAGE_FILE: &str = "image.toml";

/// Content of the asset.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ImageRule {
    input: String,
    #[serde(default = "all")]
    keep: f64,
    pad: Option<u8>,
    #[serde(default)]
    order: Order,
    mean: Option<[f32; CHANNELS]>,
    deviation: Option<[f32; CHANNELS]>,
}

fn all() -> f64 {
    1.0
}

/// Order of the colours, as the model takes them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Order {
    #[default]
    Rgb,
    Bgr,
}

/// Layout of the model's input.
struct Layout {
    dtype: DataType,
    has_batch: bool,
    has_channels_last: bool,
    height: usize,
    width: Width,
}

enum Width {
    Fixed(usize),
    /// The minimum and the maximum.
    Dynamic(usize, usize),
}

/// Makes each picture a job for the package's model.
pub fn from_pictures<'a>(
    paths: impl IntoIterator<Item = &'a Path>,
    package: &Package,
) -> Result<Vec<JobInput>, MediaError> {
    let rule: ImageRule = rule(package, IMAGE_FILE, "pictures")?;
    let layout = rule.layout(package.graph())?;
    let job = |path: &Path| {
        let tensor = rule.tensor(&layout, &Picture::read(path)?)?;
        let name = name(path);
        let bound = package.graph().bind(&[(tensor.dtype(), tensor.shape())]);
        bound.map_err(|error| MediaError::Unfit {
            name: name.clone(),
            error,
        })?;
        Ok(JobInput {
            name,
            tensors: vec![tensor],
            label: None,
        })
    };
    paths.into_iter().map(job).collect()
}

fn refusal(reason: impl Into<String>) -> MediaError {
    MediaError::Rule {
        asset: IMAGE_FILE,
        reason: reason.into(),
    }
}

impl ImageRule {
    /// Checks the fields, and the model's input against them.
    fn layout(&self, graph: &CheckedGraph) -> Result<Layout, MediaError> {
        let graph = graph.graph();
        let [input] = graph.inputs.as_slice() else {
            return Err(refusal("the model takes more than one tensor"));
        };
        if input.name != self.input {
            return Err(refusal(format!("the model has no input `{}`", self.input)));
        }
        if !(self.keep > 0.0 && self.keep <= 1.0) {
            return Err(refusal("`keep` must be above 0 and at most 1"));
        }
        if self.pad.is_some() && self.keep < 1.0 {
            return Err(refusal("`keep` and `pad` exclude each other"));
        }
        match input.dtype {
            DataType::Float32 => {}
            DataType::Uint8 if self.mean.is_none() && self.deviation.is_none() => {}
            DataType::Uint8 => return Err(refusal("`mean` and `deviation` are for an input of float32")),
            _ => return Err(refusal("the model's input must be of uint8 or float32")),
        }
        let is_plain = |number: &f32| number.is_finite() && *number > 0.0;
        if self.deviation.is_some_and(|deviation| !deviation.iter().all(is_plain)) {
            return Err(refusal("`deviation` must be three numbers above 0"));
        }
        let layout = layout(input, |symbol| {
            let range = graph.symbols.get(usize::from(symbol))?;
            Some((range.min as usize, range.max as usize))
        });
        layout.ok_or_else(|| {
            refusal("the model's input must have the shape [batch, height, width, 3] or [batch, 3, height, width]")
        })
    }

    fn tensor(&self, layout: &Layout, picture: &Picture) -> Result<Tensor, MediaError> {
        let resized = self.resized(layout, picture);
        let (width, height) = (resized.width, resized.height);
        let channels: [usize; CHANNELS] = match self.order {
            Order::Rgb => [0, 1, 2],
            Order::Bgr => [2, 1, 0],
        };
        let pixels = width * height;
        let places: Vec<(usize, usize)> = if layout.has_channels_last {
            let pixel = |pixel: usize| {
                channels
                    .iter()
                    .enumerate()
                    .map(move |(place, channel)| (place, pixel * CHANNELS + channel))
            };
            (0..pixels).flat_map(pixel).collect()
        } else {
            let plane =
                |(place, channel): (usize, usize)| (0..pixels).map(move |pixel| (place, pixel * CHANNELS + channel));
            channels.into_iter().enumerate().flat_map(plane).collect()
        };
        let levels = places.into_iter().map(|(place, index)| (place, resized.levels[index]));
        let bytes = match layout.dtype {
            DataType::Uint8 => levels.map(|(_, level)| level).collect(),
            _ => {
                let (mean, deviation) = (self.mean.unwrap_or_default(), self.deviation.unwrap_or([1.0; CHANNELS]));
                let number = |(place, level): (usize, u8)| (f32::from(level) / 255.0 - mean[place]) / deviation[place];
                levels.flat_map(|level| number(level).to_le_bytes()).collect()
            }
        };
        let (rows, columns, colours) = (height as u32, width as u32, CHANNELS as u32);
        let mut shape = if layout.has_batch { vec![1] } else { vec![] };
        shape.extend(match layout.has_channels_last {
            true => [rows, columns, colours],
            false => [colours, rows, columns],
        });
        Tensor::new(layout.dtype, shape, bytes).map_err(|_| refusal("the picture becomes a tensor that is too large"))
    }

    /// The picture in as many pixels as the input has.
    fn resized(&self, layout: &Layout, picture: &Picture) -> Picture {
        let height = layout.height;
        let whole = Part {
            left: 0,
            top: 0,
            width: picture.width,
            height: picture.height,
        };
        let proportional = (picture.width * height).div_ceil(picture.height);
        match (&layout.width, self.pad) {
            (Width::Fixed(width), None) => resize(picture, self.part(picture, *width, height), *width, height),
            (Width::Fixed(width), Some(level)) => {
                let narrow = resize(picture, whole, proportional.min(*width), height);
                let mut levels = Vec::with_capacity(width * height * CHANNELS);
                for row in narrow.levels.chunks_exact(narrow.width * CHANNELS) {
                    levels.extend_from_slice(row);
                    levels.resize(levels.len() + (width - narrow.width) * CHANNELS, level);
                }
                Picture {
                    width: *width,
                    height,
                    levels,
                }
            }
            (Width::Dynamic(min, max), _) => resize(picture, whole, proportional.clamp(*min, *max), height),
        }
    }

    /// The middle of the largest part that has the form of so many pixels.
    fn part(&self, picture: &Picture, width: usize, height: usize) -> Part {
        // Sides are below 2^32, so products do not overflow.
        let (fully_wide, fully_high) = (picture.width * height, picture.height * width);
        let (full_width, full_height) = match fully_wide <= fully_high {
            true => (picture.width, fully_wide / width),
            false => (fully_high / height, picture.height),
        };
        let kept = |side: usize| ((side as f64 * self.keep) as usize).max(1);
        let (part_width, part_height) = (kept(full_width), kept(full_height));
        Part {
            left: (picture.width - part_width) / 2,
            top: (picture.height - part_height) / 2,
            width: part_width,
            height: part_height,
        }
    }
}

/// Reads the layout from an input's dimensions; `range` gives the values of a symbol.
fn layout(input: &Input, range: impl Fn(u8) -> Option<(usize, usize)>) -> Option<Layout> {
    let (has_batch, rest) = match input.dimensions.as_slice() {
        [_, rest @ ..] if rest.len() == 3 => (true, rest),
        rest => (false, rest),
    };
    let is_colours = |dimension: &Dimension| *dimension == Dimension::Fixed(CHANNELS as u32);
    let (has_channels_last, height, width) = match rest {
        [height, width, colours] if is_colours(colours) => (true, height, width),
        [colours, height, width] if is_colours(colours) => (false, height, width),
        _ => return None,
    };
    let Dimension::Fixed(height) = height else { return None };
    let width = match width {
        Dimension::Fixed(width) => Width::Fixed(*width as usize),
        Dimension::Symbol(symbol) => {
            let (min, max) = range(*symbol)?;
            Width::Dynamic(min, max)
        }
        Dimension::Computed(_) => return None,
    };
    Some(Layout {
        dtype: input.dtype,
        has_batch,
        has_channels_last,
        height: *height as usize,
        width,
    })
}
