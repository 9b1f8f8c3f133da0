//! Weights as an archive stores them, or as a safetensors file beside it does.

use crate::{
    archive::Archive,
    error::ImportError,
    gguf::half,
    program::{BFLOAT16, DOUBLE, HALF, Size, TensorMeta, WeightEntry, data_type},
    progress::Steps,
};
use assay_exact::{
    digest::{DataType, tensor_size_bytes},
    graph::{Graph, Weight},
    tensor::Tensor,
};
use assay_package::weights;
use safetensors::SafeTensors;
use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
    sync::Arc,
};

/// Where the archive keeps a weight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stored {
    /// `weights` or `constants`.
    pub folder: &'static str,
    /// Its name in the module's state; the first of its names in alphabetical order if it is tied to others.
    pub key: String,
    /// All names that it has there. Under some of them its elements can have another shape.
    pub names: Vec<String>,
    /// Its shape under `key`, if the archive says it.
    pub shape: Option<Vec<u32>>,
}

/// The archive's words on its weights and constants.
pub(super) struct Layouts {
    weights: Folder,
    constants: Folder,
}

/// Its words on one of the two.
struct Folder {
    entries: BTreeMap<String, WeightEntry>,
    /// Names that are the same elements share this.
    stored: BTreeMap<String, Arc<Stored>>,
}

/// The elements that a weight is: two names of the same class are one weight.
#[derive(PartialEq, Eq, Hash)]
enum Class<'e> {
    /// As many bytes in row-major order, in whatever shape.
    Plain(&'e str, u32, u64),
    /// Laid out in another way.
    Other(&'e str, &'e TensorMeta),
}

impl Layouts {
    pub fn read(archive: &mut Archive) -> Result<Self, ImportError> {
        Ok(Self {
            weights: Folder::new("weights", archive.weights_config()?.config),
            constants: Folder::new("constants", archive.constants_config()?.config),
        })
    }

    fn folder(&self, folder: &str) -> &Folder {
        match folder {
            "weights" => &self.weights,
            _ => &self.constants,
        }
    }

    /// A weight under the name that stands for all of its names: a tied weight is in the graph once, and so are the
    /// elements that several weights have in different shapes.
    pub fn stored(&self, folder: &'static str, key: &str) -> Arc<Stored> {
        let stored = self.folder(folder).stored.get(key).cloned();
        stored.unwrap_or_else(|| {
            Arc::new(Stored {
                folder,
                key: key.to_owned(),
                names: Vec::new(),
                shape: None,
            })
        })
    }

    /// The shape of a weight under one of its names, if the archive says it.
    pub fn shape(&self, folder: &str, name: &str) -> Option<Vec<u32>> {
        self.entry(folder, name)?.tensor_meta.as_ref()?.fixed_sizes()
    }

    fn entry(&self, folder: &str, name: &str) -> Option<&WeightEntry> {
        self.folder(folder).entries.get(name)
    }
}

impl Folder {
    fn new(folder: &'static str, entries: BTreeMap<String, WeightEntry>) -> Self {
        let mut classes: HashMap<Class<'_>, Vec<&String>> = HashMap::new();
        for (name, entry) in &entries {
            if let Some(meta) = &entry.tensor_meta {
                classes.entry(Class::of(&entry.path_name, meta)).or_default().push(name);
            }
        }
        let mut stored = BTreeMap::new();
        for names in classes.into_values() {
            let key = names[0].clone();
            let meta = entries.get(&key).and_then(|entry| entry.tensor_meta.as_ref());
            let shared = Arc::new(Stored {
                folder,
                shape: meta.and_then(TensorMeta::fixed_sizes),
                key,
                names: names.iter().map(|name| name.to_string()).collect(),
            });
            stored.extend(names.into_iter().map(|name| (name.clone(), shared.clone())));
        }
        Self { entries, stored }
    }
}

impl<'e> Class<'e> {
    fn of(path: &'e str, meta: &'e TensorMeta) -> Self {
        let shape = meta.fixed_sizes().filter(|shape| meta.is_plain(shape));
        let bytes = shape
            .zip(data_type(meta.dtype))
            .and_then(|(shape, dtype)| tensor_size_bytes(dtype, &shape));
        match bytes {
            Some(bytes) => Self::Plain(path, meta.dtype, bytes),
            None => Self::Other(path, meta),
        }
    }
}

impl TensorMeta {
    /// The sizes, if none is dynamic.
    fn fixed_sizes(&self) -> Option<Vec<u32>> {
        let sizes = self.sizes.iter().map(|size| u32::try_from(size.fixed()?).ok());
        sizes.collect()
    }

    /// Whether the elements stand in row-major order, from the first of the file on.
    fn is_plain(&self, shape: &[u32]) -> bool {
        let mut stride = Some(1i64);
        let mut plain = self.storage_offset.fixed() == Some(0) && self.strides.len() == shape.len();
        for (size, actual) in shape.iter().zip(&self.strides).rev() {
            // The stride of a dimension of one element is never used.
            plain &= *size == 1 || actual.fixed() == stride;
            stride = stride.and_then(|stride| stride.checked_mul(i64::from(*size)));
        }
        plain
    }
}

impl Size {
    fn fixed(&self) -> Option<i64> {
        match self {
            Self::AsInt(value) => Some(*value),
            Self::AsExpr(_) => None,
        }
    }
}

