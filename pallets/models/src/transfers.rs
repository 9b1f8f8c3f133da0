//! A model changes its owner: one offers it, the other accepts it and pays the deposit.

use crate::{Config, Error, Event, Models, Pallet, versions::footprint};
use assay_types::ModelId;
use polkadot_sdk::{
    frame_support::{ensure, traits::Consideration},
    sp_runtime::DispatchResult,
};

impl<T: Config> Pallet<T> {
    pub(crate) fn do_transfer(owner: T::AccountId, model: ModelId, to: T::AccountId) -> DispatchResult {
        let mut line = Self::owned_model(&owner, model)?;

        line.pending_owner = (to != owner).then(|| to.clone());
        Models::<T>::insert(model, line);
        Self::deposit_event(Event::TransferOffered { model, to });
        Ok(())
    }

    pub(crate) fn do_accept_transfer(to: T::AccountId, model: ModelId) -> DispatchResult {
        let mut line = Models::<T>::get(model).ok_or(Error::<T>::UnknownModel)?;
        ensure!(line.pending_owner.as_ref() == Some(&to), Error::<T>::TransferNotOffered);

        let ticket = T::Consideration::new(&to, footprint(line.live_versions, line.stored_bytes))?;
        let old_ticket = core::mem::replace(&mut line.ticket, ticket);
        let from = core::mem::replace(&mut line.owner, to.clone());
        old_ticket.drop(&from)?;
        line.pending_owner = None;
        Models::<T>::insert(model, line);
        Self::deposit_event(Event::Transferred { model, from, to });
        Ok(())
    }
}
