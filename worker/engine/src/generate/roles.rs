//! Role of every tensor of a check graph for one token: a row, a column, both, or the same for all of them.
//!
//! The token that is selected after a position follows from a *row* of every tensor that has the sequence's length as a
//! dimension. Scores of an attention have it twice: once as the row, and once as the *column*, which is the position of
//! another token. The pass below goes forward through the nodes and follows both dimensions by a rule for each
//! operator.
//! A node is refused if a row would depend on rows after its own, or on others in a way that is not a column.
//!
//! A token may have several rows that stand next to each other: queries that share their keys are the rows of one
//! matrix, whose dimension is a multiple of the sequence's length. The position of a row is then its index divided by
//! that multiple. A column is always one token.
//!
//! A column is allowed where a softmax over it is masked: where every column after the row is −∞, whatever the scores
//! are. Its weight is then exactly 0, and 0 times a finite scale adds nothing to a sum, which is exact in any order. So
//! a row does not change when there are fewer columns after its own, or others, as long as their values are finite.

mod columns;
mod masks;

use assay_exact::graph::{CheckedGraph, Dimension, Node, Operator, Position, Value};

/// Symbol of the sequence's length in a check graph.
pub(super) const LENGTH: Dimension = Dimension::Symbol(1);

/// Where the sequence's length stands among the dimensions of a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Nowhere, and the tensor is the same for every sequence.
    Shared,
    /// Nowhere, and the tensor is another for every sequence.
    Sequence,
    /// At this position: one row for each token, or as many for each as [`rows_per_token`] says.
    Row(usize),
    /// At two positions, that of the row and that of the column.
    Both(usize, usize),
}

/// Knowledge of the elements whose column comes after their row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum After {
    /// Nothing.
    Anything,
    /// They are false.
    False,
    /// They are true.
    True,
    /// They are −∞.
    Never,
    /// They are 0.
    Zero,
}

/// Role of a tensor for one token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Role {
    pub place: Place,
    /// Whether it depends on what the sequence holds, or its request, and not on positions alone.
    pub holds_data: bool,
    pub after: After,
    /// If every element says where its row stands, how.
    pub counts: Option<Count>,
}

/// An element that is `(start + step × row) / divisor`, rounded down, where rows are counted from 0 and a token may
/// have several. The divisor is 1 unless start and step are 0 and 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Count {
    pub start: i64,
    pub step: i64,
    pub divisor: u32,
}

impl Count {
    const INDEX: Self = Self {
        start: 0,
        step: 1,
        divisor: 1,
    };

    /// The same elements where a token has `to` rows in place of `from`; nothing if they do not follow from the token's
    /// position alone.
    fn with_rows(self, from: u32, to: u32) -> Option<Self> {
        let of_positions = self.divisor == from && (from > 1 || to == 1 || self == Self::INDEX);
        match from == to {
            true => Some(self),
            false => of_positions.then_some(Self { divisor: to, ..self }),
        }
    }
}

/// The roles of the nodes of a check graph that the selected tokens depend on.
pub(super) struct Roles<'a> {
    checked: &'a CheckedGraph,
    nodes: Vec<Option<Role>>,
}

/// Why a node keeps a check graph from being generated with.
pub(super) type Refusal = &'static str;

const SHARED: Role = Role {
    place: Place::Shared,
    holds_data: false,
    after: After::Anything,
    counts: None,
};

impl<'a> Roles<'a> {
    /// Finds the roles of everything that `selected` depends on. The error names the node and says why.
    pub fn of(checked: &'a CheckedGraph, selected: Value) -> Result<Self, String> {
        let nodes = &checked.graph().nodes;
        let mut used = vec![false; nodes.len()];
        if let Some(place) = selected.node().and_then(|index| used.get_mut(index)) {
            *place = true;
        }
        for (index, node) in nodes.iter().enumerate().rev() {
            if used[index] {
                node.inputs
                    .iter()
                    .filter_map(|value| value.node())
                    .for_each(|value| used[value] = true);
            }
        }
        let mut roles = Self {
            checked,
            nodes: vec![None; nodes.len()],
        };
        for (index, node) in nodes.iter().enumerate().filter(|(index, _)| used[*index]) {
            let role = roles.node(index as u32, node).map_err(|reason| {
                let (name, operator) = (&node.name, node.operator.name());
                format!("{operator} ({name}, {}) {reason}", node.source)
            })?;
            roles.nodes[index] = Some(role);
        }
        Ok(roles)
    }

