//! The graph that generates: a check graph's rows of some new tokens of several sequences, on caches of the tokens
//! before.
//!
//! ```text
//! symbols   sequences B, rows L, room C
//! inputs    tokens [B, L], positions [B, L], temperature [B], top_p [B], top_k [B], seed [B], caches [B, …, C, …]
//! outputs   selected [B, 1], caches [B, …, C, …]
//! ```
//!
//! Every tensor of the check graph that depends on the sequence has B as its outermost dimension here: in place of a
//! dimension of 1, or before all others. A row's dimension is L, and a column's C. What is taken as a column is
//! *cached*: the rows of new tokens are written into the slots of their positions, and then the whole cache is taken.
//! Columns of positions alone are computed. Slots after a row are masked, as [`roles`](super::roles) has found out, so
//! what is in them does not matter as long as it is finite.
//!
//! Nothing after the last column needs more than the last row: the logits and what selects a token from them are
//! computed for that row alone.
//!
//! Where a token has several rows, their dimension is as many times L, and the last token's rows are taken together.

mod operators;

use super::roles::{LENGTH, Place, Roles, rows_per_token};
use assay_exact::{
    digest::DataType,
    graph::{Binary, CheckedGraph, Dimension, Graph, Input, Node, Operator, Output, Position, Symbol, Value},
};
use assay_package::generation::Generation;
use std::collections::HashMap;

const SEQUENCES: Dimension = Dimension::Symbol(0);
const ROWS: Dimension = Dimension::Symbol(1);
const ROOM: Dimension = Dimension::Symbol(2);
const ONE: Dimension = Dimension::Fixed(1);
const TOKENS: Value = Value::Input(0);
const POSITIONS: Value = Value::Input(1);
/// Inputs before the caches.
pub(super) const GIVEN: usize = 6;
/// Maximum number of sequences that are generated together.
pub(super) const MAX_SEQUENCES: u32 = 256;

/// A graph that generates.
pub(super) struct Derived {
    pub graph: CheckedGraph,
    /// Content of each cache, in the order of the inputs and of the outputs.
    pub caches: Vec<Cache>,
}

/// Rows of earlier tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cache {
    pub dtype: DataType,
    /// `[B, …, C, …]`.
    pub dimensions: Vec<Dimension>,
    /// Where C stands.
    pub axis: usize,
}

/// Which of the sequence's rows a tensor has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Part {
    /// Those of all new tokens.
    New,
    /// The row of the last one.
    Last,
    /// All that there are, as columns.
    Columns,
}

/// A value of the graph in the making, with its dimensions.
#[derive(Clone, Debug)]
struct Made {
    value: Value,
    dimensions: Vec<Dimension>,
}

struct Derivation<'a> {
    checked: &'a CheckedGraph,
    roles: &'a Roles<'a>,
    needed_later: Vec<bool>,
    nodes: Vec<Node>,
    made: HashMap<((u8, u32), Part), Made>,
    caches: Vec<Cache>,
    updated: Vec<Value>,
    /// Which new row each slot takes and whether it takes one, `[B, C]`.
    slots: Option<(Made, Made)>,
}

/// Derives the graph from a check graph.
pub(super) fn derive(checked: &CheckedGraph, generation: &Generation) -> Result<Derived, String> {
    let roles = Roles::of(checked, generation.selected)?;
    let mut derivation = Derivation {
        checked,
        needed_later: roles.needed_later(),
        roles: &roles,
        nodes: Vec::new(),
        made: HashMap::new(),
        caches: Vec::new(),
        updated: Vec::new(),
        slots: None,
    };
    for (index, node) in checked.graph().nodes.iter().enumerate() {
        let output = Value::Node(index as u32);
        if roles.role(output).is_some() {
            let part = derivation.part(output);
            let made = derivation.node(output, node, part);
            let made = made.ok_or_else(|| format!("{} cannot be computed for one token", node.name))?;
            derivation.made.insert((key(output), part), made);
        }
    }
    let selected = derivation.take(generation.selected, Part::Last);
    let selected = selected.ok_or("the selected token does not depend on the sequence")?;
    derivation.finish(selected.value, generation.max_length)
}

/// As many rows for each of these tokens as a dimension of the check graph has.
fn rows_here(tokens: Dimension, dimension: Dimension) -> Dimension {
    let rows = rows_per_token(dimension).map(Dimension::Fixed);
    // A multiple of another symbol is a dimension as well.
    rows.and_then(|rows| tokens.times(rows)).unwrap_or(dimension)
}

/// Which value it is.
fn key(value: Value) -> (u8, u32) {
    match value {
        Value::Input(index) => (0, index.into()),
        Value::Weight(index) => (1, index.into()),
        Value::Node(index) => (2, index),
    }
}