/// The shape of a weight, which has no dynamic dimension.
pub(super) fn fixed_shape(weight: &str, meta: &TensorMeta) -> Result<Vec<u32>, ImportError> {
    meta.fixed_sizes().ok_or_else(|| ImportError::Weight {
        weight: weight.to_owned(),
        reason: "its size is not fixed".to_owned(),
    })
}

/// Bytes of a graph's weights; they saturate.
pub(super) fn weight_bytes(graph: &Graph) -> u64 {
    let sizes = graph
        .weights
        .iter()
        .map(|weight| tensor_size_bytes(weight.dtype, &weight.shape));
    sizes.fold(0, |sum, size| sum.saturating_add(size.unwrap_or(u64::MAX)))
}

/// Reads a graph's weights, whose places are beside it in the same order. With a `file`, which is a safetensors file,
/// parameters and buffers come from there, and only constants from the archive.
pub(super) fn read_weights(
    archive: &mut Archive,
    layouts: &Layouts,
    (graph, stored): (&Graph, &[Arc<Stored>]),
    file: Option<&Path>,
    steps: &mut Steps<'_, '_>,
) -> Result<Vec<Tensor>, ImportError> {
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
    // Entries of an archive can lie on one another, and types can share a file.
    let bound = archive.bytes() + bytes.len() as u64;
    let mut taken = 0;
    let weights = graph.weights.iter().zip(stored).map(|(weight, stored)| {
        let refused = |reason: &str| ImportError::Weight {
            weight: weight.name.clone(),
            reason: reason.to_owned(),
        };
        let (tensor, stored_bytes) = match &file {
            Some(file) if stored.folder == "weights" => {
                let tensor = from_file(file, layouts, weight, stored).map_err(refused)?;
                let bytes = tensor.bytes().len() as u64;
                (tensor, bytes)
            }
            _ => from_archive(archive, layouts, weight, stored)?,
        };
        if weight.dtype == DataType::Bool && tensor.bytes().iter().any(|byte| *byte > 1) {
            return Err(refused("a boolean is neither 0 nor 1"));
        }
        taken += stored_bytes;
        if taken > bound {
            return Err(ImportError::TooMuch {
                what: "the size of the weights, of which some share bytes of the archive, in bytes".to_owned(),
                actual: taken,
                bound,
            });
        }
        steps.advance(tensor.bytes().len() as u64);
        Ok(tensor.canonical())
    });
    weights.collect()
}

fn from_file(
    file: &SafeTensors<'_>,
    layouts: &Layouts,
    weight: &Weight,
    stored: &Stored,
) -> Result<Tensor, &'static str> {
    let view = stored
        .names
        .iter()
        .find_map(|name| Some((name, file.tensor(name).ok()?)));
    let (name, view) = view.ok_or("the file of weights does not hold it")?;
    let shape = if *name == stored.key {
        Some(weight.shape.clone())
    } else {
        layouts.shape(stored.folder, name)
    };
    let tensor = weights::tensor(&view)
        .filter(|tensor| tensor.dtype() == weight.dtype && Some(tensor.shape()) == shape.as_deref())
        .and_then(|tensor| Tensor::new(weight.dtype, weight.shape.clone(), tensor.into_bytes()).ok());
    tensor.ok_or("its type or shape in the file of weights differs from the program's")
}

/// A weight, and how many bytes it has in the archive.
fn from_archive(
    archive: &mut Archive,
    layouts: &Layouts,
    weight: &Weight,
    stored: &Stored,
) -> Result<(Tensor, u64), ImportError> {
    let refused = |reason: &str| ImportError::Weight {
        weight: weight.name.clone(),
        reason: reason.to_owned(),
    };
    let entry = layouts.entry(stored.folder, &stored.key);
    let entry = entry.ok_or_else(|| refused("the archive does not hold it"))?;
    check_weight_entry(weight, entry).map_err(refused)?;
    let size = tensor_size_bytes(weight.dtype, &weight.shape).ok_or_else(|| refused("it is too large"))?;
    let code = entry.tensor_meta.as_ref().map_or(0, |meta| meta.dtype);
    let size = match code {
        HALF | BFLOAT16 => size / 2,
        DOUBLE => size.checked_mul(2).ok_or_else(|| refused("it is too large"))?,
        _ => size,
    };
    let bytes = archive.elements(stored.folder, &entry.path_name, size)?;
    let bytes = match code {
        HALF => converted(&bytes, |bytes: &[u8; 2]| half(bytes, 0)),
        BFLOAT16 => converted(&bytes, |bytes: &[u8; 2]| {
            f32::from_bits(u32::from(u16::from_le_bytes(*bytes)) << 16)
        }),
        DOUBLE => converted(&bytes, |bytes: &[u8; 8]| f64::from_le_bytes(*bytes) as f32),
        _ => bytes,
    };
    let tensor = Tensor::new(weight.dtype, weight.shape.clone(), bytes);
    Ok((tensor.map_err(|error| refused(&error.to_string()))?, size))
}

/// Numbers of another width as binary32.
fn converted<const N: usize>(bytes: &[u8], number: impl Fn(&[u8; N]) -> f32) -> Vec<u8> {
    let numbers = bytes.as_chunks().0.iter();
    numbers.flat_map(|bytes| number(bytes).to_le_bytes()).collect()
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
    if meta.fixed_sizes().as_ref() != Some(&weight.shape) {
        return Err("its layout differs from the program's");
    }
    if data_type(meta.dtype) != Some(weight.dtype) {
        return Err("its type differs from the program's");
    }
    if meta.is_plain(&weight.shape) {
        Ok(())
    } else {
        Err("it is not contiguous; call .contiguous() on it before the export")
    }
}
