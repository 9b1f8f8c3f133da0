//! Whether the chain takes a package, and a payload's bytes as tensors and back.

use assay_ops::tensor::{Blake2b256, Tensor};
use assay_package::{Package, min_batch};
use assay_types::{
    H256, ModelParts, SchemaError,
    schema::{PartsError, TensorLayout, payload_digest},
};

/// Why a package cannot be registered.
#[derive(Debug, thiserror::Error)]
pub enum NotRegistrable {
    /// No job of one entry fits.
    #[error(
        "the batch is at least {min}, and a job is one entry of a batch, so none could be requested: export the program with \
         `torch.export.Dim(\"batch\", min=1)` and import it again"
    )]
    Batch {
        /// The batch's minimum.
        min: u32,
    },
    /// The chain would refuse it.
    #[error("the chain would refuse the package: {0}")]
    Unsound(PartsError),
}

/// The parts of a package, as they are registered, if the chain takes them.
pub fn registrable(package: &Package) -> Result<&ModelParts, NotRegistrable> {
    let min = min_batch(package.graph());
    if min > 1 {
        return Err(NotRegistrable::Batch { min });
    }
    package.parts().validate().map_err(NotRegistrable::Unsound)?;
    Ok(package.parts())
}

/// Cuts a payload into the tensors that these layouts describe.
pub fn tensors(layouts: &[TensorLayout], bytes: &[u8]) -> Result<Vec<Tensor>, SchemaError> {
    let expected = layouts.iter().map(|layout| layout.bytes).sum();
    let mut rest = bytes;
    let mut tensors = Vec::with_capacity(layouts.len());
    for layout in layouts {
        let (part, after) = rest
            .split_at_checked(layout.bytes as usize)
            .ok_or(SchemaError::WrongSize { expected })?;
        let tensor = Tensor::new(layout.data_type, layout.shape.clone(), part.to_vec());
        tensors.push(tensor.map_err(|_| SchemaError::WrongSize { expected })?);
        rest = after;
    }
    if rest.is_empty() {
        Ok(tensors)
    } else {
        Err(SchemaError::WrongSize { expected })
    }
}

/// The bytes of tensors one after the other.
pub fn payload(tensors: &[Tensor]) -> Vec<u8> {
    tensors.iter().flat_map(|tensor| tensor.bytes()).copied().collect()
}

/// The digest that the chain computes for a payload.
pub fn digest(layouts: &[TensorLayout], bytes: &[u8]) -> Result<H256, SchemaError> {
    payload_digest::<Blake2b256>(layouts, bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn a_package_whose_batch_is_at_least_two_cannot_be_registered() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/digits/package");
        let package = Package::load(&folder).expect("the committed package is whole");
        assert!(registrable(&package).is_ok());
        let mut graph = package.graph().graph().clone();
        graph.symbols[0].min = 2;
        let graph = graph.check().expect("a sound graph");
        let manifest = package.manifest();
        let details = assay_package::Details {
            name: manifest.name.clone(),
            version: manifest.version.clone(),
            licence: manifest.licence.clone(),
            description: manifest.description.clone(),
        };
        let precision = manifest.precision().expect("a precision");
        let package = Package::new(details, precision, graph, package.weights().to_vec(), vec![]);
        let package = package.expect("a sound package");
        let error = registrable(&package);
        assert!(matches!(error, Err(NotRegistrable::Batch { min: 2 })), "{error:?}");
    }
}
