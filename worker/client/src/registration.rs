//! Registration of packages as models.

use crate::{
    chain::{Account, Call, Event, ModelsCall, ModelsEvent, SubmitError, Wait},
    schema::{self, NotRegistrable},
};
use assay_package::Package;
use assay_types::{H256, ModelVersion};
use polkadot_sdk::sp_runtime::BoundedVec;

/// Why a package was not registered.
#[derive(Debug, thiserror::Error)]
pub enum RegistrationError {
    /// The name is longer than the chain takes.
    #[error("the name `{0}` is too long: give a shorter one with --name")]
    Name(String),
    /// The chain would refuse the package.
    #[error(transparent)]
    Unfit(#[from] NotRegistrable),
    /// The transaction failed.
    #[error(transparent)]
    Refused(#[from] SubmitError),
    /// The transaction was included, and no event says what came of it.
    #[error("the transaction has no event of the registration")]
    NoEvent,
}

/// Registers a package as a new model line, under this name or its own.
pub async fn register(
    account: &Account,
    package: &Package,
    name: Option<&str>,
) -> Result<ModelVersion, RegistrationError> {
    let name = name.unwrap_or(&package.manifest().name);
    let bytes = BoundedVec::try_from(name.as_bytes().to_vec());
    let call = ModelsCall::Register {
        name: bytes.map_err(|_| RegistrationError::Name(name.to_owned()))?,
        parts: Box::new(schema::registrable(package)?.clone()),
    };
    let inclusion = account.send(Call::Models(call), Wait::Finalized).await?;
    let model = inclusion.events.iter().find_map(|event| match event {
        Event::Models(ModelsEvent::Registered { model, .. }) => Some(*model),
        _ => None,
    });
    let model = model.ok_or(RegistrationError::NoEvent)?;
    Ok(ModelVersion { model, version: 1 })
}

/// Publishes a package as the next version of a model line; gives the version and its root.
pub async fn publish(
    account: &Account,
    package: &Package,
    model: u32,
) -> Result<(ModelVersion, H256), RegistrationError> {
    let call = ModelsCall::PublishVersion {
        model,
        parts: Box::new(schema::registrable(package)?.clone()),
    };
    let inclusion = account.send(Call::Models(call), Wait::Finalized).await?;
    let published = inclusion.events.iter().find_map(|event| match event {
        Event::Models(ModelsEvent::VersionPublished { version, root }) => Some((*version, *root)),
        _ => None,
    });
    published.ok_or(RegistrationError::NoEvent)
}
