//! Operators on a GPU: those of `assay-cuda`.

use crate::{
    array::Array,
    operators::{self, Packed},
    queue::Queue,
};
use assay_exact::{digest::DataType, graph::Value};
use assay_ops::{
    each_operator,
    operators::{Failure, Operators, fit},
    program::Backend,
    tensor::Tensor,
    weights::Weights,
};
use assay_ops::{
    layout::{Dims, Layout},
    words::{Form, Layer},
};

/// A GPU, and a package's weights in its memory.
pub struct CudaBackend {
    /// The weights.
    pub weights: Weights<Array, Packed>,
    /// The GPU's queue.
    pub queue: Queue,
}

impl Backend for CudaBackend {
    type Array = Array;
    /// The device's memory is in the queue's pool.
    type Memory = ();

    fn memory(&self) {}

    fn operators<'a>(&'a self, (): &'a mut ()) -> impl Operators<Array = Array> + 'a {
        CudaOperators {
            weights: &self.weights,
            queue: &self.queue,
        }
    }
}

/// The operators of one execution.
struct CudaOperators<'a> {
    weights: &'a Weights<Array, Packed>,
    queue: &'a Queue,
}

impl From<operators::Failure> for Failure {
    fn from(failure: operators::Failure) -> Self {
        match failure {
            operators::Failure::Misfit => Self::Misfit,
            operators::Failure::Device(error) => Self::Device(error.to_string()),
        }
    }
}

/// A tensor in the device's memory.
pub fn upload(queue: &Queue, tensor: &Tensor) -> Result<Array, Failure> {
    let array = Array::upload(queue, tensor.dtype(), tensor.shape(), tensor.bytes());
    array.map_err(|error| Failure::Device(error.to_string()))
}

macro_rules! implement {
    ($($(#[$doc:meta])* $name:ident($($argument:ident: $type:ty),*);)*) => {
        impl Operators for CudaOperators<'_> {
            type Array = Array;

            const NAME: &'static str = "own kernels on a GPU";

            fn upload(&mut self, tensor: &Tensor) -> Result<Array, Failure> {
                upload(self.queue, tensor)
            }

            fn download(&mut self, array: &Array) -> Result<Tensor, Failure> {
                let shape = array.shape().iter().map(|length| *length as u32).collect();
                let bytes = array.download(self.queue);
                let bytes = bytes.map_err(|error| Failure::Device(error.to_string()))?;
                fit(Tensor::new(array.dtype(), shape, bytes).ok())
            }

            fn weight(&self, index: u16) -> Option<&Array> {
                self.weights.array(index)
            }

            /// Its memory goes back to the pool when nothing holds it any more.
            fn give(&mut self, array: Array) {
                drop(array);
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
                Ok(operators::layers(self.queue, &packed, layers, operands, shape)?)
            }

            $(fn $name(&mut self, $($argument: $type),*) -> Result<Array, Failure> {
                Ok(operators::$name(self.queue, $($argument),*)?)
            })*
        }
    };
}

each_operator!(implement);
