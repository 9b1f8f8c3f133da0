//! Assay's parachain runtime: the types of its blocks, the pallets it is made of, and what it answers a node.
//!
//! Pallets are configured in [`configs`], by concern; [`apis`] is what the node calls; [`calls`] says who makes each
//! call of our pallets, and so what proxies may do; [`lane`] keeps room for urgent ones; [`parameters`] are the values
//! that governance changes, [`pause`] says what it may pause, and [`migrations`] change what the version before stored;
//! [`genesis_presets`] are the named first states; [`hop`] says who hands off data through a node's pool; [`units`]
//! holds money and time. `signing` is for tests and benchmarks. No pallet is defined here.

#![cfg_attr(not(feature = "std"), no_std)]
#![recursion_limit = "256"]
#![allow(
    missing_docs,
    reason = "the macros of the runtime and of the blob generate public items without any"
)]

extern crate alloc;

pub mod apis;
#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
pub mod calls;
mod configs;
pub mod genesis_presets;
pub mod hop;
#[cfg(feature = "std")]
mod invariants;
pub mod lane;
pub mod migrations;
pub mod parameters;
pub mod pause;
#[cfg(feature = "std")]
pub mod signing;
pub mod units;
mod weights;

use alloc::{borrow::Cow, vec::Vec};
use polkadot_sdk::{staging_parachain_info as parachain_info, *};
use sp_runtime::{
    MultiAddress, MultiSignature, generic, impl_opaque_keys,
    traits::{BlakeTwo256, IdentifyAccount, Verify},
};
use sp_version::RuntimeVersion;

pub use configs::{governance::TechnicalCollective, system::ProxyType};
#[cfg(feature = "std")]
pub use invariants::check_invariants;
pub use sp_consensus_aura::sr25519::AuthorityId as AuraId;

#[cfg(feature = "std")]
include!(concat!(env!("OUT_DIR"), "/wasm_binary.rs"));

/// Signature of a transaction: sr25519, ed25519 or ecdsa.
pub type Signature = MultiSignature;
/// An account: the public key, or its hash, that [`Signature`] is checked against.
pub type AccountId = <<Signature as Verify>::Signer as IdentifyAccount>::AccountId;
/// Names of accounts in transactions.
pub type Address = MultiAddress<AccountId, ()>;
/// An amount of the token, in units of 10^-12.
pub type Balance = u128;
/// Number of an account's transaction.
pub type Nonce = u32;
/// A block's or a transaction's hash.
pub type Hash = sp_core::H256;
/// A block's height.
pub type BlockNumber = u32;
/// A block's header.
pub type Header = generic::Header<BlockNumber, BlakeTwo256>;
/// A block.
pub type Block = generic::Block<Header, UncheckedExtrinsic>;

/// Extensions that a transaction carries and is checked by, besides its call. The outermost chooses the class in which
/// all others see the call. The next two see all that the others spend: one grants a transaction the whole core where
/// the block's share of it is too small, the other gives back the proof size that a transaction was charged for and did
/// not use.
pub type TxExtension = lane::Lane<
    cumulus_pallet_parachain_system::block_weight::DynamicMaxBlockWeight<
        Runtime,
        cumulus_pallet_weight_reclaim::StorageWeightReclaim<
            Runtime,
            (
                frame_system::AuthorizeCall<Runtime>,
                frame_system::CheckNonZeroSender<Runtime>,
                frame_system::CheckSpecVersion<Runtime>,
                frame_system::CheckTxVersion<Runtime>,
                frame_system::CheckGenesis<Runtime>,
                frame_system::CheckEra<Runtime>,
                frame_system::CheckNonce<Runtime>,
                frame_system::CheckWeight<Runtime>,
                pallet_transaction_payment::ChargeTransactionPayment<Runtime>,
                frame_metadata_hash_extension::CheckMetadataHash<Runtime>,
            ),
        >,
        configs::system::BlocksPerRelaySlot,
        { configs::system::FULL_CORE_TRANSACTIONS },
        { configs::system::ORDINARY_MAY_TAKE_A_CORE },
    >,
>;

/// A transaction as it travels.
pub type UncheckedExtrinsic = generic::UncheckedExtrinsic<Address, RuntimeCall, Signature, TxExtension>;
/// Payload that a transaction's signature covers.
pub type SignedPayload = generic::SignedPayload<RuntimeCall, TxExtension>;

/// Applies blocks and transactions to the state.
pub type Executive =
    frame_executive::Executive<Runtime, Block, frame_system::ChainContext<Runtime>, Runtime, AllPalletsWithSystem>;

impl_opaque_keys! {
    /// Keys with which a collator signs blocks.
    pub struct SessionKeys {
        /// Key of the block author.
        pub aura: Aura,
    }
}

