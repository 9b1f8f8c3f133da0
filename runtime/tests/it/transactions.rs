//! Transactions that the runtime takes and refuses, and their fees.

use crate::{
    chain::{in_first_block, signed},
    scene::{execution, offered},
};
use assay_runtime::{
    Address, Balances, CollatorSelection, Executive, Proxy, ProxyType, Runtime, RuntimeCall, RuntimeEvent,
    RuntimeOrigin, System, TransactionPayment,
    units::{EXISTENTIAL_DEPOSIT, MILLIUNIT, MINUTES, UNIT},
};
use assay_types::{
    Delivery, JobInput, JobRequest, Matching, ModelVersion, Payload,
    delivery::{MAX_PIECE_BYTES, OutputPiece},
    limits::{MAX_BATCH, MAX_INLINE_INPUT_BYTES},
};
use codec::Encode;
use polkadot_sdk::{
    frame_metadata_hash_extension::CheckMetadataHash,
    frame_support::{assert_ok, traits::Get, weights::Weight},
    frame_system, pallet_balances, pallet_proxy, pallet_utility,
    sp_keyring::Sr25519Keyring::{Alice, Bob, Charlie, Eve},
    sp_runtime::{
        DispatchError,
        transaction_validity::{InvalidTransaction, TransactionValidityError, UnknownTransaction},
    },
};

fn transfer(value: u128) -> RuntimeCall {
    pallet_balances::Call::transfer_keep_alive {
        dest: Address::Id(Bob.to_account_id()),
        value,
    }
    .into()
}

fn unchecked() -> CheckMetadataHash<Runtime> {
    CheckMetadataHash::new(false)
}

#[test]
fn a_transfer_costs_about_a_thousandth_of_a_token() {
    in_first_block(|| {
        let transaction = signed(Alice, transfer(UNIT), unchecked());
        let length = transaction.encoded_size() as u32;
        let fee = TransactionPayment::query_info(transaction, length).partial_fee;
        assert!((MILLIUNIT / 3..=3 * MILLIUNIT).contains(&fee), "{fee}");
    });
}

#[test]
fn weight_is_charged_by_the_scarcer_of_its_dimensions() {
    in_first_block(|| {
        let time = TransactionPayment::weight_to_fee(Weight::from_parts(2_000_000_000, 0));
        let proof = TransactionPayment::weight_to_fee(Weight::from_parts(0, 64 * 1024));
        let both = TransactionPayment::weight_to_fee(Weight::from_parts(2_000_000_000, 64 * 1024));
        assert!(time > 0 && proof > time);
        assert_eq!(both, proof);
    });
}

#[test]
fn a_missed_deadline_pays_a_client_no_more_than_its_cheapest_submission_costs() {
    type Weights = <Runtime as pallet_market::Config>::WeightInfo;
    type Compensation = <Runtime as pallet_market::Config>::MissCompensation;
    in_first_block(|| {
        // A job of a large batch, at the minimum of the fee multiplier, where blocks stay empty.
        let weight = <Weights as pallet_market::WeightInfo>::submit_batch(MAX_BATCH, 1);
        let fee = TransactionPayment::weight_to_fee(weight) / u128::from(MAX_BATCH) / 10;
        let compensation = <Compensation as Get<u128>>::get();
        assert!(compensation <= fee, "{compensation} for a fee of {fee}");
    });
}

#[test]
fn a_transfer_moves_money_and_its_fee_goes_to_the_collators() {
    in_first_block(|| {
        let (alice, bob) = (Alice.to_account_id(), Bob.to_account_id());
        let before = (
            Balances::free_balance(&alice),
            Balances::free_balance(&bob),
            Balances::total_issuance(),
        );

        assert_ok!(Executive::apply_extrinsic(signed(Alice, transfer(UNIT), unchecked())).expect("it is valid"));

        let fee = before.0 - UNIT - Balances::free_balance(&alice);
        assert_eq!(Balances::free_balance(&bob), before.1 + UNIT);
        assert_eq!(
            Balances::free_balance(CollatorSelection::account_id()),
            EXISTENTIAL_DEPOSIT + fee
        );
        assert_eq!(Balances::total_issuance(), before.2);
    });
}

#[test]
fn a_transaction_is_not_applied_twice() {
    in_first_block(|| {
        let transaction = signed(Alice, transfer(UNIT), unchecked());
        assert_ok!(Executive::apply_extrinsic(transaction.clone()).expect("it is valid"));
        assert_eq!(
            Executive::apply_extrinsic(transaction),
            Err(TransactionValidityError::Invalid(InvalidTransaction::Stale))
        );
    });
}

