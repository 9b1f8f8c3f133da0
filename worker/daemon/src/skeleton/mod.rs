//! The loop under every daemon: follow blocks, read what they touch, do what is due, remember what is under way,
//! leave at shutdown.
//!
//! A daemon is a [`Duty`]. It keeps what outlives a connection, such as [`InFlight`] and [`Work`]. [`run`] is one
//! connection's time, and [`stay`] goes from one connection to the next. The chain is the truth: at the start, and now
//! and then, everything that may concern the account is read anew. An event that was not seen is made up for.

mod connection;
mod follow;
mod in_flight;
mod stay;
#[cfg(test)]
pub(crate) mod tests;
mod work;

pub(crate) use connection::Connections;
pub(crate) use follow::{Follower, Heads, Update, best_state};
pub use in_flight::InFlight;
pub(crate) use stay::{Daemon, OnChain, stay};
pub(crate) use work::{Panicked, Work};

use crate::shutdown::Shutdown;
use assay_client::chain::{BlockNumber, ChainError, ChainView, StateView};
use std::time::Duration;
use tokio::{
    sync::mpsc,
    time::{Instant, MissedTickBehavior},
};

/// Times of a daemon.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timing {
    /// Longest wait for a block; for a final one it is ten times as long.
    pub(crate) stall: Duration,
    /// Time between two looks at the best block.
    pub(crate) look: Duration,
    /// Events within this time are decided on together.
    pub(crate) gather: Duration,
    /// Longest time that a shutdown waits for what is unfinished.
    pub(crate) leave: Duration,
}

impl Timing {
    /// For a real chain, whose blocks take seconds.
    pub(crate) fn with_stall(stall: Duration) -> Self {
        Self {
            stall,
            look: Duration::from_secs(1),
            gather: Duration::from_millis(100),
            leave: Duration::from_secs(90),
        }
    }
}

/// Work of a daemon, over connections of this kind of state.
pub(crate) trait Duty<S: StateView> {
    /// Blocks between two readings of everything.
    const RECONCILE_BLOCKS: BlockNumber = 10;
    /// Results of work that was begun, and messages from outside.
    type Done: Send + 'static;
    /// Why the daemon cannot go on over this connection.
    type Error: From<ChainError>;

    /// Reads everything that may concern the account.
    async fn reconcile(&mut self, heads: &Heads<S>) -> Result<(), Self::Error>;

    /// Takes an update, and reads what it touches.
    async fn take_update(&mut self, update: &Update<S>) -> Result<(), Self::Error>;

    /// Takes what came back; an error is of a piece of work whose result is lost.
    fn take_done(&mut self, done: Result<Self::Done, Panicked>, heads: &Heads<S>) -> Result<(), Self::Error>;

    /// Begins everything that is due.
    fn act(&mut self, heads: &Heads<S>) -> Result<(), Self::Error>;

    /// The work that was begun.
    fn work(&mut self) -> &mut Work<Self::Done>;

    /// Says now and then how things stand.
    async fn tell(&mut self, _heads: &Heads<S>) -> Result<(), Self::Error> {
        Ok(())
    }

    /// Takes nothing new from now on.
    fn leave(&mut self);

    /// Number of things that have to be finished first.
    fn unfinished(&mut self) -> usize;
}

/// Does a duty over one connection, until it breaks or the daemon has left. `outside` is what others tell the daemon.
pub(crate) async fn run<C, D, O>(
    duty: &mut D,
    chain: &C,
    timing: Timing,
    outside: &mut mpsc::Receiver<O>,
    shutdown: &mut Shutdown,
) -> Result<(), D::Error>
where
    C: ChainView,
    D: Duty<C::State>,
    D::Done: From<O>,
{
    let (mut heads, mut follower) = Follower::start(chain.clone(), timing.stall, timing.look).await?;
    duty.reconcile(&heads).await?;
    let mut reconciled_at = heads.best.number();
    duty.act(&heads)?;
    let mut gather = tokio::time::interval(timing.gather);
    gather.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut gathered = false;
    let mut leave_at: Option<Instant> = None;
    loop {
        let mut is_new = !gathered;
        tokio::select! {
            update = follower.next() => {
                let update = update?;
                heads = update.heads.clone();
                duty.take_update(&update).await?;
                if is_due::<C::State, D>(reconciled_at, heads.best.number()) {
                    duty.reconcile(&heads).await?;
                    reconciled_at = heads.best.number();
                }
                duty.act(&heads)?;
                duty.tell(&heads).await?;
                is_new = false;
            }
            Some(done) = duty.work().next() => {
                duty.take_done(done, &heads)?;
                gathered = true;
            }
            Some(told) = outside.recv() => {
                duty.take_done(Ok(told.into()), &heads)?;
                gathered = true;
            }
            _ = gather.tick(), if gathered => {
                gathered = false;
                duty.act(&heads)?;
            }
            () = shutdown.requested(), if leave_at.is_none() => {
                duty.leave();
                leave_at = Some(Instant::now() + timing.leave);
                gathered = true;
            }
            () = tokio::time::sleep_until(leave_at.unwrap_or_else(Instant::now)), if leave_at.is_some() => {
                return Ok(());
            }
        }
        if is_new && gathered {
            // The time begins with the first thing that came.
            gather.reset();
        }
        if leave_at.is_some() && duty.unfinished() == 0 {
            return Ok(());
        }
    }
}

/// Whether everything is to be read anew. A height that has fallen was wrong before, or is now.
fn is_due<S: StateView, D: Duty<S>>(last: BlockNumber, now: BlockNumber) -> bool {
    now.checked_sub(last).is_none_or(|blocks| blocks >= D::RECONCILE_BLOCKS)
}
