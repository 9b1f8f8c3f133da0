//! The device that operators compute on, the route of its products, and the functions compiled for it.

use crate::{
    TorchOptions,
    contraction::Route,
    fault::{Result, there},
    functions::{Compiled, root},
};
use assay_ops::words::Function;
use std::collections::{HashMap, hash_map::Entry};
use tch::{Device, Tensor};

/// Numbers that a thread of the processor works on at a time, so that the results between single operations stay in
/// its cache. libtorch gives no thread fewer.
const NUMBERS_AT_ONCE: usize = 1 << 15;

/// The device, and what is kept for it between executions.
pub struct Machine {
    /// Where and on how many threads libtorch computes.
    pub(crate) options: TorchOptions,
    /// Way in which products of integers are computed.
    pub(crate) route: Route,
    functions: HashMap<&'static str, Compiled>,
}

impl Machine {
    pub(crate) fn new(options: TorchOptions, route: Route) -> Self {
        Self {
            options,
            route,
            functions: HashMap::new(),
        }
    }

    pub(crate) fn device(&self) -> Device {
        self.options.device.to_tch()
    }

    /// One number as a tensor without dimensions, on the device.
    pub(crate) fn number(&self, number: f32) -> Result<Tensor> {
        let number = Tensor::f_from_slice(&[number])?.f_reshape([0i64; 0])?;
        Ok(number.f_to_device(self.device())?)
    }

    /// A function of each number. The numbers may be −0.
    pub(crate) fn apply(&mut self, function: Function, numbers: &Tensor) -> Result<Tensor> {
        Ok(match function {
            Function::Neg => numbers.f_neg()?,
            Function::Abs => numbers.f_abs()?,
            Function::Relu => numbers.f_relu()?,
            Function::Sqrt => root(numbers)?,
            Function::Floor => numbers.f_floor()?,
            Function::Ceil => numbers.f_ceil()?,
            // To even.
            Function::Round => numbers.f_round()?,
            Function::Trunc => numbers.f_trunc()?,
            Function::Rsqrt => self.sequence("rsqrt", numbers)?,
            Function::Exp => self.sequence("exp", numbers)?,
            Function::Log => self.sequence("log", numbers)?,
            Function::Sin => self.sequence("sin", numbers)?,
            Function::Cos => self.sequence("cos", numbers)?,
            Function::Tanh => self.sequence("tanh", numbers)?,
            Function::Sigmoid => self.sequence("sigmoid", numbers)?,
            Function::Erf => self.sequence("erf", numbers)?,
            Function::Silu => self.sequence("silu", numbers)?,
            Function::Gelu => self.sequence("gelu", numbers)?,
            Function::GeluTanh => self.sequence("gelu_tanh", numbers)?,
        })
    }

    /// A function that `assay_exact::functions` defines as a sequence of single operations.
    fn sequence(&mut self, name: &'static str, numbers: &Tensor) -> Result<Tensor> {
        let device = self.device();
        if let Entry::Vacant(entry) = self.functions.entry(name) {
            entry.insert(Compiled::new(name, device)?);
        }
        let shape = numbers.size();
        let flat = numbers.f_contiguous()?.f_reshape([-1, 1])?;
        let function = &self.functions[name];
        let result = self.in_pieces(&flat, |piece| function.apply(&piece.f_add_scalar(0.0)?))?;
        Ok(result.f_reshape(shape)?)
    }

    /// A function of rows `[rows, length]`, each of which it takes for itself: on the processor of a few rows at a
    /// time.
    pub(crate) fn in_pieces(&self, rows: &Tensor, f: impl Fn(&Tensor) -> Result<Tensor>) -> Result<Tensor> {
        let (count, length) = rows.size2()?;
        self.in_parts(count, length, |start, here| f(&rows.f_narrow(0, start, here)?))
    }

    /// Result of a function of a range of rows, for all of `count` rows of `length` numbers.
    pub(crate) fn in_parts(&self, count: i64, length: i64, f: impl Fn(i64, i64) -> Result<Tensor>) -> Result<Tensor> {
        let at_once = (NUMBERS_AT_ONCE * self.options.threads.get()) as i64;
        let step = (at_once / length.max(1)).max(1);
        if self.device() != Device::Cpu || count <= step {
            return f(0, count);
        }
        let mut result: Option<Tensor> = None;
        for start in (0..count).step_by(step as usize) {
            let here = step.min(count - start);
            let part = f(start, here)?;
            let whole = match &result {
                Some(whole) => whole,
                None => {
                    let shape = [&[count], &part.size()[1..]].concat();
                    result.insert(Tensor::f_empty(shape, (part.kind(), part.device()))?)
                }
            };
            whole.f_narrow(0, start, here)?.f_copy_(&part)?;
        }
        there(result)
    }
}
