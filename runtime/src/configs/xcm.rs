//! Messages to and from other chains: who is understood as whom, what is let in, and what it costs.
//!
//! The chain's token is the only asset, and its reserve is here: other chains hold derivatives of it, and no foreign
//! asset is accepted. No other chain acts as the superuser.

use crate::{
    configs::{consensus::PotId, money::WeightToFee, system::RuntimeBlockWeights},
    parameters::dynamic_params::fees::ByteFee,
    units::MILLIUNIT,
    *,
};
use cumulus_primitives_core::{AggregateMessageOrigin, ParaId};
use cumulus_primitives_utility::ParentAsUmp;
use frame_support::{
    parameter_types,
    traits::{ConstU32, Disabled, Equals, Everything, Nothing, TransformOrigin},
    weights::Weight,
};
use frame_system::EnsureRoot;
use pallet_xcm::XcmPassthrough;
use parachains_common::{
    message_queue::{NarrowOriginToSibling, ParaIdToSibling},
    xcm_config::ParentRelayOrSiblingParachains,
};
use polkadot_parachain_primitives::primitives::Sibling;
use polkadot_runtime_common::xcm_sender::ExponentialPrice;
use sp_runtime::{Perbill, traits::AccountIdConversion};
use staging_xcm::latest::prelude::*;
use staging_xcm_builder::{
    AccountId32Aliases, AliasChildLocation, AllowHrmpNotificationsFromRelayChain, AllowKnownQueryResponses,
    AllowSubscriptionsFrom, AllowTopLevelPaidExecutionFrom, DenyRecursively, DenyReserveTransferToRelayChain,
    DenyThenTry, DescribeAllTerminal, DescribeFamily, EnsureXcmOrigin, FixedWeightBounds, FrameTransactionalProcessor,
    FungibleAdapter, HashedDescription, IsConcrete, ParentIsPreset, RelayChainAsNative, SendXcmFeeToAccount,
    SiblingParachainAsNative, SiblingParachainConvertsVia, SignedAccountId32AsNative, SignedToAccountId32,
    SovereignSignedViaLocation, TakeWeightCredit, TrailingSetTopicAsId, UsingComponents, WithComputedOrigin,
    WithUniqueTopic, XcmFeeManagerFromComponents,
};
use staging_xcm_executor::XcmExecutor;

parameter_types! {
    pub const RelayLocation: Location = Location::parent();
    pub const TokenLocation: Location = Location::here();
    pub FeeAsset: AssetId = AssetId(TokenLocation::get());
    /// As this chain's genesis says. A chain by itself is a network of its own, by its own genesis.
    pub RelayNetwork: NetworkId =
        Governance::relay_network().unwrap_or_else(|| ByGenesis(System::block_hash(0).to_fixed_bytes()));
    pub RelayChainOrigin: RuntimeOrigin = cumulus_pallet_xcm::Origin::Relay.into();
    pub UniversalLocation: InteriorLocation =
        [GlobalConsensus(RelayNetwork::get()), Parachain(ParachainInfo::parachain_id().into())].into();
    /// Where collators are paid from: fees for messages go the way of fees for transactions.
    pub FeePot: AccountId = PotId::get().into_account_truncating();
    pub const BaseDeliveryFee: Balance = 30 * MILLIUNIT;
    /// Charge for an instruction: above the heaviest of those that the barrier lets a stranger send.
    pub const InstructionWeight: Weight = Weight::from_parts(1_000_000_000, 64 * 1024);
    pub const MaxInstructions: u32 = 100;
    pub const MaxAssetsIntoHolding: u32 = 64;
}

/// The account that a location acts through here.
pub type LocationToAccountId = (
    ParentIsPreset<AccountId>,
    SiblingParachainConvertsVia<Sibling, AccountId>,
    AccountId32Aliases<RelayNetwork, AccountId>,
    HashedDescription<AccountId, DescribeFamily<DescribeAllTerminal>>,
);

