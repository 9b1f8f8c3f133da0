//! Parameters of requests: one table for each endpoint says what is supported and what is refused by name.
//!
//! The same tables make the schemas of `/openapi.json`, so that the document cannot say anything else.

mod tables;

pub use tables::{CHAT, COMPLETIONS, EMBEDDINGS, RESPONSES};

use crate::error::ApiError;
use serde_json::{Map, Value, json};

/// A field of a request's body.
#[derive(Clone, Copy, Debug)]
pub struct Param {
    /// Its name.
    pub name: &'static str,
    /// Kind of value that it may be.
    pub kind: Kind,
    /// Meaning of the field.
    pub doc: &'static str,
    /// Whether it must be there.
    pub required: bool,
}

/// Kind of value that a field may be. `null` is as good as leaving it out.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// A text, which is not empty.
    Text,
    /// `true` or `false`.
    Flag,
    /// An integer in a range.
    Integer {
        /// Minimum.
        min: i64,
        /// Maximum.
        max: i64,
    },
    /// A number in a range.
    Number {
        /// Minimum.
        min: f64,
        /// Maximum.
        max: f64,
    },
    /// One of these texts.
    OneOf(&'static [&'static str]),
    /// A text, or a list of up to this many, none of which is empty.
    Texts(usize),
    /// An object with these fields.
    Object(&'static [Param]),
    /// Something with a form of its own, which its endpoint reads; the function gives its schema.
    Form(fn() -> Value),
    /// It is accepted and changes nothing.
    Ignored,
    /// It is refused, unless it has one of these values, in JSON, by which it changes nothing.
    Neutral(&'static [&'static str]),
}

/// A body whose fields are as its table says.
#[derive(Clone, Debug, Default)]
pub struct Fields(Map<String, Value>);

impl Fields {
    /// Reads a body, which has been checked to be an object with nothing but what the table has.
    pub fn read(body: &[u8], table: &[Param]) -> Result<Self, ApiError> {
        let value: Value = serde_json::from_slice(body).map_err(|error| {
            // A body that is nested too deeply, for example.
            ApiError::request("invalid_json", format!("the body is no JSON that can be read: {error}"))
        })?;
        let Value::Object(mut map) = value else {
            return Err(ApiError::request("invalid_json", "the body must be a JSON object"));
        };
        map.retain(|_, value| !value.is_null());
        check(&map, table, "")?;
        Ok(Self(map))
    }

    /// Takes parameters of a call, by name or by place.
    pub fn of_call(parameters: Value, table: &[Param]) -> Result<Self, ApiError> {
        let mut map = match parameters {
            Value::Object(map) => map,
            Value::Null => Map::new(),
            Value::Array(values) if values.len() <= table.len() => {
                table.iter().map(|param| param.name.to_owned()).zip(values).collect()
            }
            _ => {
                let message = format!("the method has {} parameters, in a list or in an object", table.len());
                return Err(ApiError::request("invalid_params", message));
            }
        };
        map.retain(|_, value| !value.is_null());
        check(&map, table, "")?;
        Ok(Self(map))
    }

    /// A text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str)
    }

    /// A flag; one that is left out is not set.
    pub fn flag(&self, name: &str) -> bool {
        self.0.get(name).and_then(Value::as_bool).unwrap_or(false)
    }

    /// An integer.
    pub fn integer(&self, name: &str) -> Option<i64> {
        self.0.get(name).and_then(Value::as_i64)
    }

    /// A number.
    pub fn number(&self, name: &str) -> Option<f64> {
        self.0.get(name).and_then(Value::as_f64)
    }

    /// Texts; one alone is a list of one.
    pub fn texts(&self, name: &str) -> Vec<String> {
        match self.0.get(name) {
            Some(Value::String(text)) => vec![text.clone()],
            Some(Value::Array(texts)) => texts.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            _ => Vec::new(),
        }
    }

    /// An object's fields; nothing where it is left out.
    pub fn object(&self, name: &str) -> Self {
        Self(self.0.get(name).and_then(Value::as_object).cloned().unwrap_or_default())
    }

    /// Takes out a field with a form of its own.
    pub fn take(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name)
    }
}

