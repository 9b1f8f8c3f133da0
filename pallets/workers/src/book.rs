//! The book of offers for one model version: the cheapest first, the earlier one of two at the same price, one offer
//! per worker, and a cheaper one in place of the dearest when it is full. Nothing here touches storage.

use assay_types::Offer;
use polkadot_sdk::{frame_support::traits::Get, sp_runtime::BoundedVec};

/// No place: the book is full, and the offer costs as much as its dearest or more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BookFull;

/// Puts an offer into the book, in place of the worker's own, and returns the offer that it displaces.
///
/// An offer that keeps its price keeps its place; any other is the last at its price. On an error, drop the book: the
/// worker's own offer may be gone from it.
pub fn publish<AccountId, Balance, S>(
    book: &mut BoundedVec<Offer<AccountId, Balance>, S>,
    offer: Offer<AccountId, Balance>,
) -> Result<Option<Offer<AccountId, Balance>>, BookFull>
where
    AccountId: PartialEq,
    Balance: PartialOrd,
    S: Get<u32>,
{
    if let Some(own) = book
        .iter_mut()
        .find(|own| own.worker == offer.worker && own.price == offer.price)
    {
        own.capacity = offer.capacity;
        return Ok(None);
    }
    remove(book, &offer.worker);
    let place = book.partition_point(|earlier| earlier.price <= offer.price);
    book.force_insert_keep_left(place, offer).map_err(|_| BookFull)
}

/// Takes a worker's offer out of the book.
pub fn remove<AccountId, Balance, S>(
    book: &mut BoundedVec<Offer<AccountId, Balance>, S>,
    worker: &AccountId,
) -> Option<Offer<AccountId, Balance>>
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
    use polkadot_sdk::sp_core::ConstU32;
    use proptest::prelude::*;

    const PLACES: usize = 4;
    type Book = BoundedVec<Offer<u8, u32>, ConstU32<{ PLACES as u32 }>>;

    #[derive(Clone, Debug)]
    enum Step {
        Publish(Offer<u8, u32>),
        Remove(u8),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => (0..8u8, 1..6u32, 1..4u32)
                .prop_map(|(worker, price, capacity)| Step::Publish(Offer { worker, price, capacity })),
            1 => (0..8u8).prop_map(Step::Remove),
        ]
    }

    /// The same book, kept as people would: every offer with the time since which it has had its price.
    fn publish_plainly(
        book: &mut Vec<(u32, usize, u8, u32)>,
        time: usize,
        offer: &Offer<u8, u32>,
    ) -> Option<Option<u8>> {
        if let Some(own) = book
            .iter_mut()
            .find(|own| own.2 == offer.worker && own.0 == offer.price)
        {
            own.3 = offer.capacity;
            return Some(None);
        }
        let mut next = book.clone();
        next.retain(|own| own.2 != offer.worker);
        if next.len() == PLACES && next.iter().all(|other| other.0 <= offer.price) {
            return None;
        }
        next.push((offer.price, time, offer.worker, offer.capacity));
        next.sort();
        let displaced = (next.len() > PLACES).then(|| next.pop().map(|last| last.2)).flatten();
        *book = next;
        Some(displaced)
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
                        let published = publish(&mut next, offer.clone());
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
                let offers: Vec<_> = book.iter().map(|offer| (offer.price, offer.worker, offer.capacity)).collect();
                let expected: Vec<_> = plain.iter().map(|own| (own.0, own.2, own.3)).collect();
                prop_assert_eq!(offers, expected);
            }
        }
    }
}
