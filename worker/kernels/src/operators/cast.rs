//! Elements as elements of another type.
//!
//! A number to an integer is truncated, beyond the type's ends it is the end, and NaN is 0; an integer to a number is
//! rounded once, and to a narrower integer it wraps. To Bool it is whether it is not 0, and NaN is not.

use crate::{
    array::{Array, Element, with_type},
    context::Context,
    view::ELEMENTS_AT_ONCE,
};
use assay_exact::digest::DataType;

/// An element of one type as one of another.
trait As<T> {
    fn cast(self) -> T;
}

macro_rules! as_numeric {
    ($($from:ty => $($to:ty)*;)*) => {
        $($(impl As<$to> for $from {
            #[inline(always)]
            fn cast(self) -> $to {
                self as $to
            }
        })*)*
    };
}

macro_rules! to_and_from_bool {
    ($($type:ty, $zero:literal;)*) => {
        $(impl As<bool> for $type {
            #[inline(always)]
            fn cast(self) -> bool {
                self != $zero
            }
        }

        impl As<$type> for bool {
            #[inline(always)]
            fn cast(self) -> $type {
                u8::from(self) as $type
            }
        })*
    };
}

as_numeric! {
    f32 => f32 i64 i32 i8 u8;
    i64 => f32 i64 i32 i8 u8;
    i32 => f32 i64 i32 i8 u8;
    i8 => f32 i64 i32 i8 u8;
    u8 => f32 i64 i32 i8 u8;
}

to_and_from_bool! {
    f32, 0.0;
    i64, 0;
    i32, 0;
    i8, 0;
    u8, 0;
}

impl As<bool> for bool {
    fn cast(self) -> bool {
        self
    }
}

/// The elements as elements of this type.
pub fn cast(context: &mut Context<'_>, input: &Array, dtype: DataType) -> Option<Array> {
    if input.dtype() == dtype {
        return Some(input.clone());
    }
    let ordered = input.contiguous(context);
    let result = with_type!(ordered.dtype(), From => with_type!(dtype, To => {
        let mut output = context.buffers.take::<To>(ordered.len());
        let parts = output.chunks_mut(ELEMENTS_AT_ONCE).zip(ordered.slice_of::<From>()?.chunks(ELEMENTS_AT_ONCE));
        context.threads.share(parts, |_, (to, from)| convert(from, to));
        Array::new(ordered.layout.shape, output)
    }));
    context.buffers.give(ordered);
    Some(result)
}

fn convert<From: Element + As<To>, To>(from: &[From], to: &mut [To]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = from.cast();
    }
}
