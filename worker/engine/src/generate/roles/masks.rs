//! Knowledge of elements whose column comes after their row, from the comparison of positions to the softmax.

use super::{After, Count, Place, Role, Roles, rows_per_token};
use assay_exact::{
    digest::DataType,
    graph::{Binary, Node, Operator, Unary, Value},
};

/// Numbers below this one are small: a product of one with a position does not wrap.
const SMALL: u64 = 1 << 24;

impl Roles<'_> {
    /// Whether every element of a node says where its row stands, and how.
    pub(super) fn counts(&self, node: &Node, output: Value, place: Place, operands: &[Role]) -> Option<Count> {
        let before = operands.first().and_then(|role| role.counts);
        match &node.operator {
            Operator::Arange { start, step, length } => rows_per_token(*length).map(|_| Count {
                start: *start,
                step: *step,
                divisor: 1,
            }),
            Operator::Permute { .. } => before,
            Operator::Reshape { .. } => {
                let from = self.rows_of(*node.inputs.first()?, operands.first()?.place)?;
                before?.with_rows(from, self.rows_of(output, place)?)
            }
            Operator::Binary(Binary::Div) => {
                let [dividend, divisor] = *node.inputs.as_slice() else {
                    return None;
                };
                let repeated = self.dimensions(dividend) != self.dimensions(output);
                let divisor = self.integer(divisor).and_then(|divisor| u32::try_from(divisor).ok())?;
                let index = Count::INDEX;
                (before? == index && !repeated && divisor > 0).then_some(Count { divisor, ..index })
            }
            _ => None,
        }
    }

    /// Number of rows of a value for each token.
    fn rows_of(&self, value: Value, place: Place) -> Option<u32> {
        match place {
            Place::Row(axis) => rows_per_token(*self.dimensions(value).get(axis)?),
            _ => None,
        }
    }

    /// The integer that a value is everywhere.
    fn integer(&self, value: Value) -> Option<i64> {
        match self.checked.graph().nodes.get(value.node()?)?.operator {
            Operator::Fill {
                dtype: DataType::Int64,
                bits,
                ..
            } => Some(bits.cast_signed()),
            _ => None,
        }
    }

    /// Knowledge of the elements after their row.
    pub(super) fn after(&self, node: &Node, role: &Role, operands: &[Role]) -> After {
        let of = |index: usize| operands.get(index).map_or(After::Anything, |role| role.after);
        match &node.operator {
            Operator::Fill {
                dtype: DataType::Float32,
                bits: 0xff80_0000,
                ..
            } => After::Never,
            Operator::Reshape { .. } | Operator::Permute { .. } | Operator::Expand { .. } => of(0),
            Operator::Softmax if of(0) == After::Never => After::Zero,
            Operator::Unary(Unary::Not) => match of(0) {
                After::False => After::True,
                After::True => After::False,
                _ => After::Anything,
            },
            Operator::Where => match (of(0), of(1), of(2)) {
                (After::False, _, After::Never) | (After::True, After::Never, _) => After::Never,
                (_, After::Never, After::Never) => After::Never,
                _ => After::Anything,
            },
            // A sum with −∞ is NaN where a score is NaN or +∞, and such a score of a later token would reach the row.
            Operator::Binary(Binary::And) => match (of(0), of(1)) {
                (After::False, _) | (_, After::False) => After::False,
                (After::True, After::True) => After::True,
                _ => After::Anything,
            },
            Operator::Binary(Binary::Or) => match (of(0), of(1)) {
                (After::True, _) | (_, After::True) => After::True,
                (After::False, After::False) => After::False,
                _ => After::Anything,
            },
            Operator::Binary(function) => self.compared(*function, node, role, operands),
            _ => After::Anything,
        }
    }

    /// Result of a comparison of positions for columns after the row.
    fn compared(&self, function: Binary, node: &Node, role: &Role, operands: &[Role]) -> After {
        let (Place::Both(row, _), [left, right], [a, b]) = (role.place, node.inputs.as_slice(), operands) else {
            return After::Anything;
        };
        let (Some(of_left), Some(of_right)) = (a.counts, b.counts) else {
            return After::Anything;
        };
        let rank = self.dimensions(*left).len().max(self.dimensions(*right).len());
        let is_row = |value: &Value, role: &Role| {
            role.place == Place::Row((row + self.dimensions(*value).len()).wrapping_sub(rank))
        };
        let (left_is_row, right_is_row) = (is_row(left, a), is_row(right, b));
        let (of_row, of_column) = match (left_is_row, right_is_row) {
            (true, false) => (of_left, of_right),
            (false, true) => (of_right, of_left),
            _ => return After::Anything,
        };
        let sides = [(*left, a, of_left), (*right, b, of_right)];
        // Every row of a token has to say the token's position.
        if sides
            .iter()
            .any(|(value, role, count)| self.rows_of(*value, role.place) != Some(count.divisor))
        {
            return After::Anything;
        }
        let (start, step, column_start, column_step) = (of_row.start, of_row.step, of_column.start, of_column.step);
        // With c > r, start + step·r < column_start + step·c; positions are below 2^32, so nothing wraps.
        let small = |number: i64| number.unsigned_abs() < SMALL;
        if step != column_step
            || step < 1
            || start > column_start
            || ![start, column_start, step].into_iter().all(small)
        {
            return After::Anything;
        }
        match (function, left_is_row) {
            (Binary::GreaterOrEqual | Binary::Greater | Binary::Equal, true) => After::False,
            (Binary::LessOrEqual | Binary::Less | Binary::Equal, false) => After::False,
            (Binary::LessOrEqual | Binary::Less | Binary::NotEqual, true) => After::True,
            (Binary::GreaterOrEqual | Binary::Greater | Binary::NotEqual, false) => After::True,
            _ => After::Anything,
        }
    }
}
