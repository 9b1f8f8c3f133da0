//! The table of operators on libtorch tensors.

use crate::{TorchOptions, array::Array, contraction::Route, machine::Machine, operators, quantise::QuantisedRows};
use assay_exact::{digest::DataType, graph::Value};
use assay_ops::{
    each_operator,
    layout::{Dims, Layout},
    operators::{Failure, Operators},
    program::Backend,
    tensor::Tensor,
    weights::Weights,
    words::{Form, Layer},
};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// libtorch on a device, with a package's weights there.
pub struct TorchBackend {
    pub(crate) options: TorchOptions,
    pub(crate) route: Route,
    /// Tensors of libtorch may be sent to another thread, and not be shared by several.
    pub(crate) weights: Mutex<Weights<Array, QuantisedRows>>,
}

impl Backend for TorchBackend {
    type Array = Array;
    type Memory = Machine;

    fn memory(&self) -> Machine {
        Machine::new(self.options, self.route)
    }

    fn operators<'a>(&'a self, memory: &'a mut Machine) -> impl Operators<Array = Array> + 'a {
        self.options.set_threads();
        TorchOperators {
            // Weights are only read, so a panic in another execution leaves them whole.
            weights: self.weights.lock().unwrap_or_else(PoisonError::into_inner),
            machine: memory,
            _no_gradients: tch::no_grad_guard(),
        }
    }
}

/// The operators of one execution.
struct TorchOperators<'a> {
    weights: MutexGuard<'a, Weights<Array, QuantisedRows>>,
    machine: &'a mut Machine,
    _no_gradients: tch::NoGradGuard,
}

macro_rules! implement {
    ($($(#[$doc:meta])* $name:ident($($argument:ident: $type:ty),*);)*) => {
        impl Operators for TorchOperators<'_> {
            type Array = Array;

            const NAME: &'static str = "libtorch";

            fn upload(&mut self, tensor: &Tensor) -> Result<Array, Failure> {
                Ok(Array::upload(tensor, self.machine.device())?)
            }

            fn download(&mut self, array: &Array) -> Result<Tensor, Failure> {
                Ok(array.download()?)
            }

            fn weight(&self, index: u16) -> Option<&Array> {
                self.weights.array(index)
            }

            /// Its memory goes back to libtorch when nothing holds it any more.
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
                Ok(operators::layers(self.machine, &packed, layers, operands, shape)?)
            }

            $(fn $name(&mut self, $($argument: $type),*) -> Result<Array, Failure> {
                Ok(operators::$name(self.machine, $($argument),*)?)
            })*
        }
    };
}

each_operator!(implement);
