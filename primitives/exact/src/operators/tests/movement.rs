//! Operators that move elements.

use super::elementwise::{OTHER, SYMBOL, affine, fixed, integers, layout, numbers, output};
use crate::{
    digest::DataType,
    element::{Element, ElementError, Operands},
    graph::{Dimension, Operator, Position, ShapeError},
    tensor::Tensor,
};
use alloc::{vec, vec::Vec};

const FLOAT: DataType = DataType::Float32;
const INT: DataType = DataType::Int64;

/// The elements 0, 1, 2, ….
fn counted(shape: &[u32]) -> Tensor {
    let count: u32 = shape.iter().product();
    let values: Vec<i64> = (0..i64::from(count)).collect();
    integers(INT, shape, &values)
}

fn int(shape: &[u32], values: &[i64]) -> Tensor {
    integers(INT, shape, values)
}

/// Result of an operator for one Float32 input.
fn alone(operator: &Operator, dimensions: &[Dimension]) -> Result<Vec<Dimension>, ShapeError> {
    layout(operator, &[(FLOAT, dimensions)]).map(|(dtype, dimensions)| {
        assert_eq!(dtype, FLOAT);
        dimensions
    })
}

fn slice(axis: u8, start: Position, step: u32, length: Dimension) -> Operator {
    Operator::Slice {
        axis,
        start,
        step,
        length,
    }
}

fn pad(axis: u8, before: u32, after: u32, bits: u64) -> Operator {
    Operator::Pad {
        axis,
        before,
        after,
        bits,
    }
}

fn unfold(axis: u8, size: u32, step: u32, dilation: u32) -> Operator {
    Operator::Unfold {
        axis,
        size,
        step,
        dilation,
    }
}

#[test]
fn reshape_keeps_the_order() {
    let reshape = |dimensions: &[Dimension]| Operator::Reshape {
        dimensions: dimensions.to_vec(),
    };
    let operator = reshape(&[fixed(3), fixed(2)]);
    assert_eq!(output(&operator, &[&counted(&[2, 3])]), counted(&[3, 2]));
    assert_eq!(alone(&operator, &[fixed(5)]), Err(ShapeError::ElementCount));
    let dynamic = reshape(&[fixed(2), SYMBOL]);
    assert_eq!(alone(&dynamic, &[SYMBOL, fixed(2)]), Ok(vec![fixed(2), SYMBOL]));
    assert_eq!(alone(&dynamic, &[OTHER, fixed(2)]), Err(ShapeError::ElementCount));
    let merged = reshape(&[fixed(3), affine(8, 0)]);
    assert_eq!(
        alone(&merged, &[fixed(6), SYMBOL, fixed(4)]),
        Ok(vec![fixed(3), affine(8, 0)])
    );
    for other in [affine(8, 1), affine(7, 0), OTHER, fixed(8)] {
        let refused = alone(&reshape(&[fixed(3), other]), &[fixed(6), SYMBOL, fixed(4)]);
        assert_eq!(refused, Err(ShapeError::ElementCount), "{other:?}");
    }
    let unknown = alone(&reshape(&[Dimension::Symbol(2)]), &[fixed(1)]);
    assert_eq!(unknown, Err(ShapeError::UnknownSymbol(2)));
    let deep = alone(&reshape(&[fixed(1); 9]), &[fixed(1)]);
    assert_eq!(deep, Err(ShapeError::Dimensions { input: 0 }));
}

#[test]
fn permute_moves_dimensions() {
    let permute = |axes: &[u8]| Operator::Permute { axes: axes.to_vec() };
    let expected = int(&[3, 2], &[0, 3, 1, 4, 2, 5]);
    assert_eq!(output(&permute(&[1, 0]), &[&counted(&[2, 3])]), expected);
    // out[k, i, j] = in[i, j, k]
    let expected = int(&[2, 2, 3], &[0, 2, 4, 6, 8, 10, 1, 3, 5, 7, 9, 11]);
    assert_eq!(output(&permute(&[2, 0, 1]), &[&counted(&[2, 3, 2])]), expected);
    assert_eq!(output(&permute(&[]), &[&counted(&[])]), counted(&[]));
    assert_eq!(alone(&permute(&[1, 0]), &[SYMBOL, OTHER]), Ok(vec![OTHER, SYMBOL]));
    for axes in [&[0][..], &[0, 0], &[0, 2], &[0, 1, 1], &[0, 1, 2]] {
        let refused = alone(&permute(axes), &[SYMBOL, OTHER]);
        assert_eq!(refused, Err(ShapeError::Parameter("permutation")), "{axes:?}");
    }
}

