//! Tensors of every type in the device's memory.

use crate::{device::DeviceError, memory::Buffer, parameters::Parameters, queue::Queue};
use assay_exact::digest::DataType;
use assay_ops::layout::{Dims, Layout};
use std::sync::Arc;

/// A tensor: elements, and where they stand. A clone shares them. Numbers are canonical; a Bool is a byte, 0 or 1.
#[derive(Clone)]
pub struct Array {
    /// Where the elements stand.
    pub layout: Layout,
    pub(crate) dtype: DataType,
    pub(crate) buffer: Arc<Buffer>,
}

impl Array {
    /// Memory for elements in row-major order, which hold anything.
    pub(crate) fn new(queue: &Queue, dtype: DataType, shape: Dims) -> Result<Self, DeviceError> {
        Ok(Self {
            layout: Layout::contiguous(shape),
            dtype,
            buffer: Arc::new(queue.pool().take(shape.elements() * dtype.size_bytes())?),
        })
    }

    /// Little-endian elements in row-major order, canonical.
    pub fn upload(queue: &Queue, dtype: DataType, shape: &[u32], bytes: &[u8]) -> Result<Self, DeviceError> {
        let mut dims = Dims::default();
        shape.iter().for_each(|length| dims.push(*length as usize));
        let array = Self::new(queue, dtype, dims)?;
        array.buffer.upload(bytes)?;
        Ok(array)
    }

    /// The elements, little-endian and in row-major order.
    pub fn download(&self, queue: &Queue) -> Result<Vec<u8>, DeviceError> {
        let ordered = self.contiguous(queue)?;
        ordered.buffer.download(self.len() * self.dtype.size_bytes())
    }

    /// The type of the elements.
    pub fn dtype(&self) -> DataType {
        self.dtype
    }

    /// Number of elements of each dimension.
    pub fn shape(&self) -> &[usize] {
        &self.layout.shape
    }

    /// Number of elements.
    #[expect(clippy::len_without_is_empty, reason = "no tensor is empty")]
    pub fn len(&self) -> usize {
        self.layout.elements()
    }

    /// The same elements through another layout.
    ///
    /// # Panics
    ///
    /// If the layout leaves the array's memory.
    pub fn through(&self, layout: Layout) -> Self {
        let steps = layout.shape.iter().zip(layout.strides.iter());
        let last = layout.offset + steps.map(|(length, stride)| (length - 1) * stride).sum::<usize>();
        assert!(
            (last + 1) * self.dtype.size_bytes() <= self.buffer.size(),
            "no such elements"
        );
        Self { layout, ..self.clone() }
    }

    /// Whether nobody else holds its elements, and they are all of its memory, in row-major order from the beginning
    /// on.
    pub(crate) fn is_own(&self) -> bool {
        self.layout.offset == 0 && self.layout.is_contiguous() && Arc::strong_count(&self.buffer) == 1
    }

    /// The same elements in row-major order from the beginning of a buffer on, copied if they do not stand so.
    pub(crate) fn contiguous(&self, queue: &Queue) -> Result<Self, DeviceError> {
        if self.layout.offset == 0 && self.layout.is_contiguous() {
            return Ok(self.clone());
        }
        let copy = Self::new(queue, self.dtype, self.layout.shape)?;
        copy.write(queue, &copy.layout, self)?;
        Ok(copy)
    }

    /// Copies another array's elements to some of this one's.
    pub(crate) fn write(&self, queue: &Queue, to: &Layout, from: &Self) -> Result<(), DeviceError> {
        let kernel = match self.dtype.size_bytes() {
            1 => "copy_1",
            4 => "copy_4",
            _ => "copy_8",
        };
        let parameters = Parameters::default()
            .count(from.len())
            .address(&self.buffer)
            .address(&from.buffer)
            .view(to)
            .view(&from.layout);
        queue.for_each(kernel, from.len(), parameters)
    }
}
