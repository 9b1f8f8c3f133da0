//! Data that a daemon provides: its packages for as long as it runs, and lists of tensors until newer ones need their
//! room.

use assay_network::{Content, LocalStore, NetworkError, Store, data::wire::Listing};
use assay_ops::tensor::{Digest, Tensor};
use assay_package::Package;
use std::{
    collections::{HashMap, HashSet, VecDeque},
    io,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Digests that are remembered as known to everybody.
const MAX_PUBLIC: usize = 1 << 16;

/// The shelves that a node serves from. Packages and lists stand apart, so that a client's tensor that equals a weight
/// takes no weight away when it goes.
#[derive(Debug, Default)]
pub(super) struct Shelves {
    packages: LocalStore,
    lists: LocalStore,
    /// Bytes that lists may have together.
    most_bytes: u64,
    shared: Mutex<Shared>,
}

/// The lists that are provided, the oldest first, and which digests anybody can have.
#[derive(Debug, Default)]
struct Shared {
    lists: VecDeque<List>,
    known: HashSet<Digest>,
    uses: HashMap<Digest, u32>,
    bytes: u64,
    public: VecDeque<Digest>,
    is_public: HashSet<Digest>,
}

#[derive(Debug)]
struct List {
    digest: Digest,
    tensors: Vec<Digest>,
    bytes: u64,
}

impl Shelves {
    /// Nothing yet, and never more than this many bytes of lists.
    pub(super) fn new(most_bytes: u64) -> Self {
        Self {
            most_bytes,
            ..Self::default()
        }
    }

    /// Provides a package. Reads its files.
    pub(super) fn add_package(&self, folder: &Path, package: &Package) -> Result<Digest, NetworkError> {
        self.packages.add_package(folder, package)
    }

    /// Provides a list of tensors; the list's digest, and those of older lists that are provided no longer. `None` for
    /// a list that is larger than all lists may be.
    pub(super) fn add_list(&self, tensors: Vec<Tensor>) -> Result<Option<(Digest, Vec<Digest>)>, NetworkError> {
        let bytes: u64 = tensors.iter().map(|tensor| tensor.bytes().len() as u64).sum();
        if bytes > self.most_bytes {
            return Ok(None);
        }
        let tensors = tensors.into_iter().map(|tensor| self.lists.add_tensor(tensor));
        let tensors: Vec<Digest> = tensors.collect::<Result<_, _>>()?;
        let digest = self.lists.add_list(tensors.clone())?;
        let mut shared = self.shared();
        if !shared.known.insert(digest) {
            return Ok(Some((digest, Vec::new())));
        }
        for tensor in &tensors {
            *shared.uses.entry(*tensor).or_default() += 1;
        }
        shared.bytes += bytes;
        shared.lists.push_back(List { digest, tensors, bytes });
        let mut gone = Vec::new();
        while shared.bytes > self.most_bytes
            && let Some(oldest) = shared.lists.pop_front()
        {
            gone.push(oldest.digest);
            self.drop_list(&mut shared, oldest);
        }
        Ok(Some((digest, gone)))
    }

    fn drop_list(&self, shared: &mut Shared, list: List) {
        shared.bytes = shared.bytes.saturating_sub(list.bytes);
        shared.known.remove(&list.digest);
        self.lists.remove(&list.digest);
        for tensor in list.tensors {
            let uses = shared.uses.entry(tensor).or_default();
            *uses = uses.saturating_sub(1);
            if *uses == 0 {
                shared.uses.remove(&tensor);
                self.lists.remove(&tensor);
            }
        }
    }

    /// Remembers that anybody can have what this digest names.
    pub(super) fn note_public(&self, digest: Digest) {
        let mut shared = self.shared();
        if !shared.is_public.insert(digest) {
            return;
        }
        shared.public.push_back(digest);
        if shared.public.len() > MAX_PUBLIC
            && let Some(oldest) = shared.public.pop_front()
        {
            shared.is_public.remove(&oldest);
        }
    }

    /// Whether that is remembered.
    pub(super) fn is_public(&self, digest: &Digest) -> bool {
        self.shared().is_public.contains(digest)
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        // Whoever panicked meanwhile has left lists that are whole.
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for Shelves {
    fn content(&self, digest: &Digest) -> Option<Arc<Content>> {
        let of_packages = self.packages.content(digest);
        of_packages.or_else(|| self.lists.content(digest))
    }

    fn read(&self, digest: &Digest, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        match self.packages.content(digest) {
            Some(_) => self.packages.read(digest, offset, buffer),
            None => self.lists.read(digest, offset, buffer),
        }
    }

    fn list(&self, digest: &Digest) -> Option<Arc<Vec<Digest>>> {
        self.lists.list(digest)
    }

    fn listing(&self, root: &Digest) -> Option<Arc<Listing>> {
        self.packages.listing(root)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_ops::tensor::{DataType, tensors_digest};
    use std::path::PathBuf;

    fn tensor(byte: u8) -> Tensor {
        Tensor::new(DataType::Uint8, vec![100], vec![byte; 100]).expect("a hundred bytes")
    }

    fn add(shelves: &Shelves, tensors: Vec<Tensor>) -> (Digest, Vec<Digest>) {
        shelves.add_list(tensors).expect("sound tensors").expect("small enough")
    }

    #[test]
    fn the_oldest_lists_make_room_and_take_no_shared_tensor_along() {
        let shelves = Shelves::new(450);
        let first = add(&shelves, vec![tensor(1), tensor(2)]);
        let second = add(&shelves, vec![tensor(2), tensor(3)]);
        assert!(first.1.is_empty() && second.1.is_empty());
        assert_eq!(add(&shelves, vec![tensor(1), tensor(2)]), (first.0, vec![]));
        let third = add(&shelves, vec![tensor(4)]);
        assert_eq!(third.1, [first.0]);
        let provided =
            [1, 2, 3, 4].map(|byte| shelves.content(&tensor(byte).digest::<assay_ops::tensor::Blake2b256>()));
        assert_eq!(provided.map(|content| content.is_some()), [false, true, true, true]);
        assert!(shelves.list(&first.0).is_none() && shelves.list(&second.0).is_some());
        assert_eq!(second.0, tensors_digest(&[tensor(2), tensor(3)]));
    }

    #[test]
    fn a_list_that_is_larger_than_all_may_be_is_not_provided() {
        let shelves = Shelves::new(150);
        let refused = shelves.add_list(vec![tensor(1), tensor(2)]);
        assert!(matches!(refused, Ok(None)));
    }

    #[test]
    fn a_clients_tensor_that_equals_a_weight_takes_no_weight_away() {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../models/digits/package");
        let package = Package::load(&folder).expect("the committed package is whole");
        let weight = package.weights()[0].clone();
        let (digest, bytes) = (package.weight_digests()[0], weight.bytes().len() as u64);
        let shelves = Shelves::new(bytes);
        let root = shelves.add_package(&folder, &package).expect("its files are there");
        add(&shelves, vec![weight.clone()]);
        // Large enough to take the place of the other.
        let other = Tensor::new(DataType::Uint8, vec![bytes as u32], vec![9; bytes as usize]).expect("as many bytes");
        assert_eq!(add(&shelves, vec![other]).1.len(), 1);
        let mut read = vec![0; weight.bytes().len()];
        shelves.read(&digest, 0, &mut read).expect("the weight is there");
        assert_eq!(read, weight.bytes());
        assert!(shelves.listing(&root).is_some());
    }

    #[test]
    fn what_is_public_is_remembered_for_the_newest() {
        let shelves = Shelves::new(0);
        let digest = |number: usize| {
            let mut digest = [0; 32];
            digest[..8].copy_from_slice(&(number as u64).to_le_bytes());
            digest
        };
        (0..=MAX_PUBLIC).for_each(|number| shelves.note_public(digest(number)));
        shelves.note_public(digest(MAX_PUBLIC));
        assert!(!shelves.is_public(&digest(0)));
        assert!(shelves.is_public(&digest(1)) && shelves.is_public(&digest(MAX_PUBLIC)));
    }
}
