//! Form of each operator of a check graph for some rows.

use super::{Derivation, LENGTH, Made, ONE, POSITIONS, Part, Place, ROOM, ROWS, SEQUENCES};
use crate::generate::roles::rows_per_token;
use assay_exact::{
    digest::DataType,
    graph::{Binary, Dimension, Node, Operator, Position, Value},
};

impl Derivation<'_> {
    /// Some rows of what a node gives; nothing where the roles do not allow it.
    pub(super) fn node(&mut self, output: Value, node: &Node, part: Part) -> Option<Made> {
        match &node.operator {
            Operator::Fill { dtype, bits, .. } => {
                let dimensions = self.dimensions(output, part);
                let operator = Operator::Fill {
                    dtype: *dtype,
                    bits: *bits,
                    dimensions: dimensions.clone(),
                };
                Some(self.emit(operator, &[], dimensions))
            }
            Operator::Arange { start, step, length } if rows_per_token(*length).is_some() => {
                let made = self.counted(*start, *step, rows_per_token(*length)?, part);
                Some(made)
            }
            Operator::Slice {
                axis,
                start,
                step,
                length,
            } if *length == LENGTH => self.looked_up(output, node, usize::from(*axis), *start, *step, part),
            Operator::Binary(_) | Operator::Where | Operator::Random | Operator::Expand { .. } => {
                self.repeated(output, node, part)
            }
            Operator::Reshape { .. } => {
                let made = self.take(*node.inputs.first()?, part)?;
                let dimensions = self.dimensions(output, part);
                Some(self.reshape(&made, dimensions))
            }
            Operator::MatMul { .. } | Operator::WeightedSum { .. } => self.of_columns(output, node, part),
            Operator::IndexSelect { axis } => self.index_selected(output, node, usize::from(*axis), part),
            Operator::Permute { .. }
            | Operator::Slice { .. }
            | Operator::Concat { .. }
            | Operator::Pad { .. }
            | Operator::Gather { .. } => self.moved(output, node, part),
            _ => {
                let operands = node.inputs.iter().map(|value| self.take(*value, part));
                let operands = operands.collect::<Option<Vec<_>>>()?;
                let dimensions = self.dimensions(output, part);
                Some(self.emit(node.operator.clone(), &operands.iter().collect::<Vec<_>>(), dimensions))
            }
        }
    }

    /// `start + step × row` for each row, of which a token has this many.
    fn counted(&mut self, start: i64, step: i64, rows: u32, part: Part) -> Made {
        if part == Part::Columns {
            let length = ROOM;
            return self.emit(Operator::Arange { start, step, length }, &[], vec![ROOM]);
        }
        let mut made = Made {
            value: POSITIONS,
            dimensions: vec![SEQUENCES, ROWS],
        };
        if part == Part::Last {
            made = self.last(&made, 1, 1);
        }
        if rows > 1 {
            made = self.indices_of_rows(&made, rows);
        }
        made = self.with_integer(Binary::Mul, &made, (step, 1));
        self.with_integer(Binary::Add, &made, (start, 0))
    }

    /// `position × rows + row` for the rows of each token: positions `[B, L]` give `[B, L × rows]`.
    fn indices_of_rows(&mut self, positions: &Made, rows: u32) -> Made {
        let first = self.with_integer(Binary::Mul, positions, (rows.into(), 1));
        let (tokens, length) = (first.dimensions[1], Dimension::Fixed(rows));
        let first = self.reshape(&first, vec![SEQUENCES, tokens, ONE]);
        let (start, step) = (0, 1);
        let within = self.emit(Operator::Arange { start, step, length }, &[], vec![length]);
        let each = vec![SEQUENCES, tokens, length];
        let each = self.emit(Operator::Binary(Binary::Add), &[&first, &within], each);
        self.reshape(&each, vec![SEQUENCES, tokens.times(length).unwrap_or(length)])
    }

    /// A function of each element and an integer, unless that is the neutral one.
    fn with_integer(&mut self, function: Binary, made: &Made, (integer, neutral): (i64, i64)) -> Made {
        if integer == neutral {
            return made.clone();
        }
        let fill = Operator::Fill {
            dtype: DataType::Int64,
            bits: integer.cast_unsigned(),
            dimensions: Vec::new(),
        };
        let integer = self.emit(fill, &[], Vec::new());
        let dimensions = made.dimensions.clone();
        self.emit(Operator::Binary(function), &[made, &integer], dimensions)
    }

    /// The rows of a table that stand at the positions.
    fn looked_up(
        &mut self,
        output: Value,
        node: &Node,
        axis: usize,
        start: Position,
        step: u32,
        part: Part,
    ) -> Option<Made> {
        let table = self.take(*node.inputs.first()?, Part::New)?;
        let Position::FromStart(start) = start else {
            return None;
        };
        if part == Part::Columns {
            let operator = Operator::Slice {
                axis: axis as u8,
                start: Position::FromStart(start),
                step,
                length: ROOM,
            };
            let dimensions = self.dimensions(output, part);
            return Some(self.emit(operator, &[&table], dimensions));
        }
        let places = self.counted(i64::from(start), i64::from(step), 1, part);
        Some(self.selected(output, &table, &places, axis, part))
    }

    fn index_selected(&mut self, output: Value, node: &Node, axis: usize, part: Part) -> Option<Made> {
        let &[data, indices] = node.inputs.as_slice() else {
            return None;
        };
        let table_is_shared = self.place(data) == Place::Shared;
        let (data_made, places) = (self.take(data, part)?, self.take(indices, part)?);
        if table_is_shared && self.is_apart(indices, part) {
            return Some(self.selected(output, &data_made, &places, axis, part));
        }
        // Constant indices, or nothing with sequences: the axis may have moved.
        let from = self.wide(data, part);
        let moved = axis + usize::from(self.is_apart(data, part));
        let data_made = self.reshape(&data_made, from);
        let operator = Operator::IndexSelect { axis: moved as u8 };
        let wide = self.wide(output, part);
        let made = self.emit(operator, &[&data_made, &places], wide);
        let dimensions = self.dimensions(output, part);
        Some(self.reshape(&made, dimensions))
    }

    /// Slices of a table `[A…, N, Z…]` at places `[B, I…]`, with B before all: `[B, A…, I…, Z…]`.
    fn selected(&mut self, output: Value, table: &Made, places: &Made, axis: usize, part: Part) -> Made {
        let (before, after) = (&table.dimensions[..axis], &table.dimensions[axis + 1..]);
        let found = [before, &places.dimensions, after].concat();
        let rank = found.len();
        let mut made = self.emit(Operator::IndexSelect { axis: axis as u8 }, &[table, places], found);
        if axis > 0 {
            let axes: Vec<usize> = std::iter::once(axis).chain(0..axis).chain(axis + 1..rank).collect();
            let dimensions = axes.iter().map(|from| made.dimensions[*from]).collect();
            let operator = Operator::Permute {
                axes: axes.iter().map(|from| *from as u8).collect(),
            };
            made = self.emit(operator, &[&made], dimensions);
        }
        let dimensions = self.dimensions(output, part);
        self.reshape(&made, dimensions)
    }

    /// Operands that are repeated to the output's dimensions, each as row or as column.
    fn repeated(&mut self, output: Value, node: &Node, part: Part) -> Option<Made> {
        let dimensions = self.dimensions(output, part);
        let mut operands = Vec::new();
        for (position, value) in node.inputs.iter().enumerate() {
            let own_part = match self.roles.takes_column(output, node, position) {
                true => Part::Columns,
                false => part,
            };
            let made = self.take(*value, own_part)?;
            let made = match self.is_apart(*value, own_part) {
                true => self.aligned(&made, dimensions.len()),
                false => self.narrowed(&made, dimensions.len()),
            };
            operands.push(made);
        }
        let operator = match &node.operator {
            Operator::Expand { .. } => Operator::Expand {
                dimensions: dimensions.clone(),
            },
            operator => operator.clone(),
        };
        Some(self.emit(operator, &operands.iter().collect::<Vec<_>>(), dimensions))
    }

    /// With dimensions of 1 after B, so that there are this many.
    fn aligned(&mut self, made: &Made, rank: usize) -> Made {
        let Some((first, others)) = made.dimensions.split_first() else {
            return made.clone();
        };
        let missing = rank.saturating_sub(made.dimensions.len());
        let ones = std::iter::repeat_n(ONE, missing);
        let dimensions = std::iter::once(*first)
            .chain(ones)
            .chain(others.iter().copied())
            .collect();
        self.reshape(made, dimensions)
    }

    /// Without dimensions of 1 in front beyond this many.
    fn narrowed(&mut self, made: &Made, rank: usize) -> Made {
        let surplus = made.dimensions.len().saturating_sub(rank);
        let dimensions = made.dimensions[surplus..].to_vec();
        self.reshape(made, dimensions)
    }

    /// Products of rows with columns, or of a row with its own.
    fn of_columns(&mut self, output: Value, node: &Node, part: Part) -> Option<Made> {
        let first = *node.inputs.first()?;
        let mut operands = Vec::new();
        for (position, value) in node.inputs.iter().enumerate() {
            let own = match self.roles.takes_column(output, node, position) {
                true => Part::Columns,
                false => part,
            };
            let made = self.take(*value, own)?;
            // Outer dimensions are the same in all, so B stands at the same place, unless there are none.
            if self.is_apart(*value, own) != self.is_apart(first, part) {
                return None;
            }
            operands.push(made);
        }
        let same = node
            .inputs
            .iter()
            .all(|value| self.replaces(*value) == self.replaces(output));
        let dimensions = self.dimensions(output, part);
        same.then(|| self.emit(node.operator.clone(), &operands.iter().collect::<Vec<_>>(), dimensions))
    }

    /// Operators that name an axis: with B before all dimensions, unless it stands at the same place in all.
    fn moved(&mut self, output: Value, node: &Node, part: Part) -> Option<Made> {
        let operands = node.inputs.iter().map(|value| self.take(*value, part));
        let operands = operands.collect::<Option<Vec<_>>>()?;
        let apart = self.is_apart(output, part);
        let dimensions = self.dimensions(output, part);
        let replaced = node.inputs.iter().chain([&output]).all(|value| self.replaces(*value));
        let keeps_first = match &node.operator {
            Operator::Permute { axes } => axes.first() == Some(&0),
            Operator::Slice { axis, .. }
            | Operator::Concat { axis }
            | Operator::Pad { axis, .. }
            | Operator::Gather { axis } => *axis > 0,
            _ => false,
        };
        if !apart || replaced && keeps_first {
            return Some(self.emit(node.operator.clone(), &operands.iter().collect::<Vec<_>>(), dimensions));
        }
        let mut wide = Vec::new();
        for (value, made) in node.inputs.iter().zip(&operands) {
            if !self.is_apart(*value, part) {
                return None;
            }
            let dimensions = self.wide(*value, part);
            wide.push(self.reshape(made, dimensions));
        }
        let mut operator = node.operator.clone();
        match &mut operator {
            Operator::Permute { axes } => {
                *axes = std::iter::once(0).chain(axes.iter().map(|axis| axis + 1)).collect();
            }
            Operator::Slice { axis, .. }
            | Operator::Concat { axis }
            | Operator::Pad { axis, .. }
            | Operator::Gather { axis } => *axis += 1,
            _ => return None,
        }
        let given: Vec<Dimension> = self.wide(output, part);
        let made = self.emit(operator, &wide.iter().collect::<Vec<_>>(), given);
        Some(self.reshape(&made, dimensions))
    }
}
