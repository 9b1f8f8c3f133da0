//! Sealed reverse auctions: commit, reveal, lowest price wins.

use crate::{BalanceOf, BidOf, Bids, Config, Error, Event, HoldReason, JobOf, Jobs, Pallet};
use alloc::vec::Vec;
use assay_types::{
    AssayTime, Assignment, Bid, CloseReason, H256, HostBlake2, JobId, JobState, ModelVersion, Outcome, Purpose,
    WorkerRegistry, bid_commitment,
};
use polkadot_sdk::{
    frame_support::{
        ensure,
        traits::{
            Get,
            fungible::MutateHold,
            tokens::{Fortitude, Precision},
        },
    },
    sp_runtime::{BoundedVec, DispatchError, DispatchResult, traits::Zero},
};

impl<T: Config> Pallet<T> {
    pub(crate) fn do_commit_bid(worker: &T::AccountId, id: JobId, commitment: H256) -> DispatchResult {
        let job = Jobs::<T>::get(id).ok_or(Error::<T>::UnknownJob)?;
        let now = T::Time::now();
        ensure!(
            matches!(job.state, JobState::Bidding { until, .. } if now <= until),
            Error::<T>::NotBidding
        );
        let mut bids = Bids::<T>::get(id).unwrap_or_default();
        ensure!(bids.iter().all(|bid| bid.worker != *worker), Error::<T>::AlreadyBid);

        let ceiling = job.ceiling;
        let locked = T::Workers::take(worker, job.model, Purpose::Bid { ceiling }).map_err(Error::<T>::from)?;
        let deposit = T::BidDeposit::get();
        T::Currency::hold(&HoldReason::BidDeposit.into(), worker, deposit)
            .map_err(|_| Error::<T>::InsufficientFundsForDeposit)?;
        bids.try_push(Bid {
            worker: worker.clone(),
            commitment,
            price: None,
            locked,
            deposit,
        })
        .map_err(|_| Error::<T>::TooManyBids)?;
        Bids::<T>::insert(id, bids);
        Self::deposit_event(Event::BidCommitted {
            job: id,
            worker: worker.clone(),
        });
        Ok(())
    }

    /// Returns the number of bids of the auction, if this was the last one to be revealed; 0 otherwise.
    pub(crate) fn do_reveal_bid(
        worker: &T::AccountId,
        id: JobId,
        price: BalanceOf<T>,
        salt: &[u8; 32],
    ) -> Result<u32, DispatchError> {
        let job = Self::revealing(id)?;
        let mut bids = Bids::<T>::get(id).unwrap_or_default();
        let bid = bids
            .iter_mut()
            .find(|bid| bid.worker == *worker)
            .ok_or(Error::<T>::NoSuchBid)?;
        ensure!(bid.price.is_none(), Error::<T>::AlreadyRevealed);
        ensure!(
            bid.commitment == bid_commitment::<HostBlake2, _, _>(id, worker, &price, salt),
            Error::<T>::CommitmentMismatch
        );
        ensure!(price <= job.ceiling, Error::<T>::BidAboveCeiling);

        T::Currency::release(&HoldReason::BidDeposit.into(), worker, bid.deposit, Precision::Exact)?;
        bid.deposit = Zero::zero();
        bid.price = Some(price);
        let all_revealed = bids.iter().all(|bid| bid.price.is_some());
        let ended = if all_revealed { bids.len() as u32 } else { 0 }; // At most `MAX_BIDS`.
        Bids::<T>::insert(id, bids);
        Self::deposit_event(Event::BidRevealed {
            job: id,
            worker: worker.clone(),
            price,
        });
        if all_revealed {
            Self::close_auction(id, job)?;
        }
        Ok(ended)
    }

    /// The job, if its bids can be revealed now. The reveals open by themselves when the time for commitments is over,
    /// whether or not the agenda has got to it.
    fn revealing(id: JobId) -> Result<JobOf<T>, DispatchError> {
        let job = Jobs::<T>::get(id).ok_or(Error::<T>::UnknownJob)?;
        let now = T::Time::now();
        match job.state {
            JobState::Bidding { until, reveal_until } if until < now && now <= reveal_until => {
                Self::open_reveals(id, job)?;
                Ok(Jobs::<T>::get(id).ok_or(Error::<T>::Inconsistent)?)
            }
            JobState::Revealing { until } if now <= until => Ok(job),
            _ => Err(Error::<T>::NotRevealing.into()),
        }
    }