/// Moves the token. Nothing is teleported, so there is no checking account.
pub type AssetTransactor = FungibleAdapter<Balances, IsConcrete<TokenLocation>, LocationToAccountId, AccountId, ()>;

/// The origin that a location's `Transact` is dispatched with.
pub type OriginConverter = (
    SovereignSignedViaLocation<LocationToAccountId, RuntimeOrigin>,
    RelayChainAsNative<RelayChainOrigin, RuntimeOrigin>,
    SiblingParachainAsNative<cumulus_pallet_xcm::Origin, RuntimeOrigin>,
    SignedAccountId32AsNative<RelayNetwork, RuntimeOrigin>,
    XcmPassthrough<RuntimeOrigin>,
);

/// Messages that are executed: those that pay first, answers that we asked for, and what the relay chain says of
/// channels.
pub type Barrier = TrailingSetTopicAsId<
    DenyThenTry<
        DenyRecursively<DenyReserveTransferToRelayChain>,
        (
            TakeWeightCredit,
            AllowKnownQueryResponses<PolkadotXcm>,
            WithComputedOrigin<
                (
                    AllowTopLevelPaidExecutionFrom<Everything>,
                    AllowSubscriptionsFrom<ParentRelayOrSiblingParachains>,
                    AllowHrmpNotificationsFromRelayChain,
                ),
                UniversalLocation,
                ConstU32<8>,
            >,
        ),
    >,
>;

/// Price of a message: it grows with its length and, exponentially, with the queue it joins.
pub type DeliveryPrice<Queue> = ExponentialPrice<FeeAsset, BaseDeliveryFee, ByteFee, Queue>;

/// Up to the relay chain, or across to a sibling.
pub type XcmRouter = WithUniqueTopic<(
    ParentAsUmp<ParachainSystem, PolkadotXcm, DeliveryPrice<ParachainSystem>>,
    XcmpQueue,
)>;

/// Weighs a message before it is executed.
pub type Weigher = FixedWeightBounds<InstructionWeight, RuntimeCall, MaxInstructions>;

/// A local account, or the chain itself, as a location.
pub type LocalOriginToLocation = SignedToAccountId32<RuntimeOrigin, AccountId, RelayNetwork>;

/// Configuration of the execution of messages.
pub struct XcmConfig;

impl staging_xcm_executor::Config for XcmConfig {
    type Aliasers = AliasChildLocation;
    type AssetExchanger = ();
    type AssetLocker = ();
    type AssetTransactor = AssetTransactor;
    type AssetTrap = PolkadotXcm;
    type Barrier = Barrier;
    type CallDispatcher = RuntimeCall;
    type FeeManager =
        XcmFeeManagerFromComponents<Equals<TokenLocation>, SendXcmFeeToAccount<Self::AssetTransactor, FeePot>>;
    type HrmpChannelAcceptedHandler = ();
    type HrmpChannelClosingHandler = ();
    type HrmpNewChannelOpenRequestHandler = ();
    /// Nobody else's assets are backed by what another chain says it holds for us.
    type IsReserve = ();
    type IsTeleporter = ();
    type MaxAssetsIntoHolding = MaxAssetsIntoHolding;
    type MessageExporter = ();
    type OriginConverter = OriginConverter;
    type PalletInstancesInfo = AllPalletsWithSystem;
    type ResponseHandler = PolkadotXcm;
    type RuntimeCall = RuntimeCall;
    type SafeCallFilter = Everything;
    type SubscriptionService = PolkadotXcm;
    type Trader = UsingComponents<
        WeightToFee,
        TokenLocation,
        AccountId,
        Balances,
        frame_support::traits::tokens::imbalance::ResolveTo<FeePot, Balances>,
    >;
    type TransactionalProcessor = FrameTransactionalProcessor;
    type UniversalAliases = Nothing;
    type UniversalLocation = UniversalLocation;
    type Weigher = Weigher;
    type XcmEventEmitter = PolkadotXcm;
    type XcmRecorder = PolkadotXcm;
    type XcmSender = XcmRouter;
}

