//! Contributions of the worker to the workers' network: its node's place, which it announces on chain, and outputs that
//! their clients have asked for by digest.

use super::{
    job_loop::JobLoop,
    memory::{Kind, Output},
};
use assay_client::{
    chain::{BlockNumber, Call, ChainError, StateView, WorkersCall},
    schema,
};
use assay_types::{Announcement, Delivery, JobId, payload::delivered};

/// Blocks between two announcements: each costs a fee, and a node behind a relay changes its addresses now and then.
const REST_BLOCKS: BlockNumber = 300;
/// Blocks after an announcement that had no effect.
const RETRY_BLOCKS: BlockNumber = 20;

/// Announcement of the node's place that is under way.
#[derive(Clone, Debug, Default)]
pub(super) struct Telling {
    /// Nothing is told before this moment.
    rests_until: BlockNumber,
}

impl Telling {
    /// Announcement that is due at this moment in place of the present one; `None` if nothing is due. `place` is what
    /// the node would announce, and `joined` whether there is a node that is announced at all.
    fn due(
        &mut self,
        now: BlockNumber,
        joined: bool,
        announced: Option<&Announcement>,
        place: Option<Announcement>,
    ) -> Option<Option<Announcement>> {
        // A height that was a lie puts nothing to rest.
        let rests = now < self.rests_until && self.rests_until - now <= REST_BLOCKS;
        let next = match (joined, announced, place) {
            // What was announced by an earlier run, which had joined.
            (false, Some(_), _) => None,
            (true, Some(announced), Some(place)) if *announced != place => Some(place),
            (true, None, Some(place)) => Some(place),
            // A node that does not know its addresses yet may be where it was.
            (true, _, None) | (true, Some(_), Some(_)) | (false, None, _) => return None,
        };
        if rests {
            return None;
        }
        self.rests_until = now.saturating_add(REST_BLOCKS);
        Some(next)
    }

    /// Notes that an announcement had no effect.
    pub(super) fn note_failed(&mut self, now: BlockNumber) {
        self.rests_until = now.saturating_add(RETRY_BLOCKS);
    }
}

impl<S: StateView> JobLoop<'_, S> {
    /// Announces where the worker's node is, if that is not what the chain says.
    pub(super) async fn tell_place(&mut self, state: &S) -> Result<(), ChainError> {
        if self.leaving {
            return Ok(());
        }
        let announced = state.announcement(&self.policy.me).await?;
        let policy = self.config.common.network.as_ref();
        let joined = policy.is_some_and(|policy| policy.announces) && self.kept.network.is_some();
        let place = match &self.kept.network {
            Some(network) => network.announcement().await,
            None => None,
        };
        let due = self.kept.telling.due(self.view.now, joined, announced.as_ref(), place);
        let Some(announcement) = due else { return Ok(()) };
        match &announcement {
            Some(place) => tracing::info!(
                addresses = place.addresses.len(),
                "announcing where the worker's node is"
            ),
            None => tracing::info!("taking back where the worker's node was: it is not announced any more"),
        }
        let call = WorkersCall::Announce { announcement };
        self.send(Kind::Announce, Vec::new(), Call::Workers(call));
        Ok(())
    }

    /// Gives an output to the network that its client has asked for by digest, if anybody could compute it: the input
    /// is on chain, or came over the network.
    pub(super) fn share_output(&self, id: JobId, output: &Output) {
        let Some(network) = self.kept.network.clone() else {
            return;
        };
        let Some(job) = self.view.jobs.get(&id) else { return };
        if job.delivery != Delivery::Digest || !network.is_public(job.input_digest) {
            return;
        }
        let Some(served) = self.served.get(&job.model) else {
            return;
        };
        let tensors = delivered(&served.parts, &job.symbols, &output.bytes)
            .and_then(|outputs| schema::tensors(&outputs.layouts, &outputs.bytes));
        let Ok(tensors) = tensors else {
            return tracing::error!(
                job = id,
                "the output does not fit the model, so it is not given to the network"
            );
        };
        tokio::spawn(async move {
            match network.share(tensors).await {
                Ok(Some(_)) => {}
                Ok(None) => tracing::warn!(
                    job = id,
                    "the output is larger than what is given to the network from memory"
                ),
                Err(error) => tracing::warn!(job = id, %error, "the output is not given to the network"),
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(peer: u8) -> Announcement {
        Announcement {
            peer: vec![peer; 38].try_into().expect("short"),
            addresses: Default::default(),
        }
    }

    #[test]
    fn a_place_is_announced_once_and_anew_when_it_changes() {
        let mut telling = Telling::default();
        assert_eq!(telling.due(1, true, None, None), None);
        assert_eq!(telling.due(2, true, None, Some(place(1))), Some(Some(place(1))));
        // Its block is on the way.
        assert_eq!(telling.due(3, true, None, Some(place(1))), None);
        assert_eq!(telling.due(4, true, Some(&place(1)), Some(place(1))), None);
        assert_eq!(telling.due(5, true, Some(&place(1)), Some(place(2))), None);
        let later = 2 + REST_BLOCKS;
        assert_eq!(
            telling.due(later, true, Some(&place(1)), Some(place(2))),
            Some(Some(place(2)))
        );
    }

    #[test]
    fn what_an_earlier_run_announced_is_taken_back_by_one_that_has_not_joined() {
        let mut telling = Telling::default();
        assert_eq!(telling.due(1, false, None, None), None);
        assert_eq!(telling.due(1, false, Some(&place(1)), None), Some(None));
        // A node that does not know its addresses yet takes nothing back.
        assert_eq!(Telling::default().due(1, true, Some(&place(1)), None), None);
    }

    #[test]
    fn an_announcement_that_failed_is_tried_again_soon() {
        let mut telling = Telling::default();
        assert!(telling.due(1, true, None, Some(place(1))).is_some());
        telling.note_failed(3);
        assert_eq!(telling.due(4, true, None, Some(place(1))), None);
        assert!(telling.due(3 + RETRY_BLOCKS, true, None, Some(place(1))).is_some());
    }
}
