//! The parts of torch.export's JSON that the import reads, after `torch/_export/serde/schema.py` of torch 2.9 to 2.11.
//!
//! Fields that are not read are ignored; a variant that is not known stays raw JSON, so that the import can name the
//! operator that holds it.

use assay_exact::digest::DataType;
use serde::Deserialize;
use serde_json::Value as Json;
use std::collections::BTreeMap;

#[derive(Deserialize)]
pub(super) struct ExportedProgram {
    pub graph_module: GraphModule,
    #[serde(default)]
    pub range_constraints: BTreeMap<String, Range>,
}

/// Fields that say how the rest is to be read.
#[derive(Deserialize)]
pub(super) struct ProgramVersions {
    pub schema_version: SchemaVersion,
    #[serde(default)]
    pub opset_version: BTreeMap<String, i64>,
    pub torch_version: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct SchemaVersion {
    pub major: u32,
    pub minor: u32,
}

#[derive(Clone, Copy, Deserialize)]
pub(super) struct Range {
    pub min_val: Option<i64>,
    pub max_val: Option<i64>,
}

#[derive(Deserialize)]
pub(super) struct GraphModule {
    pub graph: ProgramGraph,
    pub signature: Signature,
}

#[derive(Deserialize)]
pub(super) struct ProgramGraph {
    pub nodes: Vec<ProgramNode>,
    pub tensor_values: BTreeMap<String, TensorMeta>,
    #[serde(default)]
    pub sym_int_values: BTreeMap<String, Size>,
}

#[derive(Deserialize)]
pub(super) struct ProgramNode {
    pub target: String,
    pub inputs: Vec<NamedArgument>,
    pub outputs: Vec<Json>,
    #[serde(default)]
    pub metadata: BTreeMap<String, String>,
    pub name: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct NamedArgument {
    pub name: String,
    pub arg: Json,
}

#[derive(Deserialize)]
pub(super) struct Signature {
    pub input_specs: Vec<InputSpec>,
    pub output_specs: Vec<Json>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum InputSpec {
    UserInput {
        arg: Json,
    },
    Parameter {
        arg: TensorName,
        parameter_name: String,
    },
    Buffer {
        arg: TensorName,
        buffer_name: String,
        persistent: bool,
    },
    TensorConstant {
        arg: TensorName,
        tensor_constant_name: String,
    },
    #[serde(untagged)]
    Other(Json),
}

#[derive(Clone, Deserialize)]
pub(super) struct TensorName {
    pub name: String,
}

#[derive(Clone, Deserialize, PartialEq, Eq, Hash)]
pub(super) struct TensorMeta {
    pub dtype: u32,
    pub sizes: Vec<Size>,
    pub strides: Vec<Size>,
    pub storage_offset: Size,
}

#[derive(Clone, Deserialize, PartialEq, Eq, Hash)]
#[serde(rename_all = "snake_case")]
pub(super) enum Size {
    AsInt(i64),
    AsExpr(Expression),
}

#[derive(Clone, Deserialize, PartialEq, Eq, Hash)]
pub(super) struct Expression {
    pub expr_str: String,
}

#[derive(Deserialize)]
pub(super) struct WeightsConfig {
    pub config: BTreeMap<String, WeightEntry>,
}

#[derive(Clone, Deserialize)]
pub(super) struct WeightEntry {
    pub path_name: String,
    pub use_pickle: bool,
    pub tensor_meta: Option<TensorMeta>,
}

/// A value such as `{"as_tensor": {"name": "x"}}`, if it is a tensor.
pub(super) fn tensor_name(value: &Json) -> Option<&str> {
    value.get("as_tensor")?.get("name")?.as_str()
}

/// The names in a value that is a tensor, or a list of them.
fn tensor_names(value: &Json) -> Vec<&str> {
    let list = |kind: &str| value.get(kind).and_then(Json::as_array);
    if let Some(list) = list("as_tensors") {
        return list.iter().filter_map(|item| item.get("name")?.as_str()).collect();
    }
    match list("as_optional_tensors") {
        Some(list) => list.iter().filter_map(tensor_name).collect(),
        None => tensor_name(value).into_iter().collect(),
    }
}

/// Torch's codes of the numbers that are not binary32.
pub(super) const HALF: u32 = 6;
pub(super) const DOUBLE: u32 = 8;
pub(super) const BFLOAT16: u32 = 13;

/// Whether torch's code is that of complex numbers, of any width.
pub(super) fn is_complex(code: u32) -> bool {
    (9..=11).contains(&code)
}

/// The data type that torch's code for it stands for, if it has one here. Numbers of 16 and of 64 bits are
/// computed with as binary32.
pub(super) fn data_type(code: u32) -> Option<DataType> {
    match code {
        1 => Some(DataType::Uint8),
        2 => Some(DataType::Int8),
        4 => Some(DataType::Int32),
        5 => Some(DataType::Int64),
        HALF | 7 | DOUBLE | BFLOAT16 => Some(DataType::Float32),
        12 => Some(DataType::Bool),
        _ => None,
    }
}

impl Expression {
    /// The symbol's name if the expression is a symbol alone: `Symbol('s40', positive=True, integer=True)` or `s40`.
    pub fn symbol(&self) -> Option<&str> {
        let text = self.expr_str.trim();
        let name = match text.strip_prefix("Symbol('") {
            Some(rest) => rest.split_once('\'').filter(|(_, rest)| !rest.contains('\''))?.0,
            None => text,
        };
        let is_name =
            name.starts_with(char::is_alphabetic) && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        is_name.then_some(name)
    }
}

impl InputSpec {
    /// The program's name for a tensor that the archive holds, the folder there, and the name in the module.
    pub fn stored(&self) -> Option<(&str, &'static str, &str)> {
        match self {
            Self::Parameter { arg, parameter_name } => Some((arg.name.as_str(), "weights", parameter_name.as_str())),
            Self::Buffer {
                arg,
                buffer_name,
                persistent,
            } => {
                let folder = if *persistent { "weights" } else { "constants" };
                Some((arg.name.as_str(), folder, buffer_name.as_str()))
            }
            Self::TensorConstant {
                arg,
                tensor_constant_name,
            } => Some((arg.name.as_str(), "constants", tensor_constant_name.as_str())),
            Self::UserInput { .. } | Self::Other(_) => None,
        }
    }
}

impl ProgramNode {
    /// Names of the tensors that the node takes, in the order of its arguments.
    pub fn taken(&self) -> Vec<&str> {
        self.inputs.iter().flat_map(|input| tensor_names(&input.arg)).collect()
    }

