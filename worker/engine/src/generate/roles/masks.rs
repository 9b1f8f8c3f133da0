//! What is known of elements whose column comes after their row, from the comparison of positions to the softmax.

use super::{After, Place, Role, Roles};
use assay_exact::{
    digest::DataType,
    graph::{Binary, Node, Operator, Unary, Value},
};

impl Roles<'_> {
    /// What is known of the elements after their row.
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
            // The other number is finite, or the model gives none that mean anything.
            Operator::Binary(Binary::Add) if of(0) == After::Never || of(1) == After::Never => After::Never,
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

    /// What a comparison of positions says of columns after the row.
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
        let ((start, step), (column_start, column_step)) = match (left_is_row, right_is_row) {
            (true, false) => (of_left, of_right),
            (false, true) => (of_right, of_left),
            _ => return After::Anything,
        };
        // With c > r, start + step·r < column_start + step·c; positions are below 2^32, so nothing wraps.
        let small = |number: i64| number.unsigned_abs() < 1 << 24;
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
