//! Stories about the market and its disputes, told with a real node and real workers.
//!
//! Every test runs a network of its own. Stories that cannot disturb each other share one, since a node takes longer to
//! start than most stories take to tell; whatever kills a node or a worker has it for itself.

mod disputes;
mod market;
mod node_restarts;
mod refusals;
mod requests;
mod sessions;
mod worker_restarts;
mod workers_network;
