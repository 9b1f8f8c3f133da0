//! The arguments of a node of the program, read one by one, so that none is passed over.

use super::{
    builder::{Builder, Tensor},
    place,
};
use crate::{
    error::ImportError,
    program::{ProgramNode, data_type, tensor_name},
};
use assay_exact::{digest::DataType, graph::Dimension};
use serde_json::Value as Json;
use std::collections::BTreeSet;

/// A number in an argument.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Number {
    /// An integer.
    Int(i64),
    /// A binary64 number.
    Float(f64),
    /// A truth value.
    Bool(bool),
    /// As many as a dimension has elements.
    Size(Dimension),
}

impl Number {
    /// As a binary64 number, unless it is a dynamic size.
    pub fn float(self) -> Option<f64> {
        match self {
            Self::Int(value) => Some(value as f64),
            Self::Float(value) => Some(value),
            Self::Bool(value) => Some(f64::from(u8::from(value))),
            Self::Size(Dimension::Fixed(value)) => Some(f64::from(value)),
            Self::Size(_) => None,
        }
    }
}

/// A tensor or a number.
#[derive(Clone, Debug)]
pub(super) enum Operand {
    /// A tensor.
    Tensor(Tensor),
    /// A number.
    Number(Number),
}

/// A node of the program, the graph that it is taken into, and which arguments have been read.
pub(super) struct Call<'c, 'p> {
    /// The graph in the making.
    pub graph: &'c mut Builder<'p>,
    node: &'p ProgramNode,
    read: BTreeSet<&'p str>,
}

pub(super) type Result<T> = std::result::Result<T, ImportError>;

impl<'c, 'p> Call<'c, 'p> {
    pub fn new(graph: &'c mut Builder<'p>, node: &'p ProgramNode) -> Self {
        Self {
            graph,
            node,
            read: BTreeSet::new(),
        }
    }

    /// Why an argument, or the operator with it, is not imported.
    pub fn refuse(&self, argument: &str, reason: &str) -> ImportError {
        ImportError::Argument {
            place: place(self.node),
            argument: argument.to_owned(),
            reason: reason.to_owned(),
        }
    }

    /// Refuses the node if an argument was given that nobody has read; one that is none is not given.
    pub fn finish(&self) -> Result<()> {
        let is_unread = |name: &str| self.is_given(name) && !self.read.contains(name);
        let unread = self.node.inputs.iter().find(|input| is_unread(&input.name));
        unread.map_or(Ok(()), |input| Err(self.refuse(&input.name, "is not known")))
    }

    /// Arguments that change nothing here.
    pub fn ignore(&mut self, names: &[&str]) {
        for input in &self.node.inputs {
            if names.contains(&input.name.as_str()) {
                self.read.insert(&input.name);
            }
        }
    }

    /// Whether an argument is there and not none.
    pub fn is_given(&self, name: &str) -> bool {
        let given = self.node.inputs.iter().find(|input| input.name == name);
        given.is_some_and(|input| input.arg.get("as_none").is_none())
    }

    /// Whether an argument is a complex tensor.
    pub fn is_complex(&self, name: &str) -> bool {
        let given = self.node.inputs.iter().find(|input| input.name == name);
        let tensor = given.and_then(|input| tensor_name(&input.arg));
        tensor.is_some_and(|tensor| self.graph.is_complex(tensor))
    }

    /// Whether an argument is a string.
    pub fn is_string(&self, name: &str) -> bool {
        let given = self.node.inputs.iter().find(|input| input.name == name);
        given.is_some_and(|input| input.arg.get("as_string").is_some())
    }