    /// The role of a value; nothing, if the selected tokens do not depend on it.
    pub fn role(&self, value: Value) -> Option<Role> {
        let row = Role {
            place: Place::Row(1),
            holds_data: true,
            ..SHARED
        };
        match value {
            Value::Weight(_) => Some(SHARED),
            Value::Input(6) => Some(row),
            Value::Input(1..=4) => Some(Role {
                place: Place::Sequence,
                ..row
            }),
            Value::Input(_) => None,
            Value::Node(index) => self.nodes.get(index as usize).copied().flatten(),
        }
    }

    /// The dimensions of a value.
    pub fn dimensions(&self, value: Value) -> &'a [Dimension] {
        self.checked.value(value).map_or(&[], |(_, dimensions)| dimensions)
    }

    fn node(&self, index: u32, node: &Node) -> Result<Role, Refusal> {
        let operands = node.inputs.iter().map(|value| self.role(*value));
        let operands = operands.collect::<Option<Vec<_>>>();
        let operands = operands.ok_or("takes an input that no token may depend on")?;
        let output = Value::Node(index);
        let holds_data = operands.iter().any(|role| role.holds_data);
        let mut role = match &node.operator {
            Operator::Unary(_) | Operator::Relu | Operator::Cast { .. } => *first(&operands)?,
            Operator::Binary(_) | Operator::Where | Operator::Random | Operator::Expand { .. } => Role {
                place: self.broadcast(node, output, &operands)?,
                ..SHARED
            },
            Operator::Fill { .. } | Operator::Arange { .. } => Role {
                place: of_lengths(self.dimensions(output))?,
                ..SHARED
            },
            Operator::Reshape { .. } => self.reshaped(node, output, *first(&operands)?)?,
            Operator::Permute { axes } => permuted(axes, *first(&operands)?)?,
            Operator::Slice { axis, start, .. } => {
                self.sliced(node, output, usize::from(*axis), *start, *first(&operands)?)?
            }
            Operator::Concat { axis } | Operator::Gather { axis } => along(usize::from(*axis), &operands)?,
            Operator::Pad { axis, .. } => along(usize::from(*axis), &operands)?,
            Operator::IndexSelect { axis } => self.index_selected(node, usize::from(*axis), &operands)?,
            Operator::MatMul { .. } => self.multiplied(output, &operands)?,
            Operator::WeightedSum { .. } => self.summed(output, &operands)?,
            _ => self.of_rows(node, &operands)?,
        };
        role.holds_data = holds_data;
        role.after = self.after(node, &role, &operands);
        role.counts = self.counts(node, output, role.place, &operands);
        match self.lengths_stand(output, role.place) {
            true => Ok(role),
            false => Err("has the sequence's length, or more of it, where a row has it not"),
        }
    }

    /// Whether the length stands where a place says, and nowhere else. A column is one token.
    fn lengths_stand(&self, value: Value, place: Place) -> bool {
        let mut dimensions = self.dimensions(value).iter().enumerate();
        dimensions.all(|(axis, dimension)| match place {
            Place::Row(row) | Place::Both(row, _) if axis == row => rows_per_token(*dimension).is_some(),
            Place::Both(_, column) if axis == column => *dimension == LENGTH,
            _ => matches!(dimension, Dimension::Fixed(_)),
        })
    }

    /// Dimensions aligned from the last: the first length is the row and the second one the column, unless an operand
    /// that has both says otherwise.
    fn broadcast(&self, node: &Node, output: Value, operands: &[Role]) -> Result<Place, Refusal> {
        let dimensions = self.dimensions(output);
        let shift = |value: &Value| dimensions.len().saturating_sub(self.dimensions(*value).len());
        let both = node
            .inputs
            .iter()
            .zip(operands)
            .find_map(|(value, role)| match role.place {
                Place::Both(row, column) => Some(Place::Both(row + shift(value), column + shift(value))),
                _ => None,
            });
        let place = match both {
            Some(both) => both,
            None => of_lengths(dimensions)?,
        };
        for (value, role) in node.inputs.iter().zip(operands) {
            let fits = match (role.place, place) {
                (Place::Both(row, column), place) => place == Place::Both(row + shift(value), column + shift(value)),
                (Place::Row(axis), Place::Row(row)) => axis + shift(value) == row,
                (Place::Row(axis), Place::Both(row, column)) => [row, column].contains(&(axis + shift(value))),
                (Place::Shared | Place::Sequence, _) => true,
                _ => false,
            };
            if !fits {
                return Err("mixes rows and columns");
            }
        }
        let of_sequences = operands.iter().any(|role| role.place == Place::Sequence);
        Ok(match place {
            Place::Shared if of_sequences => Place::Sequence,
            place => place,
        })
    }

    fn reshaped(&self, node: &Node, output: Value, role: Role) -> Result<Role, Refusal> {
        let from = node.inputs.first().map_or(&[][..], |value| self.dimensions(*value));
        let to = self.dimensions(output);
        if segments(from) != segments(to) {
            return Err("moves the sequence's length into or out of another dimension");
        }
        let axes = |dimensions: &[Dimension]| -> Vec<usize> {
            let lengths = dimensions.iter().enumerate();
            let lengths = lengths.filter(|(_, dimension)| rows_per_token(**dimension).is_some());
            lengths.map(|(axis, _)| axis).collect()
        };
        let (before, after) = (axes(from), axes(to));
        let moved = |axis: usize| {
            let position = before.iter().position(|own| *own == axis)?;
            after.get(position).copied()
        };
        let place = match role.place {
            Place::Row(row) => moved(row).map(Place::Row),
            Place::Both(row, column) => moved(row)
                .zip(moved(column))
                .map(|(row, column)| Place::Both(row, column)),
            place => Some(place),
        };
        let place = place.ok_or("moves the sequence's length")?;
        Ok(Role { place, ..role })
    }

    fn sliced(&self, node: &Node, output: Value, axis: usize, start: Position, role: Role) -> Result<Role, Refusal> {
        let is_table = role.place == Place::Shared && self.dimensions(output).get(axis) == Some(&LENGTH);
        if is_table {
            return match start {
                Position::FromStart(_) => Ok(Role {
                    place: Place::Row(axis),
                    ..SHARED
                }),
                Position::FromEnd(_) => Err("counts from the end of the sequence"),
            };
        }
        let from = node.inputs.first().and_then(|value| self.dimensions(*value).get(axis));
        match from.is_some_and(|dimension| rows_per_token(*dimension).is_some()) {
            true => Err("takes some positions of the sequence apart"),
            false => Ok(role),
        }
    }

    fn index_selected(&self, node: &Node, axis: usize, operands: &[Role]) -> Result<Role, Refusal> {
        let [data, indices] = operands else {
            return Err("takes too few tensors");
        };
        if data.place == Place::Shared {
            let place = match indices.place {
                Place::Row(row) => Place::Row(row + axis),
                Place::Both(row, column) => Place::Both(row + axis, column + axis),
                place => place,
            };
            return Ok(Role { place, ..SHARED });
        }
        let indices_are_a_row = node
            .inputs
            .get(1)
            .is_some_and(|value| self.dimensions(*value).len() == 1);
        if indices.place != Place::Shared || !indices_are_a_row {
            return Err("looks up in what depends on the sequence");
        }
        along(axis, &operands[..1])
    }

    /// Rows times rows: of one token each, or of one token and all that are columns.
    fn multiplied(&self, output: Value, operands: &[Role]) -> Result<Role, Refusal> {
        let [left, right] = operands else {
            return Err("takes too few tensors");
        };
        let rank = self.dimensions(output).len();
        let place = match (left.place, right.place) {
            (Place::Shared, Place::Shared) => Place::Shared,
            (Place::Sequence, Place::Sequence) => Place::Sequence,
            (Place::Row(row), Place::Row(other)) if row + 2 < rank && other == row => Place::Row(row),
            (Place::Row(row), Place::Row(column)) if row + 2 == rank && column == row => {
                Place::Both(rank - 2, rank - 1)
            }
            _ => return Err("multiplies rows with what is no column"),
        };
        Ok(Role { place, ..SHARED })
    }

    /// Weights times values: a row of weights, which are 0 after their row, and a value for each column.
    fn summed(&self, output: Value, operands: &[Role]) -> Result<Role, Refusal> {
        let [weights, values, scales] = operands else {
            return Err("takes too few tensors");
        };
        let rank = self.dimensions(output).len();
        if [weights, values, scales].iter().all(|role| role.place == Place::Shared) {
            return Ok(SHARED);
        }
        let fits = weights.place == Place::Both(rank.wrapping_sub(2), rank.wrapping_sub(1))
            && values.place == Place::Row(rank.wrapping_sub(1))
            && scales.place == Place::Row(rank.wrapping_sub(2));
        if !fits {
            return Err("sums what is not one value for each column");
        }
        // What does not come from tokens is not looked at for numbers that are not finite.
        if !values.holds_data || !scales.holds_data {
            return Err("sums values that do not depend on tokens");
        }
        if weights.after != After::Zero {
            return Err("gives weight to tokens after its own: no mask of −∞ with a comparison of positions was found");
        }
        Ok(Role {
            place: Place::Row(rank - 2),
            ..SHARED
        })
    }

    /// Operators whose result depends on a row along the last dimension.
    fn of_rows(&self, node: &Node, operands: &[Role]) -> Result<Role, Refusal> {
        let (role, others) = operands.split_first().ok_or("takes too few tensors")?;
        if others.iter().any(|other| other.place != Place::Shared) {
            return Err("takes parameters that depend on the sequence");
        }
        let dimensions = node.inputs.first().map_or(&[][..], |value| self.dimensions(*value));
        let known = matches!(
            node.operator,
            Operator::Linear { .. }
                | Operator::QuantisedLinear { .. }
                | Operator::RowScale { .. }
                | Operator::Reduce(_)
                | Operator::CumSum
                | Operator::TopK { .. }
                | Operator::Softmax
                | Operator::LogSoftmax
                | Operator::LayerNorm { .. }
                | Operator::RmsNorm { .. }
        );
        match role.place {
            Place::Shared => Ok(SHARED),
            _ if !known => Err("is not followed through a sequence"),
            Place::Both(_, column) if node.operator == Operator::Softmax && column + 1 == dimensions.len() => {
                match role.after {
                    After::Never => Ok(*role),
                    _ => Err("sees tokens after its own: no mask of −∞ with a comparison of positions was found"),
                }
            }
            Place::Row(row) if row + 1 < dimensions.len() => Ok(*role),
            Place::Sequence if dimensions.len() > 1 => Ok(*role),
            _ => Err("makes one of all positions"),
        }
    }
}

