//! Operators on small tensors of every type that they take, with their edges.

mod contraction;
mod elementwise;
mod movement;
mod rows;

use crate::{
    family::{Family, Numbered},
    render,
};
use assay_exact::{
    binary32::Binary32,
    digest::DataType,
    element::Element,
    graph::{Operator, Unary},
    tensor::Tensor,
};

/// The functions of one number.
pub const UNARY: [Unary; 18] = [
    Unary::Neg,
    Unary::Abs,
    Unary::Sqrt,
    Unary::Rsqrt,
    Unary::Exp,
    Unary::Log,
    Unary::Tanh,
    Unary::Sigmoid,
    Unary::Erf,
    Unary::Sin,
    Unary::Cos,
    Unary::Silu,
    Unary::Gelu,
    Unary::GeluTanh,
    Unary::Floor,
    Unary::Ceil,
    Unary::Round,
    Unary::Trunc,
];

const ONE: u32 = 0x3f80_0000;
const SIGN: u32 = 1 << 31;
const NAN: u32 = 0x7fc0_0000;
const INFINITY: u32 = 0x7f80_0000;

/// The types of integers.
const INTEGERS: [DataType; 4] = [DataType::Int64, DataType::Int32, DataType::Int8, DataType::Uint8];

/// The families, a file each.
pub fn families() -> Vec<Family> {
    vec![
        family("operators_contraction", contraction::add),
        family("operators_elementwise", elementwise::add),
        family("operators_movement", movement::add),
        family("operators_rows", rows::add),
    ]
}

fn family(name: &'static str, add: fn(&mut Cases)) -> Family {
    let mut cases = Cases {
        family: Family::new(name),
        names: Numbered::default(),
    };
    add(&mut cases);
    cases.family
}

/// The cases of one file.
struct Cases {
    family: Family,
    names: Numbered,
}

impl Cases {
    /// Adds what an operator gives for these operands.
    fn add(&mut self, operator: Operator, inputs: Vec<Tensor>) {
        let output = output(&operator, &inputs);
        let fields = vec![
            ("operator", render::operator(&operator)),
            ("inputs", render::tensors(&inputs)),
            ("output", render::tensor(&output)),
        ];
        let name = self.names.name(operator.name());
        self.family.case("operator", name, fields);
    }
}

/// The output as a whole tensor, which element by element is the same.
fn output(operator: &Operator, inputs: &[Tensor]) -> Tensor {
    let inputs: Vec<Tensor> = inputs.iter().cloned().map(Tensor::canonical).collect();
    let inputs: Vec<&Tensor> = inputs.iter().collect();
    let layouts: Vec<_> = inputs.iter().map(|input| (input.dtype(), input.shape())).collect();
    let (dtype, shape) = operator.output_layout(&layouts).expect("the operands fit");
    let output = operator
        .apply(&inputs, dtype, shape)
        .expect("the operands fit")
        .canonical();
    for index in 0..(output.bytes().len() / dtype.size_bytes()) as u64 {
        let element = operator.element(&mut inputs.as_slice(), dtype, output.shape(), index);
        assert_eq!(element.ok(), output.element(index), "{operator:?}, element {index}");
    }
    output
}

/// A tensor of numbers with these bits.
fn numbers(shape: &[u32], bits: &[u32]) -> Tensor {
    let bytes = bits.iter().flat_map(|bits| bits.to_le_bytes()).collect();
    Tensor::new(DataType::Float32, shape.to_vec(), bytes).expect("as many as the shape says")
}

/// A tensor of small whole numbers.
fn whole(shape: &[u32], values: &[i64]) -> Tensor {
    let bits: Vec<u32> = values
        .iter()
        .map(|value| Binary32::from_i64(*value).to_bits())
        .collect();
    numbers(shape, &bits)
}

/// A tensor of integers, wrapped to the type.
fn integers(dtype: DataType, shape: &[u32], values: &[i64]) -> Tensor {
    let elements = values.iter().map(|value| Element::wrapped(dtype, *value));
    Tensor::from_elements(dtype, shape.to_vec(), elements).expect("as many as the shape says")
}

/// Truths, of which those that are true need not be 1.
fn truths(shape: &[u32], bytes: &[u8]) -> Tensor {
    Tensor::new(DataType::Bool, shape.to_vec(), bytes.to_vec()).expect("as many as the shape says")
}

/// A vector of the edges of a type.
fn edges(dtype: DataType) -> Tensor {
    let (most, least) = match dtype {
        DataType::Float32 => {
            let edges = [
                0,
                1,
                0x007f_ffff,
                0x0080_0000,
                0x3f00_0000,
                0x3fc0_0000,
                0x4020_0000,
                0x4b80_0001,
                0x7f7f_ffff,
                INFINITY,
                NAN,
                0x4e80_0000,
            ];
            let edges: Vec<u32> = edges.into_iter().flat_map(|bits| [bits, bits | SIGN]).collect();
            return numbers(&[edges.len() as u32], &edges);
        }
        DataType::Bool => return truths(&[4], &[0, 1, 2, 255]),
        DataType::Int64 => (i64::MAX, i64::MIN),
        DataType::Int32 => (i32::MAX.into(), i32::MIN.into()),
        DataType::Int8 => (i8::MAX.into(), i8::MIN.into()),
        DataType::Uint8 => (u8::MAX.into(), 0),
    };
    let edges = [0, 1, -1, 2, -2, 3, 7, -7, 100, most, most - 1, least, least + 1];
    integers(dtype, &[edges.len() as u32], &edges)
}

/// The same elements with other dimensions.
fn shaped(tensor: &Tensor, shape: &[u32]) -> Tensor {
    Tensor::new(tensor.dtype(), shape.to_vec(), tensor.bytes().to_vec()).expect("as many as the shape says")
}
