//! A package's schema in the chain's words, and a payload's bytes as tensors and back.

use assay_exact::graph::{CheckedGraph, Value};
use assay_ops::tensor::{Blake2b256, Tensor};
use assay_package::{Package, min_batch};
use assay_types::{
    H256, Schema, SchemaError, TensorSchema,
    schema::{SymbolRange, TensorLayout, payload_digest},
};
use polkadot_sdk::sp_runtime::BoundedVec;

/// Why a package's schema cannot be registered.
#[derive(Debug, thiserror::Error)]
pub enum NotRegistrable {
    /// More tensors, symbols or dimensions, or longer names, than the chain takes.
    #[error("{0} has more or longer entries than the chain takes")]
    TooMany(&'static str),
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
    #[error("the schema is unsound: {0:?}")]
    Unsound(SchemaError),
}

/// The schema of a package, as it is registered.
pub fn schema_of(package: &Package) -> Result<Schema, NotRegistrable> {
    let graph = package.graph();
    let min = min_batch(graph);
    if min > 1 {
        return Err(NotRegistrable::Batch { min });
    }
    let symbols = graph.graph().symbols.iter().map(|symbol| {
        let name = bounded("a symbol's name", symbol.name.as_bytes().to_vec())?;
        Ok(SymbolRange {
            name,
            min: symbol.min,
            max: symbol.max,
        })
    });
    let inputs = graph.graph().inputs.iter().enumerate();
    let inputs = inputs.map(|(index, input)| tensor(graph, &input.name, Value::Input(index as u16)));
    let outputs = graph
        .graph()
        .outputs
        .iter()
        .map(|output| tensor(graph, &output.name, output.value));
    let schema = Schema {
        symbols: bounded("the list of symbols", symbols.collect::<Result<_, _>>()?)?,
        inputs: bounded("the list of inputs", inputs.collect::<Result<_, _>>()?)?,
        outputs: bounded("the list of outputs", outputs.collect::<Result<_, _>>()?)?,
    };
    schema.validate().map_err(NotRegistrable::Unsound)?;
    Ok(schema)
}

fn tensor(graph: &CheckedGraph, name: &str, value: Value) -> Result<TensorSchema, NotRegistrable> {
    let (data_type, dimensions) = graph.value(value).ok_or(NotRegistrable::TooMany("a tensor"))?;
    Ok(TensorSchema {
        name: bounded("a tensor's name", name.as_bytes().to_vec())?,
        data_type,
        dimensions: bounded("a tensor's shape", dimensions.to_vec())?,
    })
}

fn bounded<T, S: polkadot_sdk::sp_core::Get<u32>>(
    what: &'static str,
    list: Vec<T>,
) -> Result<BoundedVec<T, S>, NotRegistrable> {
    BoundedVec::try_from(list).map_err(|_| NotRegistrable::TooMany(what))
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
        assert!(schema_of(&package).is_ok());
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
        let error = schema_of(&package.expect("a sound package"));
        assert!(matches!(error, Err(NotRegistrable::Batch { min: 2 })), "{error:?}");
    }
}
