//! `/openapi.json` and `/docs`, both made of the table of endpoints.

use super::{
    answer::HEADERS,
    endpoints::{ENDPOINTS, Endpoint, Verb},
};
use crate::params::{self, Kind};
use axum::{
    Json,
    http::header::CONTENT_SECURITY_POLICY,
    response::{Html, IntoResponse, Response},
};
use serde_json::{Map, Value, json};

/// Answers of every endpoint that needs a key, besides the good one.
const ERRORS: &[(&str, &str)] = &[
    (
        "400",
        "The body, or a field of it, is wrong or not supported; `param` names the field.",
    ),
    ("401", "The API key is missing, unknown or revoked."),
    (
        "402",
        "The key's balance is too small; the message says how to add to it.",
    ),
    ("403", "A web page of another origin asks a gateway that is open."),
    ("404", "There is no such model, or no such path."),
    ("408", "The body came too slowly."),
    ("413", "The body is too large."),
    ("415", "The body is no JSON."),
    (
        "429",
        "Too much at once, or the key's budget of the day is spent; `retry-after` says when to ask again.",
    ),
    ("502", "A worker failed; nothing is charged."),
    ("503", "Nobody can answer now; `retry-after` says when to ask again."),
    ("504", "The answer was not complete in time."),
];

/// Gives the document.
pub async fn openapi() -> Json<Value> {
    Json(document())
}

/// The document, in OpenAPI 3.1.
pub fn document() -> Value {
    let mut paths = Map::new();
    for endpoint in ENDPOINTS {
        let methods: &[&str] = match endpoint.verb {
            Verb::Get => &["get"],
            Verb::Post => &["post"],
            Verb::Rpc => &["post", "get"],
        };
        let methods = methods
            .iter()
            .map(|method| ((*method).to_owned(), operation(endpoint, method)));
        paths.insert(endpoint.path.to_owned(), methods.collect::<Map<_, _>>().into());
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Assay gateway",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "OpenAI's endpoints over a market of exact inference.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "paths": paths,
        "components": {
            "securitySchemes": { "key": { "type": "http", "scheme": "bearer" } },
            "schemas": { "Error": error_schema(), "Assay": assay_schema() },
        },
    })
}

fn operation(endpoint: &Endpoint, method: &str) -> Value {
    let mut responses = Map::new();
    responses.insert("200".to_owned(), answer(endpoint));
    if endpoint.needs_key {
        let error = json!({ "application/json": { "schema": { "$ref": "#/components/schemas/Error" } } });
        for (status, description) in ERRORS {
            let response = json!({ "description": description, "content": error });
            responses.insert((*status).to_owned(), response);
        }
    }
    let mut operation = json!({
        "operationId": format!("{:?}{}", endpoint.id, if method == "get" && endpoint.verb == Verb::Rpc { "Socket" } else { "" }),
        "summary": endpoint.summary,
        "responses": responses,
        "security": if endpoint.needs_key { json!([{ "key": [] }]) } else { json!([]) },
    });
    let parameters: Vec<Value> = names_in(endpoint.path)
        .map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }))
        .collect();
    if !parameters.is_empty() {
        operation["parameters"] = parameters.into();
    }
    let schema = match (endpoint.body, endpoint.verb, method) {
        (Some(table), ..) => Some(params::schema(table)),
        (None, Verb::Rpc, "post") => Some(json!({ "type": ["object", "array"] })),
        _ => None,
    };
    if let Some(schema) = schema {
        operation["requestBody"] = json!({
            "required": true,
            "content": { "application/json": { "schema": schema } },
        });
    }
    operation
}

fn answer(endpoint: &Endpoint) -> Value {
    let schema = match endpoint.answer {
        "application/json" if endpoint.body.is_some() => {
            json!({ "type": "object", "properties": { "assay": { "$ref": "#/components/schemas/Assay" } } })
        }
        "application/json" => json!({ "type": "object" }),
        _ => json!({ "type": "string" }),
    };
    let mut content = json!({ endpoint.answer: { "schema": schema } });
    if endpoint.streams {
        content["text/event-stream"] = json!({ "schema": { "type": "string" } });
    }
    let mut answer = json!({ "description": endpoint.summary, "content": content });
    if endpoint.body.is_some() {
        let header = |name: &&str| ((*name).to_owned(), json!({ "schema": { "type": "string" } }));
        answer["headers"] = HEADERS.iter().map(header).collect::<Map<_, _>>().into();
    }
    answer
}