#[test]
fn expand_repeats() {
    let expand = |dimensions: &[Dimension]| Operator::Expand {
        dimensions: dimensions.to_vec(),
    };
    let operator = expand(&[fixed(2), fixed(2), fixed(3)]);
    let expected = int(&[2, 2, 3], &[0, 0, 0, 1, 1, 1, 0, 0, 0, 1, 1, 1]);
    assert_eq!(output(&operator, &[&counted(&[2, 1])]), expected);
    assert_eq!(alone(&expand(&[SYMBOL, OTHER]), &[fixed(1)]), Ok(vec![SYMBOL, OTHER]));
    assert_eq!(alone(&expand(&[SYMBOL, OTHER]), &[OTHER]), Ok(vec![SYMBOL, OTHER]));
    let misfit = ShapeError::Dimensions { input: 0 };
    for (dimensions, input, error) in [
        (&[SYMBOL][..], &[OTHER][..], misfit.clone()),
        (&[fixed(3)], &[fixed(2)], misfit.clone()),
        (&[fixed(1)], &[SYMBOL], misfit.clone()),
        (&[fixed(1)], &[fixed(1), fixed(1)], misfit),
        (&[fixed(0)], &[fixed(1)], ShapeError::Parameter("dimension")),
        (&[fixed(1); 9], &[fixed(1)], ShapeError::Parameter("rank")),
    ] {
        assert_eq!(alone(&expand(dimensions), input), Err(error));
    }
}

#[test]
fn slice_clamps_to_the_last_element() {
    let input = counted(&[2, 5]);
    for (start, step, expected) in [
        (Position::FromStart(1), 2, [1, 3, 4, 6, 8, 9]),
        (Position::FromStart(9), 1, [4, 4, 4, 9, 9, 9]),
        (Position::FromStart(0), u32::MAX, [0, 4, 4, 5, 9, 9]),
        (Position::FromEnd(3), 1, [2, 3, 4, 7, 8, 9]),
        (Position::FromEnd(1), 1, [4, 4, 4, 9, 9, 9]),
        (Position::FromEnd(0), 1, [4, 4, 4, 9, 9, 9]),
        (Position::FromEnd(7), 1, [0, 1, 2, 5, 6, 7]),
    ] {
        let operator = slice(1, start, step, fixed(3));
        assert_eq!(output(&operator, &[&input]), int(&[2, 3], &expected), "{start:?}");
    }
    let rows = slice(0, Position::FromEnd(1), 1, fixed(1));
    assert_eq!(output(&rows, &[&input]), int(&[1, 5], &[5, 6, 7, 8, 9]));

    let start = Position::FromStart(0);
    let dimensions = [fixed(4), SYMBOL];
    let taken = alone(&slice(0, start, 1, OTHER), &dimensions);
    assert_eq!(taken, Ok(vec![OTHER, SYMBOL]));
    for (operator, parameter) in [
        (slice(2, start, 1, fixed(1)), "axis"),
        (slice(255, start, 1, fixed(1)), "axis"),
        (slice(0, start, 0, fixed(1)), "step"),
        (slice(0, start, 1, fixed(0)), "length"),
    ] {
        assert_eq!(alone(&operator, &dimensions), Err(ShapeError::Parameter(parameter)));
    }
}

