//! The pool of a node that hands off data asks the runtime, which lets accounts with money use it and stores nothing.

use crate::chain::in_first_block;
use assay_runtime::{
    AccountId, Balances, Block, Executive, Runtime, RuntimeOrigin, System, UncheckedExtrinsic,
    hop::{MAX_BYTES, MIN_MONEY},
    units::UNIT,
};
use polkadot_sdk::{
    frame_support::assert_ok,
    sp_core::sr25519,
    sp_keyring::Sr25519Keyring::Alice,
    sp_runtime::{MultiSignature, MultiSigner, transaction_validity::TransactionSource},
};
use sp_hop::runtime_decl_for_hop_runtime_api::HopRuntimeApi;

fn may_hand_off(who: &AccountId, bytes: u32) -> bool {
    <Runtime as HopRuntimeApi<Block, AccountId>>::can_account_promote(who.clone(), bytes)
}

#[test]
fn an_account_hands_off_data_if_it_has_money() {
    in_first_block(|| {
        let poor = AccountId::new([7; 32]);
        let pay = |amount| {
            let from = RuntimeOrigin::signed(Alice.to_account_id());
            assert_ok!(Balances::transfer_allow_death(from, poor.clone().into(), amount));
        };
        assert!(!may_hand_off(&poor, 1));
        pay(MIN_MONEY - UNIT);
        assert!(!may_hand_off(&poor, 1));
        pay(UNIT);
        assert!(may_hand_off(&poor, 1));
        assert!(may_hand_off(&poor, MAX_BYTES));
        assert!(!may_hand_off(&poor, MAX_BYTES + 1));
        assert_eq!(
            <Runtime as HopRuntimeApi<Block, AccountId>>::max_promotion_size(),
            MAX_BYTES
        );
    });
}

#[test]
fn every_pool_refuses_to_store_data_on_chain() {
    in_first_block(|| {
        let signer = MultiSigner::Sr25519(Alice.public());
        let signature = MultiSignature::Sr25519(sr25519::Signature::from_raw([0; 64]));
        let promotion: UncheckedExtrinsic = <Runtime as HopRuntimeApi<Block, AccountId>>::create_promotion_extrinsic(
            vec![1; 1 << 20],
            signer,
            signature,
            0,
        );
        assert!(Executive::apply_extrinsic(promotion.clone()).is_err());
        for source in [TransactionSource::Local, TransactionSource::External] {
            let validity = Executive::validate_transaction(source, promotion.clone(), System::block_hash(0));
            assert!(validity.is_err(), "{validity:?}");
        }
        assert!(!<Runtime as HopRuntimeApi<Block, AccountId>>::is_promoted_on_chain(
            [1; 32]
        ));
    });
}
