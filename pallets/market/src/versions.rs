//! The model versions that one call has read, each once: a record may have kilobytes.

use crate::{Config, Error};
use alloc::collections::{BTreeMap, btree_map::Entry};
use assay_types::{ModelRegistry, ModelVersion, traits::VersionInfo};
use core::marker::PhantomData;

/// Reads of the register of models by a call.
pub(crate) struct Versions<T> {
    read: BTreeMap<ModelVersion, VersionInfo>,
    registry: PhantomData<T>,
}

impl<T: Config> Versions<T> {
    /// Nothing yet.
    pub(crate) fn new() -> Self {
        Self {
            read: BTreeMap::new(),
            registry: PhantomData,
        }
    }

    /// The version, read now if it was not before.
    pub(crate) fn get(&mut self, model: ModelVersion) -> Result<&VersionInfo, Error<T>> {
        Ok(match self.read.entry(model) {
            Entry::Occupied(read) => read.into_mut(),
            Entry::Vacant(unread) => unread.insert(T::Models::version(model).ok_or(Error::<T>::UnknownModel)?),
        })
    }
}
