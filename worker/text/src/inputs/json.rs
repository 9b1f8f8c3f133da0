//! Inputs in JSON: numbers in nested lists.

use super::{Content, InputError, LABEL};
use assay_exact::graph::{CheckedGraph, Input};
use assay_ops::tensor::{DataType, Tensor};
use serde_json::{Map, Value};
use std::path::Path;

/// Reads one object, or a list of them.
pub(super) fn read(path: &Path, bytes: &[u8], graph: &CheckedGraph) -> Result<Vec<Content>, InputError> {
    let invalid = |reason: String| InputError::Invalid {
        path: path.to_owned(),
        reason,
    };
    let value: Value = serde_json::from_slice(bytes).map_err(|error| invalid(error.to_string()))?;
    let objects = match value {
        Value::Array(objects) => objects,
        object => vec![object],
    };
    let contents = objects.iter().map(|object| match object {
        Value::Object(fields) => read_object(path, fields, graph),
        _ => Err(invalid("it is neither an object nor a list of objects".to_owned())),
    });
    contents.collect()
}

fn read_object(path: &Path, fields: &Map<String, Value>, graph: &CheckedGraph) -> Result<Content, InputError> {
    let invalid = |name: &str, reason: &str| InputError::Invalid {
        path: path.to_owned(),
        reason: format!("{name}: {reason}"),
    };
    let tensors = graph.graph().inputs.iter().map(|input| {
        let missing = || InputError::Missing {
            path: path.to_owned(),
            input: input.name.clone(),
        };
        let value = fields.get(&input.name).ok_or_else(missing)?;
        tensor(value, input, graph.batch_symbol().is_some()).map_err(|reason| invalid(&input.name, reason))
    });
    let tensors = tensors.collect::<Result<Vec<_>, _>>()?;
    let is_input = graph.graph().inputs.iter().any(|input| input.name == LABEL);
    let labels = match fields.get(LABEL).filter(|_| !is_input) {
        None => None,
        Some(Value::Array(labels)) => Some(labels.iter().map(Value::as_i64).collect::<Option<Vec<_>>>()),
        Some(label) => Some(label.as_i64().map(|label| vec![label])),
    };
    let labels = labels
        .map(|labels| labels.ok_or_else(|| invalid(LABEL, "is not an integer")))
        .transpose()?;
    Ok(Content { tensors, labels })
}

fn tensor(value: &Value, input: &Input, batched: bool) -> Result<Tensor, &'static str> {
    let (mut shape, mut bytes) = (Vec::new(), Vec::new());
    // The first path down gives the shape, and everything else must follow it.
    let mut inner = value;
    while let Value::Array(items) = inner {
        if shape.len() > input.dimensions.len() {
            return Err("its lists are nested too deep");
        }
        shape.push(u32::try_from(items.len()).map_err(|_| "a list is too long")?);
        match items.first() {
            Some(first) => inner = first,
            None => return Err("a list is empty"),
        }
    }
    flatten(value, &shape, input.dtype, &mut bytes)?;
    if batched && shape.len() + 1 == input.dimensions.len() {
        shape.insert(0, 1);
    }
    Tensor::new(input.dtype, shape, bytes).map_err(|_| "its lists have different lengths")
}

fn flatten(value: &Value, shape: &[u32], dtype: DataType, bytes: &mut Vec<u8>) -> Result<(), &'static str> {
    match (value, shape) {
        (Value::Array(items), [length, inner @ ..]) if items.len() == *length as usize => {
            items.iter().try_for_each(|item| flatten(item, inner, dtype, bytes))
        }
        (scalar, []) => element(scalar, dtype, bytes).ok_or("an element does not fit the input's type"),
        _ => Err("its lists have different lengths"),
    }
}

fn element(value: &Value, dtype: DataType, bytes: &mut Vec<u8>) -> Option<()> {
    match dtype {
        // The nearest binary64 first, then the nearest binary32 to it, which an element of 1e39 does not have.
        DataType::Float32 => {
            let number = Some(value.as_f64()? as f32).filter(|number| number.is_finite());
            bytes.extend(number?.to_le_bytes());
        }
        DataType::Int64 => bytes.extend(value.as_i64()?.to_le_bytes()),
        DataType::Int32 => bytes.extend(i32::try_from(value.as_i64()?).ok()?.to_le_bytes()),
        DataType::Int8 => bytes.extend(i8::try_from(value.as_i64()?).ok()?.to_le_bytes()),
        DataType::Uint8 => bytes.push(u8::try_from(value.as_i64()?).ok()?),
        DataType::Bool => bytes.push(u8::from(value.as_bool()?)),
    }
    Some(())
}
