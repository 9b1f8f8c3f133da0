//! Digests of bytes, tensors, lists and models.

use crate::{
    Blake2b, drawn,
    family::{Family, Numbered},
    random::Random,
    render::{bytes, digests, tensor},
    roots,
};
use assay_exact::{
    digest::{CHUNK_BYTES, DataType, Digest, Hash256, list_digest, manifest_hash, tensor_tree_root},
    tensor::Tensor,
};

pub fn family() -> Family {
    let mut family = Family::new("digests");
    let mut names = Numbered::default();
    let mut random = Random(0x6469_6765);
    for length in [0, 1, 3, 64, 127, 128, 129, 255, 256, 257] {
        let message: Vec<u8> = (0..length).map(|_| random.next() as u8).collect();
        let fields = vec![("bytes", bytes(&message)), ("digest", bytes(&Blake2b::hash(&message)))];
        family.case("hash", names.name("hash"), fields);
    }
    for tensor in tensors(&mut random) {
        add_tensor(&mut family, names.name("tensor_digest"), &tensor);
    }
    for count in [0, 1, 2, 3, 4, 5, 7, 8, 9, 16, 17] {
        let list: Vec<Digest> = (0..count).map(|_| random.digest()).collect();
        let fields = vec![
            ("digests", digests(&list)),
            ("digest", bytes(&list_digest::<Blake2b>(&list))),
        ];
        family.case("list_digest", names.name("list_digest"), fields);
    }
    for manifest in [
        "",
        "name = \"digits\"\n",
        "schema = 1\n[[inputs]]\nname = \"caf\u{e9}\"\n",
    ] {
        let hash = manifest_hash::<Blake2b>(manifest.as_bytes());
        let fields = vec![
            ("manifest", bytes(manifest.as_bytes())),
            ("manifest_hash", bytes(&hash)),
        ];
        family.case("manifest_hash", names.name("manifest_hash"), fields);
    }
    roots::add(&mut family, &mut names);
    family
}

fn add_tensor(family: &mut Family, name: String, of: &Tensor) {
    let fields = vec![
        ("tensor", tensor(of)),
        ("root", bytes(&tensor_tree_root::<Blake2b>(of.bytes()))),
        ("digest", bytes(&of.digest::<Blake2b>())),
    ];
    family.case("tensor_digest", name, fields);
}

/// Every type and rank, and bytes that just fill a chunk or a level of the tree, or just do not.
fn tensors(random: &mut Random) -> Vec<Tensor> {
    let mut tensors: Vec<Tensor> = drawn::TYPES
        .into_iter()
        .map(|dtype| drawn::tensor(random, dtype, &[2, 3]))
        .collect();
    // The digest is of the bytes as they are, canonical or not.
    let odd = [0x8000_0000u32, 0xffc0_0001].iter().flat_map(|bits| bits.to_le_bytes());
    tensors.push(Tensor::new(DataType::Float32, vec![2], odd.collect()).expect("two numbers"));
    tensors.push(Tensor::new(DataType::Bool, vec![2], vec![2, 255]).expect("two truths"));
    for shape in [&[][..], &[1], &[1, 1, 1, 1, 1, 1, 1, 1], &[1, 2, 1, 3], &[3, 2]] {
        tensors.push(drawn::tensor(random, DataType::Int8, shape));
    }
    // No graph has a tensor without elements, and yet it has a digest.
    for shape in [&[0][..], &[0, 4], &[u32::MAX, 0, u32::MAX]] {
        tensors.push(Tensor::new(DataType::Float32, shape.to_vec(), vec![]).expect("no bytes"));
    }
    let chunk = CHUNK_BYTES as u32;
    for bytes in [
        chunk - 1,
        chunk,
        chunk + 1,
        2 * chunk,
        2 * chunk + 1,
        3 * chunk,
        4 * chunk,
        5 * chunk - 1,
        7 * chunk + 9,
        9 * chunk,
    ] {
        tensors.push(drawn::tensor(random, DataType::Uint8, &[bytes]));
    }
    tensors.push(drawn::tensor(random, DataType::Float32, &[2, 128]));
    tensors.push(drawn::tensor(random, DataType::Float32, &[257]));
    tensors.push(drawn::tensor(random, DataType::Int64, &[3, 43]));
    tensors
}
