//! Archives byte for byte as torch lays them out, and how they are read.

use super::*;

/// Bytes at whose multiples torch lets the data of an entry begin.
const ALIGNMENT: usize = 64;

/// CRC-32 as zip has it.
fn crc32(content: &[u8]) -> u32 {
    let rotate = |crc: u32| (crc >> 1) ^ (0xedb8_8320 * (crc & 1));
    let step = |crc: u32, byte: &u8| (0..8).fold(crc ^ u32::from(*byte), |crc, _| rotate(crc));
    !content.iter().fold(u32::MAX, step)
}

fn put(bytes: &mut Vec<u8>, shorts: &[u16], longs: &[u32]) {
    bytes.extend(shorts.iter().flat_map(|short| short.to_le_bytes()));
    bytes.extend(longs.iter().flat_map(|long| long.to_le_bytes()));
}

/// An archive as torch's writer lays it out: no sizes before the data, which are aligned by a padded extra field, sizes
/// behind the data, and a zip64 record behind the directory however small the archive is.
pub fn as_torch(entries: &[(String, Vec<u8>)]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in entries {
        let (start, crc, size) = (bytes.len() as u32, crc32(content), content.len() as u32);
        let padding =
            (bytes.len() + 30 + name.len() + 4).next_multiple_of(ALIGNMENT) - (bytes.len() + 30 + name.len() + 4);
        bytes.extend(b"PK\x03\x04");
        put(&mut bytes, &[0, 0x0808, 0, 0, 0], &[0, 0, 0]);
        put(&mut bytes, &[name.len() as u16, padding as u16 + 4], &[]);
        bytes.extend(name.as_bytes());
        bytes.extend(b"FB");
        put(&mut bytes, &[padding as u16], &[]);
        bytes.resize(bytes.len() + padding, b'Z');
        bytes.extend(content);
        bytes.extend(b"PK\x07\x08");
        put(&mut bytes, &[], &[crc, size, size]);

        directory.extend(b"PK\x01\x02");
        put(&mut directory, &[0, 0, 0x0808, 0, 0, 0], &[crc, size, size]);
        put(&mut directory, &[name.len() as u16, 0, 0, 0, 0], &[0, start]);
        directory.extend(name.as_bytes());
    }
    let (start, size, count) = (bytes.len() as u64, directory.len() as u64, entries.len() as u64);
    bytes.extend(directory);
    let record = bytes.len() as u64;
    bytes.extend(b"PK\x06\x06");
    bytes.extend(44u64.to_le_bytes());
    put(&mut bytes, &[0x031e, 45], &[0, 0]);
    bytes.extend([count, count, size, start].iter().flat_map(|field| field.to_le_bytes()));
    bytes.extend(b"PK\x06\x07\0\0\0\0");
    bytes.extend(record.to_le_bytes());
    put(&mut bytes, &[], &[1]);
    bytes.extend(b"PK\x05\x06");
    put(
        &mut bytes,
        &[0, 0, count.min(0xffff) as u16, count.min(0xffff) as u16],
        &[size as u32, start as u32],
    );
    put(&mut bytes, &[0], &[]);
    bytes
}

/// Imports an archive that lies in a file.
pub fn import_bytes(bytes: &[u8]) -> Result<Package, ImportError> {
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    fs::write(file.path(), bytes).expect("a temporary file");
    import(file.path(), options())
}

#[test]
fn archives_are_imported_whatever_the_length_of_their_name() {
    let root = import(&digits("digits.pt2"), options())
        .expect("a sound program")
        .root();
    for length in 1..=64 {
        let mut entries = entries();
        for (name, _) in &mut entries {
            *name = name.replacen("digits", &"n".repeat(length), 1);
        }
        let package = import_bytes(&as_torch(&entries)).unwrap_or_else(|error| panic!("{length} letters: {error}"));
        assert_eq!(package.root(), root, "{length} letters");
    }
}
