//! The events that the worker reads, as enums whose variants are the pallets' events.

mod audits;

pub use audits::AuditsEvent;

use super::{
    calls::variant_name,
    types::{AccountId, Balance, BlockNumber, H256, Receipt, SessionOffer},
};
use assay_types::{
    Announcement, ClaimId, CloseReason, JobId, ModelId, ModelVersion, SessionId, SlashId,
    dispute::{DisputeId, Fault, Place, Side},
    session::SessionEnd,
};
use codec::Decode;
use polkadot_sdk::sp_runtime::DispatchError;
use scale_info::{TypeDef, TypeInfo};

/// An event of one of the pallets that the worker follows.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// Of the market pallet.
    Market(MarketEvent),
    /// Of the disputes pallet.
    Disputes(DisputesEvent),
    /// Of the sessions pallet.
    Sessions(SessionsEvent),
    /// Of the audits pallet.
    Audits(AuditsEvent),
    /// Of the models pallet.
    Models(ModelsEvent),
    /// Of the workers pallet.
    Workers(WorkersEvent),
    /// Of the transaction payment pallet.
    Fee(FeeEvent),
    /// Of the system pallet.
    System(SystemEvent),
}

/// See the market pallet.
#[derive(Clone, Debug, PartialEq, Decode, TypeInfo)]
#[allow(missing_docs, reason = "the pallet documents its events and their fields")]
pub enum MarketEvent {
    JobSubmitted {
        job: JobId,
        client: AccountId,
        model: ModelVersion,
        input_digest: H256,
        ceiling: Balance,
    },
    BidCommitted {
        job: JobId,
        worker: AccountId,
    },
    RevealsOpened {
        job: JobId,
        until: BlockNumber,
    },
    BidRevealed {
        job: JobId,
        worker: AccountId,
        price: Balance,
    },
    BidReleased {
        job: JobId,
        worker: AccountId,
    },
    BidForfeited {
        job: JobId,
        worker: AccountId,
        amount: Balance,
    },
    JobAssigned {
        job: JobId,
        worker: AccountId,
        price: Balance,
        deadline: BlockNumber,
    },
    JobClaimed {
        job: JobId,
        worker: AccountId,
        output_digest: H256,
        window_until: BlockNumber,
        output: Option<Vec<u8>>,
    },
    ClaimDisputed {
        job: JobId,
        worker: AccountId,
    },
    ClientRefunded {
        job: JobId,
        client: AccountId,
        worker: AccountId,
        amount: Balance,
    },
    ClaimUpheld {
        job: JobId,
        worker: AccountId,
        window_until: BlockNumber,
    },
    ClaimRejected {
        job: JobId,
        error: DispatchError,
    },
    JobDeclined {
        job: JobId,
        worker: AccountId,
        slashed: Balance,
    },
    WorkerRemoved {
        job: JobId,
        worker: AccountId,
    },
    DeadlineMissed {
        job: JobId,
        worker: AccountId,
        paid: Balance,
        burned: Balance,
    },
    JobClosed {
        job: JobId,
        client: AccountId,
        reason: CloseReason,
        worker: Option<AccountId>,
        paid: Balance,
    },
    JobSealed {
        job: JobId,
        worker: AccountId,
        until: BlockNumber,
    },
    SealRejected {
        job: JobId,
        error: DispatchError,
    },
    PhaseExtended {
        job: JobId,
        until: BlockNumber,
    },
    OutputDemanded {
        job: JobId,
        worker: AccountId,
        deposit: Balance,
        until: BlockNumber,
    },
    OutputDelivered {
        job: JobId,
        worker: AccountId,
        paid: Balance,
    },
    OutputWithheld {
        job: JobId,
        worker: AccountId,
        paid: Balance,
        burned: Balance,
    },
}

