//! Signed transactions of well-known accounts, for tests and benchmarks on the types of this version.

use crate::{
    Address, Balance, Hash, Nonce, Runtime, RuntimeCall, SignedPayload, TxExtension, UncheckedExtrinsic, VERSION,
    lane::Lane,
};
use codec::Encode;
use polkadot_sdk::{
    cumulus_pallet_parachain_system::block_weight::DynamicMaxBlockWeight,
    cumulus_pallet_weight_reclaim::StorageWeightReclaim,
    frame_metadata_hash_extension::CheckMetadataHash,
    frame_system,
    pallet_transaction_payment::ChargeTransactionPayment,
    sp_keyring::Sr25519Keyring,
    sp_runtime::{MultiSignature, generic::Era, traits::TransactionExtension},
};

/// A transaction of this account with this number and tip, on the chain whose first block has this hash. It never
/// expires.
pub fn signed(
    who: Sr25519Keyring,
    call: RuntimeCall,
    (nonce, tip, genesis): (Nonce, Balance, Hash),
    metadata_hash: CheckMetadataHash<Runtime>,
) -> UncheckedExtrinsic {
    let extension: TxExtension = Lane(DynamicMaxBlockWeight::new(StorageWeightReclaim::new((
        frame_system::AuthorizeCall::new(),
        frame_system::CheckNonZeroSender::new(),
        frame_system::CheckSpecVersion::new(),
        frame_system::CheckTxVersion::new(),
        frame_system::CheckGenesis::new(),
        frame_system::CheckEra::from(Era::Immortal),
        frame_system::CheckNonce::from(nonce),
        frame_system::CheckWeight::new(),
        ChargeTransactionPayment::from(tip),
        metadata_hash.clone(),
    ))));
    let (spec, transaction) = (VERSION.spec_version, VERSION.transaction_version);
    // A runtime that knows no hash of its metadata refuses a transaction that asks for one.
    let hash = TransactionExtension::<RuntimeCall>::implicit(&metadata_hash).unwrap_or_default();
    let implicit = ((), (), spec, transaction, genesis, genesis, (), (), (), hash);
    let payload = SignedPayload::from_raw(call.clone(), extension.clone(), implicit);
    let signature = payload.using_encoded(|bytes| who.sign(bytes));
    let sender = Address::Id(who.to_account_id());
    UncheckedExtrinsic::new_signed(call, sender, MultiSignature::Sr25519(signature), extension)
}
