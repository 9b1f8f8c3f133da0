//! Whether the chain takes a package, and a payload's bytes as tensors and back.

use assay_exact::element::Element;
use assay_ops::tensor::{Blake2b256, Tensor};
use assay_package::Package;
use assay_types::{
    H256, ModelParts, SchemaError, TensorSchema,
    schema::{PartsError, TensorLayout, ValueRange, payload_digest},
};

/// Why a package cannot be registered.
#[derive(Debug, thiserror::Error)]
pub enum NotRegistrable {
    /// The chain would refuse it.
    #[error("the chain would refuse the package: {0}")]
    Unsound(PartsError),
}

/// The parts of a package, as they are registered, if the chain takes them.
pub fn registrable(package: &Package) -> Result<&ModelParts, NotRegistrable> {
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

/// The first element of an input that has no meaning to the model: its position in row-major order, its value, and the
/// values that the model knows.
pub fn first_out_of_range(tensor: &Tensor, described: &TensorSchema) -> Option<(usize, i64, ValueRange)> {
    let range = described.range?;
    let count = tensor.bytes().len() / tensor.dtype().size_bytes();
    (0..count).find_map(|index| match tensor.element(index as u64) {
        Some(Element::Integer(value)) if !range.contains(value) => Some((index, value, range)),
        _ => None,
    })
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
    use assay_types::{DataType, Dimension};
    use std::path::Path;

    #[test]
    fn the_first_element_that_the_model_does_not_know_is_found() {
        let described = |range| TensorSchema {
            name: b"tokens".to_vec().try_into().expect("short"),
            data_type: DataType::Int32,
            dimensions: vec![Dimension::Fixed(4)].try_into().expect("one"),
            range,
        };
        let bytes = [3i32, 0, -1, 30_522].iter().flat_map(|id| id.to_le_bytes()).collect();
        let tokens = Tensor::new(DataType::Int32, vec![4], bytes).expect("four");
        let found = |min, max| first_out_of_range(&tokens, &described(Some(ValueRange { min, max })));
        assert_eq!(found(0, 40_000).map(|(index, value, _)| (index, value)), Some((2, -1)));
        assert_eq!(
            found(-1, 30_521).map(|(index, value, _)| (index, value)),
            Some((3, 30_522))
        );
        assert_eq!(found(-1, 30_522), None);
        assert_eq!(first_out_of_range(&tokens, &described(None)), None);
    }

    #[test]
    fn a_package_whose_batch_is_at_least_two_can_be_registered_and_takes_jobs_of_two() {
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
        let parts = registrable(&package).expect("the chain takes it");
        assert!(assay_types::payload::given_layouts(parts, &[1]).is_err());
        assert!(assay_types::payload::given_layouts(parts, &[2]).is_ok());
    }
}
