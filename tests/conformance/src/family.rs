//! A family of cases, which becomes one file.

use crate::json::{Json, object};
use std::collections::BTreeSet;

/// Rows of a table that stand in one case, so that a difference is found by its line.
const ROWS_OF_A_CASE: usize = 100;

/// The cases of one file.
pub struct Family {
    name: &'static str,
    cases: Vec<Json>,
    names: BTreeSet<String>,
    checks: usize,
}

impl Family {
    /// A family without cases.
    pub(crate) fn new(name: &'static str) -> Self {
        Self {
            name,
            cases: Vec::new(),
            names: BTreeSet::new(),
            checks: 0,
        }
    }

    /// Name of the file.
    pub fn file_name(&self) -> String {
        format!("{}.json", self.name)
    }

    /// Checks of all cases, as the README counts them.
    pub fn checks(&self) -> usize {
        self.checks
    }

    /// The file: one case a line.
    pub fn text(&self) -> String {
        let cases: Vec<String> = self.cases.iter().map(Json::to_string).collect();
        format!(
            "{{\"format\":1,\"family\":\"{}\",\"cases\":[\n{}\n]}}\n",
            self.name,
            cases.join(",\n")
        )
    }

    /// Adds a case that is one check.
    pub(crate) fn case(&mut self, kind: &'static str, name: impl Into<String>, fields: Vec<(&'static str, Json)>) {
        self.checks += 1;
        self.add(kind, name.into(), fields);
    }

    /// Adds a table, in which each row is a check, as several cases.
    pub(crate) fn table(
        &mut self,
        kind: &'static str,
        name: &str,
        given: &[(&'static str, Json)],
        rows: impl IntoIterator<Item = Vec<Json>>,
    ) {
        let rows: Vec<Json> = rows.into_iter().map(Json::List).collect();
        self.checks += rows.len();
        for (part, rows) in rows.chunks(ROWS_OF_A_CASE).enumerate() {
            let mut fields = given.to_vec();
            fields.push(("rows", Json::List(rows.to_vec())));
            self.add(kind, format!("{name} {part}"), fields);
        }
    }

    fn add(&mut self, kind: &'static str, name: String, fields: Vec<(&'static str, Json)>) {
        assert!(self.names.insert(name.clone()), "{}: two cases {name}", self.name);
        let Json::Object(mut all) = object([("name", Json::Text(name)), ("kind", kind.into())]) else {
            unreachable!("an object is one")
        };
        all.extend(fields);
        self.cases.push(Json::Object(all));
    }
}

/// Gives names that number the cases of one sort: `add 0`, `add 1`, …
#[derive(Default)]
pub(crate) struct Numbered(std::collections::BTreeMap<String, usize>);

impl Numbered {
    /// The next name of this sort.
    pub fn name(&mut self, sort: &str) -> String {
        let next = self.0.entry(sort.to_owned()).or_default();
        *next += 1;
        format!("{sort} {}", *next - 1)
    }
}