    fn argument(&mut self, name: &str) -> Option<&'p Json> {
        let input = self.node.inputs.iter().find(|input| input.name == name)?;
        self.read.insert(&input.name);
        input.arg.get("as_none").is_none().then_some(&input.arg)
    }

    fn required<T>(&self, name: &str, value: Option<T>) -> Result<T> {
        value.ok_or_else(|| self.refuse(name, "is missing"))
    }

    /// A tensor that must be given.
    pub fn tensor(&mut self, name: &str) -> Result<Tensor> {
        let tensor = self.optional_tensor(name)?;
        self.required(name, tensor)
    }

    /// A tensor that may be left out.
    pub fn optional_tensor(&mut self, name: &str) -> Result<Option<Tensor>> {
        match self.argument(name) {
            None => Ok(None),
            Some(argument) => self.lookup(name, tensor_name(argument)).map(Some),
        }
    }

    fn lookup(&mut self, argument: &str, tensor: Option<&str>) -> Result<Tensor> {
        let tensor = match tensor {
            Some(tensor) => self.graph.tensor(tensor)?,
            None => None,
        };
        tensor.ok_or_else(|| self.refuse(argument, "is not a tensor of the program"))
    }

    /// A list of tensors.
    pub fn tensors(&mut self, name: &str) -> Result<Vec<Tensor>> {
        let list = self
            .argument(name)
            .and_then(|argument| argument.get("as_tensors")?.as_array());
        let list = self.required(name, list)?;
        list.iter()
            .map(|tensor| self.lookup(name, tensor.get("name").and_then(Json::as_str)))
            .collect()
    }

    /// A list of tensors of which some are left out.
    pub fn optional_tensors(&mut self, name: &str) -> Result<Vec<Option<Tensor>>> {
        let argument = self.argument(name);
        if argument.is_some_and(|argument| argument.get("as_tensors").is_some()) {
            return Ok(self.tensors(name)?.into_iter().map(Some).collect());
        }
        let list = argument.and_then(|argument| argument.get("as_optional_tensors")?.as_array());
        let list = self.required(name, list)?;
        let lookup = |item: &'p Json| match item.get("as_none") {
            Some(_) => Ok(None),
            None => self.lookup(name, tensor_name(item)).map(Some),
        };
        list.iter().map(lookup).collect()
    }

    /// A tensor or a number that must be given.
    pub fn operand(&mut self, name: &str) -> Result<Operand> {
        match self.argument(name) {
            Some(argument) if argument.get("as_tensor").is_some() => {
                self.lookup(name, tensor_name(argument)).map(Operand::Tensor)
            }
            _ => {
                let number = self.number(name)?;
                self.required(name, number).map(Operand::Number)
            }
        }
    }

    /// A number that may be left out.
    pub fn number(&mut self, name: &str) -> Result<Option<Number>> {
        match self.argument(name) {
            None => Ok(None),
            Some(argument) => self.read_number(name, argument).map(Some),
        }
    }

    fn read_number(&self, name: &str, argument: &Json) -> Result<Number> {
        let number = match argument.as_object().and_then(|object| object.iter().next()) {
            Some((kind, value)) => match kind.as_str() {
                "as_int" => value.as_i64().map(Number::Int),
                "as_float" => float(value).map(Number::Float),
                "as_bool" => value.as_bool().map(Number::Bool),
                "as_sym_int" | "as_sym_float" | "as_sym_bool" => return self.read_symbol(name, value),
                _ => None,
            },
            None => None,
        };
        number.ok_or_else(|| self.refuse(name, "is not a number"))
    }

    /// A symbol's value, `{"as_name": …}` or `{"as_int": …}`.
    fn read_symbol(&self, name: &str, value: &Json) -> Result<Number> {
        match value.get("as_name").and_then(Json::as_str) {
            Some(symbol) => {
                let size = self.graph.size_named(symbol);
                size.map(Number::Size).map_err(|reason| self.refuse(name, &reason))
            }
            None => self.read_number(name, value),
        }
    }

    /// An integer, or `default` if it is left out.
    pub fn int(&mut self, name: &str, default: i64) -> Result<i64> {
        Ok(self.optional_int(name)?.unwrap_or(default))
    }

    /// An integer that may be left out.
    pub fn optional_int(&mut self, name: &str) -> Result<Option<i64>> {
        match self.number(name)? {
            None => Ok(None),
            Some(Number::Int(value)) => Ok(Some(value)),
            Some(Number::Size(Dimension::Fixed(value))) => Ok(Some(i64::from(value))),
            Some(_) => Err(self.refuse(name, "is not a fixed integer")),
        }
    }

    /// A binary64 number, or `default` if it is left out.
    pub fn float(&mut self, name: &str, default: f64) -> Result<f64> {
        match self.number(name)? {
            None => Ok(default),
            Some(number) => number.float().ok_or_else(|| self.refuse(name, "is not a fixed number")),
        }
    }

    /// A truth value, or `default` if it is left out.
    pub fn bool(&mut self, name: &str, default: bool) -> Result<bool> {
        match self.number(name)? {
            None => Ok(default),
            Some(Number::Bool(value)) => Ok(value),
            Some(_) => Err(self.refuse(name, "is not a truth value")),
        }
    }

    /// Refuses a truth value that is not the one that exact arithmetic defines.
    pub fn only(&mut self, name: &str, value: bool) -> Result<()> {
        if self.bool(name, value)? == value {
            Ok(())
        } else {
            Err(self.refuse(name, if value { "must be true" } else { "must be false" }))
        }
    }

    /// A list of integers that may be left out; one integer is a list of one.
    pub fn ints(&mut self, name: &str) -> Result<Option<Vec<i64>>> {
        let Some(sizes) = self.sizes(name)? else {
            return Ok(None);
        };
        let fixed = sizes.into_iter().map(|size| match size {
            Number::Int(value) => Ok(value),
            Number::Size(Dimension::Fixed(value)) => Ok(i64::from(value)),
            _ => Err(self.refuse(name, "is not a list of fixed integers")),
        });
        fixed.collect::<Result<Vec<_>>>().map(Some)
    }

    /// A list of binary64 numbers that must be given.
    pub fn floats(&mut self, name: &str) -> Result<Vec<f64>> {
        let list = self.argument(name);
        let list = list.and_then(|argument| argument.get("as_floats")?.as_array());
        let numbers = list.and_then(|list| list.iter().map(float).collect::<Option<Vec<_>>>());
        self.required(name, numbers)
    }

    /// As many integers as there are dimensions to give them to; one stands for all, and none for `default`.
    pub fn ints_for(&mut self, name: &str, dimensions: usize, default: i64) -> Result<Vec<i64>> {
        match self.ints(name)? {
            None => Ok(vec![default; dimensions]),
            Some(list) if list.is_empty() => Ok(vec![default; dimensions]),
            Some(list) if list.len() == dimensions => Ok(list),
            Some(list) if list.len() == 1 => Ok(vec![list[0]; dimensions]),
            Some(_) => Err(self.refuse(name, "has too many or too few entries")),
        }
    }

    /// A list of integers and sizes that may be left out.
    pub fn sizes(&mut self, name: &str) -> Result<Option<Vec<Number>>> {
        let Some(argument) = self.argument(name) else {
            return Ok(None);
        };
        let read = |item: &Json| match item.as_i64() {
            Some(value) => Ok(Number::Int(value)),
            None => self.read_symbol(name, item),
        };
        let list = ["as_ints", "as_sym_ints"]
            .iter()
            .find_map(|kind| argument.get(kind)?.as_array());
        match list {
            Some(list) => list.iter().map(read).collect::<Result<Vec<_>>>().map(Some),
            None => self.read_number(name, argument).map(|number| Some(vec![number])),
        }
    }

    /// A string that may be left out.
    pub fn string(&mut self, name: &str) -> Result<Option<&'p str>> {
        match self.argument(name) {
            None => Ok(None),
            Some(argument) => {
                let text = argument.get("as_string").and_then(Json::as_str);
                self.required(name, text).map(Some)
            }
        }
    }

    /// A type of elements that may be left out.
    pub fn data_type(&mut self, name: &str) -> Result<Option<DataType>> {
        let Some(argument) = self.argument(name) else {
            return Ok(None);
        };
        let code = argument.get("as_scalar_type").and_then(Json::as_u64);
        let dtype = code.and_then(|code| data_type(u32::try_from(code).ok()?));
        dtype
            .map(Some)
            .ok_or_else(|| self.refuse(name, "is a type that exact arithmetic does not have"))
    }

    /// The position of a dimension; negative ones count from the end, and `default` is for one that is left out.
    pub fn axis(&mut self, name: &str, default: i64, rank: usize) -> Result<usize> {
        let axis = self.int(name, default)?;
        self.position(name, axis, rank)
    }

    /// The position of a dimension of a tensor that must have one.
    pub fn axis_of(&mut self, name: &str, default: i64, x: &Tensor) -> Result<usize> {
        if x.dims.is_empty() {
            return Err(self.refuse(name, "is no dimension of the tensor"));
        }
        self.axis(name, default, x.dims.len())
    }

    /// Positions of dimensions, in rising order; all if the argument is left out or empty.
    pub fn axes(&mut self, name: &str, rank: usize) -> Result<Vec<usize>> {
        match self.ints(name)? {
            Some(axes) if !axes.is_empty() => {
                let axes = axes.into_iter().map(|axis| self.position(name, axis, rank));
                let distinct = axes.collect::<Result<BTreeSet<_>>>()?;
                Ok(distinct.into_iter().collect())
            }
            _ => Ok((0..rank).collect()),
        }
    }

    /// The position of a dimension, where negative ones count from the end.
    pub fn position(&self, name: &str, axis: i64, rank: usize) -> Result<usize> {
        let from_end = if axis < 0 { axis + rank as i64 } else { axis };
        // A tensor without dimensions is treated as one with one.
        match usize::try_from(from_end) {
            Ok(position) if position < rank.max(1) => Ok(position),
            _ => Err(self.refuse(name, "is no dimension of the tensor")),
        }
    }

    /// Names of the tensors that the node gives.
    pub fn outputs(&self) -> Vec<&'p str> {
        self.node.given()
    }

    /// The type and the dimensions that the program says the node's first output has.
    pub fn layout(&mut self) -> Result<(DataType, Vec<Dimension>)> {
        let name = self.outputs().first().copied();
        let name = self.required("output", name)?;
        self.graph.described(name)
    }
}

/// A binary64 number, which the export writes as a string where JSON has none.
fn float(value: &Json) -> Option<f64> {
    match value.as_str() {
        Some("Infinity") => Some(f64::INFINITY),
        Some("-Infinity") => Some(f64::NEG_INFINITY),
        Some("NaN") => Some(f64::NAN),
        Some(_) => None,
        None => value.as_f64(),
    }
}
