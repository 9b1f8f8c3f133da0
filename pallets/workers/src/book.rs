//! The book of offers for one model version: the cheapest for the largest job first, the earlier one of two at the same
//! price, one offer per worker, and a cheaper one in place of the most expensive when it is full.
//!
//! Offers have two prices, and a book needs one order, whatever the jobs are. Whoever holds a place should take work
//! for it, so the order is that of a price that somebody may ask for: the one of the largest job that the model takes.
//! Were it the base alone, an offer with a base of nothing and a rate that nobody pays would stand first. Nothing here
//! touches storage.

use assay_types::Offer;
use polkadot_sdk::{
    frame_support::traits::Get,
    sp_runtime::{BoundedVec, traits::AtLeast32BitUnsigned},
};

/// No place: the book is full, and the offer costs as much as the most expensive one or more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BookFull;

/// Puts an offer into the book of a model whose largest job is of this work, in place of the worker's own, and returns
/// the offer that it displaces.
///
/// An offer that keeps its price for the largest job keeps its place; any other is the last at its price. On an error,
/// drop the book: the worker's own offer may be gone from it.
pub fn publish<AccountId, Balance, BlockNumber, S>(
    book: &mut BoundedVec<Offer<AccountId, Balance, BlockNumber>, S>,
    offer: Offer<AccountId, Balance, BlockNumber>,
    largest_work: u64,
) -> Result<Option<Offer<AccountId, Balance, BlockNumber>>, BookFull>
where
    AccountId: PartialEq,
    Balance: AtLeast32BitUnsigned + Copy,
    BlockNumber: Copy + PartialOrd,
    S: Get<u32>,
{
    let price = offer.terms.price(largest_work);
    if let Some(own) = book
        .iter_mut()
        .find(|own| own.worker == offer.worker && own.terms.price(largest_work) == price)
    {
        *own = offer;
        return Ok(None);
    }
    remove(book, &offer.worker);
    let place = book.partition_point(|earlier| earlier.terms.price(largest_work) <= price);
    book.force_insert_keep_left(place, offer).map_err(|_| BookFull)
}

/// As [`publish`], for a book of which some offers are not eligible now: an eligible offer that finds the book full
/// displaces the last one that is not, whatever the prices. An offer that is not eligible itself displaces none.
pub fn enter<AccountId, Balance, BlockNumber, S>(
    book: &mut BoundedVec<Offer<AccountId, Balance, BlockNumber>, S>,
    offer: Offer<AccountId, Balance, BlockNumber>,
    largest_work: u64,
    is_eligible: impl Fn(&AccountId) -> bool,
) -> Result<Option<Offer<AccountId, Balance, BlockNumber>>, BookFull>
where
    AccountId: PartialEq,
    Balance: AtLeast32BitUnsigned + Copy,
    BlockNumber: Copy + PartialOrd,
    S: Get<u32>,
{
    let has_place = !book.is_full() || book.iter().any(|own| own.worker == offer.worker);
    if has_place {
        return publish(book, offer, largest_work);
    }
    if !is_eligible(&offer.worker) {
        return Err(BookFull);
    }
    match book.iter().rposition(|other| !is_eligible(&other.worker)) {
        None => publish(book, offer, largest_work),
        Some(place) => {
            let displaced = book.remove(place);
            publish(book, offer, largest_work)?;
            Ok(Some(displaced))
        }
    }
}