/// See the disputes pallet.
#[derive(Clone, Debug, PartialEq, Decode, TypeInfo)]
#[allow(missing_docs, reason = "the pallet documents its events and their fields")]
pub enum DisputesEvent {
    Challenged {
        job: JobId,
        dispute: DisputeId,
        challenger: AccountId,
        bond: Balance,
        waits: bool,
    },
    WorkerLate {
        job: JobId,
        worker: AccountId,
        until: BlockNumber,
    },
    AnsweredLate {
        job: JobId,
        worker: AccountId,
        challenger: AccountId,
        paid: Balance,
        burned: Balance,
    },
    PlaceRevealed {
        job: JobId,
        place: Place,
    },
    Pointed {
        job: JobId,
        challenger: AccountId,
        place: Place,
        turn: Side,
    },
    WorkerConvicted {
        job: JobId,
        worker: AccountId,
        challenger: AccountId,
        fault: Fault,
        slash: SlashId,
        slashed: Balance,
        to_challenger: Balance,
        to_client: Balance,
    },
    AwardClaimed {
        job: JobId,
        slash: SlashId,
        challenger: AccountId,
        amount: Balance,
    },
    BondReturned {
        job: JobId,
        challenger: AccountId,
        amount: Balance,
    },
    ChallengeFailed {
        job: JobId,
        challenger: AccountId,
        paid: Balance,
        burned: Balance,
    },
}

/// See the sessions pallet.
#[derive(Clone, Debug, PartialEq, Decode, TypeInfo)]
#[allow(missing_docs, reason = "the pallet documents its events and their fields")]
pub enum SessionsEvent {
    OfferPublished {
        worker: AccountId,
        model: ModelVersion,
        offer: SessionOffer,
    },
    SessionOpened {
        session: SessionId,
        client: AccountId,
        worker: AccountId,
        model: ModelVersion,
        budget: Balance,
        locked: Balance,
        until: BlockNumber,
    },
    ToppedUp {
        session: SessionId,
        amount: Balance,
        budget: Balance,
        locked: Balance,
    },
    Redeemed {
        session: SessionId,
        worker: AccountId,
        paid: Balance,
        redeemed: Balance,
    },
    SessionClosing {
        session: SessionId,
        until: BlockNumber,
    },
    SessionSettled {
        session: SessionId,
        reason: SessionEnd,
        redeemed: Balance,
        returned: Balance,
        until: Option<BlockNumber>,
    },
    SessionEnded {
        session: SessionId,
    },
    ReceiptDisputed {
        session: SessionId,
        sequence: u32,
        claim: ClaimId,
        receipt: Receipt,
    },
    ReceiptUpheld {
        session: SessionId,
        sequence: u32,
    },
    ReceiptForfeited {
        session: SessionId,
        sequence: u32,
        price: Balance,
    },
    Equivocated {
        session: SessionId,
        sequence: u32,
        worker: AccountId,
        reporter: AccountId,
        slash: SlashId,
        slashed: Balance,
        to_reporter: Balance,
        to_client: Balance,
    },
}

/// See the models pallet.
#[derive(Clone, Debug, PartialEq, Decode, TypeInfo)]
#[allow(missing_docs, reason = "the pallet documents its events and their fields")]
pub enum ModelsEvent {
    Registered {
        model: ModelId,
        owner: AccountId,
        name: Vec<u8>,
    },
    VersionPublished {
        version: ModelVersion,
        root: H256,
    },
}

/// See the workers pallet.
#[derive(Clone, Debug, PartialEq, Decode, TypeInfo)]
#[allow(missing_docs, reason = "the pallet documents its events and their fields")]
pub enum WorkersEvent {
    OfferDisplaced {
        worker: AccountId,
        version: ModelVersion,
    },
    Announced {
        worker: AccountId,
        announcement: Option<Announcement>,
    },
    Slashed {
        worker: AccountId,
        paid: Balance,
        burned: Balance,
        beneficiary: AccountId,
    },
    SlashPending {
        slash: SlashId,
        worker: AccountId,
        amount: Balance,
        matures_at: BlockNumber,
    },
    SlashApplied {
        slash: SlashId,
        worker: AccountId,
        burned: Balance,
        awards: [(AccountId, Balance); 2],
    },
    SlashCancelled {
        slash: SlashId,
        worker: AccountId,
        amount: Balance,
    },
}

/// See the transaction payment pallet.
#[derive(Clone, Debug, PartialEq, Decode, TypeInfo)]
#[allow(missing_docs, reason = "the pallet documents its events and their fields")]
pub enum FeeEvent {
    TransactionFeePaid {
        who: AccountId,
        actual_fee: Balance,
        tip: Balance,
    },
}

/// See the system pallet. Only the leading field is read.
#[derive(Clone, Debug, PartialEq, Decode, TypeInfo)]
#[allow(missing_docs, reason = "the pallet documents its events and their fields")]
pub enum SystemEvent {
    ExtrinsicFailed { dispatch_error: DispatchError },
}

