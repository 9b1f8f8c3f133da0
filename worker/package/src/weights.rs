//! Weights as safetensors, in the order of the graph.

use crate::PackageError;
use assay_exact::{
    digest::tensor_size_bytes,
    graph::{Graph, Weight},
};
use assay_ops::tensor::{DataType, Tensor};
use safetensors::{
    Dtype, SafeTensors,
    tensor::{Metadata, TensorInfo, TensorView},
};
use std::{collections::BTreeSet, ops::Range};

/// Bytes before a file's header, which say how long the header is; the header's length is a multiple of them.
const LENGTH_BYTES: usize = size_of::<u64>();

/// Where the bytes of a graph's weights lie in the file of weights. The graph alone decides it, so that weights can be
/// written one by one, in any order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WeightsLayout {
    /// The bytes that the file begins with, up to the first weight.
    pub header: Vec<u8>,
    /// For each weight, in the graph's order, the bytes of the file that it takes.
    pub places: Vec<Range<u64>>,
}

impl WeightsLayout {
    /// Lays out the weights of a graph as [`Package::save`](crate::Package::save) writes them.
    pub fn of(graph: &Graph) -> Result<Self, PackageError> {
        let mut order: Vec<usize> = (0..graph.weights.len()).collect();
        order.sort_by_key(|index| {
            let weight = &graph.weights[*index];
            (std::cmp::Reverse(to_safetensors(weight.dtype)), &weight.name)
        });
        let (mut infos, mut places, mut end) = (Vec::new(), vec![0..0; graph.weights.len()], 0usize);
        for index in order {
            let weight = &graph.weights[index];
            let size = tensor_size_bytes(weight.dtype, &weight.shape).and_then(|size| usize::try_from(size).ok());
            let next = size.and_then(|size| end.checked_add(size));
            let next = next.ok_or_else(|| PackageError::Weight {
                name: weight.name.clone(),
            })?;
            infos.push((
                weight.name.clone(),
                TensorInfo {
                    dtype: to_safetensors(weight.dtype),
                    shape: weight.shape.iter().map(|dimension| *dimension as usize).collect(),
                    data_offsets: (end, next),
                },
            ));
            places[index] = end as u64..next as u64;
            end = next;
        }
        let unserialisable = |error| PackageError::Safetensors { error };
        let metadata = Metadata::new(None, infos).map_err(unserialisable)?;
        let mut text = serde_json::to_vec(&metadata).map_err(|error| unserialisable(error.into()))?;
        text.resize(text.len().next_multiple_of(LENGTH_BYTES), b' ');
        let mut header = (text.len() as u64).to_le_bytes().to_vec();
        header.append(&mut text);
        let start = header.len() as u64;
        for place in &mut places {
            *place = place.start + start..place.end + start;
        }
        Ok(Self { header, places })
    }

    /// Bytes of the whole file.
    pub fn file_bytes(&self) -> u64 {
        let ends = self.places.iter().map(|place| place.end);
        ends.max().unwrap_or_default().max(self.header.len() as u64)
    }
}

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
    let described: BTreeSet<&str> = graph.weights.iter().map(|weight| weight.name.as_str()).collect();
    if let Some(name) = file.names().into_iter().find(|name| !described.contains(name)) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_lie_where_the_layout_says() {
        let described = [
            ("b", DataType::Bool, vec![3]),
            ("a", DataType::Float32, vec![2, 5]),
            ("nothing", DataType::Int8, vec![0, 7]),
            ("c", DataType::Int64, vec![]),
            ("a.0", DataType::Float32, vec![1]),
        ];
        let weights = described.map(|(name, dtype, shape)| Weight {
            name: name.to_owned(),
            dtype,
            shape,
        });
        let graph = Graph {
            symbols: vec![],
            inputs: vec![],
            weights: weights.to_vec(),
            nodes: vec![],
            outputs: vec![],
        };
        let tensors = graph.weights.iter().enumerate().map(|(index, weight)| {
            let size = tensor_size_bytes(weight.dtype, &weight.shape).expect("small");
            let bytes = vec![index as u8 + 1; size as usize];
            Tensor::new(weight.dtype, weight.shape.clone(), bytes).expect("as many bytes")
        });
        let tensors: Vec<Tensor> = tensors.collect();
        let file = write(&graph, &tensors).expect("writes");
        let layout = WeightsLayout::of(&graph).expect("lays out");
        assert_eq!(file[..layout.header.len()], layout.header);
        assert_eq!(file.len() as u64, layout.file_bytes());
        for (place, tensor) in layout.places.iter().zip(&tensors) {
            assert_eq!(&file[place.start as usize..place.end as usize], tensor.bytes());
        }
    }
}
