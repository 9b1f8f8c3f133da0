//! The call by which a worker says where its node is in the workers' network.

use crate::{Announcements, Config, Error, Event, Pallet};
use assay_types::Announcement;
use polkadot_sdk::{frame_support::ensure, sp_runtime::DispatchResult};

impl<T: Config> Pallet<T> {
    pub(crate) fn do_announce(worker: T::AccountId, announcement: Option<Announcement>) -> DispatchResult {
        Self::present(&worker)?;
        if let Some(given) = &announcement {
            let is_said = !given.peer.is_empty() && given.addresses.iter().all(|address| !address.is_empty());
            ensure!(is_said, Error::<T>::EmptyAnnouncement);
        }

        Announcements::<T>::set(&worker, announcement.clone());
        Self::deposit_event(Event::Announced { worker, announcement });
        Ok(())
    }
}
