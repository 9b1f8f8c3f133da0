//! The runtime APIs, which nodes, wallets and tools call.

use crate::{
    configs::{
        consensus::{ConsensusHook, RELAY_PARENT_OFFSET},
        xcm::{LocationToAccountId, TokenLocation, XcmConfig, XcmRouter},
    },
    units::{BLOCKS_PER_RELAY_SLOT, SLOT_MS},
    *,
};
use alloc::{vec, vec::Vec};
use assay_types::{
    Announcement, ClaimId, JobId, ModelVersion, NoOffer, Page, Quote, SealStatus, SessionId, SessionQuote, SlashId,
    WhyNot, WorkerInfo,
    dispute::{Place, Revealed},
    runtime_api::{JobLayout, ModelInfo, NoLayout},
};
use cumulus_primitives_core::{CollationInfo, ParaId, RelayProofRequest};
use frame_support::{
    genesis_builder_helper::{build_state, get_preset},
    view_functions::{ViewFunctionDispatchError, ViewFunctionId},
    weights::Weight,
};
use pallet_transaction_payment::{FeeDetails, RuntimeDispatchInfo};
use sp_consensus_aura::{Slot, SlotDuration};
use sp_core::{OpaqueMetadata, crypto::KeyTypeId};
use sp_genesis_builder::PresetId;
use sp_inherents::{CheckInherentsResult, InherentData};
use sp_runtime::{
    ApplyExtrinsicResult, ExtrinsicInclusionMode, MultiSigner,
    traits::Block as BlockT,
    transaction_validity::{TransactionSource, TransactionValidity},
};
use sp_session::OpaqueGeneratedSessionKeys;
use staging_xcm::{
    Version as XcmVersion, VersionedAsset, VersionedAssetId, VersionedAssets, VersionedLocation, VersionedXcm,
    latest::AssetId,
};
use xcm_runtime_apis::{
    conversions, dry_run,
    dry_run::{CallDryRunEffects, XcmDryRunEffects},
    fees, trusted_query,
};