/// Name and version of this runtime. `spec_version` grows with every release that changes what a block does,
/// `transaction_version` whenever an old signed transaction would mean something else.
#[sp_version::runtime_version]
pub const VERSION: RuntimeVersion = RuntimeVersion {
    spec_name: Cow::Borrowed("assay"),
    impl_name: Cow::Borrowed("assay"),
    authoring_version: 1,
    spec_version: 3,
    impl_version: 0,
    apis: apis::RUNTIME_API_VERSIONS,
    transaction_version: 2,
    system_version: 1,
};

#[frame_support::runtime]
mod runtime {
    /// The pallets. An index is part of every encoded call, event and error, so it never changes or is used again.
    #[runtime::runtime]
    #[runtime::derive(
        RuntimeCall,
        RuntimeEvent,
        RuntimeError,
        RuntimeOrigin,
        RuntimeFreezeReason,
        RuntimeHoldReason,
        RuntimeSlashReason,
        RuntimeLockId,
        RuntimeTask,
        RuntimeViewFunction
    )]
    pub struct Runtime;

    // The chain itself.
    #[runtime::pallet_index(0)]
    pub type System = frame_system;
    #[runtime::pallet_index(1)]
    pub type ParachainSystem = cumulus_pallet_parachain_system;
    #[runtime::pallet_index(2)]
    pub type Timestamp = pallet_timestamp;
    #[runtime::pallet_index(3)]
    pub type ParachainInfo = parachain_info;
    #[runtime::pallet_index(4)]
    pub type WeightReclaim = cumulus_pallet_weight_reclaim;
    #[runtime::pallet_index(5)]
    pub type Time = pallet_time;
    #[runtime::pallet_index(6)]
    pub type Parameters = pallet_parameters;
    #[runtime::pallet_index(7)]
    pub type Migrations = pallet_migrations;
    #[runtime::pallet_index(8)]
    pub type Seeds = pallet_seeds;

    // Money.
    #[runtime::pallet_index(10)]
    pub type Balances = pallet_balances;
    #[runtime::pallet_index(11)]
    pub type TransactionPayment = pallet_transaction_payment;

    // Collators. Hooks run in this order: the author is known before the session turns, and Aura learns its keys last.
    #[runtime::pallet_index(20)]
    pub type Authorship = pallet_authorship;
    #[runtime::pallet_index(21)]
    pub type CollatorSelection = pallet_collator_selection;
    #[runtime::pallet_index(22)]
    pub type Session = pallet_session;
    #[runtime::pallet_index(23)]
    pub type Aura = pallet_aura;
    #[runtime::pallet_index(24)]
    pub type AuraExt = cumulus_pallet_aura_ext;

    // Messages to and from other chains.
    #[runtime::pallet_index(30)]
    pub type XcmpQueue = cumulus_pallet_xcmp_queue;
    #[runtime::pallet_index(31)]
    pub type PolkadotXcm = pallet_xcm;
    #[runtime::pallet_index(32)]
    pub type CumulusXcm = cumulus_pallet_xcm;
    #[runtime::pallet_index(33)]
    pub type MessageQueue = pallet_message_queue;

    // Ways to make a call.
    #[runtime::pallet_index(40)]
    pub type Utility = pallet_utility;
    #[runtime::pallet_index(41)]
    pub type Proxy = pallet_proxy;
    #[runtime::pallet_index(42)]
    pub type Multisig = pallet_multisig;
    #[runtime::pallet_index(43)]
    pub type Sudo = pallet_sudo;

    // Decisions. What is scheduled is made after time has gone on.
    #[runtime::pallet_index(44)]
    pub type TechnicalCommittee = pallet_collective<Instance1>;
    #[runtime::pallet_index(45)]
    pub type Preimage = pallet_preimage;
    #[runtime::pallet_index(46)]
    pub type Scheduler = pallet_scheduler;
    #[runtime::pallet_index(47)]
    pub type TxPause = pallet_tx_pause;

    // What the chain is for.
    #[runtime::pallet_index(50)]
    pub type Models = pallet_models;
    #[runtime::pallet_index(51)]
    pub type Workers = pallet_workers;
    #[runtime::pallet_index(52)]
    pub type Market = pallet_market;
    #[runtime::pallet_index(53)]
    pub type Disputes = pallet_disputes;
    #[runtime::pallet_index(54)]
    pub type Sessions = pallet_sessions;
    #[runtime::pallet_index(55)]
    pub type Governance = pallet_governance;
    #[runtime::pallet_index(56)]
    pub type Audits = pallet_audits;
}

cumulus_pallet_parachain_system::register_validate_block! {
    Runtime = Runtime,
    BlockExecutor = cumulus_pallet_aura_ext::BlockExecutor::<Runtime, Executive>,
}
