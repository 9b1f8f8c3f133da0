//! Random bytes that nobody can foresee.

use std::{
    fs::File,
    io::{self, Read},
};

/// Bytes of the system's generator.
pub(crate) fn bytes<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes)
}