impl MarketEvent {
    /// The job that the event is about.
    pub fn job(&self) -> JobId {
        match self {
            Self::JobSubmitted { job, .. }
            | Self::BidCommitted { job, .. }
            | Self::RevealsOpened { job, .. }
            | Self::BidRevealed { job, .. }
            | Self::BidReleased { job, .. }
            | Self::BidForfeited { job, .. }
            | Self::JobAssigned { job, .. }
            | Self::JobClaimed { job, .. }
            | Self::ClaimDisputed { job, .. }
            | Self::ClientRefunded { job, .. }
            | Self::ClaimUpheld { job, .. }
            | Self::ClaimRejected { job, .. }
            | Self::JobDeclined { job, .. }
            | Self::WorkerRemoved { job, .. }
            | Self::DeadlineMissed { job, .. }
            | Self::JobClosed { job, .. }
            | Self::JobSealed { job, .. }
            | Self::SealRejected { job, .. }
            | Self::PhaseExtended { job, .. }
            | Self::OutputDemanded { job, .. }
            | Self::OutputDelivered { job, .. }
            | Self::OutputWithheld { job, .. } => *job,
        }
    }
}

impl DisputesEvent {
    /// The job that the event is about.
    pub fn job(&self) -> JobId {
        match self {
            Self::Challenged { job, .. }
            | Self::WorkerLate { job, .. }
            | Self::AnsweredLate { job, .. }
            | Self::PlaceRevealed { job, .. }
            | Self::Pointed { job, .. }
            | Self::WorkerConvicted { job, .. }
            | Self::AwardClaimed { job, .. }
            | Self::BondReturned { job, .. }
            | Self::ChallengeFailed { job, .. } => *job,
        }
    }
}

impl SessionsEvent {
    /// The session that the event is about; none of an offer.
    pub fn session(&self) -> Option<SessionId> {
        match self {
            Self::OfferPublished { .. } => None,
            Self::SessionOpened { session, .. }
            | Self::ToppedUp { session, .. }
            | Self::Redeemed { session, .. }
            | Self::SessionClosing { session, .. }
            | Self::SessionSettled { session, .. }
            | Self::SessionEnded { session }
            | Self::ReceiptDisputed { session, .. }
            | Self::ReceiptUpheld { session, .. }
            | Self::ReceiptForfeited { session, .. }
            | Self::Equivocated { session, .. } => Some(*session),
        }
    }
}

impl Event {
    /// Decodes an event's fields; `None` for an event that the worker does not follow.
    pub(super) fn decode(pallet: &str, event: &str, fields: &[u8]) -> Option<Result<Self, codec::Error>> {
        match pallet {
            "Market" => decode(event, fields, Self::Market),
            "Disputes" => decode(event, fields, Self::Disputes),
            "Sessions" => decode(event, fields, Self::Sessions),
            "Audits" => decode(event, fields, Self::Audits),
            "Models" => decode(event, fields, Self::Models),
            "Workers" => decode(event, fields, Self::Workers),
            "TransactionPayment" => decode(event, fields, Self::Fee),
            "System" => decode(event, fields, Self::System),
            _ => None,
        }
    }
}

fn decode<E: Decode + TypeInfo>(
    event: &str,
    fields: &[u8],
    wrap: fn(E) -> Event,
) -> Option<Result<Event, codec::Error>> {
    let TypeDef::Variant(variants) = E::type_info().type_def else {
        return None;
    };
    let index = variants.variants.iter().find(|variant| variant.name == event)?.index;
    debug_assert_eq!(variant_name::<E>(index), event);
    let bytes = [&[index], fields].concat();
    Some(E::decode(&mut &bytes[..]).map(wrap))
}

#[cfg(test)]
mod tests {
    use super::*;
    use codec::Encode;

    #[test]
    fn an_event_is_found_by_its_name() {
        let fields = (3u64, AccountId::new([1; 32])).encode();
        let event = Event::decode("Market", "BidReleased", &fields)
            .expect("followed")
            .expect("well formed");
        assert_eq!(
            event,
            Event::Market(MarketEvent::BidReleased {
                job: 3,
                worker: AccountId::new([1; 32])
            })
        );
        assert!(Event::decode("Market", "StepFailed", &fields).is_none());
        assert!(Event::decode("Balances", "Transfer", &fields).is_none());
    }
}
