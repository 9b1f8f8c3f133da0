//! Weights as safetensors, in the order of the graph.

use crate::PackageError;
use assay_exact::graph::{Graph, Weight};
use assay_ops::tensor::{DataType, Tensor};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};

/// Writes the graph's weights.
pub(super) fn write(graph: &Graph, tensors: &[Tensor]) -> Result<Vec<u8>, PackageError> {
    let views = graph.weights.iter().zip(tensors).map(|(weight, tensor)| {
        let shape = tensor.shape().iter().map(|dimension| *dimension as usize).collect();
        let view = TensorView::new(to_safetensors(tensor.dtype()), shape, tensor.bytes());
        view.map(|view| (weight.name.clone(), view))
    });
    let views = views
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| PackageError::Safetensors { error })?;
    safetensors::serialize(views, None).map_err(|error| PackageError::Safetensors { error })
}

/// Checks that these are the graph's weights, in its order, each as the graph describes it and canonical.
pub(super) fn ensure_fit(graph: &Graph, tensors: &[Tensor]) -> Result<(), PackageError> {
    let unfit = |(index, weight): (usize, &Weight)| !tensors.get(index).is_some_and(|tensor| fits(weight, tensor));
    match graph.weights.iter().enumerate().find(|entry| unfit(*entry)) {
        Some((_, weight)) => Err(PackageError::Weight {
            name: weight.name.clone(),
        }),
        None => Ok(()),
    }
}

fn fits(weight: &Weight, tensor: &Tensor) -> bool {
    let is_described = tensor.dtype() == weight.dtype && tensor.shape() == weight.shape;
    is_described && tensor.clone().canonical() == *tensor
}

/// Reads the graph's weights; each must be as the graph describes it, canonical, and there may be no other.
pub(super) fn read(graph: &Graph, bytes: &[u8]) -> Result<Vec<Tensor>, PackageError> {
    let file = SafeTensors::deserialize(bytes).map_err(|error| PackageError::Safetensors { error })?;
    if let Some(name) = file
        .names()
        .into_iter()
        .find(|name| graph.weights.iter().all(|w| w.name != *name))
    {
        return Err(PackageError::Weight { name: name.to_owned() });
    }
    let read = |weight: &Weight| {
        let tensor = tensor(&file.tensor(&weight.name).ok()?)?;
        fits(weight, &tensor).then_some(tensor)
    };
    let read = graph
        .weights
        .iter()
        .map(|w| read(w).ok_or_else(|| PackageError::Weight { name: w.name.clone() }));
    read.collect()
}

/// A tensor of a safetensors file, if its type is one that exact arithmetic has.
pub fn tensor(view: &TensorView<'_>) -> Option<Tensor> {
    let dtype = match view.dtype() {
        Dtype::F32 => DataType::Float32,
        Dtype::I64 => DataType::Int64,
        Dtype::I32 => DataType::Int32,
        Dtype::I8 => DataType::Int8,
        Dtype::U8 => DataType::Uint8,
        Dtype::BOOL => DataType::Bool,
        _ => return None,
    };
    let shape = view
        .shape()
        .iter()
        .map(|dimension| u32::try_from(*dimension).ok())
        .collect::<Option<_>>()?;
    Tensor::new(dtype, shape, view.data().to_vec()).ok()
}

fn to_safetensors(dtype: DataType) -> Dtype {
    match dtype {
        DataType::Float32 => Dtype::F32,
        DataType::Int64 => Dtype::I64,
        DataType::Int32 => Dtype::I32,
        DataType::Int8 => Dtype::I8,
        DataType::Uint8 => Dtype::U8,
        DataType::Bool => Dtype::BOOL,
    }
}