fn first(operands: &[Role]) -> Result<&Role, Refusal> {
    operands.first().ok_or("takes too few tensors")
}

/// Number of rows that a dimension has for each token, if it is a multiple of the sequence's length.
pub(super) fn rows_per_token(dimension: Dimension) -> Option<u32> {
    let Dimension::Symbol(length) = LENGTH else {
        return None;
    };
    let rows = dimension.elements_at(|symbol| (symbol == length).then_some(1))?;
    (LENGTH.times(Dimension::Fixed(rows)) == Some(dimension)).then_some(rows)
}

/// The first length is the row, the second one the column.
fn of_lengths(dimensions: &[Dimension]) -> Result<Place, Refusal> {
    let mut lengths = dimensions
        .iter()
        .enumerate()
        .filter(|(_, dimension)| rows_per_token(**dimension).is_some());
    match (lengths.next(), lengths.next(), lengths.next()) {
        (None, ..) => Ok(Place::Shared),
        (Some((row, _)), None, _) => Ok(Place::Row(row)),
        (Some((row, _)), Some((column, _)), None) => Ok(Place::Both(row, column)),
        _ => Err("has the sequence's length more than twice"),
    }
}

/// The products of the fixed dimensions before, between and after the lengths. Rows of a token are elements after its
/// length, since they stand next to each other.
fn segments(dimensions: &[Dimension]) -> Option<Vec<u64>> {
    let mut segments = vec![1u64];
    for dimension in dimensions {
        match dimension {
            Dimension::Fixed(elements) => {
                let last = segments.last_mut()?;
                *last = last.checked_mul(u64::from(*elements))?;
            }
            dimension => segments.push(rows_per_token(*dimension)?.into()),
        }
    }
    Some(segments)
}

fn permuted(axes: &[u8], role: Role) -> Result<Role, Refusal> {
    let moved = |axis: usize| axes.iter().position(|from| usize::from(*from) == axis);
    let place = match role.place {
        Place::Row(row) => moved(row).map(Place::Row),
        Place::Both(row, column) => moved(row)
            .zip(moved(column))
            .map(|(row, column)| Place::Both(row, column)),
        place => Some(place),
    };
    let place = place.ok_or("loses the sequence's length")?;
    Ok(Role { place, ..role })
}

/// Operands that have the length at the same place, which is not this axis.
fn along(axis: usize, operands: &[Role]) -> Result<Role, Refusal> {
    let role = first(operands)?;
    let at_axis = match role.place {
        Place::Row(row) => row == axis,
        Place::Both(row, column) => row == axis || column == axis,
        _ => false,
    };
    if at_axis {
        return Err("puts tokens together with others");
    }
    match operands.iter().all(|other| other.place == role.place) {
        true => Ok(Role {
            place: role.place,
            ..SHARED
        }),
        false => Err("puts together what belongs to tokens and what does not"),
    }
}
