//! A list with a greatest length that decoding enforces, for what strangers send to the chain.

use alloc::vec::Vec;
use codec::{Compact, Decode, DecodeWithMemTracking, Encode, Error, Input, MaxEncodedLen};
use scale_info::{Type, TypeInfo};

/// At most `MAX` elements. Encoded as a `Vec`; a longer one is refused before anything of it is read.
#[derive(Clone, Debug, PartialEq, Eq, Encode)]
pub struct Bounded<T, const MAX: u32>(Vec<T>);

impl<T, const MAX: u32> Bounded<T, MAX> {
    /// The list, or `None` if it is too long.
    pub fn new(elements: Vec<T>) -> Option<Self> {
        Self::try_from(elements).ok()
    }

    /// The elements without the bound.
    pub fn into_inner(self) -> Vec<T> {
        self.0
    }
}

impl<T, const MAX: u32> TryFrom<Vec<T>> for Bounded<T, MAX> {
    type Error = Vec<T>;

    /// The list, or its elements back if it is too long.
    fn try_from(elements: Vec<T>) -> Result<Self, Vec<T>> {
        match elements.len() as u64 <= u64::from(MAX) {
            true => Ok(Self(elements)),
            false => Err(elements),
        }
    }
}

impl<T: DecodeWithMemTracking, const MAX: u32> DecodeWithMemTracking for Bounded<T, MAX> {}

impl<T, const MAX: u32> Default for Bounded<T, MAX> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T, const MAX: u32> core::ops::Deref for Bounded<T, MAX> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<'a, T, const MAX: u32> IntoIterator for &'a Bounded<T, MAX> {
    type Item = &'a T;
    type IntoIter = core::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl<T: Decode, const MAX: u32> Decode for Bounded<T, MAX> {
    fn decode<I: Input>(input: &mut I) -> Result<Self, Error> {
        let Compact(length) = Compact::<u32>::decode(input)?;
        if length > MAX {
            return Err("a list is longer than it may be".into());
        }
        codec::decode_vec_with_len(input, length as usize).map(Self)
    }
}

impl<T: MaxEncodedLen, const MAX: u32> MaxEncodedLen for Bounded<T, MAX> {
    fn max_encoded_len() -> usize {
        let elements = T::max_encoded_len().saturating_mul(MAX as usize);
        elements.saturating_add(Compact::<u32>::max_encoded_len())
    }
}

impl<T: TypeInfo + 'static, const MAX: u32> TypeInfo for Bounded<T, MAX> {
    type Identity = <Vec<T> as TypeInfo>::Identity;

    fn type_info() -> Type {
        Vec::<T>::type_info()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn longer_list_is_refused_and_others_come_back() {
        for length in 0..4u8 {
            let list = vec![length; usize::from(length)];
            let decoded = Bounded::<u8, 2>::decode(&mut list.encode().as_slice()).ok();
            assert_eq!(decoded, Bounded::new(list.clone()));
            assert_eq!(decoded.is_some(), length <= 2);
        }
    }

    #[test]
    fn length_without_elements_is_refused() {
        let bytes = Compact(1_000_000u32).encode();
        assert!(Bounded::<[u8; 32], 2_000_000>::decode(&mut bytes.as_slice()).is_err());
    }
}
