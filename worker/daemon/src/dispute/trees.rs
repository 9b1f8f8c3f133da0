//! Digest trees of an execution, on disk: the digests of all chunks of all operators' outputs, about 3 % of the trace.
//!
//! With them every statement but a chunk's own bytes is made without executing the model again, however large the
//! tensors are and however many disputes are open.
//!
//! ```text
//! leaves of one output after the other, 32 bytes each
//! index      SCALE of one entry for each output: operator, data type, shape, first leaf, number of leaves
//! length     of the index, u64 little-endian
//! magic      16 bytes
//! ```
//!
//! The file is written beside its place, synced and renamed, so that it is whole or not there. What is read is checked
//! against the digest in the trace, so that a file that is damaged, or another execution's, is as good as none.

use assay_exact::{
    digest::{DataType, Digest},
    tree::chunk_leaves,
};
use assay_ops::tensor::{Blake2b256, Tensor};
use assay_player::Chunked;
use codec::{Decode, DecodeAll, Encode};
use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, BufWriter, Write},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

const MAGIC: [u8; 16] = *b"assay/trees/1\0\0\0";
const DIGEST_BYTES: u64 = size_of::<Digest>() as u64;
/// Bytes behind the index.
const TAIL_BYTES: u64 = (size_of::<u64>() + MAGIC.len()) as u64;
/// Bytes of an index that is read; a graph's nodes take less.
const MAX_INDEX_BYTES: u64 = 64 << 20;
/// Suffix of a file that is being written.
pub(crate) const UNFINISHED: &str = "new";

/// Where the trees of an execution are, or may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreesAt {
    /// The file.
    pub path: PathBuf,
    /// Bytes that all files of its folder may take together.
    pub most_bytes: u64,
}

/// Where the trees of one output are.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
struct Entry {
    operator: u32,
    dtype: DataType,
    shape: Vec<u32>,
    start: u64,
    count: u64,
}

/// A file of trees that is being written. Nothing is left of one that is not finished.
pub(crate) struct TreesWriter {
    file: BufWriter<File>,
    path: PathBuf,
    left_bytes: u64,
    leaves: u64,
    entries: Vec<Entry>,
    is_finished: bool,
}

/// The trees of an execution.
#[derive(Debug)]
pub(crate) struct Trees {
    file: File,
    entries: BTreeMap<u32, Entry>,
}

impl TreesWriter {
    /// Begins a file. Its folder is made if it is not there.
    pub(crate) fn create(at: &TreesAt) -> io::Result<Self> {
        let folder = folder(&at.path);
        fs::create_dir_all(folder)?;
        let unfinished = unfinished(&at.path);
        let mut taken = 0u64;
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            // These two are replaced.
            if entry.path() != at.path && entry.path() != unfinished {
                taken = taken.saturating_add(entry.metadata()?.len());
            }
        }
        Ok(Self {
            file: BufWriter::new(File::create(unfinished)?),
            path: at.path.clone(),
            left_bytes: at.most_bytes.saturating_sub(taken),
            leaves: 0,
            entries: Vec::new(),
            is_finished: false,
        })
    }

    /// Writes the tree of an operator's output, and gives the output's digest. An error of the kind
    /// [`StorageFull`](io::ErrorKind::StorageFull) says that there is no room for it.
    pub(crate) fn record(&mut self, operator: u32, output: &Tensor) -> io::Result<Digest> {
        let leaves = chunk_leaves::<Blake2b256>(output.bytes());
        let bytes = leaves.as_flattened();
        self.left_bytes = self
            .left_bytes
            .checked_sub(bytes.len() as u64)
            .ok_or(io::ErrorKind::StorageFull)?;
        self.file.write_all(bytes)?;
        self.entries.push(Entry {
            operator,
            dtype: output.dtype(),
            shape: output.shape().to_vec(),
            start: self.leaves,
            count: leaves.len() as u64,
        });
        self.leaves += leaves.len() as u64;
        let chunked = Chunked {
            dtype: output.dtype(),
            shape: output.shape().to_vec(),
            leaves,
        };
        Ok(chunked.digest())
    }

    /// Puts the file in its place.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        let index = self.entries.encode();
        self.file.write_all(&index)?;
        self.file.write_all(&(index.len() as u64).to_le_bytes())?;
        self.file.write_all(&MAGIC)?;
        self.file.flush()?;
        self.file.get_ref().sync_all()?;
        fs::rename(unfinished(&self.path), &self.path)?;
        self.is_finished = true;
        File::open(folder(&self.path))?.sync_all()
    }
}

impl Drop for TreesWriter {
    fn drop(&mut self) {
        if !self.is_finished {
            // One that stays is replaced by the next, or removed at the next start.
            let _ = fs::remove_file(unfinished(&self.path));
        }
    }
}

