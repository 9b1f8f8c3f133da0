//! Limits of a block, and the ways to make a call: in batches, for another account, together, or as the superuser.

use crate::{
    calls::{Role, class_of},
    migrations::SingleBlock,
    pause::NotHalted,
    units::{BLOCKS_PER_RELAY_SLOT, SS58_PREFIX, deposit},
    *,
};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use cumulus_pallet_parachain_system::block_weight::{DynamicMaxBlockWeightHooks, MaxParachainBlockWeight};
use frame_support::{
    derive_impl,
    dispatch::DispatchClass,
    parameter_types,
    traits::{ConstU16, ConstU32, ConstU64, Get, InsideBoth, InstanceFilter},
    weights::constants::{BlockExecutionWeight, ExtrinsicBaseWeight, RocksDbWeight},
};
use frame_system::limits::{BlockLength, BlockWeights};
use scale_info::TypeInfo;
use sp_runtime::Perbill;

/// Share of a block that ordinary transactions may fill; the rest is for urgent ones ([`crate::lane`]).
pub const NORMAL_SHARE: Perbill = Perbill::from_percent(75);
/// Share of a block that hooks are expected to take before the first transaction.
const INITIALIZATION_SHARE: Perbill = Perbill::from_percent(5);
/// Bytes of transactions in a block: half of what a relay chain validator accepts as a proof of validity.
const MAX_BLOCK_BYTES: u32 = 5 * 1024 * 1024;

/// First transactions of a core that may take all of it, where the block's share is too small for them.
pub const FULL_CORE_TRANSACTIONS: u32 = 10;
/// Whether ordinary transactions may: no, or one of them would keep two other blocks from being made.
pub const ORDINARY_MAY_TAKE_A_CORE: bool = false;

/// See [`BLOCKS_PER_RELAY_SLOT`].
pub type BlocksPerRelaySlot = ConstU32<BLOCKS_PER_RELAY_SLOT>;

/// Resources that a block may use now: its share of a core, or, in the first block on a core and where something needs
/// it (a runtime upgrade), the whole core.
pub type MaxBlockWeight = MaxParachainBlockWeight<Runtime, BlocksPerRelaySlot>;

parameter_types! {
    pub const Version: RuntimeVersion = VERSION;
    pub const BlockHashCount: BlockNumber = 4_096;
    pub RuntimeBlockLength: BlockLength = BlockLength::builder()
        .max_length(MAX_BLOCK_BYTES)
        .modify_max_length_for_class(DispatchClass::Normal, |max| *max = NORMAL_SHARE * MAX_BLOCK_BYTES)
        .build();
    pub RuntimeBlockWeights: BlockWeights = {
        let max_block = MaxBlockWeight::get();
        let normal = NORMAL_SHARE * max_block;
        BlockWeights::builder()
            .base_block(BlockExecutionWeight::get())
            .for_class(DispatchClass::all(), |class| class.base_extrinsic = ExtrinsicBaseWeight::get())
            .for_class(DispatchClass::Normal, |class| class.max_total = Some(normal))
            // Nothing beyond the block, since the next one on the same core has its room after it: urgent calls have
            // what ordinary ones cannot take.
            .for_class(DispatchClass::Operational, |class| class.max_total = Some(max_block))
            .avg_block_initialization(INITIALIZATION_SHARE)
            .build_or_panic()
    };
}

#[derive_impl(frame_system::config_preludes::ParaChainDefaultConfig)]
impl frame_system::Config for Runtime {
    type AccountData = pallet_balances::AccountData<Balance>;
    type AccountId = AccountId;
    /// Calls that governance has paused, and a chain of which a migration has failed.
    type BaseCallFilter = InsideBoth<TxPause, NotHalted>;
    type Block = Block;
    type BlockHashCount = BlockHashCount;
    type BlockLength = RuntimeBlockLength;
    type BlockWeights = RuntimeBlockWeights;
    type DbWeight = RocksDbWeight;
    type Hash = Hash;
    /// A worker is referred to by its stake, its offers, session keys and proxies at once; the default of 16 stays
    /// well above that.
    type MaxConsumers = ConstU32<16>;
    /// Blocks of a migration let no call in.
    type MultiBlockMigrator = Migrations;
    type Nonce = Nonce;
    /// A new blob waits for the relay chain's go-ahead.
    type OnSetCode = cumulus_pallet_parachain_system::ParachainSetCode<Self>;
    /// Chooses between the block's share of a core and all of it, once the hooks' weight is known.
    type PreInherents = DynamicMaxBlockWeightHooks<Self, BlocksPerRelaySlot>;
    type SS58Prefix = ConstU16<SS58_PREFIX>;
    type SingleBlockMigrations = SingleBlock;
    type SystemWeightInfo = frame_system::weights::SubstrateWeight<Self>;
    type Version = Version;
}

