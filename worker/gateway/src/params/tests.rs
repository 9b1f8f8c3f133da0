//! Requests that tables let pass, and the names by which they refuse others.

use super::*;

const TABLES: [(&str, &[Param]); 4] = [
    ("chat", CHAT),
    ("completions", COMPLETIONS),
    ("embeddings", EMBEDDINGS),
    ("responses", RESPONSES),
];

fn minimal(table: &[Param]) -> Map<String, Value> {
    let required = table.iter().filter(|param| param.required);
    required.map(|param| (param.name.to_owned(), json!("x"))).collect()
}

fn read(map: &Map<String, Value>, table: &[Param]) -> Result<Fields, ApiError> {
    Fields::read(&serde_json::to_vec(map).unwrap(), table)
}

/// A value that no field of this kind takes.
fn wrong(kind: &Kind) -> Option<Value> {
    Some(match kind {
        Kind::Text | Kind::Flag | Kind::Integer { .. } | Kind::OneOf(_) | Kind::Texts(_) => json!(0.5),
        Kind::Number { .. } => json!("0.5"),
        Kind::Object(_) => json!([]),
        Kind::Neutral(_) => json!({ "something": "else" }),
        Kind::Form(_) | Kind::Ignored => return None,
    })
}

#[test]
fn every_field_of_every_table_is_refused_by_its_name() {
    for (endpoint, table) in TABLES {
        assert!(read(&minimal(table), table).is_ok(), "{endpoint}");
        for param in table {
            let Some(value) = wrong(&param.kind) else { continue };
            let mut map = minimal(table);
            map.insert(param.name.to_owned(), value);
            let error = read(&map, table).unwrap_err();
            assert_eq!(
                (error.status.as_u16(), error.param.as_deref()),
                (400, Some(param.name)),
                "{endpoint}"
            );
            assert!(error.message.contains(param.name), "{}", error.message);
        }
    }
}

#[test]
fn every_neutral_value_passes() {
    for (_, table) in TABLES {
        for param in table {
            let Kind::Neutral(values) = param.kind else { continue };
            for value in values.iter().copied().chain(["null"]) {
                let mut map = minimal(table);
                map.insert(param.name.to_owned(), serde_json::from_str(value).unwrap());
                assert!(read(&map, table).is_ok(), "{} {value}", param.name);
            }
        }
    }
}

#[test]
fn what_is_missing_or_unknown_is_named() {
    for (_, table) in TABLES {
        for param in table.iter().filter(|param| param.required) {
            for absent in [None, Some(Value::Null)] {
                let mut map = minimal(table);
                map.remove(param.name);
                map.extend(absent.map(|null| (param.name.to_owned(), null)));
                let error = read(&map, table).unwrap_err();
                assert_eq!(
                    (error.code, error.param.as_deref()),
                    ("missing_required_parameter", Some(param.name))
                );
            }
        }
        let mut map = minimal(table);
        map.insert("no_such_thing".to_owned(), json!(1));
        let error = read(&map, table).unwrap_err();
        assert_eq!(
            (error.code, error.param.as_deref()),
            ("unknown_parameter", Some("no_such_thing"))
        );
    }
}

#[test]
fn fields_of_objects_have_paths() {
    let mut map = minimal(CHAT);
    map.insert("stream_options".to_owned(), json!({ "include_usage": 1 }));
    assert_eq!(
        read(&map, CHAT).unwrap_err().param.as_deref(),
        Some("stream_options.include_usage")
    );
    map.insert("stream_options".to_owned(), json!({ "include_usage": true }));
    assert!(read(&map, CHAT).unwrap().object("stream_options").flag("include_usage"));
}

#[test]
fn ranges_include_their_ends() {
    let allowed = |name: &str, value: Value| {
        let mut map = minimal(CHAT);
        map.insert(name.to_owned(), value);
        read(&map, CHAT).is_ok()
    };
    assert!(allowed("temperature", json!(0)) && allowed("temperature", json!(2.0)));
    assert!(!allowed("temperature", json!(2.1)) && !allowed("temperature", json!(-0.1)));
    assert!(allowed("top_p", json!(1)) && !allowed("top_p", json!(0)));
    assert!(allowed("seed", json!(i64::MIN)) && !allowed("seed", json!(u64::MAX)));
    assert!(allowed("stop", json!(["a", "b", "c", "d"])) && !allowed("stop", json!(["a", "b", "c", "d", "e"])));
    assert!(!allowed("stop", json!("")) && !allowed("stop", json!([""])));
    assert!(allowed("presence_penalty", json!(0.0)) && !allowed("presence_penalty", json!(0.5)));
}

#[test]
fn what_is_no_object_or_too_deep_is_refused() {
    for body in ["", "[]", "1", "{", "{\"model\":", "\u{0}"] {
        assert_eq!(
            Fields::read(body.as_bytes(), CHAT).unwrap_err().code,
            "invalid_json",
            "{body}"
        );
    }
    let deep = format!("{{\"model\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(Fields::read(deep.as_bytes(), CHAT).unwrap_err().code, "invalid_json");
    assert_eq!(Fields::read(&[0xff, 0xfe], CHAT).unwrap_err().code, "invalid_json");
}

#[test]
fn schemas_name_every_field() {
    for (_, table) in TABLES {
        let schema = schema(table);
        for param in table {
            assert!(
                schema["properties"][param.name]["description"].is_string(),
                "{}",
                param.name
            );
        }
    }
}
