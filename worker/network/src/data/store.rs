//! Data that a node provides: tensors, lists of tensors and packages, by digest.
//!
//! A store keeps the trees of its tensors in memory, from the groups up; bytes are read when somebody asks. It knows
//! nothing of peers.

use super::{
    tree::{GROUP_BYTES, GroupTree, TensorHeader, group_digest, group_range},
    wire::{Listing, MAX_ENTRIES, MAX_FILES},
};
use crate::error::NetworkError;
use assay_exact::bounded::Bounded;
use assay_ops::tensor::{Blake2b256, DataType, Digest, Tensor, list_digest};
use assay_package::{FileEntry, MANIFEST_FILE, Package, weights::WeightsLayout};
use std::{
    collections::HashMap,
    fs::File,
    io,
    os::unix::fs::FileExt,
    path::Path,
    sync::{Arc, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

/// Facts on a tensor that serving needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// Header that the digest commits to.
    pub header: TensorHeader,
    /// Bytes of the tensor.
    pub bytes: u64,
    /// Chunks of the tensor.
    pub chunks: u64,
    /// The tree, from the groups up.
    pub tree: GroupTree,
}

impl Content {
    /// Describes a tensor with this tree; `None` if its shape has more dimensions than a graph's may, or its bytes
    /// overflow 64 bits.
    pub fn new(dtype: DataType, shape: &[u32], tree: GroupTree) -> Option<Self> {
        let header = TensorHeader {
            dtype,
            shape: Bounded::new(shape.to_vec())?,
            root: tree.root(),
        };
        Some(Self {
            bytes: header.bytes()?,
            chunks: header.chunks()?,
            header,
            tree,
        })
    }
}

/// Data that a node provides. Calls may block on files: the server makes them on threads for that.
pub trait Store: Send + Sync + 'static {
    /// The tensor with this digest, if it is provided.
    fn content(&self, digest: &Digest) -> Option<Arc<Content>>;

    /// Reads bytes of the tensor with this digest, beginning at `offset`, until `buffer` is full.
    fn read(&self, digest: &Digest, offset: u64, buffer: &mut [u8]) -> io::Result<()>;

    /// The entries of the list with this digest, if it is provided.
    fn list(&self, digest: &Digest) -> Option<Arc<Vec<Digest>>>;

    /// The listing of the package with this model root, if it is provided.
    fn listing(&self, root: &Digest) -> Option<Arc<Listing>>;
}

/// Where a tensor's bytes are.
#[derive(Clone, Debug)]
enum Source {
    Memory(Arc<Vec<u8>>),
    File { file: Arc<File>, offset: u64 },
}

#[derive(Debug, Default)]
struct Shelves {
    tensors: HashMap<Digest, (Arc<Content>, Source)>,
    lists: HashMap<Digest, Arc<Vec<Digest>>>,
    packages: HashMap<Digest, Arc<Listing>>,
}

/// A store over files and tensors in memory. Files must not change while they are provided: a receiver would take the
/// node for a liar.
#[derive(Debug, Default)]
pub struct LocalStore {
    shelves: RwLock<Shelves>,
}

impl LocalStore {
    /// A store that provides nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Provides a tensor from memory, and gives its digest.
    pub fn add_tensor(&self, tensor: Tensor) -> Result<Digest, NetworkError> {
        let content = Content::new(tensor.dtype(), tensor.shape(), GroupTree::of(tensor.bytes()));
        let content = content.ok_or(NetworkError::Shape)?;
        let digest = content.header.digest();
        let source = Source::Memory(Arc::new(tensor.into_bytes()));
        self.write().tensors.insert(digest, (Arc::new(content), source));
        Ok(digest)
    }

    /// Provides a list of tensors from memory, such as the inputs of a job, and gives the list's digest.
    pub fn add_tensors(&self, tensors: Vec<Tensor>) -> Result<Digest, NetworkError> {
        let digests = tensors.into_iter().map(|tensor| self.add_tensor(tensor));
        self.add_list(digests.collect::<Result<_, _>>()?)
    }

    /// Provides a list, and gives its digest. The entries are not provided by this.
    pub fn add_list(&self, entries: Vec<Digest>) -> Result<Digest, NetworkError> {
        if entries.len() > MAX_ENTRIES {
            return Err(NetworkError::TooLarge {
                what: "a list",
                actual: entries.len() as u64,
                max: MAX_ENTRIES as u64,
            });
        }
        let digest = list_digest::<Blake2b256>(&entries);
        self.write().lists.insert(digest, Arc::new(entries));
        Ok(digest)
    }

    /// Provides the tensor whose bytes lie in a file at `offset`, and gives its digest. Reads the bytes once.
    pub fn add_file(&self, path: &Path, offset: u64, dtype: DataType, shape: &[u32]) -> Result<Digest, NetworkError> {
        let file = open(path)?;
        let digest = self.add_part(&file, offset, dtype, shape);
        digest.map_err(|error| NetworkError::of_file(path, error))
    }

