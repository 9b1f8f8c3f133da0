//! A package's manifest: who and what the model is, what it takes and gives, and the hashes of the package's files.
//!
//! ```toml
//! format = 2
//! name = "digits"
//! version = "1.0.0"
//! precision = "int16"
//! licence = "Apache-2.0"
//! description = "Ten logits for an 8 x 8 handwritten digit"
//!
//! [[symbols]]
//! name = "batch"
//! min = 1
//! max = 4096
//!
//! [[inputs]]
//! name = "image"
//! data_type = "float32"
//! dimensions = ["batch", 8, 8]
//!
//! [[outputs]]
//! name = "output_0"
//! data_type = "float32"
//! dimensions = ["batch", 10]
//! # or ["4·batch", 10], ["past + length", 10]
//!
//! [generation]           # for the check graph of a language model
//! stop_tokens = [2]
//!
//! [graph]
//! file = "graph.scale"
//! bytes = 700
//! blake2b = "…"
//! ```
//!
//! and `[weights]` and `[[assets]]` like `[graph]`. The manifest's hash is over its bytes as they lie in the package.

use super::{dimension::written, error::PackageError};
use assay_exact::{
    graph::{CheckedGraph, Dimension, Graph, Value},
    model::ValueRange,
    quantise::Precision,
};
use assay_ops::tensor::{Blake2b256, DataType, Hash256};
use serde::{Deserialize, Serialize};

/// The format that this version reads and writes. Packages of format 1 have no ranges of values.
pub(super) const FORMAT: u32 = 2;
/// Most bytes of the name, the version, the licence and an asset's file name.
const MAX_FIELD_BYTES: usize = 64;
/// Most bytes of the description.
const MAX_DESCRIPTION_BYTES: usize = 1024;

/// The author's words on a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Details {
    /// Name under which people know it: lower-case letters, digits, `-`, `_` and `.`.
    pub name: String,
    /// Version, such as `1.0.0`: the same characters.
    pub version: String,
    /// SPDX expression.
    pub licence: String,
    /// One line for people; may be empty.
    pub description: String,
}

/// A package's manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Format of the package.
    pub format: u32,
    /// Name under which people know the model.
    pub name: String,
    /// Version of the model.
    pub version: String,
    /// Precision that the model was imported with: `int8`, `int16int8` or `int16`.
    pub precision: String,
    /// SPDX expression.
    pub licence: String,
    /// One line for people.
    #[serde(default)]
    pub description: String,
    /// For the check graph of a language model, what it is made with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<GenerationEntry>,
    /// Dynamic dimensions.
    #[serde(default)]
    pub symbols: Vec<SymbolEntry>,
    /// Inputs of the model.
    pub inputs: Vec<TensorEntry>,
    /// Outputs of the model.
    pub outputs: Vec<TensorEntry>,
    /// The canonical graph.
    pub graph: FileEntry,
    /// The weights.
    pub weights: FileEntry,
    /// Files that travel with the model.
    #[serde(default)]
    pub assets: Vec<FileEntry>,
}

/// Parameters of a check graph, besides the model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GenerationEntry {
    /// Tokens after which a sequence ends.
    pub stop_tokens: Vec<i64>,
}

/// A dynamic dimension and the values that it may take, both ends included.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SymbolEntry {
    /// Its name.
    pub name: String,
    /// Least value.
    pub min: u32,
    /// Greatest value.
    pub max: u32,
}

/// A tensor that the model takes or gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TensorEntry {
    /// Its name.
    pub name: String,
    /// Type of its elements, as `float32`.
    pub data_type: String,
    /// Its dimensions, outermost first.
    pub dimensions: Vec<DimensionEntry>,
    /// The minimum and the maximum of its elements, for an integer input of which they are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values: Option<[i64; 2]>,
}

/// A number, or a symbol or what is computed from symbols.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum DimensionEntry {
    /// Always this many elements.
    Fixed(u32),
    /// As many as the symbol of this name, or as an expression of it says: `batch`, `4·batch`,
    /// `past + length`.
    Dynamic(String),
}

/// A file of the package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileEntry {
    /// Its name, without folders.
    pub file: String,
    /// Its size.
    pub bytes: u64,
    /// BLAKE2b-256 of its content, in hexadecimal.
    pub blake2b: String,
}

impl FileEntry {
    pub(super) fn of(file: &str, content: &[u8]) -> Self {
        let blake2b = hex::encode(Blake2b256::hash(content));
        Self {
            file: file.to_owned(),
            bytes: content.len() as u64,
            blake2b,
        }
    }

    /// Checks that this is the file's content.
    pub fn check(&self, content: &[u8]) -> Result<(), PackageError> {
        let actual = Self::of(&self.file, content);
        let what = match (actual.bytes == self.bytes, actual.blake2b == self.blake2b) {
            (true, true) => return Ok(()),
            (false, _) => "its size",
            (true, false) => "its hash",
        };
        Err(PackageError::Mismatch {
            file: self.file.clone(),
            what,
        })
    }
}

impl Manifest {
    pub(super) fn new(
        details: Details,
        precision: Precision,
        graph: &CheckedGraph,
        graph_file: FileEntry,
        weights_file: FileEntry,
        assets: Vec<FileEntry>,
    ) -> Self {
        let (symbols, inputs, outputs) = schema(graph);
        let Details {
            name,
            version,
            licence,
            description,
        } = details;
        Self {
            format: FORMAT,
            name,
            version,
            precision: precision_name(precision).to_owned(),
            licence,
            description,
            generation: None,
            symbols,
            inputs,
            outputs,
            graph: graph_file,
            weights: weights_file,
            assets,
        }
    }

