//! Calls that governance may pause, and calls that a halted chain takes.
//!
//! Time goes on while calls are paused, and so do deadlines, windows and clocks. So nobody may pause a call by which
//! somebody loses money by not making it, or gets out: what may be paused is only what begins something new. What has
//! begun goes on to its end.

use crate::{Runtime, RuntimeCall, Time};
use polkadot_sdk::{frame_support::traits::Contains, pallet_tx_pause::RuntimeCallNameOf};

/// The calls that may be paused, by pallet and name: each begins something.
pub const BEGINNINGS: &[(&str, &str)] = &[
    ("Models", "register"),
    ("Models", "publish_version"),
    ("Workers", "register"),
    ("Workers", "publish_offer"),
    ("Workers", "resume"),
    ("Market", "submit"),
    ("Market", "submit_batch"),
    ("Market", "commit_bid"),
    ("Sessions", "publish_offer"),
    ("Sessions", "open"),
    ("Sessions", "top_up"),
    ("CollatorSelection", "register_as_candidate"),
    ("PolkadotXcm", "send"),
    ("PolkadotXcm", "reserve_transfer_assets"),
    ("PolkadotXcm", "limited_reserve_transfer_assets"),
    ("PolkadotXcm", "transfer_assets"),
    ("PolkadotXcm", "transfer_assets_using_type_and_then"),
];

/// All other calls, which nobody can pause: among them each by whose omission somebody loses money, whatever carries it
/// there (a proxy, a batch, a multisignature), and transfers, by which fees are provided for.
pub struct CannotBePaused;

impl Contains<RuntimeCallNameOf<Runtime>> for CannotBePaused {
    fn contains((pallet, call): &RuntimeCallNameOf<Runtime>) -> bool {
        let is_beginning =
            |(of, name): &(&str, &str)| of.as_bytes() == pallet.as_slice() && name.as_bytes() == call.as_slice();
        !BEGINNINGS.iter().any(is_beginning)
    }
}

/// Any call in a chain that is not halted; in a halted one those that repair it. Calls of the superuser pass no filter.
pub struct NotHalted;

impl Contains<RuntimeCall> for NotHalted {
    fn contains(call: &RuntimeCall) -> bool {
        let repairs = matches!(
            call,
            RuntimeCall::System(_)
                | RuntimeCall::ParachainSystem(_)
                | RuntimeCall::Timestamp(_)
                | RuntimeCall::Sudo(_)
                | RuntimeCall::TechnicalCommittee(_)
                | RuntimeCall::Preimage(_)
                | RuntimeCall::Governance(_)
                | RuntimeCall::TxPause(_)
                | RuntimeCall::Migrations(_)
                // Each call in them is filtered by itself.
                | RuntimeCall::Utility(_)
                | RuntimeCall::Proxy(_)
                | RuntimeCall::Multisig(_)
        );
        repairs || !Time::is_halted()
    }
}
