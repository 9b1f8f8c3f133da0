//! A GGUF file as ggml's specification describes versions 2 and 3, read without trusting its sizes, counts or offsets.
//!
//! ```text
//! "GGUF"  version u32  tensors u64  pairs u64
//! pairs:    key, type u32, value
//! tensors:  name, rank u32, dimensions u64… (innermost first), type u32, offset u64
//! padding to the alignment, then the tensors' bytes
//! ```
//!
//! All numbers are little-endian; a string is its length as u64 and its bytes. Only the header is kept in memory. The
//! bytes of a tensor are read when they are asked for.

use super::{
    blocks::BlockType,
    metadata::{Metadata, Value},
};
use crate::error::ImportError;
use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufReader, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

/// Maximum size of everything before the tensors' bytes: vocabularies of a quarter of a million tokens have 16 MiB.
const MAX_HEADER_BYTES: u64 = 64 << 20;
/// Maximum number of tensors.
const MAX_TENSORS: u64 = 65_535;
/// Maximum number of dimensions of a tensor, as ggml has it.
const MAX_RANK: u32 = 4;
/// Maximum size of a key or a tensor's name.
const MAX_NAME_BYTES: u64 = 255;
/// Alignment of tensors where the metadata does not say it.
const DEFAULT_ALIGNMENT: u64 = 32;

/// A tensor as the header describes it. Its bytes are known to lie in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorInfo {
    /// Format of its elements.
    pub kind: BlockType,
    /// Elements in each dimension, outermost first.
    pub shape: Vec<u32>,
    /// Where its bytes begin, in the file.
    start: u64,
    /// Size.
    bytes: u64,
}

/// An open GGUF file.
pub struct Container {
    path: PathBuf,
    file: File,
    /// The pairs of keys and values.
    pub metadata: Metadata,
    /// The tensors by name.
    pub tensors: BTreeMap<String, TensorInfo>,
}

type Result<T> = std::result::Result<T, ImportError>;

pub(super) fn refused(part: &str, reason: impl Into<String>) -> ImportError {
    ImportError::Gguf {
        part: part.to_owned(),
        reason: reason.into(),
    }
}

impl Container {
    /// Opens a file and reads its header.
    pub fn open(path: &Path) -> Result<Self> {
        let read = |error| ImportError::Read {
            path: path.to_owned(),
            error,
        };
        let file = File::open(path).map_err(read)?;
        let size = file.metadata().map_err(read)?.len();
        let (metadata, tensors) = header(BufReader::new(&file), size)?;
        Ok(Self {
            path: path.to_owned(),
            file,
            metadata,
            tensors,
        })
    }

    /// The tensor of this name, or the reason that there is none.
    pub fn tensor(&self, name: &str) -> Result<&TensorInfo> {
        let tensor = self.tensors.get(name);
        tensor.ok_or_else(|| refused(name, "the file has no such tensor, which its architecture needs"))
    }

    /// The bytes of a tensor.
    pub fn bytes(&mut self, name: &str) -> Result<Vec<u8>> {
        let (start, size) = {
            let tensor = self.tensor(name)?;
            (tensor.start, tensor.bytes)
        };
        let read = |error| ImportError::Read {
            path: self.path.clone(),
            error,
        };
        let size = usize::try_from(size).map_err(|_| refused(name, "it is too large for this machine"))?;
        let mut bytes = vec![0; size];
        self.file.seek(SeekFrom::Start(start)).map_err(read)?;
        self.file.read_exact(&mut bytes).map_err(read)?;
        Ok(bytes)
    }
}

/// Reads the header of a file of `size` bytes.
pub(super) fn header(reader: impl Read, size: u64) -> Result<(Metadata, BTreeMap<String, TensorInfo>)> {
    let mut reader = Reader {
        reader,
        taken: 0,
        bound: size.min(MAX_HEADER_BYTES),
    };
    if reader.array()? != *b"GGUF" {
        return Err(refused("the file", "it does not begin as GGUF does"));
    }
    let version = reader.u32()?;
    if !matches!(version, 2 | 3) {
        let reason = format!("the version is {version}, and 2 and 3 in little-endian order are read; convert it again");
        return Err(refused("the file", reason));
    }
    let (tensor_count, pair_count) = (reader.u64()?, reader.u64()?);
    if tensor_count > MAX_TENSORS {
        let reason = format!("it has {tensor_count} tensors, and at most {MAX_TENSORS} are read");
        return Err(refused("the file", reason));
    }
    let metadata = pairs(&mut reader, pair_count)?;
    let alignment = match metadata.get("general.alignment") {
        None => DEFAULT_ALIGNMENT,
        Some(_) => u64::from(metadata.u32("general.alignment")?),
    };
    if !alignment.is_power_of_two() || alignment > 1 << 20 {
        return Err(refused("general.alignment", "it is not a power of two up to 2^20"));
    }
    let mut tensors = BTreeMap::new();
    for _ in 0..tensor_count {
        let (name, tensor) = tensor(&mut reader)?;
        if tensors.contains_key(&name) {
            return Err(refused(&name, "two tensors have this name"));
        }
        tensors.insert(name, tensor);
    }
    place(&mut tensors, reader.taken.next_multiple_of(alignment), alignment, size)?;
    Ok((metadata, tensors))
}

