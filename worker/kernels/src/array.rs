//! Tensors of every type, in shared memory: what operators compute with.

use crate::{
    buffers::{Buffer, Buffers, Pool},
    context::Context,
    threads::Threads,
    vector::canonical,
    view::View,
};
use assay_exact::digest::DataType;
use assay_ops::layout::{Dims, Layout};
use std::{fmt::Debug, sync::Arc};

/// Elements that are written as bytes at a time.
const WRITTEN_AT_ONCE: usize = 64;

/// A tensor: elements, and where they stand. A clone shares them.
#[derive(Clone, Debug)]
pub struct Array {
    /// Where the elements stand.
    pub layout: Layout,
    /// The elements, and others.
    pub data: Data,
}

/// Elements of one type.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "they are the types")]
pub enum Data {
    Float32(Arc<Buffer<f32>>),
    Int64(Arc<Buffer<i64>>),
    Int32(Arc<Buffer<i32>>),
    Int8(Arc<Buffer<i8>>),
    Uint8(Arc<Buffer<u8>>),
    Bool(Arc<Buffer<bool>>),
}

/// A type of elements, as Rust has it.
pub(crate) trait Element: Copy + Debug + Default + PartialEq + PartialOrd + Send + Sync + 'static {
    /// The element that an operator's parameter stands for.
    fn from_bits(bits: u64) -> Self;

    /// A tensor's elements, if they are of this type.
    fn buffer(data: &Data) -> Option<&Arc<Buffer<Self>>>;
    fn buffer_mut(data: &mut Data) -> Option<&mut Arc<Buffer<Self>>>;
    fn into_buffer(data: Data) -> Option<Arc<Buffer<Self>>>;
    fn data(buffer: Arc<Buffer<Self>>) -> Data;

    /// The buffers of this type.
    fn pool(buffers: &mut Buffers) -> &mut Pool<Self>;

    /// Reads and appends little-endian bytes.
    fn read(bytes: &[u8], to: &mut [Self]);
    fn write(elements: &[Self], to: &mut Vec<u8>);

    /// Writes little-endian bytes to a place that has room for them.
    fn put(elements: &[Self], to: &mut [u8]);
}

macro_rules! element {
    ($($type:ty, $variant:ident, $pool:ident, |$bits:ident| $from_bits:expr, |$word:ident| $read:expr, |$x:ident| $write:expr;)*) => {
        $(impl Element for $type {
            fn from_bits($bits: u64) -> Self {
                $from_bits
            }

            fn buffer(data: &Data) -> Option<&Arc<Buffer<Self>>> {
                match data {
                    Data::$variant(buffer) => Some(buffer),
                    _ => None,
                }
            }

            fn buffer_mut(data: &mut Data) -> Option<&mut Arc<Buffer<Self>>> {
                match data {
                    Data::$variant(buffer) => Some(buffer),
                    _ => None,
                }
            }

            fn into_buffer(data: Data) -> Option<Arc<Buffer<Self>>> {
                match data {
                    Data::$variant(buffer) => Some(buffer),
                    _ => None,
                }
            }

            fn data(buffer: Arc<Buffer<Self>>) -> Data {
                Data::$variant(buffer)
            }

            fn pool(buffers: &mut Buffers) -> &mut Pool<Self> {
                &mut buffers.$pool
            }

            fn read(bytes: &[u8], to: &mut [Self]) {
                for (to, $word) in to.iter_mut().zip(bytes.as_chunks::<{ size_of::<Self>() }>().0) {
                    *to = $read;
                }
            }

            fn write(elements: &[Self], to: &mut Vec<u8>) {
                let mut block = [[0; size_of::<Self>()]; WRITTEN_AT_ONCE];
                for elements in elements.chunks(WRITTEN_AT_ONCE) {
                    for (to, $x) in block.iter_mut().zip(elements) {
                        *to = $write;
                    }
                    to.extend_from_slice(block[..elements.len()].as_flattened());
                }
            }

            fn put(elements: &[Self], to: &mut [u8]) {
                let (places, _) = to.as_chunks_mut::<{ size_of::<Self>() }>();
                for (to, $x) in places.iter_mut().zip(elements) {
                    *to = $write;
                }
            }
        })*
    };
}

element! {
    f32, Float32, float32, |bits| canonical(Self::from_bits(bits as u32)), |word| Self::from_le_bytes(*word), |x| x.to_le_bytes();
    i64, Int64, int64, |bits| bits.cast_signed(), |word| Self::from_le_bytes(*word), |x| x.to_le_bytes();
    i32, Int32, int32, |bits| bits as Self, |word| Self::from_le_bytes(*word), |x| x.to_le_bytes();
    i8, Int8, int8, |bits| bits as Self, |word| Self::from_le_bytes(*word), |x| x.to_le_bytes();
    u8, Uint8, uint8, |bits| bits as Self, |word| word[0], |x| [*x];
    bool, Bool, bool, |bits| bits != 0, |word| word[0] != 0, |x| [u8::from(*x)];
}

/// Evaluates an expression with the type of elements that a [`DataType`] names.
macro_rules! with_type {
    ($dtype:expr, $type:ident => $value:expr) => {
        match $dtype {
            assay_exact::digest::DataType::Float32 => {
                type $type = f32;
                $value
            }
            assay_exact::digest::DataType::Int64 => {
                type $type = i64;
                $value
            }
            assay_exact::digest::DataType::Int32 => {
                type $type = i32;
                $value
            }
            assay_exact::digest::DataType::Int8 => {
                type $type = i8;
                $value
            }
            assay_exact::digest::DataType::Uint8 => {
                type $type = u8;
                $value
            }
            assay_exact::digest::DataType::Bool => {
                type $type = bool;
                $value
            }
        }
    };
}
pub(crate) use with_type;