/// Takes a worker's offer out of the book.
pub fn remove<AccountId, Balance, BlockNumber, S>(
    book: &mut BoundedVec<Offer<AccountId, Balance, BlockNumber>, S>,
    worker: &AccountId,
) -> Option<Offer<AccountId, Balance, BlockNumber>>
where
    AccountId: PartialEq,
    S: Get<u32>,
{
    let place = book.iter().position(|offer| offer.worker == *worker)?;
    Some(book.remove(place))
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_types::{OfferTerms, offer::WORK_PER_RATE};
    use polkadot_sdk::sp_core::ConstU32;
    use proptest::prelude::*;

    const PLACES: usize = 4;
    /// Work of the largest job: the rate is its price.
    const LARGEST: u64 = WORK_PER_RATE;
    type Book = BoundedVec<Offer<u8, u32, u32>, ConstU32<{ PLACES as u32 }>>;

    #[derive(Clone, Debug)]
    enum Step {
        Publish(Offer<u8, u32, u32>),
        Remove(u8),
    }

    fn offer(worker: u8, base: u32, rate: u32, capacity: u32) -> Offer<u8, u32, u32> {
        Offer {
            worker,
            terms: OfferTerms {
                base,
                rate,
                min_deadline: 0,
                min_window: 0,
                max_window: 9,
            },
            capacity,
            from: 0,
        }
    }

    fn price(offer: &Offer<u8, u32, u32>) -> u32 {
        offer.terms.price(LARGEST)
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => (0..8u8, 1..4u32, 0..3u32, 1..4u32)
                .prop_map(|(worker, base, rate, capacity)| Step::Publish(offer(worker, base, rate, capacity))),
            1 => (0..8u8).prop_map(Step::Remove),
        ]
    }

    /// The same book, kept as people would: every offer with the time since which it has had its price.
    fn publish_plainly(
        book: &mut Vec<(u32, usize, u8, u32)>,
        time: usize,
        offer: &Offer<u8, u32, u32>,
    ) -> Option<Option<u8>> {
        if let Some(own) = book
            .iter_mut()
            .find(|own| own.2 == offer.worker && own.0 == price(offer))
        {
            own.3 = offer.capacity;
            return Some(None);
        }
        let mut next = book.clone();
        next.retain(|own| own.2 != offer.worker);
        if next.len() == PLACES && next.iter().all(|other| other.0 <= price(offer)) {
            return None;
        }
        next.push((price(offer), time, offer.worker, offer.capacity));
        next.sort();
        let displaced = (next.len() > PLACES).then(|| next.pop().map(|last| last.2)).flatten();
        *book = next;
        Some(displaced)
    }

    #[test]
    fn a_base_of_nothing_with_a_rate_that_nobody_pays_stands_last() {
        let mut book = Book::new();
        assert_eq!(publish(&mut book, offer(1, 1, 1_000, 1), LARGEST), Ok(None));
        assert_eq!(publish(&mut book, offer(2, 500, 0, 1), LARGEST), Ok(None));
        assert_eq!(book.iter().map(|offer| offer.worker).collect::<Vec<_>>(), [2, 1]);
    }

    #[test]
    fn who_is_not_eligible_makes_place_whatever_its_price_and_displaces_nobody() {
        let mut book = Book::new();
        for worker in 0..PLACES as u8 {
            assert_eq!(publish(&mut book, offer(worker, 1, 0, 1), LARGEST), Ok(None));
        }
        let eligible = |worker: &u8| ![1, 2, 9].contains(worker);
        assert_eq!(enter(&mut book, offer(9, 1, 0, 1), LARGEST, eligible), Err(BookFull));
        let workers = |book: &Book| book.iter().map(|offer| offer.worker).collect::<Vec<_>>();
        for (newcomer, displaced) in [(7, 2), (8, 1)] {
            let entered = enter(&mut book, offer(newcomer, 50, 0, 1), LARGEST, eligible);
            assert_eq!(
                entered.map(|displaced| displaced.map(|offer| offer.worker)),
                Ok(Some(displaced))
            );
        }
        assert_eq!(workers(&book), [0, 3, 7, 8]);
        assert_eq!(enter(&mut book, offer(6, 50, 0, 1), LARGEST, eligible), Err(BookFull));
        assert_eq!(enter(&mut book, offer(8, 60, 0, 1), LARGEST, eligible), Ok(None));
    }

    proptest! {
        #[test]
        fn a_book_is_sorted_by_price_and_age(steps in prop::collection::vec(step(), 0..60)) {
            let mut book = Book::new();
            let mut plain = Vec::new();
            for (time, step) in steps.into_iter().enumerate() {
                match step {
                    Step::Publish(offer) => {
                        let mut next = book.clone();
                        let published = publish(&mut next, offer.clone(), LARGEST);
                        let expected = publish_plainly(&mut plain, time, &offer);
                        prop_assert_eq!(published.as_ref().ok().map(|d| d.as_ref().map(|d| d.worker)), expected);
                        if published.is_ok() {
                            book = next;
                        }
                    }
                    Step::Remove(worker) => {
                        let removed = remove(&mut book, &worker);
                        prop_assert_eq!(removed.is_some(), plain.iter().any(|own| own.2 == worker));
                        plain.retain(|own| own.2 != worker);
                    }
                }
                let offers: Vec<_> = book.iter().map(|offer| (price(offer), offer.worker, offer.capacity)).collect();
                let expected: Vec<_> = plain.iter().map(|own| (own.0, own.2, own.3)).collect();
                prop_assert_eq!(offers, expected);
            }
        }
    }
}