#[test]
fn concat_puts_one_after_the_other() {
    let (left, right) = (counted(&[2, 1]), int(&[2, 2], &[10, 11, 12, 13]));
    let columns = Operator::Concat { axis: 1 };
    let expected = int(&[2, 4], &[0, 10, 11, 0, 1, 12, 13, 1]);
    assert_eq!(output(&columns, &[&left, &right, &left]), expected);
    let rows = Operator::Concat { axis: 0 };
    let expected = int(&[4, 1], &[0, 1, 0, 1]);
    assert_eq!(output(&rows, &[&left, &left]), expected);

    let (two, row) = ([fixed(2), SYMBOL], [fixed(3), SYMBOL]);
    let sum = layout(&rows, &[(FLOAT, &two), (FLOAT, &row)]);
    assert_eq!(sum, Ok((FLOAT, vec![fixed(5), SYMBOL])));
    let most: Vec<(DataType, &[Dimension])> = vec![(FLOAT, &two); 65];
    assert_eq!(layout(&rows, &most), Err(ShapeError::Arity { actual: 65 }));
    let sum = layout(&rows, &most[..64]);
    assert_eq!(sum, Ok((FLOAT, vec![fixed(128), SYMBOL])));
    for (lengths, sum) in [
        ([SYMBOL, SYMBOL, SYMBOL], affine(3, 0)),
        ([fixed(2), SYMBOL, fixed(3)], affine(1, 5)),
        ([OTHER, fixed(1), fixed(1)], crate::testing::affine(1, 1, 2)),
        ([OTHER, SYMBOL, OTHER], crate::testing::formula(&[(2, &[1]), (1, &[0])])),
    ] {
        let dimensions = lengths.map(|length| [length, OTHER]);
        let inputs = dimensions.each_ref().map(|dimensions| (FLOAT, dimensions.as_slice()));
        assert_eq!(layout(&rows, &inputs), Ok((FLOAT, vec![sum, OTHER])));
    }
    let misfit = |input| ShapeError::Dimensions { input };
    let large = [fixed(u32::MAX), SYMBOL];
    let (other, short) = ([fixed(2), OTHER], [fixed(2)]);
    type Inputs<'a> = Vec<(DataType, &'a [Dimension])>;
    let inputs: [(Inputs, ShapeError); 6] = [
        (vec![], ShapeError::Arity { actual: 0 }),
        (vec![(FLOAT, &two), (INT, &two)], ShapeError::DataType(INT)),
        (vec![(FLOAT, &two), (FLOAT, &other)], misfit(1)),
        (vec![(FLOAT, &two), (FLOAT, &short)], misfit(1)),
        (vec![(FLOAT, &two), (FLOAT, &large)], misfit(1)),
        (vec![(FLOAT, &[])], ShapeError::Parameter("axis")),
    ];
    for (inputs, error) in inputs {
        assert_eq!(layout(&rows, &inputs), Err(error));
    }
}

#[test]
fn pad_puts_a_value_around() {
    let expected = int(&[2, 5], &[-7, 0, 1, -7, -7, -7, 2, 3, -7, -7]);
    assert_eq!(output(&pad(1, 1, 2, -7i64 as u64), &[&counted(&[2, 2])]), expected);
    let expected = numbers(&[2, 1], &[1.5, 0.0]);
    assert_eq!(
        output(&pad(0, 0, 1, 0x8000_0000), &[&numbers(&[1, 1], &[1.5])]),
        expected
    );

    let dimensions = [fixed(2), SYMBOL];
    assert_eq!(alone(&pad(0, 1, 1, 0), &dimensions), Ok(vec![fixed(4), SYMBOL]));
    assert_eq!(alone(&pad(1, 2, 1, 0), &dimensions), Ok(vec![fixed(2), affine(1, 3)]));
    for (operator, error) in [
        (pad(2, 1, 1, 0), ShapeError::Parameter("axis")),
        (pad(0, u32::MAX, 1, 0), ShapeError::Parameter("padding")),
        (pad(0, 1, u32::MAX, 0), ShapeError::Parameter("padding")),
        (pad(1, 1 << 31, 0, 0), ShapeError::Parameter("padding")),
    ] {
        assert_eq!(alone(&operator, &dimensions), Err(error));
    }
}