impl Data {
    /// The type of the elements.
    pub fn dtype(&self) -> DataType {
        match self {
            Self::Float32(_) => DataType::Float32,
            Self::Int64(_) => DataType::Int64,
            Self::Int32(_) => DataType::Int32,
            Self::Int8(_) => DataType::Int8,
            Self::Uint8(_) => DataType::Uint8,
            Self::Bool(_) => DataType::Bool,
        }
    }
}

impl Array {
    /// Elements in row-major order.
    pub(crate) fn new<T: Element>(shape: Dims, buffer: Buffer<T>) -> Self {
        Self {
            layout: Layout::contiguous(shape),
            data: T::data(Arc::new(buffer)),
        }
    }

    /// Numbers in row-major order.
    pub fn of_numbers(shape: Dims, buffer: Buffer<f32>) -> Self {
        Self::new(shape, buffer)
    }

    /// One element everywhere, as an operator's parameter gives it.
    pub fn filled(dtype: DataType, shape: Dims, bits: u64) -> Self {
        let data = with_type!(dtype, T => T::data(Arc::new([<T as Element>::from_bits(bits)].as_slice().into())));
        let mut layout = Layout::contiguous(Dims::default());
        layout.shape = shape;
        layout.strides = Dims::new(&[0; assay_ops::layout::MAX_RANK][..shape.len()]);
        Self { layout, data }
    }

    /// Little-endian elements in row-major order; nothing if they are not as many as the shape says.
    pub fn from_bytes(buffers: &mut Buffers, dtype: DataType, shape: &[u32], bytes: &[u8]) -> Option<Self> {
        let mut dims = Dims::default();
        shape.iter().for_each(|length| dims.push(*length as usize));
        with_type!(dtype, T => {
            let mut buffer = buffers.take::<T>(dims.elements());
            if buffer.len() * size_of::<T>() != bytes.len() {
                return None;
            }
            T::read(bytes, &mut buffer);
            Some(Self::new(dims, buffer))
        })
    }

    /// The elements, little-endian and in row-major order.
    pub fn to_bytes(&self, threads: &Threads) -> Vec<u8> {
        with_type!(self.dtype(), T => {
            let mut bytes = Vec::with_capacity(self.len() * size_of::<T>());
            if let Some(view) = self.view::<T>() {
                match view.slice() {
                    Some(elements) => T::write(elements, &mut bytes),
                    None => {
                        let mut ordered = vec![T::default(); self.len()];
                        view.copy(threads, &mut ordered);
                        T::write(&ordered, &mut bytes);
                    }
                }
            }
            bytes
        })
    }

    /// The type of the elements.
    pub fn dtype(&self) -> DataType {
        self.data.dtype()
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
    pub fn through(&self, layout: Layout) -> Self {
        Self {
            layout,
            data: self.data.clone(),
        }
    }

    /// Its elements, as kernels see them; nothing if they are of another type.
    pub(crate) fn view<T: Element>(&self) -> Option<View<'_, T>> {
        T::buffer(&self.data).map(|buffer| View::new(buffer, self.layout))
    }

    /// Its numbers, as kernels see them; nothing if it has none.
    pub fn numbers(&self) -> Option<View<'_, f32>> {
        self.view()
    }

    /// Its truth values; nothing if it has none.
    pub fn flags(&self) -> Option<View<'_, bool>> {
        self.view()
    }

    /// Its numbers in row-major order, if it has some and they stand so.
    pub fn slice(&self) -> Option<&[f32]> {
        self.numbers()?.slice()
    }

    /// Its elements in row-major order, if they are of this type and stand so.
    pub(crate) fn slice_of<T: Element>(&self) -> Option<&[T]> {
        self.view()?.slice()
    }

    /// The same elements in row-major order, copied if they do not stand so.
    pub fn contiguous(&self, context: &mut Context<'_>) -> Self {
        if self.layout.is_contiguous() {
            return self.clone();
        }
        with_type!(self.dtype(), T => {
            let mut ordered = context.buffers.take::<T>(self.len());
            if let Some(view) = self.view::<T>() {
                view.copy(context.threads, &mut ordered);
            }
            Self::new(self.layout.shape, ordered)
        })
    }

    /// Its own elements, which leaves it empty; nothing if they are of another type, do not stand in row-major order,
    /// or if somebody else holds them or others beside them.
    pub(crate) fn take_own<T: Element>(&mut self) -> Option<Buffer<T>> {
        let length = self.len();
        if self.layout.offset != 0 || !self.layout.is_contiguous() {
            return None;
        }
        let own = Arc::get_mut(T::buffer_mut(&mut self.data)?)?;
        (own.len() == length).then(|| std::mem::take(own))
    }

    /// Numbers in row-major order that may be changed: its own where nobody else holds them, which leaves it empty;
    /// nothing if it has none.
    pub fn take_numbers(&mut self, context: &mut Context<'_>) -> Option<Buffer<f32>> {
        if let Some(numbers) = self.take_own() {
            return Some(numbers);
        }
        let mut copy = context.buffers.numbers(self.len());
        self.numbers()?.copy(context.threads, &mut copy);
        Some(copy)
    }
}