/// The names in braces of a path.
fn names_in(path: &str) -> impl Iterator<Item = &str> {
    path.split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
}

fn error_schema() -> Value {
    json!({
        "type": "object",
        "required": ["error"],
        "properties": { "error": {
            "type": "object",
            "required": ["message", "type", "param", "code"],
            "properties": {
                "message": { "type": "string" },
                "type": { "type": "string" },
                "param": { "type": ["string", "null"] },
                "code": { "type": "string" },
                "assay": { "type": "object" },
            },
        } },
    })
}

fn assay_schema() -> Value {
    let text = json!({ "type": "string" });
    json!({
        "type": "object",
        "required": ["request", "price", "currency", "runs"],
        "properties": {
            "request": text,
            "price": text,
            "currency": text,
            "runs": { "type": "array", "items": {
                "type": "object",
                "required": ["worker", "price", "receipt", "checked"],
                "properties": {
                    "worker": text,
                    "price": text,
                    "receipt": text,
                    "checked": text,
                    "seed": { "type": ["integer", "null"] },
                },
            } },
        },
    })
}

/// Gives the page. It needs no script and no other host, and its policy forbids both.
pub async fn docs() -> Response {
    let policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; \
                  frame-ancestors 'none'";
    ([(CONTENT_SECURITY_POLICY, policy)], Html(page())).into_response()
}

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;\
    color:#1b1b1b;background:#fff}code{font-size:.9em}table{border-collapse:collapse;width:100%}\
    td,th{border-bottom:1px solid #ccc;padding:.3rem .6rem .3rem 0;text-align:left;vertical-align:top}\
    @media(prefers-color-scheme:dark){body{color:#e6e6e6;background:#161616}td,th{border-color:#444}a{color:#8ab4f8}}";

fn page() -> String {
    let mut sections = String::new();
    for endpoint in ENDPOINTS {
        let method = match endpoint.verb {
            Verb::Get => "GET",
            Verb::Post => "POST",
            Verb::Rpc => "POST, or WebSocket",
        };
        let key = if endpoint.needs_key { "" } else { " It needs no key." };
        sections += &format!(
            "<section><h2><code>{method} {}</code></h2><p>{}{key}</p>",
            escape(endpoint.path),
            escape(endpoint.summary)
        );
        if let Some(table) = endpoint.body {
            sections +=
                "<table><thead><tr><th scope=\"col\">Field</th><th scope=\"col\">Meaning</th></tr></thead><tbody>";
            for param in table {
                let support = match (param.kind, param.required) {
                    (Kind::Neutral(_), _) => "Not supported. ",
                    (Kind::Ignored, _) => "Accepted, and changes nothing. ",
                    (_, true) => "Required. ",
                    (_, false) => "",
                };
                let (name, doc) = (escape(param.name), escape(param.doc));
                sections += &format!("<tr><td><code>{name}</code></td><td>{support}{doc}</td></tr>");
            }
            sections += "</tbody></table>";
        }
        sections += "</section>";
    }
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>Assay gateway</title><style>{STYLE}</style></head>\
         <body><main><h1>Assay gateway</h1><p>OpenAI's endpoints over a market of exact inference. Programs read \
         <a href=\"/openapi.json\">/openapi.json</a>. Send your key as <code>Authorization: Bearer assay-…</code>.</p>\
         {sections}</main></body></html>"
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_names_every_endpoint_and_refers_to_what_is_there() {
        let document = document();
        for endpoint in ENDPOINTS {
            assert!(document["paths"][endpoint.path].is_object(), "{}", endpoint.path);
        }
        let text = document.to_string();
        for reference in text.split("\"$ref\":\"#").skip(1) {
            let pointer = reference.split('"').next().unwrap();
            assert!(document.pointer(pointer).is_some(), "{pointer}");
        }
    }

    #[test]
    fn operations_have_names_of_their_own() {
        let document = document();
        let mut names = Vec::new();
        for (_, methods) in document["paths"].as_object().unwrap() {
            names.extend(
                methods
                    .as_object()
                    .unwrap()
                    .values()
                    .map(|operation| operation["operationId"].to_string()),
            );
        }
        let number = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), number);
    }

    #[test]
    fn the_page_reaches_no_other_host_and_has_every_path() {
        let page = page();
        assert!(!page.contains("http://") && !page.contains("https://") && !page.contains("<script"));
        assert!(ENDPOINTS.iter().all(|endpoint| page.contains(endpoint.path)));
    }
}
