//! Weights as an archive stores them, or as a safetensors file beside it does.

use crate::{
    archive::Archive,
    error::ImportError,
    program::{Size, TensorMeta, WeightEntry, data_type},
};
use assay_exact::{
    digest::{DataType, tensor_size_bytes},
    graph::{Graph, Weight},
    tensor::Tensor,
};
use assay_package::weights;
use safetensors::SafeTensors;
use std::{collections::BTreeMap, path::Path};

/// Where the archive keeps a weight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stored {
    /// `weights` or `constants`.
    pub folder: &'static str,
    /// Its name in the module's state; the first of its names in alphabetical order if it is tied to others.
    pub key: String,
    /// All names that it has there.
    pub names: Vec<String>,
}

/// What the archive says about its weights and constants.
pub(super) struct Layouts {
    weights: BTreeMap<String, WeightEntry>,
    constants: BTreeMap<String, WeightEntry>,
}

impl Layouts {
    pub fn read(archive: &mut Archive) -> Result<Self, ImportError> {
        Ok(Self {
            weights: archive.weights_config()?.config,
            constants: archive.constants_config()?.config,
        })
    }

    fn folder(&self, folder: &str) -> &BTreeMap<String, WeightEntry> {
        match folder {
            "weights" => &self.weights,
            _ => &self.constants,
        }
    }

    /// A weight under the name that stands for all of its names: a tied weight is in the graph once.
    pub fn stored(&self, folder: &'static str, key: &str) -> Stored {
        let entries = self.folder(folder);
        let names: Vec<String> = match entries.get(key) {
            Some(entry) => {
                let tied = entries.iter().filter(|(_, other)| {
                    let same_layout = match (&entry.tensor_meta, &other.tensor_meta) {
                        (Some(left), Some(right)) => left == right,
                        _ => false,
                    };
                    other.path_name == entry.path_name && same_layout
                });
                tied.map(|(name, _)| name.clone()).collect()
            }
            None => Vec::new(),
        };
        Stored {
            folder,
            key: names.first().cloned().unwrap_or_else(|| key.to_owned()),
            names,
        }
    }
}

/// The shape of a weight, which has no dynamic dimension.
pub(super) fn fixed_shape(weight: &str, meta: &TensorMeta) -> Result<Vec<u32>, ImportError> {
    let sizes = meta.sizes.iter().map(|size| match size {
        Size::AsInt(elements) => u32::try_from(*elements).ok(),
        Size::AsExpr(_) => None,
    });
    let shape = sizes.collect::<Option<Vec<u32>>>();
    shape.ok_or_else(|| ImportError::Weight {
        weight: weight.to_owned(),
        reason: "its size is not fixed".to_owned(),
    })
}

/// Reads the graph's weights, whose places are `stored`, in the same order. With a `file`, which is a safetensors file,
/// parameters and buffers come from there, and only constants from the archive.
pub(super) fn read_weights(
    archive: &mut Archive,
    graph: &Graph,
    stored: &[Stored],
    file: Option<&Path>,
) -> Result<Vec<Tensor>, ImportError> {
    let layouts = Layouts::read(archive)?;
    let bytes = match file {
        Some(path) => std::fs::read(path).map_err(|error| ImportError::Read {
            path: path.to_owned(),
            error,
        })?,
        None => Vec::new(),
    };
    let file = match file {
        Some(path) => Some(
            SafeTensors::deserialize(&bytes).map_err(|error| ImportError::Safetensors {
                path: path.to_owned(),
                error,
            })?,
        ),
        None => None,
    };
    let weights = graph.weights.iter().zip(stored).map(|(weight, stored)| {
        let refused = |reason: &str| ImportError::Weight {
            weight: weight.name.clone(),
            reason: reason.to_owned(),
        };
        let tensor = match &file {
            Some(file) if stored.folder == "weights" => from_file(file, weight, stored).map_err(refused)?,
            _ => from_archive(archive, &layouts, weight, stored)?,
        };
        if weight.dtype == DataType::Bool && tensor.bytes().iter().any(|byte| *byte > 1) {
            return Err(refused("a boolean is neither 0 nor 1"));
        }
        Ok(tensor.canonical())
    });
    weights.collect()
}

fn from_file(file: &SafeTensors<'_>, weight: &Weight, stored: &Stored) -> Result<Tensor, &'static str> {
    let view = stored.names.iter().find_map(|name| file.tensor(name).ok());
    let tensor = weights::tensor(&view.ok_or("the file of weights does not hold it")?);
    tensor
        .filter(|tensor| tensor.dtype() == weight.dtype && tensor.shape() == weight.shape)
        .ok_or("its type or shape in the file of weights differs from the program's")
}

fn from_archive(
    archive: &mut Archive,
    layouts: &Layouts,
    weight: &Weight,
    stored: &Stored,
) -> Result<Tensor, ImportError> {
    let refused = |reason: &str| ImportError::Weight {
        weight: weight.name.clone(),
        reason: reason.to_owned(),
    };
    let entry = layouts.folder(stored.folder).get(&stored.key);
    let entry = entry.ok_or_else(|| refused("the archive does not hold it"))?;
    check_weight_entry(weight, entry).map_err(refused)?;
    let size = tensor_size_bytes(weight.dtype, &weight.shape).ok_or_else(|| refused("it is too large"))?;
    let bytes = archive.elements(stored.folder, &entry.path_name, size)?;
    Tensor::new(weight.dtype, weight.shape.clone(), bytes).map_err(|error| refused(&error.to_string()))
}

/// Checks that a weight is stored as plain elements, in row-major order, from the first on.
fn check_weight_entry(weight: &Weight, entry: &WeightEntry) -> Result<(), &'static str> {
    if entry.use_pickle {
        return Err("it is pickled, and nothing is executed here");
    }
    if entry.path_name.is_empty()
        || !entry
            .path_name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c))
    {
        return Err("its file name is not plain");
    }
    let meta = entry.tensor_meta.as_ref().ok_or("its layout is not described")?;
    let int = |size: &Size| match size {
        Size::AsInt(value) => Some(*value),
        Size::AsExpr(_) => None,
    };
    if meta
        .sizes
        .iter()
        .map(int)
        .ne(weight.shape.iter().map(|size| Some(i64::from(*size))))
    {
        return Err("its layout differs from the program's");
    }
    if data_type(meta.dtype) != Some(weight.dtype) {
        return Err("its type differs from the program's");
    }
    let mut stride = Some(1i64);
    let mut contiguous = int(&meta.storage_offset) == Some(0) && meta.strides.len() == weight.shape.len();
    for (size, actual) in weight.shape.iter().zip(&meta.strides).rev() {
        // The stride of a dimension of one element is never used.
        contiguous &= *size == 1 || int(actual) == stride;
        stride = stride.and_then(|stride| stride.checked_mul(i64::from(*size)));
    }
    if contiguous {
        Ok(())
    } else {
        Err("it is not contiguous; call .contiguous() on it before the export")
    }
}
