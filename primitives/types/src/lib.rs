//! The words that Assay's pallets, its runtime API and its daemons share: identifiers, records, limits, and the traits
//! through which the pallets meet. Nothing here knows FRAME.

#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod audit;
#[cfg(any(test, feature = "runtime-benchmarks"))]
pub mod benchmarking;
pub mod bid;
pub mod claim;
pub mod dispute;
pub mod hash;
pub mod ids;
pub mod job;
pub mod kept;
pub mod limits;
pub mod name;
pub mod offer;
pub mod page;
pub mod payload;
pub mod runtime_api;
pub mod schema;
pub mod session;
pub mod time;
pub mod traits;
pub mod weighing;
pub mod worker;

pub use assay_exact::{DEFINITION_NUMBER, delivery, digest::DataType, quantise::Precision};
pub use bid::{Bid, bid_commitment};
pub use claim::{ClaimId, ClaimInfo, ClaimSource, Claims, Court, JobsAndReceipts, NotChallengeable};
pub use hash::HostBlake2;
pub use ids::{JobId, ModelId, ModelVersion, SessionId, SlashId, VersionNumber};
pub use job::{
    Assignment, CloseReason, Delivery, Demand, Job, JobInput, JobRequest, JobState, Kept, Matching, Payload, Phase,
};
pub use name::{NameError, check_name};
pub use offer::{JobTerms, Misfit, Offer, OfferInfo, OfferTerms};
pub use page::Page;
pub use polkadot_sdk::sp_core::H256;
pub use runtime_api::{Quote, SealStatus, WhyNot};
pub use schema::{Dimension, ModelParts, Schema, SchemaError, TensorSchema};
pub use session::{
    Receipt, Session, SessionAccount, SessionKey, SessionOffer, SessionQuote, SessionRequest, SessionSignature,
    SessionState, SessionTerms, Voucher,
};
pub use time::AssayTime;
pub use traits::{
    Assigned, Lock, ModelRegistry, NoOffer, Outcome, Penalty, Purpose, Released, Slashed, Unavailable, WorkerRegistry,
};
pub use worker::{Announcement, WorkerInfo, WorkerStatus};