impl pallet_timestamp::Config for Runtime {
    /// Blocks of one slot may carry the same time.
    type MinimumPeriod = ConstU64<0>;
    type Moment = u64;
    type OnTimestampSet = Aura;
    type WeightInfo = pallet_timestamp::weights::SubstrateWeight<Self>;
}

impl parachain_info::Config for Runtime {}

impl pallet_utility::Config for Runtime {
    type PalletsOrigin = OriginCaller;
    type RuntimeCall = RuntimeCall;
    type RuntimeEvent = RuntimeEvent;
    type WeightInfo = pallet_utility::weights::SubstrateWeight<Self>;
}

parameter_types! {
    pub const MultisigDepositBase: Balance = deposit(1, 88);
    pub const MultisigDepositFactor: Balance = deposit(0, 32);
}

impl pallet_multisig::Config for Runtime {
    type BlockNumberProvider = System;
    type Currency = Balances;
    type DepositBase = MultisigDepositBase;
    type DepositFactor = MultisigDepositFactor;
    type MaxSignatories = ConstU32<100>;
    type RuntimeCall = RuntimeCall;
    type RuntimeEvent = RuntimeEvent;
    type WeightInfo = pallet_multisig::weights::SubstrateWeight<Self>;
}

/// Kinds of proxies, by what they may do for the account that appointed them.
#[derive(
    Copy,
    Clone,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
#[scale_info(capture_docs = "always")]
pub enum ProxyType {
    /// Everything.
    #[default]
    #[codec(index = 0)]
    Any,
    /// Reject announcements of other proxies: the alarm of an account with delayed proxies.
    #[codec(index = 1)]
    CancelProxy,
    /// Run a collator: its candidacy and its session keys.
    #[codec(index = 2)]
    Collator,
    /// Work: offers, bids, claims and their defence in disputes, vouchers, but not the stake. For the key that lies on
    /// the machine with the GPU. See [`crate::calls`].
    #[codec(index = 3)]
    Worker,
    /// Buy: submit jobs and accept their results, open sessions. See [`crate::calls`].
    #[codec(index = 4)]
    Client,
}

impl ProxyType {
    /// Whether this kind lets the proxy make `call` itself, batches aside.
    fn allows(self, call: &RuntimeCall) -> bool {
        match self {
            Self::Any => true,
            Self::CancelProxy => {
                matches!(call, RuntimeCall::Proxy(pallet_proxy::Call::reject_announcement { .. }))
            }
            Self::Collator => matches!(call, RuntimeCall::CollatorSelection(_) | RuntimeCall::Session(_)),
            Self::Worker => class_of(call).is_some_and(|class| class.is_for_proxy_of(Role::Worker)),
            Self::Client => class_of(call).is_some_and(|class| class.is_for_proxy_of(Role::Client)),
        }
    }
}

impl InstanceFilter<RuntimeCall> for ProxyType {
    /// A batch passes here, and each call in it is filtered by itself, for the filter stays with the origin.
    fn filter(&self, call: &RuntimeCall) -> bool {
        self.allows(call) || matches!(call, RuntimeCall::Utility(_))
    }

    fn is_superset(&self, other: &Self) -> bool {
        self == other || *self == Self::Any
    }
}

parameter_types! {
    pub const ProxyDepositBase: Balance = deposit(1, 8);
    pub const ProxyDepositFactor: Balance = deposit(0, 33);
    pub const AnnouncementDepositBase: Balance = deposit(1, 8);
    pub const AnnouncementDepositFactor: Balance = deposit(0, 66);
}

impl pallet_proxy::Config for Runtime {
    type AnnouncementDepositBase = AnnouncementDepositBase;
    type AnnouncementDepositFactor = AnnouncementDepositFactor;
    type BlockNumberProvider = System;
    type CallHasher = BlakeTwo256;
    type Currency = Balances;
    type MaxPending = ConstU32<32>;
    type MaxProxies = ConstU32<32>;
    type ProxyDepositBase = ProxyDepositBase;
    type ProxyDepositFactor = ProxyDepositFactor;
    type ProxyType = ProxyType;
    type RuntimeCall = RuntimeCall;
    type RuntimeEvent = RuntimeEvent;
    type WeightInfo = pallet_proxy::weights::SubstrateWeight<Self>;
}

impl pallet_sudo::Config for Runtime {
    type RuntimeCall = RuntimeCall;
    type RuntimeEvent = RuntimeEvent;
    type WeightInfo = pallet_sudo::weights::SubstrateWeight<Self>;
}
