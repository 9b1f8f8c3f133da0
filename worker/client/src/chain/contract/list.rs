//! Calls, events, storage entries and runtime API methods that the worker uses.

use super::{Check, Item, Part};
use crate::chain::{
    calls::{AuditsCall, DisputesCall, MarketCall, ModelsCall, SessionsCall, WorkersCall},
    events::{
        AuditsEvent, DisputesEvent, FeeEvent, MarketEvent, ModelsEvent, SessionsEvent, SystemEvent, WorkersEvent,
    },
    types::*,
};
use assay_types::{
    Announcement, ClaimId, JobId, ModelId, ModelVersion, NoOffer, Page, SealStatus, SessionId, SessionQuote, SlashId,
    dispute::{Place, Revealed},
};
use scale_info::meta_type;

pub(super) fn calls_and_events(check: &mut Check) -> Vec<Item> {
    vec![
        check.enum_of("Market", Part::Calls, meta_type::<MarketCall>()),
        check.enum_of("Disputes", Part::Calls, meta_type::<DisputesCall>()),
        check.enum_of("Sessions", Part::Calls, meta_type::<SessionsCall>()),
        check.enum_of("Audits", Part::Calls, meta_type::<AuditsCall>()),
        check.enum_of("Models", Part::Calls, meta_type::<ModelsCall>()),
        check.enum_of("Workers", Part::Calls, meta_type::<WorkersCall>()),
        check.enum_of("Market", Part::Events, meta_type::<MarketEvent>()),
        check.enum_of("Disputes", Part::Events, meta_type::<DisputesEvent>()),
        check.enum_of("Sessions", Part::Events, meta_type::<SessionsEvent>()),
        check.enum_of("Audits", Part::Events, meta_type::<AuditsEvent>()),
        check.enum_of("Models", Part::Events, meta_type::<ModelsEvent>()),
        check.enum_of("Workers", Part::Events, meta_type::<WorkersEvent>()),
        check.enum_of("TransactionPayment", Part::Events, meta_type::<FeeEvent>()),
        check.enum_of("System", Part::LeadingEvents, meta_type::<SystemEvent>()),
    ]
}

pub(super) fn storage(check: &mut Check) -> Vec<Item> {
    vec![
        check.map("Market", "Jobs", Some(meta_type::<JobId>()), meta_type::<Job>()),
        check.map("Market", "Inputs", Some(meta_type::<JobId>()), meta_type::<Vec<u8>>()),
        check.map("Market", "Outputs", Some(meta_type::<JobId>()), meta_type::<Vec<u8>>()),
        check.map("Market", "Bids", Some(meta_type::<JobId>()), meta_type::<Vec<Bid>>()),
        check.map("Market", "Demands", Some(meta_type::<JobId>()), meta_type::<Demand>()),
        check.map(
            "Workers",
            "Offers",
            Some(meta_type::<ModelVersion>()),
            meta_type::<Vec<Offer>>(),
        ),
        check.map(
            "Sessions",
            "DisputedReceipts",
            Some(meta_type::<ClaimId>()),
            meta_type::<DisputedReceipt>(),
        ),
        check.map(
            "Sessions",
            "OffersOf",
            Some(meta_type::<AccountId>()),
            meta_type::<Vec<ModelVersion>>(),
        ),
        check.map("Audits", "Audits", Some(meta_type::<ClaimId>()), meta_type::<Audit>()),
        check.map(
            "Audits",
            "Records",
            Some(meta_type::<AccountId>()),
            meta_type::<AuditRecord>(),
        ),
        check.map("Models", "NextModelId", None, meta_type::<ModelId>()),
        check.map("Time", "Now", None, meta_type::<BlockNumber>()),
        check.map("Timestamp", "Now", None, meta_type::<u64>()),
        check.map(
            "Models",
            "Versions",
            Some(meta_type::<ModelVersion>()),
            meta_type::<VersionRecord>(),
        ),
        check.map(
            "Models",
            "VersionByRoot",
            Some(meta_type::<H256>()),
            meta_type::<ModelVersion>(),
        ),
        check.map(
            "Models",
            "ModelByName",
            Some(meta_type::<Vec<u8>>()),
            meta_type::<ModelId>(),
        ),
        check.leading("Models", "Models", meta_type::<ModelId>(), meta_type::<ModelHead>()),
        check.map(
            "System",
            "Account",
            Some(meta_type::<AccountId>()),
            meta_type::<AccountInfo>(),
        ),
    ]
}

