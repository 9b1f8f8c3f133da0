//! Log events as JSON: one object a line, with the time, the level, the message and every field under its own name.

use serde_json::{Map, Value};
use std::{
    fmt,
    time::{SystemTime, UNIX_EPOCH},
};
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    fmt::{FmtContext, FormatEvent, FormatFields, format::Writer},
    registry::LookupSpan,
};

/// Writes each event as one JSON object.
pub(crate) struct Json;

impl<S, N> FormatEvent<S, N> for Json
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut fields = Fields(Map::new());
        event.record(&mut fields);
        let mut object = fields.0;
        // A field of one of these names would hide what every line has.
        let always: [(&str, Value); 3] = [
            ("time_ms", u64::try_from(now.as_millis()).unwrap_or(u64::MAX).into()),
            ("level", event.metadata().level().as_str().to_lowercase().into()),
            ("target", event.metadata().target().into()),
        ];
        for (name, value) in always {
            if let Some(hidden) = object.insert(name.to_owned(), value) {
                object.insert(format!("{name}_"), hidden);
            }
        }
        writeln!(writer, "{}", Value::Object(object))
    }
}

/// The fields of an event, by name.
struct Fields(Map<String, Value>);

impl Fields {
    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        // JSON has no infinity and no NaN: they become null.
        self.put(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        io,
        sync::{Arc, Mutex},
    };

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("no panic").extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_is_an_object_with_its_fields_whatever_they_hold() {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::fmt()
            .event_format(Json)
            .with_writer(move || writer.clone())
            .finish();
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!(
                job = 7u64,
                session = 3u32,
                request = "a\"b\nc",
                level = 1,
                "claimed {}",
                "twice"
            );
            tracing::warn!(price = f64::NAN, digest = ?[1, 2], "odd");
        });
        let text = String::from_utf8(lines.0.lock().expect("no panic").clone()).expect("text");
        let objects: Vec<Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).expect(line))
            .collect();
        assert_eq!(objects.len(), 2);
        let first = &objects[0];
        assert_eq!(first["job"], 7);
        assert_eq!(first["session"], 3);
        assert_eq!(first["request"], "a\"b\nc");
        assert_eq!(first["level"], "info");
        assert_eq!(first["level_"], 1);
        assert_eq!(first["message"], "claimed twice");
        assert!(first["time_ms"].as_u64().is_some_and(|time| time > 1_700_000_000_000));
        assert_eq!(objects[1]["price"], Value::Null);
        assert_eq!(objects[1]["digest"], "[1, 2]");
    }
}
