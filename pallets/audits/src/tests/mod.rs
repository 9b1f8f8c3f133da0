//! Stories of audits, each on a chain of its own that is checked at the end.

mod answers;
mod draws;
mod misses;
mod money;
mod verdicts;
