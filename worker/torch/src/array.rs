//! Tensors of every type on a device of libtorch.

use crate::fault::{Fault, Result, there};
use assay_exact::digest::DataType;
use assay_ops::{
    layout::{Dims, Layout},
    tensor::Tensor,
};
use tch::{Device, Kind};

/// A tensor: elements, and where they stand. A clone shares them.
///
/// A number may be −0, and a NaN may be any: no operator depends on it, and [`download`](Array::download) gives
/// canonical numbers.
#[derive(Debug)]
pub struct Array {
    /// Where the elements stand.
    pub(crate) layout: Layout,
    dtype: DataType,
    /// One dimension, with the elements next to each other.
    elements: tch::Tensor,
}

impl Clone for Array {
    fn clone(&self) -> Self {
        Self {
            elements: self.elements.shallow_clone(),
            ..*self
        }
    }
}

impl Array {
    /// The elements of a libtorch tensor in its order, with these dimensions.
    pub(crate) fn new(tensor: &tch::Tensor, dtype: DataType, shape: Dims) -> Result<Self> {
        if tensor.numel() != shape.elements() {
            return Err(Fault::Misfit);
        }
        Ok(Self {
            layout: Layout::contiguous(shape),
            dtype,
            elements: tensor.f_contiguous()?.f_reshape([-1])?,
        })
    }

    /// One element, repeated to these dimensions.
    pub(crate) fn filled(element: &tch::Tensor, dtype: DataType, shape: Dims) -> Result<Self> {
        let one = Self::new(element, dtype, Dims::default())?;
        let layout = there(one.layout.repeated(shape))?;
        Ok(one.through(layout))
    }

    /// A tensor of a job or a package, on the device.
    pub(crate) fn upload(tensor: &Tensor, device: Device) -> Result<Self> {
        let mut shape = Dims::default();
        tensor.shape().iter().for_each(|length| shape.push(*length as usize));
        let elements = [shape.elements() as i64];
        let on_device = tch::Tensor::f_from_data_size(tensor.bytes(), &elements, kind(tensor.dtype()))?;
        Self::new(&on_device.f_to_device(device)?, tensor.dtype(), shape)
    }

    /// The elements, canonical and in row-major order.
    pub(crate) fn download(&self) -> Result<Tensor> {
        let mut ordered = self.ordered()?;
        if self.dtype == DataType::Float32 {
            // The sum turns −0 into +0; the NaN is written last, since an addition may change its payload.
            ordered = ordered
                .f_add_scalar(0.0)?
                .f_masked_fill(&ordered.f_isnan()?, f64::NAN)?;
        }
        let mut bytes = vec![0; self.layout.elements() * self.dtype.size_bytes()];
        ordered
            .f_to_device(Device::Cpu)?
            .f_copy_data_u8(&mut bytes, self.layout.elements())?;
        let shape = self.layout.shape.iter().map(|length| *length as u32).collect();
        there(Tensor::new(self.dtype, shape, bytes).ok())
    }

    /// The type of the elements.
    pub(crate) fn dtype(&self) -> DataType {
        self.dtype
    }

    /// Number of elements of each dimension.
    pub(crate) fn shape(&self) -> &[usize] {
        &self.layout.shape
    }

    /// The length of a row, which is the last dimension.
    pub(crate) fn row_length(&self) -> Result<i64> {
        there(self.shape().last().map(|length| *length as i64))
    }

    /// The same elements through another layout.
    pub(crate) fn through(&self, layout: Layout) -> Self {
        Self { layout, ..self.clone() }
    }

    /// The elements as a libtorch tensor that shares them.
    pub(crate) fn view(&self) -> Result<tch::Tensor> {
        let Layout { offset, shape, strides } = self.layout;
        let offset = offset as i64;
        let rest = self
            .elements
            .f_narrow(0, offset, self.elements.numel() as i64 - offset)?;
        Ok(rest.f_as_strided(sizes(&shape), sizes(&strides), None)?)
    }

    /// The same, with dimensions repeated to fit.
    pub(crate) fn repeated(&self, shape: Dims) -> Result<tch::Tensor> {
        self.through(there(self.layout.repeated(shape))?).view()
    }

    /// The elements in row-major order, copied if they do not stand so.
    pub(crate) fn ordered(&self) -> Result<tch::Tensor> {
        Ok(self.view()?.f_contiguous()?)
    }

    /// The rows along the last dimension, one after the other: `[rows, length]`.
    pub(crate) fn rows(&self) -> Result<tch::Tensor> {
        Ok(self.ordered()?.f_reshape([-1, self.row_length()?])?)
    }

    /// The matrices of the last two dimensions, one after the other: `[count, rows, length]`.
    pub(crate) fn matrices(&self) -> Result<tch::Tensor> {
        let [.., rows, length] = *self.shape() else {
            return Err(Fault::Misfit);
        };
        Ok(self.ordered()?.f_reshape([-1, rows as i64, length as i64])?)
    }
}

/// Lengths as libtorch takes them.
pub(crate) fn sizes(lengths: &[usize]) -> Vec<i64> {
    lengths.iter().map(|length| *length as i64).collect()
}

/// The type of libtorch's elements that has the same bytes.
pub(crate) fn kind(dtype: DataType) -> Kind {
    match dtype {
        DataType::Float32 => Kind::Float,
        DataType::Int64 => Kind::Int64,
        DataType::Int32 => Kind::Int,
        DataType::Int8 => Kind::Int8,
        DataType::Uint8 => Kind::Uint8,
        DataType::Bool => Kind::Bool,
    }
}
