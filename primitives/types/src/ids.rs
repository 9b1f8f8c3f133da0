//! Identifiers of models, jobs, sessions and slashes.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// A job, numbered from 0 in the order of submission and never used again.
pub type JobId = u64;

/// A session, numbered from 0 in the order of opening and never used again.
pub type SessionId = u64;

/// A slash that waits to be applied, numbered from 0 in the order of convictions and never used again.
pub type SlashId = u64;

/// A model line, numbered from 0 in the order of registration.
pub type ModelId = u32;

/// A version of a model, numbered from 1 in the order of publication.
pub type VersionNumber = u32;

/// One version of one model, hence one root: jobs ask for it, workers offer it.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[scale_info(capture_docs = "always")]
pub struct ModelVersion {
    /// The model line.
    pub model: ModelId,
    /// Its version.
    pub version: VersionNumber,
}

impl core::fmt::Display for ModelVersion {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}@{}", self.model, self.version)
    }
}
