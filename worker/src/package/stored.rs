//! Weights as an archive stores them.

use super::{
    archive::Archive,
    error::ImportError,
    program::{Size, TensorMeta, WeightEntry, data_type},
};
use assay_exact::{
    digest::{DataType, tensor_size_bytes},
    graph::{Graph, Weight},
    tensor::Tensor,
};

/// Where the archive keeps a weight.
#[derive(Clone)]
pub(super) struct Stored {
    /// `weights` or `constants`.
    pub folder: &'static str,
    /// Its name in the module's state.
    pub key: String,
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

/// Reads the graph's weights, whose places are `stored`, in the same order.
pub(super) fn read_weights(
    archive: &mut Archive,
    graph: &Graph,
    stored: &[Stored],
) -> Result<Vec<Tensor>, ImportError> {
    let weights = archive.weights_config()?.config;
    let constants = archive.constants_config()?.config;
    let mut tensors = Vec::with_capacity(stored.len());
    for (weight, stored) in graph.weights.iter().zip(stored) {
        let refused = |reason: &str| ImportError::Weight {
            weight: weight.name.clone(),
            reason: reason.to_owned(),
        };
        let config = if stored.folder == "weights" {
            &weights
        } else {
            &constants
        };
        let entry = config
            .get(&stored.key)
            .ok_or_else(|| refused("the archive does not hold it"))?;
        check_weight_entry(weight, entry).map_err(refused)?;
        let size = tensor_size_bytes(weight.dtype, &weight.shape).ok_or_else(|| refused("it is too large"))?;
        let bytes = archive.elements(stored.folder, &entry.path_name, size)?;
        if weight.dtype == DataType::Bool && bytes.iter().any(|byte| *byte > 1) {
            return Err(refused("a boolean is neither 0 nor 1"));
        }
        let tensor = Tensor::new(weight.dtype, weight.shape.clone(), bytes);
        tensors.push(tensor.map_err(|error| refused(&error.to_string()))?.canonical());
    }
    Ok(tensors)
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
