//! Work of a worker beside answering: it redeems vouchers that are due, ends sessions that their clients have closed,
//! and forgets those that are over.

use super::{Shared, lock};
use crate::{
    error::SessionError,
    types::{SessionId, SessionRecord},
};
use assay_types::session::SessionState;

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
            end_if_closed(shared, session, &record).await;
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

/// Ends a session whose client has closed it once nothing is left to redeem: a client closes when it has signed its
/// last voucher, and until the session ends it secures nothing and locks stake.
async fn end_if_closed(shared: &Shared, session: SessionId, record: &SessionRecord) {
    if !matches!(record.state, SessionState::Closing { .. }) || record.disputes > 0 {
        return;
    }
    match shared.chain.close(session).await {
        Ok(()) => tracing::info!(session, "ended a session that its client has closed"),
        Err(error) => tracing::warn!(session, %error, "does not end a session; tries again later"),
    }
}