sp_api::impl_runtime_apis! {
    impl sp_api::Core<Block> for Runtime {
        fn version() -> RuntimeVersion {
            VERSION
        }

        fn execute_block(block: <Block as BlockT>::LazyBlock) {
            Executive::execute_block(block)
        }

        fn initialize_block(header: &Header) -> ExtrinsicInclusionMode {
            Executive::initialize_block(header)
        }
    }

    impl sp_api::Metadata<Block> for Runtime {
        fn metadata() -> OpaqueMetadata {
            OpaqueMetadata::new(Runtime::metadata().into())
        }

        fn metadata_at_version(version: u32) -> Option<OpaqueMetadata> {
            Runtime::metadata_at_version(version)
        }

        fn metadata_versions() -> Vec<u32> {
            Runtime::metadata_versions()
        }
    }

    impl frame_support::view_functions::runtime_api::RuntimeViewFunction<Block> for Runtime {
        fn execute_view_function(
            id: ViewFunctionId,
            input: Vec<u8>,
        ) -> Result<Vec<u8>, ViewFunctionDispatchError> {
            Runtime::execute_view_function(id, input)
        }
    }

    impl sp_block_builder::BlockBuilder<Block> for Runtime {
        fn apply_extrinsic(extrinsic: UncheckedExtrinsic) -> ApplyExtrinsicResult {
            Executive::apply_extrinsic(extrinsic)
        }

        fn finalize_block() -> Header {
            Executive::finalize_block()
        }

        fn inherent_extrinsics(data: InherentData) -> Vec<UncheckedExtrinsic> {
            data.create_extrinsics()
        }

        fn check_inherents(block: <Block as BlockT>::LazyBlock, data: InherentData) -> CheckInherentsResult {
            data.check_extrinsics(&block)
        }
    }

    impl sp_transaction_pool::runtime_api::TaggedTransactionQueue<Block> for Runtime {
        fn validate_transaction(
            source: TransactionSource,
            transaction: UncheckedExtrinsic,
            block: Hash,
        ) -> TransactionValidity {
            Executive::validate_transaction(source, transaction, block)
        }
    }

    impl sp_offchain::OffchainWorkerApi<Block> for Runtime {
        fn offchain_worker(header: &Header) {
            Executive::offchain_worker(header)
        }
    }

    impl sp_session::SessionKeys<Block> for Runtime {
        fn generate_session_keys(owner: Vec<u8>, seed: Option<Vec<u8>>) -> OpaqueGeneratedSessionKeys {
            SessionKeys::generate(&owner, seed).into()
        }

        fn decode_session_keys(encoded: Vec<u8>) -> Option<Vec<(Vec<u8>, KeyTypeId)>> {
            SessionKeys::decode_into_raw_public_keys(&encoded)
        }
    }

    impl sp_consensus_aura::AuraApi<Block, AuraId> for Runtime {
        fn slot_duration() -> SlotDuration {
            SlotDuration::from_millis(SLOT_MS)
        }

        fn authorities() -> Vec<AuraId> {
            pallet_aura::Authorities::<Runtime>::get().into_inner()
        }
    }

    impl cumulus_primitives_aura::AuraUnincludedSegmentApi<Block> for Runtime {
        fn can_build_upon(included: Hash, slot: Slot) -> bool {
            ConsensusHook::can_build_upon(included, slot)
        }
    }

    impl cumulus_primitives_core::RelayParentOffsetApi<Block> for Runtime {
        fn relay_parent_offset() -> u32 {
            RELAY_PARENT_OFFSET
        }

        // One relay block ahead of the next leaves room for asynchronous backing; more would let a collator skip turns.
        fn max_claim_queue_offset() -> u8 {
            1
        }
    }

    impl cumulus_primitives_core::SchedulingV3EnabledApi<Block> for Runtime {
        fn scheduling_v3_enabled() -> bool {
            false
        }
    }

    impl cumulus_primitives_core::TargetBlockRate<Block> for Runtime {
        fn target_block_rate() -> u32 {
            BLOCKS_PER_RELAY_SLOT
        }
    }

    impl cumulus_primitives_core::GetParachainInfo<Block> for Runtime {
        fn parachain_id() -> ParaId {
            ParachainInfo::parachain_id()
        }
    }

    impl cumulus_primitives_core::CollectCollationInfo<Block> for Runtime {
        fn collect_collation_info(header: &Header) -> CollationInfo {
            ParachainSystem::collect_collation_info(header)
        }
    }

    impl cumulus_primitives_core::KeyToIncludeInRelayProof<Block> for Runtime {
        fn keys_to_prove() -> RelayProofRequest {
            RelayProofRequest::default()
        }
    }

    impl frame_system_rpc_runtime_api::AccountNonceApi<Block, AccountId, Nonce> for Runtime {
        fn account_nonce(account: AccountId) -> Nonce {
            System::account_nonce(account)
        }
    }

    impl pallet_transaction_payment_rpc_runtime_api::TransactionPaymentApi<Block, Balance> for Runtime {
        fn query_info(transaction: UncheckedExtrinsic, length: u32) -> RuntimeDispatchInfo<Balance> {
            TransactionPayment::query_info(transaction, length)
        }

        fn query_fee_details(transaction: UncheckedExtrinsic, length: u32) -> FeeDetails<Balance> {
            TransactionPayment::query_fee_details(transaction, length)
        }

        fn query_weight_to_fee(weight: Weight) -> Balance {
            TransactionPayment::weight_to_fee(weight)
        }

        fn query_length_to_fee(length: u32) -> Balance {
            TransactionPayment::length_to_fee(length)
        }
    }

    impl pallet_transaction_payment_rpc_runtime_api::TransactionPaymentCallApi<Block, Balance, RuntimeCall>
        for Runtime
    {
        fn query_call_info(call: RuntimeCall, length: u32) -> RuntimeDispatchInfo<Balance> {
            TransactionPayment::query_call_info(call, length)
        }

        fn query_call_fee_details(call: RuntimeCall, length: u32) -> FeeDetails<Balance> {
            TransactionPayment::query_call_fee_details(call, length)
        }

        fn query_weight_to_fee(weight: Weight) -> Balance {
            TransactionPayment::weight_to_fee(weight)
        }

        fn query_length_to_fee(length: u32) -> Balance {
            TransactionPayment::length_to_fee(length)
        }
    }

    impl fees::XcmPaymentApi<Block> for Runtime {
        fn query_acceptable_payment_assets(version: XcmVersion) -> Result<Vec<VersionedAssetId>, fees::Error> {
            PolkadotXcm::query_acceptable_payment_assets(version, vec![AssetId(TokenLocation::get())])
        }

        fn query_weight_to_asset_fee(weight: Weight, asset: VersionedAssetId) -> Result<u128, fees::Error> {
            type Trader = <XcmConfig as staging_xcm_executor::Config>::Trader;
            PolkadotXcm::query_weight_to_asset_fee::<Trader>(weight, asset)
        }

        fn query_xcm_weight(message: VersionedXcm<()>) -> Result<Weight, fees::Error> {
            PolkadotXcm::query_xcm_weight(message)
        }

        fn query_delivery_fees(
            destination: VersionedLocation,
            message: VersionedXcm<()>,
            asset: VersionedAssetId,
        ) -> Result<VersionedAssets, fees::Error> {
            type AssetExchanger = <XcmConfig as staging_xcm_executor::Config>::AssetExchanger;
            PolkadotXcm::query_delivery_fees::<AssetExchanger>(destination, message, asset)
        }
    }

    impl dry_run::DryRunApi<Block, RuntimeCall, RuntimeEvent, OriginCaller> for Runtime {
        fn dry_run_call(
            origin: OriginCaller,
            call: RuntimeCall,
            result_xcms_version: XcmVersion,
        ) -> Result<CallDryRunEffects<RuntimeEvent>, dry_run::Error> {
            PolkadotXcm::dry_run_call::<Runtime, XcmRouter, OriginCaller, RuntimeCall>(
                origin,
                call,
                result_xcms_version,
            )
        }

        fn dry_run_xcm(
            origin: VersionedLocation,
            message: VersionedXcm<RuntimeCall>,
        ) -> Result<XcmDryRunEffects<RuntimeEvent>, dry_run::Error> {
            PolkadotXcm::dry_run_xcm::<XcmRouter>(origin, message)
        }
    }

    impl conversions::LocationToAccountApi<Block, AccountId> for Runtime {
        fn convert_location(location: VersionedLocation) -> Result<AccountId, conversions::Error> {
            conversions::LocationToAccountHelper::<AccountId, LocationToAccountId>::convert_location(location)
        }
    }

    impl trusted_query::TrustedQueryApi<Block> for Runtime {
        fn is_trusted_reserve(
            asset: VersionedAsset,
            location: VersionedLocation,
        ) -> Result<bool, trusted_query::Error> {
            PolkadotXcm::is_trusted_reserve(asset, location)
        }

        fn is_trusted_teleporter(
            asset: VersionedAsset,
            location: VersionedLocation,
        ) -> Result<bool, trusted_query::Error> {
            PolkadotXcm::is_trusted_teleporter(asset, location)
        }
    }

    impl sp_hop::HopRuntimeApi<Block, AccountId> for Runtime {
        fn max_promotion_size() -> u32 {
            hop::MAX_BYTES
        }

        fn can_account_promote(who: AccountId, data_len: u32) -> bool {
            hop::may_hand_off(&who, data_len)
        }

        fn create_promotion_extrinsic(
            _data: Vec<u8>,
            _signer: MultiSigner,
            _signature: MultiSignature,
            _submit_timestamp: u64,
        ) -> UncheckedExtrinsic {
            hop::no_promotion()
        }

        fn is_promoted_on_chain(_hash: [u8; 32]) -> bool {
            false
        }
    }

    impl assay_types::runtime_api::AssayApi<Block, AccountId, Balance, BlockNumber> for Runtime {
        fn job(job: JobId) -> Option<pallet_market::JobOf<Runtime>> {
            Market::job(job)
        }

        fn jobs_of(account: AccountId, after: Option<JobId>, limit: u32) -> Page<pallet_market::JobOf<Runtime>> {
            Market::jobs_of(&account, after, limit)
        }

        fn open_jobs(model: ModelVersion, after: Option<JobId>, limit: u32) -> Page<pallet_market::JobOf<Runtime>> {
            Market::jobs_open_for_bids(model, after, limit)
        }

        fn quote(
            model: ModelVersion,
            symbols: Vec<u32>,
            deadline_blocks: BlockNumber,
            window_blocks: BlockNumber,
        ) -> Result<Quote<AccountId, Balance>, NoOffer> {
            Market::quote(model, &symbols, deadline_blocks, window_blocks)
        }

        fn quote_batch(
            model: ModelVersion,
            symbols: Vec<u32>,
            deadline_blocks: BlockNumber,
            window_blocks: BlockNumber,
            jobs: u32,
        ) -> Result<Vec<Quote<AccountId, Balance>>, NoOffer> {
            Market::quote_batch(model, &symbols, deadline_blocks, window_blocks, jobs)
        }

        fn models(after: Option<ModelVersion>, limit: u32) -> Vec<ModelInfo> {
            Models::models_from(after, limit)
        }

        fn offers(model: ModelVersion) -> Vec<pallet_workers::OfferOf<Runtime>> {
            Workers::offers(model)
        }

        fn layout(model: ModelVersion, symbols: Vec<u32>) -> Result<JobLayout, NoLayout> {
            Market::layout(model, &symbols)
        }

        fn worker(account: AccountId) -> Option<WorkerInfo<Balance, BlockNumber>> {
            Workers::worker_info(&account)
        }

        fn announcement(worker: AccountId) -> Option<Announcement> {
            Workers::announcement_of(&worker)
        }

        fn announcements(after: Option<AccountId>, limit: u32) -> Vec<(AccountId, Announcement)> {
            Workers::announcements_from(after, limit)
        }

        fn why_not(worker: AccountId, job: JobId) -> WhyNot<AccountId, Balance, BlockNumber> {
            Market::why_not(&worker, Workers::worker_info(&worker), job)
        }

        fn claimed_jobs(after: Option<JobId>, limit: u32) -> Page<pallet_market::JobOf<Runtime>> {
            Market::claimed_jobs(after, limit)
        }

        fn seal_statuses(jobs: Vec<JobId>) -> Vec<SealStatus> {
            Market::seal_statuses(&jobs)
        }

        fn audits_of(account: AccountId, after: Option<ClaimId>, limit: u32) -> Page<pallet_audits::AuditOf<Runtime>> {
            Audits::audits_of(&account, after, limit)
        }

        fn dispute(job: ClaimId) -> Option<pallet_disputes::DisputeOf<Runtime>> {
            Disputes::dispute(job)
        }

        fn disputes_of(
            account: AccountId,
            after: Option<ClaimId>,
            limit: u32,
        ) -> Page<pallet_disputes::DisputeOf<Runtime>> {
            Disputes::disputes_of(&account, after, limit)
        }

        fn revealed(job: ClaimId, place: Place) -> Option<Revealed> {
            Disputes::revealed(job, place)
        }

        fn bond_for(job: ClaimId) -> Option<Balance> {
            Disputes::bond_of_next_game(job)
        }

        fn awards_of(
            account: AccountId,
            after: Option<SlashId>,
            limit: u32,
        ) -> Page<pallet_disputes::AwardOf<Runtime>> {
            Disputes::awards_of(&account, after, limit)
        }

        fn session(session: SessionId) -> Option<pallet_sessions::SessionOf<Runtime>> {
            Sessions::session(session)
        }

        fn sessions_of(
            account: AccountId,
            after: Option<SessionId>,
            limit: u32,
        ) -> Page<pallet_sessions::SessionOf<Runtime>> {
            Sessions::sessions_of(&account, after, limit)
        }

        fn session_offers(
            model: ModelVersion,
            after: Option<AccountId>,
            limit: u32,
        ) -> Vec<(AccountId, pallet_sessions::OfferOf<Runtime>)> {
            Sessions::offers_on(model, after, limit)
        }

        fn session_quote(
            model: ModelVersion,
            worker: AccountId,
            symbols: Vec<u32>,
        ) -> Option<SessionQuote<Balance>> {
            Sessions::quote_for(model, &worker, &symbols)
        }
    }

    impl sp_genesis_builder::GenesisBuilder<Block> for Runtime {
        fn build_state(config: Vec<u8>) -> sp_genesis_builder::Result {
            build_state::<RuntimeGenesisConfig>(config)
        }

        fn get_preset(id: &Option<PresetId>) -> Option<Vec<u8>> {
            get_preset::<RuntimeGenesisConfig>(id, genesis_presets::get_preset)
        }

        fn preset_names() -> Vec<PresetId> {
            genesis_presets::preset_names()
        }
    }

    #[cfg(feature = "runtime-benchmarks")]
    impl frame_benchmarking::Benchmark<Block> for Runtime {
        fn benchmark_metadata(
            extra: bool,
        ) -> (
            Vec<frame_benchmarking::BenchmarkList>,
            Vec<frame_support::traits::StorageInfo>,
        ) {
            benchmarking::list(extra)
        }

        fn dispatch_benchmark(
            config: frame_benchmarking::BenchmarkConfig,
        ) -> Result<Vec<frame_benchmarking::BenchmarkBatch>, alloc::string::String> {
            benchmarking::run(&config)
        }
    }

    #[cfg(feature = "try-runtime")]
    impl frame_try_runtime::TryRuntime<Block> for Runtime {
        fn on_runtime_upgrade(checks: frame_try_runtime::UpgradeCheckSelect) -> (Weight, Weight) {
            let upgrade = frame_executive::TryRuntimeUpgradeConfig::new(checks);
            // The caller wants the error where it happened, with its backtrace, and no result can carry it.
            let weight = Executive::try_runtime_upgrade_with_config(upgrade).expect("the upgrade must pass its checks");
            (weight, configs::system::RuntimeBlockWeights::get().max_block)
        }

        fn execute_block(
            block: <Block as BlockT>::LazyBlock,
            state_root_check: bool,
            signature_check: bool,
            select: frame_try_runtime::TryStateSelect,
        ) -> Weight {
            Executive::try_execute_block(block, state_root_check, signature_check, select)
                .expect("the block must execute and leave a valid state")
        }
    }
}
