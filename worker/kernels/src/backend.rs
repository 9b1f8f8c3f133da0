//! Operators on the processor: those of `assay-kernels`.

use crate::{
    array::Array, buffers::Buffers, context::Context, digest, instructions::Instructions, operators, packed::Packed,
    scratch::Scratch, threads::Threads,
};
use assay_exact::{digest::DataType, graph::Value};
use assay_ops::{
    each_operator,
    operators::{Failure, Operators, fit},
    program::Backend,
    tensor::{Digest, Tensor},
    weights::Weights,
};
use assay_ops::{
    layout::{Dims, Layout},
    words::{Form, Layer},
};
use std::sync::Arc;

/// Threads, their instructions, and a package's weights.
pub struct CpuBackend {
    /// The weights.
    pub weights: Weights<Array, Packed>,
    /// Threads that operators are spread over.
    pub threads: Arc<Threads>,
    /// Vector instructions that are used.
    pub instructions: Instructions,
}

/// Memory that an execution computes in.
pub struct Memory {
    scratch: Scratch,
    /// Memory of arrays that is used again.
    pub buffers: Buffers,
}

impl Backend for CpuBackend {
    type Array = Array;
    type Memory = Memory;

    fn memory(&self) -> Memory {
        Memory {
            scratch: Scratch::new(self.instructions, self.threads.count()),
            buffers: Buffers::default(),
        }
    }

    fn operators<'a>(&'a self, memory: &'a mut Memory) -> impl Operators<Array = Array> + 'a {
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
    ($($(#[$doc:meta])* $name:ident($($argument:ident: $type:ty),*);)*) => {
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

            fn root(&mut self, array: &Array) -> Result<Digest, Failure> {
                Ok(digest::root(self.context.threads, array))
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
                weights: &[(Vec<Value>, Form)],
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
