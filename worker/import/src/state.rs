//! State that a program keeps in buffers from call to call.
//!
//! A package keeps nothing between jobs, so each buffer that the program changes becomes an input of the graph, and its
//! value at the end an output: the input's name after `next_`. A buffer that the program fills before it reads it is no
//! state.

use super::{find, views};
use crate::{
    builder::Builder,
    error::{ImportError, Place},
    program::{ExportedProgram, InputSpec, ProgramNode},
    stored::{Layouts, Stored},
};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

/// Operators that give a tensor new elements without reading it.
const OVERWRITING: [&str; 4] = ["copy_.default", "zero_.default", "fill_.Scalar", "fill_.Tensor"];

/// The buffers and constants that a program changes.
pub(super) struct States<'p> {
    /// Names of the graph's inputs, by the program's names for the buffers.
    inputs: BTreeMap<&'p str, String>,
    /// Outputs of the graph, and the program's names for the tensors that they are.
    outputs: Vec<(String, &'p str)>,
    /// Buffers that are filled before they are read, by the program's names for them.
    filled: BTreeSet<&'p str>,
}

/// A buffer or a constant.
struct Buffer<'p> {
    argument: &'p str,
    stored: Arc<Stored>,
}

impl<'p> States<'p> {
    pub fn find(program: &'p ExportedProgram, layouts: &Layouts) -> Result<Self, ImportError> {
        let buffers = buffers(program, layouts);
        let changes = Changes::find(program, &buffers)?;
        let mut states = Self {
            inputs: BTreeMap::new(),
            outputs: Vec::new(),
            filled: BTreeSet::new(),
        };
        let taken: BTreeSet<&str> = user_inputs(program).collect();
        for buffer in buffers
            .iter()
            .filter(|buffer| changes.changed.contains(buffer.argument))
        {
            if let Some(other) = buffers.iter().find(|other| {
                other.argument != buffer.argument
                    && Arc::ptr_eq(&other.stored, &buffer.stored)
                    && changes.used.contains(other.argument)
            }) {
                return Err(ImportError::Weight {
                    weight: buffer.stored.key.clone(),
                    reason: format!(
                        "the program changes it as {} and takes it as {}, too: let the module have it once",
                        buffer.argument, other.argument
                    ),
                });
            }
            if changes.filled.contains(buffer.argument) {
                states.filled.insert(buffer.argument);
                continue;
            }
            let names = buffer.stored.names.iter().filter(|name| !taken.contains(name.as_str()));
            let name = names.min_by(|a, b| (a.len(), a.as_str()).cmp(&(b.len(), b.as_str())));
            let name = name.cloned().unwrap_or_else(|| buffer.argument.to_owned());
            let last = changes.given.get(buffer.argument).copied().unwrap_or(buffer.argument);
            states.outputs.push((format!("next_{name}"), last));
            states.inputs.insert(buffer.argument, name);
        }
        for spec in &program.graph_module.signature.output_specs {
            if let Some((input, tensor)) = mutation(spec, "user_input_mutation", "user_input_name") {
                states.outputs.push((format!("next_{input}"), tensor));
            }
        }
        Ok(states)
    }

    /// Whether what the program calls `name` is changed.
    pub fn has(&self, name: &str) -> bool {
        self.inputs.contains_key(name) || self.filled.contains(name)
    }

    /// Makes the buffers inputs of the graph, behind those that it has.
    pub fn declare(&self, graph: &mut Builder<'p>) -> Result<(), ImportError> {
        for (argument, name) in &self.inputs {
            graph.add_state(argument, name)?;
        }
        for argument in &self.filled {
            graph.begin(Place {
                operator: "buffer".to_owned(),
                node: (*argument).to_owned(),
                source: String::new(),
            });
            graph.add_empty(argument)?;
        }
        Ok(())
    }

    /// Outputs of the graph, and the program's names for the tensors that they are.
    pub fn outputs(&self) -> impl Iterator<Item = (&str, &'p str)> {
        self.outputs.iter().map(|(output, tensor)| (output.as_str(), *tensor))
    }
}

