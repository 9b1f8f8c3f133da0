//! Operators on small tensors: results written by hand, and the two ways to compute them compared.

mod bits;
mod contraction;
mod elementwise;
mod movement;
mod rows;

use crate::{digest::DataType, element::Element, graph::Operator, tensor::Tensor, testing::Random};
use alloc::vec::Vec;

/// A Float32 tensor.
pub(super) fn tensor(shape: &[u32], numbers: &[f32]) -> Tensor {
    let bytes = numbers.iter().flat_map(|x| x.to_le_bytes()).collect();
    Tensor::new(DataType::Float32, shape.to_vec(), bytes)
        .expect("as many numbers as the shape says")
        .canonical()
}

/// An Int64 tensor.
pub(super) fn integers(shape: &[u32], integers: &[i64]) -> Tensor {
    let bytes = integers.iter().flat_map(|x| x.to_le_bytes()).collect();
    Tensor::new(DataType::Int64, shape.to_vec(), bytes).expect("as many integers as the shape says")
}

/// Numbers of plain size, with now and then a zero, an infinity, a NaN or a subnormal number.
pub(super) fn random_tensor(random: &mut Random, shape: &[u32]) -> Tensor {
    let count = shape.iter().product::<u32>();
    let number = |random: &mut Random| match random.next() >> 32 {
        x if x % 97 == 0 => f32::INFINITY,
        x if x % 89 == 0 => f32::NAN,
        x if x % 13 == 0 => -0.0,
        x if x % 17 == 0 => f32::from_bits(x as u32 & 0x807f_ffff),
        x => x as u32 as i32 as f32 / 4e8,
    };
    let numbers: Vec<f32> = (0..count).map(|_| number(random)).collect();
    tensor(shape, &numbers)
}

/// The whole output, after checking that every element by itself is the same.
pub(super) fn apply(operator: &Operator, inputs: &[&Tensor], dtype: DataType, shape: &[u32]) -> Tensor {
    let whole = operator.apply(inputs, dtype, shape.to_vec()).expect("the inputs fit");
    let count = shape.iter().map(|d| u64::from(*d)).product::<u64>();
    for index in 0..count {
        let element = operator
            .element(&mut &*inputs, dtype, shape, index)
            .expect("the inputs fit");
        assert_eq!(Some(element), whole.element(index), "{operator:?}, element {index}");
    }
    whole
}

pub(super) fn values(tensor: &Tensor) -> Vec<f32> {
    tensor.numbers().map(|x| f32::from_bits(x.to_bits())).collect()
}

pub(super) fn whole_numbers(tensor: &Tensor) -> Vec<i64> {
    let count = tensor.shape().iter().map(|d| u64::from(*d)).product::<u64>();
    (0..count)
        .map(|index| match tensor.element(index) {
            Some(Element::Integer(integer)) => integer,
            other => panic!("{other:?} is not an integer"),
        })
        .collect()
}

#[test]
fn operands_that_do_not_fit_are_refused_without_a_panic() {
    let operators = [
        Operator::Softmax,
        Operator::CumSum,
        Operator::MatMul {
            precision: crate::quantise::Precision::Int8,
        },
        Operator::LayerNorm { epsilon: 0 },
        Operator::TopK {
            count: 3,
            largest: true,
        },
    ];
    let nothing = tensor(&[], &[1.0]);
    for operator in operators {
        assert!(
            operator
                .element(&mut &[&nothing][..], DataType::Float32, &[2], 9)
                .is_err(),
            "{operator:?}"
        );
        assert!(
            operator.element(&mut &[][..], DataType::Float32, &[], 0).is_err(),
            "{operator:?}"
        );
    }
}
