//! The door for applications: OpenAI's endpoints and JSON-RPC over the market.
//!
//! * [`Gateway`] serves; [`GatewayConfig`] says how.
//! * [`backend::Backend`] is what is sold; nothing here knows a chain, a session, a worker's daemon or a model's file.
//! * [`ledger`] has the API keys and their money; a request reserves the maximum before anything is bought.
//! * [`http::ENDPOINTS`], [`params`] and [`rpc::METHODS`] are the tables that routes and documents are made of.
//! * [`client`] is a small client of HTTP, for programs that talk to a gateway.
//! * [`fake`] is a backend without a market, for tests.

mod app;
pub mod backend;
pub mod client;
mod config;
mod connection;
mod error;
pub mod fake;
pub mod http;
pub mod ledger;
mod limits;
mod metrics;
pub mod money;
pub mod params;
pub mod rpc;
mod run;
mod serve;
mod stops;

pub use app::{App, Caller, Held, Tasks};
pub use config::{GatewayConfig, Limits, Timeouts, TlsConfig};
pub use error::{ApiError, GatewayError};
pub use limits::{Place, Usage};
pub use metrics::Metrics;
pub use serve::Gateway;
