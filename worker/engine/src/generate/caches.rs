//! Caches in the processor's memory, where sequences join and leave and slots are added.

use super::{derive::Cache, failed};
use crate::EngineError;
use assay_exact::graph::Dimension;
use assay_ops::tensor::{DataType, Tensor};

/// Caches of this many sequences with this many empty slots.
pub(super) fn empty(caches: &[Cache], sequences: usize, room: usize) -> Result<Vec<Tensor>, EngineError> {
    let empty = caches.iter().map(|cache| {
        let shape = shape(cache, sequences, room);
        let elements: usize = shape.iter().map(|length| *length as usize).product();
        tensor(cache, shape, vec![0; elements * cache.dtype.size_bytes()])
    });
    empty.collect()
}

/// The caches of one sequence that begins with the first slots of these, with this many slots in all.
pub(super) fn begun(
    caches: &[Cache],
    tensors: &[Tensor],
    slots: usize,
    room: usize,
) -> Result<Vec<Tensor>, EngineError> {
    if caches.len() != tensors.len() {
        return Err(failed("it kept another number of caches"));
    }
    let begun = caches.iter().zip(tensors).map(|(cache, tensor)| {
        let from_room = tensor.shape().get(cache.axis).map_or(0, |length| *length as usize);
        let shape = shape(cache, 1, room);
        let inner: usize = shape[cache.axis + 1..].iter().map(|length| *length as usize).product();
        let slot = inner * cache.dtype.size_bytes();
        if slots > from_room.min(room) || tensor.shape().first() != Some(&1) {
            return Err(failed("it kept caches with fewer slots"));
        }
        let elements: usize = shape.iter().map(|length| *length as usize).product();
        let mut bytes = vec![0; elements * cache.dtype.size_bytes()];
        let places = tensor
            .bytes()
            .chunks(from_room * slot)
            .zip(bytes.chunks_mut(room * slot));
        for (from, to) in places {
            to[..slots * slot].copy_from_slice(&from[..slots * slot]);
        }
        self::tensor(cache, shape, bytes)
    });
    begun.collect()
}

/// Bytes of the caches of one sequence with this many slots.
pub(super) fn bytes(caches: &[Cache], slots: usize) -> u64 {
    let bytes = caches.iter().map(|cache| {
        let elements = shape(cache, 1, slots)
            .iter()
            .map(|length| u64::from(*length))
            .product::<u64>();
        elements * cache.dtype.size_bytes() as u64
    });
    bytes.sum()
}

/// The caches of those sequences that stay, with this many slots. Slots that are new are empty.
pub(super) fn arranged(
    caches: &[Cache],
    tensors: Vec<Tensor>,
    stays: &[bool],
    room: usize,
) -> Result<Vec<Tensor>, EngineError> {
    if caches.len() != tensors.len() {
        return Err(failed("it kept another number of caches"));
    }
    let arranged = caches.iter().zip(tensors).map(|(cache, tensor)| {
        if tensor.shape().first() != Some(&(stays.len() as u32)) {
            return Err(failed("it kept caches of another number of sequences"));
        }
        let old_room = tensor.shape().get(cache.axis).map_or(0, |length| *length as usize);
        let staying = stays.iter().filter(|stays| **stays).count();
        if room == old_room && staying == stays.len() {
            return Ok(tensor);
        }
        let shape = shape(cache, staying, room);
        let inner: usize = shape[cache.axis + 1..].iter().map(|length| *length as usize).product();
        let outer: usize = shape[1..cache.axis].iter().map(|length| *length as usize).product();
        let slot = inner * cache.dtype.size_bytes();
        let (old, new) = (old_room * slot, room * slot);
        let mut bytes = vec![0; staying * outer * new];
        let sequences = tensor.bytes().chunks(outer * old).zip(stays);
        let sequences = sequences
            .filter(|(_, stays)| **stays)
            .flat_map(|(rows, _)| rows.chunks(old));
        for (from, to) in sequences.zip(bytes.chunks_mut(new)) {
            let common = old.min(new);
            to[..common].copy_from_slice(&from[..common]);
        }
        self::tensor(cache, shape, bytes)
    });
    arranged.collect()
}

/// The caches of one sequence among this many.
pub(super) fn of_one(tensors: &[Tensor], index: usize, sequences: usize) -> Result<Vec<Tensor>, EngineError> {
    let own = tensors.iter().map(|tensor| {
        let length = tensor.bytes().len() / sequences.max(1);
        let bytes = tensor.bytes().chunks(length.max(1)).nth(index).map(<[u8]>::to_vec);
        let mut shape = tensor.shape().to_vec();
        if let Some(count) = shape.first_mut() {
            *count = 1;
        }
        let own = bytes.and_then(|bytes| Tensor::new(tensor.dtype(), shape, bytes).ok());
        own.ok_or_else(|| failed("it kept caches of another number of sequences"))
    });
    own.collect()
}

/// Whether all numbers in caches are finite. Slots without a token have 0.
pub(super) fn are_finite(tensors: &[Tensor]) -> bool {
    let mut numbers = tensors.iter().filter(|tensor| tensor.dtype() == DataType::Float32);
    numbers.all(|tensor| {
        let (words, _) = tensor.bytes().as_chunks();
        words.iter().all(|word| f32::from_le_bytes(*word).is_finite())
    })
}

/// The caches of several sequences or groups of them, one after the other. They have as many slots.
pub(super) fn joined(mut parts: Vec<Vec<Tensor>>) -> Result<Vec<Tensor>, EngineError> {
    if parts.len() == 1 {
        return Ok(parts.swap_remove(0));
    }
    let count = parts.first().map_or(0, Vec::len);
    let joined = (0..count).map(|index| {
        let parts = parts.iter().map(|part| part.get(index));
        let parts: Option<Vec<&Tensor>> = parts.collect();
        let parts = parts.ok_or_else(|| failed("it kept another number of caches"))?;
        let [first, ..] = parts.as_slice() else {
            return Err(failed("it kept another number of caches"));
        };
        let mut shape = first.shape().to_vec();
        if let Some(sequences) = shape.first_mut() {
            *sequences = parts.iter().filter_map(|part| part.shape().first()).sum();
        }
        let bytes: Vec<&[u8]> = parts.iter().map(|part| part.bytes()).collect();
        Tensor::new(first.dtype(), shape, bytes.concat()).map_err(|_| failed("caches of different sizes do not fit"))
    });
    joined.collect()
}

fn shape(cache: &Cache, sequences: usize, room: usize) -> Vec<u32> {
    let dimensions = cache.dimensions.iter().enumerate();
    let lengths = dimensions.map(|(axis, dimension)| match dimension {
        Dimension::Fixed(length) => *length,
        _ if axis == cache.axis => room as u32,
        _ => sequences as u32,
    });
    lengths.collect()
}

fn tensor(cache: &Cache, shape: Vec<u32>, bytes: Vec<u8>) -> Result<Tensor, EngineError> {
    Tensor::new(cache.dtype, shape, bytes).map_err(|_| failed("a cache has another size than its shape"))
}
