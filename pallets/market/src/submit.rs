//! Submission: everything that can be known of a job is checked before a unit of money is held.

use crate::{Config, Error, HoldReason, Inputs, JobOf, JobRequestOf, NextJobId, Pallet, terms::Terms};
use assay_types::{
    AssayTime, Delivery, H256, HostBlake2, JobId, JobInput, JobState, JobTerms, Matching, ModelParts, ModelRegistry,
    limits::{InlineInputBytes, MAX_INLINE_OUTPUT_BYTES, Symbols},
    offer::work_at,
    payload::{check_request, given_layouts, max_delivered_bytes},
    schema::payload_digest,
};
use polkadot_sdk::{
    frame_support::{
        ensure,
        traits::{Get, fungible::MutateHold},
    },
    frame_system::pallet_prelude::BlockNumberFor,
    sp_runtime::{BoundedVec, DispatchError, DispatchResult, traits::Saturating},
};

/// A job's input, checked against the schema.
struct CheckedInput {
    digest: H256,
    symbols: BoundedVec<u32, Symbols>,
    inline: Option<BoundedVec<u8, InlineInputBytes>>,
}

impl<T: Config> Pallet<T> {
    pub(crate) fn do_submit(client: &T::AccountId, request: JobRequestOf<T>) -> DispatchResult {
        Self::terms().check(&request).map_err(Error::<T>::from)?;
        let version = T::Models::version(request.model).ok_or(Error::<T>::UnknownModel)?;
        ensure!(version.active, Error::<T>::ModelDeprecated);
        let input = Self::check_input(&version.parts, request.input)?;
        Self::check_delivery(&version.parts, &input.symbols, request.delivery)?;

        let now = T::Time::now();
        let terms = JobTerms {
            work: work_at(&version.parts, &input.symbols),
            deadline_blocks: request.deadline_blocks,
            window_blocks: request.window_blocks,
            submitted_at: now,
        };
        let state = match request.matching {
            Matching::Offers => Self::assigned_by_offer(request.model, &terms, request.ceiling)?,
            // Saturating: the phases are bounded by `MaxAuctionPhase`, the block number is far from its end.
            Matching::Auction {
                bidding_blocks,
                reveal_blocks,
            } => {
                let until = now.saturating_add(bidding_blocks);
                JobState::Bidding {
                    until,
                    reveal_until: until.saturating_add(reveal_blocks),
                }
            }
        };
        T::Currency::hold(&HoldReason::Escrow.into(), client, request.ceiling)
            .map_err(|_| Error::<T>::InsufficientFunds)?;

        let id = Self::next_job_id();
        if let Some(bytes) = input.inline {
            Inputs::<T>::insert(id, bytes);
        }
        Self::open(
            id,
            JobOf::<T> {
                client: client.clone(),
                model: request.model,
                input_digest: input.digest,
                symbols: input.symbols,
                work: terms.work,
                ceiling: request.ceiling,
                deadline_blocks: request.deadline_blocks,
                window_blocks: request.window_blocks,
                delivery: request.delivery,
                submitted_at: now,
                tried: BoundedVec::new(),
                state,
            },
        );
        Ok(())
    }

    fn next_job_id() -> JobId {
        NextJobId::<T>::mutate(|next| {
            let id = *next;
            // Saturating: a chain that took a million jobs a block would need 10^13 blocks to get there.
            *next = next.saturating_add(1);
            id
        })
    }

    fn check_input(parts: &ModelParts, input: JobInput) -> Result<CheckedInput, DispatchError> {
        Ok(match input {
            JobInput::Inline(payload) => {
                let layouts = given_layouts(parts, &payload.symbols).map_err(Error::<T>::from)?;
                let digest = payload_digest::<HostBlake2>(&layouts, &payload.bytes).map_err(Error::<T>::from)?;
                check_request(parts, &payload.symbols, Some(&payload.bytes)).map_err(Error::<T>::from)?;
                CheckedInput {
                    digest,
                    symbols: payload.symbols,
                    inline: Some(payload.bytes),
                }
            }
            JobInput::Digest { digest, symbols } => {
                given_layouts(parts, &symbols).map_err(Error::<T>::from)?;
                check_request(parts, &symbols, None).map_err(Error::<T>::from)?;
                CheckedInput {
                    digest,
                    symbols,
                    inline: None,
                }
            }
        })
    }

    fn check_delivery(parts: &ModelParts, symbols: &[u32], delivery: Delivery) -> DispatchResult {
        match delivery {
            // Whoever doubts a sequence has to execute the check graph on it.
            Delivery::Digest => ensure!(parts.kind.advice().is_none(), Error::<T>::SequenceNotInline),
            Delivery::Inline => {
                let bytes = max_delivered_bytes(parts, symbols).map_err(Error::<T>::from)?;
                ensure!(
                    bytes <= u64::from(MAX_INLINE_OUTPUT_BYTES),
                    Error::<T>::OutputTooLargeForInline
                );
            }
        }
        Ok(())
    }

    /// The bounds that a job's terms must keep.
    pub fn terms() -> Terms<BlockNumberFor<T>> {
        Terms {
            deadline: (T::MinDeadline::get(), T::MaxDeadline::get()),
            window: (T::MinWindow::get(), T::MaxWindow::get()),
            auction_phase: (T::MinAuctionPhase::get(), T::MaxAuctionPhase::get()),
        }
    }
}
