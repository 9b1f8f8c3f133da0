//! Digests of arrays: chunks are hashed where the elements are, on all threads, and no copy of the array is made.

use crate::{
    array::{Array, Element, with_type},
    threads::Threads,
    view::{View, read},
};
use assay_exact::{
    digest::{CHUNK_BYTES, LEAF_DOMAIN},
    tree::Tree,
};
use assay_ops::{
    layout::{Layout, merge},
    tensor::{Blake2b256, Digest, Stage},
};

/// Level of the tree whose nodes threads share out: 32 chunks to each.
const LEVEL: u32 = 5;
const CHUNKS_AT_ONCE: usize = 1 << LEVEL;

/// The root of the tree over the chunks of an array's bytes, which are little-endian and in row-major order.
pub fn root(threads: &Threads, array: &Array) -> Digest {
    with_type!(array.dtype(), T => match array.view::<T>() {
        Some(view) => root_of(threads, &view),
        None => Digest::default(),
    })
}

fn root_of<T: Element>(threads: &Threads, view: &View<'_, T>) -> Digest {
    let mut merged = [view.layout];
    merge(&mut merged);
    let [layout] = merged;
    let chunks = (layout.elements() * size_of::<T>()).div_ceil(CHUNK_BYTES).max(1);
    let mut nodes = vec![Digest::default(); chunks.div_ceil(CHUNKS_AT_ONCE)];
    threads.share(nodes.iter_mut().enumerate(), |_, (index, node)| {
        let first = index * CHUNKS_AT_ONCE;
        let count = CHUNKS_AT_ONCE.min(chunks - first);
        *node = node_over(view.elements, &layout, first, count);
    });
    Tree::Chunks.fold::<Blake2b256>(&nodes)
}

/// The node over this many chunks, the first of which has this position.
fn node_over<T: Element>(elements: &[T], layout: &Layout, first: usize, count: usize) -> Digest {
    let per_chunk = CHUNK_BYTES / size_of::<T>();
    let total = layout.elements();
    let contiguous = layout.is_contiguous().then(|| &elements[layout.offset..][..total]);
    let mut in_order = [T::default(); CHUNK_BYTES];
    let mut leaves = [Digest::default(); CHUNKS_AT_ONCE];
    let leaves = &mut leaves[..count];
    Stage::new(&LEAF_DOMAIN, CHUNK_BYTES).hash(leaves, |chunk, place| {
        let start = (first + chunk) * per_chunk;
        let length = per_chunk.min(total - start);
        let elements = match contiguous {
            Some(elements) => &elements[start..][..length],
            None => {
                let in_order = &mut in_order[..length];
                read(elements, layout, start, in_order);
                &*in_order
            }
        };
        T::put(elements, place);
        length * size_of::<T>()
    });
    Tree::Chunks.fold::<Blake2b256>(leaves)
}