fn pairs(reader: &mut Reader<impl Read>, count: u64) -> Result<Metadata> {
    let mut metadata = Metadata::default();
    // Each pair takes bytes, so that a wrong count ends with the header's bound.
    for _ in 0..count {
        let key = reader.text("a key", MAX_NAME_BYTES)?;
        let kind = reader.u32()?;
        let value = Value::read(reader, &key, kind)?;
        if !metadata.insert(key.clone(), value) {
            return Err(refused(&key, "the file has this key twice"));
        }
    }
    Ok(metadata)
}

/// A tensor whose `start` is still counted from the first tensor's bytes.
fn tensor(reader: &mut Reader<impl Read>) -> Result<(String, TensorInfo)> {
    let name = reader.text("a tensor's name", MAX_NAME_BYTES)?;
    let rank = reader.u32()?;
    if !(1..=MAX_RANK).contains(&rank) {
        return Err(refused(&name, format!("it has {rank} dimensions, not 1 to {MAX_RANK}")));
    }
    let mut shape = Vec::new();
    for _ in 0..rank {
        let elements = reader.u64()?;
        let elements = u32::try_from(elements).ok().filter(|elements| *elements > 0);
        shape.push(elements.ok_or_else(|| refused(&name, "a dimension is 0, or 2^32 and more"))?);
    }
    shape.reverse();
    let kind = BlockType::of_code(reader.u32()?).map_err(|reason| refused(&name, reason))?;
    let start = reader.u64()?;
    let bytes = kind.size(&shape);
    let bytes = bytes.ok_or_else(|| {
        let reason = format!(
            "its rows are not whole blocks of {} elements, or it is too large",
            kind.elements()
        );
        refused(&name, reason)
    })?;
    let info = TensorInfo {
        kind,
        shape,
        start,
        bytes,
    };
    Ok((name, info))
}

/// Checks that every tensor lies in the file and that no two share bytes, and counts their places from the file's first
/// byte.
fn place(tensors: &mut BTreeMap<String, TensorInfo>, first: u64, alignment: u64, size: u64) -> Result<()> {
    let mut places = Vec::new();
    for (name, tensor) in tensors {
        if tensor.start % alignment != 0 {
            return Err(refused(name, format!("its offset is no multiple of {alignment}")));
        }
        let start = first.checked_add(tensor.start);
        let end = start.and_then(|start| start.checked_add(tensor.bytes));
        let (Some(start), Some(end)) = (start, end.filter(|end| *end <= size)) else {
            return Err(refused(name, "it ends after the file; get the file again"));
        };
        tensor.start = start;
        places.push((start, end, name));
    }
    places.sort_unstable();
    match places.windows(2).find(|pair| pair[0].1 > pair[1].0) {
        Some(pair) => Err(refused(pair[1].2, format!("it shares bytes with {}", pair[0].2))),
        None => Ok(()),
    }
}

/// Reader of a header, and the limit of its size.
pub(super) struct Reader<R> {
    reader: R,
    taken: u64,
    bound: u64,
}

impl<R: Read> Reader<R> {
    /// The next bytes, which are known to be in the file before memory is asked for.
    pub fn bytes(&mut self, count: u64, what: &str) -> Result<Vec<u8>> {
        let taken = self.taken.checked_add(count).filter(|taken| *taken <= self.bound);
        let taken = taken.ok_or_else(|| {
            refused(
                what,
                format!("it goes beyond the file or beyond {MAX_HEADER_BYTES} bytes of header"),
            )
        })?;
        let mut bytes = vec![0; usize::try_from(count).map_err(|_| refused(what, "it is too large"))?];
        let read = self.reader.read_exact(&mut bytes);
        read.map_err(|error| refused(what, format!("it cannot be read: {error}")))?;
        self.taken = taken;
        Ok(bytes)
    }

    /// As many bytes as an array has.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let bytes = self.bytes(N as u64, "the header")?;
        bytes.try_into().map_err(|_| refused("the header", "it is cut off"))
    }

    pub fn u32(&mut self) -> Result<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub fn u64(&mut self) -> Result<u64> {
        self.array().map(u64::from_le_bytes)
    }

    /// A string of at most `max` bytes.
    pub fn text(&mut self, what: &str, max: u64) -> Result<String> {
        let length = self.u64()?;
        if length > max {
            return Err(refused(
                what,
                format!("it is a string of {length} bytes, and at most {max} are read"),
            ));
        }
        let bytes = self.bytes(length, what)?;
        String::from_utf8(bytes).map_err(|_| refused(what, "it is a string that is not UTF-8"))
    }

    /// Bytes that the header may still have.
    pub fn left(&self) -> u64 {
        self.bound - self.taken
    }
}