impl pallet_xcm::Config for Runtime {
    const VERSION_DISCOVERY_QUEUE_SIZE: u32 = 100;

    type AdminOrigin = EnsureRoot<AccountId>;
    type AdvertisedXcmVersion = pallet_xcm::CurrentXcmVersion;
    type AuthorizedAliasConsideration = Disabled;
    type Currency = Balances;
    type CurrencyMatcher = IsConcrete<TokenLocation>;
    type ExecuteXcmOrigin = EnsureXcmOrigin<RuntimeOrigin, LocalOriginToLocation>;
    type MaxLockers = ConstU32<8>;
    type MaxRemoteLockConsumers = ConstU32<0>;
    type RemoteLockConsumerIdentifier = ();
    type RuntimeCall = RuntimeCall;
    type RuntimeEvent = RuntimeEvent;
    type RuntimeOrigin = RuntimeOrigin;
    type SendXcmOrigin = EnsureXcmOrigin<RuntimeOrigin, LocalOriginToLocation>;
    type SovereignAccountOf = LocationToAccountId;
    type TrustedLockers = ();
    type UniversalLocation = UniversalLocation;
    type Weigher = Weigher;
    type WeightInfo = weights::XcmWeight;
    /// Instructions are charged at one flat price, which an arbitrary local program could exploit.
    type XcmExecuteFilter = Nothing;
    type XcmExecutor = XcmExecutor<XcmConfig>;
    type XcmReserveTransferFilter = Everything;
    type XcmRouter = XcmRouter;
    type XcmTeleportFilter = Nothing;
}

impl cumulus_pallet_xcm::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type XcmExecutor = XcmExecutor<XcmConfig>;
}

impl cumulus_pallet_xcmp_queue::Config for Runtime {
    type ChannelInfo = ParachainSystem;
    type ControllerOrigin = EnsureRoot<AccountId>;
    type ControllerOriginConverter = OriginConverter;
    type MaxActiveOutboundChannels = ConstU32<128>;
    type MaxInboundSuspended = ConstU32<1_000>;
    /// Maximum size of one message in a channel of the relay chain.
    type MaxPageSize = ConstU32<{ 103 * 1024 }>;
    type PriceForSiblingDelivery = DeliveryPrice<XcmpQueue>;
    type RuntimeEvent = RuntimeEvent;
    type VersionWrapper = PolkadotXcm;
    type WeightInfo = cumulus_pallet_xcmp_queue::weights::SubstrateWeight<Self>;
    type XcmpQueue = TransformOrigin<MessageQueue, AggregateMessageOrigin, ParaId, ParaIdToSibling>;
}

parameter_types! {
    /// Share of a block for messages that have waited; what is left of a block serves more of them.
    pub MessageServiceWeight: Weight = Perbill::from_percent(35) * RuntimeBlockWeights::get().max_block;
}

impl pallet_message_queue::Config for Runtime {
    type HeapSize = ConstU32<{ 103 * 1024 }>;
    type IdleMaxServiceWeight = MessageServiceWeight;
    type MaxStale = ConstU32<8>;
    #[cfg(not(feature = "runtime-benchmarks"))]
    type MessageProcessor =
        staging_xcm_builder::ProcessXcmMessage<AggregateMessageOrigin, XcmExecutor<XcmConfig>, RuntimeCall>;
    #[cfg(feature = "runtime-benchmarks")]
    type MessageProcessor = pallet_message_queue::mock_helpers::NoopMessageProcessor<AggregateMessageOrigin>;
    type QueueChangeHandler = NarrowOriginToSibling<XcmpQueue>;
    type QueuePausedQuery = NarrowOriginToSibling<XcmpQueue>;
    type RuntimeEvent = RuntimeEvent;
    type ServiceWeight = MessageServiceWeight;
    type Size = u32;
    type WeightInfo = pallet_message_queue::weights::SubstrateWeight<Self>;
}