#[test]
fn gather_looks_up_along_a_dimension() {
    let data = counted(&[2, 3]);
    let indices = int(&[2, 4], &[2, -1, -3, 0, -4, i64::MIN, 3, i64::MAX]);
    let expected = int(&[2, 4], &[2, 2, 0, 0, 3, 3, 5, 5]);
    assert_eq!(output(&Operator::Gather { axis: 1 }, &[&data, &indices]), expected);
    let indices = integers(DataType::Int32, &[1, 3], &[1, 0, -1]);
    let expected = int(&[1, 3], &[3, 1, 5]);
    assert_eq!(output(&Operator::Gather { axis: 0 }, &[&data, &indices]), expected);

    let gather = |axis, index: DataType, indices: &[Dimension]| {
        let data = [SYMBOL, fixed(3)];
        layout(&Operator::Gather { axis }, &[(FLOAT, &data), (index, indices)])
    };
    let misfit = Err(ShapeError::Dimensions { input: 1 });
    assert_eq!(gather(1, INT, &[SYMBOL, OTHER]), Ok((FLOAT, vec![SYMBOL, OTHER])));
    assert_eq!(gather(1, INT, &[OTHER, OTHER]), misfit);
    assert_eq!(gather(1, INT, &[SYMBOL]), misfit);
    assert_eq!(gather(1, INT, &[SYMBOL, fixed(3), fixed(1)]), misfit);
    assert_eq!(gather(2, INT, &[SYMBOL, fixed(3)]), Err(ShapeError::Parameter("axis")));
    let int8 = gather(1, DataType::Int8, &[SYMBOL, fixed(3)]);
    assert_eq!(int8, Err(ShapeError::DataType(DataType::Int8)));
}

#[test]
fn index_select_is_an_embedding() {
    let table = counted(&[3, 2]);
    let indices = int(&[2, 2], &[2, 0, -1, 9]);
    let expected = int(&[2, 2, 2], &[4, 5, 0, 1, 4, 5, 4, 5]);
    assert_eq!(
        output(&Operator::IndexSelect { axis: 0 }, &[&table, &indices]),
        expected
    );
    let columns = integers(DataType::Int32, &[3], &[1, 0, -2]);
    let expected = int(&[3, 3], &[1, 0, 0, 3, 2, 2, 5, 4, 4]);
    assert_eq!(
        output(&Operator::IndexSelect { axis: 1 }, &[&table, &columns]),
        expected
    );
    let one = int(&[], &[1]);
    let expected = int(&[2], &[2, 3]);
    assert_eq!(output(&Operator::IndexSelect { axis: 0 }, &[&table, &one]), expected);

    let select = |axis, index: DataType, indices: &[Dimension]| {
        let data = [fixed(9), fixed(3)];
        layout(&Operator::IndexSelect { axis }, &[(FLOAT, &data), (index, indices)])
    };
    let expected = vec![SYMBOL, OTHER, fixed(3)];
    assert_eq!(select(0, INT, &[SYMBOL, OTHER]), Ok((FLOAT, expected)));
    assert_eq!(select(0, INT, &[fixed(1); 8]), Err(ShapeError::Dimensions { input: 1 }));
    assert_eq!(select(2, INT, &[SYMBOL]), Err(ShapeError::Parameter("axis")));
    assert_eq!(select(0, FLOAT, &[SYMBOL]), Err(ShapeError::DataType(FLOAT)));
    let operator = Operator::IndexSelect { axis: 0 };
    let refused = layout(&operator, &[(FLOAT, &[SYMBOL])]);
    assert_eq!(refused, Err(ShapeError::Arity { actual: 1 }));
}