impl Trees {
    /// Opens a file of trees; `None` if there is none, or it is none.
    pub(crate) fn open(path: &Path) -> io::Result<Option<Self>> {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let Some(before_tail) = file.metadata()?.len().checked_sub(TAIL_BYTES) else {
            return Ok(None);
        };
        let mut tail = [0; TAIL_BYTES as usize];
        file.read_exact_at(&mut tail, before_tail)?;
        let (length, magic) = tail.split_at(size_of::<u64>());
        let length = length.try_into().map_or(u64::MAX, u64::from_le_bytes);
        let index_at = before_tail.checked_sub(length);
        let Some(index_at) = index_at.filter(|_| magic == MAGIC && length <= MAX_INDEX_BYTES) else {
            return Ok(None);
        };
        let mut index = vec![0; length as usize];
        file.read_exact_at(&mut index, index_at)?;
        let Ok(entries) = Vec::<Entry>::decode_all(&mut index.as_slice()) else {
            return Ok(None);
        };
        let leaves = index_at / DIGEST_BYTES;
        let is_inside = |entry: &Entry| entry.start.checked_add(entry.count).is_some_and(|end| end <= leaves);
        Ok(entries.iter().all(is_inside).then(|| Self {
            file,
            entries: entries.into_iter().map(|entry| (entry.operator, entry)).collect(),
        }))
    }

    /// An operator's output without its bytes; `None` if it is not here, or is not the one with this digest.
    pub(crate) fn chunked(&self, operator: u32, digest: &Digest) -> io::Result<Option<Chunked>> {
        let Some(entry) = self.entries.get(&operator) else {
            return Ok(None);
        };
        let count = usize::try_from(entry.count).map_err(|_| io::ErrorKind::OutOfMemory)?;
        let mut leaves: Vec<Digest> = vec![[0; 32]; count];
        self.file
            .read_exact_at(leaves.as_flattened_mut(), entry.start * DIGEST_BYTES)?;
        let chunked = Chunked {
            dtype: entry.dtype,
            shape: entry.shape.clone(),
            leaves,
        };
        Ok((chunked.digest() == *digest).then_some(chunked))
    }
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

fn unfinished(path: &Path) -> PathBuf {
    path.with_extension(UNFINISHED)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensor(bytes: usize) -> Tensor {
        let content = (0..bytes).map(|i| (i * 31 % 251) as u8).collect();
        Tensor::new(DataType::Uint8, vec![bytes as u32], content).expect("as many bytes")
    }

    fn at(folder: &Path, most_bytes: u64) -> TreesAt {
        TreesAt {
            path: folder.join("deep").join("7.trees"),
            most_bytes,
        }
    }

    #[test]
    fn trees_are_read_as_they_were_written_and_only_under_their_digests() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let at = at(folder.path(), 1 << 20);
        let outputs = [tensor(0), tensor(1), tensor(5000)];
        let mut writer = TreesWriter::create(&at).expect("created");
        let digests: Vec<Digest> = (0..)
            .zip(&outputs)
            .map(|(operator, output)| writer.record(operator, output).expect("written"))
            .collect();
        assert_eq!(digests, outputs.each_ref().map(Tensor::digest::<Blake2b256>));
        assert!(
            Trees::open(&at.path).expect("readable").is_none(),
            "it is not whole yet"
        );
        writer.finish().expect("finished");
        let trees = Trees::open(&at.path).expect("readable").expect("there");
        for (operator, output) in (0..).zip(&outputs) {
            let found = trees.chunked(operator, &digests[operator as usize]).expect("readable");
            assert_eq!(found, Some(Chunked::of(output)));
            assert_eq!(trees.chunked(operator, &[9; 32]).expect("readable"), None);
        }
        assert_eq!(trees.chunked(3, &digests[0]).expect("readable"), None);
        assert_eq!(fs::read_dir(folder.path().join("deep")).expect("readable").count(), 1);
    }

    #[test]
    fn damage_anywhere_is_as_good_as_no_trees() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let at = at(folder.path(), 1 << 20);
        let mut writer = TreesWriter::create(&at).expect("created");
        let digest = writer.record(0, &tensor(3000)).expect("written");
        writer.finish().expect("finished");
        let whole = fs::read(&at.path).expect("readable");
        for position in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[position] ^= 0x41;
            fs::write(&at.path, &damaged).expect("written");
            let found = Trees::open(&at.path).expect("readable");
            let found = found.and_then(|trees| trees.chunked(0, &digest).ok().flatten());
            assert_eq!(found, None, "byte {position}");
            fs::write(&at.path, &whole[..position]).expect("written");
            assert!(Trees::open(&at.path).expect("readable").is_none(), "cut at {position}");
        }
    }

    #[test]
    fn no_more_is_written_than_there_is_room_for_and_nothing_is_left() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let at = at(folder.path(), 100);
        let mut writer = TreesWriter::create(&at).expect("created");
        assert!(writer.record(0, &tensor(3000)).is_ok());
        let full = writer.record(1, &tensor(1)).expect_err("four digests are too many");
        assert_eq!(full.kind(), io::ErrorKind::StorageFull);
        drop(writer);
        assert_eq!(fs::read_dir(folder.path().join("deep")).expect("readable").count(), 0);
        fs::write(folder.path().join("deep/8.trees"), [0; 40]).expect("written");
        let mut writer = TreesWriter::create(&at).expect("created");
        assert!(writer.record(0, &tensor(3000)).is_err(), "another file takes the room");
    }
}
