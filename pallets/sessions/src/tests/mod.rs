//! Stories of sessions, each on a chain of its own that is checked at the end.

mod closing;
mod convictions;
mod forced;
mod offers;
mod receipts;
mod vouchers;
