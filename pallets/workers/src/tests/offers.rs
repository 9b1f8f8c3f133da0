//! Offers and their books.

use crate::{Error, Event, Offers, OffersOf, mock::*};
use assay_types::{
    OfferInfo, Outcome,
    limits::{MAX_OFFERS_PER_MODEL, MAX_OFFERS_PER_WORKER},
};
use polkadot_sdk::{
    frame_support::{assert_noop, assert_ok, traits::fungible::Mutate},
    sp_runtime::Perbill,
};

/// The first of the workers that fill a book.
const CROWD: u64 = 1_000;

/// As many workers as a book has places offer digits, at 100, 101, and so on.
fn crowd_fills_the_book() {
    for place in 0..u64::from(MAX_OFFERS_PER_MODEL) {
        let worker = CROWD + place;
        assert_ok!(Balances::mint_into(&worker, ENDOWMENT));
        register(worker, MIN_STAKE);
        offer(worker, DIGITS, 100 + place);
    }
}

#[test]
fn a_book_is_in_order_of_price_and_then_of_age() {
    story(|| {
        for worker in [ALICE, BOB, CHARLIE] {
            register(worker, MIN_STAKE);
        }
        offer(ALICE, DIGITS, 70);
        offer(BOB, DIGITS, 50);
        offer(CHARLIE, DIGITS, 70);
        assert_eq!(book(DIGITS), [(BOB, 50), (ALICE, 70), (CHARLIE, 70)]);

        // A new price is a new age; the same price with another capacity is not.
        offer(BOB, DIGITS, 70);
        assert_ok!(Workers::publish_offer(signed(ALICE), DIGITS, at(70), 3));
        assert_eq!(book(DIGITS), [(ALICE, 70), (CHARLIE, 70), (BOB, 70)]);
        assert_eq!(Workers::offer_of(&ALICE, DIGITS).map(|offer| offer.capacity), Some(3));
    });
}

#[test]
fn an_offer_is_seen_in_its_event_and_in_the_views() {
    story(|| {
        register(ALICE, MIN_STAKE);
        assert_ok!(Workers::publish_offer(signed(ALICE), DIGITS, at(70), 3));
        System::assert_last_event(
            Event::OfferPublished {
                worker: ALICE,
                version: DIGITS,
                terms: at(70),
                capacity: 3,
                from: 1,
            }
            .into(),
        );
        let info = Workers::worker(ALICE).expect("she is registered");
        let shown = OfferInfo {
            version: DIGITS,
            terms: at(70),
            capacity: 3,
            load: 0,
            from: 1,
            waits: false,
        };
        assert_eq!(info.offers, [shown]);
        assert_eq!(Workers::worker(BOB), None);
    });
}

#[test]
fn an_offer_must_be_for_something() {
    story(|| {
        register(ALICE, MIN_STAKE);
        let publish = |version, price, capacity| Workers::publish_offer(signed(ALICE), version, at(price), capacity);
        assert_noop!(publish(DIGITS, 0, 1), Error::<Test>::ZeroPrice);
        assert_noop!(publish(DIGITS, 1, 0), Error::<Test>::ZeroCapacity);
        assert_noop!(publish(OLD, 1, 1), Error::<Test>::VersionDeprecated);
        assert_noop!(publish(model(UNKNOWN_FROM), 1, 1), Error::<Test>::UnknownVersion);
        // A job locks twice its price.
        assert_noop!(
            publish(DIGITS, MIN_STAKE / 2 + 1, 1),
            Error::<Test>::StakeTooSmallForPrice
        );
        assert_ok!(publish(DIGITS, MIN_STAKE / 2, 1));
    });
}

#[test]
fn a_full_book_is_entered_only_below_its_dearest() {
    story(|| {
        crowd_fills_the_book();
        let dearest = 100 + u64::from(MAX_OFFERS_PER_MODEL) - 1;
        register(ALICE, MIN_STAKE);
        assert_eq!(Workers::entry_price(DIGITS), Some(dearest - 1));
        assert_noop!(
            Workers::publish_offer(signed(ALICE), DIGITS, at(dearest), 1),
            Error::<Test>::BookFull
        );

        offer(ALICE, DIGITS, dearest - 1);
        let displaced = CROWD + u64::from(MAX_OFFERS_PER_MODEL) - 1;
        System::assert_has_event(
            Event::OfferDisplaced {
                worker: displaced,
                version: DIGITS,
            }
            .into(),
        );
        assert!(!OffersOf::<Test>::contains_key(displaced));
        assert_eq!(book(DIGITS).last(), Some(&(ALICE, dearest - 1)));
        assert_eq!(Workers::entry_price(DIGITS), Some(dearest - 2));
    });
}

#[test]
fn a_worker_in_a_full_book_may_raise_its_price() {
    story(|| {
        crowd_fills_the_book();
        offer(CROWD, DIGITS, 400);
        assert_eq!(book(DIGITS).last(), Some(&(CROWD, 400)));
        assert_eq!(book(DIGITS).len(), MAX_OFFERS_PER_MODEL as usize);
    });
}

#[test]
fn a_book_with_places_is_entered_at_any_price() {
    story(|| {
        assert_eq!(Workers::entry_price(DIGITS), None);
        register(ALICE, MIN_STAKE);
        offer(ALICE, DIGITS, 1);
        assert_eq!(Workers::entry_price(DIGITS), None);
    });
}

