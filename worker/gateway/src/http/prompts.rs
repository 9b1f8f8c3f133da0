//! Prompts out of bodies: conversations, texts and tokens, each refused with its place named.

use crate::{
    backend::{Message, Prompt, Role, Token},
    error::ApiError,
};
use serde_json::{Map, Value};

/// Messages of a conversation; a body could hold more, and no model takes them.
const MAX_MESSAGES: usize = 4096;

/// The messages of `/v1/chat/completions`.
pub fn messages(value: Option<Value>) -> Result<Vec<Message>, ApiError> {
    conversation(value, "messages", &["text"])
}

/// The input of `/v1/responses`: a text, or messages.
pub fn items(value: Option<Value>) -> Result<Vec<Message>, ApiError> {
    match value {
        Some(Value::String(content)) => Ok(vec![Message {
            role: Role::User,
            content,
        }]),
        value => conversation(value, "input", &["input_text", "output_text"]),
    }
}

fn conversation(value: Option<Value>, field: &str, parts: &[&str]) -> Result<Vec<Message>, ApiError> {
    let Some(Value::Array(values)) = value else {
        return Err(ApiError::invalid(
            field,
            format!("`{field}` must be a list of messages"),
        ));
    };
    if values.is_empty() || values.len() > MAX_MESSAGES {
        let message = format!("`{field}` must have 1 to {MAX_MESSAGES} messages");
        return Err(ApiError::invalid(field, message));
    }
    let read = |(index, value)| message(value, &format!("{field}[{index}]"), parts);
    values.into_iter().enumerate().map(read).collect()
}

fn message(value: Value, path: &str, parts: &[&str]) -> Result<Message, ApiError> {
    let Value::Object(mut fields) = value else {
        return Err(ApiError::invalid(
            path,
            format!("`{path}` must be an object with role and content"),
        ));
    };
    fields.retain(|_, value| !value.is_null());
    let role = match fields.remove("role").as_ref().and_then(Value::as_str) {
        Some("system" | "developer") => Role::System,
        Some("user") => Role::User,
        Some("assistant") => Role::Assistant,
        _ => {
            let path = format!("{path}.role");
            let message = format!("`{path}` must be system, developer, user or assistant");
            return Err(ApiError::invalid(path, message));
        }
    };
    let content = text(fields.remove("content"), &format!("{path}.content"), parts)?;
    only_neutral(&fields, path)?;
    Ok(Message { role, content })
}

/// Fields that an answer's message has besides, when a client sends it back.
fn only_neutral(fields: &Map<String, Value>, path: &str) -> Result<(), ApiError> {
    let is_neutral = |name: &str, value: &Value| match name {
        // Of an item of `/v1/responses`.
        "type" => value == "message",
        "id" | "status" | "phase" => value.is_string(),
        "annotations" | "tool_calls" => value.as_array().is_some_and(Vec::is_empty),
        _ => false,
    };
    match fields.iter().find(|(name, value)| !is_neutral(name, value)) {
        None => Ok(()),
        Some((name, _)) => {
            let name: String = name.chars().take(100).collect();
            let path = format!("{path}.{name}");
            let message = format!("`{path}` is not supported: a message has a role and a content");
            Err(ApiError::unsupported(path, message))
        }
    }
}

fn text(value: Option<Value>, path: &str, parts: &[&str]) -> Result<String, ApiError> {
    let wrong =
        |path: String, expected: &str| Err(ApiError::invalid(path.clone(), format!("`{path}` must be {expected}")));
    let values = match value {
        Some(Value::String(text)) => return Ok(text),
        Some(Value::Array(values)) => values,
        _ => return wrong(path.to_owned(), "a string, or a list of parts"),
    };
    let mut all = String::new();
    for (index, value) in values.iter().enumerate() {
        let kind = value.get("type").and_then(Value::as_str).unwrap_or_default();
        if !parts.contains(&kind) {
            let expected = format!("{}: models take text only", parts.join(" or "));
            return wrong(format!("{path}[{index}].type"), &expected);
        }
        match value.get("text").and_then(Value::as_str) {
            Some(text) => all.push_str(text),
            None => return wrong(format!("{path}[{index}].text"), "a string"),
        }
    }
    Ok(all)
}

/// Prompts of `/v1/completions` and inputs of `/v1/embeddings`: a text, tokens, or a list of either.
pub fn inputs(value: Option<Value>, field: &str, max: usize, vocabulary: u32) -> Result<Vec<Prompt>, ApiError> {
    let many = |number: usize| {
        let message =
            format!("`{field}` has {number} entries, and a request takes {max}: split it into several requests");
        ApiError::invalid(field, message)
    };
    match value {
        Some(Value::String(text)) => Ok(vec![Prompt::Text(text)]),
        Some(Value::Array(values)) if values.first().is_some_and(Value::is_number) => {
            Ok(vec![Prompt::Tokens(tokens(&values, field, vocabulary)?)])
        }
        Some(Value::Array(values)) if values.len() > max => Err(many(values.len())),
        Some(Value::Array(values)) if !values.is_empty() => {
            let read = |(index, value)| {
                let path = format!("{field}[{index}]");
                match value {
                    Value::String(text) => Ok(Prompt::Text(text)),
                    Value::Array(values) => tokens(&values, &path, vocabulary).map(Prompt::Tokens),
                    _ => Err(ApiError::invalid(
                        path.clone(),
                        format!("`{path}` must be a string, or a list of tokens"),
                    )),
                }
            };
            values.into_iter().enumerate().map(read).collect()
        }
        _ => {
            let message = format!("`{field}` must be a string, a list of tokens, or a list of either, and not empty");
            Err(ApiError::invalid(field, message))
        }
    }
}

