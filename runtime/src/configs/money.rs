//! The token and the fees.

use crate::{parameters::dynamic_params::fees, units::EXISTENTIAL_DEPOSIT, *};
use cumulus_primitives_core::relay_chain::MAX_POV_SIZE;
use frame_support::{
    parameter_types,
    traits::{ConstU8, ConstU32, ConstU128, Get, VariantCountOf},
    weights::{ConstantMultiplier, Weight, constants::WEIGHT_REF_TIME_PER_SECOND},
};
use pallet_transaction_payment::{Multiplier, TargetedFeeAdjustment};
use parachains_common::impls::DealWithFees;
use sp_runtime::traits::Bounded;

impl pallet_balances::Config for Runtime {
    type AccountStore = System;
    type Balance = Balance;
    type DoneSlashHandler = ();
    type DustRemoval = ();
    type ExistentialDeposit = ConstU128<EXISTENTIAL_DEPOSIT>;
    type FreezeIdentifier = RuntimeFreezeReason;
    type MaxFreezes = VariantCountOf<RuntimeFreezeReason>;
    /// Locks and named reserves are for pallets that know nothing of holds; `pallet_xcm` still locks.
    type MaxLocks = ConstU32<8>;
    type MaxReserves = ConstU32<8>;
    type ReserveIdentifier = [u8; 8];
    type RuntimeEvent = RuntimeEvent;
    type RuntimeFreezeReason = RuntimeFreezeReason;
    type RuntimeHoldReason = RuntimeHoldReason;
    type WeightInfo = pallet_balances::weights::SubstrateWeight<Self>;
}

/// A relay chain core's time and proof size for one block of ours.
const FULL_CORE: Weight = Weight::from_parts(2 * WEIGHT_REF_TIME_PER_SECOND, MAX_POV_SIZE as u64);

/// Price of weight: by the dimension, time or proof size, of which it takes the larger part of a core.
pub struct WeightToFee;

impl frame_support::weights::WeightToFee for WeightToFee {
    type Balance = Balance;

    fn weight_to_fee(weight: &Weight) -> Balance {
        let full = fees::FullCoreFee::get();
        // Saturates far above the token's issuance, where the fee could not be paid anyway.
        let share = |used: u64, whole: u64| full.saturating_mul(used.into()) / Balance::from(whole);
        share(weight.ref_time(), FULL_CORE.ref_time()).max(share(weight.proof_size(), FULL_CORE.proof_size()))
    }
}

parameter_types! {
    pub MaximumMultiplier: Multiplier = Bounded::max_value();
}

impl pallet_transaction_payment::Config for Runtime {
    type FeeMultiplierUpdate =
        TargetedFeeAdjustment<Self, fees::TargetFullness, fees::FeeSpeed, fees::MinimumMultiplier, MaximumMultiplier>;
    type LengthToFee = ConstantMultiplier<Balance, fees::ByteFee>;
    /// Fees and tips go to the pot that collators are paid from.
    type OnChargeTransaction = pallet_transaction_payment::FungibleAdapter<Balances, DealWithFees<Self>>;
    /// The lane gives its calls their place ([`crate::lane`]); a fee buys none.
    type OperationalFeeMultiplier = ConstU8<0>;
    type RuntimeEvent = RuntimeEvent;
    type WeightInfo = pallet_transaction_payment::weights::SubstrateWeight<Self>;
    type WeightToFee = WeightToFee;
}
