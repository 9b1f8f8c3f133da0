//! Calls that are refused, and their errors.

use super::{alice_publishes, alice_registers};
use crate::{Error, mock::*};
use assay_exact::bounded::Bounded;
use assay_types::{
    Dimension, ModelParts, Schema,
    limits::MAX_VERSIONS,
    schema::{SymbolRange, TensorSchema, ValueRange},
};
use polkadot_sdk::{
    frame_support::{assert_err, assert_noop, assert_ok},
    sp_runtime::{BoundedVec, DispatchResult, TokenError},
};

/// Changes the first of a schema's inputs or outputs.
fn change_first<const MAX: u32>(tensors: &mut Bounded<TensorSchema, MAX>, change: impl FnOnce(&mut TensorSchema)) {
    let mut list = tensors.to_vec();
    change(list.first_mut().expect("there is one"));
    *tensors = list.try_into().expect("as many as before");
}

fn bob_registers(called: &str, number: u64, schema: Schema) -> DispatchResult {
    Models::register(RuntimeOrigin::signed(BOB), name(called), parts(number, schema))
}

#[test]
fn a_name_is_taken_once() {
    story(|| {
        alice_registers();
        assert_noop!(bob_registers("digits", 2, digits()), Error::<Test>::NameTaken);
        assert_ok!(bob_registers("Digits", 2, digits()));
    });
}

#[test]
fn a_root_is_taken_once() {
    story(|| {
        alice_registers();
        assert_noop!(bob_registers("letters", 1, digits()), Error::<Test>::RootTaken);
        assert_noop!(
            Models::publish_version(RuntimeOrigin::signed(ALICE), 0, parts(1, digits())),
            Error::<Test>::RootTaken
        );
    });
}

#[test]
fn a_name_must_show() {
    story(|| {
        assert_noop!(bob_registers("", 2, digits()), Error::<Test>::NameEmpty);
        assert_noop!(
            bob_registers("dig\u{200b}its", 2, digits()),
            Error::<Test>::NameNotPrintable
        );
        let bytes: BoundedVec<u8, _> = vec![0xff].try_into().expect("one byte fits");
        assert_noop!(
            Models::register(RuntimeOrigin::signed(BOB), bytes, parts(2, digits())),
            Error::<Test>::NameNotUtf8
        );
    });
}

#[test]
fn a_schema_must_be_sound() {
    story(|| {
        let with = |change: &dyn Fn(&mut Schema)| {
            let mut schema = digits();
            change(&mut schema);
            bob_registers("letters", 2, schema)
        };
        let dimension = |schema: &mut Schema, dimension| {
            change_first(&mut schema.inputs, |tensor| {
                tensor.dimensions = vec![dimension].try_into().expect("one dimension")
            });
        };
        let range = |schema: &mut Schema, min, max| {
            schema.symbols = vec![SymbolRange {
                name: name("batch"),
                min,
                max,
            }]
            .try_into()
            .expect("one symbol");
        };

        assert_noop!(
            with(&|s| s.inputs = Default::default()),
            Error::<Test>::SchemaWithoutTensors
        );
        assert_noop!(
            with(&|s| s.outputs = Default::default()),
            Error::<Test>::SchemaWithoutTensors
        );
        assert_noop!(
            with(&|s| dimension(s, Dimension::Symbol(1))),
            Error::<Test>::SchemaUnknownSymbol
        );
        assert_noop!(
            with(&|s| dimension(s, Dimension::Fixed(0))),
            Error::<Test>::SchemaZeroDimension
        );
        let affine = |offset| Dimension::of_symbol(0, 1, offset).expect("a sum");
        assert_noop!(with(&|s| dimension(s, affine(1))), Error::<Test>::SchemaUnsound);
        let gives = |s: &mut Schema, dimension| {
            change_first(&mut s.outputs, |tensor| {
                tensor.dimensions = vec![dimension].try_into().expect("one dimension")
            });
        };
        assert_noop!(with(&|s| gives(s, affine(-1))), Error::<Test>::SchemaZeroDimension);
        assert_noop!(with(&|s| range(s, 0, 4)), Error::<Test>::SchemaEmptyRange);
        assert_noop!(with(&|s| range(s, 5, 4)), Error::<Test>::SchemaEmptyRange);
        let huge = |s: &mut Schema| {
            change_first(&mut s.inputs, |tensor| {
                tensor.dimensions = vec![Dimension::Fixed(u32::MAX); 3]
                    .try_into()
                    .expect("three dimensions")
            });
        };
        assert_noop!(with(&huge), Error::<Test>::SchemaTooLarge);
    });
}