impl Derivation<'_> {
    fn finish(self, selected: Value, max_length: u32) -> Result<Derived, String> {
        let symbol = |name: &str, max| Symbol {
            name: name.to_owned(),
            min: 1,
            max,
        };
        let given = [
            ("tokens", DataType::Int64, vec![SEQUENCES, ROWS]),
            ("positions", DataType::Int64, vec![SEQUENCES, ROWS]),
            ("temperature", DataType::Float32, vec![SEQUENCES]),
            ("top_p", DataType::Float32, vec![SEQUENCES]),
            ("top_k", DataType::Int64, vec![SEQUENCES]),
            ("seed", DataType::Int64, vec![SEQUENCES]),
        ];
        let given = given.map(|(name, dtype, dimensions)| (name.to_owned(), dtype, dimensions));
        let caches = self.caches.iter().enumerate();
        let caches = caches.map(|(index, cache)| (format!("cache_{index}"), cache.dtype, cache.dimensions.clone()));
        let inputs = given.into_iter().chain(caches).map(|(name, dtype, dimensions)| Input {
            name,
            dtype,
            dimensions,
            range: None,
        });
        let outputs = std::iter::once(selected).chain(self.updated).enumerate();
        let graph = Graph {
            symbols: vec![
                symbol("sequences", MAX_SEQUENCES),
                symbol("rows", max_length),
                symbol("room", max_length),
            ],
            inputs: inputs.collect(),
            weights: self.checked.graph().weights.clone(),
            nodes: self.nodes,
            outputs: outputs
                .map(|(index, value)| Output {
                    name: format!("output_{index}"),
                    value,
                })
                .collect(),
        };
        Ok(Derived {
            graph: graph
                .without_unused()
                .check_derived()
                .map_err(|error| error.to_string())?,
            caches: self.caches,
        })
    }

    /// The rows that are computed of a value: the last one, where later tokens do not need the others.
    fn part(&self, value: Value) -> Part {
        let needed = value.node().map(|index| self.needed_later.get(index) == Some(&true));
        match needed {
            Some(false) => Part::Last,
            _ => Part::New,
        }
    }

    fn place(&self, value: Value) -> Place {
        self.roles.role(value).map_or(Place::Shared, |role| role.place)
    }

    fn emit(&mut self, operator: Operator, inputs: &[&Made], dimensions: Vec<Dimension>) -> Made {
        let index = self.nodes.len() as u32;
        self.nodes.push(Node {
            name: format!("node_{index}"),
            operator,
            inputs: inputs.iter().map(|made| made.value).collect(),
            source: String::new(),
        });
        Made {
            value: Value::Node(index),
            dimensions,
        }
    }

    fn reshape(&mut self, made: &Made, dimensions: Vec<Dimension>) -> Made {
        if made.dimensions == dimensions {
            return made.clone();
        }
        let operator = Operator::Reshape {
            dimensions: dimensions.clone(),
        };
        self.emit(operator, &[made], dimensions)
    }

    /// The dimensions of a value of the check graph with B in front.
    fn wide(&self, value: Value, part: Part) -> Vec<Dimension> {
        let own = self.resolved(value, part);
        match self.is_apart(value, part) {
            true => std::iter::once(SEQUENCES).chain(own).collect(),
            false => own,
        }
    }

    /// The dimensions of a value here: B in place of a dimension of 1 at the front, or before all.
    fn dimensions(&self, value: Value, part: Part) -> Vec<Dimension> {
        let mut own = self.wide(value, part);
        if self.is_apart(value, part) && self.replaces(value) {
            own.remove(1);
        }
        own
    }

    /// Whether each sequence has a tensor of its own. Columns of positions are the same for all.
    fn is_apart(&self, value: Value, part: Part) -> bool {
        let role = self.roles.role(value);
        role.is_some_and(|role| role.place != Place::Shared && (part != Part::Columns || role.holds_data))
    }

    fn replaces(&self, value: Value) -> bool {
        self.roles.dimensions(value).first() == Some(&ONE)
    }

    /// Distance that an axis of a value has moved here.
    fn shift(&self, value: Value, part: Part) -> usize {
        usize::from(self.is_apart(value, part) && !self.replaces(value))
    }

    /// The value's own dimensions with rows and columns as they are here.
    fn resolved(&self, value: Value, part: Part) -> Vec<Dimension> {
        let mut dimensions = self.roles.dimensions(value).to_vec();
        let row = match part {
            Part::New => ROWS,
            Part::Last => ONE,
            Part::Columns => ROOM,
        };
        match self.place(value) {
            Place::Row(axis) => dimensions[axis] = rows_here(row, dimensions[axis]),
            Place::Both(axis, column) => {
                (dimensions[axis], dimensions[column]) = (rows_here(row, dimensions[axis]), ROOM);
            }
            Place::Shared | Place::Sequence => {}
        }
        dimensions
    }

    /// A value of the check graph, some of its rows.
    fn take(&mut self, value: Value, part: Part) -> Option<Made> {
        let part = match self.place(value) {
            Place::Row(_) | Place::Both(..) => part,
            // It has no rows.
            Place::Shared | Place::Sequence => self.part(value),
        };
        if let Some(made) = self.made.get(&(key(value), part)) {
            return Some(made.clone());
        }
        let given = match value {
            Value::Weight(_) => Some(value),
            Value::Input(6) => Some(TOKENS),
            Value::Input(input @ 1..=4) => Some(Value::Input(input + 1)),
            _ => None,
        };
        let made = match (given, part) {
            (Some(given), Part::New) => Made {
                value: given,
                dimensions: self.dimensions(value, part),
            },
            (_, Part::Last) => {
                let all = self.take(value, Part::New)?;
                match self.place(value) {
                    Place::Row(axis) | Place::Both(axis, _) => {
                        let rows = rows_per_token(*self.roles.dimensions(value).get(axis)?)?;
                        self.last(&all, axis + self.shift(value, part), rows)
                    }
                    _ => return None,
                }
            }
            (_, Part::Columns) => self.column(value)?,
            (None, Part::New) => return None,
        };
        self.made.insert((key(value), part), made.clone());
        Some(made)
    }

    /// The last of a value's rows, those of one token.
    fn last(&mut self, made: &Made, axis: usize, rows: u32) -> Made {
        let mut dimensions = made.dimensions.clone();
        let length = Dimension::Fixed(rows);
        dimensions[axis] = length;
        let operator = Operator::Slice {
            axis: axis as u8,
            start: Position::FromEnd(rows),
            step: 1,
            length,
        };
        self.emit(operator, &[made], dimensions)
    }

    /// All rows of a value as columns: computed where they follow from positions or from a cache, cached otherwise.
    fn column(&mut self, value: Value) -> Option<Made> {
        let role = self.roles.role(value)?;
        let node = value.node().and_then(|index| self.checked.graph().nodes.get(index));
        match node {
            Some(node)
                if !role.holds_data
                    || matches!(node.operator, Operator::Permute { .. } | Operator::RowScale { .. }) =>
            {
                let node = node.clone();
                self.node(value, &node, Part::Columns)
            }
            _ => self.cached(value),
        }
    }

    /// A value through its cache, with the new rows in it.
    fn cached(&mut self, value: Value) -> Option<Made> {
        let Place::Row(axis) = self.place(value) else {
            return None;
        };
        let axis = axis + self.shift(value, Part::New);
        let new = self.take(value, Part::New)?;
        let (dtype, _) = self.checked.value(value)?;
        let dimensions = self.dimensions(value, Part::Columns);
        let cache = Made {
            value: Value::Input(u16::try_from(GIVEN + self.caches.len()).ok()?),
            dimensions: dimensions.clone(),
        };
        self.caches.push(Cache {
            dtype,
            dimensions: dimensions.clone(),
            axis,
        });
        let (source, fresh) = self.slots()?;
        let mut along = vec![ONE; dimensions.len()];
        *along.first_mut()? = SEQUENCES;
        *along.get_mut(axis)? = ROOM;
        let source = self.reshape(&source, along.clone());
        let fresh = self.reshape(&fresh, along);
        let expand = Operator::Expand {
            dimensions: dimensions.clone(),
        };
        let source = self.emit(expand, &[&source], dimensions.clone());
        let written = self.emit(
            Operator::Gather { axis: axis as u8 },
            &[&new, &source],
            dimensions.clone(),
        );
        let whole = self.emit(Operator::Where, &[&fresh, &written, &cache], dimensions);
        self.updated.push(whole.value);
        Some(whole)
    }

    /// Which new row each slot takes, and whether it takes one.
    fn slots(&mut self) -> Option<(Made, Made)> {
        if let Some(slots) = &self.slots {
            return Some(slots.clone());
        }
        let positions = Made {
            value: POSITIONS,
            dimensions: vec![SEQUENCES, ROWS],
        };
        let slot = Operator::Arange {
            start: 0,
            step: 1,
            length: ROOM,
        };
        let slot = self.emit(slot, &[], vec![ROOM]);
        let begin = Operator::Slice {
            axis: 1,
            start: Position::FromStart(0),
            step: 1,
            length: ONE,
        };
        let begin = self.emit(begin, &[&positions], vec![SEQUENCES, ONE]);
        let end = self.last(&positions, 1, 1);
        let whole = || vec![SEQUENCES, ROOM];
        let source = self.emit(Operator::Binary(Binary::Sub), &[&slot, &begin], whole());
        let after = self.emit(Operator::Binary(Binary::GreaterOrEqual), &[&slot, &begin], whole());
        let before = self.emit(Operator::Binary(Binary::LessOrEqual), &[&slot, &end], whole());
        let fresh = self.emit(Operator::Binary(Binary::And), &[&after, &before], whole());
        let none = Operator::Fill {
            dtype: DataType::Int64,
            bits: 0,
            dimensions: Vec::new(),
        };
        let none = self.emit(none, &[], Vec::new());
        let source = self.emit(Operator::Where, &[&fresh, &source, &none], whole());
        self.slots = Some((source.clone(), fresh.clone()));
        Some((source, fresh))
    }
}
