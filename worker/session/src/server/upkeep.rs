//! What a worker does beside answering: it redeems vouchers that are due, and forgets sessions that are over.

use super::{Shared, lock};
use crate::error::SessionError;

/// Looks at every session once.
pub(super) async fn look(shared: &Shared) -> Result<(), SessionError> {
    let now = shared.chain.now().await?;
    for (session, kept) in shared.journal.states()? {
        let Some(record) = shared.chain.session(session).await? else {
            // Its window has passed: nobody can challenge a receipt of it any more.
            lock(&shared.live).remove(&session);
            shared.journal.forget(session).await?;
            tracing::debug!(session, "a session is over");
            continue;
        };
        let live = lock(&shared.live).get(&session).cloned();
        let state = match live {
            // A request is being answered while the lock is held. What it changes is looked at next time.
            Some(live) => live.state.try_lock().map_or(kept, |state| state.clone()),
            None => kept,
        };
        let Some(voucher) = shared.config.redeem.due(&state, &record, now) else {
            continue;
        };
        let owed = voucher.message.owed;
        match shared.chain.redeem(voucher.clone()).await {
            Ok(()) => tracing::info!(session, owed, "redeemed a voucher"),
            // One session that cannot be settled does not keep others from it.
            Err(error) => tracing::warn!(session, owed, %error, "does not redeem a voucher; tries again later"),
        }
    }
    Ok(())
}