    /// Whether the node's first argument is the tensor of this name.
    pub fn begins_with(&self, name: &str) -> bool {
        self.inputs.first().and_then(|input| tensor_name(&input.arg)) == Some(name)
    }

    /// Names of the tensors that the node gives.
    pub fn given(&self) -> Vec<&str> {
        self.outputs.iter().flat_map(tensor_names).collect()
    }

    /// The node's name, or that of its first output.
    pub fn label(&self) -> String {
        let output = self.outputs.first().and_then(tensor_name);
        self.name.as_deref().or(output).unwrap_or("unnamed").to_owned()
    }

    /// The author's line, `file.py:line`: the innermost frame outside installed packages.
    pub fn source(&self) -> String {
        let trace = self.metadata.get("stack_trace").map_or("", String::as_str);
        let frames: Vec<(&str, &str)> = trace.lines().filter_map(frame).collect();
        let own = frames
            .iter()
            .rev()
            .find(|(file, _)| !file.contains("site-packages") && !file.contains("dist-packages"));
        own.or(frames.last())
            .map(|(file, line)| format!("{}:{line}", file.rsplit(['/', '\\']).next().unwrap_or(file)))
            .unwrap_or_default()
    }
}

/// File and line of `File "/a/b.py", line 12, in forward`.
fn frame(line: &str) -> Option<(&str, &str)> {
    let (file, rest) = line.trim().strip_prefix("File \"")?.split_once("\", line ")?;
    let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    Some((file, &rest[..digits]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn source_is_the_author_s_line_not_the_library_s() {
        let trace = "File \"/home/me/export.py\", line 42, in forward\n    x = self.hidden(x)\n  File \
                     \"/venv/lib/python3.11/site-packages/torch/nn/modules/linear.py\", line 134, in forward\n    return";
        let metadata = BTreeMap::from([("stack_trace".to_owned(), trace.to_owned())]);
        let node = ProgramNode {
            target: String::new(),
            inputs: vec![],
            outputs: vec![],
            metadata,
            name: None,
        };
        assert_eq!(node.source(), "export.py:42");
    }

    #[test]
    fn only_a_lone_symbol_is_a_dynamic_dimension() {
        let symbol = |text: &str| {
            Expression {
                expr_str: text.to_owned(),
            }
            .symbol()
            .map(str::to_owned)
        };
        assert_eq!(
            symbol("Symbol('s40', positive=True, integer=True)").as_deref(),
            Some("s40")
        );
        assert_eq!(symbol("s0").as_deref(), Some("s0"));
        for text in [
            "2*s0",
            "s0 + 1",
            "Mul(Symbol('s0'), Symbol('s1'))",
            "Symbol('s0')*Symbol('s1')",
            "3",
            "",
        ] {
            assert_eq!(symbol(text), None, "{text}");
        }
    }
}
