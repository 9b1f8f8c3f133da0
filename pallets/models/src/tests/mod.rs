//! Stories of models and their owners. Each ends with a check of the whole state.

mod lifecycle;
mod refusals;
mod transfers;

use crate::mock::{ALICE, Models, RuntimeOrigin, digits, name, parts};
use polkadot_sdk::frame_support::assert_ok;

/// Alice registers model 0, `digits`, whose version 1 has root 1.
fn alice_registers() {
    assert_ok!(Models::register(
        RuntimeOrigin::signed(ALICE),
        name("digits"),
        parts(1, digits()),
    ));
}

/// Alice publishes the next version of model 0.
fn alice_publishes(number: u64) {
    assert_ok!(Models::publish_version(
        RuntimeOrigin::signed(ALICE),
        0,
        parts(number, digits()),
    ));
}
