//! Operators on the processor: those of `assay-kernels`.

use crate::{
    engine::{
        operators::{Failure, Operators, each_operator, fit},
        program::Backend,
        weights::Weights,
    },
    tensor::Tensor,
};
use assay_exact::{digest::DataType, graph::Value, quantise::Precision};
use assay_kernels::{
    array::Array,
    buffers::Buffers,
    context::Context,
    elementwise::{Function, Operation},
    instructions::Instructions,
    layout::{Dims, Layout},
    operators::{self, Comparison, Connective, Layer, Normalisation, Reduction, WholeAttention},
    packed::Packed,
    scratch::Scratch,
    threads::Threads,
};
use std::sync::Arc;

/// Threads, their instructions, and a package's weights.
pub(in crate::engine) struct CpuBackend {
    pub weights: Weights<Array, Packed>,
    pub threads: Arc<Threads>,
    pub instructions: Instructions,
}

/// What an execution computes in.
pub(in crate::engine) struct Memory {
    scratch: Scratch,
    pub buffers: Buffers,
}

impl Backend for CpuBackend {
    type Memory = Memory;

    fn memory(&self) -> Memory {
        Memory {
            scratch: Scratch::new(self.instructions, self.threads.count()),
            buffers: Buffers::default(),
        }
    }

    fn operators<'a>(&'a self, memory: &'a mut Memory) -> impl Operators + 'a {
        CpuOperators {
            weights: &self.weights,
            context: Context {
                instructions: self.instructions,
                threads: &self.threads,
                scratch: &memory.scratch,
                buffers: &mut memory.buffers,
            },
        }
    }
}

/// The operators of one execution.
struct CpuOperators<'a> {
    weights: &'a Weights<Array, Packed>,
    context: Context<'a>,
}

macro_rules! implement {
    ($($name:ident($($argument:ident: $type:ty),*);)*) => {
        impl Operators for CpuOperators<'_> {
            type Array = Array;

            const NAME: &'static str = "own kernels";

            fn upload(&mut self, tensor: &Tensor) -> Result<Array, Failure> {
                let buffers = &mut *self.context.buffers;
                fit(Array::from_bytes(buffers, tensor.dtype(), tensor.shape(), tensor.bytes()))
            }

            fn download(&mut self, array: &Array) -> Result<Tensor, Failure> {
                let shape = array.shape().iter().map(|length| *length as u32).collect();
                fit(Tensor::new(array.dtype(), shape, array.to_bytes(self.context.threads)).ok())
            }

            fn weight(&self, index: u16) -> Option<&Array> {
                self.weights.array(index)
            }

            fn give(&mut self, array: Array) {
                self.context.buffers.give(array);
            }

            fn dtype(array: &Array) -> DataType {
                array.dtype()
            }

            fn layout(array: &Array) -> Layout {
                array.layout
            }

            fn through(array: &Array, layout: Layout) -> Array {
                array.through(layout)
            }

            fn layers(
                &mut self,
                weights: &[(Value, Precision)],
                layers: &[Layer],
                operands: &[Array],
                shape: Dims,
            ) -> Result<Array, Failure> {
                let packed = self.weights.packed(weights);
                fit(operators::layers(&mut self.context, &packed, layers, operands, shape))
            }

            $(fn $name(&mut self, $($argument: $type),*) -> Result<Array, Failure> {
                fit(operators::$name(&mut self.context, $($argument),*))
            })*
        }
    };
}

each_operator!(implement);
