//! The call that a worker may have to make now, for those who give such calls room in a block. It is a look at the
//! session; whether the voucher is signed is not asked.

use crate::{Config, Pallet, Sessions, SignedVoucherOf};
use assay_types::{AssayTime, session::SessionPhase};
use polkadot_sdk::sp_runtime::traits::Zero;

impl<T: Config> Pallet<T> {
    /// Whether this worker loses what the voucher promises unless it redeems it soon: the session is closing, or its
    /// time is over and nobody has said so.
    pub fn may_redeem_now(worker: &T::AccountId, voucher: &SignedVoucherOf<T>) -> bool {
        let now = T::Time::now();
        Sessions::<T>::get(voucher.message.session).is_some_and(|session| {
            let is_over = session.state.until().is_some_and(|until| until < now);
            let is_closing = session.state.phase() == SessionPhase::Closing || is_over;
            session.worker == *worker
                && is_closing
                && Self::last_for_vouchers(voucher.message.session, &session).is_some_and(|last| now <= last)
                && !session.account.payable(voucher.message.owed).is_zero()
        })
    }
}
