//! Consensus: the relay chain's rules for them, the order of authors, and who may be one.

use crate::{
    configs::{governance::MostOfCommittee, system::MaxBlockWeight},
    units::{BLOCKS_PER_RELAY_SLOT, HOURS, RELAY_SLOT_MS, SLOT_MS, deposit},
    *,
};
use cumulus_pallet_parachain_system::RelayNumberMonotonicallyIncreases;
use cumulus_primitives_core::AggregateMessageOrigin;
use frame_support::{
    PalletId, parameter_types,
    traits::{ConstBool, ConstU32, ConstU64, EitherOfDiverse, EnqueueWithOrigin, Get},
    weights::Weight,
};
use frame_system::EnsureRoot;

/// We build on a relay chain block that is one behind the tip, by when most forks of the tip are settled: a fork would
/// cost all blocks built on it.
pub const RELAY_PARENT_OFFSET: u32 = 1;

/// Blocks that may wait for inclusion in the relay chain: those of the relay block being built, the one being backed
/// and the one being made available, and of the offset.
const UNINCLUDED_SEGMENT_CAPACITY: u32 = (3 + RELAY_PARENT_OFFSET) * BLOCKS_PER_RELAY_SLOT;

/// Keeps authors to [`BLOCKS_PER_RELAY_SLOT`] and to what the relay chain can take in.
pub type ConsensusHook = cumulus_pallet_aura_ext::FixedVelocityConsensusHook<
    Runtime,
    RELAY_SLOT_MS,
    BLOCKS_PER_RELAY_SLOT,
    UNINCLUDED_SEGMENT_CAPACITY,
>;

parameter_types! {
    pub ReservedDmpWeight: Weight = MaxBlockWeight::get().saturating_div(4);
    pub ReservedXcmpWeight: Weight = MaxBlockWeight::get().saturating_div(4);
    pub const RelayOrigin: AggregateMessageOrigin = AggregateMessageOrigin::Parent;
}

impl cumulus_pallet_parachain_system::Config for Runtime {
    /// Blocks of one core share a relay parent, so its number may stay the same.
    type CheckAssociatedRelayNumber = RelayNumberMonotonicallyIncreases;
    type ConsensusHook = ConsensusHook;
    type DmpQueue = EnqueueWithOrigin<MessageQueue, RelayOrigin>;
    type OnSystemEvent = super::seeds::NotesRandomness;
    type OutboundXcmpMessageSource = XcmpQueue;
    type RelayParentOffset = ConstU32<RELAY_PARENT_OFFSET>;
    type ReservedDmpWeight = ReservedDmpWeight;
    type ReservedXcmpWeight = ReservedXcmpWeight;
    type RuntimeEvent = RuntimeEvent;
    /// The third version of scheduling is unfinished in this release of the SDK.
    type SchedulingSignatureVerifier = ();
    type SelfParaId = parachain_info::Pallet<Self>;
    type WeightInfo = cumulus_pallet_parachain_system::weights::SubstrateWeight<Self>;
    type XcmpMessageHandler = XcmpQueue;
}

impl cumulus_pallet_weight_reclaim::Config for Runtime {
    type WeightInfo = ();
}

impl pallet_aura::Config for Runtime {
    /// An author makes all blocks of its slot.
    type AllowMultipleBlocksPerSlot = ConstBool<true>;
    type AuthorityId = AuraId;
    type DisabledValidators = ();
    type MaxAuthorities = ConstU32<{ MAX_INVULNERABLES + MAX_CANDIDATES }>;
    type SlotDuration = ConstU64<SLOT_MS>;
}

impl cumulus_pallet_aura_ext::Config for Runtime {}

impl pallet_authorship::Config for Runtime {
    type EventHandler = CollatorSelection;
    type FindAuthor = pallet_session::FindAccountFromAuthorIndex<Self, Aura>;
}

parameter_types! {
    pub const SessionPeriod: BlockNumber = 6 * HOURS;
    pub const SessionOffset: BlockNumber = 0;
    pub const SessionKeyDeposit: Balance = deposit(1, 64);
}

impl pallet_session::Config for Runtime {
    type Currency = Balances;
    type DisablingStrategy = ();
    type KeyDeposit = SessionKeyDeposit;
    type Keys = SessionKeys;
    type NextSessionRotation = pallet_session::PeriodicSessions<SessionPeriod, SessionOffset>;
    type RuntimeEvent = RuntimeEvent;
    type SessionHandler = <SessionKeys as sp_runtime::traits::OpaqueKeys>::KeyTypeIdProviders;
    type SessionManager = CollatorSelection;
    type ShouldEndSession = pallet_session::PeriodicSessions<SessionPeriod, SessionOffset>;
    type ValidatorId = AccountId;
    type ValidatorIdOf = pallet_collator_selection::IdentityCollator;
    type WeightInfo = pallet_session::weights::SubstrateWeight<Self>;
}

/// Collators that the chain's governance has chosen, at most.
const MAX_INVULNERABLES: u32 = 20;
/// Collators that have bonded for a place, at most.
const MAX_CANDIDATES: u32 = 100;

parameter_types! {
    pub const PotId: PalletId = PalletId(*b"PotStake");
}

impl pallet_collator_selection::Config for Runtime {
    type Currency = Balances;
    /// A candidate that authors nothing for a whole session loses its place.
    type KickThreshold = SessionPeriod;
    type MaxCandidates = ConstU32<MAX_CANDIDATES>;
    type MaxInvulnerables = ConstU32<MAX_INVULNERABLES>;
    /// One collator keeps a development chain going.
    type MinEligibleCollators = ConstU32<1>;
    type PotId = PotId;
    type RuntimeEvent = RuntimeEvent;
    type UpdateOrigin = EitherOfDiverse<EnsureRoot<AccountId>, MostOfCommittee>;
    type ValidatorId = AccountId;
    type ValidatorIdOf = pallet_collator_selection::IdentityCollator;
    type ValidatorRegistration = Session;
    type WeightInfo = pallet_collator_selection::weights::SubstrateWeight<Self>;
}