#[test]
fn a_metadata_hash_that_is_not_the_runtimes_is_refused() {
    in_first_block(|| {
        let other = signed(Alice, transfer(UNIT), CheckMetadataHash::new_with_custom_hash([7; 32]));
        let expected: TransactionValidityError = match option_env!("RUNTIME_METADATA_HASH") {
            // The signature covers a hash, and the runtime puts its own in.
            Some(_) => InvalidTransaction::BadProof.into(),
            // The hash is compiled into releases only.
            None => UnknownTransaction::CannotLookup.into(),
        };
        assert_eq!(Executive::apply_extrinsic(decoded(&other)), Err(expected));
    });
}

/// The transaction as a node gets it, without what the signer's extension remembers beside the bytes.
fn decoded(transaction: &assay_runtime::UncheckedExtrinsic) -> assay_runtime::UncheckedExtrinsic {
    codec::DecodeAll::decode_all(&mut transaction.encode().as_slice()).expect("it was just encoded")
}

#[test]
fn a_list_over_its_limit_is_refused_by_the_limits_name() {
    use pallet_market::{Call, Error};
    in_first_block(|| {
        offered(&execution());
        let request = |bytes: usize| JobRequest {
            model: ModelVersion { model: 0, version: 1 },
            input: JobInput::Inline(Payload {
                symbols: vec![1],
                bytes: vec![0; bytes],
            }),
            ceiling: 2 * UNIT,
            matching: Matching::Offers,
            deadline_blocks: MINUTES,
            window_blocks: MINUTES,
            delivery: Delivery::Digest,
        };
        let requests = vec![request(8); MAX_BATCH as usize + 1];
        let calls: [(Call<Runtime>, Error<Runtime>); 2] = [
            (Call::submit_batch { requests }, Error::BatchTooLong),
            (
                Call::submit {
                    request: request(MAX_INLINE_INPUT_BYTES as usize + 1),
                },
                Error::InputTooLarge,
            ),
        ];
        for (call, error) in calls {
            let transaction = decoded(&signed(Alice, call.into(), unchecked()));
            let outcome = Executive::apply_extrinsic(transaction).expect("it decodes, and is valid");
            assert_eq!(outcome, Err(error.into()));
        }
    });
}

#[test]
fn the_deposit_for_an_output_covers_the_fees_of_its_pieces() {
    in_first_block(|| {
        for bytes in [1, 1_024, MAX_PIECE_BYTES] {
            let piece = OutputPiece {
                root: [0; 32],
                path: vec![[0; 32]; 4],
                bytes: vec![0; bytes as usize],
                proof: vec![[0; 32]; 10],
            };
            let call = pallet_market::Call::deliver_output { job: 0, piece };
            let transaction = signed(Bob, call.into(), unchecked());
            let length = transaction.encoded_size() as u32;
            let fee = TransactionPayment::query_info(transaction, length).partial_fee;
            let of_piece = <Runtime as pallet_market::Config>::DemandPieceDeposit::get();
            let of_bytes = <Runtime as pallet_market::Config>::DemandByteDeposit::get() * u128::from(bytes);
            assert!(fee <= of_piece + of_bytes, "{bytes} bytes cost {fee}");
        }
    });
}

#[test]
fn a_batch_of_two_hundred_transfers_fits_a_block() {
    in_first_block(|| {
        let call: RuntimeCall = pallet_utility::Call::batch_all {
            calls: vec![transfer(UNIT); 200],
        }
        .into();
        assert_ok!(Executive::apply_extrinsic(signed(Alice, call, unchecked())).expect("it is valid"));
        assert_eq!(Balances::free_balance(Bob.to_account_id()), 1_000_200 * UNIT);
    });
}

#[test]
fn a_collator_proxy_cannot_move_money_even_in_a_batch() {
    in_first_block(|| {
        let bob = RuntimeOrigin::signed(Bob.to_account_id());
        let charlie = Address::Id(Charlie.to_account_id());
        assert_ok!(Proxy::add_proxy(bob, charlie, ProxyType::Collator, 0));
        let batch: RuntimeCall = pallet_utility::Call::batch_all {
            calls: vec![
                pallet_balances::Call::transfer_keep_alive {
                    dest: Address::Id(Eve.to_account_id()),
                    value: UNIT,
                }
                .into(),
            ],
        }
        .into();

        let charlie = RuntimeOrigin::signed(Charlie.to_account_id());
        assert_ok!(Proxy::proxy(
            charlie,
            Address::Id(Bob.to_account_id()),
            None,
            Box::new(batch)
        ));

        let result = System::events()
            .into_iter()
            .rev()
            .find_map(|record| match record.event {
                RuntimeEvent::Proxy(pallet_proxy::Event::ProxyExecuted { result }) => Some(result),
                _ => None,
            });
        assert_eq!(
            result,
            Some(Err(DispatchError::from(frame_system::Error::<Runtime>::CallFiltered)))
        );
    });
}
