//! The little of JSON that the suite needs, written the same way every time.

use std::fmt::{Display, Formatter, Result, Write};

/// A value; objects keep the order of their fields.
#[derive(Clone, Debug, PartialEq)]
pub enum Json {
    /// `null`.
    Null,
    /// `true` or `false`.
    Truth(bool),
    /// An integer below 2^53 in magnitude.
    Integer(i64),
    /// A string.
    Text(String),
    /// An array.
    List(Vec<Json>),
    /// An object.
    Object(Vec<(&'static str, Json)>),
}

/// An object of these fields.
pub fn object<const COUNT: usize>(fields: [(&'static str, Json); COUNT]) -> Json {
    Json::Object(fields.into())
}

/// A list of what each element becomes.
pub fn list<T>(elements: impl IntoIterator<Item = T>, of: impl FnMut(T) -> Json) -> Json {
    Json::List(elements.into_iter().map(of).collect())
}

/// An integer of up to 64 bits, as decimal text.
pub fn wide(integer: impl Display) -> Json {
    Json::Text(integer.to_string())
}

impl Display for Json {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Truth(truth) => write!(f, "{truth}"),
            Self::Integer(integer) => write!(f, "{integer}"),
            Self::Text(text) => write_text(f, text),
            Self::List(elements) => {
                f.write_char('[')?;
                for (position, element) in elements.iter().enumerate() {
                    separate(f, position)?;
                    element.fmt(f)?;
                }
                f.write_char(']')
            }
            Self::Object(fields) => {
                f.write_char('{')?;
                for (position, (name, value)) in fields.iter().enumerate() {
                    separate(f, position)?;
                    write!(f, "\"{name}\":{value}")?;
                }
                f.write_char('}')
            }
        }
    }
}

fn separate(f: &mut Formatter<'_>, position: usize) -> Result {
    if position > 0 { f.write_char(',') } else { Ok(()) }
}

/// In ASCII: everything else is escaped.
fn write_text(f: &mut Formatter<'_>, text: &str) -> Result {
    f.write_char('"')?;
    for unit in text.encode_utf16() {
        match u8::try_from(unit) {
            Ok(byte @ (b'"' | b'\\')) => write!(f, "\\{}", char::from(byte))?,
            Ok(byte @ b' '..=b'~') => f.write_char(char::from(byte))?,
            _ => write!(f, "\\u{unit:04x}")?,
        }
    }
    f.write_char('"')
}

impl From<&str> for Json {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<&String> for Json {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl From<u32> for Json {
    fn from(integer: u32) -> Self {
        Self::Integer(integer.into())
    }
}

impl From<i32> for Json {
    fn from(integer: i32) -> Self {
        Self::Integer(integer.into())
    }
}

impl From<usize> for Json {
    fn from(integer: usize) -> Self {
        Self::Integer(i64::try_from(integer).expect("a position or a count"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_ascii_and_escaped() {
        let text = Json::from("a\"\\\n\u{e9}\u{1f600}").to_string();
        assert_eq!(text, r#""a\"\\\u000a\u00e9\ud83d\ude00""#);
    }

    #[test]
    fn fields_keep_their_order() {
        let value = object([
            ("b", 1u32.into()),
            ("a", Json::List(vec![Json::Null, Json::Truth(true)])),
        ]);
        assert_eq!(value.to_string(), r#"{"b":1,"a":[null,true]}"#);
    }
}