#[test]
fn parts_that_no_job_may_name_are_refused() {
    story(|| {
        let with = |change: &dyn Fn(&mut ModelParts)| {
            let mut changed = parts(2, digits());
            change(&mut changed);
            Models::register(RuntimeOrigin::signed(BOB), name("letters"), changed)
        };
        assert_noop!(with(&|parts| parts.definition += 1), Error::<Test>::UnknownDefinition);
        assert_noop!(with(&|parts| parts.head.operators = 0), Error::<Test>::OperatorCount);
        assert_noop!(
            with(&|parts| parts.outputs = Default::default()),
            Error::<Test>::OutputsUnsound
        );
        let ranged = |parts: &mut ModelParts| {
            let mut inputs = parts.schema.inputs.to_vec();
            inputs[0].range = Some(ValueRange { min: 0, max: 1 });
            parts.schema.inputs = inputs.try_into().expect("as many as before");
        };
        assert_noop!(with(&ranged), Error::<Test>::SchemaValueRange);
        assert_ok!(with(&|_| ()));
    });
}

#[test]
fn the_names_in_a_schema_must_show_or_be_empty() {
    story(|| {
        let with = |change: &dyn Fn(&mut Schema)| {
            let mut schema = digits();
            change(&mut schema);
            bob_registers("letters", 2, schema)
        };
        let hidden = |s: &mut Schema| {
            change_first(&mut s.outputs, |tensor| tensor.name = name("a\u{202e}b"));
        };
        assert_noop!(with(&hidden), Error::<Test>::SchemaNameNotPrintable);
        let unnamed = |s: &mut Schema| {
            change_first(&mut s.outputs, |tensor| tensor.name = name(""));
        };
        assert_ok!(with(&unnamed));
    });
}

#[test]
fn only_the_owner_changes_a_model() {
    story(|| {
        alice_registers();
        let bob = || RuntimeOrigin::signed(BOB);
        assert_noop!(
            Models::publish_version(bob(), 0, parts(2, digits())),
            Error::<Test>::NotOwner
        );
        assert_noop!(Models::deprecate(bob(), version(0, 1)), Error::<Test>::NotOwner);
        assert_noop!(Models::transfer(bob(), 0, BOB), Error::<Test>::NotOwner);
        assert_noop!(Models::remove_version(bob(), version(0, 1)), Error::<Test>::NotOwner);
    });
}

#[test]
fn what_is_not_registered_is_unknown() {
    story(|| {
        alice_registers();
        let alice = || RuntimeOrigin::signed(ALICE);
        assert_noop!(
            Models::publish_version(alice(), 1, parts(2, digits())),
            Error::<Test>::UnknownModel
        );
        assert_noop!(Models::deprecate(alice(), version(1, 1)), Error::<Test>::UnknownModel);
        assert_noop!(Models::deprecate(alice(), version(0, 2)), Error::<Test>::UnknownVersion);
        assert_noop!(Models::transfer(alice(), 1, BOB), Error::<Test>::UnknownModel);
        assert_noop!(Models::accept_transfer(alice(), 1), Error::<Test>::UnknownModel);
        assert_noop!(
            Models::remove_version(alice(), version(0, 2)),
            Error::<Test>::UnknownVersion
        );
    });
}

#[test]
fn versions_are_bounded_until_one_is_removed() {
    story(|| {
        alice_registers();
        for number in 2..=u64::from(MAX_VERSIONS) {
            alice_publishes(number);
        }
        let publish = || Models::publish_version(RuntimeOrigin::signed(ALICE), 0, parts(99, digits()));
        assert_noop!(publish(), Error::<Test>::TooManyVersions);

        assert_ok!(Models::deprecate(RuntimeOrigin::signed(ALICE), version(0, 1)));
        assert_noop!(publish(), Error::<Test>::TooManyVersions);
        advance_to(1 + RETIREMENT_BLOCKS);
        assert_ok!(Models::remove_version(RuntimeOrigin::signed(ALICE), version(0, 1)));
        assert_ok!(publish());
    });
}

#[test]
fn who_cannot_pay_the_deposit_registers_nothing() {
    story(|| {
        assert_err!(
            Models::register(RuntimeOrigin::signed(PAUPER), name("poor"), parts(7, digits())),
            TokenError::FundsUnavailable
        );
        assert_eq!(held(PAUPER), 0);
    });
}