    /// Provides a package that lies in `folder`, with all its files and weights. Reads the files once, and compares
    /// the weights with the package's.
    pub fn add_package(&self, folder: &Path, package: &Package) -> Result<Digest, NetworkError> {
        let manifest_path = folder.join(MANIFEST_FILE);
        let manifest = std::fs::read(&manifest_path).map_err(|error| NetworkError::of_file(&manifest_path, error))?;
        let weights_path = folder.join(&package.manifest().weights.file);
        let weights_file = open(&weights_path)?;
        let graph = package.graph().graph();
        let places = WeightsLayout::of(graph)?.places;
        for ((weight, place), expected) in graph.weights.iter().zip(places).zip(package.weight_digests()) {
            let digest = self.add_part(&weights_file, place.start, weight.dtype, &weight.shape);
            if digest.map_err(|error| NetworkError::of_file(&weights_path, error))? != *expected {
                return Err(NetworkError::Changed { path: weights_path });
            }
        }
        let small = |entry: &&FileEntry| entry.file != package.manifest().weights.file;
        let files = package.manifest().files().filter(small).map(|entry| {
            let shape = [u32::try_from(entry.bytes).map_err(|_| NetworkError::Shape)?];
            let digest = self.add_file(&folder.join(&entry.file), 0, DataType::Uint8, &shape)?;
            Ok((entry.file.clone(), digest))
        });
        let files: Vec<_> = files.collect::<Result<_, NetworkError>>()?;
        if files.len() > MAX_FILES {
            return Err(NetworkError::TooLarge {
                what: "the list of a package's files",
                actual: files.len() as u64,
                max: MAX_FILES as u64,
            });
        }
        let listing = Listing {
            parts: package.parts().clone(),
            manifest,
            weights: package.weight_digests().to_vec(),
            files,
        };
        self.write().packages.insert(package.root(), Arc::new(listing));
        Ok(package.root())
    }

    /// Stops providing what has this digest: a tensor, a list or a package. What a package names stays.
    pub fn remove(&self, digest: &Digest) {
        let mut shelves = self.write();
        shelves.tensors.remove(digest);
        shelves.lists.remove(digest);
        shelves.packages.remove(digest);
    }

    fn add_part(&self, file: &Arc<File>, offset: u64, dtype: DataType, shape: &[u32]) -> io::Result<Digest> {
        let size = assay_exact::digest::tensor_size_bytes(dtype, shape);
        let size = size.ok_or(io::ErrorKind::InvalidInput)?;
        let mut buffer = vec![0; GROUP_BYTES];
        let mut groups = Vec::new();
        for group in 0..size.div_ceil(GROUP_BYTES as u64).max(1) {
            let at = group_range(size, group);
            let buffer = &mut buffer[..(at.end - at.start) as usize];
            file.read_exact_at(buffer, offset + at.start)?;
            groups.push(group_digest(buffer));
        }
        let content = Content::new(dtype, shape, GroupTree::new(groups)).ok_or(io::ErrorKind::InvalidInput)?;
        let digest = content.header.digest();
        let source = Source::File {
            file: file.clone(),
            offset,
        };
        self.write().tensors.insert(digest, (Arc::new(content), source));
        Ok(digest)
    }

    fn shelves(&self) -> RwLockReadGuard<'_, Shelves> {
        self.shelves.read().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn write(&self) -> RwLockWriteGuard<'_, Shelves> {
        self.shelves.write().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Store for LocalStore {
    fn content(&self, digest: &Digest) -> Option<Arc<Content>> {
        self.shelves().tensors.get(digest).map(|(content, _)| content.clone())
    }

    fn read(&self, digest: &Digest, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let source = self.shelves().tensors.get(digest).map(|(_, source)| source.clone());
        match source.ok_or(io::ErrorKind::NotFound)? {
            Source::File { file, offset: start } => file.read_exact_at(buffer, start + offset),
            Source::Memory(bytes) => {
                let start = usize::try_from(offset).map_err(|_| io::ErrorKind::UnexpectedEof)?;
                let end = start.saturating_add(buffer.len());
                buffer.copy_from_slice(bytes.get(start..end).ok_or(io::ErrorKind::UnexpectedEof)?);
                Ok(())
            }
        }
    }

    fn list(&self, digest: &Digest) -> Option<Arc<Vec<Digest>>> {
        self.shelves().lists.get(digest).cloned()
    }

    fn listing(&self, root: &Digest) -> Option<Arc<Listing>> {
        self.shelves().packages.get(root).cloned()
    }
}

fn open(path: &Path) -> Result<Arc<File>, NetworkError> {
    let file = File::open(path).map_err(|error| NetworkError::of_file(path, error))?;
    Ok(Arc::new(file))
}