    /// Reads a manifest, and checks everything that does not need the package's other files. The names of the files
    /// are then plain: none leads out of the package's folder.
    pub fn parse(text: &str) -> Result<Self, PackageError> {
        let manifest: Self = toml::from_str(text).map_err(|error| PackageError::Manifest { error: Box::new(error) })?;
        manifest.check()?;
        Ok(manifest)
    }

    /// Checks everything that does not need the package's other files.
    pub(super) fn check(&self) -> Result<(), PackageError> {
        let field = |field, reason: &str| {
            Err(PackageError::Field {
                field,
                reason: reason.to_owned(),
            })
        };
        if self.format != FORMAT {
            return field(
                "format",
                "is one that this version does not read: import the program again, or upgrade assay-worker",
            );
        }
        for (name, value) in [("name", &self.name), ("version", &self.version)] {
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.".contains(c);
            if value.is_empty() || value.len() > MAX_FIELD_BYTES || !value.chars().all(plain) {
                return field(name, "must be 1 to 64 lower-case letters, digits, '-', '_' or '.'");
            }
        }
        if self.licence.is_empty() || self.licence.len() > MAX_FIELD_BYTES {
            return field("licence", "must be an SPDX expression of 1 to 64 bytes");
        }
        if self.description.len() > MAX_DESCRIPTION_BYTES {
            return field("description", "must be at most 1024 bytes");
        }
        self.precision()?;
        let mut names = std::collections::BTreeSet::new();
        for entry in self.files() {
            if !is_plain_file_name(&entry.file) || !names.insert(&entry.file) {
                return field("file", "must be a plain file name, and no two may be alike");
            }
        }
        Ok(())
    }

    /// Checks that the schema is the graph's.
    pub(super) fn check_schema(&self, graph: &CheckedGraph) -> Result<(), PackageError> {
        let (symbols, inputs, outputs) = schema(graph);
        let unlike = [
            ("symbols", self.symbols != symbols),
            ("inputs", self.inputs != inputs),
            ("outputs", self.outputs != outputs),
        ];
        match unlike.into_iter().find(|(_, unlike)| *unlike) {
            Some((field, _)) => Err(PackageError::Field {
                field,
                reason: "differ from the graph's".to_owned(),
            }),
            None => Ok(()),
        }
    }

    /// The precision that the model was imported with.
    pub fn precision(&self) -> Result<Precision, PackageError> {
        match self.precision.as_str() {
            "int8" => Ok(Precision::Int8),
            "int16" => Ok(Precision::Int16),
            "int16int8" => Ok(Precision::Int16Int8),
            _ => Err(PackageError::Field {
                field: "precision",
                reason: "must be int8, int16 or int16int8".to_owned(),
            }),
        }
    }

    /// The package's files besides the manifest itself.
    pub fn files(&self) -> impl Iterator<Item = &FileEntry> {
        [&self.graph, &self.weights].into_iter().chain(&self.assets)
    }
}

/// A name that stays inside the package's folder on every system, and is not the manifest's own.
fn is_plain_file_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    (1..=MAX_FIELD_BYTES).contains(&name.len())
        && name.chars().all(plain)
        && !name.starts_with('.')
        && name != super::MANIFEST_FILE
}

/// Input or output of a graph, in the manifest's words.
fn schema(graph: &CheckedGraph) -> (Vec<SymbolEntry>, Vec<TensorEntry>, Vec<TensorEntry>) {
    let tensor = |name: &str, value, range: Option<ValueRange>| {
        let (dtype, dimensions) = graph.value(value).unwrap_or((DataType::Float32, &[]));
        let dimensions = dimensions.iter().map(|dimension| match dimension {
            Dimension::Fixed(elements) => DimensionEntry::Fixed(*elements),
            Dimension::Symbol(_) | Dimension::Computed(_) => {
                DimensionEntry::Dynamic(written(*dimension, |symbol| symbol_name(graph.graph(), symbol)))
            }
        });
        let data_type = format!("{dtype:?}").to_lowercase();
        TensorEntry {
            name: name.to_owned(),
            data_type,
            dimensions: dimensions.collect(),
            values: range.map(|range| [range.min, range.max]),
        }
    };
    let symbols = graph.graph().symbols.iter().map(|symbol| SymbolEntry {
        name: symbol.name.clone(),
        min: symbol.min,
        max: symbol.max,
    });
    let inputs = graph.graph().inputs.iter().enumerate();
    let inputs = inputs.map(|(index, input)| tensor(&input.name, Value::Input(index as u16), input.range));
    let outputs = graph
        .graph()
        .outputs
        .iter()
        .map(|output| tensor(&output.name, output.value, None));
    (symbols.collect(), inputs.collect(), outputs.collect())
}

/// The name of a graph's symbol.
pub(super) fn symbol_name(graph: &Graph, symbol: u8) -> String {
    let symbol = graph.symbols.get(usize::from(symbol));
    symbol.map(|symbol| symbol.name.clone()).unwrap_or_default()
}

pub(super) fn precision_name(precision: Precision) -> &'static str {
    match precision {
        Precision::Int8 => "int8",
        Precision::Int16 => "int16",
        Precision::Int16Int8 => "int16int8",
    }
}
