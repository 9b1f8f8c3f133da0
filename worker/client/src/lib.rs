//! Parts that clients of the chain share: a connection to a node, calls and events, requests and their results.
//!
//! Only [`chain`] names `subxt`. Nothing here executes a model.

pub mod chain;
pub mod earnings;
pub mod registration;
pub mod reputation;
pub mod request;
pub mod schema;
pub mod sessions;
pub mod units;
