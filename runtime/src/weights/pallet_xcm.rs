//! Upper bounds for `pallet_xcm`, which has to be measured in the runtime that uses it and was not yet in ours.

use polkadot_sdk::{frame_support::weights::Weight, pallet_xcm};

/// A call that reads and writes some ten storage entries and may enqueue a message: the most that any of them does.
const CALL: Weight = Weight::from_parts(2_000_000_000, 32 * 1024);
/// Handling a message of any length.
const MESSAGE: Weight = Weight::from_parts(100_000_000, 0);
/// Decoding a message, by its byte.
const DECODED_BYTE: Weight = Weight::from_parts(50_000, 0);
/// Decoding and weighing a message, by its byte: a call in it is decoded and weighed too.
const WEIGHED_BYTE: Weight = Weight::from_parts(200_000, 0);

/// Flat, and on the safe side.
pub struct XcmWeight;

impl pallet_xcm::WeightInfo for XcmWeight {
    fn send() -> Weight {
        CALL
    }

    fn teleport_assets() -> Weight {
        CALL
    }

    fn reserve_transfer_assets() -> Weight {
        CALL
    }

    fn transfer_assets() -> Weight {
        CALL
    }

    fn execute() -> Weight {
        CALL
    }

    fn force_xcm_version() -> Weight {
        CALL
    }

    fn force_default_xcm_version() -> Weight {
        CALL
    }

    fn force_subscribe_version_notify() -> Weight {
        CALL
    }

    fn force_unsubscribe_version_notify() -> Weight {
        CALL
    }

    fn force_suspension() -> Weight {
        CALL
    }

    fn migrate_supported_version() -> Weight {
        CALL
    }

    fn migrate_version_notifiers() -> Weight {
        CALL
    }

    fn already_notified_target() -> Weight {
        CALL
    }

    fn notify_current_targets() -> Weight {
        CALL
    }

    fn notify_target_migration_fail() -> Weight {
        CALL
    }

    fn migrate_version_notify_targets() -> Weight {
        CALL
    }

    fn migrate_and_notify_old_targets() -> Weight {
        CALL
    }

    fn new_query() -> Weight {
        CALL
    }

    fn take_response() -> Weight {
        CALL
    }

    fn claim_assets(assets: u32) -> Weight {
        CALL.saturating_mul(u64::from(assets).saturating_add(1))
    }

    fn add_authorized_alias() -> Weight {
        CALL
    }

    fn remove_authorized_alias() -> Weight {
        CALL
    }

    fn weigh_message(bytes: u32) -> Weight {
        MESSAGE.saturating_add(WEIGHED_BYTE.saturating_mul(bytes.into()))
    }

    fn decode_xcm(bytes: u32) -> Weight {
        MESSAGE.saturating_add(DECODED_BYTE.saturating_mul(bytes.into()))
    }
}