pub(super) fn apis(check: &mut Check) -> Vec<Item> {
    vec![
        check.api(
            "jobs_of",
            vec![
                meta_type::<AccountId>(),
                meta_type::<Option<JobId>>(),
                meta_type::<u32>(),
            ],
            meta_type::<Page<Job>>(),
        ),
        check.api(
            "open_jobs",
            vec![
                meta_type::<ModelVersion>(),
                meta_type::<Option<JobId>>(),
                meta_type::<u32>(),
            ],
            meta_type::<Page<Job>>(),
        ),
        check.api(
            "quote",
            vec![
                meta_type::<ModelVersion>(),
                meta_type::<Vec<u32>>(),
                meta_type::<BlockNumber>(),
                meta_type::<BlockNumber>(),
            ],
            meta_type::<Result<Quote, NoOffer>>(),
        ),
        check.api(
            "worker",
            vec![meta_type::<AccountId>()],
            meta_type::<Option<WorkerInfo>>(),
        ),
        check.api(
            "announcement",
            vec![meta_type::<AccountId>()],
            meta_type::<Option<Announcement>>(),
        ),
        check.api(
            "announcements",
            vec![meta_type::<Option<AccountId>>(), meta_type::<u32>()],
            meta_type::<Vec<(AccountId, Announcement)>>(),
        ),
        check.api(
            "why_not",
            vec![meta_type::<AccountId>(), meta_type::<JobId>()],
            meta_type::<WhyNot>(),
        ),
        check.api(
            "claimed_jobs",
            vec![meta_type::<Option<JobId>>(), meta_type::<u32>()],
            meta_type::<Page<Job>>(),
        ),
        check.api(
            "seal_statuses",
            vec![meta_type::<Vec<JobId>>()],
            meta_type::<Vec<SealStatus>>(),
        ),
    ]
}

pub(super) fn dispute_apis(check: &mut Check) -> Vec<Item> {
    vec![
        check.api(
            "audits_of",
            vec![
                meta_type::<AccountId>(),
                meta_type::<Option<ClaimId>>(),
                meta_type::<u32>(),
            ],
            meta_type::<Page<Audit>>(),
        ),
        check.api("dispute", vec![meta_type::<JobId>()], meta_type::<Option<Dispute>>()),
        check.api(
            "disputes_of",
            vec![
                meta_type::<AccountId>(),
                meta_type::<Option<JobId>>(),
                meta_type::<u32>(),
            ],
            meta_type::<Page<Dispute>>(),
        ),
        check.api(
            "revealed",
            vec![meta_type::<JobId>(), meta_type::<Place>()],
            meta_type::<Option<Revealed>>(),
        ),
        check.api("bond_for", vec![meta_type::<JobId>()], meta_type::<Option<Balance>>()),
        check.api(
            "awards_of",
            vec![
                meta_type::<AccountId>(),
                meta_type::<Option<SlashId>>(),
                meta_type::<u32>(),
            ],
            meta_type::<Page<OpenAward>>(),
        ),
    ]
}

pub(super) fn session_apis(check: &mut Check) -> Vec<Item> {
    vec![
        check.api(
            "session",
            vec![meta_type::<SessionId>()],
            meta_type::<Option<Session>>(),
        ),
        check.api(
            "sessions_of",
            vec![
                meta_type::<AccountId>(),
                meta_type::<Option<SessionId>>(),
                meta_type::<u32>(),
            ],
            meta_type::<Page<Session>>(),
        ),
        check.api(
            "session_offers",
            vec![
                meta_type::<ModelVersion>(),
                meta_type::<Option<AccountId>>(),
                meta_type::<u32>(),
            ],
            meta_type::<Vec<(AccountId, SessionOffer)>>(),
        ),
        check.api(
            "session_quote",
            vec![
                meta_type::<ModelVersion>(),
                meta_type::<AccountId>(),
                meta_type::<Vec<u32>>(),
            ],
            meta_type::<Option<SessionQuote<Balance>>>(),
        ),
    ]
}