fn tokens(values: &[Value], path: &str, vocabulary: u32) -> Result<Vec<Token>, ApiError> {
    if values.is_empty() {
        return Err(ApiError::invalid(path, format!("`{path}` must have tokens")));
    }
    let read = |(index, value): (usize, &Value)| {
        let token = value.as_u64().and_then(|token| Token::try_from(token).ok());
        token.filter(|token| *token < vocabulary).ok_or_else(|| {
            let path = format!("{path}[{index}]");
            let message = format!(
                "`{path}` is no token: this model has the tokens 0 to {}",
                vocabulary.saturating_sub(1)
            );
            ApiError::invalid(path, message)
        })
    };
    values.iter().enumerate().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn refused<T: std::fmt::Debug>(result: Result<T, ApiError>) -> String {
        result.unwrap_err().param.unwrap()
    }

    #[test]
    fn messages_are_read_in_both_forms() {
        let value = json!([
            { "role": "developer", "content": "be brief" },
            { "role": "user", "content": [{ "type": "text", "text": "a" }, { "type": "text", "text": "b" }] },
            { "role": "assistant", "content": "c", "refusal": null, "tool_calls": [], "audio": null },
        ]);
        let read = messages(Some(value)).unwrap();
        let all: Vec<_> = read
            .iter()
            .map(|message| (message.role, message.content.as_str()))
            .collect();
        assert_eq!(
            all,
            [(Role::System, "be brief"), (Role::User, "ab"), (Role::Assistant, "c")]
        );
    }

    #[test]
    fn wrong_messages_are_refused_with_their_place() {
        let one = |value: Value| refused(messages(Some(json!([{ "role": "user", "content": "x" }, value]))));
        assert_eq!(one(json!({ "role": "tool", "content": "x" })), "messages[1].role");
        assert_eq!(one(json!({ "content": "x" })), "messages[1].role");
        assert_eq!(one(json!({ "role": "user" })), "messages[1].content");
        assert_eq!(one(json!({ "role": "user", "content": 1 })), "messages[1].content");
        assert_eq!(
            one(json!({ "role": "user", "content": "x", "name": "y" })),
            "messages[1].name"
        );
        assert_eq!(
            one(json!({ "role": "assistant", "content": "x", "tool_calls": [1] })),
            "messages[1].tool_calls"
        );
        let image = json!({ "role": "user", "content": [{ "type": "image_url", "image_url": {} }] });
        assert_eq!(one(image), "messages[1].content[0].type");
        let part = json!({ "role": "user", "content": [{ "type": "text" }] });
        assert_eq!(one(part), "messages[1].content[0].text");
        assert_eq!(one(json!("x")), "messages[1]");
        assert_eq!(refused(messages(None)), "messages");
        assert_eq!(refused(messages(Some(json!([])))), "messages");
        assert_eq!(refused(messages(Some(json!("x")))), "messages");
    }

    #[test]
    fn items_of_responses_are_texts_or_messages() {
        assert_eq!(items(Some(json!("hi"))).unwrap()[0].content, "hi");
        let value = json!([{
            "type": "message", "id": "msg_1", "status": "completed", "role": "assistant",
            "content": [{ "type": "output_text", "text": "hi", "annotations": [] }],
        }]);
        assert_eq!(items(Some(value)).unwrap()[0].role, Role::Assistant);
        let call = json!([{ "type": "function_call_output", "role": "user", "content": "x" }]);
        assert_eq!(refused(items(Some(call))), "input[0].type");
    }

    #[test]
    fn inputs_have_four_forms() {
        let read = |value: Value| inputs(Some(value), "input", 3, 10);
        let text = |text: &str| Prompt::Text(text.to_owned());
        assert_eq!(read(json!("a")).unwrap(), [text("a")]);
        assert_eq!(read(json!(["a", "b"])).unwrap(), [text("a"), text("b")]);
        assert_eq!(read(json!([1, 2])).unwrap(), [Prompt::Tokens(vec![1, 2])]);
        assert_eq!(
            read(json!([[1], [9]])).unwrap(),
            [Prompt::Tokens(vec![1]), Prompt::Tokens(vec![9])]
        );
        assert_eq!(refused(read(json!([1, 10]))), "input[1]");
        assert_eq!(refused(read(json!([[1], [2, -1]]))), "input[1][1]");
        assert_eq!(refused(read(json!([1, 1.5]))), "input[1]");
        assert_eq!(refused(read(json!([1, "a"]))), "input[1]");
        assert_eq!(refused(read(json!(["a", 1]))), "input[1]");
        assert_eq!(refused(read(json!([[]]))), "input[0]");
        assert_eq!(refused(read(json!([]))), "input");
        assert_eq!(refused(read(json!({}))), "input");
        assert_eq!(refused(read(json!(["a", "b", "c", "d"]))), "input");
        assert_eq!(refused(inputs(None, "prompt", 1, 1)), "prompt");
    }
}