#[test]
fn unfold_takes_windows() {
    let expected = int(&[3, 3], &[0, 1, 2, 2, 3, 4, 4, 5, 6]);
    assert_eq!(output(&unfold(0, 3, 2, 1), &[&counted(&[8])]), expected);
    let expected = int(&[1, 3], &[0, 2, 4]);
    assert_eq!(output(&unfold(0, 3, 7, 2), &[&counted(&[5])]), expected);
    // The windows take the place of the dimension, and their elements come last.
    let expected = int(&[2, 2, 2], &[0, 2, 1, 3, 2, 4, 3, 5]);
    assert_eq!(output(&unfold(0, 2, 1, 1), &[&counted(&[3, 2])]), expected);

    let dimensions = [SYMBOL, fixed(7)];
    let windows = alone(&unfold(1, 3, 2, 2), &dimensions);
    assert_eq!(windows, Ok(vec![SYMBOL, fixed(2), fixed(3)]));
    let elements = alone(&unfold(0, 1, 1, 9), &dimensions);
    assert_eq!(elements, Ok(vec![SYMBOL, fixed(7), fixed(1)]));
    let misfit = ShapeError::Dimensions { input: 0 };
    for (operator, error) in [
        // Of one element there are none.
        (unfold(0, 2, 1, 1), ShapeError::ComputedDimension(affine(1, -1))),
        (unfold(0, 1, 2, 1), misfit.clone()),
        (unfold(1, 8, 1, 1), misfit.clone()),
        (unfold(1, 2, 1, 7), misfit.clone()),
        (unfold(1, u32::MAX, 1, u32::MAX), misfit.clone()),
        (unfold(1, 0, 1, 1), ShapeError::Parameter("size")),
        (unfold(1, 1, 0, 1), ShapeError::Parameter("step")),
        (unfold(1, 1, 1, 0), ShapeError::Parameter("dilation")),
        (unfold(2, 1, 1, 1), ShapeError::Parameter("axis")),
    ] {
        assert_eq!(alone(&operator, &dimensions), Err(error));
    }
    assert_eq!(alone(&unfold(0, 1, 1, 1), &[fixed(1); 8]), Err(misfit));
}

/// Operands that note what is read.
struct Recording<'a> {
    tensors: &'a [&'a Tensor],
    read: Vec<(usize, u64)>,
}

impl Operands for Recording<'_> {
    fn count(&self) -> usize {
        self.tensors.len()
    }

    fn layout(&self, operand: usize) -> Option<(DataType, &[u32])> {
        let tensor = self.tensors.get(operand)?;
        Some((tensor.dtype(), tensor.shape()))
    }

    fn read(&mut self, operand: usize, index: u64) -> Result<Element, ElementError> {
        self.read.push((operand, index));
        let mut tensors = self.tensors;
        tensors.read(operand, index)
    }
}

#[test]
fn only_what_an_element_depends_on_is_read() {
    let (data, indices) = (counted(&[2, 3]), int(&[2, 3], &[0, 0, 0, 0, 2, 0]));
    let condition = integers(DataType::Bool, &[2, 3], &[1, 1, 1, 1, 0, 1]);
    let reads = |operator: Operator, tensors: &[&Tensor]| {
        let read = Vec::new();
        let mut operands = Recording { tensors, read };
        operator.element(&mut operands, INT, &[2, 3], 4).expect("they fit");
        operands.read
    };
    let gather = Operator::Gather { axis: 1 };
    assert_eq!(reads(gather, &[&data, &indices]), [(1, 4), (0, 5)]);
    assert_eq!(reads(Operator::Where, &[&condition, &data, &indices]), [(0, 4), (2, 4)]);
    assert_eq!(reads(pad(1, 2, 0, 0), &[&int(&[2, 1], &[0, 0])]), []);
}

#[test]
fn what_does_not_fit_is_refused() {
    let start = Position::FromEnd(u32::MAX);
    let operators = [
        Operator::Permute { axes: vec![7, 0] },
        Operator::Permute { axes: vec![0] },
        Operator::Expand { dimensions: vec![] },
        slice(9, start, u32::MAX, fixed(1)),
        Operator::Concat { axis: 0 },
        Operator::Concat { axis: 9 },
        pad(9, u32::MAX, u32::MAX, 0),
        Operator::Gather { axis: 0 },
        Operator::IndexSelect { axis: 0 },
        unfold(0, u32::MAX, u32::MAX, u32::MAX),
        Operator::Where,
    ];
    let (empty, row, table) = (int(&[0, 3], &[]), counted(&[4]), counted(&[2, 2]));
    let operands: [&[&Tensor]; 4] = [&[], &[&empty, &empty], &[&row, &row], &[&table, &row]];
    let shapes: [&[u32]; 5] = [&[], &[0], &[5, 0, 7], &[3, 5], &[u32::MAX; 8]];
    for operator in &operators {
        for mut tensors in operands {
            for shape in shapes {
                for index in [1 << 40, u64::MAX] {
                    let element = operator.element(&mut tensors, INT, shape, index);
                    assert_eq!(element, Err(ElementError::Unfit), "{operator:?} {shape:?}");
                }
            }
        }
    }
}