fn check(map: &Map<String, Value>, table: &[Param], within: &str) -> Result<(), ApiError> {
    for (name, value) in map.iter().filter(|(_, value)| !value.is_null()) {
        let path = format!("{within}{name}");
        let Some(param) = table.iter().find(|param| param.name == name) else {
            // What somebody sends comes back, and not all of it.
            let path: String = path.chars().take(100).collect();
            let message = format!("unknown parameter `{path}`: GET /openapi.json lists those that are supported");
            let mut error = ApiError::unsupported(path, message);
            error.code = "unknown_parameter";
            return Err(error);
        };
        param.kind.check(value, &path)?;
    }
    let missing = table
        .iter()
        .find(|param| param.required && !map.contains_key(param.name));
    missing.map_or(Ok(()), |param| {
        let path = format!("{within}{}", param.name);
        let message = format!("`{path}` is missing: {}", param.doc);
        let mut error = ApiError::invalid(path, message);
        error.code = "missing_required_parameter";
        Err(error)
    })
}

impl Kind {
    fn check(&self, value: &Value, path: &str) -> Result<(), ApiError> {
        let wrong = |expected: &str| Err(ApiError::invalid(path, format!("`{path}` must be {expected}")));
        let in_texts = |value: &Value| value.as_str().is_some_and(|text| !text.is_empty());
        match self {
            Self::Text if !in_texts(value) => wrong("a string that is not empty"),
            Self::Flag if !value.is_boolean() => wrong("true or false"),
            Self::Integer { min, max } if !value.as_i64().is_some_and(|number| (*min..=*max).contains(&number)) => {
                wrong(&format!("an integer from {min} to {max}"))
            }
            Self::Number { min, max } if !value.as_f64().is_some_and(|number| (*min..=*max).contains(&number)) => {
                wrong(&format!("a number from {min} to {max}"))
            }
            Self::OneOf(texts) if !value.as_str().is_some_and(|text| texts.contains(&text)) => {
                wrong(&format!("one of {}", texts.join(", ")))
            }
            Self::Texts(most) => match value {
                Value::Array(texts) if texts.len() <= *most && texts.iter().all(in_texts) => Ok(()),
                text if in_texts(text) => Ok(()),
                _ => wrong(&format!("a string, or a list of up to {most}, none of them empty")),
            },
            Self::Object(table) => match value {
                Value::Object(map) => check(map, table, &format!("{path}.")),
                _ => wrong("an object"),
            },
            Self::Neutral(values) if !values.iter().any(|neutral| is_same(value, neutral)) => {
                let otherwise = match values {
                    [] => "leave it out".to_owned(),
                    values => format!("leave it out, or give it as {}", values.join(" or ")),
                };
                Err(ApiError::unsupported(
                    path,
                    format!("`{path}` is not supported: {otherwise}"),
                ))
            }
            _ => Ok(()),
        }
    }

    /// The field's JSON Schema.
    pub fn schema(&self) -> Value {
        match self {
            Self::Text => json!({ "type": "string", "minLength": 1 }),
            Self::Flag => json!({ "type": "boolean" }),
            Self::Integer { min, max } => json!({ "type": "integer", "minimum": min, "maximum": max }),
            Self::Number { min, max } => json!({ "type": "number", "minimum": min, "maximum": max }),
            Self::OneOf(texts) => json!({ "enum": texts }),
            Self::Texts(most) => {
                let text = json!({ "type": "string", "minLength": 1 });
                json!({ "anyOf": [text, { "type": "array", "items": text, "maxItems": most }] })
            }
            Self::Object(table) => schema(table),
            Self::Form(form) => form(),
            Self::Ignored => json!({}),
            Self::Neutral(values) => {
                let values = values
                    .iter()
                    .filter_map(|value| serde_json::from_str::<Value>(value).ok());
                json!({ "enum": values.chain([Value::Null]).collect::<Vec<_>>() })
            }
        }
    }
}

/// The JSON Schema of a body.
pub fn schema(table: &[Param]) -> Value {
    let mut properties = Map::new();
    for param in table {
        let mut property = param.kind.schema();
        if let Some(property) = property.as_object_mut() {
            let doc = match param.kind {
                Kind::Neutral(_) => format!("Not supported. {}", param.doc),
                Kind::Ignored => format!("Accepted, and changes nothing. {}", param.doc),
                _ => param.doc.to_owned(),
            };
            property.insert("description".to_owned(), doc.into());
        }
        properties.insert(param.name.to_owned(), property);
    }
    let required: Vec<&str> = table
        .iter()
        .filter(|param| param.required)
        .map(|param| param.name)
        .collect();
    json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
}

/// Whether a value is this one in JSON; 0 and 0.0 are the same.
fn is_same(value: &Value, json: &str) -> bool {
    let Ok(other) = serde_json::from_str::<Value>(json) else {
        return false;
    };
    match (value.as_f64(), other.as_f64()) {
        (Some(value), Some(other)) => value == other,
        _ => *value == other,
    }
}

#[cfg(test)]
mod tests;