#[test]
fn offers_of_one_worker_are_bounded() {
    story(|| {
        register(ALICE, MIN_STAKE);
        for number in 0..MAX_OFFERS_PER_WORKER {
            offer(ALICE, model(10 + number), 50);
        }
        assert_noop!(
            Workers::publish_offer(signed(ALICE), DIGITS, at(50), 1),
            Error::<Test>::TooManyOffers
        );
        offer(ALICE, model(10), 60);
        assert_ok!(Workers::remove_offer(signed(ALICE), model(10)));
        offer(ALICE, DIGITS, 50);
    });
}

#[test]
fn a_removed_offer_leaves_nothing_behind() {
    story(|| {
        register(ALICE, MIN_STAKE);
        offer(ALICE, DIGITS, 50);
        assert_noop!(
            Workers::remove_offer(signed(ALICE), LETTERS),
            Error::<Test>::NoSuchOffer
        );
        assert_noop!(Workers::remove_offer(signed(BOB), DIGITS), Error::<Test>::NoSuchOffer);

        assert_ok!(Workers::remove_offer(signed(ALICE), DIGITS));
        System::assert_last_event(
            Event::OfferRemoved {
                worker: ALICE,
                version: DIGITS,
            }
            .into(),
        );
        assert!(!Offers::<Test>::contains_key(DIGITS));
        assert!(!OffersOf::<Test>::contains_key(ALICE));
    });
}

#[test]
fn paused_workers_make_place_for_any_eligible_offer() {
    story(|| {
        crowd_fills_the_book();
        let dearest = CROWD + u64::from(MAX_OFFERS_PER_MODEL) - 1;
        register(ALICE, MIN_STAKE);
        let publish = |worker, price| Workers::publish_offer(signed(worker), DIGITS, at(price), 1);
        assert_noop!(publish(ALICE, 400), Error::<Test>::BookFull);

        // Who is paused displaces nobody, at no price.
        assert_ok!(Workers::pause(signed(ALICE)));
        assert_noop!(publish(ALICE, 1), Error::<Test>::BookFull);
        assert_ok!(Workers::resume(signed(ALICE)));

        assert_ok!(Workers::pause(signed(CROWD)));
        assert_ok!(publish(ALICE, 400));
        System::assert_has_event(
            Event::OfferDisplaced {
                worker: CROWD,
                version: DIGITS,
            }
            .into(),
        );
        assert_eq!(book(DIGITS).last(), Some(&(ALICE, 400)));
        assert!(book(DIGITS).iter().any(|(worker, _)| *worker == dearest));
        let waits = |worker| {
            let offers = Workers::worker(worker).map(|info| info.offers).unwrap_or_default();
            offers.iter().map(|offer| offer.waits).collect::<Vec<_>>()
        };
        assert_eq!(waits(CROWD), [true]);

        // It comes back when there is room.
        assert_ok!(Workers::resume(signed(CROWD)));
        assert_eq!(waits(CROWD), [true]);
        assert_ok!(Workers::remove_offer(signed(ALICE), DIGITS));
        assert_ok!(Workers::bond_more(signed(CROWD), 1));
        System::assert_last_event(
            Event::OfferRestored {
                worker: CROWD,
                version: DIGITS,
            }
            .into(),
        );
        assert_eq!(waits(CROWD), [false]);
        assert_eq!(book(DIGITS).first(), Some(&(CROWD, 100)));
    });
}

#[test]
fn who_returned_under_a_slash_makes_place_as_well() {
    story(|| {
        crowd_fills_the_book();
        assert_ok!(job(CROWD, 1));
        assert_ok!(release(CROWD, FLOOR, Outcome::Claimed));
        let conviction = Outcome::Convicted {
            share: Perbill::zero(),
            awards: [(BOB, 0), (BOB, 0)],
        };
        assert_ok!(release(CROWD, FLOOR, conviction));
        assert_ok!(Workers::leave(signed(CROWD)));
        register(CROWD, MIN_STAKE);
        offer(CROWD, DIGITS, 100);

        register(ALICE, MIN_STAKE);
        offer(ALICE, DIGITS, 400);
        assert_eq!(book(DIGITS).last(), Some(&(ALICE, 400)));
        assert!(book(DIGITS).iter().all(|(worker, _)| *worker != CROWD));
    });
}

#[test]
fn an_offer_that_waits_can_be_removed_and_published_again() {
    story(|| {
        crowd_fills_the_book();
        register(ALICE, MIN_STAKE);
        register(BOB, MIN_STAKE);
        for paused in [CROWD, CROWD + 1, CROWD + 2] {
            assert_ok!(Workers::pause(signed(paused)));
        }
        // The last one that is not eligible goes first.
        offer(ALICE, DIGITS, 400);
        offer(BOB, DIGITS, 400);
        let has_offer = |worker| Workers::offer_of(&worker, DIGITS).is_some();
        assert_ok!(Workers::remove_offer(signed(CROWD + 2), DIGITS));
        assert!(!has_offer(CROWD + 2) && has_offer(CROWD + 1));

        // One that is not eligible stands there still.
        assert_ok!(Workers::resume(signed(CROWD + 1)));
        offer(CROWD + 1, DIGITS, 500);
        assert_eq!(book(DIGITS).last(), Some(&(CROWD + 1, 500)));
        assert!(book(DIGITS).iter().all(|(worker, _)| *worker != CROWD));
        assert_ok!(Workers::drain(signed(CROWD)));
        assert!(!has_offer(CROWD));
    });
}
