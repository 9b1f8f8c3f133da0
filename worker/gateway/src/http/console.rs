//! The console: a page for people, whose files are in the program. Nothing here knows what the page does.

use crate::error::ApiError;
use axum::{
    extract::Path,
    http::{HeaderName, HeaderValue, header},
    response::{IntoResponse, Response},
};

/// Path of the page's files.
pub const FILES: &str = "/console/{file}";

/// The page may load and ask what this gateway serves, and nothing else; no text becomes a script.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
                      require-trusted-types-for 'script'; trusted-types 'none'";
const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const PICTURE: &str = "image/svg+xml";

macro_rules! file {
    ($name:literal, $kind:expr) => {
        File {
            name: $name,
            kind: $kind,
            bytes: include_bytes!(concat!("../../../../console/", $name)),
        }
    };
}

/// A file of the page.
struct File {
    name: &'static str,
    /// Its content type.
    kind: &'static str,
    bytes: &'static [u8],
}

const INDEX: File = file!("index.html", HTML);

/// Every file that the page loads.
const LOADED: &[File] = &[
    file!("style.css", STYLE),
    file!("icon.svg", PICTURE),
    file!("app.js", SCRIPT),
    file!("dom.js", SCRIPT),
    file!("gateway.js", SCRIPT),
    file!("market.js", SCRIPT),
    file!("try.js", SCRIPT),
    file!("drawing.js", SCRIPT),
    file!("work.js", SCRIPT),
    file!("disputes.js", SCRIPT),
    file!("narrowing.js", SCRIPT),
    file!("money.js", SCRIPT),
    file!("network.js", SCRIPT),
    file!("receipts.js", SCRIPT),
];

/// Gives the page.
pub async fn page() -> Response {
    answer(&INDEX)
}

/// Gives a file that the page loads.
pub async fn file(Path(name): Path<String>) -> Result<Response, ApiError> {
    let file = LOADED.iter().find(|file| file.name == name);
    file.map(answer).ok_or_else(|| {
        let shown: String = name.chars().take(100).collect();
        ApiError::no_path(&format!("/console/{shown}"))
    })
}

fn answer(file: &'static File) -> Response {
    let headers: [(HeaderName, &'static str); 6] = [
        (header::CONTENT_TYPE, file.kind),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        // Files of two versions of the gateway must not be mixed.
        (header::CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ];
    let mut response = file.bytes.into_response();
    for (name, value) in headers {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(file: &File) -> &'static str {
        std::str::from_utf8(file.bytes).unwrap()
    }

    #[test]
    fn every_file_that_is_loaded_is_here_and_every_file_is_loaded() {
        let mut named: Vec<&str> = Vec::new();
        for file in LOADED.iter().chain([&INDEX]) {
            for prefix in ["\"/console/", "from \"./"] {
                let found = text(file).split(prefix).skip(1);
                named.extend(found.map(|rest| rest.split('"').next().unwrap()));
            }
        }
        named.sort_unstable();
        named.dedup();
        let mut there: Vec<&str> = LOADED.iter().map(|file| file.name).collect();
        there.sort_unstable();
        assert_eq!(named, there);
    }

    #[test]
    fn no_file_names_another_host_or_needs_what_the_policy_forbids() {
        for file in LOADED.iter().chain([&INDEX]) {
            let text = text(file).replace("http://www.w3.org/2000/svg", "");
            for forbidden in [
                "http://",
                "https://",
                "//cdn",
                "innerHTML",
                "eval(",
                " style=",
                " onclick=",
            ] {
                assert!(!text.contains(forbidden), "{}: {forbidden}", file.name);
            }
        }
    }
}
