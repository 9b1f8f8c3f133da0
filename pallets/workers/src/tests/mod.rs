//! Stories of workers, their stake and their offers. Each ends with a check of the whole state.

mod announcements;
mod auditing;
mod money;
mod offers;
mod pending;
mod registry;
mod slashing;
mod status;
mod terms;
mod walks;
