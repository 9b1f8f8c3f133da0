//! Deposit of an owner for keeping a model in state.

use core::marker::PhantomData;
use polkadot_sdk::{
    frame_support::traits::{Footprint, Get},
    sp_runtime::traits::{Convert, Saturating},
};

/// Deposit for a model: `versions · PerVersion + bytes · PerByte`.
///
/// The SDK's `LinearStoragePrice` takes the footprint's size as that of one item; here it is that of all versions.
pub struct VersionDeposit<PerVersion, PerByte, Balance>(PhantomData<(PerVersion, PerByte, Balance)>);

impl<PerVersion, PerByte, Balance> Convert<Footprint, Balance> for VersionDeposit<PerVersion, PerByte, Balance>
where
    PerVersion: Get<Balance>,
    PerByte: Get<Balance>,
    Balance: From<u64> + Saturating,
{
    fn convert(footprint: Footprint) -> Balance {
        deposit(footprint, PerVersion::get(), PerByte::get())
    }
}

/// Deposit for a footprint. It saturates: a deposit too large for the type is one that nobody can pay.
pub fn deposit<Balance: From<u64> + Saturating>(
    footprint: Footprint,
    per_version: Balance,
    per_byte: Balance,
) -> Balance {
    let versions = Balance::from(footprint.count).saturating_mul(per_version);
    let bytes = Balance::from(footprint.size).saturating_mul(per_byte);
    versions.saturating_add(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn footprint() -> impl Strategy<Value = Footprint> {
        (1..=64u64, 0..=400_000u64).prop_map(|(count, size)| Footprint { count, size })
    }

    proptest! {
        #[test]
        fn a_deposit_grows_with_versions_and_bytes(
            small in footprint(), versions in 0..=64u64, bytes in 0..=10_000u64,
            per_version in 0..=1u128 << 80, per_byte in 0..=1u128 << 80,
        ) {
            let large = Footprint { count: small.count + versions, size: small.size + bytes };
            let added = deposit(large, per_version, per_byte) - deposit(small, per_version, per_byte);
            prop_assert_eq!(added, u128::from(versions) * per_version + u128::from(bytes) * per_byte);
        }

        #[test]
        fn a_deposit_never_wraps(footprint in footprint(), per_version in any::<u64>(), per_byte in any::<u64>()) {
            let exact = u128::from(footprint.count) * u128::from(per_version)
                + u128::from(footprint.size) * u128::from(per_byte);
            let expected = u64::try_from(exact).unwrap_or(u64::MAX);
            prop_assert_eq!(deposit(footprint, per_version, per_byte), expected);
        }
    }
}