    /// Ends the time for commitments; without any, the client has its money back.
    pub(crate) fn open_reveals(id: JobId, job: JobOf<T>) -> DispatchResult {
        let JobState::Bidding { reveal_until, .. } = job.state else {
            return Err(Error::<T>::NotBidding.into());
        };
        if Bids::<T>::get(id).unwrap_or_default().is_empty() {
            return Self::close(id, job, CloseReason::NoBids);
        }
        Self::enter(id, job, JobState::Revealing { until: reveal_until })
    }

    /// Ends the auction: the lowest price wins, the earlier commitment at the same price, unless a standing offer asks
    /// for less. The winner keeps what its price needs of the stake that its bid locked; everybody else's is free
    /// again. A bid that was not revealed loses its deposit, and a worker that is no longer secure, for example because
    /// it was convicted, does not win.
    pub(crate) fn close_auction(id: JobId, mut job: JobOf<T>) -> DispatchResult {
        let bids = Bids::<T>::take(id).unwrap_or_default();
        let (revealed, sealed): (Vec<_>, Vec<_>) = bids.into_iter().partition(|bid| bid.price.is_some());
        for bid in sealed {
            Self::forfeit(id, job.model, bid)?;
        }
        let nobody = if revealed.is_empty() {
            CloseReason::NoBidRevealed
        } else {
            CloseReason::NoWorkerLeft
        };
        let min_stake = Self::rules_of(id).min_stake;
        let (mut revealed, insecure): (Vec<_>, Vec<_>) = revealed
            .into_iter()
            .partition(|bid| T::Workers::is_secure(&bid.worker, min_stake));
        for bid in insecure {
            Self::pass_over(id, job.model, bid)?;
        }
        // Stable, so that bids of one price stay in the order of commitment.
        revealed.sort_by_key(|bid| bid.price);
        let mut ranking = revealed.into_iter();
        let Some((winner, price)) = ranking.next().and_then(|bid| bid.price.map(|price| (bid, price))) else {
            return Self::close(id, job, nobody);
        };

        let (assignment, beaten) = match Self::cheaper_offer(&job, price) {
            Some(assignment) => (assignment, Some(winner)),
            None => {
                let locked = T::Workers::release(winner.lock(job.model), Outcome::BidWon { price })?.locked;
                let worker = winner.worker;
                (
                    Assignment {
                        worker,
                        price,
                        locked,
                        hazard: 0,
                    },
                    None,
                )
            }
        };
        let runners_up = beaten
            .into_iter()
            .chain(ranking)
            .map(|bid| Self::pass_over(id, job.model, bid))
            .collect::<Result<Vec<_>, _>>()?;
        job.kept.bids = !runners_up.is_empty();
        if job.kept.bids {
            let runners_up = BoundedVec::try_from(runners_up).map_err(|_| Error::<T>::TooManyBids)?;
            Bids::<T>::insert(id, runners_up);
        }
        let state = Self::assigned(assignment, job.deadline_blocks);
        Self::enter(id, job, state)
    }

    /// Burns the deposit of a bid that was not revealed, and frees its stake.
    fn forfeit(id: JobId, model: ModelVersion, bid: BidOf<T>) -> DispatchResult {
        T::Workers::release(bid.lock(model), Outcome::BidLost)?;
        let reason = HoldReason::BidDeposit.into();
        let amount = T::Currency::burn_held(&reason, &bid.worker, bid.deposit, Precision::Exact, Fortitude::Force)?;
        Self::deposit_event(Event::BidForfeited {
            job: id,
            worker: bid.worker,
            amount,
        });
        Ok(())
    }

    /// Frees the stake of a bid that did not win; what remains of the bid is its rank.
    fn pass_over(id: JobId, model: ModelVersion, bid: BidOf<T>) -> Result<BidOf<T>, DispatchError> {
        T::Workers::release(bid.lock(model), Outcome::BidLost)?;
        Self::deposit_event(Event::BidReleased {
            job: id,
            worker: bid.worker.clone(),
        });
        Ok(Bid {
            locked: Zero::zero(),
            ..bid
        })
    }
}
