//! Parameters are changed by the one origin that may, and refused with their names.

use crate::{Error, ParameterName, mock::*};
use polkadot_sdk::{
    frame_support::{assert_noop, assert_ok},
    sp_runtime::{DispatchError, ModuleError},
};

#[test]
fn a_parameter_is_changed_within_its_range_and_its_rules() {
    story(|| {
        let set = |value| Governance::set_parameter(RuntimeOrigin::root(), Box::new(value));
        assert_ok!(set(100));
        assert_eq!(Deadline::get(), 100);
        for value in [0, 4, 101, u64::MAX] {
            assert_noop!(set(value), Error::<Test>::OutOfRange(ParameterName::MaxDeadline));
        }
        assert_noop!(set(9), Error::<Test>::Contradiction(ParameterName::MaxDeadline));
        assert_eq!(Deadline::get(), 100);
    });
}

#[test]
fn nobody_else_changes_a_parameter() {
    story(|| {
        for account in [COMMITTEE, MINORITY, 9] {
            assert_noop!(
                Governance::set_parameter(RuntimeOrigin::signed(account), Box::new(50)),
                DispatchError::BadOrigin
            );
        }
    });
}

#[test]
fn a_refusal_carries_the_parameters_name() {
    let refused = |name| -> [u8; 4] {
        let error: DispatchError = Error::<Test>::OutOfRange(name).into();
        match error {
            DispatchError::Module(ModuleError { error, .. }) => error,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(refused(ParameterName::MinDeadline)[1], 0);
    assert_eq!(refused(ParameterName::MaxDeadline)[1], 1);
    assert_ne!(
        refused(ParameterName::EnactmentBlocks),
        refused(ParameterName::LaneSpeed)
    );
}
