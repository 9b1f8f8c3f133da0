//! The table of operators on whole tensors, and the trait that it makes of them; each backend implements the trait.

use crate::{
    layout::{Dims, Layout},
    tensor::{Blake2b256, DataType, Digest, Tensor},
    words::{Form, Layer},
};
use assay_exact::{digest::tensor_tree_root, graph::Value};

/// Why an operator has no result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The operands do not fit each other or the shape, which a checked graph rules out.
    #[error("the operands do not fit, although the graph was checked: this is a bug, please report it")]
    Misfit,
    /// The device failed.
    #[error("{0}")]
    Device(String),
}

/// The value, or a misfit where there is none.
pub fn fit<T>(value: Option<T>) -> Result<T, Failure> {
    value.ok_or(Failure::Misfit)
}

/// Hands the table of operators to a macro that declares or implements them: each operator's name, and what it takes.
///
/// Names are those of `assay_exact::graph::Operator`; a function that computes one has the same name in every backend.
/// `shape` is the shape of the result, `bits` an element's bits.
#[macro_export]
macro_rules! each_operator {
    ($then:ident) => {
        $then! {
            /// Functions of each number, one after the other. The array's memory is used again where nothing else holds
            /// it.
            apply(functions: &[$crate::words::Function], input: &mut Self::Array);
            /// `start + step × index`, as Int64.
            arange(start: i64, step: i64, shape: $crate::layout::Dims);
            /// A whole attention of queries, keys, values and, if there is one, a mask.
            attention(
                attention: &$crate::words::WholeAttention,
                operands: &[Self::Array],
                shape: $crate::layout::Dims
            );
            /// An operation on the bits of two arrays of integers, element by element.
            bitwise(
                operation: $crate::words::Bitwise,
                a: &Self::Array,
                b: &Self::Array,
                shape: $crate::layout::Dims
            );
            /// Integers with every bit the other way round.
            bitwise_not(input: &Self::Array);
            /// The elements as another type.
            cast(input: &Self::Array, dtype: $crate::tensor::DataType);
            /// An operation on two arrays, element by element.
            combine(
                operation: $crate::words::Operation,
                a: &Self::Array,
                b: &Self::Array,
                shape: $crate::layout::Dims
            );
            /// A comparison of two arrays, element by element.
            compare(
                comparison: $crate::words::Comparison,
                a: &Self::Array,
                b: &Self::Array,
                shape: $crate::layout::Dims
            );
            /// Arrays one after the other along an axis.
            concat(inputs: &[Self::Array], axis: usize, shape: $crate::layout::Dims);
            /// An operation on two arrays of truth values, element by element.
            connect(
                connective: $crate::words::Connective,
                a: &Self::Array,
                b: &Self::Array,
                shape: $crate::layout::Dims
            );
            /// The sums of each row up to every element.
            cum_sum(input: &Self::Array);
            /// The same element everywhere.
            fill(dtype: $crate::tensor::DataType, shape: $crate::layout::Dims, bits: u64);
            /// Elements along an axis, at the indices.
            gather(data: &Self::Array, index: &Self::Array, axis: usize);
            /// The same where a condition holds, elements of another array elsewhere: `[condition, data, index,
            /// other]`.
            /// They are written into the other array where nothing else holds its memory.
            gather_where(operands: [&mut Self::Array; 4], axis: usize);
            /// Whole slices along an axis, at the indices.
            index_select(data: &Self::Array, index: &Self::Array, axis: usize, shape: $crate::layout::Dims);
            /// The magnitudes of integers.
            integer_abs(input: &Self::Array);
            /// Integers with the other sign.
            integer_neg(input: &Self::Array);
            /// The other truth values.
            logical_not(input: &Self::Array);
            /// Products of two batches of rows.
            matmul(
                precision: $crate::tensor::Precision,
                operands: &[Self::Array],
                shape: $crate::layout::Dims
            );
            /// Another row of numbers in every row's place.
            normalise(normalisation: $crate::words::Normalisation, operands: &mut [Self::Array]);
            /// More elements before and after those along an axis.
            pad(input: &Self::Array, axis: usize, before: usize, bits: u64, shape: $crate::layout::Dims);
            /// Numbers as good as random, of keys, counters and lanes.
            random(operands: [&Self::Array; 3], shape: $crate::layout::Dims);
            /// One element for each row.
            reduce(reduction: $crate::words::Reduction, input: &Self::Array, shape: $crate::layout::Dims);
            /// The same elements in the same order with other dimensions.
            reshape(input: &Self::Array, shape: $crate::layout::Dims);
            /// The scale that quantising gives each row.
            row_scale(
                precision: $crate::tensor::Precision,
                input: &Self::Array,
                shape: $crate::layout::Dims
            );
            /// Elements of the second array where the first is true, of the third elsewhere.
            select(operands: [&Self::Array; 3], shape: $crate::layout::Dims);
            /// Every `step`-th element along an axis: `[start, step, length]`.
            slice(input: &Self::Array, axis: usize, range: [usize; 3]);
            /// Positions of the largest or smallest elements of each row.
            top_k(largest: bool, input: &Self::Array, shape: $crate::layout::Dims);
            /// Sums of a batch of rows with weights, all quantised.
            weighted_sum(
                precision: $crate::tensor::Precision,
                operands: &[Self::Array],
                shape: $crate::layout::Dims
            );
        }
    };
}

macro_rules! declare {
    ($($(#[$doc:meta])* $name:ident($($argument:ident: $type:ty),*);)*) => {
        /// Operators on whole tensors, with a package's weights, on one device.
        pub trait Operators {
            /// A tensor where the operators find it. A clone shares its elements.
            type Array: Clone;

            /// Name of the backend, for errors.
            const NAME: &'static str;

            /// A tensor of the job, on the device.
            fn upload(&mut self, tensor: &Tensor) -> Result<Self::Array, Failure>;

            /// An array as a tensor.
            fn download(&mut self, array: &Self::Array) -> Result<Tensor, Failure>;

            /// The root of the tree over an array's bytes, in which its digest is.
            fn root(&mut self, array: &Self::Array) -> Result<Digest, Failure> {
                Ok(tensor_tree_root::<Blake2b256>(self.download(array)?.bytes()))
            }

            /// A weight of the package, or any array if nothing takes the weight as it is.
            fn weight(&self, index: u16) -> Option<&Self::Array>;

            /// Takes back the memory of an array that nothing needs any more.
            fn give(&mut self, array: Self::Array);

            /// The type of the elements.
            fn dtype(array: &Self::Array) -> DataType;

            /// Where the elements stand.
            fn layout(array: &Self::Array) -> Layout;

            /// The same elements through a layout within the array's own.
            fn through(array: &Self::Array, layout: Layout) -> Self::Array;

            /// Layers that each row passes by itself, the first of which is linear. `weights` says which values the
            /// weight of each linear one is made of, and how.
            fn layers(
                &mut self,
                weights: &[(Vec<Value>, Form)],
                layers: &[Layer],
                operands: &[Self::Array],
                shape: Dims,
            ) -> Result<Self::Array, Failure>;

            $($(#[$doc])* fn $name(&mut self, $($argument: $type),*) -> Result<Self::Array, Failure>;)*
        }
    };
}

each_operator!(declare);
