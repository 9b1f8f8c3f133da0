//! Versions come and go: registration, publication, deprecation, removal.

use crate::{
    Config, Error, Event, ModelByName, ModelName, ModelRecord, ModelRecordOf, Models, NextModelId, Pallet,
    VersionByRoot, VersionRecord, VersionRecordOf, VersionStatus, Versions,
};
use assay_types::{
    AssayTime, ModelId, ModelParts, ModelVersion, Schema, VersionNumber, check_name, limits::MAX_VERSIONS,
};
use polkadot_sdk::{
    frame_support::{
        ensure,
        traits::{Consideration, Footprint, Get},
    },
    sp_runtime::{DispatchResult, traits::Saturating},
};

/// The number of a model's first version.
const FIRST_VERSION: VersionNumber = 1;

impl<T: Config> Pallet<T> {
    pub(crate) fn do_register(owner: T::AccountId, name: ModelName, parts: ModelParts) -> DispatchResult {
        check_name(&name).map_err(Error::<T>::from)?;
        ensure!(!ModelByName::<T>::contains_key(&name), Error::<T>::NameTaken);
        let record = Self::new_version(parts)?;

        let model = NextModelId::<T>::get();
        let next = model.checked_add(1).ok_or(Error::<T>::NumbersExhausted)?;
        let version = ModelVersion {
            model,
            version: FIRST_VERSION,
        };
        let stored_bytes = name_bytes(&name).saturating_add(record.deposit_bytes());
        let ticket = T::Consideration::new(&owner, footprint(1, stored_bytes))?;

        NextModelId::<T>::put(next);
        ModelByName::<T>::insert(&name, model);
        Models::<T>::insert(
            model,
            ModelRecord {
                owner: owner.clone(),
                name: name.clone(),
                latest_version: FIRST_VERSION,
                live_versions: 1,
                stored_bytes,
                pending_owner: None,
                ticket,
            },
        );
        Self::deposit_event(Event::Registered { model, owner, name });
        Self::store_version(version, record);
        Ok(())
    }

    pub(crate) fn do_publish_version(owner: T::AccountId, model: ModelId, parts: ModelParts) -> DispatchResult {
        let mut line = Self::owned_model(&owner, model)?;
        ensure!(line.live_versions < MAX_VERSIONS, Error::<T>::TooManyVersions);
        let record = Self::new_version(parts)?;

        line.latest_version = line.latest_version.checked_add(1).ok_or(Error::<T>::NumbersExhausted)?;
        line.live_versions = line.live_versions.saturating_add(1); // At most MAX_VERSIONS, see above.
        line.stored_bytes = line.stored_bytes.saturating_add(record.deposit_bytes()); // Bounded by MAX_VERSIONS records.
        line.ticket = line
            .ticket
            .update(&owner, footprint(line.live_versions, line.stored_bytes))?;

        let version = ModelVersion {
            model,
            version: line.latest_version,
        };
        Models::<T>::insert(model, line);
        Self::store_version(version, record);
        Ok(())
    }

    pub(crate) fn do_deprecate(owner: T::AccountId, version: ModelVersion) -> DispatchResult {
        Self::owned_model(&owner, version.model)?;
        let mut record = Versions::<T>::get(version).ok_or(Error::<T>::UnknownVersion)?;
        ensure!(record.is_active(), Error::<T>::AlreadyDeprecated);

        record.status = VersionStatus::Deprecated { at: T::Time::now() };
        Versions::<T>::insert(version, record);
        Self::deposit_event(Event::Deprecated { version });
        Ok(())
    }

    pub(crate) fn do_remove_version(owner: T::AccountId, version: ModelVersion) -> DispatchResult {
        let mut line = Self::owned_model(&owner, version.model)?;
        let record = Versions::<T>::get(version).ok_or(Error::<T>::UnknownVersion)?;
        let VersionStatus::Deprecated { at } = record.status else {
            return Err(Error::<T>::NotDeprecated.into());
        };
        // Saturating: a chain whose block numbers are used up removes nothing early.
        let retired_from = at.saturating_add(T::RetirementBlocks::get());
        ensure!(T::Time::now() >= retired_from, Error::<T>::NotRetired);

        Versions::<T>::remove(version);
        VersionByRoot::<T>::remove(record.root);
        if line.live_versions <= 1 {
            line.ticket.drop(&owner)?;
            ModelByName::<T>::remove(&line.name);
            Models::<T>::remove(version.model);
        } else {
            line.live_versions = line.live_versions.saturating_sub(1); // Above 1, see the branch.
            line.stored_bytes = line.stored_bytes.saturating_sub(record.deposit_bytes()); // Its own part of the sum.
            line.ticket = line
                .ticket
                .update(&owner, footprint(line.live_versions, line.stored_bytes))?;
            Models::<T>::insert(version.model, line);
        }
        Self::deposit_event(Event::VersionRemoved { version });
        Ok(())
    }

    /// The model, if this account owns it.
    pub(crate) fn owned_model(owner: &T::AccountId, model: ModelId) -> Result<ModelRecordOf<T>, Error<T>> {
        let line = Models::<T>::get(model).ok_or(Error::<T>::UnknownModel)?;
        ensure!(line.owner == *owner, Error::<T>::NotOwner);
        Ok(line)
    }

    /// The record of a version that may be stored.
    fn new_version(parts: ModelParts) -> Result<VersionRecordOf<T>, Error<T>> {
        parts.validate()?;
        ensure!(names_show(&parts.schema), Error::<T>::SchemaNameNotPrintable);
        let record = VersionRecord::new(parts);
        ensure!(!VersionByRoot::<T>::contains_key(record.root), Error::<T>::RootTaken);
        Ok(record)
    }

    /// Stores a version, and the way from its root to it.
    fn store_version(version: ModelVersion, record: VersionRecordOf<T>) {
        let root = record.root;
        VersionByRoot::<T>::insert(root, version);
        Versions::<T>::insert(version, record);
        Self::deposit_event(Event::VersionPublished { version, root });
    }
}

/// Footprint that a model's deposit is for.
pub(crate) fn footprint(live_versions: u32, stored_bytes: u64) -> Footprint {
    Footprint {
        count: u64::from(live_versions),
        size: stored_bytes,
    }
}

/// The name's part of a model's stored bytes.
pub(crate) fn name_bytes(name: &ModelName) -> u64 {
    name.len() as u64
}

/// Whether the names in a schema show as text. Empty ones do: not every format names its tensors.
fn names_show(schema: &Schema) -> bool {
    let symbols = schema.symbols.iter().map(|symbol| &symbol.name);
    let tensors = schema
        .inputs
        .iter()
        .chain(schema.outputs.iter())
        .map(|tensor| &tensor.name);
    symbols
        .chain(tensors)
        .all(|name| name.is_empty() || check_name(name).is_ok())
}
