//! Digests of arrays are those of their bytes, however the elements stand and on any number of threads.

use super::Random;
use crate::{array::Array, buffers::Buffers, digest::root, threads::Threads};
use assay_exact::{
    digest::{CHUNK_BYTES, DataType, tensor_tree_root},
    tensor::Tensor,
};
use assay_ops::{
    layout::{Dims, Layout},
    tensor::Blake2b256,
};

const TYPES: [DataType; 6] = [
    DataType::Float32,
    DataType::Int64,
    DataType::Int32,
    DataType::Int8,
    DataType::Uint8,
    DataType::Bool,
];

fn array(random: &mut Random, dtype: DataType, shape: &[u32]) -> Array {
    let elements: u32 = shape.iter().product();
    let bytes = (0..elements as usize * dtype.size_bytes()).map(|_| match dtype {
        DataType::Bool => random.below(2) as u8,
        _ => random.below(256) as u8,
    });
    let tensor = Tensor::new(dtype, shape.to_vec(), bytes.collect()).expect("as many bytes");
    let tensor = tensor.canonical();
    Array::from_bytes(&mut Buffers::default(), dtype, shape, tensor.bytes()).expect("as many bytes")
}

fn check(array: &Array, of: &str) {
    let [one, three] = [1, 3].map(Threads::new);
    let expected = tensor_tree_root::<Blake2b256>(&array.to_bytes(&one));
    for threads in [one, three] {
        assert_eq!(root(&threads, array), expected, "{of}, {} threads", threads.count());
    }
}

#[test]
fn root_of_elements_in_a_row_is_that_of_their_bytes() {
    let mut random = Random(41);
    for dtype in TYPES {
        let chunk = CHUNK_BYTES / dtype.size_bytes();
        for elements in [
            1,
            3,
            chunk - 1,
            chunk,
            chunk + 1,
            31 * chunk,
            32 * chunk,
            32 * chunk + 1,
            99 * chunk + 7,
        ] {
            let array = array(&mut random, dtype, &[elements as u32]);
            check(&array, &format!("{elements} of {dtype:?}"));
        }
    }
}

#[test]
fn root_of_elements_that_stand_apart_is_that_of_their_bytes_in_order() {
    let mut random = Random(42);
    for dtype in TYPES {
        let array = array(&mut random, dtype, &[3, 50, 4, 32]);
        let layout = array.layout;
        let through = |layout: Option<Layout>, of: &str| {
            check(
                &array.through(layout.expect("a layout of it")),
                &format!("{of} of {dtype:?}"),
            );
        };
        through(layout.permuted(&[0, 2, 1, 3]), "heads");
        through(layout.permuted(&[0, 2, 3, 1]), "columns");
        through(layout.permuted(&[3, 2, 1, 0]), "the other way round");
        through(layout.sliced(1, 7, 3, 13), "every third");
        through(layout.sliced(3, 5, 1, 27), "the midst of rows");
        let one = layout.sliced(2, 3, 1, 1);
        through(
            one.and_then(|one| one.repeated(Dims::new(&[3, 50, 9, 32]))),
            "one head nine times",
        );
    }
    let filled = Array::filled(DataType::Float32, Dims::new(&[5, 700]), 7);
    check(&filled, "one element everywhere");
    check(&Array::filled(DataType::Int64, Dims::default(), 7), "one element");
}