/// Changes that a program makes to its buffers, by its names for them.
#[derive(Default)]
struct Changes<'p> {
    changed: BTreeSet<&'p str>,
    used: BTreeSet<&'p str>,
    /// Those that are given other elements before they are used.
    filled: BTreeSet<&'p str>,
    /// Tensors that take the places of buffers at the end, where the signature says them.
    given: HashMap<&'p str, &'p str>,
}

impl<'p> Changes<'p> {
    fn find(program: &'p ExportedProgram, buffers: &[Buffer<'p>]) -> Result<Self, ImportError> {
        // Names of tensors, and the buffers whose elements they show.
        let mut shown: HashMap<&str, &str> = buffers
            .iter()
            .map(|buffer| (buffer.argument, buffer.argument))
            .collect();
        let mut changes = Self::default();
        for node in &program.graph_module.graph.nodes {
            changes.take(node, &mut shown);
        }
        for spec in &program.graph_module.signature.output_specs {
            let Some((name, tensor)) = mutation(spec, "buffer_mutation", "buffer_name") else {
                continue;
            };
            let buffer = program
                .graph_module
                .signature
                .input_specs
                .iter()
                .find_map(|spec| match spec {
                    InputSpec::Buffer { arg, buffer_name, .. } if buffer_name == name => Some(arg.name.as_str()),
                    _ => None,
                });
            let buffer = buffer.ok_or_else(|| ImportError::Signature {
                what: format!("gives {spec}"),
            })?;
            changes.changed.insert(buffer);
            changes.given.insert(buffer, tensor);
        }
        Ok(changes)
    }

    fn take(&mut self, node: &'p ProgramNode, shown: &mut HashMap<&'p str, &'p str>) {
        let taken = node.taken();
        let first = taken.first().copied().filter(|first| node.begins_with(first));
        let buffer = first.and_then(|first| shown.get(first)).copied();
        let is_in_place = find(&node.target).is_some_and(|known| known.is_in_place);
        let target = node.target.strip_prefix("torch.ops.aten.").unwrap_or_default();
        let is_filled = |name: &str| {
            OVERWRITING.contains(&target)
                && first == Some(name)
                && taken.iter().filter(|other| **other == name).count() == 1
        };
        for name in taken.iter().filter_map(|name| shown.get(name).copied()) {
            if self.used.insert(name) && is_filled(name) {
                self.filled.insert(name);
            }
        }
        let Some(buffer) = buffer else {
            return;
        };
        if is_in_place {
            self.changed.insert(buffer);
        }
        if is_in_place || views::may_share(&node.target) {
            shown.extend(node.given().into_iter().map(|name| (name, buffer)));
        }
    }
}

fn buffers<'p>(program: &'p ExportedProgram, layouts: &Layouts) -> Vec<Buffer<'p>> {
    let specs = program.graph_module.signature.input_specs.iter();
    let buffers = specs.filter_map(|spec| {
        let (argument, folder, key) = spec.stored()?;
        (!matches!(spec, InputSpec::Parameter { .. })).then(|| Buffer {
            argument,
            stored: layouts.stored(folder, key),
        })
    });
    buffers.collect()
}

fn user_inputs(program: &ExportedProgram) -> impl Iterator<Item = &str> {
    let specs = program.graph_module.signature.input_specs.iter();
    specs.filter_map(|spec| match spec {
        InputSpec::UserInput { arg } => crate::program::tensor_name(arg),
        _ => None,
    })
}

/// Of an output that takes the place of a buffer or an input, the name of this and the program's name for the tensor.
fn mutation<'p>(spec: &'p serde_json::Value, kind: &str, of: &str) -> Option<(&'p str, &'p str)> {
    let spec = spec.get(kind)?;
    Some((spec.get(of)?.as_str()?, spec.get("arg")?.get("name")?.as_str()?))
}
