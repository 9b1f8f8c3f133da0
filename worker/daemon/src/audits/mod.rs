//! Audits: claims of other workers that this account was drawn to execute a second time.
//!
//! ```text
//!  follow ── blocks ──▶ audits ── tasks ──▶ the engine's queue, batched with the jobs that are served
//!                       │   ▲ ◀── answers ──────┘
//!                       ▼   │
//!                   account (owns the nonce) ◀── games (the oldest one, where an answer differs from its claim)
//! ```
//!
//! The [`auditing`] duty reads every audit of the account after the best block, asks [`due`] what is to be done, a pure
//! function, and sends it off. An answer is sealed before its worker shows its claim, and opened after it. The salt is
//! on disk before the seal can be on chain; the answer itself is computed anew after a restart, and is the same.
//!
//! An answer that differs begins a dispute by itself. The chain announces it as a challenge of this account, so
//! [`games`](crate::games) play it. Nothing here plays.

mod auditing;
mod due;
mod executing;

pub(crate) use auditing::{AuditSet, Waiting};
pub(crate) use executing::Auditing;
