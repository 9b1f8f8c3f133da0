//! Which receipts are checked: drawn by a secret seed, weighted by price. Pure.

use crate::types::{Balance, Place};
use assay_exact::digest::Hash256;
use assay_ops::tensor::Blake2b256;
use codec::Encode;

/// Domain of a draw.
const DRAW_DOMAIN: &[u8; 16] = b"assay/draw/1\0\0\0\0";
/// A share of 1, in hundredths of a percent.
pub const WHOLE_SHARE: u32 = 10_000;

/// Draws receipts for checks.
///
/// Keep the seed secret: a worker that knows it knows which answers nobody looks at. A draw follows from the seed and
/// the request alone, so a client that is killed and asks again draws the same.
#[derive(Clone)]
pub struct Sampler {
    seed: [u8; 32],
    share: u32,
    seen: u64,
    sum: Balance,
}

impl Sampler {
    /// Draws this share of the receipts, in hundredths of a percent.
    pub fn new(seed: [u8; 32], share: u32) -> Self {
        Self {
            seed,
            share: share.min(WHOLE_SHARE),
            seen: 0,
            sum: 0,
        }
    }

    /// Whether the receipt of a request is drawn. One that costs twice the mean price of those so far is drawn twice as
    /// often.
    pub fn draws(&mut self, place: Place, sequence: u32, price: Balance) -> bool {
        self.seen = self.seen.saturating_add(1);
        // Saturating: at 2^128 the mean is no longer right, and no budget is that large.
        self.sum = self.sum.saturating_add(price);
        let mean = (self.sum / Balance::from(self.seen)).max(1);
        // Both are cut by the same number of bits, so that no product below is cut.
        let cut = (Balance::BITS - price.max(mean).leading_zeros()).saturating_sub(32);
        let (price, mean) = (price >> cut, (mean >> cut).max(1));
        let draw = Blake2b256::hash(&(DRAW_DOMAIN, self.seed, place, sequence).encode());
        let (draw, _) = draw.split_first_chunk::<4>().expect("a digest has 32 bytes; qed");
        let draw = Balance::from(u32::from_le_bytes(*draw));
        // draw / 2^32 < share / 10,000 · price / mean
        draw * Balance::from(WHOLE_SHARE) * mean < (Balance::from(self.share) * price) << 32
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::H256;

    const PLACE: Place = Place {
        genesis: H256([1; 32]),
        session: 4,
    };

    fn drawn(share: u32, price: impl Fn(u32) -> Balance) -> Vec<u32> {
        let mut sampler = Sampler::new([7; 32], share);
        (0..20_000)
            .filter(|sequence| sampler.draws(PLACE, *sequence, price(*sequence)))
            .collect()
    }

    #[test]
    fn the_share_is_drawn_whatever_the_price_is() {
        for price in [1, 1_000, 1 << 60, 1 << 100] {
            let count = drawn(500, |_| price).len();
            // A binomial with mean 1,000 and a deviation of 31.
            assert!((850..1_150).contains(&count), "{count} of 20,000 at {price}");
        }
        assert_eq!(drawn(0, |_| 1).len(), 0);
        assert_eq!(drawn(WHOLE_SHARE, |_| 1).len(), 20_000);
    }

    #[test]
    fn requests_of_nine_times_the_price_are_drawn_nine_times_as_often() {
        let price = |sequence| if sequence % 2 == 0 { 90 } else { 10 };
        let drawn = drawn(500, price);
        let dear = drawn.iter().filter(|sequence| *sequence % 2 == 0).count();
        let cheap = drawn.len() - dear;
        assert!((750..1_050).contains(&dear), "{dear}");
        assert!((60..145).contains(&cheap), "{cheap}");
    }

    #[test]
    fn a_draw_is_the_same_again_and_another_seed_draws_others() {
        assert_eq!(drawn(500, |_| 5), drawn(500, |_| 5));
        let mut other = Sampler::new([8; 32], 500);
        let others: Vec<u32> = (0..20_000)
            .filter(|sequence| other.draws(PLACE, *sequence, 5))
            .collect();
        assert_ne!(others, drawn(500, |_| 5));
    }
}
